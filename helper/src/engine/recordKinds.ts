// Which part of the helper takes records of which kind (enum event_kind of bpf/events.h): the session's own process records, and
// whatever its tracers have asked for. A record that nobody takes is passed over.

import type { Words } from '../abi/words';

/** `at`: index of the record's first 32-bit word in `words.u32`. The words are valid during the call only. */
export type TakeRecord = (words: Words, at: number, timeNs: number) => void;

export class RecordKinds {
  /** By kind. */
  private readonly takers: TakeRecord[][] = [];

  on(kind: number, take: TakeRecord): void {
    this.takers[kind] = [...(this.takers[kind] ?? []), take];
  }

  hand(kind: number, words: Words, at: number, timeNs: number): void {
    const takers = this.takers[kind];
    if (takers) for (const take of takers) take(words, at, timeNs);
  }
}
