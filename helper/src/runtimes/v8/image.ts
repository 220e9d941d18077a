// Recognizes a V8 in a program or library by what the file holds, and reads what it says of its objects: the `v8dbg_` constants are
// in the dynamic symbols of every Node.js, so that they survive `strip`. Reads nothing but the file: made for a worker thread.

import { FormatError } from '../../bytes/cursor';
import { BufferSource, cstringAt } from '../../bytes/source';
import { FrameHeader } from '../../elf/frameHeader';
import type { ElfFile } from '../../elf/parser';
import { addressOf, forEachSymbol, nameOffsetOf, sizeOf, stringsOf } from '../../elf/symbolTable';
import { type Section, SHT_DYNSYM, SHT_NOBITS, SHT_SYMTAB } from '../../elf/types';
import type { AddressRange, V8Image, V8Version } from './types';

const MAX_STRINGS_BYTES = 48 * 1024 * 1024;
const MAX_CONSTANTS = 4_096;
const MAX_BUILTINS = 16_384;
const MAX_BYTECODES_BYTES = 3 * 256;
/** V8 10 has 1.4 MiB of them, later ones more. */
const MIN_BLOB_BYTES = 1024 * 1024;
const SCAN_BYTES = 4 * 1024 * 1024;
const MAX_SCAN_BYTES = 256 * 1024 * 1024;

const CONSTANT = 'v8dbg_';
const VERSION_PARTS = ['major_', 'minor_', 'build_', 'patch_'].map(
  (part) => `_ZN2v88internal7Version${part.length}${part}E`,
);
const BYTECODE_SIZES = '_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE';
/** v8::internal::Heap::CollectGarbage(), through which all of it goes (src/heap/heap.cc), and its cold part. */
const COLLECTION = '_ZN2v88internal4Heap14CollectGarbageE';
const MAX_COLLECTION = 16;
const BUILTIN = 'Builtins_';
const BLOB = 'v8_Default_embedded_blob_code_';
const BLOB_OLD = 'v8_Default_embedded_blob_code_data_';
const BLOB_SIZE = 'v8_Default_embedded_blob_code_size_';
const RELEASE = /nodejs\.org\/download\/(?:release|rc|nightly)\/v(\d{1,3}\.\d{1,3}\.\d{1,3}[\w.-]{0,40}?)\/node-v/;

interface Found {
  constants: Map<string, number>;
  version: Map<string, number>;
  builtins: Map<number, string>;
  /** Sizes by address. */
  collection: Map<number, number>;
  blob: number | null;
  oldBlob: number | null;
  blobSizeAt: number | null;
  bytecodeSizes: { address: number; sizeBytes: number } | null;
}

/** Null: no V8 that describes itself is in the file. */
export function readV8Image(elf: ElfFile): V8Image | null {
  const dynamic = elf.sections.find((s) => s.type === SHT_DYNSYM);
  if (!dynamic || !holds(elf, dynamic, `${CONSTANT}class_JSFunction__`)) return null;
  const found: Found = {
    constants: new Map(),
    version: new Map(),
    builtins: new Map(),
    collection: new Map(),
    blob: null,
    oldBlob: null,
    blobSizeAt: null,
    bytecodeSizes: null,
  };
  collect(elf, dynamic, found);
  const whole = elf.sections.find((s) => s.type === SHT_SYMTAB);
  if (whole) collect(elf, whole, found);
  const constants: Record<string, number> = {};
  for (const [name, address] of found.constants) {
    const value = int32At(elf, address);
    if (value !== null) constants[name] = value;
  }
  const parts = VERSION_PARTS.map((name) => {
    const address = found.version.get(name);
    return address === undefined ? null : int32At(elf, address);
  });
  if (parts.some((part) => part === null)) return null;
  const starts = [...found.builtins.keys()].sort((a, b) => a - b);
  return {
    runtime: 'node',
    // Only releases of Node.js say which they are; other programs are told by their V8.
    version: releaseOf(elf) ?? `V8 ${parts.join('.')}`,
    v8Version: parts as unknown as V8Version,
    constants,
    bytecodeSizes: found.bytecodeSizes
      ? bytesAt(elf, found.bytecodeSizes.address, Math.min(found.bytecodeSizes.sizeBytes, MAX_BYTECODES_BYTES))
      : null,
    blob: blobOf(elf, found, starts),
    collection: [...found.collection].map(([start, sizeBytes]) => ({ start, end: start + sizeBytes })),
    builtins: { starts, names: starts.map((start) => found.builtins.get(start) ?? '') },
  };
}

function blobOf(elf: ElfFile, found: Found, starts: number[]): V8Image['blob'] {
  const start = found.oldBlob ?? found.blob ?? starts[0];
  // Stripped of their symbols, builtins are known by having no unwind information, and being so many.
  if (start === undefined) return placed(elf, FrameHeader.of(elf)?.longestGap(MIN_BLOB_BYTES) ?? null);
  const size = found.blobSizeAt === null ? null : int32At(elf, found.blobSizeAt);
  const end = size !== null && size > 0 ? start + size : starts.length > 0 ? starts[starts.length - 1] + 4_096 : 0;
  return placed(elf, end > start ? { start, end } : null);
}

function placed(elf: ElfFile, range: AddressRange | null): V8Image['blob'] {
  const section = range && elf.sectionAt(range.start);
  return range && section ? { ...range, fileOffset: section.fileOffset + range.start - section.address } : null;
}

function holds(elf: ElfFile, section: Section, text: string): boolean {
  const names = stringsOf(elf, section);
  if (!names) return false;
  for (let at = 0; at < Math.min(names.sizeBytes, MAX_STRINGS_BYTES); at += SCAN_BYTES)
    if (names.readUpTo(at, SCAN_BYTES + text.length).includes(text)) return true;
  return false;
}

function collect(elf: ElfFile, section: Section, found: Found): void {
  const names = stringsOf(elf, section);
  if (!names || names.sizeBytes > MAX_STRINGS_BYTES) return;
  const text = new BufferSource(names.read(0, names.sizeBytes));
  const bytes = text.read(0, text.sizeBytes);
  forEachSymbol(elf, section, (entry) => {
    const nameAt = nameOffsetOf(entry);
    if (mayMatter(bytes, nameAt)) take(found, cstringAt(text, nameAt), addressOf(entry), sizeOf(entry));
  });
}

/** By the beginnings of the names below, before a string is made of one. */
function mayMatter(bytes: Buffer, at: number): boolean {
  const first = bytes[at];
  if (first === 0x76) return bytes[at + 1] === 0x38;
  if (first === 0x42) return bytes[at + 1] === 0x75 && bytes[at + 2] === 0x69 && bytes[at + 8] === 0x5f;
  return first === 0x5f && bytes[at + 3] === 0x32 && bytes[at + 4] === 0x76 && bytes[at + 5] === 0x38;
}

function take(found: Found, name: string, address: number, sizeBytes: number): void {
  if (name.startsWith(CONSTANT)) {
    if (found.constants.size < MAX_CONSTANTS) found.constants.set(name.slice(CONSTANT.length), address);
  } else if (name.startsWith(BUILTIN)) {
    if (found.builtins.size < MAX_BUILTINS) found.builtins.set(address, name.slice(BUILTIN.length));
  } else if (name.startsWith(COLLECTION)) {
    if (found.collection.size < MAX_COLLECTION) found.collection.set(address, sizeBytes);
  } else if (VERSION_PARTS.includes(name)) found.version.set(name, address);
  else if (name === BYTECODE_SIZES) found.bytecodeSizes = { address, sizeBytes };
  else if (name === BLOB) found.blob = address;
  else if (name === BLOB_OLD) found.oldBlob = address;
  else if (name === BLOB_SIZE) found.blobSizeAt = address;
}

/** Zero where it lies in memory that is not in the file (.bss): then that is its value. */
function int32At(elf: ElfFile, address: number): number | null {
  const section = elf.sectionAt(address);
  if (!section) return null;
  return section.type === SHT_NOBITS ? 0 : (bytesAt(elf, address, 4)?.readInt32LE(0) ?? null);
}

function bytesAt(elf: ElfFile, address: number, sizeBytes: number): Buffer | null {
  const section = elf.sectionAt(address);
  if (!section || section.type === SHT_NOBITS || address + sizeBytes > section.address + section.sizeBytes) return null;
  try {
    return Buffer.from(elf.source.read(section.fileOffset + address - section.address, sizeBytes));
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}

/** Node.js names where its own release lies. */
function releaseOf(elf: ElfFile): string | null {
  const section = elf.section('.rodata');
  if (!section || section.type === SHT_NOBITS) return null;
  const source = elf.source.part(section.fileOffset, section.sizeBytes);
  for (let at = 0; at < Math.min(source.sizeBytes, MAX_SCAN_BYTES); at += SCAN_BYTES) {
    const bytes = source.readUpTo(at, SCAN_BYTES + 256);
    for (
      let hit = bytes.indexOf('nodejs.org/download/');
      hit >= 0;
      hit = bytes.indexOf('nodejs.org/download/', hit + 1)
    ) {
      const match = RELEASE.exec(bytes.toString('latin1', hit, hit + 160));
      if (match) return match[1];
    }
  }
  return null;
}
