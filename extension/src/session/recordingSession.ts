// One recording from start to its kept file: state, counters, the ways it can end. Knows nothing of vscode; sessions.ts
// shows it. However it ends, by hand, after its duration, with its process or with the helper, `ended` resolves once.

import { EventEmitter } from 'node:events';
import type { HelperConnection } from '../../../helper/src/client/helperConnection';
import {
  type ErrorReport,
  errorReport,
  type Health,
  type RecordOptions,
  type RecordSummary,
  type RunningRecording,
  type TracerProgress,
  targetPids,
  toErrorReport,
} from '../../../helper/src/protocol';
import { countOf, markHelperDied } from './helperDied';

/** Saving takes less as a rule; then there is nothing to tell of it. */
const SAVING_TOLD_AFTER_MS = 300;
/** For so long the rest of the window keeps still for the graph. */
const END_SHOWN_AT_LATEST_MS = 500;

export type SessionState = 'starting' | 'recording' | 'stopping' | 'ended';

export interface SessionEnd {
  /** null when it did not end in order. */
  summary: RecordSummary | null;
  error: ErrorReport | null;
  /** What the file holds, as far as known: of all tracers together, and of each. */
  count: number;
  tracers: readonly TracerProgress[];
}

/** What a session needs to know of itself; a found one (after a reload) has no options. */
export interface SessionSubject extends Pick<RecordOptions, 'title' | 'output'> {
  /** The processes that are recorded; none where it is something else. */
  pids: readonly number[];
  /** Ids. */
  tracers: readonly string[];
}

/** Of what is asked for, or of what a helper says that it records. */
export function subjectOf({ target, tracers, title, output }: RecordOptions | RunningRecording): SessionSubject {
  return {
    pids: targetPids(target),
    tracers: Array.isArray(tracers) ? tracers : Object.keys(tracers),
    title,
    output,
  };
}

export class RecordingSession {
  state: SessionState = 'starting';
  /** `stopping` takes long enough to be told. */
  saving = false;
  /** Of all tracers together: samples, requests. */
  count = 0;
  /** Of each, with what it shows while it runs. */
  tracers: readonly TracerProgress[] = [];
  elapsedMs = 0;
  health: Health | null = null;
  readonly ended: Promise<SessionEnd>;
  /** After `ended`: a view in sight has painted the end (`paintedEnd`), or none is, or it takes too long. */
  readonly endShown: Promise<void>;
  private recordingId: number | null = null;
  private visible = false;
  private readonly events = new EventEmitter();
  private readonly unsubscribe: (() => void)[] = [];
  private end!: (end: SessionEnd) => void;
  private savingTimer: NodeJS.Timeout | undefined;
  paintedEnd: () => void = () => {};

  constructor(
    private readonly client: HelperConnection,
    readonly subject: SessionSubject,
  ) {
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
    const painted = new Promise<void>((resolve) => {
      this.paintedEnd = resolve;
    });
    this.endShown = this.ended.then(() => {
      if (!this.visible) return;
      const timer = setTimeout(this.paintedEnd, END_SHOWN_AT_LATEST_MS);
      return painted.then(() => clearTimeout(timer));
    });
  }

  /** Resolves once samples can arrive. Throws TracerError; then nothing was recorded. */
  async start(options: RecordOptions): Promise<void> {
    this.listen();
    try {
      const { recordingId } = await this.client.request('record/start', options);
      this.recordingId = recordingId;
    } catch (error) {
      this.finish({ summary: null, error: toErrorReport(error), count: 0, tracers: [] });
      throw error;
    }
    this.setState('recording');
    if (this.visible) this.watch(true);
  }

  /** Takes over a recording that outlived a window reload. */
  adopt(recordingId: number, startedAtMs: number): void {
    this.listen();
    this.recordingId = recordingId;
    this.elapsedMs = Date.now() - startedAtMs;
    this.setState('recording');
  }

  /** Ends it and keeps what was recorded. Idempotent; never rejects: see `ended`. */
  async stop(): Promise<SessionEnd> {
    if (this.state === 'recording' && this.recordingId !== null) {
      this.state = 'stopping';
      this.savingTimer = setTimeout(() => this.tellSaving(), SAVING_TOLD_AFTER_MS);
      try {
        const summary = await this.client.request('record/stop', { recordingId: this.recordingId });
        this.finish({ summary, error: null, ...this.inAll(summary) });
      } catch (error) {
        const report = toErrorReport(error);
        // It ended by itself while the request was under way: `record/ended` tells how. The helper's death is told
        // by the closed connection.
        if (report.code !== 'NO_RECORDING' && report.code !== 'HELPER_DIED')
          this.finish({ summary: null, error: report, ...this.inAll(null) });
      }
    }
    return this.ended;
  }

  /** A view of this recording came into sight or left it: the helper rewrites the file more often while watched. */
  watch(visible: boolean): void {
    this.visible = visible;
    if (this.recordingId !== null && this.state === 'recording')
      this.client.tell('record/watch', { recordingId: this.recordingId, visible });
  }

  onDidChange(listener: () => void): void {
    this.events.on('change', listener);
  }

  /** The file was rewritten with all that had arrived. */
  onCheckpoint(listener: () => void): void {
    this.events.on('checkpoint', listener);
  }

  private listen(): void {
    const isOurs = (id: number) => id === this.recordingId;
    this.unsubscribe.push(
      this.client.on('record/progress', (note) => {
        if (!isOurs(note.recordingId)) return;
        this.tracers = note.tracers;
        this.count = countOf(note.tracers);
        this.elapsedMs = note.elapsedMs;
        this.health = note.health;
        this.events.emit('change');
      }),
      this.client.on('record/checkpoint', (note) => {
        if (!isOurs(note.recordingId)) return;
        this.count = Math.max(this.count, note.samples);
        this.events.emit('checkpoint');
      }),
      this.client.on('record/ended', (note) => {
        if (!isOurs(note.recordingId)) return;
        this.finish({ summary: note.summary, error: note.error, ...this.inAll(note.summary) });
      }),
    );
    void this.client.closed.then(() => this.helperDied());
  }

  private async helperDied(): Promise<void> {
    if (this.state === 'ended') return;
    const count = (await markHelperDied(this.subject.output)) ?? 0;
    this.finish({ summary: null, error: errorReport('HELPER_DIED'), count, tracers: this.tracers });
  }

  private finish(end: SessionEnd): void {
    if (this.state === 'ended') return;
    for (const stop of this.unsubscribe) stop();
    clearTimeout(this.savingTimer);
    this.count = end.count;
    this.tracers = end.tracers;
    this.saving = false;
    this.setState('ended');
    this.end(end);
  }

  private inAll(summary: RecordSummary | null): Pick<SessionEnd, 'count' | 'tracers'> {
    const tracers = summary?.tracers ?? this.tracers;
    return { count: summary?.tracers ? countOf(tracers) : (summary?.samples ?? this.count), tracers };
  }

  private tellSaving(): void {
    this.saving = true;
    this.events.emit('change');
  }

  private setState(state: SessionState): void {
    this.state = state;
    this.events.emit('change');
  }
}
