// The joints of the stack tracer inside the helper: what the capture (helper/src/bpf, helper/src/engine/capture.ts)
// hands to the session, and what the session asks of it. Nothing here touches koffi or files.

import type { AttachStep, TruncationReason } from '../protocol';
import type { UnwindLoad } from '../unwind/load';

/**
 * A code address. User addresses are themselves; kernel addresses (top bit set) are their two's complement, hence
 * negative: both are exact in a double (|x| < 2^53) with 48-bit and kernel-half addresses.
 */
export type Address = number;

/** Identity of one captured stack within a session: a 64-bit hash in BPF, here a bigint. */
export type StackId = bigint;

export interface StackRecord {
  stackId: StackId;
  pid: number;
  /** Generation of the process's code that the addresses belong to (exec, mmap over old code, JIT map changed). */
  generation: number;
  /** Innermost first. Return addresses are as found on the stack (not yet minus one), except index 0 of each part. */
  kernel: Address[];
  user: Address[];
  /** null: the walk reached its thread's entry. */
  truncated: TruncationReason | null;
}

export interface SampleRecord {
  stackId: StackId;
  /** CLOCK_MONOTONIC. */
  timeNs: number;
  pid: number;
  tid: number;
  cpu: number;
  /** Id of the goroutine that the thread worked for, its lower 32 bits; 0 or left out: none, or not known. */
  goroutine?: number;
  threadName: string;
}

/** What becomes known of processes, in the order in which it happened. */
export type ProcessRecord =
  | { kind: 'fork'; timeNs: number; pid: number; parentPid: number }
  | { kind: 'exec'; timeNs: number; pid: number; name: string }
  | { kind: 'exit'; timeNs: number; pid: number }
  | { kind: 'mmap'; timeNs: number; pid: number; mapping: MappedCode };

/** One executable mapping as the kernel reports it (PERF_RECORD_MMAP2). */
export interface MappedCode {
  start: Address;
  end: Address;
  /** Offset of `start` in the file, bytes. */
  fileOffset: number;
  path: string;
  /** Hex, or null where the kernel gives none. */
  buildId: string | null;
  deviceMajor: number;
  deviceMinor: number;
  inode: bigint;
}

/**
 * Called synchronously while the ring drains; must be quick. A stack arrives before its first sample, and may arrive
 * again later, the same (BPF remembers only so many). A few samples of a process may follow its exit: the kernel's work
 * of taking it down is its time too. Every process but the first is announced by a fork record, with parentPid 0 where
 * its parent is not known.
 */
export interface CaptureSink {
  stack(record: StackRecord): void;
  sample(record: SampleRecord): void;
  process(record: ProcessRecord): void;
  /** The capture as a whole broke. */
  failed(error: Error): void;
  /** What the kernel and libbpf said where something was refused: for the log, not for the user. */
  log?(level: 'debug' | 'warn', text: string): void;
}

export interface CaptureOptions {
  pid: number;
  frequencyHz: number;
  children: boolean;
  kernel: boolean;
  /** Deepest user stack (RecordOptions). */
  maxFrames?: number;
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
  /** Drains what is left, then detaches and unloads everything. */
  stop(): Promise<void>;
}

/** Attaches; samples may arrive before the promise resolves. Throws TracerError. */
export type StartCapture = (options: CaptureOptions, sink: CaptureSink) => Promise<Capture>;
