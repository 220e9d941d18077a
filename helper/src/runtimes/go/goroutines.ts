// How BPF finds the goroutine that a thread of a Go program works for: where g is in thread-local storage, and two offsets in the
// runtime's structures, which its version tells.
//
// Offsets: struct g and struct m of Go's runtime/runtime2.go, compared with the DWARF of programs by Go 1.21 to 1.27. They are
// the same on x86-64 and arm64. What changed: 1.23 put syscallbp before goid, 1.25 took `ret` out of gobuf, which both hold.

import { GO_PROCESS, GO_RAW_CURG, GO_RAW_GOID, GO_RAW_WORDS } from '../../abi/runtimeGo.gen';
import { FormatError } from '../../bytes/cursor';
import type { ElfFile } from '../../elf/parser';
import { addressOf, forEachSymbol, nameOffsetOf, stringsOf, typeOf } from '../../elf/symbolTable';
import { SHT_SYMTAB } from '../../elf/types';
import { MAX_TLS_BYTES } from './limits';

export interface GoroutineLayout {
  /** x86-64: of g, from the thread pointer; bytes. */
  tls: number;
  /** Of goid in struct g, of curg in struct m; bytes. */
  goid: number;
  curg: number;
}

/** Where BPF looks for g before the helper has told it, from the thread pointer (x86-64). */
const RAW_TLS = -8;
const NEWEST_KNOWN_MINOR = 27;
const ET_EXEC = 2;
const EM_X86_64 = 62;
const PT_INTERP = 3;
const PT_TLS = 7;
const POINTER_BYTES = 8;
const STT_TLS = 6;

/** struct go_process of bpf/runtime_go.h. */
export function mapValue({ tls, goid, curg }: GoroutineLayout): Uint8Array {
  const value = Buffer.alloc(GO_PROCESS.byteLength);
  value.writeInt32LE(tls, GO_PROCESS.tls);
  value.writeUInt16LE(goid, GO_PROCESS.goid);
  value.writeUInt16LE(curg, GO_PROCESS.curg);
  return value;
}

/** Id of the goroutine for which the thread of a raw sample worked (enum go_raw_words); 0: none, or not known. */
export function goroutineOfRaw(
  { tls, goid, curg }: GoroutineLayout,
  words: readonly number[],
  isArm64 = process.arch === 'arm64',
): number {
  if (!isArm64 && tls !== RAW_TLS) return 0;
  const id = (goid - GO_RAW_GOID) / POINTER_BYTES;
  const ofCurg = (curg - GO_RAW_CURG) / POINTER_BYTES;
  if (![0, 1].includes(id) || ![0, 1].includes(ofCurg)) return 0;
  return words[GO_RAW_WORDS.GO_RAW_OWN_IDS + id] || words[GO_RAW_WORDS.GO_RAW_CURG_IDS + 2 * ofCurg + id];
}

/**
 * `minor`: of the Go version that compiled the file; null: not known. Null where this is no program (but a library, say), or its
 * runtime is not known. Throws FormatError.
 */
export function goroutineLayout(elf: ElfFile, minor: number | null): GoroutineLayout | null {
  const isProgram =
    elf.source.read(16, 2).readUInt16LE() === ET_EXEC || elf.segments.some(({ type }) => type === PT_INTERP);
  const offsets = isProgram && minor !== null ? offsetsOf(minor) : null;
  if (!offsets) return null;
  const tls = elf.source.read(18, 2).readUInt16LE() === EM_X86_64 ? placeOfG(elf) : 0;
  return tls === null ? null : { tls, ...offsets };
}

function offsetsOf(minor: number): { goid: number; curg: number } | null {
  if (minor > NEWEST_KNOWN_MINOR) return null;
  if (minor >= 25) return { goid: 152, curg: 184 };
  return { goid: minor >= 23 ? 160 : 152, curg: 192 };
}

/**
 * In the word before the thread pointer, but where C code has thread-local variables of its own: below the thread pointer lies
 * the program's block, in it what the symbol says ("ELF Handling For Thread-Local Storage", variant II).
 */
function placeOfG(elf: ElfFile): number | null {
  const block = elf.segments.find(({ type }) => type === PT_TLS);
  if (!block) return -POINTER_BYTES;
  const alignBytes = Math.max(1, block.alignBytes);
  const sizeBytes = Math.ceil(block.memorySizeBytes / alignBytes) * alignBytes;
  if (!(sizeBytes <= MAX_TLS_BYTES)) throw new FormatError('absurd thread-local storage');
  if (block.memorySizeBytes <= POINTER_BYTES) return -sizeBytes;
  const place = tlsSymbol(elf, 'runtime.tlsg');
  return place === null ? null : place - sizeBytes;
}

/** Offset in the program's block of thread-local storage; null where the program does not tell. */
function tlsSymbol(elf: ElfFile, name: string): number | null {
  const section = elf.sections.find(({ type }) => type === SHT_SYMTAB);
  const strings = section && stringsOf(elf, section);
  if (!section || !strings) return null;
  const wanted = Buffer.from(`${name}\0`);
  let found: number | null = null;
  forEachSymbol(elf, section, (entry) => {
    if (found !== null || typeOf(entry) !== STT_TLS) return;
    const nameAt = nameOffsetOf(entry);
    if (nameAt + wanted.length <= strings.sizeBytes && strings.read(nameAt, wanted.length).equals(wanted))
      found = addressOf(entry);
  });
  return found;
}
