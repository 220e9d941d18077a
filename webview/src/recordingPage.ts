// Keeps the views on one recording, one part of it and one selected function, whoever changes them: the flame graph, a table, the
// bars above or the extension.
import * as l10n from '@vscode/l10n';
import { FOLDS_NOTHING, type FoldRule, mergedProfile } from '../../helper/src/protocol';
import type { GraphMode, Host } from './host';
import { parseAnyRecording, type Recording, RecordingError } from './load';
import type { ToWebview } from './messages';
import type { Moments } from './moments';
import { plainName, shortName } from './names';
import { listenToKeys } from './pageKeys';
import { baseOf, foldedInto, originShares, type Part, showPart } from './part';
import { PartChoice } from './partChoice';
import { type Found, search } from './search';
import { describeShare, formatWeight } from './shares';
import { fullName, sameFrame, setMissingSources } from './sourceLinks';
import { FlameGraph, type GraphState } from './speedscope';
import { functionWeights, heaviestPath } from './stackTree';
import { type ColorSchemeSwitch, followTheme } from './theme';
import { Turns } from './turns';
import { FrameVerbs } from './views/frameVerbs';
import { Layout } from './views/layout';
import { ScopeBar } from './views/scopeBar';
import { SelectionBar } from './views/selectionBar';
import { StatusLine } from './views/statusLine';
import { ThreadChooser } from './views/threadChooser';
import { TimeStrip } from './views/timeStrip';
import type { MakeView, Shown, View } from './views/view';

interface Load {
  text: string;
  name: string;
  live: boolean;
  startedMs: number;
}

/** What is on the screen. `recording` has frames for folded modules behind those of `original`. */
interface Loaded extends Shown {
  original: Recording;
  part: Part;
  found: Found | null;
}

export class RecordingPage {
  readonly root: HTMLElement;
  private readonly graph: FlameGraph;
  private readonly status: StatusLine;
  private readonly views: readonly View[];
  private readonly selection: SelectionBar;
  private readonly scope: ScopeBar;
  private readonly strip: TimeStrip;
  private readonly threads: ThreadChooser;
  private readonly layout: Layout;
  private readonly turns: Turns<Load>;
  private readonly choice: PartChoice;
  private readonly verbs: FrameVerbs;
  private loaded: Loaded | null = null;
  private selected: number | null = null;
  /** Asked for before there was a recording to select it in. */
  private toSelect: number | null = null;

  constructor(
    private readonly host: Host,
    private readonly graphRoot: HTMLElement,
    views: readonly MakeView[],
  ) {
    this.graph = new FlameGraph(graphRoot, (state) => this.onGraphChange(state));
    this.turns = new Turns<Load>(
      (load) => this.load(load),
      () => this.showAgain(),
      () => this.whenIdle(),
    );
    this.status = new StatusLine((action) => host.send({ type: 'act', action }));
    this.choice = new PartChoice(host, () => void this.turns.show());
    this.verbs = new FrameVerbs(host, this.choice, {
      shown: () => this.loaded,
      showCallers: (frame) => this.showCallers(frame),
      pathTo: (frame) => this.pathTo(frame),
    });
    const select = (frame: number) => this.select(frame);
    const menu = (frame: number, at: { x: number; y: number }) => this.verbs.openMenu(frame, at);
    this.views = views.map((make) => make(host, select, menu, (moments) => this.showMoments(moments)));
    this.selection = new SelectionBar(host, (module) => this.choice.showModule(module));
    this.threads = new ThreadChooser((threads) => this.choice.setThreads(threads));
    this.strip = new TimeStrip((range) => this.choice.setRange(range));
    this.scope = new ScopeBar(host.state.filter ?? '', {
      onFold: (choice) => this.choice.fold(choice),
      onRange: () => this.choice.setRange(null),
      onMoments: () => this.choice.setMoments(null),
      onUnfocus: () => this.choice.setFocus(null),
      onSearch: (query) => this.lookFor(query),
      onLeaveSearch: () => this.visibleView?.enter?.(),
    });
    this.layout = new Layout(
      host,
      {
        status: this.status.root,
        scope: this.scope.root,
        strip: this.strip.root,
        threads: this.threads.root,
        selection: this.selection.root,
      },
      this.views,
      graphRoot,
      {
        onMode: (mode) => this.chooseMode(mode),
        onProfile: (profile) => this.choice.setProfile(profile),
        onGraphResized: () => this.graph.resized(),
        onTab: () => this.revealSelected(),
      },
    );
    this.root = this.layout.root;
    this.listen();
  }

  async start(scheme: ColorSchemeSwitch): Promise<void> {
    this.layout.start();
    this.layout.notify('');
    // Names are measured once and cut to fit: with the font that they will be drawn in.
    await Promise.all([followTheme(this.graph, scheme), document.fonts.load('12px "Source Code Pro"').catch(() => [])]);
  }

  /** Shows a recording, or a newer version of it. */
  open(text: string, name: string, live: boolean): Promise<void> {
    return this.turns.load({ text, name, live, startedMs: performance.now() });
  }

  say(status: Extract<ToWebview, { type: 'status' }>): void {
    // Where there is nothing else to show the sentence stands in its place, and only there.
    const alone = !this.loaded && !this.turns.busy && status.text !== '';
    if (alone) this.layout.notify(status.text);
    this.status.say(alone ? { ...status, text: '' } : status);
  }

  /** Whose code the user wants to see, as the workspace remembers it. */
  setRule(rule: FoldRule): void {
    this.choice.setRule(rule);
  }

  /** Their links become plain text, in what is shown and in what is shown later. */
  markMissing(files: readonly string[]): void {
    setMissingSources(files);
    const { loaded } = this;
    if (!loaded) return;
    for (const view of this.views) if (view.isFor(loaded.recording)) view.show(loaded);
    this.describeSelected();
  }

  /** Selects a function everywhere; while a recording is being loaded, in that one. */
  select(frame: number): void {
    if (this.turns.busy || !this.loaded) {
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

  /** In the graph, which a narrow page may not show. */
  private showMoments(moments: Moments): void {
    this.choice.setMoments(moments);
    this.layout.showGraph();
  }

  private listen(): void {
    const { graphRoot } = this;
    graphRoot.setAttribute('role', 'region');
    graphRoot.setAttribute(
      'aria-label',
      l10n.t('Flame graph; Call Tree shows the same for keyboard and screen reader'),
    );
    graphRoot.tabIndex = 0;
    graphRoot.addEventListener('click', (event) => this.onGraphClick(event), true);
    graphRoot.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      const frame = this.graph.hovered ?? this.selected;
      if (frame === null) return;
      this.select(frame);
      this.verbs.openMenu(frame, { x: event.clientX, y: event.clientY });
    });
    listenToKeys(graphRoot, (target) => target.closest('.grid') !== null, {
      onMode: (mode) => this.chooseMode(mode),
      onThread: (step) => this.choice.stepThread(step),
      onSearch: () => this.scope.focusSearch(),
      onVerb: (verb) => this.selected !== null && this.verbs.run(verb, this.selected),
      onOpen: (event) => this.selected !== null && this.verbs.openSource(this.selected, event),
    });
  }

  private whenIdle(): void {
    if (!this.loaded || this.toSelect === null) return;
    const frame = this.toSelect;
    this.toSelect = null;
    this.select(frame);
  }

  private async load({ text, name, live, startedMs }: Load): Promise<void> {
    try {
      const recording = parseAnyRecording(text, name);
      this.status.show(recording, live);
      if (!hasStacks(recording) && !this.views.some((view) => view.standsAlone && view.isFor(recording))) {
        this.layout.notify(emptySentence(recording, live));
        this.sayPainted(0, live, startedMs);
        return;
      }
      this.layout.notify(hasStacks(recording) ? null : emptySentence(recording, live));
      const { recording: before } = this.choice;
      const shown = this.loaded?.profile.name;
      if (before && this.selected !== null) this.selected = sameFrame(before, this.selected, recording);
      this.choice.follow(recording);
      await this.show(shown === recording.profiles[this.choice.part.profile]?.name);
      // Not waited for: a newer version need not wait for this one's frames.
      void this.whenPainted(recording, live, startedMs);
    } catch (error) {
      this.complain(error);
    }
  }

  private complain(error: unknown): void {
    const sentence =
      error instanceof RecordingError ? error.message : l10n.t('This recording cannot be shown: {0}', String(error));
    this.layout.notify(sentence);
    this.host.send({ type: 'error', text: sentence });
  }

  private async whenPainted(recording: Recording, live: boolean, startedMs: number): Promise<void> {
    await painted();
    if (this.choice.recording !== recording) return;
    if (this.graph.failed)
      this.layout.notify(
        l10n.t(
          'The flame graph needs WebGL, which is not available in this window. Hot Functions and Call Tree do not.',
        ),
      );
    const samples = recording.extra?.metrics[0]?.samples ?? recording.profiles[this.choice.part.profile].stacks.length;
    this.sayPainted(samples, live, startedMs);
  }

  private sayPainted(samples: number, live: boolean, startedMs: number): void {
    const now = performance.now();
    this.host.send({ type: 'painted', samples, ms: now - startedMs, atMs: performance.timeOrigin + now, live });
  }

  private get mode(): GraphMode {
    return this.host.state.graphMode ?? 'left-heavy';
  }

  private chooseMode(mode: GraphMode): void {
    this.host.remember({ graphMode: mode });
    if (this.choice.recording) void this.turns.show();
  }

  private lookFor(query: string): void {
    this.host.remember({ filter: query });
    if (this.loaded && !this.turns.busy) this.showFound(this.loaded);
  }

  private showFound(loaded: Loaded): void {
    loaded.found = search(loaded.recording, loaded.tree, this.host.state.filter ?? '');
    this.graph.light(loaded.found?.frames ?? null);
    for (const view of this.views) view.search?.(loaded.found);
    this.scope.showFound(loaded.found);
    // For measurements (test/browser/measureRepaint.ts): what was asked for is in place.
    performance.mark('shown');
  }

  private async showAgain(): Promise<void> {
    await this.show(false).catch((error) => this.complain(error));
  }

  private async show(keepView: boolean): Promise<void> {
    const { choice, mode } = this;
    const { recording: original, part } = choice;
    if (!original) return;
    const { recording, profile, tree } = showPart(original, part);
    const weights = this.loaded?.tree === tree ? this.loaded.weights : functionWeights(tree, recording.frames.length);
    this.host.remember({ profile: profile.name, graphMode: mode });
    this.layout.showMode(mode);
    const loaded: Loaded = { recording, original, part, profile, tree, weights, found: null };
    const known = this.loaded?.tree === tree && this.loaded.recording === recording;
    this.loaded = null;
    if (!known) this.showTables(loaded);
    if (hasStacks(original))
      await this.graph.load({
        frames: recording.frames.map((frame) => ({ ...frame, name: shortName(frame.name) })),
        fullName: (frame) => fullName(recording, frame),
        profile,
        tree,
        mode,
        keepView,
      });
    this.loaded = loaded;
    if (this.selected !== null && !keepView) this.graph.select(this.selected);
    this.showFound(loaded);
    this.describeSelected();
  }

  private showTables(loaded: Loaded): void {
    const { original, recording, part, profile } = loaded;
    const views = this.views.filter((view) => (view.standsAlone || hasStacks(original)) && view.isFor(recording));
    for (const view of views) view.show(loaded);
    // Where there is nothing else the graph's place says why.
    this.layout.offer(views, hasStacks(original) || views.length === 0);
    this.showChoices(original, part);
    this.strip.show(original, profile.metric, part.range);
    const rule = part.rule ?? FOLDS_NOTHING;
    this.scope.show({
      choice: rule,
      shares: originShares(original, part, rule),
      folds: original.extra !== null,
      range: part.range,
      moments: part.moments?.title ?? null,
      focus: part.focus === null ? null : plainName(recording.frames[part.focus].name),
    });
  }

  /** Where the file says whose each sample was, several threads can be chosen; else one of its profiles. */
  private showChoices(original: Recording, part: Part): void {
    const { profiles, extra } = original;
    const { metric } = profiles[part.profile];
    const bySample = extra !== null && baseOf(original, part.profile).thread !== null;
    if (bySample) this.threads.show(original, metric, part.threads);
    else this.threads.root.hidden = true;
    const listed = [...profiles.keys()].filter((i) => !bySample || mergedProfile(extra, profiles[i].metric) === i);
    const totalOf = (of: number) =>
      Math.max(...profiles.filter((one) => one.metric === of).map(({ totalWeight }) => totalWeight));
    this.layout.showProfiles(
      listed.map((index) => {
        const one = profiles[index];
        // Profiles of another program's file are no parts of a whole.
        const total = totalOf(one.metric);
        const isPart = extra !== null && one.totalWeight < total;
        const share = isPart ? ` (${describeShare(one.totalWeight, total, one).text})` : '';
        return { index, text: one.name + share, title: formatWeight(one.totalWeight, one.unit) };
      }),
      part.profile,
      extra ? l10n.t('Thread') : l10n.t('Profile'),
    );
  }

  private describeSelected(): void {
    const { loaded, selected } = this;
    if (!loaded || selected === null || !loaded.recording.frames[selected]) this.selection.clear();
    else this.selection.show(loaded, selected, foldedInto(loaded.original, loaded.part, selected));
  }

  private showCallers(frame: number): void {
    const view = this.views.find(({ showCallers }) => showCallers !== undefined);
    if (!view) return;
    this.layout.select(view.id);
    view.showCallers?.(frame);
  }

  private get visibleView(): View | undefined {
    return this.views.find(({ id }) => id === this.layout.visibleTab);
  }

  private revealSelected(): void {
    this.describeSelected();
    const { selected } = this;
    if (!this.loaded || selected === null) return;
    this.visibleView?.reveal?.({ frame: selected, path: () => this.pathTo(selected) });
  }

  /** The call that is selected in the graph, else the heaviest. */
  private pathTo(frame: number): readonly number[] {
    const path = this.graph.selectedPath();
    const inGraph = path.length > 0 && path[path.length - 1] === frame;
    return inGraph || !this.loaded ? path : heaviestPath(this.loaded.tree, frame);
  }

  private onGraphChange(state: GraphState): void {
    if (!this.loaded || state.selected === null || state.selected === this.selected) return;
    this.selected = state.selected;
    this.revealSelected();
  }

  /** Before speedscope sees it: ctrl/cmd-click opens the frame under the mouse, or the row's. */
  private onGraphClick(event: MouseEvent): void {
    if (!this.loaded || !(event.target instanceof Element) || (!event.ctrlKey && !event.metaKey)) return;
    const open = (frame: number | null) => frame !== null && this.verbs.openSource(frame, event);
    // A row of the sandwich table is selected by this very click.
    if (event.target.closest('tr')) setTimeout(() => open(this.graph.state.selected), 0);
    else if (event.target instanceof HTMLCanvasElement) open(this.graph.hovered);
  }
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
