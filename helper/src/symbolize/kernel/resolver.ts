// Kernel address -> index of the function, and what the table says of it.

import { countNotAbove } from '../../bytes/search';
import type { KernelSymbol, KernelTable } from './types';

/** Beyond its start a kernel function is not believed to be longer than this. */
const MAX_FUNCTION_BYTES = 1 << 20;
export const NO_FUNCTION = -1;

/** Index in the table, NO_FUNCTION where none covers the address. */
export function findKernelFunction({ starts }: KernelTable, address: number): number {
  let found = countNotAbove(starts, address) - 1;
  // Of several names for one address the kernel itself prints the first.
  while (found > 0 && starts[found - 1] === starts[found]) found--;
  return found >= 0 && address - starts[found] < MAX_FUNCTION_BYTES ? found : NO_FUNCTION;
}

export function kernelSymbol({ texts, textOffsets, textBytes }: KernelTable, index: number): KernelSymbol {
  const bytes = Buffer.from(texts.buffer, texts.byteOffset + textOffsets[index], textBytes[index]);
  const [name, module, fullName] = bytes.toString('latin1').split('\t');
  return { name, fullName: fullName ?? null, module: module || '[kernel]' };
}
