// What speedscope 1.25.0 keeps in its components, as far as speedscope.ts reads it or calls it. Shapes only; from its
// sources: src/app-state/profile-group.ts, src/views/application.tsx, src/views/flamechart-view.tsx, src/lib/profile.ts,
// src/lib/math.ts, src/views/themes/theme.tsx. VirtualNode is Preact's, with the names of its mangle.json.

export interface Frame {
  /** Index into shared.frames. */
  key: number;
}
export interface CallTreeNode {
  frame: Frame;
  parent: CallTreeNode | null;
  children: CallTreeNode[];
  isRoot(): boolean;
}
export interface Vec2 {
  x: number;
  y: number;
}
export interface Rect {
  origin: Vec2;
  size: Vec2;
  constructor: unknown;
}
export interface ChartState {
  hover: { node: CallTreeNode } | null;
  selectedNode: CallTreeNode | null;
  configSpaceViewportRect: Rect;
  logicalSpaceViewportSize: Vec2;
}
export interface ProfileState {
  profile: Profile;
  chronoViewState: ChartState;
  leftHeavyViewState: ChartState;
  sandwichViewState: {
    callerCallee: { selectedFrame: Frame; invertedCallerFlamegraph: ChartState; calleeFlamegraph: ChartState } | null;
  };
}
export interface Profile {
  getName(): string;
  getGroupedCalltreeRoot(): CallTreeNode;
  forEachFrame(visit: (frame: Frame) => void): void;
}
export interface ProfileGroup {
  profiles: Profile[];
}
export interface GraphTheme {
  fgPrimaryColor: string;
  fgSecondaryColor: string;
  bgPrimaryColor: string;
  bgSecondaryColor: string;
  altFgPrimaryColor: string;
  altFgSecondaryColor: string;
  altBgPrimaryColor: string;
  altBgSecondaryColor: string;
  selectionPrimaryColor: string;
  selectionSecondaryColor: string;
  weightColor: string;
  searchMatchTextColor: string;
  searchMatchPrimaryColor: string;
  searchMatchSecondaryColor: string;
}
export interface AppProps {
  activeProfileState: ProfileState | null;
  viewMode: number;
  theme: GraphTheme;
  /** Shows that something went wrong instead of a graph: without WebGL from the start. */
  error: boolean;
  setViewMode(mode: number): void;
  setProfileGroup(group: ProfileGroup): void;
  setLoading(loading: boolean): void;
  setError(error: boolean): void;
}
export interface App {
  props: AppProps;
  loadProfile(importer: () => Promise<ProfileGroup | null>): Promise<void>;
  componentDidUpdate?(): void;
}
export interface Flamechart {
  getTotalWeight(): number;
  getLayers(): { node: CallTreeNode; start: number; end: number }[][];
}
export interface ChartProps {
  flamechart: Flamechart;
  configSpaceViewportRect: Rect;
  logicalSpaceViewportSize: Vec2;
  setConfigSpaceViewportRect(rect: Rect): void;
  setLogicalSpaceViewportSize(size: Vec2): void;
  setSelectedNode(node: CallTreeNode): void;
}
/** A chart, and what it renders under the mouse: weight, blank, name, file and line. */
export interface TooltipOwner {
  props: { hover: { node: CallTreeNode } | null };
  renderTooltip(): TooltipNode | null;
  render(): TooltipNode;
}
/** What draws boxes, and over them what a search found: by frame, stretches of its name. */
export interface LitChart {
  props: {
    searchResults: { getMatchForFrame(frame: { key: number; name: string }): [number, number][] | null } | null;
    canvasContext?: { requestFrame(): void };
  };
}
export interface TooltipNode {
  props: { children: unknown[] };
}
export interface VirtualNode {
  __k?: (VirtualNode | null)[] | null;
  __c?: { props: object } | null;
}
