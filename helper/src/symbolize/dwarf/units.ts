// Which compilation unit an address belongs to: reads of each unit of .debug_info no more than its header and first
// entry. Called by resolver.ts. DWARF 5, 7.5.1 and 3.1.1. (.debug_aranges would not spare this: GCC writes it, others do
// not, and the place of the line table stands in the first entry anyway.)

import { Cursor, FormatError } from '../bytes/cursor';
import { orderOf } from '../bytes/order';
import type { ByteSource } from '../bytes/source';
import { MAX_RANGES, MAX_UNITS } from '../limits';
import { AbbreviationTable } from './abbreviations';
import { isAddressIndex, readNumber, readString, skipForm } from './forms';
import { readRanges } from './ranges';
import { indexedAddress, textOf } from './strings';
import { AT, type DwarfSections, FORM, type Range, type StringRef, type Unit, type UnitHeader } from './types';

const UT_TYPE = 2;
const UT_SKELETON = 4;
const UT_SPLIT_COMPILE = 5;
const UT_SPLIT_TYPE = 6;
const HEADER_BYTES = 40;
const FIRST_DIE_BYTES = 512;

/** Compilation units with code, and which addresses are whose. */
export interface UnitIndex {
  /** Offsets of the units in .debug_info, rising. */
  offsets: Float64Array;
  /** Ordered by `lows`; `owners` are indexes into `offsets`. */
  lows: Float64Array;
  highs: Float64Array;
  owners: Uint32Array;
  /** Units with a line table but without ranges, or with some only (DWARF 2): see `addRanges`. */
  withoutRanges: Uint32Array;
  /** Why the index ends early, where it does. */
  damage: string | null;
}

/** Null for a type unit, which has no code. Throws FormatError. */
export function readUnitHeader(info: ByteSource, offset: number): { header: UnitHeader; isType: boolean } {
  const cursor = new Cursor(info.readUpTo(offset, HEADER_BYTES));
  let lengthBytes = cursor.u32();
  let offsetBytes = 4;
  if (lengthBytes === 0xffffffff) {
    lengthBytes = cursor.u64();
    offsetBytes = 8;
  } else if (lengthBytes >= 0xfffffff0) throw new FormatError('reserved unit length');
  const end = offset + cursor.at + lengthBytes;
  if (end > info.sizeBytes) throw new FormatError('unit goes on behind its section');
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new FormatError(`DWARF version ${version}`);
  let unitType = 1;
  let abbrevOffset: number;
  let addressBytes: number;
  if (version >= 5) {
    unitType = cursor.u8();
    addressBytes = cursor.u8();
    abbrevOffset = cursor.unsigned(offsetBytes);
    if (unitType === UT_SKELETON || unitType === UT_SPLIT_COMPILE) cursor.skip(8);
  } else {
    abbrevOffset = cursor.unsigned(offsetBytes);
    addressBytes = cursor.u8();
  }
  if (addressBytes !== 4 && addressBytes !== 8) throw new FormatError(`addresses of ${addressBytes} bytes`);
  const isType = unitType === UT_TYPE || unitType === UT_SPLIT_TYPE;
  const firstDie = offset + cursor.at;
  return { header: { offset, end, firstDie, abbrevOffset, version, addressBytes, offsetBytes }, isType };
}

/** The unit with what its first entry says, and its ranges. */
export function readUnit(
  header: UnitHeader,
  sections: DwarfSections,
  abbreviations: AbbreviationTable,
): { unit: Unit; ranges: Range[] } {
  const unit: Unit = {
    ...header,
    name: null,
    compDir: null,
    stmtList: null,
    lowPc: 0,
    // Where no base is given, the contributions begin behind their section's header (DWARF 5 split units, GNU: 0).
    strOffsetsBase: header.version >= 5 ? 8 : 0,
    addrBase: header.version >= 5 ? 8 : 0,
    rnglistsBase: header.version >= 5 ? 12 : 0,
  };
  let bytes = FIRST_DIE_BYTES;
  for (;;) {
    const data = sections.info!.readUpTo(header.firstDie, Math.min(bytes, header.end - header.firstDie));
    try {
      return { unit, ranges: readFirstDie(unit, new Cursor(data), sections, abbreviations) };
    } catch (error) {
      // A long producer string or the like: once more with more of it.
      if (!(error instanceof FormatError) || data.length < bytes || bytes > FIRST_DIE_BYTES * 64) throw error;
      bytes *= 16;
    }
  }
}

function readFirstDie(unit: Unit, cursor: Cursor, sections: DwarfSections, abbreviations: AbbreviationTable): Range[] {
  const code = cursor.uleb();
  if (code === 0) return [];
  const abbreviation = abbreviations.get(code);
  let name: StringRef | null = null;
  let compDir: StringRef | null = null;
  let low: { value: number; indexed: boolean } | null = null;
  let high: { value: number; form: number } | null = null;
  let ranges: { value: number; indexed: boolean } | null = null;
  for (let i = 0; i < abbreviation.attributes.length; i++) {
    const form = abbreviation.forms[i];
    const number = () => readNumber(cursor, form, abbreviation.constants[i], unit);
    switch (abbreviation.attributes[i]) {
      case AT.name:
        name = readString(cursor, form, unit);
        break;
      case AT.compDir:
        compDir = readString(cursor, form, unit);
        break;
      case AT.stmtList:
        unit.stmtList = number();
        break;
      case AT.lowPc:
        low = { value: number(), indexed: isAddressIndex(form) };
        break;
      case AT.highPc:
        high = { value: number(), form };
        break;
      case AT.ranges:
        ranges = { value: number(), indexed: form === FORM.rnglistx };
        break;
      case AT.strOffsetsBase:
        unit.strOffsetsBase = number();
        break;
      case AT.addrBase:
        unit.addrBase = number();
        break;
      case AT.rnglistsBase:
        unit.rnglistsBase = number();
        break;
      default:
        skipForm(cursor, form, unit);
    }
  }
  unit.name = textOf(name, sections, unit);
  unit.compDir = textOf(compDir, sections, unit);
  if (low) unit.lowPc = low.indexed ? indexedAddress(low.value, sections, unit) : low.value;
  if (ranges) return readRanges(unit, ranges.value, ranges.indexed, sections);
  if (!low || !high) return [];
  const end = highPc(unit, unit.lowPc, high.value, high.form, sections);
  return end > unit.lowPc && unit.lowPc > 0 ? [{ low: unit.lowPc, high: end }] : [];
}

/** DW_AT_high_pc is an address or, from DWARF 4 on, a length. */
export function highPc(unit: Unit, low: number, value: number, form: number, sections: DwarfSections): number {
  if (form === FORM.addr) return value;
  return isAddressIndex(form) ? indexedAddress(value, sections, unit) : low + value;
}

export function indexUnits(sections: DwarfSections): UnitIndex {
  const offsets: number[] = [];
  const ranges = new OwnedRanges();
  const withoutRanges: number[] = [];
  const tables = new Map<number, AbbreviationTable>();
  let damage: string | null = null;
  try {
    for (let at = 0; at < sections.info!.sizeBytes; ) {
      const { header, isType } = readUnitHeader(sections.info!, at);
      at = header.end;
      if (isType) continue;
      if (offsets.length >= MAX_UNITS) throw new FormatError('too many units');
      try {
        let table = tables.get(header.abbrevOffset);
        if (!table) {
          // Most units have their own table, of which only the first line is needed; some linkers share one.
          if (tables.size > 64) tables.clear();
          table = new AbbreviationTable(sections.abbrev!, header.abbrevOffset);
          tables.set(header.abbrevOffset, table);
        }
        const { unit, ranges: own } = readUnit(header, sections, table);
        for (const { low, high } of own) ranges.add(low, high, offsets.length);
        // Before DWARF 3 a unit could name one range only, and leaves out what the compiler put elsewhere.
        const partial = own.length === 0 || unit.version === 2;
        if (partial && unit.stmtList !== null) withoutRanges.push(offsets.length);
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        damage ??= `unit at ${header.offset}: ${error.message}`;
      }
      offsets.push(header.offset);
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damage = `.debug_info: ${error.message}`;
  }
  return {
    offsets: Float64Array.from(offsets),
    ...ranges.columns(),
    withoutRanges: Uint32Array.from(withoutRanges),
    damage,
  };
}

/** Ranges with their units, growing; a big C++ library has hundreds of thousands. */
class OwnedRanges {
  private count = 0;
  private lows = new Float64Array(1024);
  private highs = new Float64Array(1024);
  private owners = new Uint32Array(1024);

  /** `owner` is an index into the index's `offsets`. */
  add(low: number, high: number, owner: number): void {
    if (this.count === this.lows.length) this.grow();
    this.lows[this.count] = low;
    this.highs[this.count] = high;
    this.owners[this.count++] = owner;
  }

  columns(): Pick<UnitIndex, 'lows' | 'highs' | 'owners'> {
    const order = orderOf(this.lows.subarray(0, this.count));
    const { highs, owners, lows } = this;
    return {
      lows: Float64Array.from(order, (i) => lows[i]),
      highs: Float64Array.from(order, (i) => highs[i]),
      owners: Uint32Array.from(order, (i) => owners[i]),
    };
  }

  private grow(): void {
    if (this.count >= MAX_RANGES) throw new FormatError('too many ranges');
    const { lows, highs, owners } = this;
    this.lows = new Float64Array(this.count * 2);
    this.highs = new Float64Array(this.count * 2);
    this.owners = new Uint32Array(this.count * 2);
    this.lows.set(lows);
    this.highs.set(highs);
    this.owners.set(owners);
  }
}

/** The index with the ranges of units that did not give them themselves, as their line tables have them. */
export function addRanges(index: UnitIndex, rangesOf: (offset: number) => Range[]): UnitIndex {
  const all = new OwnedRanges();
  for (let i = 0; i < index.lows.length; i++) all.add(index.lows[i], index.highs[i], index.owners[i]);
  for (const owner of index.withoutRanges)
    for (const { low, high } of rangesOf(index.offsets[owner])) all.add(low, high, owner);
  return { ...index, ...all.columns(), withoutRanges: new Uint32Array(0) };
}

const MAX_OVERLAP = 8;

/** Offset of the unit that holds the address, or null. */
export function findUnit(index: UnitIndex, address: number): number | null {
  const { lows, highs } = index;
  let low = 0;
  let high = lows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lows[middle] > address) high = middle;
    else low = middle + 1;
  }
  for (let i = low - 1; i >= 0 && i >= low - MAX_OVERLAP; i--)
    if (address < highs[i]) return index.offsets[index.owners[i]];
  return null;
}
