// Where V8 has its code in a process: the builtins in the program's text, a copy of them that V8 maps near the code that it makes
// (from V8 11 on), and that code itself, which grows within a range that is reserved once a process.
// Layout: src/heap/code-range.cc, kMaximalCodeRangeSize in src/common/globals.h.

import type { Code } from '../../process/processes';
import type { AddressRange, V8Image } from './types';

const MiB = 1024 * 1024;
/** Chunks of code begin at multiples of it. */
const CHUNK_BYTES = 256 * 1024;
/** Code that is called by relative calls lies so near. */
const NEAR_BYTES = 2 ** 31;
/** Ranges that are told of: those of WebAssembly come one a module. */
const MAX_RANGES = 256;

export interface CodeRanges {
  builtins: AddressRange[];
  /** The reserved range; null: none yet, or never (--jitless). */
  generated: AddressRange | null;
  /** Ordered, apart from each other. */
  all: AddressRange[];
  /** Of the file system that the program came from: to be put before the paths that it names. */
  rootPrefix: string;
}

/** `bias`: of the program's own mapping. */
export function codeRangesOf(image: V8Image, bias: number, codes: readonly Code[]): CodeRanges {
  const builtins = image.blob ? builtinsOf(image, image.blob, bias, codes) : [];
  const nameless = codes.filter((code) => 'name' in code && code.name === '[anon]');
  const near = nameless.filter((code) => builtins.some(({ start }) => Math.abs(code.start - start) < NEAR_BYTES));
  const copy = builtins.find(({ start }) => image.blob && start !== image.blob.start + bias);
  const rangeBytes = (image.v8Version[0] >= 11 ? 512 : 128) * MiB;
  const inRange = copy ? near.filter(({ start }) => Math.abs(start - copy.start) < rangeBytes) : near;
  const first = inRange.length === 0 ? null : Math.min(...inRange.map(({ start }) => start));
  const start = first === null ? 0 : first - (first % CHUNK_BYTES);
  const generated = first === null ? null : { start, end: endOf(start, start + rangeBytes, codes, image, bias) };
  const others = nameless.filter((code) => !generated || code.start >= generated.end || code.end <= generated.start);
  const all = [...builtins, ...(generated ? [generated] : []), ...others.map(({ start, end }) => ({ start, end }))];
  const program = programOf(image, bias, codes);
  const rootPrefix = program && 'file' in program ? program.file.root.prefix : '';
  return { builtins, generated, all: apart(all).slice(0, MAX_RANGES), rootPrefix };
}

/** The mapping of the file that holds the builtins, where it has its own addresses. */
function programOf(image: V8Image, bias: number, codes: readonly Code[]): Code | null {
  const at = image.blob ? image.blob.start + bias : -1;
  return codes.find((code) => 'file' in code && code.start <= at && at < code.end) ?? null;
}

function builtinsOf(
  image: V8Image,
  blob: NonNullable<V8Image['blob']>,
  bias: number,
  codes: readonly Code[],
): AddressRange[] {
  const own = { start: blob.start + bias, end: blob.end + bias };
  const program = programOf(image, bias, codes);
  const found = [own];
  if (!program || !('file' in program)) return found;
  for (const code of codes) {
    if (!('file' in code) || code.file !== program.file) continue;
    const start = code.start + blob.fileOffset - code.fileOffset;
    const end = start + blob.end - blob.start;
    if (start !== own.start && code.start <= start && end <= code.end) found.push({ start, end });
  }
  return found;
}

/** Up to the next file's code, should that begin within. */
function endOf(start: number, end: number, codes: readonly Code[], image: V8Image, bias: number): number {
  const own = programOf(image, bias, codes);
  for (const code of codes) {
    if ('name' in code || code.start < start || code.start >= end) continue;
    if (own && 'file' in own && 'file' in code && code.file === own.file && code.start !== own.start) continue;
    return code.start;
  }
  return end;
}

function apart(ranges: AddressRange[]): AddressRange[] {
  const found: AddressRange[] = [];
  for (const { start, end } of ranges.sort((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else found.push({ start, end });
  }
  return found;
}
