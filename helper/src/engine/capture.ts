// Tracers that run together in one session of the kernel: starts them, adds up what is told of them, ends them.

import { explainLoadError } from '../bpf/loadError';
import { TracerError } from '../protocol';
import { ProcessRuntimes } from '../runtimes/processRuntimes';
import { AbsentTracer } from './absentTracer';
import type { Capture, CaptureOptions, StartCapture } from './captureTypes';
import { Session } from './session';
import type { RunningTracer } from './tracer';
import type { CaptureCounters, CaptureSink } from './types';

export const startCapture: StartCapture = async (options, sink) => {
  const capture = new RunningCapture(options, sink);
  try {
    await capture.start(options);
    return capture;
  } catch (error) {
    capture.close();
    throw toTracerError(error, (level, text) => sink.log?.(level, text));
  }
};

/** Throws again what is no refusal. */
function toTracerError(error: unknown, log: (level: 'warn', text: string) => void): TracerError {
  if (error instanceof TracerError) return error;
  return explainLoadError(error, log);
}

class RunningCapture implements Capture {
  readonly running: RunningTracer[] = [];
  private readonly session: Session;
  private last: CaptureCounters = { lost: 0, ringFill: 0, bpfNs: null, taken: 0 };
  private closed = false;

  constructor(options: CaptureOptions, sink: CaptureSink) {
    const { target, tracers, processes, without, rights = null } = options;
    this.session = new Session(
      {
        target,
        rights,
        processes,
        without,
        ringBytesPerSecond: (cpus) =>
          tracers.reduce((sum, { tracer, options: chosen }) => sum + tracer.ringBytesPerSecond(chosen, cpus), 0),
        stackFiles: {
          cacheDir: options.cacheDir ?? null,
          debugFolders: options.debugFileDirectories ?? [],
          kallsymsFd: options.kallsymsFd ?? null,
          runtimes: options.runtimes ?? new ProcessRuntimes(processes),
        },
      },
      sink,
    );
  }

  /** What one tracer lacks does not take the others away; only where none can be attached, that is the error. */
  async start({ tracers }: CaptureOptions): Promise<void> {
    const { session } = this;
    const failures: TracerError[] = [];
    for (const { tracer, options } of tracers) {
      const stepsBefore = session.attach.length;
      try {
        this.running.push(await tracer.start(options, session));
      } catch (error) {
        const failure = toTracerError(error, (level, text) => session.log(level, text));
        failures.push(failure);
        this.running.push(new AbsentTracer(failure.report));
        if (!session.attach.slice(stepsBefore).some(({ taken }) => taken === null))
          session.report({ what: tracer.unit, taken: null, refused: [{ rung: tracer.id, why: failure.message }] });
      }
    }
    if (failures.length === tracers.length) throw failures[0];
    await session.attachRest();
  }

  get attach() {
    return this.session.attach;
  }

  get complete() {
    return this.session.complete;
  }

  bumpGeneration(pid: number): void {
    this.session.bumpGeneration(pid);
  }

  counters(): CaptureCounters {
    if (this.closed) return this.last;
    const { session } = this;
    const {
      lostProcess,
      lostNames,
      refusedProcesses,
      refusedSamples,
      tableFrames,
      tableMisses,
      pointerFrames,
      ...counted
    } = session.counters();
    const unwinding = session.stackEngine?.unwinding();
    this.last = {
      ...counted,
      lostProcessRecords: lostProcess,
      lostThreadNames: lostNames,
      lostMappings: session.lostMappings,
      refused: { processes: refusedProcesses + session.refusedAtStart, samples: refusedSamples },
      ringFill: session.ringFill,
      bpfNs: session.runTimeNs(),
      waiting: session.stackEngine?.waiting ?? 0,
      unwinding: unwinding
        ? { ...unwinding, frames: { byTable: tableFrames, missed: tableMisses, byPointer: pointerFrames } }
        : undefined,
    };
    return this.last;
  }

  async stop(atOnce = false): Promise<void> {
    // The sink may end it from within a drain, at the target's exit: that drain ends first, then the memory goes.
    await null;
    if (this.closed) return;
    for (const tracer of this.running) await tracer.stop();
    this.session.drain();
    if (!atOnce) await this.session.stackEngine?.walkLastStacks();
    this.counters();
    this.close();
  }

  close(): void {
    this.closed = true;
    this.session.close();
  }
}
