// Stacks and samples as the helper has them once they are decoded: what bpf/events.h says, in numbers and texts of
// JavaScript. Apart from decode.ts, for those who take records and never decode any.

import type { Address, RawFrame } from '../process/types';
import type { ContextKind, Metric, TruncationReason } from '../protocol';

/** Identity of one captured stack within a session: a 64-bit hash in BPF, here a bigint. */
export type StackId = bigint;

export interface StackRecord {
  stackId: StackId;
  pid: number;
  /** Generation of the process's code that the addresses belong to (exec, mmap over old code, JIT map changed). */
  generation: number;
  /** Innermost first. Return addresses are as found on the stack (not yet minus one), except index 0 of each part. */
  kernel: Address[];
  user: RawFrame[];
  /**
   * Which of kernel[…], user[…], counted on from one to the other, are no return addresses although a frame lies further in:
   * a signal or an interrupt came there, or the thread begins there. Mostly none.
   */
  exact: number[];
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
  /** What it counts, and how much of it. */
  metric: Metric['id'];
  value: number;
  /** What the thread worked for; null: for itself, or it is not known. */
  label: SampleLabel | null;
  /** Empty where it is not known. */
  threadName: string;
}

/** An execution context. */
export interface SampleLabel {
  kind: ContextKind;
  /** Exact up to 2^53. */
  id: number;
}
