// /proc/kallsyms: lines "ADDRESS TYPE NAME[\t[MODULE]]". Called by resolver.ts. Format: s_show() in the kernel's
// kernel/kallsyms.c. Addresses are all zero for readers whom kptr_restrict excludes.

import { readSync } from 'node:fs';
import { MAX_KALLSYMS_BYTES, MAX_KALLSYMS_ENTRIES } from '../limits';

const CHUNK_BYTES = 256 * 1024;
const TWO_32 = 4_294_967_296;
const CODE_TYPES = new Set(['t', 'T', 'w', 'W']);

export interface KernelTable {
  /** Two's complement (negative), rising. */
  starts: Float64Array;
  /** Start and end of the name in `names`, by index of `starts`; the module's name follows a tab. */
  nameOffsets: Uint32Array;
  nameBytes: Uint16Array;
  names: Buffer;
}

/** Null where the kernel hides the addresses. */
export function readKallsyms(fd: number): KernelTable | null {
  const starts: number[] = [];
  const lengths: number[] = [];
  const texts: Buffer[] = [];
  let rest = '';
  for (let position = 0; position < MAX_KALLSYMS_BYTES; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const got = readSync(fd, chunk, 0, CHUNK_BYTES, position);
    if (got === 0) break;
    position += got;
    const text = rest + chunk.toString('latin1', 0, got);
    const lastNewline = text.lastIndexOf('\n');
    rest = text.slice(lastNewline + 1);
    const names: string[] = [];
    for (const line of text.slice(0, Math.max(0, lastNewline)).split('\n')) {
      const start = addressOf(line);
      if (start === null || !CODE_TYPES.has(line[17]) || starts.length >= MAX_KALLSYMS_ENTRIES) continue;
      const name = line.slice(19);
      starts.push(start);
      lengths.push(name.length);
      names.push(name);
    }
    texts.push(Buffer.from(names.join(''), 'latin1'));
  }
  if (starts.length === 0) return null;
  return order(starts, lengths, Buffer.concat(texts));
}

/** Null for anything but an address of the kernel's half. */
function addressOf(line: string): number | null {
  if (line.length < 20 || line[16] !== ' ') return null;
  const high = Number.parseInt(line.slice(0, 8), 16);
  const low = Number.parseInt(line.slice(8, 16), 16);
  return high >= 0x80000000 && low >= 0 ? (high - TWO_32) * TWO_32 + low : null;
}

function order(starts: number[], lengths: number[], names: Buffer): KernelTable {
  const offsets = new Uint32Array(starts.length);
  for (let i = 1; i < starts.length; i++) offsets[i] = offsets[i - 1] + lengths[i - 1];
  // Equal addresses stay in the kernel's order.
  const by = Uint32Array.from(starts.keys()).sort((a, b) => starts[a] - starts[b] || a - b);
  return {
    starts: Float64Array.from(by, (i) => starts[i]),
    nameOffsets: Uint32Array.from(by, (i) => offsets[i]),
    nameBytes: Uint16Array.from(by, (i) => lengths[i]),
    names,
  };
}
