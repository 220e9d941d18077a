// Keeps the views on one recording, one profile (thread) and one selected function, whoever changes them: the flame
// graph, a table, the toolbar or the extension. Called by boot.ts.
import * as l10n from '@vscode/l10n';
import type { GraphMode, Host } from './host';
import { parseRecording, type Recording, RecordingError, type StackProfile } from './load';
import type { ToWebview } from './messages';
import { describeShare, formatWeight } from './shares';
import { openSource, sameFrame } from './sourceLinks';
import { FlameGraph, type GraphState } from './speedscope';
import { buildStackTree, type FunctionWeights, functionWeights, type StackTree } from './stackTree';
import { type ColorSchemeSwitch, followTheme } from './theme';
import { CallTree } from './views/callTree';
import { FunctionTable } from './views/functionTable';
import { Layout } from './views/layout';
import { SelectionBar } from './views/selectionBar';
import { StatusLine } from './views/statusLine';

interface Loaded {
  recording: Recording;
  profileIndex: number;
  profile: StackProfile;
  tree: StackTree;
  weights: FunctionWeights;
}

export class RecordingPage {
  readonly root: HTMLElement;
  private readonly graph: FlameGraph;
  private readonly status = new StatusLine();
  private readonly functions: FunctionTable;
  private readonly callTree: CallTree;
  private readonly selection: SelectionBar;
  private readonly layout: Layout;
  private loaded: Loaded | null = null;
  private selected: number | null = null;
  /** The newest load that came while one was under way. */
  private waiting: Parameters<RecordingPage['load']> | null = null;
  private busy = false;

  constructor(
    private readonly host: Host,
    graphRoot: HTMLElement,
  ) {
    this.graph = new FlameGraph(graphRoot, (state) => this.onGraphChange(state));
    this.functions = new FunctionTable(host, (frame) => this.select(frame));
    this.callTree = new CallTree(host, (frame) => this.select(frame));
    this.selection = new SelectionBar(host);
    this.layout = new Layout(
      host,
      {
        status: this.status.root,
        functions: this.functions.root,
        tree: this.callTree.root,
        selection: this.selection.root,
      },
      graphRoot,
      {
        onMode: (mode) => this.setMode(mode),
        onProfile: (index) => this.graph.setProfile(index),
        onGraphResized: () => this.graph.resized(),
        onTab: () => this.revealSelected(),
      },
    );
    this.root = this.layout.root;
    graphRoot.setAttribute('role', 'region');
    graphRoot.setAttribute(
      'aria-label',
      l10n.t('Flame graph; Call Tree shows the same for keyboard and screen reader'),
    );
    graphRoot.tabIndex = 0;
    graphRoot.addEventListener('click', (event) => this.onGraphClick(event), true);
  }

  async start(scheme: ColorSchemeSwitch): Promise<void> {
    this.layout.start();
    this.layout.notify('');
    // Names are measured once and cut to fit: with the font that they will be drawn in.
    await Promise.all([followTheme(this.graph, scheme), document.fonts.load('12px "Source Code Pro"').catch(() => [])]);
  }

  async load(text: string, name: string, live: boolean): Promise<void> {
    if (this.busy) {
      this.waiting = [text, name, live];
      return;
    }
    this.busy = true;
    try {
      await this.loadNow(text, name, live, performance.now());
    } catch (error) {
      const sentence =
        error instanceof RecordingError ? error.message : l10n.t('This recording cannot be shown: {0}', String(error));
      this.layout.notify(sentence);
      this.host.send({ type: 'error', text: sentence });
    } finally {
      this.busy = false;
    }
    const next = this.waiting;
    this.waiting = null;
    if (next) await this.load(...next);
  }

  private async loadNow(text: string, name: string, live: boolean, startedMs: number): Promise<void> {
    const recording = parseRecording(text, name);
    const before = this.loaded;
    const wanted = before?.profile.name ?? this.host.state.profile;
    const found = recording.profiles.findIndex((profile) => profile.name === wanted);
    const profileIndex = found === -1 ? recording.activeProfile : found;
    this.status.show(recording, live);
    if (!recording.profiles.some((profile) => profile.stacks.length > 0)) {
      this.layout.notify(emptySentence(recording, live));
      this.host.send({ type: 'painted', samples: 0, ms: performance.now() - startedMs });
      return;
    }
    this.layout.notify(null);
    this.loaded = null;
    await this.graph.load(text, { mode: this.host.state.graphMode ?? 'left-heavy', profile: profileIndex });
    if (before && this.selected !== null) this.selected = sameFrame(before.recording, this.selected, recording);
    this.showProfile(recording, profileIndex);
    await painted();
    this.host.send({
      type: 'painted',
      samples: recording.extra?.samples ?? recording.profiles[profileIndex].stacks.length,
      ms: performance.now() - startedMs,
    });
  }

  say(status: Extract<ToWebview, { type: 'status' }>): void {
    this.status.say(status);
  }

  /** Selects a function everywhere. */
  select(frame: number): void {
    if (!this.loaded?.recording.frames[frame]) return;
    this.selected = frame;
    if (this.layout.isGraphVisible) this.graph.select(frame);
    this.revealSelected();
  }

  private showProfile(recording: Recording, profileIndex: number): void {
    const profile = recording.profiles[profileIndex];
    const tree = buildStackTree(profile);
    const weights = functionWeights(tree, recording.frames.length);
    this.loaded = { recording, profileIndex, profile, tree, weights };
    this.host.remember({ profile: profile.name });
    const total = Math.max(
      ...recording.profiles.map(({ weights }) => weights.reduce((sum, weight) => sum + weight, 0)),
    );
    this.layout.showThreads(
      recording.profiles.map((one) => {
        const weight = one.weights.reduce((sum, w) => sum + w, 0);
        return {
          text: `${one.name} (${describeShare(weight, total, one).text})`,
          title: formatWeight(weight, one.unit),
        };
      }),
      profileIndex,
    );
    this.functions.show(recording, profile, tree);
    this.callTree.show(recording, profile, tree);
    this.revealSelected();
  }

  private revealSelected(): void {
    if (!this.loaded || this.selected === null) {
      this.selection.clear();
      return;
    }
    const { recording, profile, tree, weights } = this.loaded;
    this.selection.show(recording, profile, tree, weights, this.selected);
    this.functions.reveal(this.selected);
    this.callTree.reveal(this.selected);
  }

  private setMode(mode: GraphMode): void {
    this.graph.setMode(mode);
  }

  private onGraphChange(state: GraphState): void {
    if (!this.loaded) return;
    this.layout.showMode(state.mode);
    if (state.mode !== (this.host.state.graphMode ?? 'left-heavy')) this.host.remember({ graphMode: state.mode });
    if (state.profile !== this.loaded.profileIndex) this.showProfile(this.loaded.recording, state.profile);
    if (state.selected !== null && state.selected !== this.selected) {
      this.selected = state.selected;
      this.revealSelected();
    }
  }

  /** Before speedscope sees it: ctrl/cmd-click opens the frame under the mouse, or the row's. */
  private onGraphClick(event: MouseEvent): void {
    if (!this.loaded || !(event.ctrlKey || event.metaKey) || !(event.target instanceof Element)) return;
    const { recording } = this.loaded;
    const open = (frame: number | null) => {
      if (frame !== null) openSource(this.host, recording, frame, event);
    };
    const row = event.target.closest('tr');
    // A row of the sandwich table is selected by this very click.
    if (row) setTimeout(() => open(this.graph.state.selected), 0);
    else if (event.target instanceof HTMLCanvasElement) open(this.graph.hovered);
  }
}

/** Resolves when what was just changed is on the screen; at once where nothing is painted because the tab is hidden. */
function painted(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}

function emptySentence({ extra }: Recording, live: boolean): string {
  if (live) return l10n.t('No samples yet: the process has used no CPU time so far.');
  const reason = extra?.errors.map(({ message, fix }) => `${message} ${fix}`).join(' ');
  return reason || l10n.t('This recording holds no samples.');
}
