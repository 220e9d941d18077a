// Looks a few symbols up by name, functions and data alike: what recognizes a runtime in a file. The names are searched in the
// table's strings first, so that a file without them costs one pass over its strings and no look at its symbols.

import type { ByteSource } from '../bytes/source';
import type { ElfFile } from './parser';
import { addressOf, forEachSymbol, nameOffsetOf, SYMBOL_BYTES, sectionIndexOf, sizeOf, stringsOf } from './symbolTable';
import { type Section, SHT_DYNSYM, SHT_SYMTAB } from './types';

export interface NamedSymbol {
  name: string;
  /** Virtual address. */
  address: number;
  sizeBytes: number;
}

const STRINGS_AT_ONCE_BYTES = 1024 * 1024;
/** Of one name in one table, for names that are the ends of longer ones share their bytes. */
const MAX_PLACES = 64;

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
    const strings = section && stringsOf(elf, section);
    if (!strings) continue;
    const places = placesOf(strings, missing);
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
  forEachSymbol(elf, section, (entry) => {
    const name = places.get(nameOffsetOf(entry));
    if (name === undefined || found.has(name) || sectionIndexOf(entry) === 0) return;
    found.set(name, { name, address: addressOf(entry), sizeBytes: sizeOf(entry) });
  });
}
