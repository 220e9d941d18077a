// A section's bytes as they are meant: inflated where the file holds them compressed (SHF_COMPRESSED, or the older
// `.zdebug_*` with a "ZLIB" header). Small ones are inflated into memory, large ones into an unlinked file in the cache
// folder, so that a debug file of a gigabyte costs disk, not memory. Called by dwarf/ through `sectionContents`.
// Layout: System V ABI, "Section compression" (Elf64_Chdr); binutils' old format in its bfd/compress.c comments.

import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { Cursor, FormatError } from '../bytes/cursor';
import { BufferSource, type ByteSource, FileSource } from '../bytes/source';
import { type DiskCache, spillEntry } from '../cache/diskCache';
import { MAX_INFLATED_IN_MEMORY_BYTES, MAX_SPILL_BYTES } from '../limits';
import type { ElfFile } from './parser';
import { type Section, SHF_COMPRESSED, SHT_NOBITS } from './types';

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

/** Null where the file has no such section (or only its place, as stripped and debug files have). */
export async function sectionContents(elf: ElfFile, name: string, spill: Spill): Promise<ByteSource | null> {
  const section = elf.section(name);
  if (section && section.type !== SHT_NOBITS) {
    const raw = elf.source.part(section.fileOffset, section.sizeBytes);
    return (section.flags & SHF_COMPRESSED) !== 0 ? inflate(section, raw, keyOf(elf, section), spill) : raw;
  }
  const old = elf.section(name.replace(/^\./, '.z'));
  if (!old || old.type === SHT_NOBITS) return null;
  const raw = elf.source.part(old.fileOffset, old.sizeBytes);
  const header = new Cursor(raw.readUpTo(0, 12));
  if (header.u32() !== 0x42494c5a) throw new FormatError(`${old.name} has no ZLIB header`);
  const sizeBytes = raw.read(4, 8).readUIntBE(2, 6);
  return inflateStream(
    zlib.createInflate({ chunkSize: CHUNK_BYTES }),
    raw.part(12, raw.sizeBytes - 12),
    sizeBytes,
    old.name,
    keyOf(elf, old),
    spill,
  );
}

/** Names the inflated section in the cache: by build-id, so never without one; by sizes too, should a build-id lie. */
function keyOf(elf: ElfFile, section: Section): string | null {
  return elf.buildId && `${elf.buildId}-${elf.source.sizeBytes}-${section.fileOffset}`;
}

function inflate(section: Section, raw: ByteSource, key: string | null, spill: Spill): Promise<ByteSource> {
  const header = new Cursor(raw.readUpTo(0, 24));
  const method = header.u32();
  header.skip(4);
  const sizeBytes = header.u64();
  const data = raw.part(24, raw.sizeBytes - 24);
  if (method === ELFCOMPRESS_ZLIB)
    return inflateStream(zlib.createInflate({ chunkSize: CHUNK_BYTES }), data, sizeBytes, section.name, key, spill);
  if (method !== ELFCOMPRESS_ZSTD) throw new FormatError(`${section.name} is compressed by unknown method ${method}`);
  const create = (zlib as { createZstdDecompress?: (o: { chunkSize: number }) => zlib.Inflate }).createZstdDecompress;
  if (!create) throw new FormatError(`${section.name} is compressed with zstd, which needs Node 22.15 or later`);
  return inflateStream(create({ chunkSize: CHUNK_BYTES }), data, sizeBytes, section.name, key, spill);
}

/** Bounded by the size that the header claims, whatever the stream would give. */
async function inflateStream(
  stream: zlib.Inflate,
  data: ByteSource,
  sizeBytes: number,
  name: string,
  key: string | null,
  spill: Spill,
): Promise<ByteSource> {
  if (sizeBytes <= MAX_INFLATED_IN_MEMORY_BYTES) {
    spill.memoryBytes += sizeBytes;
    const memory = Buffer.alloc(sizeBytes);
    await copyInflated(stream, data, sizeBytes, name, (piece, at) => piece.copy(memory, at));
    return new BufferSource(memory);
  }
  if (sizeBytes > MAX_SPILL_BYTES) throw new FormatError(`${name} inflates to ${sizeBytes} bytes`);
  const entry = spillEntry(spill.cache, key, sizeBytes);
  spill.descriptors.push(entry.fd);
  if (!entry.complete) {
    const whole = await copyInflated(stream, data, sizeBytes, name, (piece, at) =>
      writeSync(entry.fd, piece, 0, piece.length, at),
    );
    if (whole) entry.keep();
    else entry.discard();
  } else stream.destroy();
  return new FileSource(spill.nextFileId(), entry.fd, sizeBytes);
}

/** True when all of it came. What came before a damage is of use, the rest reads as zeros; nothing at all is an error. */
async function copyInflated(
  stream: zlib.Inflate,
  data: ByteSource,
  sizeBytes: number,
  name: string,
  put: (piece: Buffer, at: number) => void,
): Promise<boolean> {
  const input = function* () {
    for (let at = 0; at < data.sizeBytes; at += CHUNK_BYTES) yield Buffer.from(data.readUpTo(at, CHUNK_BYTES));
  };
  let got = 0;
  try {
    Readable.from(input(), { objectMode: false, highWaterMark: CHUNK_BYTES })
      .on('error', (e) => stream.destroy(e))
      .pipe(stream);
    for await (const piece of stream as AsyncIterable<Buffer>) {
      const take = piece.subarray(0, sizeBytes - got);
      put(take, got);
      got += take.length;
      if (got === sizeBytes) break;
    }
  } catch (error) {
    if (got === 0) throw new FormatError(`${name}: ${(error as Error).message}`);
  } finally {
    stream.destroy();
  }
  return got === sizeBytes;
}
