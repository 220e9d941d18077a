// A table of functions from .symtab or .dynsym: start, size and where the name stands, in typed arrays (20 bytes a function; names
// stay in the file). Layout: System V ABI, "Symbol Table" (Elf64_Sym).

import { FormatError } from '../bytes/cursor';
import { orderOf } from '../bytes/order';
import { countNotAbove } from '../bytes/search';
import { BufferSource, type ByteSource, cstringAt } from '../bytes/source';
import { MAX_SYMBOLS } from './limits';
import type { ElfFile } from './parser';
import { type Section, SHF_EXECINSTR, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB } from './types';

const SYMBOL_BYTES = 24;
const STT_NOTYPE = 0;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_LOCAL = 0;
const STB_WEAK = 2;
const CHUNK_SYMBOLS = 2_048;
/** While the symbols are put in order; larger string tables are read piece by piece. */
const MAX_STRINGS_IN_MEMORY_BYTES = 16 * 1024 * 1024;

/** Ordered by start; no start twice. */
export interface FunctionTable {
  starts: Float64Array;
  /** 0: unknown, up to the next function. */
  sizesBytes: Uint32Array;
  nameOffsets: Uint32Array;
  /** Of the further names of the same addresses, ordered by start. */
  aliasStarts: Float64Array;
  aliasNameOffsets: Uint32Array;
}

export interface NamedFunctions {
  table: FunctionTable;
  names: ByteSource;
  /** .symtab, which names all functions; else .dynsym, which names those that other files may call. */
  isWhole: boolean;
}

/** The better table the file has, with the section of its names; null where it has none. */
export function readFunctions(elf: ElfFile): NamedFunctions | null {
  for (const type of [SHT_SYMTAB, SHT_DYNSYM]) {
    const section = elf.sections.find((s) => s.type === type && s.sizeBytes >= SYMBOL_BYTES);
    const strings = section && elf.sections[section.link];
    if (!section || !strings || strings.type === SHT_NOBITS) continue;
    const names = elf.source.part(strings.fileOffset, strings.sizeBytes);
    const table = readTable(elf, section, names);
    if (table.starts.length > 0) return { table, names, isWhole: type === SHT_SYMTAB };
  }
  return null;
}

function readTable(elf: ElfFile, section: Section, strings: ByteSource): FunctionTable {
  const count = Math.floor(section.sizeBytes / SYMBOL_BYTES);
  if (count > MAX_SYMBOLS) throw new FormatError(`${count} symbols`);
  const source = elf.source.part(section.fileOffset, section.sizeBytes);
  const executable = elf.sections.map((s) => (s.flags & SHF_EXECINSTR) !== 0);
  const starts = new Float64Array(count);
  const sizes = new Uint32Array(count);
  const names = new Uint32Array(count);
  const ranks = new Uint8Array(count);
  let used = 0;
  for (let first = 0; first < count; first += CHUNK_SYMBOLS) {
    const here = Math.min(CHUNK_SYMBOLS, count - first);
    const bytes = source.read(first * SYMBOL_BYTES, here * SYMBOL_BYTES);
    for (let i = 0; i < here; i++) {
      const at = i * SYMBOL_BYTES;
      const info = bytes[at + 4];
      const type = info & 15;
      if (type !== STT_FUNC && type !== STT_NOTYPE && type !== STT_GNU_IFUNC) continue;
      const name = bytes.readUInt32LE(at);
      if (name === 0 || !executable[bytes.readUInt16LE(at + 6)]) continue;
      const high = bytes.readUInt32LE(at + 12);
      if (high >= 0x200000) continue;
      const sizeHigh = bytes.readUInt32LE(at + 20);
      starts[used] = bytes.readUInt32LE(at + 8) + high * 4_294_967_296;
      sizes[used] = sizeHigh === 0 ? bytes.readUInt32LE(at + 16) : 0xffffffff;
      names[used] = name;
      ranks[used] = rank(type, info >> 4, sizes[used]);
      used++;
    }
  }
  return ordered(starts.subarray(0, used), sizes, names, ranks, strings);
}

/** Which of several names of one address is shown: a real function, with a size, that other files may call by it. */
function rank(type: number, binding: number, sizeBytes: number): number {
  return (
    (type === STT_NOTYPE ? 0 : 8) + (sizeBytes > 0 ? 4 : 0) + (binding === STB_LOCAL ? 0 : binding === STB_WEAK ? 1 : 2)
  );
}

/**
 * Among equals: no compiler's suffix (`.localalias`), fewer underscores in front (`write`, not `__write`), else the later
 * one in the table (`a`), as other tools take it: of functions that the linker folded none is better.
 */
function isBetterName(a: string, b: string): boolean {
  const dots = Number(a.includes('.')) - Number(b.includes('.'));
  if (dots !== 0) return dots < 0;
  return leadingUnderscores(a) <= leadingUnderscores(b);
}

function leadingUnderscores(name: string): number {
  return name.length - name.replace(/^_+/, '').length;
}

function ordered(
  starts: Float64Array,
  sizes: Uint32Array,
  names: Uint32Array,
  ranks: Uint8Array,
  strings: ByteSource,
): FunctionTable {
  const order = orderOf(starts);
  const count = order.length;
  const out = {
    starts: new Float64Array(count),
    sizesBytes: new Uint32Array(count),
    nameOffsets: new Uint32Array(count),
  };
  /** All of them, since those of one address do not lie together. */
  let inMemory: ByteSource | null = null;
  const nameOf = (symbol: number) => {
    inMemory ??=
      strings.sizeBytes > MAX_STRINGS_IN_MEMORY_BYTES ? strings : new BufferSource(strings.read(0, strings.sizeBytes));
    return cstringAt(inMemory, names[symbol]);
  };
  const aliasStarts: number[] = [];
  const aliasNames: number[] = [];
  let used = 0;
  let coveredUntil = 0;
  for (let i = 0; i < count; ) {
    const from = i;
    let best = order[i];
    let next = i + 1;
    for (; next < count && starts[order[next]] === starts[best]; next++) {
      const other = order[next];
      const better =
        ranks[other] === ranks[best] ? isBetterName(nameOf(other), nameOf(best)) : ranks[other] > ranks[best];
      if (better) best = other;
    }
    const start = starts[best];
    i = next;
    // A label without type and size inside a function is no function.
    if (ranks[best] < 4 && start < coveredUntil) continue;
    for (let k = from; k < next; k++) {
      if (order[k] === best) continue;
      aliasStarts.push(start);
      aliasNames.push(names[order[k]]);
    }
    out.starts[used] = start;
    out.sizesBytes[used] = sizes[best];
    out.nameOffsets[used] = names[best];
    used++;
    coveredUntil = Math.max(coveredUntil, start + sizes[best]);
  }
  return {
    starts: out.starts.slice(0, used),
    sizesBytes: out.sizesBytes.slice(0, used),
    nameOffsets: out.nameOffsets.slice(0, used),
    aliasStarts: Float64Array.from(aliasStarts),
    aliasNameOffsets: Uint32Array.from(aliasNames),
  };
}

/** Names of one address that are looked at. */
const MAX_ALIASES = 64;
/** How far back an enclosing function is looked for when the nearest one ends before the address. */
const MAX_NESTING = 16;

/** Index of the function that holds the address, or -1. */
export function findFunction(table: FunctionTable, address: number): number {
  const { starts, sizesBytes } = table;
  const nearest = countNotAbove(starts, address) - 1;
  if (nearest < 0) return -1;
  if (sizesBytes[nearest] === 0 || address < starts[nearest] + sizesBytes[nearest]) return nearest;
  for (let i = nearest - 1; i >= 0 && i >= nearest - MAX_NESTING; i--)
    if (sizesBytes[i] > 0 && address < starts[i] + sizesBytes[i]) return i;
  return -1;
}

/** Where the names of all functions stand that begin at an address; at most MAX_ALIASES. */
export function nameOffsetsAt(table: FunctionTable, start: number): number[] {
  const found: number[] = [];
  const main = countNotAbove(table.starts, start) - 1;
  if (main >= 0 && table.starts[main] === start) found.push(table.nameOffsets[main]);
  const { aliasStarts } = table;
  for (let i = countNotAbove(aliasStarts, start) - 1; i >= 0 && aliasStarts[i] === start; i--) {
    if (found.length >= MAX_ALIASES) break;
    found.push(table.aliasNameOffsets[i]);
  }
  return found;
}
