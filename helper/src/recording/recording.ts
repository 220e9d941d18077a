// One recording from start to file: hands what the capture says to the profile and to the symbolizer, keeps the output
// current, and ends by request, after its duration, when the target exits, or when something breaks; what was recorded
// is kept in every case. Made by Recordings.

import type { SampleRecord, StackRecord } from '../abi/records';
import type { Capture, CaptureSink } from '../engine/types';
import { checkOutput } from '../export/outputFile';
import { readStat } from '../process/procfs';
import { lockTarget, type RecordingLock } from '../process/recordingLock';
import { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import { checkTarget } from '../process/validate';
import {
  type ErrorReport,
  type Health,
  MAX_FRAMES_DEFAULT,
  MAX_FRAMES_MOST,
  type RecordOptions,
  type RecordSummary,
  type StopReason,
  toErrorReport,
  tracerError,
} from '../protocol';
import { ProcessRuntimes } from '../runtimes/processRuntimes';
import { StackCounts } from '../stack/stackCounts';
import { StackNames } from '../stack/stackNames';
import { isServerUrl } from '../symbolize/debuginfod/downloads';
import { lossesOf } from './losses';
import type { Notify, RecordingParts } from './parts';
import { RecordedTarget } from './recordedTarget';
import { type RecordingFacts, recordingHead, recordSummary } from './recordingFacts';
import { RecordingTimes } from './recordingTimes';
import { FileSink } from './sinks/fileSink';
import type { Sink } from './sinks/types';

type EndReason = Exclude<StopReason, 'running'>;

const PROGRESS_INTERVAL_MS = 1_000;
export interface Outcome {
  summary: RecordSummary | null;
  error: ErrorReport | null;
}

export class Recording implements CaptureSink {
  /** Settles once everything is detached and the file is written. */
  readonly outcome: Promise<Outcome>;
  private settle!: (outcome: Outcome) => void;
  private readonly stacks: StackCounts;
  private readonly sink: Sink;
  private readonly processes: ProcessTable;
  private readonly runtimes: ProcessRuntimes;
  private readonly names: StackNames;
  private readonly times: RecordingTimes;
  private readonly errors: ErrorReport[] = [];
  private readonly cpuAtStart = process.cpuUsage();
  private readonly bpfNsAtStart: number | null;
  private attaching: Promise<Capture> | null = null;
  private capture: Capture | null = null;
  private target: RecordedTarget | null = null;
  private lock: RecordingLock | null = null;
  private progressTimer: NodeJS.Timeout | null = null;
  private durationTimer: NodeJS.Timeout | null = null;
  private ending = false;
  private giveUp = false;
  private failedToStart = false;

  constructor(
    readonly id: number,
    readonly options: RecordOptions,
    private readonly parts: RecordingParts,
    private readonly notify: Notify,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.stacks = new StackCounts([{ id: 'cpu', unit: 'nanoseconds', period: 1e9 / options.frequencyHz }]);
    this.bpfNsAtStart = parts.readBpfNs();
    this.times = new RecordingTimes(options.requestedAtMs);
    this.processes = new ProcessTable(parts.files);
    this.runtimes = new ProcessRuntimes(this.processes);
    this.names = new StackNames(this.stacks, this.processes, this.runtimes, parts.symbolizer, parts.log);
    this.processes.onCodeFound((pid) => this.names.again(pid));
    this.sink = new FileSink(
      options.output,
      this.stacks,
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

  /** Epoch. */
  get startedAtMs(): number {
    return this.times.startedAtMs;
  }

  get samples(): number {
    return this.stacks.samples;
  }

  /** Resolves once samples can arrive. Throws TracerError; nothing is left behind then. */
  async start(): Promise<{ recordingId: number; attachedMs: number }> {
    const { options, parts } = this;
    const askedAtMs = performance.now();
    if (!Number.isInteger(options.frequencyHz) || options.frequencyHz < 1 || options.frequencyHz > 4999)
      throw tracerError('FREQUENCY_INVALID', options.frequencyHz);
    const { maxFrames = MAX_FRAMES_DEFAULT } = options;
    if (!Number.isInteger(maxFrames) || maxFrames < 1 || maxFrames > MAX_FRAMES_MOST)
      throw tracerError('MAX_FRAMES_INVALID', maxFrames);
    if (options.durationMs !== null && !(options.durationMs > 0))
      throw tracerError('DURATION_INVALID', `${options.durationMs}ms`);
    const { debugFileDirectories: folders = [], debuginfodUrls: servers = [] } = options;
    const noServer = servers.find((url) => !isServerUrl(url));
    if (noServer !== undefined) throw tracerError('DEBUGINFOD_URL_INVALID', noServer);
    if (folders.length + servers.length > 0) parts.symbolizer.addDebugSources({ folders, servers });
    const { pid } = options;
    const anyUser = options.anyUser && parts.anyUser;
    const { startTicks } = checkTarget(pid, { ...parts, anyUser, ownPids: [process.pid] });
    await checkOutput(options.output);
    this.lock = await lockTarget(parts.callerUid, pid, startTicks, parts.peerUid);
    try {
      if (this.ending) throw tracerError('CANCELLED');
      this.target = new RecordedTarget(pid, startTicks);
      const everybody = anyUser || parts.callerUid === 0;
      const rights = everybody ? null : { ...parts.rights, uid: parts.callerUid };
      this.attaching = parts.startCapture(
        { ...options, processes: this.processes, runtimes: this.runtimes, rights },
        this,
      );
      this.capture = await this.attaching;
      await this.requireSameProcess(startTicks);
    } catch (error) {
      await this.leaveNothing();
      throw error;
    }
    // The target may have ended meanwhile: then all is said by `outcome`.
    if (this.ending) return { recordingId: this.id, attachedMs: performance.now() - askedAtMs };
    this.progressTimer = setInterval(() => this.tick(), PROGRESS_INTERVAL_MS);
    if (!options.startAtExec) this.begin();
    return { recordingId: this.id, attachedMs: performance.now() - askedAtMs };
  }

  set watched(visible: boolean) {
    this.sink.watched = visible;
  }

  /** Ends at once: no last names, no last version of the file. */
  abort(): void {
    this.giveUp = true;
    this.names.giveUp();
    void this.end('stopped');
  }

  /** Ends the recording and saves it; the first call decides why. */
  async end(reason: EndReason, error: ErrorReport | null = null): Promise<void> {
    if (this.ending) return;
    this.ending = true;
    this.times.end();
    if (this.progressTimer) clearInterval(this.progressTimer);
    if (this.durationTimer) clearTimeout(this.durationTimer);
    if (error) this.errors.push(error);
    const outcome: Outcome = { summary: null, error };
    try {
      await this.detach();
      await this.names.last();
      if (this.failedToStart) await this.sink.discard();
      else if (this.giveUp) await this.sink.abandon('stopped');
      else if (this.stacks.samples === 0) outcome.error ??= this.whyEmpty(reason);
      else {
        outcome.summary = this.summary(reason);
        await this.sink.finish(reason);
      }
    } catch (thrown) {
      outcome.error ??= toErrorReport(thrown);
      if (outcome.summary) outcome.summary.stopReason = outcome.error.code === 'DISK_FULL' ? 'diskFull' : 'error';
    }
    this.lock?.release();
    this.runtimes.close();
    this.processes.close();
    this.settle(outcome);
  }

  // ---- CaptureSink ----

  stack(record: StackRecord): void {
    this.names.add(record);
  }

  sample(record: SampleRecord): void {
    this.taken(record.timeNs);
    this.stacks.addSample(record);
  }

  taken(timeNs: number): void {
    if (!this.times.sample(timeNs)) return;
    this.sink.start();
    queueMicrotask(() => this.sayProgress());
  }

  process(record: ProcessRecord): void {
    // Who ends leaves its names behind, who executes another program does not.
    if (record.kind === 'exec') this.names.forget(record.pid);
    if (record.kind === 'exit') this.names.again(record.pid);
    if (record.pid !== this.options.pid) return;
    if (record.kind === 'exec') {
      this.target?.describe();
      if (this.options.startAtExec) this.begin();
    }
    // Another user's program from the start: whom it starts may be the caller's again.
    if (record.kind === 'refused' && this.options.startAtExec) this.begin();
    if (record.kind === 'exit') void this.end('exited');
  }

  log(level: 'debug' | 'warn', text: string): void {
    this.parts.log(level, text);
  }

  failed(error: Error): void {
    void this.end('error', toErrorReport(error));
  }

  // ---- parts ----

  /** Samples may have come, and been written, before attaching failed: no timer, no file and no lock outlives that. */
  private async leaveNothing(): Promise<void> {
    this.failedToStart = true;
    const endsAlready = this.ending;
    this.ending = true;
    if (this.durationTimer) clearTimeout(this.durationTimer);
    this.names.giveUp();
    await this.sink.discard();
    // Whoever asked for the end meanwhile lets go of the rest.
    if (endsAlready) return;
    this.lock?.release();
    this.runtimes.close();
    this.processes.close();
    this.settle({ summary: null, error: null });
  }

  /** The kernel knows the target by its pid alone, which may have gone to another process since it was checked. */
  private async requireSameProcess(startTicks: number): Promise<void> {
    const { pid } = this.options;
    const now = (this.parts.readStat ?? readStat)(pid);
    // One that has merely ended leaves its samples.
    if (now === null || now.startTicks === startTicks) return;
    await this.capture?.stop();
    throw tracerError('PID_GONE', pid);
  }

  /** Whatever goes wrong here, what was recorded is still written. */
  private async detach(): Promise<void> {
    try {
      this.capture ??= (await this.attaching) ?? null;
      await this.capture?.stop(this.giveUp);
    } catch (error) {
      this.errors.push(toErrorReport(error));
    }
  }

  /** Counting begins: now, or at the exec of a held launcher. */
  private begin(): void {
    if (!this.times.begin()) return;
    const { durationMs } = this.options;
    if (durationMs !== null) this.durationTimer = setTimeout(() => void this.end('duration'), durationMs);
  }

  private tick(): void {
    if (this.target?.hasEnded()) return void this.end('exited');
    for (const pid of this.processes.takeRenamed()) {
      this.capture?.bumpGeneration(pid);
      this.names.again(pid);
    }
    this.sayProgress();
  }

  private sayProgress(): void {
    if (this.ending) return;
    this.notify('record/progress', {
      recordingId: this.id,
      elapsedMs: this.times.durationMs,
      samples: this.stacks.samples + (this.capture?.counters().waiting ?? 0),
      firstSampleMs: this.times.firstSampleMs,
      health: this.health(),
    });
  }

  private whyEmpty(reason: EndReason): ErrorReport | null {
    const counters = this.capture?.counters() ?? { taken: 0, lost: 0 };
    return this.target?.whyEmpty(this.options, counters, reason === 'exited') ?? null;
  }

  private health(): Health {
    const counters = this.capture?.counters();
    const bpfNs = this.parts.readBpfNs();
    const cpu = process.cpuUsage(this.cpuAtStart);
    return {
      samples: this.stacks.samples,
      lost: counters?.lost ?? 0,
      losses: lossesOf(counters, this.stacks.samplesWithoutStack),
      truncated: { ...this.stacks.profiles[0].truncated },
      ringFill: counters?.ringFill ?? 0,
      helperCpuMs: (cpu.user + cpu.system) / 1000,
      helperRssBytes: process.memoryUsage.rss(),
      bpfNs: counters?.bpfNs ?? (bpfNs !== null ? bpfNs - (this.bpfNsAtStart ?? 0) : null),
      badFiles: this.parts.symbolizer.badFiles(),
      runtimes: this.runtimes.reports(),
    };
  }

  private facts(): RecordingFacts {
    return {
      options: this.options,
      command: this.target?.command ?? '',
      cwd: this.target?.cwd ?? null,
      beganAtMs: this.times.beganAtMs,
      durationMs: this.times.durationMs,
      firstSampleMs: this.times.firstSampleMs,
      attach: this.capture?.attach ?? [],
      health: this.health(),
      errors: this.errors,
    };
  }

  private summary(stopReason: EndReason): RecordSummary {
    const snapshot = this.stacks.snapshot();
    this.stacks.release();
    return recordSummary(this.facts(), snapshot, stopReason);
  }
}
