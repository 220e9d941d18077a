// Go's inline tree: which functions the compiler put into another one, at which instructions. Layout: `inlinedCall` in Go's
// runtime/symtabinl.go (1.20 on) and runtime/symtab.go (before).

import { Cursor } from '../../../bytes/cursor';
import { type ByteSource, cstringAt } from '../../../bytes/source';
import type { Pclntab } from './types';

/** Behind the fields that every version has: how many pc-value tables and how many data there are. */
export interface FunctionTables {
  /** Offset in `functions` of the first pc-value table's offset. */
  tablesAt: number;
  tableCount: number;
  dataCount: number;
}

export interface InlinedCall {
  name: string;
  /** Null before Go 1.20. */
  startLine: number | null;
  /** An instruction of the function at which the call stands, as an offset from its first. */
  parentPc: number;
}

export interface InlineTree {
  /** Offset of the table from pc to entry. */
  indexTable: number;
  entries: ByteSource;
}

const NO_DATA = 0xffffffff;

/** Null where nothing was inlined into the function, or where that cannot be told. */
export function inlineTree(table: Pclntab, { tablesAt, tableCount, dataCount }: FunctionTables): InlineTree | null {
  if (!table.inlines) return null;
  const { pcdataIndex, funcdataIndex, isPointer } = table.inlines;
  if (pcdataIndex >= tableCount || funcdataIndex >= dataCount) return null;
  const indexTable = new Cursor(table.functions.read(tablesAt + pcdataIndex * 4, 4)).u32();
  if (indexTable === 0) return null;
  const address = isPointer
    ? dataPointer(table, tablesAt + tableCount * 4, funcdataIndex)
    : dataOffset(table, tablesAt + tableCount * 4, funcdataIndex);
  const entries = address === null ? null : table.bytesAt(address);
  return entries && { indexTable, entries };
}

/** Pointers are aligned to their size, as functions are. */
function dataPointer(table: Pclntab, dataAt: number, index: number): number | null {
  const { pointerBytes } = table;
  const at = Math.ceil(dataAt / pointerBytes) * pointerBytes + index * pointerBytes;
  return new Cursor(table.functions.read(at, pointerBytes)).unsigned(pointerBytes) || null;
}

function dataOffset(table: Pclntab, dataAt: number, index: number): number | null {
  const offset = new Cursor(table.functions.read(dataAt + index * 4, 4)).u32();
  return table.goFunc === null || offset === NO_DATA ? null : table.goFunc + offset;
}

/** Throws FormatError where the tree has no such entry. */
export function inlinedCall(table: Pclntab, { entries }: InlineTree, index: number): InlinedCall {
  if (table.version === '1.20') {
    const cursor = new Cursor(entries.read(index * 16 + 4, 12));
    const name = cstringAt(table.names, cursor.u32());
    const parentPc = cursor.i32();
    return { name, parentPc, startLine: cursor.i32() };
  }
  const cursor = new Cursor(entries.read(index * 20 + 12, 8));
  const name = cstringAt(table.names, cursor.u32());
  return { name, parentPc: cursor.i32(), startLine: null };
}
