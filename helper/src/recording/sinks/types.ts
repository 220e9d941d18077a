// Where a recording goes while it grows and when it ends: into one file (fileSink.ts), or into one after the other for as long
// as somebody wants (windowSink.ts). A recording tells its sink when it has something, and how it ended.

import type { StopReason } from '../../protocol';

export interface Sink {
  /** There is something to write. Calls after the first one do nothing. */
  start(): void;
  /** Somebody looks at what is written: it should not be older than a second or so. */
  watched: boolean;
  /** All that there is. Throws DISK_FULL or OUTPUT_NOT_WRITABLE; what was written earlier then stays, marked. */
  finish(stopReason: StopReason): Promise<void>;
  /** No more writes; what was last written stays, marked. */
  abandon(stopReason: StopReason): Promise<void>;
  /** No more writes, and no file: the recording failed before it was told to have started. */
  discard(): Promise<void>;
}

export interface SinkEvents {
  written(samples: number): void;
  /** A write that nobody waited for failed; no more are tried. */
  failed(error: unknown): void;
}
