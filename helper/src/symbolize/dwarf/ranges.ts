// Address ranges of units and functions: .debug_ranges (DWARF 3, 4) and .debug_rnglists (5). Called by units.ts and
// functions.ts. DWARF 5, 7.25; DWARF 4, 2.17.3.

import { Cursor, FormatError } from '../bytes/cursor';
import { MAX_RANGES_PER_UNIT } from '../limits';
import { indexedAddress } from './strings';
import type { DwarfSections, Range, Unit } from './types';

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

/** `value` and `isIndex` as DW_AT_ranges has them. Tombstones (0, -1, -2) and empty ranges are left out. */
export function readRanges(unit: Unit, value: number, isIndex: boolean, sections: DwarfSections): Range[] {
  return unit.version >= 5 ? readRnglist(unit, value, isIndex, sections) : readOldRanges(unit, value, sections);
}

function readOldRanges(unit: Unit, offset: number, sections: DwarfSections): Range[] {
  const source = sections.ranges;
  if (!source) return [];
  const ranges: Range[] = [];
  const size = unit.addressBytes;
  const baseMarker = size === 8 ? 2 ** 64 : 2 ** (8 * size) - 1;
  let base = unit.lowPc;
  for (let at = offset, seen = 0; seen < MAX_RANGES_PER_UNIT; seen++, at += 2 * size) {
    const cursor = new Cursor(source.read(at, 2 * size));
    const low = cursor.unsigned(size);
    const high = cursor.unsigned(size);
    if (low === 0 && high === 0) return ranges;
    if (low === baseMarker) base = high;
    else push(ranges, base + low, base + high);
  }
  throw new FormatError('too many ranges');
}

function readRnglist(unit: Unit, value: number, isIndex: boolean, sections: DwarfSections): Range[] {
  const source = sections.rnglists;
  if (!source) return [];
  const size = unit.addressBytes;
  let at = value;
  if (isIndex) {
    const entry = source.read(unit.rnglistsBase + value * unit.offsetBytes, unit.offsetBytes);
    at = unit.rnglistsBase + new Cursor(entry).unsigned(unit.offsetBytes);
  }
  const ranges: Range[] = [];
  const indexed = (index: number) => indexedAddress(index, sections, unit);
  let base = unit.lowPc;
  let windowAt = at;
  let cursor = new Cursor(source.readUpTo(at, WINDOW_BYTES));
  for (let seen = 0; seen < MAX_RANGES_PER_UNIT; seen++) {
    if (cursor.end - cursor.at < LONGEST_ENTRY_BYTES && windowAt + cursor.end < source.sizeBytes) {
      windowAt += cursor.at;
      cursor = new Cursor(source.readUpTo(windowAt, WINDOW_BYTES));
    }
    const kind = cursor.u8();
    switch (kind) {
      case RLE.endOfList:
        return ranges;
      case RLE.baseAddressx:
        base = indexed(cursor.uleb());
        break;
      case RLE.startxEndx:
        push(ranges, indexed(cursor.uleb()), indexed(cursor.uleb()));
        break;
      case RLE.startxLength: {
        const low = indexed(cursor.uleb());
        push(ranges, low, low + cursor.uleb());
        break;
      }
      case RLE.offsetPair:
        push(ranges, base + cursor.uleb(), base + cursor.uleb());
        break;
      case RLE.baseAddress:
        base = cursor.unsigned(size);
        break;
      case RLE.startEnd:
        push(ranges, cursor.unsigned(size), cursor.unsigned(size));
        break;
      case RLE.startLength: {
        const low = cursor.unsigned(size);
        push(ranges, low, low + cursor.uleb());
        break;
      }
      default:
        throw new FormatError(`unknown range entry ${kind}`);
    }
  }
  throw new FormatError('too many ranges');
}

function push(ranges: Range[], low: number, high: number): void {
  if (high > low && low > 0 && high < Number.MAX_SAFE_INTEGER) ranges.push({ low, high });
}
