// The joints between the engine and what it records for: where stacks, samples and process records go, and what was counted.
// Nothing here touches koffi or files.

import type { SampleRecord, StackRecord } from '../abi/records';
import type { ProcessRecord } from '../process/types';
import type { UnwindLoad } from '../unwind/load/loader';

/** Where stacks and samples go. */
export interface StackSink {
  stack(record: StackRecord): void;
  sample(record: SampleRecord): void;
  /** Something was met at that time (CLOCK_MONOTONIC) of which a record comes later, or none: the recording has begun to fill. */
  taken(timeNs: number): void;
}

/**
 * Called synchronously while the ring drains; must be quick. A stack arrives before its first sample, and may arrive
 * again later, the same (BPF remembers only so many). A few samples of a process may follow its exit: the kernel's work
 * of taking it down is its time too. Every process but the first is announced by a fork record, with parentPid 0 where
 * its parent is not known. The process table knows of a record before the sink does.
 */
export interface CaptureSink extends StackSink {
  process(record: ProcessRecord): void;
  /** The capture as a whole broke. */
  failed(error: Error): void;
  /** What the kernel and libbpf said where something was refused: for the log, not for the user. */
  log?(level: 'debug' | 'warn', text: string): void;
}

export interface CaptureCounters {
  lost: number;
  ringFill: number;
  bpfNs: number | null;
  /** Samples taken by the kernel for the targets, kept or lost. */
  taken: number;
  /** Met in the kernel and left out, because `kernel` is false. */
  filtered?: number;
  /** Children that could not be followed: too many processes at once. */
  unfollowed?: number;
  /** Fork, exec and exit records without room. */
  lostProcessRecords?: number;
  /** Walkers of runtimes that samples asked for and that were not there. */
  skippedPasses?: number;
  /** Names of threads without room: told again with their next sample. */
  lostThreadNames?: number;
  /** Records of mappings and execs without room, of whatever process. */
  lostMappings?: number;
  /** Processes with rights that the caller has not, and times at which they were met. */
  refused?: { processes: number; samples: number };
  /** Samples that wait until their stacks can be walked. */
  waiting?: number;
  /** Left out where only frame pointers are there. */
  unwinding?: UnwindLoad & {
    /** Left by a table's rule; of these, not found in the walker's cache; left by frame pointer in its stead. */
    frames: { byTable: number; missed: number; byPointer: number };
  };
}
