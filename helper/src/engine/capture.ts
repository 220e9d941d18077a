// Tracers that run together in one session of the kernel: starts them, adds up what is told of them, ends them.

import { explainLoadError } from '../bpf/loadError';
import { BpfLoadError } from '../bpf/object';
import { ProcessRuntimes } from '../runtimes/processRuntimes';
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
    throw error instanceof BpfLoadError ? explainLoadError(error, (level, text) => sink.log?.(level, text)) : error;
  }
};

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

  async start({ tracers }: CaptureOptions): Promise<void> {
    for (const { tracer, options } of tracers) this.running.push(await tracer.start(options, this.session));
    await this.session.attachRest();
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
