// Kernel address -> symbol and module. Called by worker.ts.

import type { KernelTable } from './parser';
import type { KernelSymbol } from './types';

/** Beyond its start a kernel function is not believed to be longer than this. */
const MAX_FUNCTION_BYTES = 1 << 20;

export function findKernelSymbol(table: KernelTable, address: number): KernelSymbol | null {
  const { starts } = table;
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] > address) high = middle;
    else low = middle + 1;
  }
  let found = low - 1;
  // Of several names for one address the kernel itself prints the first.
  while (found > 0 && starts[found - 1] === starts[found]) found--;
  if (found < 0 || address - starts[found] >= MAX_FUNCTION_BYTES) return null;
  const at = table.nameOffsets[found];
  const [name, module] = table.names.toString('latin1', at, at + table.nameBytes[found]).split('\t');
  return { name, module: module ?? '[kernel]' };
}
