// The executable memory of a process as the walker sees it (struct code_page of bpf/events.h): sorted ranges, each with the
// table that covers it. Written anew whenever something of it changes.

import {
  CODE_FLAGS,
  CODE_INDEX,
  CODE_PAGE,
  CODE_PAGE_INDEX,
  CODE_RANGE,
  CODE_RANGES,
  CODE_START_UNUSED,
} from '../../abi/events.gen';
import type { RuntimeCode } from '../../runtimes/processRuntimes';
import { UNWIND_PAGE_BYTES } from '../rows';
import type { UnwindTable } from '../table';
import type { PagePool } from './pages';
import type { PlacedTable } from './tables';

/** The page of x86-64's vsyscall lies above all user addresses: it is never on a stack, and the search takes none so high. */
const USER_ADDRESS_END = 2 ** 56;
const INDEX_STARTS = CODE_INDEX.startsLength;
/** Runtimes that make code keep it in few places; a hostile one must not take the room of the mappings. */
const MAX_CUTS = 16_384;

/** One executable mapping, and what is loaded of its file. */
export interface CodeMapping {
  start: number;
  end: number;
  fileOffset: number;
  /** Null: nothing loaded (yet), or nothing to load. */
  table: { placed: PlacedTable; segments: UnwindTable['segments']; baseAddress: number } | null;
  keepsFramePointers: boolean;
}

/** What is known of the table of some code. `evicted`: it had to make room for others. */
export interface CodeTable extends Pick<CodeMapping, 'table' | 'keepsFramePointers'> {
  state: 'waiting' | 'loading' | 'loaded' | 'failed' | 'evicted';
}

/** A stretch of code with one table, as the walker finds it: the table's pc is the address less `base`. */
export interface Range {
  start: number;
  base: bigint;
  placed: PlacedTable | null;
  flags: number;
  /** RuntimePlugin's number; left out: none's. */
  runtime?: number;
}

export interface PlacedCode {
  /** As struct target wants it. */
  codePage: number;
  release(): void;
}

/** Mappings and runtimes' code sorted and apart from each other. Null where there is no room. */
export function placeCode(
  pool: PagePool,
  mappings: readonly CodeMapping[],
  runtimes: readonly RuntimeCode[] = [],
): PlacedCode | null {
  const ranges = withRuntimes(rangesOf(mappings), runtimes);
  const pages = Math.max(1, Math.ceil(ranges.length / CODE_RANGES));
  if (pages > INDEX_STARTS) return null;
  const above = pages > 1 ? 1 : 0;
  const page = pool.take(above + pages);
  if (page === null) return null;
  const bytes = Buffer.alloc((above + pages) * UNWIND_PAGE_BYTES);
  if (above)
    for (let i = 0; i < INDEX_STARTS; i++)
      bytes.writeBigUInt64LE(i < pages ? BigInt(ranges[i * CODE_RANGES].start) : CODE_START_UNUSED, i * 8);
  for (let i = 0; i < pages; i++)
    writePage(bytes.subarray((above + i) * UNWIND_PAGE_BYTES), ranges.slice(i * CODE_RANGES, (i + 1) * CODE_RANGES));
  pool.write(page, bytes);
  return {
    codePage: above ? (page | CODE_PAGE_INDEX) >>> 0 : page,
    release: () => pool.release(page, above + pages),
  };
}

function writePage(bytes: Buffer, ranges: Range[]): void {
  bytes.writeUInt32LE(ranges.length, CODE_PAGE.ranges + CODE_RANGE.ranges);
  for (let i = 0; i < CODE_RANGES; i++) {
    const range = ranges[i];
    bytes.writeBigUInt64LE(range ? BigInt(range.start) : CODE_START_UNUSED, i * 8);
    if (!range) continue;
    const at = CODE_PAGE.ranges + i * CODE_RANGE.byteLength;
    bytes.writeBigUInt64LE(range.base, at + CODE_RANGE.base);
    bytes.writeUInt8(range.flags | ((range.runtime ?? 0) << CODE_FLAGS.CODE_RUNTIME_SHIFT), at + CODE_RANGE.flags);
    if (!range.placed) continue;
    bytes.writeUInt32LE(range.placed.page, at + CODE_RANGE.page);
    bytes.writeUInt16LE(range.placed.first, at + CODE_RANGE.first);
    bytes.writeUInt16LE(range.placed.count, at + CODE_RANGE.count);
    bytes.writeUInt8(range.placed.levels, at + CODE_RANGE.levels);
    bytes.writeUInt16LE(range.placed.indexCount, at + CODE_RANGE.indexCount);
  }
}

function rangesOf(mappings: readonly CodeMapping[]): Range[] {
  const ranges: Range[] = [];
  const below = mappings.filter(({ start }) => start < USER_ADDRESS_END);
  below.forEach((mapping, i) => {
    ranges.push(...rangesOfMapping(mapping));
    const next = below[i + 1];
    if (!next || next.start > mapping.end) ranges.push({ start: mapping.end, base: 0n, placed: null, flags: 0 });
  });
  return ranges;
}

/** `ranges` cut where a runtime's code begins and ends; of code that two runtimes claim, the first has it. */
export function withRuntimes(ranges: readonly Range[], runtimes: readonly RuntimeCode[]): Range[] {
  const found: Range[] = [];
  let next = 0;
  ranges.forEach((range, i) => {
    const end = ranges[i + 1]?.start ?? USER_ADDRESS_END;
    let { start } = range;
    // What lies below it is no mapped code.
    while (next < runtimes.length && runtimes[next].end <= start) next++;
    for (let at = next; at < runtimes.length && runtimes[at].start < end; at++) {
      const from = Math.max(start, runtimes[at].start);
      const to = Math.min(end, runtimes[at].end);
      if (to <= from || found.length >= MAX_CUTS) continue;
      if (from > start) found.push({ ...range, start });
      // Runtimes grow their code within what they reserved: no gap, also where nothing is mapped yet.
      const flags = range.flags | CODE_FLAGS.CODE_MAPPED;
      found.push({ ...range, start: from, flags, runtime: runtimes[at].runtime });
      start = to;
    }
    if (start < end) found.push({ ...range, start });
  });
  return found;
}

/** A mapping may hold several segments of its file, each shifted by another distance. */
export function rangesOfMapping({ start, end, fileOffset, table, keepsFramePointers }: CodeMapping): Range[] {
  const flags = CODE_FLAGS.CODE_MAPPED | (keepsFramePointers ? CODE_FLAGS.CODE_GO : 0);
  const whole: Range = { start, base: 0n, placed: null, flags };
  if (!table || table.placed.count === 0) return [whole];
  const fileEnd = fileOffset + (end - start);
  const found: Range[] = [];
  for (const segment of table.segments) {
    const from = Math.max(segment.fileOffset, fileOffset);
    if (from >= Math.min(segment.fileOffset + segment.sizeBytes, fileEnd)) continue;
    const base = start - fileOffset + segment.fileOffset - segment.address + table.baseAddress;
    const asUnsigned = BigInt.asUintN(64, BigInt(base));
    if (found.at(-1)?.base === asUnsigned) continue;
    // The first one holds from the mapping's start: what lies before it is of no other segment.
    const at = found.length === 0 ? start : start + (from - fileOffset);
    found.push({ start: at, base: asUnsigned, placed: table.placed, flags });
  }
  return found.length > 0 ? found : [whole];
}
