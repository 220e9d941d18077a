// Looks a few symbols up by name, functions and data alike: what recognizes a runtime in a file. The names are searched in the
// table's strings first, so that a file without them costs one pass over its strings and no look at its symbols.
// Layout: System V ABI, "Symbol Table" (Elf64_Sym).

import type { ByteSource } from '../bytes/source';
import { MAX_SYMBOLS } from './limits';
import type { ElfFile } from './parser';
import { type Section, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB } from './types';

export interface NamedSymbol {
  name: string;
  /** Virtual address. */
  address: number;
  sizeBytes: number;
}

const SYMBOL_BYTES = 24;
const SYMBOLS_AT_ONCE = 4_096;
const STRINGS_AT_ONCE_BYTES = 1024 * 1024;
/** Of one name in one table, for names that are the ends of longer ones share their bytes. */
const MAX_PLACES = 64;
const TWO_32 = 4_294_967_296;

/** The first definition of each name, of .dynsym before .symtab; names that the file does not define are left out. */
export function findSymbols(
  elf: ElfFile,
  names: readonly string[],
  tables: readonly number[] = [SHT_DYNSYM, SHT_SYMTAB],
): Map<string, NamedSymbol> {
  const found = new Map<string, NamedSymbol>();
  for (const type of tables) {
    const missing = names.filter((name) => !found.has(name));
    if (missing.length === 0) break;
    const section = elf.sections.find((s) => s.type === type && s.sizeBytes >= SYMBOL_BYTES);
    const strings = section && elf.sections[section.link];
    if (!section || !strings || section.type === SHT_NOBITS || strings.type === SHT_NOBITS) continue;
    const places = placesOf(elf.source.part(strings.fileOffset, strings.sizeBytes), missing);
    if (places.size > 0) readSymbols(elf, section, places, found);
  }
  return found;
}

/** Offset among the strings -> name. */
function placesOf(strings: ByteSource, names: readonly string[]): Map<number, string> {
  const places = new Map<number, string>();
  const wanted = names.map((name) => ({ name, bytes: Buffer.from(`${name}\0`), count: 0 }));
  const overlapBytes = Math.max(...wanted.map(({ bytes }) => bytes.length)) - 1;
  for (let from = 0; from < strings.sizeBytes; from += STRINGS_AT_ONCE_BYTES) {
    const piece = strings.readUpTo(from, STRINGS_AT_ONCE_BYTES + overlapBytes);
    for (const want of wanted)
      for (let at = piece.indexOf(want.bytes); at >= 0; at = piece.indexOf(want.bytes, at + 1))
        if (at < STRINGS_AT_ONCE_BYTES && want.count++ < MAX_PLACES) places.set(from + at, want.name);
  }
  return places;
}

function readSymbols(elf: ElfFile, section: Section, places: Map<number, string>, found: Map<string, NamedSymbol>) {
  const source = elf.source.part(section.fileOffset, section.sizeBytes);
  const count = Math.min(Math.floor(section.sizeBytes / SYMBOL_BYTES), MAX_SYMBOLS);
  for (let first = 0; first < count; first += SYMBOLS_AT_ONCE) {
    const bytes = source.read(first * SYMBOL_BYTES, Math.min(SYMBOLS_AT_ONCE, count - first) * SYMBOL_BYTES);
    for (let at = 0; at < bytes.length; at += SYMBOL_BYTES) {
      const name = places.get(bytes.readUInt32LE(at));
      // Section 0: it is another file that defines it.
      if (name === undefined || found.has(name) || bytes.readUInt16LE(at + 6) === 0) continue;
      found.set(name, {
        name,
        address: bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * TWO_32,
        sizeBytes: bytes.readUInt32LE(at + 16) + bytes.readUInt32LE(at + 20) * TWO_32,
      });
    }
  }
}
