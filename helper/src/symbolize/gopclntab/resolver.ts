// Address -> Go function, file and line. Nothing is loaded beforehand: the function table is searched where it stands in
// the file, and one function's tables are decoded per question. Called by fileSymbols.ts.

import { Cursor, FormatError } from '../bytes/cursor';
import { cstringAt } from '../bytes/source';
import type { GoPlace, Pclntab } from './types';

const FUNCTION_BYTES = 48;
const PC_VALUE_BYTES = 512;
const MAX_PC_VALUE_BYTES = 1 << 20;
const NO_FILE = 0xffffffff;

/** Null where no Go function holds the address (C code of cgo). */
export function findGoPlace(table: Pclntab, address: number): GoPlace | null {
  const found = search(table, address);
  if (!found) return null;
  const { entry, offset } = found;
  const cursor = new Cursor(table.functions.readUpTo(offset, FUNCTION_BYTES));
  cursor.skip(entryBytes(table));
  const name = cstringAt(table.names, cursor.u32());
  cursor.skip(12);
  const fileTable = cursor.u32();
  const lineTable = cursor.u32();
  cursor.skip(4);
  const unitOffset = table.unitFiles ? cursor.u32() : 0;
  const startLine = table.version === '1.20' ? cursor.i32() : pcValue(table, lineTable, entry, entry);
  const fileAt = (pc: number) => {
    const fileNumber = pcValue(table, fileTable, entry, pc);
    return fileNumber === null ? null : fileName(table, unitOffset, fileNumber);
  };
  const line = pcValue(table, lineTable, entry, address);
  return {
    name,
    entry,
    file: fileAt(address),
    startFile: fileAt(entry),
    line: line !== null && line > 0 ? line : null,
    startLine: startLine !== null && startLine > 0 ? startLine : null,
  };
}

function entryBytes(table: Pclntab): number {
  return table.version === '1.18' || table.version === '1.20' ? 4 : table.pointerBytes;
}

function search(table: Pclntab, address: number): { entry: number; offset: number } | null {
  const size = entryBytes(table);
  const row = (i: number) => new Cursor(table.functionTable.read(i * 2 * size, 2 * size));
  const entryOf = (i: number) => {
    // Behind the last function stands its end alone.
    const bytes = i === table.functionCount ? table.functionTable.read(i * 2 * size, size) : null;
    return (bytes ? new Cursor(bytes) : row(i)).unsigned(size) + table.textStart;
  };
  let low = 0;
  let high = table.functionCount;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (entryOf(middle) > address) high = middle;
    else low = middle + 1;
  }
  if (low === 0 || (low === table.functionCount && address >= entryOf(low))) return null;
  const cursor = row(low - 1);
  const entry = cursor.unsigned(size) + table.textStart;
  return { entry, offset: cursor.unsigned(size) };
}

/** Value of a pc-value table at the address: pairs of (zigzag delta of the value, delta of the pc), both LEB128. */
function pcValue(table: Pclntab, offset: number, entry: number, address: number): number | null {
  if (offset === 0) return null;
  for (let bytes = PC_VALUE_BYTES; ; bytes *= 8) {
    const data = table.pcValues.readUpTo(offset, bytes);
    try {
      return decode(new Cursor(data), entry, address, table.quantum);
    } catch (error) {
      if (!(error instanceof FormatError) || data.length < bytes || bytes >= MAX_PC_VALUE_BYTES) throw error;
    }
  }
}

function decode(cursor: Cursor, entry: number, address: number, quantum: number): number | null {
  let value = -1;
  let pc = entry;
  for (let first = true; ; first = false) {
    const zigzag = cursor.uleb();
    if (zigzag === 0 && !first) return null;
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    pc += cursor.uleb() * quantum;
    if (address < pc) return value;
  }
}

function fileName(table: Pclntab, unitOffset: number, fileNumber: number): string | null {
  if (fileNumber < 0) return null;
  if (!table.unitFiles) {
    const offset = new Cursor(table.files.read(fileNumber * 4, 4)).u32();
    return cstringAt(table.functions, offset);
  }
  const offset = new Cursor(table.unitFiles.read((unitOffset + fileNumber) * 4, 4)).u32();
  return offset === NO_FILE ? null : cstringAt(table.files, offset);
}
