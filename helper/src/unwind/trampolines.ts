// The code that a signal handler returns to, where no unwind information describes it: musl's, and the kernel's vdso on arm64
// (which left it out on purpose, so that unwinders go by the instructions). Only code that no entry covers is searched, and only
// for the whole call of rt_sigreturn.

import { MAX_READ_BYTES } from '../bytes/limits';
import type { ElfFile } from '../elf/parser';
import type { CodeRange } from './frameSection';
import { MAX_SEARCHED_BYTES } from './limits';
import type { Architecture } from './registers';
import { ROW_WORDS, UNWIND_NONE } from './rows';
import { executableSegments } from './sections';

const SMALL_IMAGE_BYTES = 65_536;
const LEAST_GAP_BYTES = 4_096;

/** pcs of trampolines in what `rows` (finished) leave uncovered, with their length. */
export function findTrampolines(
  elf: ElfFile,
  code: CodeRange,
  rows: Uint32Array,
  arch: Architecture,
): { pc: number; sizeBytes: number }[] {
  const found: { pc: number; sizeBytes: number }[] = [];
  let budgetBytes = Math.min(MAX_SEARCHED_BYTES, MAX_READ_BYTES);
  // Files with unwind information leave out their padding only, in thousands of places; a C library without any, or the
  // vdso with its few functions, is another matter.
  const least = code.endAddress - code.baseAddress <= SMALL_IMAGE_BYTES ? 1 : LEAST_GAP_BYTES;
  for (const segment of executableSegments(elf)) {
    const start = segment.address - code.baseAddress;
    const fileEnd = start + segment.fileSizeBytes;
    for (const gap of gapsOf(rows, start, fileEnd)) {
      const sizeBytes = gap.end - gap.start;
      if (sizeBytes < least) continue;
      budgetBytes -= sizeBytes;
      if (budgetBytes < 0) return found;
      const bytes = elf.source.readUpTo(segment.fileOffset + gap.start - start, sizeBytes);
      for (const trampoline of arch.signalTrampolines)
        for (let at = bytes.indexOf(trampoline); at >= 0; at = bytes.indexOf(trampoline, at + 1))
          found.push({ pc: gap.start + at, sizeBytes: trampoline.length });
    }
  }
  return found;
}

/** Ranges of pcs in [start, end) that are UNWIND_NONE or before the first row. */
function* gapsOf(rows: Uint32Array, start: number, end: number): Generator<{ start: number; end: number }> {
  let from = start;
  let isGap = true;
  for (let i = 0; i < rows.length; i += ROW_WORDS) {
    const pc = rows[i];
    const becomesGap = rows[i + 1] === UNWIND_NONE;
    if (isGap && !becomesGap && pc > from) yield { start: from, end: Math.min(pc, end) };
    if (pc >= end) return;
    if (becomesGap) from = Math.max(start, pc);
    isGap = becomesGap;
  }
  if (isGap && from < end) yield { start: from, end };
}
