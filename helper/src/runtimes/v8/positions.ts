// Source position tables and the tables beside baseline code: from an offset in code to a position in a script.
// Layouts: src/codegen/source-position-table.cc, source-position.h, src/baseline/bytecode-offset-iterator.h of V8.

import { VlqReader } from './vlq';

/** More entries than code of 1 MiB has instructions. */
const MAX_ENTRIES = 1_000_000;
const TWO_31 = 2 ** 31;
const TWO_30 = 2 ** 30;
const INLINING_IDS = 2 ** 16;

/** A position in a script, and the inlined function that it belongs to. */
export interface SourcePosition {
  /** UTF-16 units from the script's start; null: none is known. */
  offset: number | null;
  /** Index into the inlining positions; -1: the function itself. */
  inliningId: number;
}

const NO_POSITION: SourcePosition = { offset: null, inliningId: -1 };

/**
 * The last entry at or before `codeOffset`, the first one where all come later; null where the table has none. A damaged table
 * gives what stands before the damage. `isUnsigned`: as V8 writes it from 13.7 on.
 */
export function positionAt(table: Uint8Array, codeOffset: number, isUnsigned: boolean): SourcePosition | null {
  const reader = new VlqReader(table);
  let offset = -1;
  let raw = 0;
  let found: number | null = null;
  for (let i = 0; i < MAX_ENTRIES && !reader.done; i++) {
    const first = isUnsigned ? reader.unsigned() : reader.signed();
    offset += isUnsigned ? Math.floor(first / 4) : first >= 0 ? first : -(first + 1);
    raw += reader.signed();
    if (Number.isNaN(offset) || Number.isNaN(raw) || (offset > codeOffset && found !== null)) break;
    found = raw;
    if (offset > codeOffset) break;
  }
  return found === null ? null : decodePosition(found);
}

/** bit 0: not of a script; 1-30: offset + 1; 31-46: inlining id + 1. */
export function decodePosition(raw: number): SourcePosition {
  if (!(raw >= 0)) return NO_POSITION;
  const low = raw % TWO_31;
  const inliningId = (Math.floor(raw / TWO_31) % INLINING_IDS) - 1;
  const offset = Math.floor((low % TWO_31) / 2) % TWO_30;
  return { offset: low % 2 === 1 || offset === 0 ? null : offset - 1, inliningId };
}

const OPERAND_SCALES = 3;
/** Wide, ExtraWide, and their variants for the debugger: a prefix that tells the next bytecode's operand scale. */
const PREFIX_SCALES = [1, 2, 1, 2];

/**
 * Offset of the bytecode that baseline code at `pcOffset` runs; -1: it is still in the prologue. `isReturnAddress`: the code
 * before it made a call. `pcTable`: the length of each bytecode's machine code, the prologue's first.
 */
export function bytecodeOfBaselinePc(
  pcTable: Uint8Array,
  bytecodes: Uint8Array,
  bytecodeSizes: Uint8Array,
  pcOffset: number,
  isReturnAddress: boolean,
): number | null {
  const reader = new VlqReader(pcTable);
  const perScale = Math.floor(bytecodeSizes.length / OPERAND_SCALES);
  let end = reader.unsigned();
  let bytecode = -1;
  const isPast = () => (isReturnAddress ? pcOffset > end : pcOffset >= end);
  if (Number.isNaN(end)) return null;
  if (!isPast()) return -1;
  let next = 0;
  for (let i = 0; i < MAX_ENTRIES && !reader.done; i++) {
    bytecode = next;
    const length = bytecodeLength(bytecodes, next, bytecodeSizes, perScale);
    if (length === null) return null;
    next += length;
    end += reader.unsigned();
    if (Number.isNaN(end)) return null;
    if (!isPast()) return bytecode;
  }
  return null;
}

/** With its prefix; null where no bytecode of these can be there. */
function bytecodeLength(bytecodes: Uint8Array, at: number, sizes: Uint8Array, perScale: number): number | null {
  if (at >= bytecodes.length) return null;
  const prefixScale = PREFIX_SCALES[bytecodes[at]];
  const first = prefixScale === undefined ? at : at + 1;
  if (first >= bytecodes.length) return null;
  const index = bytecodes[first];
  if (index >= perScale) return null;
  const length = sizes[(prefixScale ?? 0) * perScale + index];
  return length > 0 ? length + first - at : null;
}

/** Whether a bytecode begins at `offset`. */
export function isBytecodeBoundary(bytecodes: Uint8Array, sizes: Uint8Array, offset: number): boolean {
  const perScale = Math.floor(sizes.length / OPERAND_SCALES);
  let at = 0;
  for (let i = 0; i < MAX_ENTRIES && at < offset; i++) {
    const length = bytecodeLength(bytecodes, at, sizes, perScale);
    if (length === null) return false;
    at += length;
  }
  return at === offset;
}
