// Address ranges of units, functions and inlined calls: .debug_ranges (DWARF 3, 4) and .debug_rnglists (5). Called by
// units.ts, functions.ts and inlines.ts. DWARF 5, 7.25; DWARF 4, 2.17.3.

import { Cursor, FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import { MAX_RANGES_PER_UNIT } from '../limits';
import { indexedAddress } from './strings';
import type { DwarfSections, RangesRef, Unit } from './types';

const WINDOW_BYTES = 4_096;
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

export type OnRange = (low: number, high: number) => void;

/** Tombstones (0, -1, -2) and empty ranges are left out. Throws FormatError. */
export function readRanges(unit: Unit, ref: RangesRef, sections: DwarfSections, onRange: OnRange): void {
  const found: OnRange = (low, high) => {
    if (high > low && low > 0 && high < Number.MAX_SAFE_INTEGER) onRange(low, high);
  };
  if (unit.version >= 5) readRnglist(unit, ref, sections, found);
  else readOldRanges(unit, ref.value + unit.rangesBase, sections, found);
}

/** A list in windows: `cursor` has a whole entry before it, unless the section ends. */
class Window {
  cursor: Cursor;

  constructor(
    private readonly source: ByteSource,
    private at: number,
  ) {
    this.cursor = new Cursor(source.readUpTo(at, WINDOW_BYTES));
  }

  next(): Cursor {
    const { cursor } = this;
    if (cursor.end - cursor.at >= LONGEST_ENTRY_BYTES || this.at + cursor.end >= this.source.sizeBytes) return cursor;
    this.at += cursor.at;
    this.cursor = new Cursor(this.source.readUpTo(this.at, WINDOW_BYTES));
    return this.cursor;
  }
}

function readOldRanges(unit: Unit, offset: number, sections: DwarfSections, onRange: OnRange): void {
  if (!sections.ranges) return;
  const size = unit.addressBytes;
  const baseMarker = size === 8 ? 2 ** 64 : 2 ** (8 * size) - 1;
  const window = new Window(sections.ranges, offset);
  let base = unit.lowPc;
  for (let seen = 0; seen < MAX_RANGES_PER_UNIT; seen++) {
    const cursor = window.next();
    const low = cursor.unsigned(size);
    const high = cursor.unsigned(size);
    if (low === 0 && high === 0) return;
    if (low === baseMarker) base = high;
    else onRange(base + low, base + high);
  }
  throw new FormatError('too many ranges');
}

function readRnglist(unit: Unit, ref: RangesRef, sections: DwarfSections, onRange: OnRange): void {
  const source = sections.rnglists;
  if (!source) return;
  const size = unit.addressBytes;
  let at = ref.value;
  if (ref.isIndex) {
    const entry = source.read(unit.rnglistsBase + ref.value * unit.offsetBytes, unit.offsetBytes);
    at = unit.rnglistsBase + new Cursor(entry).unsigned(unit.offsetBytes);
  }
  const window = new Window(source, at);
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
        onRange(indexed(cursor.uleb()), indexed(cursor.uleb()));
        break;
      case RLE.startxLength: {
        const low = indexed(cursor.uleb());
        onRange(low, low + cursor.uleb());
        break;
      }
      case RLE.offsetPair:
        onRange(base + cursor.uleb(), base + cursor.uleb());
        break;
      case RLE.baseAddress:
        base = cursor.unsigned(size);
        break;
      case RLE.startEnd:
        onRange(cursor.unsigned(size), cursor.unsigned(size));
        break;
      case RLE.startLength: {
        const low = cursor.unsigned(size);
        onRange(low, low + cursor.uleb());
        break;
      }
      default:
        throw new FormatError(`unknown range entry ${kind}`);
    }
  }
  throw new FormatError('too many ranges');
}
