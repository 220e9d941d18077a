// The one place that knows speedscope's insides. speedscope (pinned to 1.25.0) offers a page only "load this file";
// which frame was clicked, which thread is shown, or how to reload without a flash it does not say. All of that is in
// the properties of its top component, which Preact links from the root element: root.__k are the virtual nodes,
// node.__c the component instance, node.__k its children (names fixed in Preact's mangle.json). Nothing of speedscope
// is changed, only read, and its own setters called. webview/test/browser fails if an update moves any of it.
//
// It is given one profile at a time, and for its left-heavy and sandwich views each distinct stack once: importing all
// that a minute of eight threads brings would take longer than the rest of the page together.
//
// The state it reads is described in speedscope's src/app-state/profile-group.ts.
import type { SampledProfile, SpeedscopeFrame } from '../../helper/src/protocol';
import type { GraphMode } from './host';
import type { StackProfile } from './load';
import type {
  App,
  AppProps,
  CallTreeNode,
  ChartProps,
  ChartState,
  Frame,
  GraphTheme,
  LitChart,
  ProfileGroup,
  ProfileState,
  Rect,
  TooltipOwner,
  Vec2,
  VirtualNode,
} from './speedscopeTypes';
import { distinctStacks, mergedNeighbours, type StackTree } from './stackTree';

declare global {
  interface Window {
    speedscope?: { loadFileFromBase64(name: string, base64: string): void };
  }
}

/** Of speedscope's flame chart: overview, chart, tooltip and the lower panel. */
const CHART_PARTS = 4;
const MODES: readonly GraphMode[] = ['time-order', 'left-heavy', 'sandwich'];

/** What the page shows of the graph; frames are indexes into shared.frames. */
export interface GraphState {
  mode: GraphMode;
  selected: number | null;
}

/**
 * Before speedscope's script runs: it offers `loadFileFromBase64` only if the hash names a local profile, whose script
 * it then tries to load. That script does not exist and the CSP would complain, so it is not appended.
 */
export function prepareSpeedscope(): void {
  window.location.hash = '#localProfilePath=recording';
  const append = document.head.appendChild;
  document.head.appendChild = function <T extends Node>(this: HTMLHeadElement, node: T): T {
    if (!(node instanceof HTMLScriptElement && node.src.startsWith('file:'))) return append.call(this, node) as T;
    document.head.appendChild = append;
    return node;
  };
}

export interface GraphLoad {
  frames: readonly SpeedscopeFrame[];
  /** What the tooltip of a frame says instead of its name; null: the name. */
  fullName: (frame: number) => string | null;
  profile: StackProfile;
  tree: StackTree;
  mode: GraphMode;
  /** The same profile and mode as before: zoom and selection stay. */
  keepView: boolean;
}

export class FlameGraph {
  private readonly app: App;
  private wanted: GraphLoad | null = null;
  private loaded: { resolve: () => void; reject: (error: Error) => void } | null = null;
  private restoreView: (() => void) | null = null;
  /** Kinds of charts whose tooltips are in full, and that have no lower panel. */
  private readonly patched = new Set<object>();
  private lit: LitChart['props']['searchResults'] = null;
  private charts = new Set<LitChart>();

  /** `root` is the element that speedscope rendered into. */
  constructor(
    private readonly root: HTMLElement,
    onChange: (state: GraphState) => void,
  ) {
    const app = this.find<App>((c) => 'loadProfile' in c && 'setProfileGroup' in c.props);
    if (!app) throw new Error('speedscope did not start.');
    this.app = app;
    // Its loader clears the screen first and forgets view, thread and zoom: give it props that do not.
    const load = app.loadProfile;
    const quiet = Object.create(app, {
      props: {
        get: (): AppProps => ({
          ...app.props,
          setLoading: () => {},
          setError: (failed) => failed && this.loaded?.reject(new Error('speedscope cannot read this file.')),
          setProfileGroup: (group) => this.show(group),
        }),
      },
    });
    app.loadProfile = (importer) => load.call(quiet, importer);
    app.componentDidUpdate = () => {
      this.patchCharts();
      this.lightCharts();
      this.restoreView?.();
      this.restoreView = null;
      onChange(this.state);
    };
  }

  /** Loads or reloads in place. Resolves once speedscope has taken it over, before it is painted. */
  load(wanted: GraphLoad): Promise<void> {
    this.wanted = wanted;
    const { profile, mode, tree, frames } = wanted;
    const { stacks, weights } = mode === 'time-order' ? mergedNeighbours(profile) : distinctStacks(tree);
    const sampled = {
      type: 'sampled',
      name: profile.name,
      unit: profile.unit === 'samples' ? 'none' : profile.unit,
      startValue: 0,
      endValue: weights.reduce((sum, weight) => sum + weight, 0),
      samples: stacks as number[][],
      weights,
    } satisfies SampledProfile;
    const text = JSON.stringify({ shared: { frames }, profiles: [sampled] });
    return new Promise((resolve, reject) => {
      this.loaded = { resolve, reject };
      const reader = new FileReader();
      reader.onload = () =>
        window.speedscope?.loadFileFromBase64('recording.speedscope.json', (reader.result as string).split(',')[1]);
      reader.onerror = () => reject(reader.error ?? new Error('The recording could not be read.'));
      reader.readAsDataURL(new Blob([text]));
    });
  }

  get state(): GraphState {
    const active = this.app.props.activeProfileState;
    const mode = MODES[this.app.props.viewMode];
    const selected =
      mode === 'sandwich'
        ? active?.sandwichViewState.callerCallee?.selectedFrame
        : active && chartState(active, mode).selectedNode?.frame;
    return { mode, selected: selected?.key ?? null };
  }

  /** The frame under the mouse. */
  get hovered(): number | null {
    const active = this.app.props.activeProfileState;
    if (!active) return null;
    const sandwich = active.sandwichViewState.callerCallee;
    const charts =
      this.state.mode === 'sandwich'
        ? [sandwich?.calleeFlamegraph, sandwich?.invertedCallerFlamegraph]
        : [chartState(active, this.state.mode)];
    return charts.find((chart) => chart?.hover)?.hover?.node.frame.key ?? null;
  }

  /** The frame `depth` calls above the selected one: the rows of speedscope's stack trace. */
  selectedAncestor(depth: number): number | null {
    const active = this.app.props.activeProfileState;
    let node = active && this.state.mode !== 'sandwich' ? chartState(active, this.state.mode).selectedNode : null;
    for (let i = 0; node && i < depth; i++) node = node.parent;
    return node && !node.isRoot() ? node.frame.key : null;
  }

  /** Without WebGL there is no graph. */
  get failed(): boolean {
    return this.app.props.error;
  }

  get theme(): GraphTheme {
    return this.app.props.theme;
  }

  /** Selects a function: its widest box in a chart, its row in the sandwich view. */
  select(frame: number): void {
    const active = this.app.props.activeProfileState;
    if (!active || this.state.selected === frame) return;
    if (this.state.mode === 'sandwich') {
      active.profile.forEachFrame((candidate) => {
        if (candidate.key === frame)
          this.find<{ props: { setSelectedFrame(f: Frame): void } }>(
            (c) => 'setSelectedFrame' in c.props && 'profileIndex' in c.props,
          )?.props.setSelectedFrame(candidate);
      });
      return;
    }
    const chart = this.chart();
    let widest: { node: CallTreeNode; start: number; end: number; depth: number } | null = null;
    chart?.flamechart.getLayers().forEach((layer, depth) => {
      for (const box of layer)
        if (box.node.frame.key === frame && (!widest || box.end - box.start > widest.end - widest.start))
          widest = { ...box, depth };
    });
    if (!chart || !widest) return;
    const { node, start, end, depth } = widest as { node: CallTreeNode; start: number; end: number; depth: number };
    chart.setSelectedNode(node);
    const { origin, size } = chart.configSpaceViewportRect;
    if (end < origin.x || start > origin.x + size.x || depth < origin.y || depth > origin.y + size.y - 1)
      this.moveTo(chart, { x: Math.min(origin.x, start), y: Math.max(-1, depth - size.y / 2) }, size);
  }

  /** Its place on the page changed. speedscope keeps the scale; a graph that was shown whole stays whole. */
  resized(): void {
    const before = this.chart();
    const whole = before && before.configSpaceViewportRect.size.x >= before.flamechart.getTotalWeight() * 0.999;
    window.dispatchEvent(new Event('resize'));
    if (!whole) return;
    // After its own new properties are in place (Preact renders in a microtask), before anything is painted.
    void Promise.resolve().then(() => {
      const chart = this.chart();
      if (!chart) return;
      const { origin, size } = chart.configSpaceViewportRect;
      this.moveTo(chart, { x: 0, y: origin.y }, { x: chart.flamechart.getTotalWeight(), y: size.y });
    });
  }

  private show(group: ProfileGroup): void {
    const before = this.chart();
    const selectedPath = this.selectedPath();
    const mode = this.wanted?.mode ?? 'left-heavy';
    if (this.wanted?.keepView && before && before.configSpaceViewportRect.size.x > 0) {
      const { configSpaceViewportRect: rect, logicalSpaceViewportSize: size } = before;
      const oldTotal = before.flamechart.getTotalWeight();
      this.restoreView = () => {
        const chart = this.chart();
        if (!chart) return;
        // Left-heavy keeps the shares in view; in time order what was recorded stays where it was.
        const total = chart.flamechart.getTotalWeight();
        const whole = rect.size.x >= oldTotal * 0.999;
        const scale = mode === 'left-heavy' || whole ? total / oldTotal : 1;
        chart.setLogicalSpaceViewportSize(size);
        this.moveTo(
          chart,
          { x: rect.origin.x * scale, y: rect.origin.y },
          { x: rect.size.x * scale, y: rect.size.y },
          rect,
        );
        const node = mode === 'left-heavy' ? this.followPath(selectedPath) : null;
        if (node) chart.setSelectedNode(node);
      };
    }
    this.app.props.setViewMode(MODES.indexOf(mode));
    this.app.props.setProfileGroup(group);
    this.app.props.setLoading(false);
    this.loaded?.resolve();
    this.loaded = null;
  }

  private moveTo(chart: ChartProps, origin: Vec2, size: Vec2, like = chart.configSpaceViewportRect): void {
    const MadeRect = like.constructor as new (origin: Vec2, size: Vec2) => Rect;
    const MadeVec = like.origin.constructor as new (x: number, y: number) => Vec2;
    chart.setConfigSpaceViewportRect(new MadeRect(new MadeVec(origin.x, origin.y), new MadeVec(size.x, size.y)));
  }

  /** Frames from the outermost one to the selected box; empty without one and in the sandwich view. */
  selectedPath(): number[] {
    const path: number[] = [];
    for (let depth = 0; ; depth++) {
      const frame = this.selectedAncestor(depth);
      if (frame === null) return path.reverse();
      path.push(frame);
    }
  }

  private followPath(path: readonly number[]): CallTreeNode | null {
    let node = path.length > 0 ? this.app.props.activeProfileState?.profile.getGroupedCalltreeRoot() : undefined;
    for (const frame of path) node = node?.children.find((child) => child.frame.key === frame);
    return node ?? null;
  }

  private chart(): ChartProps | null {
    return (
      this.find<{ props: ChartProps }>((c) => 'flamechart' in c.props && 'setLogicalSpaceViewportSize' in c.props)
        ?.props ?? null
    );
  }

  /** Lights the boxes of these functions and dims the names of all others; null: no search. */
  light(frames: Uint8Array | null): void {
    this.lit = frames && {
      getMatchForFrame: ({ key, name }) => (frames[key] ? [[0, name.length]] : null),
    };
    this.lightCharts();
    for (const chart of this.charts) chart.props.canvasContext?.requestFrame();
  }

  /** speedscope's own search knows names alone and keeps its words to itself: its charts get what was found here. */
  private lightCharts(): void {
    const found = this.findAll<LitChart>((c) => 'searchResults' in c.props && 'renderInverted' in c.props);
    for (const chart of found) {
      if (this.charts.has(chart)) continue;
      let own = chart.props;
      Object.defineProperty(chart, 'props', {
        configurable: true,
        get: () => ({ ...own, searchResults: this.lit }),
        set: (props: LitChart['props']) => {
          own = props;
        },
      });
    }
    this.charts = new Set(found);
  }

  /**
   * A chart's tooltip shows the name as the box does: here it gets the full one. Its lower panel would repeat what the page says
   * of the selected function: it is left out.
   */
  private patchCharts(): void {
    const chart = this.find<TooltipOwner>((c) => 'renderTooltip' in c);
    const charts = chart && (Object.getPrototypeOf(chart) as TooltipOwner);
    if (!charts || this.patched.has(charts)) return;
    this.patched.add(charts);
    const { render, renderTooltip } = charts;
    const fullName = (frame: number) => this.wanted?.fullName(frame) ?? null;
    charts.renderTooltip = function (this: TooltipOwner) {
      const tip = renderTooltip.call(this);
      const frame = this.props.hover?.node.frame.key;
      const full = frame === undefined ? null : fullName(frame);
      const [weight, blank, , ...rest] = tip?.props.children ?? [];
      if (!tip || !weight || full === null) return tip;
      // Long ones wrap, where speedscope would cut them off.
      const props = { style: 'white-space: pre-wrap; overflow-wrap: anywhere', children: full };
      const name = { ...(weight as object), props };
      tip.props.children = [weight, blank, name, ...rest];
      return tip;
    };
    charts.render = function (this: TooltipOwner) {
      const drawn = render.call(this);
      const { children } = drawn.props;
      // Overview, chart, tooltip, lower panel.
      if (Array.isArray(children) && children.length === CHART_PARTS) drawn.props.children = children.slice(0, -1);
      return drawn;
    };
  }

  /** The first component, outermost first, that `matches`. */
  private find<T>(matches: (component: { props: object }) => boolean): T | null {
    return this.findAll<T>(matches, 1)[0] ?? null;
  }

  private findAll<T>(matches: (component: { props: object }) => boolean, most = Number.POSITIVE_INFINITY): T[] {
    const found: T[] = [];
    const search = (node: VirtualNode | null | undefined): void => {
      if (!node || found.length >= most) return;
      if (node.__c && matches(node.__c)) found.push(node.__c as T);
      for (const child of node.__k ?? []) search(child);
    };
    search((this.root as unknown as { __k?: VirtualNode }).__k);
    return found;
  }
}

function chartState(active: ProfileState, mode: GraphMode): ChartState {
  return mode === 'time-order' ? active.chronoViewState : active.leftHeavyViewState;
}
