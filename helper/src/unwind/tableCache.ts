// Unwind tables kept for the next run, by build-id, in the caller's cache folder (../bytes/diskCache.ts says how entries are named,
// written and evicted). An entry that is damaged in any way is compiled anew.
//
// An entry: six u32 (magic, CRC-32 of all that follows the header, bytes of JSON, words of rows, words of wide rules, zero),
// JSON of the other fields padded with spaces to 8 bytes, rows, wide rules. Little-endian.

import * as zlib from 'node:zlib';
import { crc32 } from '../bytes/crc32';
import { DiskCache } from '../bytes/diskCache';
import type { Spill } from '../elf/contents';
import type { ElfFile } from '../elf/parser';
import { compileUnwindTable } from './compile';
import { MAX_ROWS } from './limits';
import { ROW_WORDS } from './rows';
import type { UnwindTable } from './table';

/** To be counted up with every change of what the compiler writes: the old folder is then of no use and is never read. */
const VERSION = 'unwind-v6';
const MAGIC = 0x31545755;
const HEADER_WORDS = 6;
const MAX_ENTRY_BYTES = MAX_ROWS * ROW_WORDS * 4 * 2;

/** Node has it from 20.15 on, some fifty times as fast. */
const checksum = (zlib as { crc32?: (data: Buffer) => number }).crc32 ?? crc32;

/** Null where there is no cache folder, or it cannot be used. */
export function openTableCache(cacheDir: string | null): DiskCache | null {
  return cacheDir === null ? null : DiskCache.open(cacheDir, VERSION);
}

/** From the cache, else compiled and put there. Throws FormatError as compileUnwindTable does. */
export async function loadOrCompile(
  elf: ElfFile,
  debug: ElfFile | null,
  cache: DiskCache | null,
  spill: Spill,
): Promise<UnwindTable> {
  // Sizes tell a stripped file from one with .debug_frame, and a build-id that lies.
  const key = elf.buildId && `${elf.buildId}-${elf.source.sizeBytes}${debug ? `-${debug.source.sizeBytes}` : ''}`;
  if (!cache || !key) return compileUnwindTable(elf, debug, spill);
  const known = read(cache, key);
  if (known) return known;
  const table = await compileUnwindTable(elf, debug, spill);
  cache.save(key, encodeTable(table));
  return table;
}

function read(cache: DiskCache, key: string): UnwindTable | null {
  const bytes = cache.load(key, MAX_ENTRY_BYTES);
  try {
    return bytes && decodeTable(bytes);
  } catch {
    return null;
  }
}

export function encodeTable(table: UnwindTable): Buffer {
  const { rows, wideRules, ...rest } = table;
  const text = JSON.stringify(rest);
  const json = Buffer.from(
    text.padEnd(Math.ceil(Buffer.byteLength(text) / 8) * 8 - Buffer.byteLength(text) + text.length),
  );
  const bytes = Buffer.alloc(HEADER_WORDS * 4 + json.length + rows.byteLength + wideRules.byteLength);
  json.copy(bytes, HEADER_WORDS * 4);
  bytes.set(bytesOf(rows), HEADER_WORDS * 4 + json.length);
  bytes.set(bytesOf(wideRules), HEADER_WORDS * 4 + json.length + rows.byteLength);
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
  header.set([MAGIC, checksum(bytes.subarray(HEADER_WORDS * 4)), json.length, rows.length, wideRules.length, 0]);
  return bytes;
}

/** Null: damaged, or of another version. The arrays are views into `bytes`, which must not share a pool's memory. */
export function decodeTable(bytes: Buffer): UnwindTable | null {
  if (bytes.length < HEADER_WORDS * 4 || bytes.byteOffset % 8 !== 0) return null;
  const [magic, crc, jsonBytes, rowWords, wideWords] = new Uint32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
  const rowsAt = HEADER_WORDS * 4 + jsonBytes;
  if (magic !== MAGIC || jsonBytes % 8 !== 0 || rowsAt + (rowWords + wideWords) * 4 !== bytes.length) return null;
  if (checksum(bytes.subarray(HEADER_WORDS * 4)) !== crc) return null;
  const rest = JSON.parse(bytes.toString('utf8', HEADER_WORDS * 4, rowsAt)) as Omit<UnwindTable, 'rows' | 'wideRules'>;
  const at = bytes.byteOffset + rowsAt;
  return {
    ...rest,
    rows: new Uint32Array(bytes.buffer, at, rowWords),
    wideRules: new Uint32Array(bytes.buffer, at + rowWords * 4, wideWords),
  };
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
