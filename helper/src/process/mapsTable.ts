// The executable mappings of one process, ordered, for looking up addresses. A later mapping replaces what it covers,
// as mmap(MAP_FIXED) does. It is filled from /proc/PID/maps and from the kernel's mmap
// records. Forked processes share a table until one of them changes it (`copy` is cheap).

export interface AddressRange {
  start: number;
  /** First address behind. */
  end: number;
  /** Offset of `start` in what is mapped, bytes. */
  fileOffset: number;
}

export class MapsTable<T extends AddressRange> {
  private entries: T[] = [];
  private shared = false;

  /** All at once; overlaps are resolved in favour of the later entry. */
  static of<T extends AddressRange>(entries: Iterable<T>): MapsTable<T> {
    const table = new MapsTable<T>();
    for (const entry of entries) table.add(entry);
    return table;
  }

  /** A table that starts equal; the entries are shared until one of the two is changed. */
  copy(): MapsTable<T> {
    const other = new MapsTable<T>();
    other.entries = this.entries;
    this.shared = true;
    other.shared = true;
    return other;
  }

  get all(): readonly T[] {
    return this.entries;
  }

  find(address: number): T | null {
    const entry = this.entries[this.firstEndingAfter(address)];
    return entry !== undefined && entry.start <= address ? entry : null;
  }

  /** All that has a part in [start, end). */
  overlapping(start: number, end: number): T[] {
    const found: T[] = [];
    for (let i = this.firstEndingAfter(start); i < this.entries.length && this.entries[i].start < end; i++)
      found.push(this.entries[i]);
    return found;
  }

  add(entry: T): void {
    if (this.shared) {
      this.entries = this.entries.slice();
      this.shared = false;
    }
    const from = this.firstEndingAfter(entry.start);
    const pieces: T[] = [];
    let until = from;
    for (; until < this.entries.length; until++) {
      const old = this.entries[until];
      if (old.start >= entry.end) break;
      if (old.start < entry.start) pieces.push({ ...old, end: entry.start });
      if (old.end > entry.end) {
        const tail = { ...old, start: entry.end, fileOffset: old.fileOffset + (entry.end - old.start) };
        this.entries.splice(from, until + 1 - from, ...pieces, entry, tail);
        return;
      }
    }
    this.entries.splice(from, until - from, ...pieces, entry);
  }

  /**
   * Index of the first entry whose end lies behind `address`. Asked of each address of each new stack: a function called at each step
   * (bytes/search.ts) takes twice as long.
   */
  private firstEndingAfter(address: number): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.entries[middle].end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
