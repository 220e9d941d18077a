// Which Go compiled a program: on it depend where the runtime keeps things. Layout of .go.buildinfo: debug/buildinfo of Go's
// library. Since Go 1.18 the version's text follows the section's header; before, the header points to a string of Go's.

import { Cursor } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import type { ElfFile } from '../../elf/parser';
import { SHT_NOBITS } from '../../elf/types';

const SECTION = '.go.buildinfo';
const HEADER_BYTES = 32;
const FLAGS_AT = 15;
const POINTER_AT = 16;
const IS_INLINE = 2;
const MAX_VERSION_BYTES = 64;

/** `1.22.3`; null where the file does not tell. Throws FormatError. */
export function goVersion(elf: ElfFile): string | null {
  const info = elf.section(SECTION);
  if (!info || info.type === SHT_NOBITS || info.sizeBytes < HEADER_BYTES) return null;
  const bytes = elf.source.read(info.fileOffset, Math.min(info.sizeBytes, HEADER_BYTES + 1 + MAX_VERSION_BYTES));
  const text =
    (bytes[FLAGS_AT] & IS_INLINE) === 0
      ? textPointedTo(elf, new Cursor(bytes.subarray(POINTER_AT)).u64())
      : bytes.toString('latin1', HEADER_BYTES + 1, HEADER_BYTES + 1 + (bytes[HEADER_BYTES] ?? 0));
  return /^go(1\.\d+[\w.-]*)/.exec(text)?.[1] ?? null;
}

/** 17 for `1.17.5`. */
export function minorOf(version: string | null): number | null {
  const minor = version && /^1\.(\d+)/.exec(version)?.[1];
  return minor ? Number(minor) : null;
}

/** A string of Go's: address and length. */
function textPointedTo(elf: ElfFile, at: number): string {
  const slice = bytesAt(elf, at);
  if (!slice || slice.sizeBytes < 16) return '';
  const cursor = new Cursor(slice.read(0, 16));
  const [address, lengthBytes] = [cursor.u64(), cursor.u64()];
  return bytesAt(elf, address)?.readUpTo(0, Math.min(lengthBytes, MAX_VERSION_BYTES)).toString('latin1') ?? '';
}

/** The program's bytes from a virtual address to the end of its section; null where it lies in none. */
export function bytesAt(elf: ElfFile, address: number): ByteSource | null {
  const section = elf.sectionAt(address);
  if (!section || section.type === SHT_NOBITS) return null;
  const within = address - section.address;
  return elf.source.part(section.fileOffset + within, section.sizeBytes - within);
}
