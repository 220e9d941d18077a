// Names of V8's builtins by the symbols that the program has of them.

import type { V8Image } from './types';

/** `address`: as the file has it. Null where the file is stripped of its symbols. */
export function builtinAt({ builtins: { starts, names } }: V8Image, address: number): string | null {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= address) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : names[low - 1];
}
