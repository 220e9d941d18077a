// Ranges of generated code in the order in which they were written: a later one wins over every earlier one that it overlaps, since
// compilers reuse memory.

import { countBefore } from '../bytes/search';

export interface CodeRange {
  start: number;
  /** First address behind. */
  end: number;
}

/** `ranges`: by start, without overlaps. The same with `added`, the last of which wins. */
export function withLater<T extends CodeRange>(ranges: T[], added: T[]): T[] {
  return added.length === 0 ? ranges : overlay(ranges, ordered(added, 0, added.length));
}

export function rangeAt<T extends CodeRange>(ranges: readonly T[], address: number): T | null {
  const found = ranges[countBefore(ranges.length, (i) => ranges[i].start > address) - 1];
  return found && address < found.end ? found : null;
}

/** Those from `from` to `end`, in the order in which they were written -> ordered by start, later ones winning. */
function ordered<T extends CodeRange>(ranges: T[], from: number, end: number): T[] {
  if (end - from === 1) return [ranges[from]];
  const middle = (from + end) >>> 1;
  return overlay(ordered(ranges, from, middle), ordered(ranges, middle, end));
}

/** Both ordered and without overlaps; of `older` only what `newer` leaves untouched. */
function overlay<T extends CodeRange>(older: T[], newer: T[]): T[] {
  const result: T[] = [];
  let next = 0;
  for (const old of older) {
    while (next < newer.length && newer[next].end <= old.start) result.push(newer[next++]);
    if (next === newer.length || newer[next].start >= old.end) result.push(old);
  }
  while (next < newer.length) result.push(newer[next++]);
  return result;
}
