// The other side: VS Code's message channel and the small state it keeps for this tab while the page is hidden or the window
// reloads.
import type { TimeRange } from '../../helper/src/protocol';
import type { FromWebview } from './messages';

/** What a tab remembers. Every field is optional: an older version may have written it. */
export interface ViewState {
  /** Id of the view that stands beside the graph in a wide page; `graph`: none. */
  tab?: string;
  /** What a narrow page shows: `graph`, or a view's id. */
  narrowTab?: string;
  /** Width of the flame graph in percent of the page, where it stands beside a table. */
  splitPercent?: number;
  graphMode?: GraphMode;
  /** Name of the profile shown: its place in the file changes while it is being recorded. */
  profile?: string;
  /** Process and thread ids of those that are shown; left out: all. */
  threads?: readonly string[];
  /** Of time that is shown. */
  range?: TimeRange;
  /** By a view's id. */
  sorts?: Record<string, { column: string; descending: boolean }>;
  /** Widths that the user gave to columns, by table and column, px. */
  columns?: Record<string, Record<string, number>>;
  /** Words that functions are looked for by. */
  filter?: string;
  /** Which list of HTTP requests, and the filter over them. */
  httpList?: string;
  httpFilter?: string;
  treeDirection?: 'callees' | 'callers';
}

export type GraphMode = 'time-order' | 'left-heavy' | 'sandwich';

interface VsCodeApi {
  postMessage(message: FromWebview): void;
  getState(): ViewState | undefined;
  setState(state: ViewState): void;
}
declare function acquireVsCodeApi(): VsCodeApi;

export interface Host {
  send(message: FromWebview): void;
  readonly state: Readonly<ViewState>;
  remember(change: Partial<ViewState>): void;
}

export function connectHost(): Host {
  const api = acquireVsCodeApi();
  let state: ViewState = api.getState() ?? {};
  return {
    send: (message) => api.postMessage(message),
    get state() {
      return state;
    },
    remember(change) {
      state = { ...state, ...change };
      api.setState(state);
    },
  };
}
