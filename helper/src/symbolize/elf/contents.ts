// A section's bytes as they are meant: inflated where the file holds them compressed (SHF_COMPRESSED, or the older
// `.zdebug_*` with a "ZLIB" header). Small ones are inflated into memory, large ones into an unlinked file in the cache
// folder, so that a debug file of a gigabyte costs disk, not memory. Called by dwarf/ through `sectionContents`.
// Layout: System V ABI, "Section compression" (Elf64_Chdr); binutils' old format in its bfd/compress.c comments.

import { closeSync, ftruncateSync, mkdirSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { Cursor, FormatError } from '../bytes/cursor';
import { BufferSource, type ByteSource, FileSource } from '../bytes/source';
import { MAX_SPILL_BYTES } from '../limits';
import type { ElfFile } from './parser';
import { type Section, SHF_COMPRESSED, SHT_NOBITS } from './types';

const ELFCOMPRESS_ZLIB = 1;
const ELFCOMPRESS_ZSTD = 2;
const CHUNK_BYTES = 1024 * 1024;
/** Inflated sections up to this size stay in memory. */
const MEMORY_BYTES = 8 * 1024 * 1024;

/** Where large inflated sections go, and who closes them. */
export interface Spill {
  /** Null: no disk; large compressed sections are then refused. */
  folder: string | null;
  /** Descriptors to close when the file is forgotten. */
  descriptors: number[];
  nextFileId: () => number;
}

/** Null where the file has no such section (or only its place, as stripped and debug files have). */
export async function sectionContents(elf: ElfFile, name: string, spill: Spill): Promise<ByteSource | null> {
  const section = elf.section(name);
  if (section && section.type !== SHT_NOBITS) {
    const raw = elf.source.part(section.fileOffset, section.sizeBytes);
    return (section.flags & SHF_COMPRESSED) !== 0 ? inflate(section, raw, spill) : raw;
  }
  const old = elf.section(name.replace(/^\./, '.z'));
  if (!old || old.type === SHT_NOBITS) return null;
  const raw = elf.source.part(old.fileOffset, old.sizeBytes);
  const header = new Cursor(raw.readUpTo(0, 12));
  if (header.u32() !== 0x42494c5a) throw new FormatError(`${old.name} has no ZLIB header`);
  const sizeBytes = raw.read(4, 8).readUIntBE(2, 6);
  return inflateStream(zlib.createInflate(), raw.part(12, raw.sizeBytes - 12), sizeBytes, old.name, spill);
}

function inflate(section: Section, raw: ByteSource, spill: Spill): Promise<ByteSource> {
  const header = new Cursor(raw.readUpTo(0, 24));
  const method = header.u32();
  header.skip(4);
  const sizeBytes = header.u64();
  const data = raw.part(24, raw.sizeBytes - 24);
  if (method === ELFCOMPRESS_ZLIB) return inflateStream(zlib.createInflate(), data, sizeBytes, section.name, spill);
  if (method !== ELFCOMPRESS_ZSTD) throw new FormatError(`${section.name} is compressed by unknown method ${method}`);
  const create = (zlib as { createZstdDecompress?: () => zlib.Inflate }).createZstdDecompress;
  if (!create) throw new FormatError(`${section.name} is compressed with zstd, which needs Node 22.15 or later`);
  return inflateStream(create(), data, sizeBytes, section.name, spill);
}

/** Bounded by the size that the header claims, whatever the stream would give. */
async function inflateStream(
  stream: zlib.Inflate,
  data: ByteSource,
  sizeBytes: number,
  name: string,
  spill: Spill,
): Promise<ByteSource> {
  const toMemory = sizeBytes <= MEMORY_BYTES;
  if (sizeBytes > MAX_SPILL_BYTES) throw new FormatError(`${name} inflates to ${sizeBytes} bytes`);
  if (!toMemory && !spill.folder)
    throw new FormatError(`${name} inflates to ${sizeBytes} bytes, and there is no cache`);
  const memory = toMemory ? Buffer.alloc(sizeBytes) : null;
  const fd = memory ? -1 : openUnlinked(spill);
  if (fd >= 0) ftruncateSync(fd, sizeBytes);
  let got = 0;
  const feed = async () => {
    for (let at = 0; at < data.sizeBytes; at += CHUNK_BYTES) {
      const chunk = Buffer.from(data.readUpTo(at, CHUNK_BYTES));
      if (!stream.write(chunk))
        await new Promise<void>((resolve) => stream.once('drain', resolve).once('close', resolve));
      if (stream.destroyed) return;
    }
    stream.end();
  };
  try {
    const fed = feed();
    fed.catch((error) => stream.destroy(error));
    for await (const piece of stream as AsyncIterable<Buffer>) {
      const take = Math.min(piece.length, sizeBytes - got);
      if (memory) piece.copy(memory, got, 0, take);
      else writeSync(fd, piece, 0, take, got);
      got += take;
      if (got === sizeBytes) break;
    }
  } catch (error) {
    // What came out before the damage is still of use; what did not reads as zeros.
    if (got === 0) throw new FormatError(`${name}: ${(error as Error).message}`);
  } finally {
    stream.destroy();
  }
  return memory ? new BufferSource(memory) : new FileSource(spill.nextFileId(), fd, sizeBytes);
}

function openUnlinked(spill: Spill): number {
  mkdirSync(spill.folder!, { recursive: true, mode: 0o700 });
  const path = join(spill.folder!, `inflated-${process.pid}-${spill.nextFileId()}-${Date.now()}`);
  const fd = openSync(path, 'wx+', 0o600);
  try {
    unlinkSync(path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  spill.descriptors.push(fd);
  return fd;
}
