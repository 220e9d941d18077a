// The table that one direction of an HTTP/2 connection builds up (RFC 7541, 2.3.2 and 4). Its places are counted from the newest entry, so
// entries that were added while we looked are found exactly, also where older ones are not known: on a connection that was
// joined, after a loss, or because more was kept than there is room for. Such places say that they are unknown.

export interface TableEntry {
  /** Null: not known. */
  readonly name: string | null;
  readonly value: string | null;
}

/** Of each entry, beside name and value (RFC 7541, 4.1). */
const ENTRY_BYTES = 32;
/** What a table has before anything is said of its size. */
const SIZE_AT_START = 4_096;
/** Of what is kept of one table, by the same measure; whatever its size may be. */
export const KEPT_BYTES_MOST = 65_536;

interface Kept extends TableEntry {
  readonly bytes: number;
}

export class DynamicTable {
  /** The newest is the last. Those before `first` are gone. */
  private entries: Kept[] = [];
  private first = 0;
  private bytes = 0;
  /** Infinity: not known. */
  private size: number;
  /** Behind the oldest entry that is known there are, or may be, others. */
  private hasUnknown: boolean;

  /** `whole`: it was seen from its beginning. */
  constructor(whole: boolean) {
    this.size = whole ? SIZE_AT_START : Number.POSITIVE_INFINITY;
    this.hasUnknown = !whole;
  }

  /** Of what is kept. */
  get keptBytes(): number {
    return this.bytes;
  }

  get length(): number {
    return this.entries.length - this.first;
  }

  /** From 0, the newest. Null: unknown. Undefined: there is none. */
  at(place: number): TableEntry | null | undefined {
    if (place < this.length) return this.entries[this.entries.length - 1 - place];
    return this.hasUnknown ? null : undefined;
  }

  /** `textBytes`: of name and value; of what is not known none. */
  add(name: string | null, value: string | null, textBytes: number): void {
    const bytes = textBytes + ENTRY_BYTES;
    // One that is larger than the table empties it and is not in it (RFC 7541, 4.4).
    this.evictTo(this.size - bytes);
    if (bytes > this.size) return;
    this.entries.push({ name, value, bytes });
    this.bytes += bytes;
    this.keepLess(KEPT_BYTES_MOST);
  }

  resize(size: number): void {
    this.size = size;
    this.evictTo(size);
  }

  /** As they leave the table. */
  private evictTo(bytes: number): void {
    // Entries leave from the oldest on: where known ones leave no room for one more, no older ones are left.
    if (bytes - this.bytes < ENTRY_BYTES) this.hasUnknown = false;
    while (this.bytes > bytes && this.length > 0) this.dropOldest();
  }

  /** Keeps no more than that; they become unknown. */
  keepLess(bytes: number): void {
    while (this.bytes > bytes && this.length > 0) {
      this.dropOldest();
      this.hasUnknown = true;
    }
  }

  /** Entries were added that were not seen: nothing of it is known any more. */
  forget(): void {
    this.entries = [];
    this.first = 0;
    this.bytes = 0;
    this.size = Number.POSITIVE_INFINITY;
    this.hasUnknown = true;
  }

  private dropOldest(): void {
    this.bytes -= this.entries[this.first].bytes;
    this.first++;
    if (this.first * 2 <= this.entries.length) return;
    this.entries = this.entries.slice(this.first);
    this.first = 0;
  }
}
