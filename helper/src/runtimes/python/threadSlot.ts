// Where each thread keeps the pointer to its own Python state, counted from the thread pointer: what BPF reads first for every
// sample. Versions up to 3.14 keep it as thread-specific data of the C library, whose place follows from a key; later ones in a
// thread-local variable, whose place no stripped build tells. Either way the value itself shows the place: for every
// thread its own state's address must stand there. One thread alone may have it at several places (old copies on its stack);
// the more threads are seen, the fewer remain.
//
// Layout of glibc: nptl/descr.h (`specific_1stblock` of struct pthread at 784, `specific` at 1296, blocks of 32 keys of 16 bytes).
// Only x86-64: there the thread pointer is what pthread_self() gives.

import type { Memory } from '../types';
import { pointerAt } from './codeObject';
import type { ThreadState } from './threads';

export interface ThreadSlot {
  /** From the thread pointer. */
  offset: number;
  /** There lies a pointer to a table, and in the table the state's pointer is here; null: it lies there itself. */
  inside: number | null;
  /** More places than one had the value: to be looked at again. */
  ambiguous: boolean;
}

const GLIBC_FIRST_BLOCK = 0x310;
const GLIBC_BLOCKS = 1_296;
const KEYS_IN_BLOCK = 32;
const KEY_BYTES = 16;
const KEY_DATA = 8;
const POINTER_BYTES = 8;
const BELOW_BYTES = 8_192;
const ABOVE_BYTES = 2_304;
const PAGE_BYTES = 4_096;
const MAX_THREADS_SEARCHED = 16;

/** `key`: of thread-specific data, as the runtime has it; null: unknown. Null: found nowhere (yet). */
export function findThreadSlot(memory: Memory, threads: readonly ThreadState[], key: number | null): ThreadSlot | null {
  const living = threads.filter(({ threadId }) => threadId % POINTER_BYTES === 0 && isOwnPointer(memory, threadId));
  if (living.length === 0) return null;
  const expected = key === null ? null : slotOfKey(key);
  if (expected && living.some((thread) => stateIn(memory, thread.threadId, expected) === thread.address))
    return expected;
  return searched(memory, living);
}

/** The thread descriptor begins with a pointer to itself (x86-64's ABI of thread-local storage, variant II). */
function isOwnPointer(memory: Memory, threadPointer: number): boolean {
  const bytes = memory.read(threadPointer, POINTER_BYTES);
  return bytes !== null && pointerAt(bytes, 0) === threadPointer;
}

function slotOfKey(key: number): ThreadSlot {
  const inBlock = (key % KEYS_IN_BLOCK) * KEY_BYTES + KEY_DATA;
  if (key < KEYS_IN_BLOCK) return { offset: GLIBC_FIRST_BLOCK + inBlock, inside: null, ambiguous: false };
  const block = Math.floor(key / KEYS_IN_BLOCK);
  return { offset: GLIBC_BLOCKS + block * POINTER_BYTES, inside: inBlock, ambiguous: false };
}

function stateIn(memory: Memory, threadPointer: number, { offset, inside }: ThreadSlot): number | null {
  const bytes = memory.read(threadPointer + offset, POINTER_BYTES);
  if (!bytes) return null;
  const value = pointerAt(bytes, 0);
  if (inside === null || value === 0) return value;
  const within = memory.read(value + inside, POINTER_BYTES);
  return within && pointerAt(within, 0);
}

/** Several states of one thread (interpreters beside each other) would rule each other out: the first of each is looked for. */
function searched(memory: Memory, living: readonly ThreadState[]): ThreadSlot | null {
  const byThread = new Map<number, Set<number>>();
  for (const { threadId, address } of living) {
    const states = byThread.get(threadId);
    if (states) states.add(address);
    else if (byThread.size < MAX_THREADS_SEARCHED) byThread.set(threadId, new Set([address]));
  }
  let common: number[] | null = null;
  for (const [threadId, states] of byThread) {
    const here = offsetsOf(memory, threadId, states);
    common = common ? common.filter((offset) => here.has(offset)) : [...here];
  }
  if (!common || common.length === 0) return null;
  // In the descriptor itself there are no copies; below it the lowest variable is the one that a thread keeps while it waits.
  const above = common.filter((offset) => offset > 0);
  const offset = Math.min(...(above.length > 0 ? above : common));
  return { offset, inside: null, ambiguous: common.length > 1 };
}

function offsetsOf(memory: Memory, threadPointer: number, states: Set<number>): Set<number> {
  const found = new Set<number>();
  let from = threadPointer - BELOW_BYTES;
  while (from < threadPointer + ABOVE_BYTES) {
    // By pages: what lies below may not be mapped.
    const end = Math.min(from - (from % PAGE_BYTES) + PAGE_BYTES, threadPointer + ABOVE_BYTES);
    const bytes = memory.read(from, end - from);
    if (bytes)
      for (let at = 0; at + POINTER_BYTES <= bytes.length; at += POINTER_BYTES)
        if (states.has(pointerAt(bytes, at))) found.add(from + at - threadPointer);
    from = end;
  }
  return found;
}
