// Records of bpf/events.h out of a ring's words, by the offsets that events.gen.ts took from the object's BTF. Called
// by engine/captureStream.ts for each record, so: no allocation that the result does not need.

import type { Address } from '../process/types';
import type { ContextKind, Metric, TruncationReason } from '../protocol';
import {
  EVENT_HEADER,
  EVENT_KIND,
  LABEL_KIND,
  METRIC,
  PROCESS_EVENT,
  SAMPLE_EVENT,
  STACK_EVENT,
  THREAD_EVENT,
  WALK_END,
} from './events.gen';
import type { SampleRecord, StackRecord } from './records';
import type { Words } from './words';

const TWO_32 = 2 ** 32;

const REASONS: Record<number, TruncationReason | null> = {
  [WALK_END.WALK_WHOLE]: null,
  [WALK_END.WALK_NO_FRAME_POINTER]: 'noFramePointer',
  [WALK_END.WALK_TOO_DEEP]: 'tooDeep',
  [WALK_END.WALK_BAD_ADDRESS]: 'badAddress',
  [WALK_END.WALK_NO_UNWIND_INFO]: 'noUnwindInfo',
  [WALK_END.WALK_UNREADABLE_STACK]: 'unreadableStack',
  [WALK_END.WALK_UNKNOWN]: 'unknown',
  [WALK_END.WALK_UNEXPRESSIBLE]: 'unexpressible',
  [WALK_END.WALK_32BIT]: 'code32Bit',
  [WALK_END.WALK_TABLES_NOT_READY]: 'tablesNotReady',
};

/** By the numbers of METRIC and LABEL_KIND. */
const METRICS: Record<number, Metric['id'] | undefined> = { [METRIC.METRIC_CPU]: 'cpu' };
const CONTEXTS: Record<number, ContextKind | undefined> = { [LABEL_KIND.LABEL_GOROUTINE]: 'goroutine' };

/** One of EVENT_KIND. */
export function kindOf(words: Words, at: number): number {
  return words.u32[at + EVENT_HEADER.kind / 4];
}

export function timeNsOf(words: Words, at: number): number {
  return unsigned64(words.u32, at + EVENT_HEADER.timeNs / 4);
}

function unsigned64(u32: Uint32Array, index: number): number {
  return u32[index] + u32[index + 1] * TWO_32;
}

/** See Address in process/types.ts: kernel addresses come out negative. */
export function addressAt(u32: Uint32Array, index: number): Address {
  return u32[index] + (u32[index + 1] | 0) * TWO_32;
}

/** Bits 61 and 62 of a frame's word, in its upper half: they differ where the address is exact (FRAME_EXACT of events.h). */
const BIT_61 = 1 << 29;
const isExact = (high: number) => ((high ^ (high >>> 1)) & BIT_61) !== 0;

/** A part of a stack. `exact` receives the indexes of exact addresses but the part's first, counted from `firstIndex` on. */
export function framesAt(
  u32: Uint32Array,
  index: number,
  count: number,
  exact: number[],
  firstIndex: number,
): Address[] {
  const list = new Array<Address>(count);
  for (let i = 0; i < count; i++) {
    const high = u32[index + 2 * i + 1];
    if (isExact(high)) {
      list[i] = u32[index + 2 * i] + ((high ^ BIT_61) | 0) * TWO_32;
      if (i > 0) exact.push(firstIndex + i);
    } else list[i] = addressAt(u32, index + 2 * i);
  }
  return list;
}

/** NUL-terminated text in words, as UTF-8 where it is. */
export function textAt(u32: Uint32Array, index: number, lengthBytes: number): string {
  const bytes = Buffer.from(u32.buffer, u32.byteOffset + index * 4, lengthBytes);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? lengthBytes : end);
}

export function decodeStack(words: Words, at: number): StackRecord {
  const { u32 } = words;
  const counts = u32[at + STACK_EVENT.userCount / 4];
  const userCount = Math.min(counts & 0xffff, STACK_EVENT.framesLength);
  const kernelCount = Math.min(counts >>> 16, STACK_EVENT.framesLength - userCount);
  const frames = at + STACK_EVENT.frames / 4;
  const reason = REASONS[u32[at + STACK_EVENT.userEnd / 4]];
  const exact: number[] = [];
  return {
    stackId: words.u64[(at + STACK_EVENT.stackId / 4) >>> 1],
    pid: u32[at + STACK_EVENT.pid / 4],
    generation: u32[at + STACK_EVENT.generation / 4],
    kernel: framesAt(u32, frames + 2 * userCount, kernelCount, exact, 0),
    user: framesAt(u32, frames, userCount, exact, kernelCount),
    exact,
    truncated: reason === undefined ? 'unknown' : reason,
  };
}

/** Names that are remembered: several times as many as the kernel remembers to have sent. */
const MAX_NAMES = 1 << 17;

/** A sample gets the name that the kernel told last of its thread: see struct thread_event. */
export class SampleDecoder {
  private readonly names = new Map<number, string>();

  constructor(private readonly maxNames = MAX_NAMES) {}

  /** A thread's name. */
  thread({ u32 }: Words, at: number): void {
    const tid = u32[at + THREAD_EVENT.tid / 4];
    this.names.delete(tid);
    this.names.set(tid, textAt(u32, at + THREAD_EVENT.comm / 4, THREAD_EVENT.commLength));
    if (this.names.size > this.maxNames) for (const oldest of this.names.keys()) return void this.names.delete(oldest);
  }

  decode(words: Words, at: number): SampleRecord {
    const { u32 } = words;
    const tid = u32[at + SAMPLE_EVENT.tid / 4];
    const kinds = u32[at + SAMPLE_EVENT.metric / 4];
    const context = CONTEXTS[kinds >>> 16];
    return {
      stackId: words.u64[(at + SAMPLE_EVENT.stackId / 4) >>> 1],
      timeNs: timeNsOf(words, at),
      pid: u32[at + SAMPLE_EVENT.pid / 4],
      tid,
      cpu: u32[at + SAMPLE_EVENT.cpu / 4],
      metric: METRICS[kinds & 0xffff] ?? '',
      value: unsigned64(u32, at + SAMPLE_EVENT.value / 4),
      label: context ? { kind: context, id: unsigned64(u32, at + SAMPLE_EVENT.label / 4) } : null,
      threadName: this.names.get(tid) ?? '',
    };
  }
}

export interface ProcessEvent {
  kind: 'fork' | 'exec' | 'exit' | 'refused';
  timeNs: number;
  pid: number;
  parentPid: number;
  name: string;
}

/** Null for a kind that is not a process's. */
export function decodeProcess(words: Words, at: number): ProcessEvent | null {
  const kind = PROCESS_KINDS[kindOf(words, at)];
  if (!kind) return null;
  return {
    kind,
    timeNs: timeNsOf(words, at),
    pid: words.u32[at + PROCESS_EVENT.pid / 4],
    parentPid: words.u32[at + PROCESS_EVENT.parentPid / 4],
    name: textAt(words.u32, at + PROCESS_EVENT.comm / 4, PROCESS_EVENT.commLength),
  };
}

const PROCESS_KINDS: Record<number, ProcessEvent['kind'] | undefined> = {
  [EVENT_KIND.EVENT_FORK]: 'fork',
  [EVENT_KIND.EVENT_EXEC]: 'exec',
  [EVENT_KIND.EVENT_EXIT]: 'exit',
  [EVENT_KIND.EVENT_REFUSED]: 'refused',
};
