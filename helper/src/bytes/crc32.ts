// CRC-32 as .gnu_debuglink has it (polynomial 0xedb88320, as in zlib). Node has zlib.crc32 from 20.15 on; before, a table does. For
// debug files that have no build-id to go by.

import * as zlib from 'node:zlib';
import type { ByteSource } from './source';

const CHUNK_BYTES = 1 << 20;

export function crc32OfFile(source: ByteSource): number {
  const native = (zlib as { crc32?: (data: Buffer, value: number) => number }).crc32;
  const update = native ?? crc32;
  let value = 0;
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) value = update(source.readUpTo(at, CHUNK_BYTES), value);
  return value;
}

let table: Uint32Array | null = null;

export function crc32(data: Buffer, previous = 0): number {
  table ??= makeTable();
  let crc = ~previous;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
}
