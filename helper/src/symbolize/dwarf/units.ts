// One unit of .debug_info: its header and what its first entry says. DWARF 5, 7.5.1 and 3.1; GNU split units: the wiki page
// "DebugFission" of GCC.

import { Cursor, FormatError } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import { type AbbreviationTable, KIND } from './abbreviations';
import { isAddress, readAddress } from './entries';
import { readNumber, readString, skipForm } from './forms';
import { type RangeSink, readRanges } from './ranges';
import { AT, type DwarfSections, FORM, type Unit, type UnitHeader } from './types';

export const UT = { compile: 1, type: 2, partial: 3, skeleton: 4, splitCompile: 5, splitType: 6 } as const;
const HEADER_BYTES = 48;
const FIRST_DIE_BYTES = 512;

/** Throws FormatError. */
export function readUnitHeader(info: ByteSource, offset: number): UnitHeader {
  const cursor = new Cursor(info.readUpTo(offset, HEADER_BYTES));
  let lengthBytes = cursor.u32();
  let offsetBytes = 4;
  if (lengthBytes === 0xffffffff) {
    lengthBytes = cursor.u64();
    offsetBytes = 8;
  } else if (lengthBytes >= 0xfffffff0) throw new FormatError('reserved unit length');
  const end = offset + cursor.at + lengthBytes;
  if (!(end <= info.sizeBytes)) throw new FormatError('unit goes on behind its section');
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new FormatError(`DWARF version ${version}`);
  let unitType: number = UT.compile;
  let abbrevOffset: number;
  let addressBytes: number;
  let dwoId: bigint | null = null;
  if (version >= 5) {
    unitType = cursor.u8();
    addressBytes = cursor.u8();
    abbrevOffset = cursor.unsigned(offsetBytes);
    if (unitType === UT.skeleton || unitType === UT.splitCompile) dwoId = cursor.bytes.readBigUInt64LE(cursor.take(8));
    else if (isTypeUnit({ unitType })) cursor.skip(8 + offsetBytes);
  } else {
    abbrevOffset = cursor.unsigned(offsetBytes);
    addressBytes = cursor.u8();
  }
  if (addressBytes !== 4 && addressBytes !== 8) throw new FormatError(`addresses of ${addressBytes} bytes`);
  const firstDie = offset + cursor.at;
  return { offset, end, firstDie, abbrevOffset, version, addressBytes, offsetBytes, unitType, dwoId };
}

/** Type units have no code. */
export function isTypeUnit({ unitType }: { unitType: number }): boolean {
  return unitType === UT.type || unitType === UT.splitType;
}

/**
 * The unit with what its first entry says. `skeleton`: the unit in the program of which this one is the rest; it says
 * where indexed addresses begin. Throws FormatError.
 */
export function readUnit(
  header: UnitHeader,
  sections: DwarfSections,
  abbreviations: AbbreviationTable,
  skeleton: Unit | null,
): Unit {
  let bytes = FIRST_DIE_BYTES;
  for (;;) {
    const data = sections.info!.readUpTo(header.firstDie, Math.min(bytes, header.end - header.firstDie));
    try {
      const unit = emptyUnit(header, skeleton);
      readFirstDie(unit, new Cursor(data), sections, abbreviations);
      return unit;
    } catch (error) {
      // A long producer string or the like: once more with more of it.
      if (!(error instanceof FormatError) || data.length < bytes || bytes > FIRST_DIE_BYTES * 64) throw error;
      bytes *= 16;
    }
  }
}

/** Where no base is given, the contributions begin behind their section's header (DWARF 5 split units, GNU: 0). */
function emptyUnit(header: UnitHeader, skeleton: Unit | null): Unit {
  const headerBytes = header.version < 5 ? 0 : header.offsetBytes + 4;
  return {
    ...header,
    isPartial: header.unitType === UT.partial,
    name: null,
    compDir: skeleton?.compDir ?? null,
    stmtList: null,
    lowPc: skeleton?.lowPc ?? 0,
    highPc: 0,
    ranges: null,
    strOffsetsBase: headerBytes && headerBytes + (header.offsetBytes === 8 ? 4 : 0),
    addrBase: skeleton?.addrBase ?? (headerBytes && headerBytes + (header.offsetBytes === 8 ? 4 : 0)),
    rnglistsBase: header.version < 5 ? 0 : header.offsetBytes === 8 ? 20 : 12,
    rangesBase: skeleton && header.version < 5 ? skeleton.rangesBase : 0,
    dwoName: null,
  };
}

function readFirstDie(unit: Unit, cursor: Cursor, sections: DwarfSections, abbreviations: AbbreviationTable): void {
  const code = cursor.uleb();
  if (code === 0) return;
  const slot = abbreviations.slot(code);
  unit.isPartial ||= abbreviations.kinds[slot] === KIND.partialUnit;
  const { attributes, forms, constants, firstAttribute } = abbreviations;
  // Indexed addresses need the base, which may stand behind them.
  let lowAt: { at: number; form: number } | null = null;
  let highAt: { at: number; form: number } | null = null;
  for (let i = firstAttribute[slot]; i < firstAttribute[slot + 1]; i++) {
    const form = forms[i];
    const number = () => readNumber(cursor, form, constants[i], unit);
    switch (attributes[i]) {
      case AT.name:
        unit.name = readString(cursor, form, unit);
        break;
      case AT.compDir:
        unit.compDir = readString(cursor, form, unit) ?? unit.compDir;
        break;
      case AT.stmtList:
        unit.stmtList = number();
        break;
      case AT.lowPc:
        lowAt = { at: cursor.at, form };
        skipForm(cursor, form, unit);
        break;
      case AT.highPc:
        highAt = { at: cursor.at, form };
        skipForm(cursor, form, unit);
        break;
      case AT.ranges:
        unit.ranges = { value: number(), isIndex: form === FORM.rnglistx };
        break;
      case AT.strOffsetsBase:
        unit.strOffsetsBase = number();
        break;
      case AT.addrBase:
      case AT.gnuAddrBase:
        unit.addrBase = number();
        break;
      case AT.rnglistsBase:
        unit.rnglistsBase = number();
        break;
      case AT.gnuRangesBase:
        unit.rangesBase = number();
        break;
      case AT.dwoName:
      case AT.gnuDwoName:
        unit.dwoName = readString(cursor, form, unit);
        break;
      case AT.gnuDwoId:
        unit.dwoId = fixedDwoId(cursor, form, unit);
        break;
      default:
        skipForm(cursor, form, unit);
    }
  }
  const valueAt = ({ at, form }: { at: number; form: number }) => {
    const there = new Cursor(cursor.bytes, at);
    return isAddress(form) ? readAddress(there, form, { unit, sections }) : readNumber(there, form, 0, unit);
  };
  if (lowAt) unit.lowPc = valueAt(lowAt);
  if (lowAt && highAt) unit.highPc = valueAt(highAt) + (isAddress(highAt.form) ? 0 : unit.lowPc);
}

function fixedDwoId(cursor: Cursor, form: number, unit: Unit): bigint | null {
  if (form === FORM.data8) return cursor.bytes.readBigUInt64LE(cursor.take(8));
  skipForm(cursor, form, unit);
  return null;
}

/** Code of the unit, as its first entry says. */
export function rangesOfUnit(unit: Unit, sections: DwarfSections, sink: RangeSink): void {
  // GNU: the base is for the ranges of the split unit, not for the skeleton's own.
  if (unit.ranges) readRanges({ ...unit, rangesBase: 0 }, unit.ranges, sections, sink);
  else if (unit.highPc > unit.lowPc) sink.range(unit.lowPc, unit.highPc);
}
