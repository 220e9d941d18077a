// A section's bytes as they are meant: inflated where the file holds them compressed (SHF_COMPRESSED with zlib or zstd, or
// the older `.zdebug_*` with a "ZLIB" header). Small ones are inflated into memory, large ones into an unlinked file in the
// cache folder, so that a debug file of a gigabyte costs disk, not memory. Whatever the stream would give, no more comes
// than its header claims.
// Layout: System V ABI, "Section compression" (Elf64_Chdr); binutils' old format in its bfd/compress.c comments.

import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { Cursor, FormatError } from '../bytes/cursor';
import { type DiskCache, spillEntry } from '../bytes/diskCache';
import { BufferSource, type ByteSource, FileSource } from '../bytes/source';
import { MAX_INFLATED_AT_ONCE_BYTES, MAX_INFLATED_IN_MEMORY_BYTES, MAX_SPILL_BYTES } from './limits';
import type { ElfFile } from './parser';
import { type Section, SHF_COMPRESSED, SHT_NOBITS } from './types';
import { inflateZstd } from './zstd';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const CHUNK_BYTES = 1024 * 1024;

/** Where large inflated sections go, and who closes them. */
export interface Spill {
  /** Null: none; large sections then live in unlinked temporary files. */
  cache: DiskCache | null;
  /** Descriptors to close when the file is forgotten. */
  descriptors: number[];
  /** Of the sections that were inflated into memory. */
  memoryBytes: number;
  nextFileId: () => number;
}

interface Compressed {
  method: 'zlib' | 'zstd';
  data: ByteSource;
  /** Inflated, as the header claims. */
  sizeBytes: number;
  section: Section;
}

/** Null where the file has no such section (or only its place, as stripped and debug files have). Throws FormatError. */
function findContents(elf: ElfFile, name: string): ByteSource | Compressed | null {
  const section = elf.section(name);
  if (section && section.type !== SHT_NOBITS) {
    const raw = elf.source.part(section.fileOffset, section.sizeBytes);
    if ((section.flags & SHF_COMPRESSED) === 0) return raw;
    const header = new Cursor(raw.read(0, 24));
    const code = header.u32();
    header.skip(4);
    const sizeBytes = header.u64();
    const method = code === ELFCOMPRESS_ZLIB ? 'zlib' : code === ELFCOMPRESS_ZSTD ? 'zstd' : null;
    if (!method) throw new FormatError(`${name} is compressed by unknown method ${code}`);
    return { method, data: raw.part(24, raw.sizeBytes - 24), sizeBytes, section };
  }
  const old = elf.section(name.replace(/^\./, '.z'));
  if (!old || old.type === SHT_NOBITS) return null;
  const raw = elf.source.part(old.fileOffset, old.sizeBytes);
  const header = raw.read(0, 12);
  if (header.readUInt32LE(0) !== 0x42494c5a) throw new FormatError(`${old.name} has no ZLIB header`);
  return { method: 'zlib', data: raw.part(12, raw.sizeBytes - 12), sizeBytes: header.readUIntBE(6, 6), section: old };
}

/** Rejects with FormatError where nothing of it can be read. */
export async function sectionContents(elf: ElfFile, name: string, spill: Spill): Promise<ByteSource | null> {
  const found = findContents(elf, name);
  if (!found || !('method' in found)) return found;
  const { sizeBytes, section } = found;
  if (sizeBytes <= MAX_INFLATED_IN_MEMORY_BYTES) {
    spill.memoryBytes += sizeBytes;
    const memory = Buffer.alloc(sizeBytes);
    await copyInflated(found, (piece, at) => memory.set(piece, at));
    return new BufferSource(memory);
  }
  if (sizeBytes > MAX_SPILL_BYTES) throw new FormatError(`${section.name} inflates to ${sizeBytes} bytes`);
  const entry = spillEntry(spill.cache, keyOf(elf, section), sizeBytes);
  spill.descriptors.push(entry.fd);
  if (!entry.complete) {
    const whole = await copyInflated(found, (piece, at) => writeSync(entry.fd, piece, 0, piece.length, at));
    if (whole) entry.keep();
    else entry.discard();
  }
  return new FileSource(spill.nextFileId(), entry.fd, sizeBytes);
}

/** The same at once and in memory, for the small files of split debug information. Throws FormatError. */
export function sectionContentsNow(elf: ElfFile, name: string): ByteSource | null {
  const found = findContents(elf, name);
  if (!found || !('method' in found)) return found;
  const { method, data, sizeBytes } = found;
  if (sizeBytes > MAX_INFLATED_AT_ONCE_BYTES) throw new FormatError(`${name} inflates to ${sizeBytes} bytes`);
  const memory = Buffer.alloc(sizeBytes);
  if (method === 'zstd') inflateZstd(data, fill(sizeBytes, (piece, at) => memory.set(piece, at)).put);
  else
    try {
      const bytes = data.read(0, data.sizeBytes);
      memory.set(zlib.inflateSync(bytes, { maxOutputLength: Math.max(1, sizeBytes) }));
    } catch (error) {
      throw error instanceof FormatError ? error : new FormatError(`${name}: ${(error as Error).message}`);
    }
  return new BufferSource(memory);
}

/** Names the inflated section in the cache: by build-id, so never without one; by sizes too, should a build-id lie. */
function keyOf(elf: ElfFile, section: Section): string | null {
  return elf.buildId && `${elf.buildId}-${elf.source.sizeBytes}-${section.fileOffset}`;
}

type Put = (piece: Uint8Array, at: number) => void;

/** Passes on `sizeBytes` bytes and no more. */
function fill(sizeBytes: number, put: Put): { put: (piece: Uint8Array) => boolean; got: number } {
  const filled = {
    got: 0,
    put: (piece: Uint8Array) => {
      const take = piece.subarray(0, sizeBytes - filled.got);
      put(take, filled.got);
      filled.got += take.length;
      return filled.got < sizeBytes;
    },
  };
  return filled;
}

/** True when all of it came. What came before a damage is of use, the rest reads as zeros; nothing at all is an error. */
async function copyInflated({ method, data, sizeBytes, section }: Compressed, put: Put): Promise<boolean> {
  const target = fill(sizeBytes, put);
  try {
    if (method === 'zstd') inflateZstd(data, target.put);
    else await inflateZlib(data, target.put);
  } catch (error) {
    if (target.got === 0) throw new FormatError(`${section.name}: ${(error as Error).message}`);
  }
  return target.got === sizeBytes;
}

async function inflateZlib(data: ByteSource, put: (piece: Uint8Array) => boolean): Promise<void> {
  const input = function* () {
    for (let at = 0; at < data.sizeBytes; at += CHUNK_BYTES) yield Buffer.from(data.readUpTo(at, CHUNK_BYTES));
  };
  const stream = zlib.createInflate({ chunkSize: CHUNK_BYTES });
  try {
    Readable.from(input(), { objectMode: false, highWaterMark: CHUNK_BYTES })
      .on('error', (e) => stream.destroy(e))
      .pipe(stream);
    for await (const piece of stream as AsyncIterable<Buffer>) if (!put(piece)) break;
  } finally {
    stream.destroy();
  }
}
