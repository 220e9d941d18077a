// The threads of a recording, numbered in the order in which they were met; past a bound the rest share a number.

import type { ThreadRow } from './slots';

/** Threads with a profile of their own. */
const MAX_THREADS = 2_000;

export class ThreadTable {
  readonly rows: ThreadRow[] = [];
  private readonly byKey = new Map<number, number>();

  /** Number of a thread; its row has the name that it was last met with; empty: it is not known. */
  indexOf(pid: number, tid: number, name: string): number {
    const key = pid * 2 ** 22 + tid;
    const known = this.byKey.get(key);
    if (known !== undefined) {
      if (name !== '' && this.rows[known].name !== name) this.rows[known].name = name;
      return known;
    }
    if (this.rows.length < MAX_THREADS) {
      this.byKey.set(key, this.rows.length);
      return this.rows.push({ pid, tid, name }) - 1;
    }
    if (this.rows.length === MAX_THREADS) this.rows.push({ pid: 0, tid: 0, name: 'other threads' });
    return MAX_THREADS;
  }
}
