// Where a TLS library of OpenSSL's kind can be probed for plaintext, found in its file: where bytes to be sent enter it, and the
// copies by which received ones leave it. Only instructions that the kernel emulates are taken: others are single-stepped, some ten
// microseconds each (kernel: arch/x86/kernel/uprobes.c, branch_setup_xol_ops and push_setup_xol_ops). x86-64 only.

import { FormatError } from '../../bytes/cursor';
import type { ElfFile } from '../../elf/parser';
import { PltStubs } from '../../elf/plt';
import { SHF_EXECINSTR, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB } from '../../elf/types';

export interface ProbePoints {
  /** Offsets in the file. Entry of what writes: object, bytes, how many. */
  writes: number[];
  /** Of SSL_peek and the like. */
  peeks: number[];
  /** Calls of memcpy, among which those are that copy plaintext out. */
  copies: number[];
}

interface NamedFunction {
  address: number;
  sizeBytes: number;
}

const SYMBOL_BYTES = 24;
const STT_FUNC = 2;
/** Names are looked for in a table of strings at once; larger ones are no library's. */
const MAX_STRINGS_BYTES = 256 << 20;
const MAX_SYMBOL_BYTES = 256 << 20;
const MAX_CODE_BYTES = 64 << 20;
const MAX_FUNCTION_BYTES = 1 << 20;
/** All of libssl has 61. */
const MAX_COPIES = 512;

const WRITES = ['SSL_write', 'SSL_write_ex'];
const PEEKS = ['SSL_peek', 'SSL_peek_ex'];
/** Which copies a record's plaintext out. */
const READER = 'ssl3_read_bytes';
const COPY_FUNCTIONS = ['memcpy', 'memmove', '__memcpy_chk'];

/** Null where the file has no such library. Throws FormatError where it is damaged. */
export function findProbePoints(elf: ElfFile): ProbePoints | null {
  const functions = namedFunctions(elf, [...WRITES, ...PEEKS, READER]);
  const writes = WRITES.flatMap((name) => functions.get(name) ?? []);
  if (writes.length === 0) return null;
  const offsets = (addresses: number[]) => addresses.map((address) => fileOffset(elf, address));
  return {
    writes: offsets(writeEntries(elf, writes)),
    peeks: offsets(PEEKS.flatMap((name) => functions.get(name)?.address ?? [])),
    copies: offsets(copies(elf, functions.get(READER) ?? null)),
  };
}

/** What all of them call with the same arguments, where that is one function; else their own entries. */
function writeEntries(elf: ElfFile, writes: NamedFunction[]): number[] {
  const called = writes.map((one) => new Set(calls(elf, one.address, one.sizeBytes).map(({ target }) => target)));
  const stubs = new PltStubs(elf);
  const common = [...called[0]].filter(
    (target) => writes.length > 1 && called.every((targets) => targets.has(target)) && !stubs.find(target),
  );
  const inner = common.filter((target) => isEmulated(elf, target));
  // The one that both call first: what follows reports errors.
  if (inner.length > 0 && !writes.every(({ address }) => isEmulated(elf, address))) return [inner[0]];
  return writes.map(({ address }) => address);
}

/** Calls of memcpy and its kin in a function, or in all code where that has no name. */
function copies(elf: ElfFile, within: NamedFunction | null): number[] {
  const stubs = new PltStubs(elf);
  const known = new Map<number, boolean>();
  const isCopy = (target: number) => {
    let copy = known.get(target);
    if (copy === undefined) {
      const name = stubs.find(target)?.name;
      copy = name !== undefined && COPY_FUNCTIONS.includes(name.replace(/@plt$/, ''));
      if (known.size < 100_000) known.set(target, copy);
    }
    return copy;
  };
  const text = elf.section('.text');
  const found = within
    ? calls(elf, within.address, within.sizeBytes)
    : text
      ? calls(elf, text.address, Math.min(text.sizeBytes, MAX_CODE_BYTES))
      : [];
  const at = found.filter(({ target }) => isCopy(target)).map(({ address }) => address);
  if (at.length > MAX_COPIES) throw new FormatError(`${at.length} copies of memory`);
  return at;
}

/**
 * Near calls (E8, 32 bits) in a piece of code. Bytes within other instructions may look like one, but their target is then
 * anywhere: whoever asks takes only those with a target that is known.
 */
function calls(elf: ElfFile, address: number, sizeBytes: number): { address: number; target: number }[] {
  const section = elf.sectionAt(address);
  if (!section || section.type === SHT_NOBITS || !(section.flags & SHF_EXECINSTR)) return [];
  const length = Math.min(sizeBytes, section.address + section.sizeBytes - address, MAX_CODE_BYTES);
  const found: { address: number; target: number }[] = [];
  const step = 1 << 20;
  for (let first = 0; first < length; first += step) {
    const code = elf.source.readUpTo(
      section.fileOffset + (address - section.address) + first,
      Math.min(step + 4, length - first),
    );
    for (let at = code.indexOf(0xe8); at >= 0 && at < step && at + 5 <= code.length; at = code.indexOf(0xe8, at + 1)) {
      const from = address + first + at;
      found.push({ address: from, target: from + 5 + code.readInt32LE(at + 1) });
    }
  }
  return found;
}

/** push, call, jmp or a conditional jump. */
function isEmulated(elf: ElfFile, address: number): boolean {
  const section = elf.sectionAt(address);
  if (!section || section.type === SHT_NOBITS) return false;
  const bytes = elf.source.readUpTo(section.fileOffset + (address - section.address), 2);
  if (bytes.length < 2) return false;
  const [first, second] = bytes;
  const isPush = (byte: number) => byte >= 0x50 && byte <= 0x57;
  return (
    isPush(first) ||
    ((first & 0xf0) === 0x40 && isPush(second)) ||
    first === 0xe8 ||
    first === 0xe9 ||
    first === 0xeb ||
    (first & 0xf0) === 0x70 ||
    (first === 0x0f && (second & 0xf0) === 0x80)
  );
}

function fileOffset(elf: ElfFile, address: number): number {
  const section = elf.sectionAt(address);
  if (!section) throw new FormatError('a function outside of all sections');
  return section.fileOffset + (address - section.address);
}

/** Functions with these names, in either table of symbols. */
function namedFunctions(elf: ElfFile, names: readonly string[]): Map<string, NamedFunction> {
  const found = new Map<string, NamedFunction>();
  for (const type of [SHT_DYNSYM, SHT_SYMTAB]) {
    const table = elf.sections.find((section) => section.type === type);
    const strings = table && elf.sections[table.link];
    if (!table || !strings || strings.sizeBytes > MAX_STRINGS_BYTES || table.sizeBytes > MAX_SYMBOL_BYTES) continue;
    const places = stringPlaces(elf, strings.fileOffset, strings.sizeBytes, names);
    if (places.size === 0) continue;
    const step = SYMBOL_BYTES * 20_000;
    for (let first = 0; first < table.sizeBytes; first += step) {
      const bytes = elf.source.readUpTo(table.fileOffset + first, Math.min(step, table.sizeBytes - first));
      for (let at = 0; at + SYMBOL_BYTES <= bytes.length; at += SYMBOL_BYTES) {
        const name = places.get(bytes.readUInt32LE(at));
        if (name === undefined || found.has(name) || (bytes[at + 4] & 15) !== STT_FUNC) continue;
        const address = Number(bytes.readBigUInt64LE(at + 8));
        const sizeBytes = Math.min(Number(bytes.readBigUInt64LE(at + 16)), MAX_FUNCTION_BYTES);
        if (address !== 0) found.set(name, { address, sizeBytes });
      }
    }
  }
  return found;
}

/** Offset in the table of strings -> name. */
function stringPlaces(elf: ElfFile, offset: number, sizeBytes: number, names: readonly string[]): Map<number, string> {
  const places = new Map<number, string>();
  const step = 4 << 20;
  const most = Math.max(...names.map((name) => name.length)) + 2;
  for (let first = 0; first < sizeBytes; first += step) {
    const bytes = elf.source.readUpTo(offset + first, Math.min(step + most, sizeBytes - first));
    for (const name of names) {
      const wanted = `${name}\0`;
      for (let at = bytes.indexOf(wanted, 0, 'latin1'); at >= 0; at = bytes.indexOf(wanted, at + 1, 'latin1'))
        // Also the end of a longer name, whose symbols begin before it: harmless, for symbols name their first letter.
        places.set(first + at, name);
    }
  }
  return places;
}
