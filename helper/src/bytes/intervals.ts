// Half-open address ranges that may lie in or over each other, made into one table without overlaps: a binary search then tells
// whose an address is.

import { FormatError } from './cursor';
import { orderOf } from './order';
import { countNotAbove } from './search';

/** From `starts[i]` to `starts[i + 1]` all belongs to `owners[i]`; -1: to nobody. The last owner is always -1. */
export interface IntervalTable {
  starts: Float64Array;
  owners: Int32Array;
}

/** Ranges as they are found; typed arrays, doubled when full. */
export class IntervalList {
  count = 0;
  /** Of the ranges that `range` adds. */
  owner = 0;
  lows: Float64Array;
  highs: Float64Array;
  owners: Int32Array;

  constructor(
    private readonly maxCount: number,
    expected = 64,
  ) {
    this.lows = new Float64Array(expected);
    this.highs = new Float64Array(expected);
    this.owners = new Int32Array(expected);
  }

  /** Empty again; the memory is kept. */
  clear(): void {
    this.count = 0;
  }

  range(low: number, high: number): void {
    this.add(low, high, this.owner);
  }

  /** Throws FormatError where there are too many. */
  add(low: number, high: number, owner: number): void {
    if (this.count === this.lows.length) this.grow();
    this.lows[this.count] = low;
    this.highs[this.count] = high;
    this.owners[this.count++] = owner;
  }

  private grow(): void {
    if (this.count >= this.maxCount) throw new FormatError('too many ranges');
    const { lows, highs, owners } = this;
    this.lows = new Float64Array(this.count * 2);
    this.highs = new Float64Array(this.count * 2);
    this.owners = new Int32Array(this.count * 2);
    this.lows.set(lows);
    this.highs.set(highs);
    this.owners.set(owners);
  }
}

/** More questions than these are worth sorting the ranges first. */
const FEW_QUESTIONS = 48;
const FEW_RANGES = 8;

/** Ranges of which a profile asks for one address or for thousands: sorted when it pays. */
export class IntervalIndex {
  private list: IntervalList | null;
  private table: IntervalTable | null = null;
  private questions = 0;

  /** Copies the list. */
  constructor(list: IntervalList) {
    const { lows, highs, owners, count } = list;
    this.list = new IntervalList(count, 0);
    this.list.count = count;
    this.list.lows = lows.slice(0, count);
    this.list.highs = highs.slice(0, count);
    this.list.owners = owners.slice(0, count);
  }

  get sizeBytes(): number {
    return (this.list?.count ?? 0) * 20 + (this.table?.starts.length ?? 0) * 12;
  }

  /** -1: nobody. Where ranges overlap, the owner with the higher number. */
  ownerAt(address: number): number {
    if (this.list && (this.list.count <= FEW_RANGES || this.questions++ < FEW_QUESTIONS))
      return searchList(this.list, address);
    if (!this.table) {
      this.table = flatten(this.list!);
      this.list = null;
    }
    return ownerAt(this.table, address);
  }

  /** All of it, in order. */
  forEach(onRange: (low: number, high: number) => void): void {
    const { starts, owners } = this.table ?? flatten(this.list!);
    for (let i = 0; i + 1 < starts.length; i++) if (owners[i] >= 0) onRange(starts[i], starts[i + 1]);
  }
}

function searchList({ lows, highs, owners, count }: IntervalList, address: number): number {
  let found = -1;
  for (let i = 0; i < count; i++) if (lows[i] <= address && address < highs[i] && owners[i] > found) found = owners[i];
  return found;
}

/** Where ranges overlap, the owner with the higher number wins. */
export function flatten(list: IntervalList): IntervalTable {
  const { lows, highs, owners, count } = list;
  const order = orderOf(lows.subarray(0, count));
  if (areDisjoint(list, order)) return table(list, order);
  const out = new Boundaries(count);
  const active = new Heap(owners, highs);
  for (let next = 0; next < count || active.size > 0; ) {
    // What ends before the next range begins ends now; what it covered comes to light again.
    const low = next < count ? lows[order[next]] : Number.POSITIVE_INFINITY;
    while (active.size > 0) {
      const top = active.top;
      if (highs[top] > low) break;
      const end = highs[top];
      active.pop();
      while (active.size > 0 && highs[active.top] <= end) active.pop();
      out.add(end, active.size > 0 ? owners[active.top] : -1);
    }
    if (next === count) continue;
    for (; next < count && lows[order[next]] === low; next++) active.push(order[next]);
    out.add(low, owners[active.top]);
  }
  return out.table();
}

/** As ranges mostly are. */
export function isDisjoint(list: IntervalList): boolean {
  return areDisjoint(list, orderOf(list.lows.subarray(0, list.count)));
}

function areDisjoint({ lows, highs }: IntervalList, order: Uint32Array): boolean {
  for (let i = 1; i < order.length; i++) if (highs[order[i - 1]] > lows[order[i]]) return false;
  return true;
}

function table({ lows, highs, owners }: IntervalList, order: Uint32Array): IntervalTable {
  const out = new Boundaries(order.length);
  for (const i of order) {
    out.add(lows[i], owners[i]);
    out.add(highs[i], -1);
  }
  return out.table();
}

/** -1: nobody. */
export function ownerAt({ starts, owners }: IntervalTable, address: number): number {
  const before = countNotAbove(starts, address);
  return before === 0 ? -1 : owners[before - 1];
}

class Boundaries {
  private count = 0;
  private readonly starts: Float64Array;
  private readonly owners: Int32Array;

  constructor(ranges: number) {
    this.starts = new Float64Array(2 * ranges);
    this.owners = new Int32Array(2 * ranges);
  }

  add(start: number, owner: number): void {
    const { starts, owners, count } = this;
    if (count > 0 && starts[count - 1] === start) {
      owners[count - 1] = owner;
      if (count > 1 && owners[count - 2] === owner) this.count--;
    } else if (count > 0 ? owners[count - 1] !== owner : owner >= 0) {
      starts[count] = start;
      owners[this.count++] = owner;
    }
  }

  table(): IntervalTable {
    return { starts: this.starts.slice(0, this.count), owners: this.owners.slice(0, this.count) };
  }
}

/** Of range numbers: the one of the highest owner on top, among equal owners the one that ends last. */
class Heap {
  private readonly items: number[] = [];

  constructor(
    private readonly owners: Int32Array,
    private readonly highs: Float64Array,
  ) {}

  get size(): number {
    return this.items.length;
  }

  get top(): number {
    return this.items[0];
  }

  push(item: number): void {
    const { items } = this;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.isAbove(item, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = item;
  }

  pop(): void {
    const { items } = this;
    const last = items.pop()!;
    if (items.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.isAbove(items[child + 1], items[child])) child++;
      if (!this.isAbove(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
  }

  private isAbove(a: number, b: number): boolean {
    const byOwner = this.owners[a] - this.owners[b];
    return byOwner > 0 || (byOwner === 0 && this.highs[a] > this.highs[b]);
  }
}
