// Rows for code that no compiler made and that many toolchains leave without unwind information: jump stubs to other libraries
// (lld's, and all of arm64's) and the program's entry (musl's, ld.so's). Only where no entry of the file says something, and only
// where the instructions are those that linkers write. Layouts: System V ABI, AMD64 supplement, "Procedure Linkage Table", and its
// IBT variant as GNU ld writes it; ELF for the Arm 64-bit Architecture, "Procedure Linkage Table".

import { Cursor } from '../bytes/cursor';
import type { ElfFile } from '../elf/parser';
import { SHF_EXECINSTR, SHT_NOBITS } from '../elf/types';
import type { CodeRange } from './frameSection';
import type { Architecture } from './registers';
import type { RowCollector } from './rowCollector';
import {
  ROW_WORDS,
  rowAt,
  UNWIND_CFA_SHIFT,
  UNWIND_END,
  UNWIND_NONE,
  UNWIND_PLT,
  UNWIND_RA_IN_LR,
  UNWIND_RA_SHIFT,
  UNWIND_SP,
} from './rows';

const STUB_BYTES = 16;
const STUB_SECTIONS = ['.plt', '.plt.sec', '.plt.got', '.iplt'];
/** The entry's own code where nothing bounds it, and where the next function does. */
const ENTRY_BYTES = 32;
const MOST_ENTRY_BYTES = 128;

const X86_CALLED = UNWIND_SP | (1 << UNWIND_CFA_SHIFT);
const ARM64_CALLED = UNWIND_SP | (UNWIND_RA_IN_LR << UNWIND_RA_SHIFT);
/** stp x16, x30, [sp, #-16]! */
const ARM64_PUSH = 0xa9bf7bf0;
const ARM64_PUSHED = UNWIND_SP | (2 << UNWIND_CFA_SHIFT);

/** Where `rows` (finished) know nothing, what is known of stubs and of the entry is added to `collector`. */
export function addLinkerCode(
  elf: ElfFile,
  code: CodeRange,
  rows: Uint32Array,
  collector: RowCollector,
  arch: Architecture,
): void {
  for (const section of elf.sections) {
    if (!STUB_SECTIONS.includes(section.name) || !(section.flags & SHF_EXECINSTR) || section.type === SHT_NOBITS)
      continue;
    const pc = section.address - code.baseAddress;
    const end = pc + section.sizeBytes;
    if (!(pc >= 0 && end <= code.endAddress - code.baseAddress) || section.sizeBytes < STUB_BYTES) continue;
    if (!isGap(rows, pc, end)) continue;
    const first = elf.source.read(section.fileOffset, STUB_BYTES);
    const second = elf.source.readUpTo(section.fileOffset, 2 * STUB_BYTES).subarray(STUB_BYTES);
    if (arch.hasLinkRegister) addArm64Stubs(collector, pc, end, first);
    else addX86Stubs(collector, pc, end, first, second);
  }
  addEntry(elf, code, rows, collector);
}

function addX86Stubs(collector: RowCollector, pc: number, end: number, first: Buffer, second: Buffer): void {
  // The first stub of a lazy table calls the resolver: push, with a number pushed before.
  const isLazy = first[0] === 0xff && first[1] === 0x35;
  if (!isLazy) {
    if (jumpsThroughSlot(first)) addFrame(collector, pc, end, [[pc, X86_CALLED]]);
    return;
  }
  // jmp *slot; push n; jmp first, or endbr64; push n; jmp first
  const push = second[0] === 0xff && second[1] === 0x25 ? 6 : second.readUInt32LE(0) === 0xfa1e0ff3 ? 4 : -1;
  if (push < 0 || second.length < STUB_BYTES || second[push] !== 0x68) return;
  addFrame(collector, pc, end, [
    [pc, UNWIND_SP | (2 << UNWIND_CFA_SHIFT)],
    [pc + 6, UNWIND_SP | (3 << UNWIND_CFA_SHIFT)],
    [pc + STUB_BYTES, UNWIND_PLT | ((push + 5) << UNWIND_CFA_SHIFT)],
  ]);
}

/** jmp *slot, perhaps behind endbr64 and with a prefix. */
function jumpsThroughSlot(stub: Buffer): boolean {
  const at = stub.indexOf('ff25', 0, 'hex');
  return at >= 0 && at <= 5;
}

function addArm64Stubs(collector: RowCollector, pc: number, end: number, first: Buffer): void {
  // Behind a landing pad (bti c) where branches are protected.
  const push = [0, 4].find((at) => first.readUInt32LE(at) === ARM64_PUSH);
  if (push === undefined) return;
  addFrame(collector, pc, end, [
    [pc, ARM64_CALLED],
    [pc + push + 4, ARM64_PUSHED],
    [pc + 2 * STUB_BYTES, ARM64_CALLED],
  ]);
}

/** Nothing calls the place where the kernel, or ld.so, enters. */
function addEntry(elf: ElfFile, code: CodeRange, rows: Uint32Array, collector: RowCollector): void {
  const entry = new Cursor(elf.source.read(24, 8)).u64() - code.baseAddress;
  if (!(entry > 0 && entry < code.endAddress - code.baseAddress) || !isGap(rows, entry, entry + 1)) return;
  const next = rows[rowAt(rows, entry) + ROW_WORDS];
  const end = next - entry <= MOST_ENTRY_BYTES ? next : entry + ENTRY_BYTES;
  addFrame(collector, entry, end, [[entry, UNWIND_END]]);
}

function addFrame(collector: RowCollector, pc: number, end: number, rows: [pc: number, rule: number][]): void {
  collector.beginFrame(pc, end);
  for (const [at, rule] of rows) if (at < end) collector.add(at, rule >>> 0);
}

/** Is nothing known in [pc, end)? */
function isGap(rows: Uint32Array, pc: number, end: number): boolean {
  const at = rowAt(rows, pc);
  if (at >= 0 && rows[at + 1] !== UNWIND_NONE) return false;
  return !(rows[at + ROW_WORDS] < end);
}
