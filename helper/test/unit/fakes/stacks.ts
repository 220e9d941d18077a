// A made-up program for the tests of session and export: addresses are indexes into a table of functions, captured and
// symbolized by fakes that tests drive by hand.

import type { SampleRecord } from '../../../src/abi/records';
import type { Capture, CaptureOptions } from '../../../src/engine/captureTypes';
import { NO_COUNTS } from '../../../src/engine/kernelCounters';
import type { RunningTracer } from '../../../src/engine/tracer';
import type { CaptureCounters, CaptureSink } from '../../../src/engine/types';
import type { ProcessTable } from '../../../src/process/table';
import type { ProcessRecord } from '../../../src/process/types';
import { type CpuOptions, targetPids } from '../../../src/protocol';
import type { Frame } from '../../../src/runtimes/frame';
import { CpuSampling } from '../../../src/stack/sources/cpuSampling';
import type { DebugSources, Symbolizer } from '../../../src/symbolize/types';

/** A sample of one hit, on the first CPU. */
export function cpuSample(
  one: Omit<SampleRecord, 'cpu' | 'metric' | 'value' | 'label'> & Partial<SampleRecord>,
): SampleRecord {
  return { cpu: 0, metric: 'cpu', value: 1, label: null, ...one };
}

/** What a goroutine's samples are labelled with; 0: nothing. */
export const ofGoroutine = (id: number): SampleRecord['label'] => (id ? { kind: 'goroutine', id } : null);

export function frame(name: string, line: number | null = null, more: Partial<Frame> = {}): Frame {
  return {
    name,
    fullName: null,
    module: 'program',
    kind: 'native',
    runtime: null,
    symbolized: true,
    file: line === null ? null : '/src/program.c',
    line,
    column: null,
    functionFile: line === null ? null : '/src/program.c',
    functionLine: line === null ? null : Math.floor(line / 10) * 10,
    inlined: false,
    sourceMd5: null,
    binaryMtimeMs: null,
    ...more,
  };
}

/** Resolves each address to the frames that `table` holds for it. */
export class FakeSymbolizer implements Symbolizer {
  readonly calls: string[] = [];
  /** While set, answers wait until it resolves. */
  gate: Promise<void> | null = null;

  constructor(readonly table: Record<number, Frame[]> = {}) {}

  addDebugSources({ folders, servers }: DebugSources): void {
    this.calls.push(['debug', ...folders, ...servers].join(' '));
  }
  async resolve(_processes: ProcessTable, _pid: number, kernel: number[], user: number[]): Promise<Frame[][]> {
    if (this.gate) await this.gate;
    return [...kernel, ...user].map((address) => this.table[address] ?? [frame(`0x${address.toString(16)}`)]);
  }
  badFiles(): { path: string; why: string }[] {
    return [];
  }
  async close(): Promise<void> {}
}

type TakeSample = (record: SampleRecord) => void;

/** A capture of CPU time whose sink the test feeds. */
export class FakeCapture implements Capture {
  readonly complete = Promise.resolve();
  readonly attach = [{ what: 'sampling', taken: 'fake', refused: [] }];
  readonly bumped: number[] = [];
  stopped = false;
  numbers: CaptureCounters = { lost: 0, ringFill: 0, bpfNs: 1000, taken: 0 };
  readonly running: RunningTracer[];
  private readonly pid: number;
  private readonly takers: TakeSample[] = [];
  private known = new Map<string, bigint>();
  private timeNs = Number(process.hrtime.bigint());

  constructor(
    readonly options: CaptureOptions,
    readonly sink: CaptureSink,
  ) {
    const { target } = options;
    this.pid = targetPids(target)[0];
    if ('pids' in target && !target.startAtExec) for (const pid of target.pids) options.processes.add(pid);
    this.running = options.tracers.map(({ options: chosen }) => {
      const session = { sink: this.sink, counters: () => ({ ...NO_COUNTS, ...this.numbers }) };
      const stacks = { onSample: (_: string, take: TakeSample) => void this.takers.push(take), waiting: 0 };
      return new CpuSampling(chosen as CpuOptions, session, stacks);
    });
  }

  /** As the kernel would tell of it. */
  sample(record: SampleRecord): void {
    for (const take of this.takers) take(record);
  }

  /** `count` samples of one thread with one stack, innermost address first; kernel addresses are negative. */
  hit(stack: number[], count = 1, thread: { pid?: number; tid?: number; name?: string } = {}): void {
    const { pid = this.pid, name = 'main' } = thread;
    const { tid = pid } = thread;
    const key = `${pid}:${stack.join()}`;
    let stackId = this.known.get(key);
    if (stackId === undefined) {
      stackId = BigInt(this.known.size + 1);
      this.known.set(key, stackId);
      this.sink.stack({
        stackId,
        pid,
        generation: 0,
        kernel: stack.filter((address) => address < 0),
        user: stack.filter((address) => address >= 0),
        exact: [],
        truncated: null,
      });
    }
    for (let i = 0; i < count; i++) {
      this.timeNs += 1e6;
      this.numbers.taken++;
      this.sample(cpuSample({ stackId, timeNs: this.timeNs, pid, tid, threadName: name }));
    }
  }

  /** As the engine does: the table knows of it before the sink does. */
  process(record: ProcessRecord): void {
    this.options.processes.record(record);
    this.sink.process(record);
  }

  bumpGeneration(pid: number): void {
    this.bumped.push(pid);
  }
  counters(): CaptureCounters {
    return this.numbers;
  }
  async stop(): Promise<void> {
    this.stopped = true;
  }
}
