// Unwind tables of any size for the tests that place them in pages.

import { UNWIND_NONE, UNWIND_SP } from '../../../src/unwind/rows';
import type { UnwindTable } from '../../../src/unwind/table';

/** Rows at pcs 16, 32, … with rules that tell them apart; the last one says that nothing is known. */
export function tableOfRows(count: number): UnwindTable {
  const rows = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    rows[2 * i] = 16 + 16 * i;
    rows[2 * i + 1] = i === count - 1 ? UNWIND_NONE : (UNWIND_SP | (i << 8)) >>> 0;
  }
  const segments = [{ fileOffset: 0x1000, address: 0x40_1000, sizeBytes: 16 * count + 64 }];
  const rest = { wideRules: new Uint32Array(0), unexpressible: [], problems: [], keepsFramePointers: false };
  return { buildId: null, arch: 'x86-64', baseAddress: 0x40_1000, rows, segments, ...rest };
}
