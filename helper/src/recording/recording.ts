// One recording from start to file: runs its tracers, hands what they say of stacks to the profile and to the symbolizer, keeps the
// output current, and ends by request, after its duration, when its targets exit, or when something breaks; what was recorded
// is kept in every case. Made by Recordings.

import type { SampleRecord, StackRecord } from '../abi/records';
import { readStat } from '../client/processStat';
import type { Capture } from '../engine/captureTypes';
import type { ChosenTracer } from '../engine/tracer';
import type { CaptureSink } from '../engine/types';
import { checkOutput } from '../export/outputFile';
import type { MappedFile } from '../process/files';
import { lockTargets, type RecordingLock } from '../process/recordingLock';
import { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import {
  type ErrorReport,
  type Metric,
  type RecordOptions,
  type RecordSummary,
  type StopReason,
  toErrorReport,
  tracerError,
} from '../protocol';
import { ProcessRuntimes } from '../runtimes/processRuntimes';
import { StackCounts } from '../stack/stackCounts';
import { StackNames } from '../stack/stackNames';
import { checkOptions } from './checkOptions';
import type { Notify, RecordingParts } from './parts';
import { RecordedTargets, type TargetProcess } from './recordedTargets';
import { RecordingReport } from './recordingReport';
import { RecordingTimes } from './recordingTimes';
import { FileSink } from './sinks/fileSink';
import type { Sink } from './sinks/types';
import { unnamedFiles } from './unnamedFiles';

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
  private readonly report: RecordingReport;
  private readonly startAtExec: boolean;
  private attaching: Promise<Capture> | null = null;
  private targets: RecordedTargets | null = null;
  private lock: RecordingLock | null = null;
  private progressTimer: NodeJS.Timeout | null = null;
  private durationTimer: NodeJS.Timeout | null = null;
  private ending = false;
  private giveUp = false;
  private failedToStart = false;

  constructor(
    readonly id: number,
    readonly options: RecordOptions,
    readonly tracers: readonly ChosenTracer[],
    private readonly parts: RecordingParts,
    private readonly notify: Notify,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.startAtExec = 'pids' in options.target && options.target.startAtExec;
    this.times = new RecordingTimes(options.requestedAtMs);
    this.processes = new ProcessTable(parts.files);
    this.runtimes = new ProcessRuntimes(this.processes);
    this.stacks = new StackCounts(metricsOf(tracers), (...context) => this.runtimes.contextName(...context));
    this.report = new RecordingReport(options, tracers, this.stacks, this.runtimes, this.times, parts);
    this.names = new StackNames(this.stacks, this.processes, this.runtimes, parts.symbolizer, parts.log);
    this.processes.onCodeFound((pid) => this.names.again(pid));
    this.sink = new FileSink(
      options.output,
      this.stacks,
      () => this.report.count(),
      (complete, reason) => this.report.head(complete, reason),
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
    const { processes, everybody } = checkOptions(options, parts);
    const { debugFileDirectories: folders = [], debuginfodUrls: servers = [], target } = options;
    if (folders.length + servers.length > 0) parts.symbolizer.addDebugSources({ folders, servers });
    await checkOutput(options.output);
    const wanted = processes.flatMap((one) => this.tracers.map(({ tracer }) => ({ ...one, tracer: tracer.id })));
    this.lock = await lockTargets(parts.callerUid, wanted, parts.peerUid);
    try {
      if (this.ending) throw tracerError('CANCELLED');
      this.report.targets = this.targets = new RecordedTargets(processes);
      const capture = {
        target: 'pids' in target ? { ...target, pids: processes.map(({ pid }) => pid) } : target,
        tracers: this.tracers,
        processes: this.processes,
        runtimes: this.runtimes,
        rights: everybody ? null : { ...parts.rights, uid: parts.callerUid },
        debugFileDirectories: folders,
        without: options.without,
      };
      this.attaching = parts.startCapture(capture, this);
      this.report.capture = await this.attaching;
      await this.requireSameProcesses(processes);
    } catch (error) {
      await this.leaveNothing();
      throw error;
    }
    // The target may have ended meanwhile: then all is said by `outcome`.
    if (this.ending) return { recordingId: this.id, attachedMs: performance.now() - askedAtMs };
    this.progressTimer = setInterval(() => this.tick(), PROGRESS_INTERVAL_MS);
    if (!this.startAtExec) this.begin();
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
    if (error) this.report.errors.push(error);
    const outcome: Outcome = { summary: null, error };
    try {
      await this.detach();
      await this.names.last();
      if (this.failedToStart) await this.sink.discard();
      else if (this.giveUp) await this.sink.abandon('stopped');
      else if (this.report.count() === 0) outcome.error ??= this.report.whyEmpty(reason === 'exited');
      else {
        this.report.unnamedFiles = await unnamedFiles(this.stacks.snapshot(), (module) => this.fileCalled(module));
        outcome.summary = this.report.summary(reason);
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
    const { kind, pid } = record;
    // Who ends leaves its names behind, who executes another program does not.
    if (kind === 'exec') this.names.forget(pid);
    if (kind === 'exit') this.names.again(pid);
    if (!this.targets?.has(pid)) return;
    if (kind === 'exec') this.targets.describe(pid);
    // Another user's program from the start: whom it starts may be the caller's again.
    if ((kind === 'exec' || kind === 'refused') && this.startAtExec) this.begin();
    if (kind === 'exit' && this.targets.exited(pid)) void this.end('exited');
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

  /** The kernel knows a target by its pid alone, which may have gone to another process since it was checked. */
  private async requireSameProcesses(processes: readonly TargetProcess[]): Promise<void> {
    for (const { pid, startTicks } of processes) {
      const now = (this.parts.readStat ?? readStat)(pid);
      // One that has merely ended leaves its samples.
      if (now === null || now.startTicks === startTicks) continue;
      await this.report.capture?.stop();
      throw tracerError('PID_GONE', pid);
    }
  }

  /** Whatever goes wrong here, what was recorded is still written. */
  private async detach(): Promise<void> {
    try {
      this.report.capture ??= (await this.attaching) ?? null;
      await this.report.capture?.stop(this.giveUp);
    } catch (error) {
      this.report.errors.push(toErrorReport(error));
    }
  }

  /** Counting begins: now, or at the exec of a held launcher. */
  private begin(): void {
    if (!this.times.begin()) return;
    const { durationMs } = this.options;
    if (durationMs !== null) this.durationTimer = setTimeout(() => void this.end('duration'), durationMs);
  }

  private tick(): void {
    if (this.targets?.haveEnded()) return void this.end('exited');
    // Tracers without stacks announce no first sample.
    if (this.report.count() > 0) this.sink.start();
    for (const pid of this.processes.takeRenamed()) {
      this.report.capture?.bumpGeneration(pid);
      this.names.again(pid);
    }
    this.sayProgress();
  }

  /** By the name under which a target runs it, else by its own. */
  private fileCalled(module: string): MappedFile | null {
    for (const pid of this.processes.alive())
      for (const code of this.processes.codeOf(pid))
        if ('file' in code && (code.module ?? code.file.baseName) === module) return code.file;
    return this.parts.files.files.all.find(({ baseName }) => baseName === module) ?? null;
  }

  private sayProgress(): void {
    if (this.ending) return;
    this.notify('record/progress', {
      recordingId: this.id,
      elapsedMs: this.times.durationMs,
      samples: this.report.samples(),
      firstSampleMs: this.times.firstSampleMs,
      health: this.report.health(),
      tracers: this.report.liveProgress(),
    });
  }
}

/** All of the tracers'; the file needs one at least, also where no stacks are sampled. */
function metricsOf(tracers: readonly ChosenTracer[]): Metric[] {
  const metrics = tracers.flatMap(({ tracer, options }) => tracer.metrics(options));
  return metrics.length > 0 ? metrics : [{ id: tracers[0].tracer.id, unit: 'count', period: null }];
}
