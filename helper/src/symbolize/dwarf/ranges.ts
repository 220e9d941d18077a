// Address ranges of units, functions and inlined calls: .debug_ranges (DWARF 3, 4) and .debug_rnglists (5). DWARF 5, 7.25; DWARF 4,
// 2.17.3.

import { Cursor, FormatError } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import { MAX_RANGES_PER_UNIT } from '../limits';
import { indexedAddress } from './strings';
import type { DwarfSections, RangesRef, Unit } from './types';

/** Longest entry: a kind and two addresses or LEB128 numbers. */
const LONGEST_ENTRY_BYTES = 24;

const RLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  baseAddress: 5,
  startEnd: 6,
  startLength: 7,
} as const;

export interface RangeSink {
  range(low: number, high: number): void;
}

/** Throws FormatError. */
export function readRanges(unit: Unit, ref: RangesRef, sections: DwarfSections, sink: RangeSink): void {
  if (unit.version >= 5) readRnglist(unit, ref, sections, sink);
  else readOldRanges(unit, ref.value + unit.rangesBase, sections, sink);
}

/** Empty ranges and the tombstones -1 and -2 are left out; what else the linker threw away is for liveCode.ts to tell. */
function emit(sink: RangeSink, low: number, high: number): void {
  if (high > low && high < Number.MAX_SAFE_INTEGER) sink.range(low, high);
}

/** Where lists are read: one behind the other, mostly from the same piece of the section. */
class Window {
  constructor(
    readonly source: ByteSource,
    private at: number,
    public cursor = new Cursor(source.window(at, LONGEST_ENTRY_BYTES)),
  ) {}

  /** Can the list at the offset be read from what is here? */
  seek(offset: number): boolean {
    const inside = offset - this.at;
    if (!(inside >= 0 && inside <= this.cursor.end - LONGEST_ENTRY_BYTES)) return false;
    this.cursor.seek(inside);
    return true;
  }

  /** The cursor with a whole entry before it, unless the section ends. */
  next(): Cursor {
    const { cursor } = this;
    if (cursor.end - cursor.at >= LONGEST_ENTRY_BYTES || this.at + cursor.end >= this.source.sizeBytes) return cursor;
    this.at += cursor.at;
    this.cursor = new Cursor(this.source.window(this.at, LONGEST_ENTRY_BYTES));
    return this.cursor;
  }
}

let last: Window | null = null;

function windowAt(source: ByteSource, offset: number): Window {
  if (last?.source !== source || !last.seek(offset)) last = new Window(source, offset);
  return last;
}

function readOldRanges(unit: Unit, offset: number, sections: DwarfSections, sink: RangeSink): void {
  if (!sections.ranges) return;
  const size = unit.addressBytes;
  const baseMarker = size === 8 ? 2 ** 64 : 2 ** (8 * size) - 1;
  const window = windowAt(sections.ranges, offset);
  let base = unit.lowPc;
  for (let seen = 0; seen < MAX_RANGES_PER_UNIT; seen++) {
    const cursor = window.next();
    const low = cursor.unsigned(size);
    const high = cursor.unsigned(size);
    if (low === 0 && high === 0) return;
    if (low === baseMarker) base = high;
    else emit(sink, base + low, base + high);
  }
  throw new FormatError('too many ranges');
}

function readRnglist(unit: Unit, ref: RangesRef, sections: DwarfSections, sink: RangeSink): void {
  const source = sections.rnglists;
  if (!source) return;
  const size = unit.addressBytes;
  let at = ref.value;
  if (ref.isIndex) {
    const entry = source.read(unit.rnglistsBase + ref.value * unit.offsetBytes, unit.offsetBytes);
    at = unit.rnglistsBase + new Cursor(entry).unsigned(unit.offsetBytes);
  }
  const window = windowAt(source, at);
  const indexed = (index: number) => indexedAddress(index, sections, unit);
  let base = unit.lowPc;
  for (let seen = 0; seen < MAX_RANGES_PER_UNIT; seen++) {
    const cursor = window.next();
    const kind = cursor.u8();
    switch (kind) {
      case RLE.endOfList:
        return;
      case RLE.baseAddressx:
        base = indexed(cursor.uleb());
        break;
      case RLE.startxEndx:
        emit(sink, indexed(cursor.uleb()), indexed(cursor.uleb()));
        break;
      case RLE.startxLength: {
        const low = indexed(cursor.uleb());
        emit(sink, low, low + cursor.uleb());
        break;
      }
      case RLE.offsetPair:
        emit(sink, base + cursor.uleb(), base + cursor.uleb());
        break;
      case RLE.baseAddress:
        base = cursor.unsigned(size);
        break;
      case RLE.startEnd:
        emit(sink, cursor.unsigned(size), cursor.unsigned(size));
        break;
      case RLE.startLength: {
        const low = cursor.unsigned(size);
        emit(sink, low, low + cursor.uleb());
        break;
      }
      default:
        throw new FormatError(`unknown range entry ${kind}`);
    }
  }
  throw new FormatError('too many ranges');
}
