// From an ELF file to its unwind table. Pure but for reading the file: runs in a worker (../symbolize/worker.ts), in the
// command line's own process, and in the tests. Called through index.ts.

import { FormatError } from '../symbolize/bytes/cursor';
import type { Spill } from '../symbolize/elf/contents';
import type { ElfFile } from '../symbolize/elf/parser';
import { findPclntab } from '../symbolize/gopclntab/parser';
import { CfaMachine } from './cfaMachine';
import { type CompileParts, FrameSection } from './frameSection';
import { addGoFrames } from './goFrames';
import { addLinkerCode } from './linkerCode';
import { PointerReader } from './pointers';
import { architectureOf } from './registers';
import { RowCollector } from './rowCollector';
import { UNWIND_EXACT, UNWIND_SIGNAL_RETURN } from './rows';
import { RuleEncoder } from './ruleEncoder';
import { codeRangeOf, executableSegments, findDebugFrame, findEhFrame, type UnwindSection } from './sections';
import type { UnwindTable } from './table';
import { findTrampolines } from './trampolines';

/**
 * The table of a program or library. `debug`: its separate debug file, whose .debug_frame is used where the file itself has
 * no unwind information. Throws FormatError where the file has no code that could be covered; what is wrong otherwise is in
 * the table's `problems`.
 */
export async function compileUnwindTable(elf: ElfFile, debug: ElfFile | null, spill: Spill): Promise<UnwindTable> {
  const arch = architectureOf(elf);
  const code = codeRangeOf(elf);
  const problems: string[] = elf.damage ? [elf.damage] : [];
  const encoder = new RuleEncoder(arch);
  const rows = new RowCollector();
  const pointers = new PointerReader({
    text: elf.section('.text')?.address ?? Number.NaN,
    data: elf.section('.got')?.address ?? Number.NaN,
  });
  const machine = new CfaMachine(arch, encoder, rows, pointers, code.baseAddress);
  const parts: CompileParts = { arch, code, encoder, machine, pointers, rows };

  const attempt = async (name: string, isEh: boolean, find: () => Promise<UnwindSection | null>) => {
    try {
      const found = await find();
      if (found) compileSection(name, isEh, found, parts, problems);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.push(`${name}: ${error.message}`);
    }
  };
  await attempt('.eh_frame', true, async () => findEhFrame(elf));
  const hasOwn = rows.frames > 0;
  rows.beginSecondary();
  const go = readGo(elf, parts, problems);
  // Go's own table tells more than the .debug_frame that its linker makes of it.
  if (!go) await attempt('.debug_frame', false, () => findDebugFrame(elf, spill));
  if (debug && !hasOwn && rows.frames === 0)
    await attempt('.debug_frame of the debug file', false, () => findDebugFrame(debug, spill));

  const described = rows.finish();
  const before = rows.frames;
  addLinkerCode(elf, code, described, rows, arch);
  for (const { pc, sizeBytes } of findTrampolines(elf, code, described, arch)) {
    // From one byte earlier: the walker looks for the caller of a handler at its return address minus 1.
    rows.beginFrame(Math.max(0, pc - 1), pc + sizeBytes);
    rows.add(Math.max(0, pc - 1), UNWIND_SIGNAL_RETURN | UNWIND_EXACT);
  }
  return {
    buildId: elf.buildId,
    arch: arch.name,
    isGo: go,
    baseAddress: code.baseAddress,
    rows: rows.frames === before ? described : rows.finish(),
    wideRules: encoder.wideRules,
    segments: executableSegments(elf).map(({ fileOffset, address, fileSizeBytes }) => ({
      fileOffset,
      address,
      sizeBytes: fileSizeBytes,
    })),
    unexpressible: encoder.unexpressible.map((u) => ({ ...u, pc: u.pc + code.baseAddress })),
    problems,
  };
}

/** Is it a Go program? Then its functions are in the rows. */
function readGo(elf: ElfFile, { code, rows, arch }: CompileParts, problems: string[]): boolean {
  try {
    const table = findPclntab(elf);
    if (table) addGoFrames(table, code, rows, arch);
    return table !== null;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(`Go's table: ${error.message}`);
    return true;
  }
}

function compileSection(
  name: string,
  isEh: boolean,
  found: UnwindSection,
  parts: CompileParts,
  problems: string[],
): void {
  const section = new FrameSection(found.source, found.address, isEh, parts, found.endsWithZero);
  try {
    section.compile();
  } finally {
    for (const [why, count] of section.leftOut)
      problems.push(`${name}: ${count === 1 ? 'an entry' : `${count} entries`} left out: one ${why}`);
  }
}
