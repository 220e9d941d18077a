// Starts and ends the sampling of a process: its stacks by the clock of every CPU, in a session of its own.

import { explainLoadError } from '../bpf/loadError';
import { SamplingEvents } from '../bpf/samplingEvents';
import { MAX_FRAMES_DEFAULT, tracerError } from '../protocol';
import { ProcessRuntimes } from '../runtimes/processRuntimes';
import { Session } from './session';
import { StackEngine } from './stackEngine';
import type { Capture, CaptureCounters, CaptureOptions, CaptureSink, StartCapture } from './types';

/** A stack that was not met before at this mean size. Deeper stacks take more. */
const BYTES_PER_SAMPLE = 256;
/** In the first quarter of a second samples may come raw, at this size; half a ring of them at the most. */
const RAW_BYTES_PER_SAMPLE = 10_240;
const RAW_SECONDS = 0.25;
const RAW_MOST_BYTES_PER_SECOND = 2 << 20;

function ringBytesPerSecond({ frequencyHz, maxFrames = MAX_FRAMES_DEFAULT }: CaptureOptions, cpus: number): number {
  const samplesPerSecond = frequencyHz * cpus;
  const raw = RAW_SECONDS * RAW_BYTES_PER_SAMPLE * samplesPerSecond;
  return (
    samplesPerSecond * BYTES_PER_SAMPLE * Math.max(1, maxFrames / MAX_FRAMES_DEFAULT) +
    Math.min(raw, RAW_MOST_BYTES_PER_SECOND)
  );
}

export const startCapture: StartCapture = async (options, sink) => {
  const capture = new StackCapture(options, sink);
  try {
    capture.start();
    await capture.attachRest();
    return capture;
  } catch (error) {
    capture.close();
    throw explained(error, sink);
  }
};

function explained(error: unknown, sink: CaptureSink): unknown {
  try {
    return explainLoadError(error, (level, text) => sink.log?.(level, text));
  } catch (other) {
    return other;
  }
}

class StackCapture implements Capture {
  private readonly session: Session;
  private readonly stacks: StackEngine;
  private events: SamplingEvents | null = null;
  private last: CaptureCounters = { lost: 0, ringFill: 0, bpfNs: null, taken: 0 };
  private closed = false;

  constructor(
    private readonly options: CaptureOptions,
    sink: CaptureSink,
  ) {
    const { pid, children, startAtExec, rights = null, processes, without } = options;
    this.session = new Session(
      {
        targets: { pids: [pid], children, startAtExec, rights },
        processes,
        without,
        ringBytesPerSecond: (cpus) => ringBytesPerSecond(options, cpus),
      },
      sink,
    );
    this.stacks = new StackEngine(
      this.session,
      {
        kernel: options.kernel,
        maxFrames: options.maxFrames ?? MAX_FRAMES_DEFAULT,
        cacheDir: options.cacheDir ?? null,
        debugFolders: options.debugFileDirectories ?? [],
        kallsymsFd: options.kallsymsFd ?? null,
        runtimes: options.runtimes ?? new ProcessRuntimes(processes),
      },
      sink,
    );
  }

  get attach() {
    return this.session.attach;
  }

  get complete() {
    return this.session.complete;
  }

  /** The shortest way to the first sample. */
  start(): void {
    const { session, options } = this;
    const tracer = this.stacks.load();
    session.countRunTime(tracer, 'sample_stack');
    const events = new SamplingEvents(tracer, 'sample_stack', options.frequencyHz, options.without);
    this.events = events;
    if (!events.attach()) {
      const why = events.step().refused.map(({ rung, why }) => `${rung}: ${why}`);
      throw tracerError('PERF_FORBIDDEN', why.join(', '));
    }
    session.report(events.step());
    session.regularly(() => events.vary());
    session.onCpus({ online: (cpu) => void events.addCpu(cpu), offline: (cpu) => events.removeCpu(cpu) });
    this.stacks.sampling();
  }

  attachRest(): Promise<void> {
    return this.session.attachRest();
  }

  bumpGeneration(pid: number): void {
    this.session.bumpGeneration(pid);
  }

  counters(): CaptureCounters {
    if (this.closed) return this.last;
    const { session, stacks } = this;
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
    const unwinding = stacks.unwinding();
    this.last = {
      ...counted,
      lostProcessRecords: lostProcess,
      lostThreadNames: lostNames,
      lostMappings: session.lostMappings,
      refused: { processes: refusedProcesses + session.refusedAtStart, samples: refusedSamples },
      ringFill: session.ringFill,
      bpfNs: session.runTimeNs(),
      waiting: stacks.waiting,
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
    for (const cpu of this.events?.cpus ?? []) this.events?.removeCpu(cpu);
    this.session.drain();
    if (!atOnce) await this.stacks.walkLastStacks();
    this.counters();
    this.close();
  }

  close(): void {
    this.closed = true;
    this.stacks.close();
    this.session.close();
  }
}
