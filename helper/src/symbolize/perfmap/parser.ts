// /tmp/perf-PID.map: lines "START SIZE name", numbers in hex, written by just-in-time compilers while they run.
// Format: jit-interface.txt in the kernel's tools/perf/Documentation.

import type { JitFunction } from './types';

const NEWLINE = 10;
const SPACE = 32;

/**
 * The whole lines of `bytes`, which begin at `fileOffset`. What follows the last newline is still being written.
 * Lines that are not of the format are left out.
 */
export function parsePerfMap(bytes: Buffer, fileOffset: number): { functions: JitFunction[]; consumedBytes: number } {
  const functions: JitFunction[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, at);
    if (end < 0) return { functions, consumedBytes: at };
    const line = parseLine(bytes, at, end);
    if (line) functions.push({ ...line.range, lineOffset: fileOffset + at, lineBytes: end - at });
    at = end + 1;
  }
}

/** One line, without its newline; null where it is none. */
export function parseLine(
  bytes: Buffer,
  at: number,
  end: number,
): { range: { start: number; end: number }; name: Buffer } | null {
  const first = bytes.indexOf(SPACE, at);
  const second = first < 0 ? -1 : bytes.indexOf(SPACE, first + 1);
  if (second < 0 || second + 1 >= end) return null;
  const start = Number.parseInt(bytes.toString('latin1', at, first), 16);
  const sizeBytes = Number.parseInt(bytes.toString('latin1', first + 1, second), 16);
  if (!(start > 0 && start < Number.MAX_SAFE_INTEGER && sizeBytes > 0 && sizeBytes < 2 ** 32)) return null;
  return { range: { start, end: start + sizeBytes }, name: bytes.subarray(second + 1, end) };
}
