// Address -> name by a perf map. Of a file that was appended to, only what is new is read; one that was written anew in place
// is read from its start. A later line wins over every earlier one that it overlaps: compilers reuse memory. The main thread
// opened the file after checking its owner, and says how much of it counts for a question.

import { readSync } from 'node:fs';
import { MAX_NAME_BYTES } from '../../bytes/limits';
import { rangeAt, withLater } from '../codeRanges';
import { MAX_PERF_MAP_BYTES, MAX_PERF_MAP_ENTRIES } from '../limits';
import { nowhere, type Place } from '../place';
import { Witnesses } from '../witnesses';
import { parseLine, parsePerfMap } from './parser';
import type { JitFunction } from './types';

const CHUNK_BYTES = 256 * 1024;

export class PerfMap {
  /** Ordered by start, without overlaps. */
  private functions: JitFunction[] = [];
  private readBytes = 0;
  private witnesses: Witnesses;
  problem: string | null = null;

  constructor(private readonly fd: number) {
    this.witnesses = new Witnesses(fd);
  }

  /** Takes in what stands before `sizeBytes`. */
  update(sizeBytes: number): void {
    if (sizeBytes < this.readBytes || !this.witnesses.stillThere()) this.startAnew();
    const until = Math.min(sizeBytes, MAX_PERF_MAP_BYTES);
    if (until < sizeBytes) this.problem = `only the first ${MAX_PERF_MAP_BYTES} bytes are used`;
    const added: JitFunction[] = [];
    while (this.readBytes < until) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, until - this.readBytes));
      const got = readSync(this.fd, chunk, 0, chunk.length, this.readBytes);
      const { functions, consumedBytes } = parsePerfMap(chunk.subarray(0, got), this.readBytes);
      for (const f of functions) added.push(f);
      // A line longer than a chunk is no line; an unfinished last one comes with the next update.
      if (consumedBytes === 0 && got < CHUNK_BYTES) break;
      const took = consumedBytes === 0 ? got : consumedBytes;
      this.witnesses.read(chunk.subarray(0, took), this.readBytes);
      this.readBytes += took;
      if (this.functions.length + added.length > MAX_PERF_MAP_ENTRIES) {
        this.problem = `only the first ${MAX_PERF_MAP_ENTRIES} entries are used`;
        break;
      }
    }
    this.functions = withLater(this.functions, added);
  }

  placesAt(address: number): Place[] {
    const found = this.find(address);
    return found ? [{ ...nowhere(null), name: found.name }] : [];
  }

  find(address: number): { name: string; start: number } | null {
    const found = rangeAt(this.functions, address);
    if (!found) return null;
    const bytes = Buffer.alloc(Math.min(found.lineBytes, MAX_NAME_BYTES));
    const got = readSync(this.fd, bytes, 0, bytes.length, found.lineOffset);
    const line = parseLine(bytes, 0, got);
    // Written anew since: the next update sees it.
    if (line?.range.start !== found.start) return null;
    const name = line.name.toString('utf8').trim();
    return name === '' ? null : { name, start: found.start };
  }

  private startAnew(): void {
    this.functions = [];
    this.readBytes = 0;
    this.witnesses = new Witnesses(this.fd);
    this.problem = null;
  }
}
