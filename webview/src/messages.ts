// The messages between the extension and the recording webview, both ways. Both ends switch exhaustively over `type`.

import type { FoldChoice, FoldRule, TimeRange } from '../../helper/src/protocol';

/** What the line over the graph offers beside what it says. */
export type StatusAction = 'stop' | 'recordAgain';

/** Extension -> webview. */
export type ToWebview =
  /** Load or reload a recording: the whole file's text. `live` while it is still being recorded. */
  | { type: 'load'; name: string; text: string; live: boolean }
  /** One line over the graph: progress, losses, or that a source is newer than the binary. */
  | { type: 'status'; text: string; severity: 'info' | 'warning' | 'error'; actions?: StatusAction[] }
  | { type: 'select'; frame: number }
  /** Before the first load, and when it changed elsewhere. */
  | { type: 'fold'; rule: FoldRule }
  /** Brings a view into sight, and in it what has this key: of a route, see httpRouteKey. */
  | { type: 'showItem'; view: string; key: string }
  /** Sources of the recording loaded last, as it names them, that are not on this machine. */
  | { type: 'missingSources'; files: string[] }
  | { type: 'theme'; dark: boolean };

/** Webview -> extension. */
export type FromWebview =
  | { type: 'ready' }
  /** A frame's source was asked for (link, ctrl/cmd-click, Enter in a table). `frame` indexes shared.frames. */
  | { type: 'openSource'; frame: number; line: number | null; beside: boolean }
  /** What of the recording is shown changed: the editors show the same. `range` null: all of it. */
  | { type: 'part'; range: TimeRange | null; fold: FoldChoice }
  /** A source that is no frame's, as the recording names it: a handler's. */
  | { type: 'openFile'; file: string; line: number; beside: boolean }
  /** Text for the clipboard, which a page may not write to everywhere. */
  | { type: 'copy'; text: string }
  | { type: 'act'; action: StatusAction }
  /** A `load` is on the screen: after `ms`, at `atMs` (epoch, the page's clock). `live` as it was in that load. */
  | { type: 'painted'; samples: number; ms: number; atMs: number; live: boolean }
  | { type: 'error'; text: string };
