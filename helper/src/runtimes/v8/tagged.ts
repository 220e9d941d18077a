// V8's tagged words: the lowest bit tells an object's address from a small integer (src/common/globals.h, kHeapObjectTag).

import { isAddress } from './heapMemory';

const TWO_32 = 4_294_967_296;

/** Weak references have the second lowest bit set. */
export function strong(reference: number): number {
  return reference % 4 === 3 ? reference - 2 : reference;
}

export function isTagged(value: number): boolean {
  return value % 4 === 1 && isAddress(value);
}

/** A small integer stands in the upper half of its word; null: the word is none. */
export function smi(word: number): number | null {
  if (word % TWO_32 !== 0) return null;
  return Math.floor(word / TWO_32) | 0;
}
