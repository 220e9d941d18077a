// The joints of the stack tracer inside the helper: what a capture hands to the recording, and what the recording asks of it. Nothing here touches koffi or files.

import type { SampleRecord, StackRecord } from '../abi/records';
import type { CallersRights } from '../process/callersRights';
import type { ProcessTable } from '../process/table';
import type { ProcessRecord } from '../process/types';
import type { AttachStep } from '../protocol';
import type { ProcessRuntimes } from '../runtimes/processRuntimes';
import type { UnwindLoad } from '../unwind/load/loader';

/** Where stacks and samples go. */
export interface StackSink {
  stack(record: StackRecord): void;
  sample(record: SampleRecord): void;
  /** A sample was taken whose stack can be walked later only: it comes then, with this time. */
  taken?(timeNs: number): void;
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

export interface CaptureOptions {
  /** Is kept current by the capture. */
  processes: ProcessTable;
  /** Of those processes: the capture tells it of files and of the kernel's side. Left out: one of the capture's own. */
  runtimes?: ProcessRuntimes;
  pid: number;
  frequencyHz: number;
  children: boolean;
  kernel: boolean;
  /** Deepest user stack (RecordOptions). */
  maxFrames?: number;
  /** Whose processes are traced; null or left out: everybody's. */
  rights?: CallersRights | null;
  /** Do not count anything before the target's next exec. */
  startAtExec: boolean;
  /** For unwind tables from run to run; null or left out: none. */
  cacheDir?: string | null;
  /** Where separate debug files may lie besides the system's places (RecordOptions). */
  debugFileDirectories?: string[];
  without: string[];
  /** /proc/kallsyms as root opened it, read by nobody else; left out or null: open it oneself. */
  kallsymsFd?: number | null;
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

export interface Capture {
  readonly attach: AttachStep[];
  /** `attach` is final: what is loaded while samples come already is there, or was refused. Never rejects. */
  readonly complete: Promise<void>;
  /** A process's code changed in a way only user space knows (its perf map grew): old stacks no longer match. */
  bumpGeneration(pid: number): void;
  counters(): CaptureCounters;
  /** Drains what is left, then detaches and unloads everything; `atOnce`: without walking stacks that wait for tables. */
  stop(atOnce?: boolean): Promise<void>;
}

/** Attaches; samples may arrive before the promise resolves. Throws TracerError. */
export type StartCapture = (options: CaptureOptions, sink: CaptureSink) => Promise<Capture>;
