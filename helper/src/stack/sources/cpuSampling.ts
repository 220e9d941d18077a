// Samples CPU time: an event on every CPU that runs sample_stack (bpf/stack_tracer.bpf.c), counted as the metric `cpu`.

import { SamplingEvents } from '../../bpf/samplingEvents';
import type { KernelSession, Stacks } from '../../engine/kernelSession';
import type { EndFacts, RunningTracer } from '../../engine/tracer';
import { type CpuOptions, type ErrorReport, MAX_FRAMES_DEFAULT, tracerError } from '../../protocol';
import { whyNoSamples } from './cpuEmpty';

const PROGRAM = 'sample_stack';
const METRIC = 'cpu';

/** The shortest way to the first sample. Throws PERF_FORBIDDEN or BpfLoadError. */
export function startCpuSampling(options: CpuOptions, session: KernelSession): RunningTracer {
  const { kernel, maxFrames = MAX_FRAMES_DEFAULT } = options;
  // First of all: a thread makes the tables while this one loads the programs.
  const stacks = session.stacks({ kernel, maxFrames });
  const object = stacks.load();
  session.countRunTime(object, PROGRAM);
  const running = new CpuSampling(options, session, stacks);
  const events = new SamplingEvents(object, PROGRAM, options.frequencyHz, [...session.without]);
  if (!events.attach()) {
    const why = events.step().refused.map(({ rung, why }) => `${rung}: ${why}`);
    throw tracerError('PERF_FORBIDDEN', why.join(', '));
  }
  running.events = events;
  session.report(events.step());
  session.regularly(() => events.vary());
  session.onCpus({ online: (cpu) => void events.addCpu(cpu), offline: (cpu) => events.removeCpu(cpu) });
  stacks.sampling();
  return running;
}

export class CpuSampling implements RunningTracer {
  events: Pick<SamplingEvents, 'cpus' | 'removeCpu'> | null = null;
  private samples = 0;

  constructor(
    private readonly options: CpuOptions,
    private readonly session: Pick<KernelSession, 'sink' | 'counters'>,
    private readonly stacks: Pick<Stacks, 'onSample' | 'waiting'>,
  ) {
    stacks.onSample(METRIC, (record) => {
      this.samples++;
      session.sink.sample(record);
    });
  }

  progress() {
    return { count: this.samples, waiting: this.stacks.waiting, lost: this.session.counters().lost };
  }

  /** All that it found is samples of the metric. */
  section(): undefined {}

  head() {
    return { frequencyHz: this.options.frequencyHz, kernelStacks: this.options.kernel };
  }

  whyEmpty(facts: EndFacts): ErrorReport {
    return whyNoSamples(this.options, facts);
  }

  reset(): void {
    this.samples = 0;
  }

  stop(): void {
    for (const cpu of this.events?.cpus ?? []) this.events?.removeCpu(cpu);
  }
}
