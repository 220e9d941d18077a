// Keeps the views on one recording, one profile (thread) and one selected function, whoever changes them: the flame graph, a table,
// the toolbar or the extension.
import * as l10n from '@vscode/l10n';
import type { GraphMode, Host } from './host';
import { parseAnyRecording, type Recording, RecordingError } from './load';
import type { ToWebview } from './messages';
import { describeShare, formatWeight } from './shares';
import { fullName, openSource, sameFrame, setMissingSources, sourceLink } from './sourceLinks';
import { FlameGraph, type GraphState } from './speedscope';
import { buildStackTree, functionWeights, heaviestPath } from './stackTree';
import { type ColorSchemeSwitch, followTheme } from './theme';
import { Layout } from './views/layout';
import { SelectionBar } from './views/selectionBar';
import { StatusLine } from './views/statusLine';
import type { MakeView, Shown, View } from './views/view';

/** The sources in speedscope's stack trace of the selected frame. */
const TRACE_SOURCE = 'div > span[style] ~ span:last-child';

interface Loaded extends Shown {
  profileIndex: number;
}

export class RecordingPage {
  readonly root: HTMLElement;
  private readonly graph: FlameGraph;
  private readonly status = new StatusLine();
  private readonly views: readonly View[];
  private readonly selection: SelectionBar;
  private readonly layout: Layout;
  private loaded: Loaded | null = null;
  private selected: number | null = null;
  /** The newest load that came while one was under way. */
  private waiting: Parameters<RecordingPage['load']> | null = null;
  private busy = false;
  private newest: Recording | null = null;
  /** Asked for before there was a recording to select it in. */
  private toSelect: number | null = null;

  constructor(
    private readonly host: Host,
    private readonly graphRoot: HTMLElement,
    views: readonly MakeView[],
  ) {
    this.graph = new FlameGraph(graphRoot, (state) => this.onGraphChange(state));
    this.views = views.map((make) => make(host, (frame) => this.select(frame)));
    this.selection = new SelectionBar(host);
    this.layout = new Layout(
      host,
      { status: this.status.root, selection: this.selection.root },
      this.views,
      graphRoot,
      {
        onMode: (mode) => void this.show({ mode }),
        onProfile: (profileIndex) => void this.show({ profileIndex }),
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
    new MutationObserver(() => this.markTrace()).observe(graphRoot, { childList: true, subtree: true });
    graphRoot.addEventListener('click', (event) => this.onGraphClick(event), true);
    // On the document: keys.ts ends on the window what is not for speedscope.
    document.addEventListener('keydown', (event) => this.onGraphKey(event, graphRoot));
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
    }
    await this.freeForNext();
  }

  private async freeForNext(): Promise<void> {
    this.busy = false;
    const next = this.waiting;
    this.waiting = null;
    if (next) await this.load(...next);
    else if (this.loaded && this.toSelect !== null) {
      const frame = this.toSelect;
      this.toSelect = null;
      this.select(frame);
    }
  }

  private async loadNow(text: string, name: string, live: boolean, startedMs: number): Promise<void> {
    const recording = parseAnyRecording(text, name);
    this.newest = recording;
    const before = this.loaded;
    const wanted = before?.profile.name ?? this.host.state.profile;
    const found = recording.profiles.findIndex((profile) => profile.name === wanted);
    const profileIndex = found === -1 ? recording.activeProfile : found;
    this.status.show(recording, live);
    if (!hasStacks(recording) && !this.views.some((view) => view.standsAlone && view.isFor(recording))) {
      this.layout.notify(emptySentence(recording, live));
      this.sayPainted(0, live, startedMs);
      return;
    }
    this.layout.notify(hasStacks(recording) ? null : emptySentence(recording, live));
    if (before && this.selected !== null) this.selected = sameFrame(before.recording, this.selected, recording);
    await this.showProfile(recording, profileIndex, this.mode, before?.profile.name === wanted);
    // Not waited for: a newer version need not wait for this one's frames.
    void this.whenPainted(recording, profileIndex, live, startedMs);
  }

  private async whenPainted(
    recording: Recording,
    profileIndex: number,
    live: boolean,
    startedMs: number,
  ): Promise<void> {
    await painted();
    if (this.newest !== recording) return;
    if (this.graph.failed)
      this.layout.notify(
        l10n.t(
          'The flame graph needs WebGL, which is not available in this window. Hot Functions and Call Tree do not.',
        ),
      );
    this.sayPainted(
      recording.extra?.metrics[0]?.samples ?? recording.profiles[profileIndex].stacks.length,
      live,
      startedMs,
    );
  }

  private sayPainted(samples: number, live: boolean, startedMs: number): void {
    const now = performance.now();
    this.host.send({ type: 'painted', samples, ms: now - startedMs, atMs: performance.timeOrigin + now, live });
  }

  say(status: Extract<ToWebview, { type: 'status' }>): void {
    // Where there is nothing else to show the sentence stands in its place, and only there.
    if (status.severity === 'error' && !this.loaded && !this.busy) this.layout.notify(status.text);
    else this.status.say(status);
  }

  /** Their links become plain text, in what is shown and in what is shown later. */
  markMissing(files: readonly string[]): void {
    setMissingSources(files);
    const { loaded } = this;
    if (!loaded) return;
    for (const view of this.views) if (view.isFor(loaded.recording)) view.show(loaded);
    this.describeSelected();
    this.markTrace();
  }

  /** speedscope's stack trace of the selected frame, whose sources look like links otherwise. */
  private markTrace(): void {
    const { loaded } = this;
    if (!loaded) return;
    for (const source of this.graphRoot.querySelectorAll(TRACE_SOURCE)) {
      const frame = this.graph.selectedAncestor(placeInTrace(source));
      const link = frame === null ? null : sourceLink(loaded.recording, frame);
      source.classList.toggle('missing', link !== null && !link.opens);
    }
  }

  /** Selects a function everywhere; while a recording is being loaded, in that one. */
  select(frame: number): void {
    if (this.busy || !this.loaded) {
      this.toSelect = frame;
      return;
    }
    if (!this.loaded.recording.frames[frame]) return;
    this.selected = frame;
    if (this.layout.isGraphVisible) this.graph.select(frame);
    this.revealSelected();
  }

  /** In the view of this name. */
  showItem(view: string, key: string): void {
    const found = this.views.find(({ id }) => id === view);
    if (!found?.showItem) return;
    this.layout.select(view);
    found.showItem(key);
  }

  private get mode(): GraphMode {
    return this.host.state.graphMode ?? 'left-heavy';
  }

  /** Another thread or another order of the graph. */
  private async show(change: { profileIndex?: number; mode?: GraphMode }): Promise<void> {
    if (!this.loaded || this.busy) return;
    const { recording } = this.loaded;
    const { profileIndex = this.loaded.profileIndex, mode = this.mode } = change;
    if (!recording.profiles[profileIndex]) return;
    this.busy = true;
    await this.showProfile(recording, profileIndex, mode, false).finally(() => this.freeForNext());
  }

  private async showProfile(
    recording: Recording,
    profileIndex: number,
    mode: GraphMode,
    keepView: boolean,
  ): Promise<void> {
    const profile = recording.profiles[profileIndex];
    const known = this.loaded?.profile === profile ? this.loaded : null;
    const tree = known?.tree ?? buildStackTree(profile);
    const weights = known?.weights ?? functionWeights(tree, recording.frames.length);
    this.host.remember({ profile: profile.name, graphMode: mode });
    this.layout.showMode(mode);
    this.loaded = null;
    if (hasStacks(recording))
      await this.graph.load({
        frames: recording.frames,
        fullName: (frame) => (recording.extra?.frameDetails?.[frame]?.fullName ? fullName(recording, frame) : null),
        profile,
        tree,
        mode,
        keepView,
      });
    this.loaded = { recording, profileIndex, profile, tree, weights };
    // The sandwich view always starts empty; so does every view of an order not seen before.
    if (this.selected !== null && (known || mode === 'sandwich')) this.graph.select(this.selected);
    if (known) return;
    const totalOf = (metric: number) =>
      Math.max(...recording.profiles.filter((one) => one.metric === metric).map(({ totalWeight }) => totalWeight));
    this.layout.showThreads(
      recording.profiles.map((one) => {
        // Profiles of another program's file are no parts of a whole.
        const total = totalOf(one.metric);
        const part =
          recording.extra && one.totalWeight < total ? ` (${describeShare(one.totalWeight, total, one).text})` : '';
        return { text: one.name + part, title: formatWeight(one.totalWeight, one.unit) };
      }),
      profileIndex,
      recording.extra ? l10n.t('Thread') : l10n.t('Profile'),
    );
    const views = this.views.filter((view) => (view.standsAlone || hasStacks(recording)) && view.isFor(recording));
    for (const view of views) view.show(this.loaded);
    // Where there is nothing else the graph's place says why.
    this.layout.offer(views, hasStacks(recording) || views.length === 0);
    this.describeSelected();
  }

  private describeSelected(): void {
    if (!this.loaded || this.selected === null) this.selection.clear();
    else {
      const { recording, profile, tree, weights } = this.loaded;
      this.selection.show(recording, profile, tree, weights, this.selected);
    }
  }

  private revealSelected(): void {
    this.describeSelected();
    if (!this.loaded || this.selected === null) return;
    const { loaded, selected } = this;
    this.views
      .find(({ id }) => id === this.layout.visibleTab)
      ?.reveal?.({
        frame: selected,
        path: () => {
          const path = this.graph.selectedPath();
          const inGraph = path.length > 0 && path[path.length - 1] === selected;
          return inGraph ? path : heaviestPath(loaded.tree, selected);
        },
      });
  }

  private onGraphChange(state: GraphState): void {
    if (!this.loaded || state.selected === null || state.selected === this.selected) return;
    this.selected = state.selected;
    this.revealSelected();
  }

  /** speedscope's keys for its views and threads, which it does not see itself: see keys.ts. */
  private onGraphKey(event: KeyboardEvent, graphRoot: HTMLElement): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.loaded) return;
    if (event.target !== document.body && !graphRoot.contains(event.target as Node)) return;
    if (event.target instanceof HTMLInputElement) return;
    const mode = { '1': 'time-order', '2': 'left-heavy', '3': 'sandwich' } as const;
    const step = { n: 1, p: -1 }[event.key];
    if (event.key in mode) void this.show({ mode: mode[event.key as keyof typeof mode] });
    else if (step !== undefined) void this.show({ profileIndex: this.loaded.profileIndex + step });
  }

  /**
   * Before speedscope sees it: ctrl/cmd-click opens the frame under the mouse, or the row's. In its stack trace a click
   * on a source opens it.
   */
  private onGraphClick(event: MouseEvent): void {
    if (!this.loaded || !(event.target instanceof Element)) return;
    const { recording } = this.loaded;
    const open = (frame: number | null) => {
      if (frame !== null) openSource(this.host, recording, frame, event);
    };
    if (event.target.matches(TRACE_SOURCE)) {
      open(this.graph.selectedAncestor(placeInTrace(event.target)));
      return;
    }
    if (!event.ctrlKey && !event.metaKey) return;
    const row = event.target.closest('tr');
    // A row of the sandwich table is selected by this very click.
    if (row) setTimeout(() => open(this.graph.state.selected), 0);
    else if (event.target instanceof HTMLCanvasElement) open(this.graph.hovered);
  }
}

/** Which line of the stack trace the source stands in. */
function placeInTrace(source: Element): number {
  const line = source.parentElement;
  return line?.parentElement ? [...line.parentElement.children].indexOf(line) : -1;
}

/** Resolves when what was just changed is on the screen; at once where nothing is painted because the tab is hidden. */
function painted(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
}

const hasStacks = ({ profiles }: Recording): boolean => profiles.some(({ stacks }) => stacks.length > 0);

function emptySentence({ extra }: Recording, live: boolean): string {
  if (live) return l10n.t('No samples yet: the process has used no CPU time so far.');
  const reason = extra?.errors.map(({ message, fix }) => `${message} ${fix}`).join(' ');
  return reason || l10n.t('This recording holds no samples.');
}
