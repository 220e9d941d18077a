// Records of bpf/events.h out of a ring's words, by the offsets that events.gen.ts took from the object's BTF. Runs for each
// record, so there is no allocation that the result does not need.

import type { Address, RawFrame } from '../process/types';
import { CONTEXT_KINDS, type ContextKind, type Metric, type TruncationReason } from '../protocol';
import {
  EVENT_HEADER,
  EVENT_KIND,
  FRAME_RUNTIME_SHIFT,
  FRAME_WORDS_MAX,
  FRAME_WORDS_SHIFT,
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
const CONTEXTS: Record<number, ContextKind | undefined> = Object.fromEntries(
  CONTEXT_KINDS.map((kind) => [LABEL_KIND[`LABEL_${kind.toUpperCase() as Uppercase<ContextKind>}`], kind]),
);

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

/** Bits 63 and 62 of a word, in its upper half: the head of a runtime's frame. */
const isHead = (high: number) => high >>> 30 === 1;

/** The user's part of a stack, `count` words: addresses as in framesAt(), and frames of runtimes (FRAME_RUNTIME of events.h). */
function userFramesAt(words: Words, index: number, count: number, exact: number[], firstIndex: number): RawFrame[] {
  const { u32, u64 } = words;
  let firstHead = 0;
  while (firstHead < count && !isHead(u32[index + 2 * firstHead + 1])) firstHead++;
  const frames: RawFrame[] = framesAt(u32, index, firstHead, exact, firstIndex);
  for (let i = firstHead; i < count; i++) {
    const high = u32[index + 2 * i + 1];
    if (!isHead(high)) {
      for (const address of framesAt(u32, index + 2 * i, 1, exact, firstIndex)) frames.push(address);
      if (isExact(high) && frames.length > 1) exact.push(firstIndex + frames.length - 1);
      continue;
    }
    const own: bigint[] = [];
    for (let left = (high >>> WORDS_SHIFT) & FRAME_WORDS_MAX; left > 0 && i + 1 < count; left--)
      own.push(u64[(index >>> 1) + ++i]);
    const data = u32[index + 2 * (i - own.length)] + (high & DATA_HIGH) * TWO_32;
    frames.push({ runtime: (high >>> RUNTIME_SHIFT) & RUNTIME_BITS, data, words: own });
  }
  return frames;
}

/** Where a head has its fields, in its upper half. */
const RUNTIME_SHIFT = FRAME_RUNTIME_SHIFT - 32;
const RUNTIME_BITS = 0x3f;
const WORDS_SHIFT = FRAME_WORDS_SHIFT - 32;
const DATA_HIGH = 2 ** WORDS_SHIFT - 1;

/** NUL-terminated text in words, as UTF-8 where it is. */
export function textAt(u32: Uint32Array, index: number, lengthBytes: number): string {
  const bytes = Buffer.from(u32.buffer, u32.byteOffset + index * 4, lengthBytes);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? lengthBytes : end);
}

export function decodeStack(words: Words, at: number): StackRecord {
  const { u32 } = words;
  const ends = u32[at + STACK_EVENT.userEnd / 4];
  const userWords = Math.min(ends >>> 16, STACK_EVENT.wordsLength);
  const kernelCount = Math.min(u32[at + STACK_EVENT.userFrames / 4] >>> 16, STACK_EVENT.wordsLength - userWords);
  const first = at + STACK_EVENT.words / 4;
  const reason = REASONS[ends & 0xffff];
  const exact: number[] = [];
  return {
    stackId: words.u64[(at + STACK_EVENT.stackId / 4) >>> 1],
    pid: u32[at + STACK_EVENT.pid / 4],
    generation: u32[at + STACK_EVENT.generation / 4],
    kernel: framesAt(u32, first + 2 * userWords, kernelCount, exact, 0),
    user: userFramesAt(words, first, userWords, exact, kernelCount),
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
