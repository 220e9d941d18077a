// The symbol table that distributions leave in stripped programs: a small ELF file, compressed with xz, in .gnu_debugdata. It names
// the functions that .dynsym does not, and holds no lines. Layouts: "MiniDebugInfo" in GDB's manual; the .xz file format 1.2.1,
// sections 2 to 4 and 5.3.1 (LZMA2).

import { XzReadableStream } from 'xz-decompress';
import { Cursor, FormatError } from '../bytes/cursor';
import { BufferSource, type ByteSource } from '../bytes/source';
import { MAX_MINI_DEBUG_BYTES, MAX_XZ_DICTIONARY_BYTES } from './limits';
import { ElfFile } from './parser';
import { SHT_NOBITS } from './types';

const SECTION = '.gnu_debugdata';
const STREAM_HEADER_BYTES = 12;
const LONGEST_BLOCK_HEADER_BYTES = 1_024;
const FILTER_LZMA2 = 0x21;

/** Null where the program has none. `sizeBytes` is what it takes in memory. Throws FormatError. */
export async function miniDebugFile(elf: ElfFile): Promise<{ file: ElfFile; sizeBytes: number } | null> {
  const section = elf.section(SECTION);
  if (!section || section.type === SHT_NOBITS) return null;
  if (section.sizeBytes > MAX_MINI_DEBUG_BYTES) throw new FormatError(`${SECTION} is too large`);
  const bytes = await inflateXz(elf.source.part(section.fileOffset, section.sizeBytes));
  return { file: ElfFile.parse(new BufferSource(bytes)), sizeBytes: bytes.length };
}

async function inflateXz(data: ByteSource): Promise<Buffer> {
  checkDictionary(data);
  // Copied: the windows that were read belong to a cache.
  const compressed = new Blob([Buffer.from(data.read(0, data.sizeBytes))]);
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = new XzReadableStream(compressed.stream() as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      sizeBytes += value.length;
      if (sizeBytes > MAX_MINI_DEBUG_BYTES) {
        await reader.cancel();
        throw new FormatError(`${SECTION} inflates to more than ${MAX_MINI_DEBUG_BYTES} bytes`);
      }
      if (value.length > 0) pieces.push(value);
    }
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw new FormatError(`${SECTION}: ${(error as Error).message}`);
  }
  return Buffer.concat(pieces, sizeBytes);
}

/** The decoder takes as much memory as the first block asks for. Throws FormatError, also where it is no xz. */
function checkDictionary(data: ByteSource): void {
  const cursor = new Cursor(data.readUpTo(0, STREAM_HEADER_BYTES + LONGEST_BLOCK_HEADER_BYTES));
  if (cursor.u32() !== 0x587a37fd || cursor.u16() !== 0x005a) throw new FormatError(`${SECTION} is not in xz format`);
  cursor.seek(STREAM_HEADER_BYTES + 1);
  const flags = cursor.u8();
  if (flags & 0x40) cursor.uleb();
  if (flags & 0x80) cursor.uleb();
  for (let filters = (flags & 3) + 1; filters > 0; filters--) {
    const id = cursor.uleb();
    const propertyBytes = cursor.uleb();
    if (id !== FILTER_LZMA2) {
      cursor.skip(propertyBytes);
      continue;
    }
    const bits = cursor.u8();
    const dictionaryBytes = (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
    if (bits > 40 || dictionaryBytes > MAX_XZ_DICTIONARY_BYTES)
      throw new FormatError(`${SECTION} asks for a dictionary of ${dictionaryBytes} bytes`);
    return;
  }
  throw new FormatError(`${SECTION} is not compressed with LZMA2`);
}
