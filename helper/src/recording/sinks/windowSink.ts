// Keeps a recording that has no end in bounded memory: after each window of time all that was counted is handed on as one whole
// recording, and counting begins anew. For unattended use, where nobody asks for a file at the end.

import type { RecordingHead } from '../../export/speedscope';
import { speedscopeText } from '../../export/speedscope';
import type { StopReason } from '../../protocol';
import type { StackCounts } from '../../stack/stackCounts';
import type { Sink, SinkEvents } from './types';

/** Takes one window: the pieces of a recording file, and between which times (epoch, ms) it was taken. */
export type TakeWindow = (text: Iterable<string>, window: { fromMs: number; untilMs: number }) => Promise<void>;

export interface WindowOptions {
  windowMs: number;
  take: TakeWindow;
  /** Counting begins anew: every stack must be told of again by the kernel (Capture.bumpGeneration). */
  onReset(): void;
}

export class WindowSink implements Sink {
  /** Nothing to do: a window is not shown before its end. */
  watched = false;
  private timer: NodeJS.Timeout | null = null;
  private fromMs = Date.now();
  private flushing: Promise<void> = Promise.resolve();
  private ended = false;

  constructor(
    private readonly stacks: StackCounts,
    private readonly head: (complete: boolean, stopReason: StopReason) => RecordingHead,
    private readonly options: WindowOptions,
    private readonly events: SinkEvents,
  ) {}

  start(): void {
    if (this.timer) return;
    this.fromMs = Date.now();
    this.schedule();
  }

  /** The last window, shorter than the others. */
  async finish(stopReason: StopReason): Promise<void> {
    await this.end();
    if (this.stacks.samples > 0) await this.flush(stopReason);
  }

  async abandon(): Promise<void> {
    await this.end();
  }

  /** Windows that were handed on are not ours any more. */
  async discard(): Promise<void> {
    await this.end();
  }

  private async end(): Promise<void> {
    this.ended = true;
    if (this.timer) clearTimeout(this.timer);
    await this.flushing.catch(() => {});
  }

  private schedule(): void {
    if (this.ended) return;
    this.timer = setTimeout(() => {
      this.flushing = this.flush('duration').then(
        () => this.schedule(),
        (error) => {
          this.ended = true;
          this.events.failed(error);
        },
      );
    }, this.options.windowMs);
  }

  /** A window without samples is handed on as well: that nothing ran is an answer. */
  private async flush(stopReason: StopReason): Promise<void> {
    const window = { fromMs: this.fromMs, untilMs: Date.now() };
    this.fromMs = window.untilMs;
    const head = this.head(true, stopReason);
    const snapshot = this.stacks.snapshot();
    this.stacks.release();
    // The snapshot shares its arrays with what was counted, which nobody adds to from here on.
    this.stacks.reset();
    this.options.onReset();
    await this.options.take(speedscopeText(snapshot, head), window);
    this.events.written(snapshot.metrics.reduce((sum, { samples }) => sum + samples, 0));
  }
}
