// Tells BPF where the kernel keeps its unwind tables, so that kernel stacks are walked by bpf/lib/unwind_kernel.bpf.h instead of
// bpf_get_stack(), at a fraction of the cost. Until the places are known, and where they are not, the kernel walks.

import { close, open, read } from 'node:fs';
import { promisify } from 'node:util';
import { KERNEL_UNWIND_TABLES } from '../abi/events.gen';
import { native } from './libbpf';

const CHUNK_BYTES = 256 * 1024;
const FILE_MAX_BYTES = 256 << 20;
const ADDRESS_CHARACTERS = 16;
const ROW_ADDRESS_BYTES = 4n;

/**
 * Those of x86-64's ORC tables; a function of every kernel; the last three put return addresses of their own onto traced
 * functions' stacks.
 */
const SYMBOLS = [
  '_stext',
  '_etext',
  '__start_orc_unwind_ip',
  '__stop_orc_unwind_ip',
  '__start_orc_unwind',
  'vfs_read',
  'return_to_handler',
  'arch_rethook_trampoline',
  '__kretprobe_trampoline',
] as const;
type KernelSymbol = (typeof SYMBOLS)[number];

const readAsync = promisify(read);
const found = new Map<number | null, Promise<Buffer | null>>();

/**
 * Value for the map `kernel_unwind`; null where the kernel has no such tables or does not tell. `fd` is /proc/kallsyms
 * as root opened it and nobody else reads it; null opens it anew. Read once, some 10 MB in 80 ms off the main thread.
 */
export function kernelUnwindTables(fd: number | null): Promise<Buffer | null> {
  let tables = found.get(fd);
  if (!tables) {
    tables = findTables(fd).catch(() => null);
    found.set(fd, tables);
  }
  return tables;
}

/** Switches the walk on in a loaded object. */
export function useKernelUnwindTables(mapFd: number, tables: Buffer): boolean {
  return native().libbpf.update(mapFd, Buffer.alloc(4), tables, 0) >= 0;
}

async function findTables(fd: number | null): Promise<Buffer | null> {
  if (fd !== null) return encode(await readSymbols(fd));
  const own = await promisify(open)('/proc/kallsyms', 'r');
  try {
    return encode(await readSymbols(own));
  } finally {
    await promisify(close)(own);
  }
}

/** Lines are "ADDRESS TYPE NAME[\t[MODULE]]" (s_show() in the kernel's kernel/kallsyms.c). */
async function readSymbols(fd: number): Promise<Map<KernelSymbol, bigint>> {
  const symbols = new Map<KernelSymbol, bigint>();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = 0;
  for (let position = 0; position < FILE_MAX_BYTES && symbols.size < SYMBOLS.length; ) {
    const { bytesRead } = await readAsync(fd, chunk, rest, CHUNK_BYTES - rest, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    const text = chunk.subarray(0, rest + bytesRead);
    for (const name of SYMBOLS) {
      if (symbols.has(name)) continue;
      const at = text.indexOf(` ${name}\n`);
      if (at >= 0) symbols.set(name, addressBefore(text, at));
    }
    // A line that the chunk's end cut in two comes again.
    const lastNewline = text.lastIndexOf('\n');
    rest = text.length - (lastNewline + 1);
    text.copy(chunk, 0, lastNewline + 1);
  }
  return symbols;
}

function addressBefore(text: Buffer, at: number): bigint {
  const start = text.lastIndexOf('\n', at) + 1;
  return BigInt(`0x${text.toString('latin1', start, start + ADDRESS_CHARACTERS)}`);
}

function encode(symbols: Map<KernelSymbol, bigint>): Buffer | null {
  const address = (name: KernelSymbol) => symbols.get(name) ?? 0n;
  const rows = (address('__stop_orc_unwind_ip') - address('__start_orc_unwind_ip')) / ROW_ADDRESS_BYTES;
  if (!address('__start_orc_unwind') || rows <= 0n || address('_etext') <= address('_stext')) return null;
  const value = Buffer.alloc(KERNEL_UNWIND_TABLES.byteLength);
  value.writeBigUInt64LE(address('__start_orc_unwind_ip'), KERNEL_UNWIND_TABLES.addresses);
  value.writeBigUInt64LE(address('__start_orc_unwind'), KERNEL_UNWIND_TABLES.entries);
  value.writeBigUInt64LE(rows, KERNEL_UNWIND_TABLES.rows);
  value.writeBigUInt64LE(address('_stext'), KERNEL_UNWIND_TABLES.textStart);
  value.writeBigUInt64LE(address('_etext') - address('_stext'), KERNEL_UNWIND_TABLES.textBytes);
  value.writeBigUInt64LE(address('vfs_read'), KERNEL_UNWIND_TABLES.function);
  value.writeBigUInt64LE(address('return_to_handler'), KERNEL_UNWIND_TABLES.trampolines);
  const rethook = address('arch_rethook_trampoline') || address('__kretprobe_trampoline');
  value.writeBigUInt64LE(rethook, KERNEL_UNWIND_TABLES.trampolines + 8);
  return value;
}
