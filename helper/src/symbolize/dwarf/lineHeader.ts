// The head of a line program: constants, and where its folders and files stand. Names are read when they are asked for: a unit of a
// large program names hundreds of files, of which a profile shows a few. DWARF 5, 6.2.4; DWARF 4, 6.2.4.

import { Cursor, FormatError } from '../../bytes/cursor';
import { MAX_NAME_BYTES } from '../../bytes/limits';
import type { ByteSource } from '../../bytes/source';
import { MAX_LINE_FILES, MAX_UNIT_BYTES } from '../limits';
import { readNumber, readString, skipForm } from './forms';
import { type Encoding, FORM, type StringRef } from './types';

const LNCT = { path: 1, directoryIndex: 2, md5: 5 } as const;
/** In place of the position of an entry that the format does not have: index 0 before version 5. */
const NOT_LISTED = -1;
/** Most entries are shorter. */
const ENTRY_BYTES = 256;

export interface LineFile {
  name: StringRef | null;
  /** Index into the folders. */
  folder: number;
  /** Hex; null where the compiler did not say. */
  md5: string | null;
}

export interface LineHeader extends Encoding {
  minInstructionBytes: number;
  maxOpsPerInstruction: number;
  lineBase: number;
  lineRange: number;
  opcodeBase: number;
  /** Operands of each standard opcode, index 0 unused. */
  operandCounts: Uint8Array;
  folders: EntryTable;
  files: EntryTable;
  /** Offset of the first opcode in .debug_line. */
  programAt: number;
  /** First byte behind the unit there. */
  end: number;
}

/** Folders or files: offsets of the entries in .debug_line, and how to read one. */
export interface EntryTable {
  at: number[];
  /** Pairs of content and form; null: as before version 5. */
  format: number[] | null;
}

/** Offset and length of the line table at `offset`. Throws FormatError. */
function readLength(section: ByteSource, offset: number): { at: number; end: number; offsetBytes: number } {
  const head = new Cursor(section.readUpTo(offset, 12));
  let lengthBytes = head.u32();
  let offsetBytes = 4;
  if (lengthBytes === 0xffffffff) {
    lengthBytes = head.u64();
    offsetBytes = 8;
  }
  if (!(lengthBytes <= MAX_UNIT_BYTES)) throw new FormatError(`line table of ${lengthBytes} bytes`);
  const at = offset + head.at;
  return { at, end: at + lengthBytes, offsetBytes };
}

/** Throws FormatError. */
export function readLineHeader(section: ByteSource, offset: number, unitAddressBytes: number): LineHeader {
  const { at, end, offsetBytes } = readLength(section, offset);
  // Version, header length: to know how much to read.
  const first = new Cursor(section.readUpTo(at, 16));
  const version = first.u16();
  if (version < 2 || version > 5) throw new FormatError(`line table version ${version}`);
  let addressBytes = unitAddressBytes;
  if (version >= 5) {
    addressBytes = first.u8();
    first.skip(1);
    if (addressBytes !== 4 && addressBytes !== 8) throw new FormatError(`addresses of ${addressBytes} bytes`);
  }
  const headerBytes = first.unsigned(offsetBytes);
  const restAt = at + first.at;
  const programAt = restAt + headerBytes;
  if (!(programAt <= Math.min(end, section.sizeBytes)))
    throw new FormatError('line table header goes on behind its unit');
  const cursor = new Cursor(section.read(restAt, headerBytes));
  const minInstructionBytes = cursor.u8();
  const maxOpsPerInstruction = version >= 4 ? cursor.u8() : 1;
  cursor.skip(1);
  const lineBase = cursor.i8();
  const lineRange = cursor.u8();
  const opcodeBase = cursor.u8();
  if (lineRange === 0 || opcodeBase === 0) throw new FormatError('line table without a line range');
  const operandCounts = new Uint8Array(opcodeBase);
  for (let i = 1; i < opcodeBase; i++) operandCounts[i] = cursor.u8();
  const encoding = { version, addressBytes, offsetBytes };
  const folders = version >= 5 ? findEntries(cursor, restAt, encoding) : findOldFolders(cursor, restAt);
  const files = version >= 5 ? findEntries(cursor, restAt, encoding) : findOldFiles(cursor, restAt);
  return {
    ...encoding,
    minInstructionBytes,
    maxOpsPerInstruction: maxOpsPerInstruction || 1,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    folders,
    files,
    programAt,
    end: Math.min(end, section.sizeBytes),
  };
}

function findOldFolders(cursor: Cursor, bytesAt: number): EntryTable {
  const at: number[] = [NOT_LISTED];
  for (;;) {
    const start = cursor.at;
    if (cursor.u8() === 0) return { at, format: null };
    cursor.skipCstring();
    if (at.push(bytesAt + start) > MAX_LINE_FILES) throw new FormatError('too many folders');
  }
}

function findOldFiles(cursor: Cursor, bytesAt: number): EntryTable {
  const at: number[] = [NOT_LISTED];
  for (;;) {
    const start = cursor.at;
    if (cursor.u8() === 0) return { at, format: null };
    cursor.skipCstring();
    for (let i = 0; i < 3; i++) cursor.uleb();
    if (at.push(bytesAt + start) > MAX_LINE_FILES) throw new FormatError('too many files');
  }
}

function findEntries(cursor: Cursor, bytesAt: number, encoding: Encoding): EntryTable {
  const fieldCount = cursor.u8();
  const format: number[] = [];
  for (let i = 0; i < 2 * fieldCount; i++) format.push(cursor.uleb());
  const count = cursor.uleb();
  if (count > MAX_LINE_FILES || (fieldCount === 0 && count > 0)) throw new FormatError('absurd count of files');
  const at: number[] = [];
  for (let i = 0; i < count; i++) {
    at.push(bytesAt + cursor.at);
    for (let f = 1; f < format.length; f += 2) skipForm(cursor, format[f], encoding);
  }
  return { at, format };
}

/** Entry `index` of the files or folders; null where there is none. Throws FormatError. */
export function readLineEntry(
  section: ByteSource,
  header: LineHeader,
  table: EntryTable,
  index: number,
): LineFile | null {
  const at = table.at[index] ?? NOT_LISTED;
  if (at === NOT_LISTED) return null;
  const near = section.window(at, ENTRY_BYTES);
  try {
    return readEntry(new Cursor(near), header, table);
  } catch (error) {
    // A long path, written out.
    if (!(error instanceof FormatError) || near.length >= MAX_NAME_BYTES) throw error;
    return readEntry(new Cursor(section.readUpTo(at, MAX_NAME_BYTES)), header, table);
  }
}

function readEntry(cursor: Cursor, header: LineHeader, table: EntryTable): LineFile {
  if (!table.format) {
    const name = { text: cursor.cstring() };
    return { name, folder: table === header.files ? cursor.uleb() : 0, md5: null };
  }
  const entry: LineFile = { name: null, folder: 0, md5: null };
  for (let f = 0; f < table.format.length; f += 2) {
    const form = table.format[f + 1];
    if (table.format[f] === LNCT.path) entry.name = readString(cursor, form, header);
    else if (table.format[f] === LNCT.directoryIndex) entry.folder = readNumber(cursor, form, 0, header);
    else if (table.format[f] === LNCT.md5 && form === FORM.data16) {
      const start = cursor.take(16);
      entry.md5 = cursor.bytes.toString('hex', start, start + 16);
    } else skipForm(cursor, form, header);
  }
  return entry;
}
