// Keeps the output file of one recording current while it grows: a whole, valid file again and again, as often as its
// cost allows, so that a killed helper loses seconds and a live flame graph has something to load.

import { unlink } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { markIncomplete } from '../../client/recordingMark';
import { writeAtomically } from '../../export/outputFile';
import { type RecordingHead, speedscopeText } from '../../export/speedscope';
import { type StopReason, toErrorReport } from '../../protocol';
import type { StackCounts } from '../../stack/stackCounts';
import type { Sink, SinkEvents } from './types';

/** The first file soon after the first sample, later ones further apart. */
const FIRST_DELAY_MS = 700;
const EARLY_INTERVAL_MS = 2_000;
const EARLY_UNTIL_MS = 5_000;
const LATE_INTERVAL_MS = 10_000;
const WATCHED_INTERVAL_MS = 1_000;
/** Time between writes as a multiple of the last one's own: 0.25 % of a core, 5 % while somebody looks and at the beginning. */
const COST_FACTOR = 400;
const EAGER_COST_FACTOR = 20;

/** Thrown into a checkpoint that the recording's end makes needless. */
const SUPERSEDED = new Error('superseded by the last version');

export class FileSink implements Sink {
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();
  private busy = false;
  private ended = false;
  private visible = false;
  private startedAtMs = 0;
  private lastEndMs = 0;
  private lastCostMs = 0;
  private lastCount = 0;
  /** What the file holds as it stands; 0 before the first write. */
  countWritten = 0;

  constructor(
    private readonly output: string,
    private readonly stacks: StackCounts,
    /** What there is so far, of all tracers: a version is written when it has changed. */
    private readonly count: () => number,
    private readonly head: (complete: boolean, stopReason: StopReason) => RecordingHead,
    private readonly events: SinkEvents,
  ) {}

  start(): void {
    if (this.startedAtMs > 0) return;
    this.startedAtMs = performance.now();
    this.schedule(FIRST_DELAY_MS);
  }

  get watched(): boolean {
    return this.visible;
  }

  set watched(visible: boolean) {
    if (visible === this.visible) return;
    this.visible = visible;
    if (visible && this.startedAtMs > 0 && !this.busy) this.schedule(this.delayMs());
  }

  /** The last version. Throws DISK_FULL or OUTPUT_NOT_WRITABLE; an earlier version then stays, marked. */
  async finish(stopReason: StopReason): Promise<void> {
    await this.end();
    try {
      await this.write(stopReason !== 'error' && stopReason !== 'diskFull', stopReason);
    } catch (error) {
      this.markEarlierVersion(error, stopReason);
      throw error;
    }
  }

  /** No more writes; what was last written stays, marked. */
  async abandon(stopReason: StopReason): Promise<void> {
    await this.end();
    if (this.countWritten > 0) markIncomplete(this.output, stopReason);
  }

  async discard(): Promise<void> {
    await this.end();
    if (this.countWritten > 0) await unlink(this.output).catch(() => {});
    this.countWritten = 0;
  }

  private async end(): Promise<void> {
    this.ended = true;
    if (this.timer) clearTimeout(this.timer);
    await this.writing.catch(() => {});
  }

  private delayMs(): number {
    const now = performance.now();
    const early = now - this.startedAtMs < EARLY_UNTIL_MS;
    const intervalMs = this.visible ? WATCHED_INTERVAL_MS : early ? EARLY_INTERVAL_MS : LATE_INTERVAL_MS;
    // A slow first write must not keep back the first names: they come with the next one.
    const restMs = this.lastCostMs * (this.visible || early ? EAGER_COST_FACTOR : COST_FACTOR);
    return Math.max(0, this.lastEndMs + Math.max(intervalMs, restMs) - now);
  }

  private schedule(delayMs: number): void {
    if (this.timer) clearTimeout(this.timer);
    if (this.ended) return;
    this.timer = setTimeout(() => {
      this.busy = true;
      this.writing = this.checkpoint().finally(() => {
        this.busy = false;
      });
    }, delayMs);
  }

  private async checkpoint(): Promise<void> {
    if (this.count() !== this.lastCount) {
      try {
        await this.write(false, 'running');
      } catch (error) {
        if (error === SUPERSEDED) return;
        this.ended = true;
        this.events.failed(error);
        return;
      }
      this.events.written(this.countWritten);
    }
    this.lastEndMs = performance.now();
    this.schedule(this.delayMs());
  }

  private async write(complete: boolean, stopReason: StopReason): Promise<void> {
    let costMs = 0;
    let since = performance.now();
    const count = this.count();
    const snapshot = this.stacks.snapshot();
    try {
      await writeAtomically(this.output, speedscopeText(snapshot, this.head(complete, stopReason)), async () => {
        costMs += performance.now() - since;
        await setImmediate();
        if (this.ended && stopReason === 'running') throw SUPERSEDED;
        since = performance.now();
      });
    } finally {
      this.stacks.release();
    }
    this.lastCostMs = costMs;
    this.lastCount = this.countWritten = count;
  }

  private markEarlierVersion(error: unknown, stopReason: StopReason): void {
    if (this.countWritten === 0) return;
    markIncomplete(this.output, toErrorReport(error).code === 'DISK_FULL' ? 'diskFull' : stopReason);
  }
}
