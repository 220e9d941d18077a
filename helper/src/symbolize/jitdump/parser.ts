// jit-PID.dump: what perf's inject reads of just-in-time compilers: each function with its code, and its lines before it.
// Format: jitdump-specification.txt in the kernel's tools/perf/Documentation, and util/jitdump.h beside it. Times in it are of the
// writer's clock; records stand in their order, so they are not needed.

import { Cursor, FormatError } from '../../bytes/cursor';
import { MAX_NAME_BYTES } from '../../bytes/limits';
import type { LineEntry } from './types';
import { pathOf } from './v8Names';

const MAGIC = 0x4a695444;
const MAGIC_SWAPPED = 0x4454694a;
/** Of version 1; a longer one says so. */
export const HEADER_BYTES = 40;
const MAX_HEADER_BYTES = 4096;
export const RECORD_HEADER_BYTES = 16;
/** A load's fields before its name. */
export const LOAD_BYTES = 40;
export const MOVE_BYTES = 48;
export const DEBUG_BYTES = 16;
const DEBUG_ENTRY_BYTES = 16;
/** At the end of a record, so that the next one is aligned. */
const PADDING_BYTES = 7;

export const LOAD = 0;
export const MOVE = 1;
export const DEBUG_INFO = 2;

/** Bytes before the first record. Throws FormatError. */
export function headerBytes(bytes: Buffer): number {
  const cursor = new Cursor(bytes);
  const magic = cursor.u32();
  if (magic === MAGIC_SWAPPED) throw new FormatError('it is a jitdump of the other byte order');
  if (magic !== MAGIC) throw new FormatError('it is no jitdump');
  const version = cursor.u32();
  if (version !== 1) throw new FormatError(`it is a jitdump of version ${version}`);
  const sizeBytes = cursor.u32();
  if (sizeBytes < HEADER_BYTES || sizeBytes > MAX_HEADER_BYTES)
    throw new FormatError('its header has no sensible size');
  return sizeBytes;
}

export function parseRecordHeader(cursor: Cursor): { id: number; sizeBytes: number } {
  const id = cursor.u32();
  const sizeBytes = cursor.u32();
  cursor.skip(8);
  return { id, sizeBytes };
}

export function parseLoad(cursor: Cursor): { start: number; sizeBytes: number; index: number; name: string } {
  cursor.skip(16);
  const start = cursor.u64();
  const sizeBytes = cursor.u64();
  const index = cursor.u64();
  const rest = cursor.bytes.subarray(cursor.at, Math.min(cursor.end, cursor.at + MAX_NAME_BYTES));
  const end = rest.indexOf(0);
  return { start, sizeBytes, index, name: rest.toString('utf8', 0, end < 0 ? rest.length : end) };
}

export function parseMove(cursor: Cursor): { from: number; to: number; sizeBytes: number; index: number } {
  cursor.skip(16);
  return { from: cursor.u64(), to: cursor.u64(), sizeBytes: cursor.u64(), index: cursor.u64() };
}

export function parseDebug(cursor: Cursor): { start: number; entries: number } {
  return { start: cursor.u64(), entries: cursor.u64() };
}

/**
 * Entries of one function that lies at `start`, ordered by address. V8 11 writes other bytes than the file's name, zeros among them:
 * where the entries do not fit, they are taken to be of one length, as those of one file are.
 */
export function parseLines(
  bytes: Buffer,
  entries: number,
  start: number,
  codeBytes: number,
  shiftBytes: number,
): LineEntry[] {
  const inside = (lines: LineEntry[]) => lines.every(({ offset }) => offset >= 0 && offset <= codeBytes);
  let lines = entriesOf(bytes, entries, start + shiftBytes, null);
  const longest = Math.floor(bytes.length / entries);
  const shortest = Math.max(DEBUG_ENTRY_BYTES + 1, longest - PADDING_BYTES);
  for (let stride = longest; lines.length < entries || !inside(lines); stride--) {
    if (!(stride >= shortest)) return [];
    lines = entriesOf(bytes, entries, start + shiftBytes, stride);
  }
  return lines.sort((a, b) => a.offset - b.offset);
}

/** As many as there are whole. */
function entriesOf(bytes: Buffer, entries: number, start: number, stride: number | null): LineEntry[] {
  const lines: LineEntry[] = [];
  let file: string | null = null;
  let at = 0;
  while (lines.length < entries && at + DEBUG_ENTRY_BYTES < bytes.length) {
    const cursor = new Cursor(bytes, at);
    const offset = cursor.u64() - start;
    const [line, discriminator] = [cursor.u32(), cursor.u32()];
    const nameEnd = stride === null ? bytes.indexOf(0, cursor.at) : at + stride - 1;
    if (nameEnd < cursor.at || nameEnd >= bytes.length) break;
    const name = bytes.subarray(cursor.at, nameEnd);
    // The same as before.
    if (!(name.length === 1 && name[0] === 0xff)) file = fileOf(name);
    lines.push({ offset, line, discriminator, file });
    at = nameEnd + 1;
  }
  return lines;
}

/** As a path, where it is text. */
function fileOf(name: Buffer): string | null {
  const text = name.toString('utf8');
  return text === '' || /[\u0000-\u001f\u007f\ufffd]/.test(text) ? null : pathOf(text);
}
