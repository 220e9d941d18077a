// From an ELF file to its unwind table. Pure but for reading the file: runs in a worker, in the command line's own process,
// and in the tests.

import { FormatError } from '../bytes/cursor';
import type { Spill } from '../elf/contents';
import { FileFunctions } from '../elf/fileFunctions';
import { LiveCode } from '../elf/liveCode';
import type { ElfFile } from '../elf/parser';
import { compiledFileOf } from '../runtimes';
import { CfaMachine } from './cfaMachine';
import { type CompileParts, FrameSection } from './frameSection';
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
 * no rows. Throws FormatError where the file has no code that could be covered; what is wrong otherwise is in
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

  const attempt = async (name: string, step: () => void | Promise<void>) => {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      problems.push(`${name}: ${error.message}`);
    }
  };
  const compileSection = (
    name: string,
    isEh: boolean,
    find: () => UnwindSection | null | Promise<UnwindSection | null>,
  ) =>
    attempt(name, async () => {
      const found = await find();
      if (found) addSection(name, isEh, found, parts, problems);
    });
  await compileSection('.eh_frame', true, () => findEhFrame(elf));
  rows.beginSecondary();
  const compiled = compiledFileOf(elf);
  if (compiled) await attempt(`tables of ${compiled.runtime}`, () => compiled.file.addUnwindRows(code, rows));
  // A runtime's own tables tell more than the .debug_frame that its linker makes of them.
  if (!compiled) {
    // Unlike those of .eh_frame, entries of what the linker threw away stay there.
    const symbols = debug ?? elf;
    const functions = FileFunctions.read(elf, debug, (what, read) => guarded(what, read, problems));
    const live = new LiveCode(elf, elf.sections.length > 0 ? elf : symbols, functions);
    parts.isLive = (start, end) => live.isLive(start, end, 'function');
    await compileSection('.debug_frame', false, () => findDebugFrame(elf, spill));
    if (debug) await compileSection('.debug_frame of the debug file', false, () => findDebugFrame(debug, spill));
  }
  rows.endSecondary();

  const described = rows.finish();
  const before = rows.frames;
  await attempt('code without unwind information', () => addUndescribed(elf, described, parts));
  return {
    buildId: elf.buildId,
    arch: arch.name,
    keepsFramePointers: compiled !== null,
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

/** Null where it could not be read, which is a problem. */
function guarded<T>(what: string, read: () => T, problems: string[]): T | null {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    problems.push(`${what}: ${error.message}`);
    return null;
  }
}

/** `described`: the rows so far; what they leave open may be known all the same. */
function addUndescribed(elf: ElfFile, described: Uint32Array, { code, rows, arch }: CompileParts): void {
  addLinkerCode(elf, code, described, rows, arch);
  for (const { pc, sizeBytes } of findTrampolines(elf, code, described, arch)) {
    // From one byte earlier: the walker looks for the caller of a handler at its return address minus 1.
    rows.beginFrame(Math.max(0, pc - 1), pc + sizeBytes);
    rows.add(Math.max(0, pc - 1), UNWIND_SIGNAL_RETURN | UNWIND_EXACT);
  }
}

function addSection(name: string, isEh: boolean, found: UnwindSection, parts: CompileParts, problems: string[]): void {
  const section = new FrameSection(found.source, found.address, isEh, parts, found.endsWithZero);
  try {
    section.compile();
  } finally {
    for (const [why, count] of section.leftOut)
      problems.push(`${name}: ${count === 1 ? 'an entry' : `${count} entries`} left out: one ${why}`);
  }
}
