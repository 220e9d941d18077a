// The head of a line program: constants, folders, files. Called by lineProgram.ts. DWARF 5, 6.2.4; DWARF 4, 6.2.4.

import { type Cursor, FormatError } from '../bytes/cursor';
import { MAX_LINE_FILES } from '../limits';
import { readNumber, readString, skipForm } from './forms';
import { type Encoding, FORM, type StringRef } from './types';

const LNCT = { path: 1, directoryIndex: 2, md5: 5 } as const;

export interface LineFile {
  name: StringRef | null;
  /** Index into `folders`. */
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
  /** From version 5 on, 0 is the compilation's folder; before, that is meant by 0 and not in the list (null here). */
  folders: (StringRef | null)[];
  /** As the program numbers them: before version 5 from 1 on, index 0 being null. */
  files: (LineFile | null)[];
  /** Offset of the first opcode in the cursor's bytes. */
  programAt: number;
}

/** `cursor` stands at the version, behind the unit's length. */
export function readLineHeader(cursor: Cursor, offsetBytes: number, unitAddressBytes: number): LineHeader {
  const version = cursor.u16();
  if (version < 2 || version > 5) throw new FormatError(`line table version ${version}`);
  let addressBytes = unitAddressBytes;
  if (version >= 5) {
    addressBytes = cursor.u8();
    cursor.skip(1);
    if (addressBytes !== 4 && addressBytes !== 8) throw new FormatError(`addresses of ${addressBytes} bytes`);
  }
  const headerBytes = cursor.unsigned(offsetBytes);
  const programAt = cursor.at + headerBytes;
  if (programAt > cursor.end) throw new FormatError('line table header goes on behind its unit');
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
  const tables = version >= 5 ? readTables5(cursor, encoding) : readTables4(cursor);
  return {
    ...encoding,
    minInstructionBytes,
    maxOpsPerInstruction: maxOpsPerInstruction || 1,
    lineBase,
    lineRange,
    opcodeBase,
    operandCounts,
    ...tables,
    programAt,
  };
}

function readTables4(cursor: Cursor): Pick<LineHeader, 'folders' | 'files'> {
  const folders: (StringRef | null)[] = [null];
  for (;;) {
    const text = cursor.cstring();
    if (text === '') break;
    if (folders.push({ text }) > MAX_LINE_FILES) throw new FormatError('too many folders');
  }
  const files: (LineFile | null)[] = [null];
  for (;;) {
    const text = cursor.cstring();
    if (text === '') break;
    if (files.push(readFile4(cursor, text)) > MAX_LINE_FILES) throw new FormatError('too many files');
  }
  return { folders, files };
}

/** What follows a file's name before version 5, also in DW_LNE_define_file. */
export function readFile4(cursor: Cursor, text: string): LineFile {
  const folder = cursor.uleb();
  cursor.uleb();
  cursor.uleb();
  return { name: { text }, folder, md5: null };
}

function readTables5(cursor: Cursor, encoding: Encoding): Pick<LineHeader, 'folders' | 'files'> {
  const folders = readEntries(cursor, encoding).map((entry) => entry.name);
  return { folders, files: readEntries(cursor, encoding) };
}

function readEntries(cursor: Cursor, encoding: Encoding): LineFile[] {
  const fieldCount = cursor.u8();
  const contents: number[] = [];
  const forms: number[] = [];
  for (let i = 0; i < fieldCount; i++) {
    contents.push(cursor.uleb());
    forms.push(cursor.uleb());
  }
  const count = cursor.uleb();
  if (count > MAX_LINE_FILES || (fieldCount === 0 && count > 0)) throw new FormatError('absurd count of files');
  const entries: LineFile[] = [];
  for (let i = 0; i < count; i++) {
    const entry: LineFile = { name: null, folder: 0, md5: null };
    for (let f = 0; f < fieldCount; f++) {
      if (contents[f] === LNCT.path) entry.name = readString(cursor, forms[f], encoding);
      else if (contents[f] === LNCT.directoryIndex) entry.folder = readNumber(cursor, forms[f], 0, encoding);
      else if (contents[f] === LNCT.md5 && forms[f] === FORM.data16) {
        const at = cursor.take(16);
        entry.md5 = cursor.bytes.toString('hex', at, at + 16);
      } else skipForm(cursor, forms[f], encoding);
    }
    entries.push(entry);
  }
  return entries;
}
