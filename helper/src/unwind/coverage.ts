// How much of a file's code its rows leave open, and so whether its separate debug file is worth opening: programs built with
// -fno-asynchronous-unwind-tables have all but the start-up code's rows in the .debug_frame that strip took away.

import type { ElfFile } from '../elf/parser';
import { SHF_EXECINSTR, SHT_NOBITS } from '../elf/types';
import { kindOf, ROW_WORDS, rowAt, UNWIND_NONE } from './rows';
import { executableSegments } from './sections';
import type { UnwindTable } from './table';

/** Between functions compilers leave up to 63 bytes. */
const SHORTEST_GAP_BYTES = 64;
/** Hand-written assembly in a library is hardly worth a second look; no function of a compiler is. */
const OPEN_SHARE = 0.01;

/** Is more than a hundredth of the code without rows (of a tiny program the C runtime is enough)? Never of Go. */
export function leavesCodeOpen(elf: ElfFile, table: UnwindTable): boolean {
  if (table.keepsFramePointers) return false;
  let codeBytes = 0;
  let openBytes = 0;
  for (const { low, high } of codeOf(elf)) {
    codeBytes += high - low;
    openBytes += gapsBetween(table, low, high);
  }
  return openBytes > codeBytes * OPEN_SHARE;
}

function codeOf(elf: ElfFile): { low: number; high: number }[] {
  const sections = elf.sections.filter(({ type, flags }) => type !== SHT_NOBITS && (flags & SHF_EXECINSTR) !== 0);
  if (sections.length > 0)
    return sections.map(({ address, sizeBytes }) => ({ low: address, high: address + sizeBytes }));
  return executableSegments(elf).map(({ address, memorySizeBytes }) => ({
    low: address,
    high: address + memorySizeBytes,
  }));
}

/** Bytes from `low` to `high` (virtual addresses) in gaps that are no padding. */
function gapsBetween({ rows, baseAddress }: UnwindTable, low: number, high: number): number {
  let bytes = 0;
  let at = low;
  for (let i = rowAt(rows, low - baseAddress) + ROW_WORDS; at < high; i += ROW_WORDS) {
    const end = i < rows.length ? Math.min(high, rows[i] + baseAddress) : high;
    const isGap = i === 0 || kindOf(rows[i - ROW_WORDS + 1]) === UNWIND_NONE;
    if (isGap && end - at >= SHORTEST_GAP_BYTES) bytes += end - at;
    at = end;
  }
  return bytes;
}
