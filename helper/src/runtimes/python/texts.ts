// Text and bytes objects in the memory of a target: read with bounds, told from anything else by their own fields, whatever
// characters they hold.
// Layout: CPython's Include/cpython/unicodeobject.h (PyASCIIObject, PyCompactUnicodeObject), Include/cpython/bytesobject.h.

import type { Memory } from '../types';
import { type PythonLayout, TEXT_HEADER_BYTES } from './layout';

const COMPACT = 1 << 3;
const ASCII = 1 << 4;
/** Names are short and paths end at PATH_MAX; what is longer is cut and marked. */
const MAX_CHARACTERS = 4_096;
/** A line table has some two bytes a line; a module of a million lines has one function of that many at the most. */
const MAX_BYTES = 64 * 1024 * 1024;
const PIECE_BYTES = 1024 * 1024;

/** Null: it is no text object, or cannot be read. */
export function readText(memory: Memory, layout: PythonLayout, address: number): string | null {
  const at = layout.text;
  const header = memory.read(address, TEXT_HEADER_BYTES);
  if (!header) return null;
  const length = header.readBigInt64LE(at.length);
  const state = header.readUInt32LE(at.state) >>> at.kindShift;
  const characterBytes = state & 7;
  const isAscii = (state & ASCII) !== 0;
  if ((state & COMPACT) === 0 || length < 0n || length > Number.MAX_SAFE_INTEGER) return null;
  if (isAscii ? characterBytes !== 1 : characterBytes !== 1 && characterBytes !== 2 && characterBytes !== 4)
    return null;
  const count = Math.min(Number(length), MAX_CHARACTERS);
  if (count === 0) return '';
  const bytes = memory.read(address + (isAscii ? at.ascii : at.others), count * characterBytes);
  const text = bytes && decodeCharacters(bytes, characterBytes);
  return text !== null && length > MAX_CHARACTERS ? `${text}…` : text;
}

/** Null: not what a text object holds. */
function decodeCharacters(bytes: Buffer, characterBytes: number): string | null {
  if (characterBytes === 1) return bytes.toString('latin1');
  // UCS-2, which has no pairs of surrogates: a lone one stands for a byte that was no UTF-8, and becomes U+FFFD.
  if (characterBytes === 2) return wellFormed(bytes.toString('utf16le'));
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const character = bytes.readUInt32LE(at);
    if (character > 0x10ffff) return null;
    text += String.fromCodePoint(character);
  }
  return wellFormed(text);
}

function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');
}

/** What a bytes object holds; null: it is none, or cannot be read. */
export function readBytes(memory: Memory, layout: PythonLayout, address: number): Buffer | null {
  const header = memory.read(address, layout.bytes.data);
  if (!header) return null;
  const length = header.readBigInt64LE(layout.bytes.length);
  if (length < 0n || length > MAX_BYTES) return null;
  const start = address + layout.bytes.data;
  const count = Number(length);
  if (count <= PIECE_BYTES) return count === 0 ? Buffer.alloc(0) : memory.read(start, count);
  const pieces: Buffer[] = [];
  for (let from = 0; from < count; from += PIECE_BYTES) {
    const piece = memory.read(start + from, Math.min(PIECE_BYTES, count - from));
    if (!piece) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
