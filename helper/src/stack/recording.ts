// One recording from start to file: hands what the capture says to the profile and to the symbolizer, keeps the output
// current, and ends by request, after its duration, when the target exits, or when something breaks; what was recorded
// is kept in every case. Made by Recordings.

import { checkOutput } from '../export/outputFile';
import { hasEnded, type ProcessStat, readCommand, readLink, readStat } from '../process/procfs';
import { lockTarget, type RecordingLock } from '../process/recordingLock';
import { checkTarget, type Target } from '../process/validate';
import {
  type ErrorReport,
  type Health,
  type RecordingExtra,
  type RecordOptions,
  type RecordSummary,
  toErrorReport,
  tracerError,
} from '../protocol';
import { isServerUrl } from '../symbolize/debuginfod/downloads';
import type { Frame } from '../symbolize/types';
import { emptyReason } from './emptyReason';
import { ProcessWatch } from './processWatch';
import { type RecordingFacts, recordingHead, recordSummary } from './recordingFacts';
import type { Notify, RecordingParts } from './recordings';
import { RecordingWriter } from './recordingWriter';
import { StackProfile } from './stackProfile';
import type { Capture, CaptureSink, ProcessRecord, SampleRecord, StackRecord } from './types';
import { unnamedFrame } from './unnamedFrame';

type StopReason = Exclude<RecordingExtra['stopReason'], 'running'>;

const PROGRESS_INTERVAL_MS = 1_000;
/**
 * How long the end waits for names of the last stacks; what has none by then shows as not symbolized. Long, because the
 * symbolizer ends each request by itself (REQUEST_TIMEOUT_MS), and a second Ctrl-C or Cancel ends this wait at once.
 */
const LAST_NAMES_MS = 120_000;

export interface Outcome {
  summary: RecordSummary | null;
  error: ErrorReport | null;
}

export class Recording implements CaptureSink {
  readonly startedAtMs = Date.now();
  /** Settles once everything is detached and the file is written. */
  readonly outcome: Promise<Outcome>;
  private settle!: (outcome: Outcome) => void;
  private readonly profile: StackProfile;
  private readonly writer: RecordingWriter;
  private readonly processes: ProcessWatch;
  private readonly errors: ErrorReport[] = [];
  private readonly cpuAtStart = process.cpuUsage();
  private readonly bpfNsAtStart: number | null;
  /** CLOCK_MONOTONIC in ms: when counting began, when it ended. */
  private beganMs = performance.now();
  private endedMs: number | null = null;
  private firstSampleMs: number | null = null;
  private attaching: Promise<Capture> | null = null;
  private capture: Capture | null = null;
  private target: Target | null = null;
  private lock: RecordingLock | null = null;
  private command = '';
  private cwd: string | null = null;
  private statAtStart: ProcessStat | null = null;
  private statLatest: ProcessStat | null = null;
  private progressTimer: NodeJS.Timeout | null = null;
  private durationTimer: NodeJS.Timeout | null = null;
  private began = false;
  private ending = false;
  private giveUp = false;
  private stopWaiting: () => void = () => {};

  constructor(
    readonly id: number,
    readonly options: RecordOptions,
    private readonly parts: RecordingParts,
    private readonly notify: Notify,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.profile = new StackProfile(1e9 / options.frequencyHz);
    this.bpfNsAtStart = parts.readBpfNs();
    this.processes = new ProcessWatch(parts.symbolizer);
    this.writer = new RecordingWriter(
      options.output,
      this.profile,
      (complete, reason) => recordingHead(this.facts(), complete, reason),
      {
        written: (samples) => notify('record/checkpoint', { recordingId: id, output: options.output, samples }),
        failed: (error) => {
          const report = toErrorReport(error);
          void this.end(report.code === 'DISK_FULL' ? 'diskFull' : 'error', report);
        },
      },
    );
  }

  get samples(): number {
    return this.profile.samples;
  }

  /** Resolves once samples can arrive. Throws TracerError; nothing is left behind then. */
  async start(): Promise<{ recordingId: number; attachedMs: number }> {
    const { options, parts } = this;
    const askedAtMs = performance.now();
    if (!Number.isInteger(options.frequencyHz) || options.frequencyHz < 1 || options.frequencyHz > 4999)
      throw tracerError('FREQUENCY_INVALID', options.frequencyHz);
    if (options.durationMs !== null && !(options.durationMs > 0))
      throw tracerError('DURATION_INVALID', `${options.durationMs}ms`);
    const { debugFileDirectories: folders = [], debuginfodUrls: servers = [] } = options;
    const noServer = servers.find((url) => !isServerUrl(url));
    if (noServer !== undefined) throw tracerError('DEBUGINFOD_URL_INVALID', noServer);
    if (folders.length + servers.length > 0) parts.symbolizer.addDebugSources({ folders, servers });
    const { pid } = options;
    this.target = checkTarget(pid, { ...parts, anyUser: options.anyUser, ownPids: [process.pid] });
    await checkOutput(options.output);
    this.lock = await lockTarget(parts.callerUid, pid, this.target.startTicks);
    try {
      if (this.ending) throw tracerError('CANCELLED');
      this.describeTarget();
      this.statAtStart = this.statLatest = readStat(pid);
      this.attaching = parts.startCapture(options, this);
      // While the capture attaches. A held launcher's own code is of no interest.
      if (!options.startAtExec) this.processes.add(pid);
      this.capture = await this.attaching;
    } catch (error) {
      this.ending = true;
      this.lock.release();
      this.processes.close();
      throw error;
    }
    // The target may have ended meanwhile: then all is said by `outcome`.
    if (this.ending) return { recordingId: this.id, attachedMs: performance.now() - askedAtMs };
    this.progressTimer = setInterval(() => this.tick(), PROGRESS_INTERVAL_MS);
    if (!options.startAtExec) this.begin();
    return { recordingId: this.id, attachedMs: performance.now() - askedAtMs };
  }

  set watched(visible: boolean) {
    this.writer.watched = visible;
  }

  /** Ends at once: no last names, no last version of the file. */
  abort(): void {
    this.giveUp = true;
    this.stopWaiting();
    void this.end('stopped');
  }

  /** Ends the recording and saves it; the first call decides why. */
  async end(reason: StopReason, error: ErrorReport | null = null): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    this.endedMs = performance.now();
    if (this.progressTimer) clearInterval(this.progressTimer);
    if (this.durationTimer) clearTimeout(this.durationTimer);
    if (error) this.errors.push(error);
    const outcome: Outcome = { summary: null, error };
    try {
      await this.detach();
      await this.lastNames();
      if (this.giveUp) await this.writer.abandon('stopped');
      else if (this.profile.samples === 0) outcome.error ??= this.whyEmpty(reason);
      else {
        outcome.summary = this.summary(reason);
        await this.writer.finish(reason);
      }
    } catch (thrown) {
      outcome.error ??= toErrorReport(thrown);
      if (outcome.summary) outcome.summary.stopReason = outcome.error.code === 'DISK_FULL' ? 'diskFull' : 'error';
    }
    this.lock?.release();
    this.processes.close();
    this.settle(outcome);
  }

  // ---- CaptureSink ----

  stack(record: StackRecord): void {
    const slot = this.profile.addStack(record);
    if (!slot) return;
    let frames: Frame[][] | Promise<Frame[][]>;
    try {
      frames = this.processes.resolve(record);
    } catch (error) {
      frames = this.unnamedFrames(record, error);
    }
    if (!(frames instanceof Promise)) this.profile.resolved(slot, frames);
    else
      void frames
        .catch((error) => this.unnamedFrames(record, error))
        .then((found) => this.profile.resolved(slot, found));
  }

  private unnamedFrames({ pid, kernel, user }: StackRecord, why: unknown): Frame[][] {
    this.parts.log('error', `stack of ${pid} not resolved: ${toErrorReport(why).message}`);
    return [...kernel, ...user].map((address) => [unnamedFrame(address)]);
  }

  sample(record: SampleRecord): void {
    if (this.firstSampleMs === null) {
      const wallMs = Date.now() - (performance.now() - monotonicToPerformanceMs(record.timeNs));
      this.firstSampleMs = Math.max(0, wallMs - (this.options.requestedAtMs ?? this.startedAtMs));
      this.writer.start();
      queueMicrotask(() => this.sayProgress());
    }
    this.profile.addSample(record);
  }

  process(record: ProcessRecord): void {
    this.processes.record(record);
    if (record.pid !== this.options.pid) return;
    if (record.kind === 'exec') {
      this.describeTarget();
      if (this.options.startAtExec) this.begin();
    }
    if (record.kind === 'exit') void this.end('exited');
  }

  log(level: 'debug' | 'warn', text: string): void {
    this.parts.log(level, text);
  }

  failed(error: Error): void {
    void this.end('error', toErrorReport(error));
  }

  // ---- parts ----

  /** Whatever goes wrong here, what was recorded is still written. */
  private async detach(): Promise<void> {
    try {
      this.capture ??= (await this.attaching) ?? null;
      await this.capture?.stop();
    } catch (error) {
      this.errors.push(toErrorReport(error));
    }
  }

  /** Counting begins: now, or at the exec of a held launcher. */
  private begin(): void {
    if (this.began) return;
    this.began = true;
    this.beganMs = performance.now();
    const { durationMs } = this.options;
    if (durationMs !== null) this.durationTimer = setTimeout(() => void this.end('duration'), durationMs);
  }

  private tick(): void {
    const stat = readStat(this.options.pid);
    const gone = !stat || hasEnded(this.options.pid, stat) || stat.startTicks !== this.target?.startTicks;
    if (stat && stat.startTicks === this.target?.startTicks) this.statLatest = stat;
    if (gone) return void this.end('exited');
    for (const pid of this.processes.jitChanged()) this.capture?.bumpGeneration(pid);
    this.processes.releaseEnded();
    this.sayProgress();
  }

  private sayProgress(): void {
    if (this.ending) return;
    this.notify('record/progress', {
      recordingId: this.id,
      elapsedMs: performance.now() - this.beganMs,
      samples: this.profile.samples,
      firstSampleMs: this.firstSampleMs,
      health: this.health(),
    });
  }

  private describeTarget(): void {
    const { pid } = this.options;
    this.command = readCommand(pid) || this.command;
    this.cwd = readLink(`/proc/${pid}/cwd`) ?? this.cwd;
  }

  private async lastNames(): Promise<void> {
    let timer: NodeJS.Timeout | null = null;
    const enough = new Promise<void>((resolve) => {
      this.stopWaiting = resolve;
      timer = setTimeout(resolve, LAST_NAMES_MS);
      if (this.giveUp) resolve();
    });
    await Promise.race([this.processes.allResolved(), enough]);
    if (timer) clearTimeout(timer);
  }

  private whyEmpty(reason: StopReason): ErrorReport {
    const { taken, lost } = this.capture?.counters() ?? { taken: 0, lost: 0 };
    const stat = readStat(this.options.pid);
    const after = stat && stat.startTicks === this.target?.startTicks ? stat : this.statLatest;
    const exited = reason === 'exited';
    return emptyReason({ options: this.options, taken, lost, exited, before: this.statAtStart, after });
  }

  private get durationMs(): number {
    return Math.max(0, (this.endedMs ?? performance.now()) - this.beganMs);
  }

  private health(): Health {
    const counters = this.capture?.counters();
    const bpfNs = this.parts.readBpfNs();
    const cpu = process.cpuUsage(this.cpuAtStart);
    return {
      samples: this.profile.samples,
      lost: counters?.lost ?? 0,
      truncated: { ...this.profile.truncated },
      ringFill: counters?.ringFill ?? 0,
      helperCpuMs: (cpu.user + cpu.system) / 1000,
      helperRssBytes: process.memoryUsage.rss(),
      bpfNs: counters?.bpfNs ?? (bpfNs !== null ? bpfNs - (this.bpfNsAtStart ?? 0) : null),
      badFiles: this.parts.symbolizer.badFiles(),
    };
  }

  private facts(): RecordingFacts {
    return {
      options: this.options,
      command: this.command,
      cwd: this.cwd,
      beganAtMs: Date.now() - (performance.now() - this.beganMs),
      durationMs: this.durationMs,
      firstSampleMs: this.firstSampleMs,
      attach: this.capture?.attach ?? [],
      health: this.health(),
      errors: this.errors,
    };
  }

  private summary(stopReason: StopReason): RecordSummary {
    const snapshot = this.profile.snapshot();
    this.profile.release();
    return recordSummary(this.facts(), snapshot, stopReason);
  }
}

/** hrtime and BPF's clock are both CLOCK_MONOTONIC. */
function monotonicToPerformanceMs(timeNs: number): number {
  return performance.now() - (Number(process.hrtime.bigint()) - timeNs) / 1e6;
}
