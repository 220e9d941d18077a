// The entries of a symbol table, one after another, by pieces: for those who look for some by their names. Layout: System V ABI,
// "Symbol Table" (Elf64_Sym).

import type { ByteSource } from '../bytes/source';
import { MAX_SYMBOLS } from './limits';
import type { ElfFile } from './parser';
import { type Section, SHT_NOBITS } from './types';

export const SYMBOL_BYTES = 24;
const SYMBOLS_AT_ONCE = 4_096;
const TWO_32 = 4_294_967_296;

/** Where an entry lies in the piece at hand: nothing is made of the many that nobody wants. */
export interface SymbolEntry {
  bytes: Buffer;
  at: number;
}

/** Of its name among the table's strings. */
export const nameOffsetOf = ({ bytes, at }: SymbolEntry): number => bytes.readUInt32LE(at);
/** STT_FUNC, STT_TLS, … */
export const typeOf = ({ bytes, at }: SymbolEntry): number => bytes[at + 4] & 15;
/** 0: another file defines it. */
export const sectionIndexOf = ({ bytes, at }: SymbolEntry): number => bytes.readUInt16LE(at + 6);
export const addressOf = ({ bytes, at }: SymbolEntry): number =>
  bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * TWO_32;
export const sizeOf = ({ bytes, at }: SymbolEntry): number =>
  bytes.readUInt32LE(at + 16) + bytes.readUInt32LE(at + 20) * TWO_32;

/** The strings of a table of symbols; null: it has none, or they are not in the file. */
export function stringsOf(elf: ElfFile, table: Section): ByteSource | null {
  const strings = elf.sections[table.link];
  return strings && strings.type !== SHT_NOBITS ? elf.source.part(strings.fileOffset, strings.sizeBytes) : null;
}

/** Calls `visit` with each entry; the object is the same each time. Throws FormatError. */
export function forEachSymbol(elf: ElfFile, table: Section, visit: (entry: SymbolEntry) => void): void {
  const source = elf.source.part(table.fileOffset, table.sizeBytes);
  const count = Math.min(Math.floor(table.sizeBytes / SYMBOL_BYTES), MAX_SYMBOLS);
  const entry: SymbolEntry = { bytes: Buffer.alloc(0), at: 0 };
  for (let first = 0; first < count; first += SYMBOLS_AT_ONCE) {
    entry.bytes = source.read(first * SYMBOL_BYTES, Math.min(SYMBOLS_AT_ONCE, count - first) * SYMBOL_BYTES);
    for (entry.at = 0; entry.at < entry.bytes.length; entry.at += SYMBOL_BYTES) visit(entry);
  }
}
