// What a tracer is given of a recording's session in the kernel: objects that share what they have in common, one ring whose
// records come by kind, the targets and their processes. Types alone, so that tracers can be tested without a kernel.

import type { SampleRecord } from '../abi/records';
import type { BpfObject, ObjectLoader } from '../bpf/object';
import type { CallersRights } from '../process/callersRights';
import type { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import type { AttachStep, RecordTarget } from '../protocol';
import type { KernelCounters } from './kernelCounters';
import type { TakeRecord } from './recordKinds';
import type { TargetMap } from './targetMap';
import type { StackSink } from './types';

/** Which processes are traced. */
export interface SessionTargets {
  pids: readonly number[];
  /** Those that they start, too. */
  children: boolean;
  /** They wait in a held launcher: nothing counts before the next exec. */
  startAtExec: boolean;
  /** Whose processes are traced; null: everybody's. */
  rights: CallersRights | null;
}

/** What looks at every CPU by itself. */
export interface CpuUser {
  /** Once a second, of each CPU that is online. */
  online(cpu: number): void;
  offline(cpu: number): void;
}

export interface StackOptions {
  /** Time in the kernel, too; else samples in the kernel are left out. */
  kernel: boolean;
  /** Deepest user stack. */
  maxFrames: number;
}

/** Stacks of the targets, walked: shared by all tracers that sample stacks. The stacks themselves go to the session's sink. */
export interface Stacks {
  /** The object whose programs sample. Throws BpfLoadError. */
  load(): BpfObject;
  /** Samples come now: time for everything that the first one does not need. */
  sampling(): void;
  /** Samples of one metric, which belongs to one tracer. */
  onSample(metric: string, take: (record: SampleRecord) => void): void;
  /** Samples that wait until their stacks can be walked. */
  readonly waiting: number;
}

/** With the first object that it loads, the ring is opened. */
export interface KernelSession extends ObjectLoader {
  readonly target: RecordTarget;
  /** The processes among the target; none where it is something else. */
  readonly targets: SessionTargets;
  /** Knows of each process record before the tracers hear of it. */
  readonly processes: ProcessTable;
  /** Where a tracer's stacks and samples go. */
  readonly sink: StackSink;
  readonly useRingBuffer: boolean;
  /** That the machine can have. */
  readonly possibleCpus: number;

  /** Of the map with this name in any loaded object; null: none has it. */
  mapFd(name: string): number | null;
  /** Of this program the run time counts as the recording's cost. */
  countRunTime(object: BpfObject, program: string): void;

  /** Made at the first call, whose options hold for all; tables are made from then on. */
  stacks(options: StackOptions): Stacks;
  /** Who tells BPF of a process's code. Null before the first object is loaded. */
  readonly targetMap: TargetMap | null;

  /** Records of one kind, in order of time with all others and with process records. Called while the ring drains: be quick. */
  on(kind: number, take: TakeRecord): void;
  /** Forks, execs, exits and mappings of the targets, after the process table heard of them. */
  onProcess(take: (record: ProcessRecord) => void): void;
  /** The same before the process table hears of them. */
  beforeProcess(take: (record: ProcessRecord) => void): void;
  /** A process that ran before the recording began has become a target. */
  onAdopted(take: (pid: number) => void): void;
  /** A record came of this process: it is known from now on, also where its fork record found no room. */
  meet(pid: number, timeNs: number): void;
  /** Stacks of this process from now on count as new ones. */
  bumpGeneration(pid: number): void;

  /**
   * What the first records do not need: done in this order once all tracers have started and the targets' children are targets,
   * with the event loop in between. The recording counts as attached when it is done.
   */
  later(action: () => void | Promise<void>): void;
  /** What may take its time, beside the recording. A failure is logged. */
  beside(what: string, action: () => Promise<void>): void;
  /** After each drain of the ring. */
  regularly(action: () => void): void;
  onCpus(user: CpuUser): void;

  /** One rung taken or refused; may be changed afterwards. */
  report(step: AttachStep): void;
  counters(): KernelCounters;
  /** Of the fullest buffer when it was last drained, 0..1. */
  readonly ringFill: number;
  log(level: 'debug' | 'warn', text: string): void;
}
