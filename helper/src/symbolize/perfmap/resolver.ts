// Address -> name by a perf map, reading only what was appended since the last question. A later line wins over every
// earlier one that it overlaps: compilers reuse memory. Called by worker.ts; the main thread opened the file after
// checking its owner, and says how much of it counts for a question.

import { readSync } from 'node:fs';
import { MAX_NAME_BYTES } from '../../bytes/limits';
import { MAX_PERF_MAP_BYTES, MAX_PERF_MAP_ENTRIES } from '../limits';
import { parsePerfMap } from './parser';
import type { JitFunction } from './types';

const CHUNK_BYTES = 256 * 1024;

export class PerfMap {
  /** Ordered by start, without overlaps. */
  private functions: JitFunction[] = [];
  private readBytes = 0;
  problem: string | null = null;

  constructor(private readonly fd: number) {}

  /** Takes in what stands before `sizeBytes`; a file that became shorter is read anew. */
  update(sizeBytes: number): void {
    if (sizeBytes < this.readBytes) {
      this.functions = [];
      this.readBytes = 0;
    }
    const until = Math.min(sizeBytes, MAX_PERF_MAP_BYTES);
    if (until < sizeBytes) this.problem = `only the first ${MAX_PERF_MAP_BYTES} bytes are used`;
    const added: JitFunction[] = [];
    while (this.readBytes < until) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, until - this.readBytes));
      const got = readSync(this.fd, chunk, 0, chunk.length, this.readBytes);
      const { functions, consumedBytes } = parsePerfMap(chunk.subarray(0, got), this.readBytes);
      for (const f of functions) added.push(f);
      if (consumedBytes === 0) {
        // A line longer than a chunk is no line; an unfinished last one comes with the next update.
        if (got < CHUNK_BYTES) break;
        this.readBytes += got;
      } else this.readBytes += consumedBytes;
      if (this.functions.length + added.length > MAX_PERF_MAP_ENTRIES) {
        this.problem = `only the first ${MAX_PERF_MAP_ENTRIES} entries are used`;
        break;
      }
    }
    if (added.length > 0) this.functions = overlay(this.functions, ordered(added, 0, added.length));
  }

  find(address: number): { name: string; start: number } | null {
    let low = 0;
    let high = this.functions.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.functions[middle].start > address) high = middle;
      else low = middle + 1;
    }
    const found = this.functions[low - 1];
    if (!found || address >= found.end) return null;
    const bytes = Buffer.alloc(Math.min(found.nameBytes, MAX_NAME_BYTES));
    const got = readSync(this.fd, bytes, 0, bytes.length, found.nameOffset);
    const name = bytes.toString('utf8', 0, got).trim();
    return name === '' ? null : { name, start: found.start };
  }
}

/** Lines `from` to `end` in the order they were written -> ordered by start, later ones winning. */
function ordered(lines: JitFunction[], from: number, end: number): JitFunction[] {
  if (end - from === 1) return [lines[from]];
  const middle = (from + end) >>> 1;
  return overlay(ordered(lines, from, middle), ordered(lines, middle, end));
}

/** Both ordered and without overlaps; of `older` only what `newer` leaves untouched. */
function overlay(older: JitFunction[], newer: JitFunction[]): JitFunction[] {
  const result: JitFunction[] = [];
  let next = 0;
  for (const old of older) {
    while (next < newer.length && newer[next].end <= old.start) result.push(newer[next++]);
    if (next === newer.length || newer[next].start >= old.end) result.push(old);
  }
  while (next < newer.length) result.push(newer[next++]);
  return result;
}
