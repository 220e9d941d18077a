// The recordings of a helper: starts them by the table of tracers, ends and lists them, and keeps their outcomes for a while.

import { chooseTracers } from '../engine/chooseTracers';
import { type RecordOptions, type RecordSummary, type RunningRecording, TracerError, tracerError } from '../protocol';
import type { Notify, RecordingParts } from './parts';
import { type Outcome, Recording } from './recording';

/** Outcomes kept for a stop request that crosses the news that the recording ended. */
const KEPT_OUTCOMES = 64;

export class Recordings {
  private readonly running = new Map<number, Recording>();
  private readonly ended = new Map<number, Outcome>();
  /** Recordings whose client waits for the outcome and needs no news of it. */
  private readonly asked = new Set<number>();
  private nextId = 1;

  constructor(private readonly parts: RecordingParts) {}

  /** Resolves once samples can arrive. Throws TracerError. */
  async start(options: RecordOptions, notify: Notify): Promise<{ recordingId: number; attachedMs: number }> {
    const tracers = chooseTracers(this.parts.tracers, options);
    const notServed = tracers.find(({ tracer }) => !this.parts.served.includes(tracer.id));
    if (notServed) throw tracerError('TRACER_NOT_SERVED', this.parts.served.join(', '), notServed.tracer.id);
    const recording = new Recording(this.nextId++, options, tracers, this.parts, notify);
    const { id } = recording;
    this.running.set(id, recording);
    try {
      const started = await recording.start();
      // Not before the client has the answer that names the recording.
      setImmediate(() => void recording.outcome.then((outcome) => this.keep(id, outcome, notify)));
      return started;
    } catch (error) {
      this.running.delete(id);
      throw error;
    }
  }

  /** Ends and saves it. Throws TracerError: NOTHING_RECORDED_…, DISK_FULL, NO_RECORDING, … */
  async stop(id: number): Promise<RecordSummary> {
    const recording = this.running.get(id);
    this.asked.add(id);
    void recording?.end('stopped');
    const outcome = recording ? await recording.outcome : this.ended.get(id);
    if (!outcome) throw tracerError('NO_RECORDING', id);
    if (outcome.error) throw new TracerError(outcome.error);
    if (!outcome.summary) throw tracerError('CANCELLED');
    return outcome.summary;
  }

  /** Ends it at once; what was last written stays. */
  async abort(id: number): Promise<void> {
    const recording = this.running.get(id);
    if (!recording) return;
    this.asked.add(id);
    recording.abort();
    await recording.outcome;
  }

  list(): RunningRecording[] {
    return [...this.running.values()].map(({ id, options, tracers, startedAtMs, samples }) => ({
      recordingId: id,
      target: options.target,
      tracers: tracers.map(({ tracer }) => tracer.id),
      title: options.title,
      output: options.output,
      startedAtMs,
      samples,
    }));
  }

  watch(id: number, visible: boolean): void {
    const recording = this.running.get(id);
    if (recording) recording.watched = visible;
  }

  /** Ends and saves all of them; resolves once nothing is loaded any more. */
  async closeAll(): Promise<void> {
    const open = [...this.running.values()];
    for (const recording of open) void recording.end('stopped');
    await Promise.all(open.map((recording) => recording.outcome));
  }

  private keep(id: number, outcome: Outcome, notify: Notify): void {
    this.running.delete(id);
    this.ended.set(id, outcome);
    if (this.ended.size > KEPT_OUTCOMES) this.ended.delete(this.ended.keys().next().value!);
    if (!this.asked.delete(id)) notify('record/ended', { recordingId: id, ...outcome });
  }
}
