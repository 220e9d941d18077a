// /proc/kallsyms: lines "ADDRESS TYPE NAME[\t[MODULE]]". Format: s_show() in the kernel's kernel/kallsyms.c. Addresses are all zero
// for readers whom kptr_restrict excludes.

import { readSync } from 'node:fs';
import { displayName } from '../demangle/demangle';
import { MAX_KALLSYMS_BYTES, MAX_KALLSYMS_ENTRIES } from '../limits';
import type { KernelTable } from './types';

const CHUNK_BYTES = 256 * 1024;
const TEXTS_FIRST_BYTES = 4 << 20;
const TWO_32 = 4_294_967_296;
const CODE_TYPES = new Set(['t', 'T', 'w', 'W']);

/** Null where the kernel hides the addresses. */
export function readKallsyms(fd: number): KernelTable | null {
  const starts: number[] = [];
  const lengths: number[] = [];
  // One buffer each, used again: what a worker has let go of stays in its memory until it happens to collect garbage.
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let texts = Buffer.allocUnsafeSlow(TEXTS_FIRST_BYTES);
  let textsUsed = 0;
  let rest = '';
  for (let position = 0; position < MAX_KALLSYMS_BYTES; ) {
    const got = readSync(fd, chunk, 0, CHUNK_BYTES, position);
    if (got === 0) break;
    position += got;
    const lines = rest + chunk.toString('latin1', 0, got);
    const lastNewline = lines.lastIndexOf('\n');
    rest = lines.slice(lastNewline + 1);
    const names: string[] = [];
    for (const line of lines.slice(0, Math.max(0, lastNewline)).split('\n')) {
      const start = addressOf(line);
      if (start === null || !CODE_TYPES.has(line[17]) || starts.length >= MAX_KALLSYMS_ENTRIES) continue;
      const text = shownText(line.slice(19));
      starts.push(start);
      lengths.push(text.length);
      names.push(text);
    }
    const joined = names.join('');
    if (textsUsed + joined.length > texts.length) {
      const larger = Buffer.allocUnsafeSlow(texts.length * 2 + joined.length);
      texts.copy(larger, 0, 0, textsUsed);
      texts = larger;
    }
    textsUsed += texts.write(joined, textsUsed, 'latin1');
  }
  if (starts.length === 0) return null;
  return order(starts, lengths, texts);
}

/** Mangled Rust and what LTO appends; the rest of a hundred thousand names, C's, must not cost a demangler's look. */
const NOT_AS_IT_IS = /^_R[A-Z0-9]|^_Z|\.l(?:lvm|to_priv)\./;

function shownText(text: string): string {
  if (!NOT_AS_IT_IS.test(text)) return text;
  const [linkageName, module = ''] = text.split('\t');
  const { name, fullName } = displayName(linkageName);
  return fullName === null ? `${name}\t${module}` : `${name}\t${module}\t${fullName}`;
}

/** Null for anything but an address of the kernel's half. */
function addressOf(line: string): number | null {
  if (line.length < 20 || line[16] !== ' ') return null;
  const high = Number.parseInt(line.slice(0, 8), 16);
  const low = Number.parseInt(line.slice(8, 16), 16);
  return high >= 0x80000000 && low >= 0 ? (high - TWO_32) * TWO_32 + low : null;
}

function order(starts: number[], lengths: number[], texts: Uint8Array): KernelTable {
  const offsets = new Uint32Array(starts.length);
  for (let i = 1; i < starts.length; i++) offsets[i] = offsets[i - 1] + lengths[i - 1];
  // Equal addresses stay in the kernel's order.
  const by = Uint32Array.from(starts.keys()).sort((a, b) => starts[a] - starts[b] || a - b);
  return {
    starts: Float64Array.from(by, (i) => starts[i]),
    textOffsets: Uint32Array.from(by, (i) => offsets[i]),
    textBytes: Uint16Array.from(by, (i) => lengths[i]),
    texts,
  };
}
