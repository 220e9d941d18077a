// Inflates zstd data piece by piece: Node can from 22.15 on only, so fzstd does it. The frame's structure is walked here, because
// fzstd believes a header that asks for a window of gigabytes. Layout: RFC 8878, 3.1.1.

import { Decompress } from 'fzstd';
import { Cursor, FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import { MAX_ZSTD_WINDOW_BYTES } from './limits';

const FRAME_MAGIC = 0xfd2fb528;
/** 16 of them: frames to be skipped. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const LONGEST_HEADER_BYTES = 18;
const BLOCK_HEADER_BYTES = 3;
const MAX_BLOCK_BYTES = 128 * 1024;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
const CHECKSUM_BYTES = 4;

/** `put` gets one piece after another and says whether it wants more. Throws FormatError. */
export function inflateZstd(data: ByteSource, put: (piece: Uint8Array) => boolean): void {
  for (let at = 0; at < data.sizeBytes; ) {
    const cursor = new Cursor(data.readUpTo(at, LONGEST_HEADER_BYTES));
    const magic = cursor.u32();
    if (magic >>> 4 === SKIPPABLE_MAGIC) {
      at += 8 + cursor.u32();
      continue;
    }
    if (magic !== FRAME_MAGIC) throw new FormatError('no zstd frame');
    const { headerBytes, checksumBytes } = readFrameHeader(cursor);
    const blocks = inflateFrame(data, at, headerBytes, checksumBytes, put);
    if (blocks === null) return;
    at = blocks;
  }
}

function readFrameHeader(cursor: Cursor): { headerBytes: number; checksumBytes: number } {
  const descriptor = cursor.u8();
  const isSingleSegment = (descriptor & 0x20) !== 0;
  let windowBytes = 0;
  if (!isSingleSegment) {
    const window = cursor.u8();
    const base = 2 ** (10 + (window >> 3));
    windowBytes = base + (base / 8) * (window & 7);
  }
  cursor.skip([0, 1, 2, 4][descriptor & 3]);
  const sizeFlag = descriptor >> 6;
  const contentBytes = sizeFlag > 0 ? cursor.unsigned(2 ** sizeFlag) : isSingleSegment ? cursor.u8() : 0;
  if (isSingleSegment) windowBytes = contentBytes;
  if (windowBytes > MAX_ZSTD_WINDOW_BYTES) throw new FormatError(`zstd window of ${windowBytes} bytes`);
  return { headerBytes: cursor.at, checksumBytes: descriptor & 4 ? CHECKSUM_BYTES : 0 };
}

/** Offset behind the frame; null: nothing more is wanted. */
function inflateFrame(
  data: ByteSource,
  frameAt: number,
  headerBytes: number,
  checksumBytes: number,
  put: (piece: Uint8Array) => boolean,
): number | null {
  let isWanted = true;
  try {
    const decoder = new Decompress((piece) => {
      if (isWanted && piece.length > 0) isWanted = put(piece);
    });
    decoder.push(Buffer.from(data.read(frameAt, headerBytes)));
    for (let at = frameAt + headerBytes; isWanted; ) {
      const head = data.read(at, BLOCK_HEADER_BYTES).readUIntLE(0, 3);
      const type = (head >> 1) & 3;
      const sizeBytes = head >> 3;
      if (type === RESERVED_BLOCK || sizeBytes > MAX_BLOCK_BYTES) throw new FormatError('absurd zstd block');
      const isLast = (head & 1) !== 0;
      const wholeBytes = BLOCK_HEADER_BYTES + (type === RLE_BLOCK ? 1 : sizeBytes) + (isLast ? checksumBytes : 0);
      decoder.push(Buffer.from(data.read(at, wholeBytes)), isLast);
      at += wholeBytes;
      if (isLast) return isWanted ? at : null;
    }
    return null;
  } catch (error) {
    // Whatever it stumbles over, the data is to blame.
    throw error instanceof FormatError ? error : new FormatError(`zstd: ${(error as Error).message}`);
  }
}
