// Where the function that evaluates Python's bytecode has its code: natively each call of it is a frame, to which the frames of
// Python functions belong. Its symbol is not the whole: compilers move what is rarely run into a part of its own elsewhere, which
// with some settings is nearly everything (Debian's 3.14: 1 KiB at the symbol, 84 KiB elsewhere), and symbols of such parts are
// stripped. Parts of one function jump into each other's middle, which functions do not.

import { FormatError } from '../../bytes/cursor';
import { FrameHeader } from '../../elf/frameHeader';
import type { ElfFile } from '../../elf/parser';
import { SHF_EXECINSTR, SHT_NOBITS } from '../../elf/types';

export interface CodeArea {
  start: number;
  /** First address behind. */
  end: number;
}

const EM_X86_64 = 62;
/** Far more than any build has (60 KiB). */
const MAX_AREA_BYTES = 4 * 1024 * 1024;
/** Bytes that only look like a jump hit a place by chance; a part has hundreds. */
const LEAST_JUMPS = 4;

/** `known`: what symbols say, the function first. The same with its other parts. */
export function findEvaluationLoop(elf: ElfFile, known: CodeArea[]): CodeArea[] {
  const areas = known.filter(({ start, end }) => end > start && end - start <= MAX_AREA_BYTES);
  const [main] = areas;
  if (!main || elf.source.read(18, 2).readUInt16LE() !== EM_X86_64) return areas;
  try {
    const header = FrameHeader.of(elf);
    const frames = header && partsReached(elf, header, main);
    return frames ? [...areas, ...frames.filter((part) => areas.every((area) => area.start !== part.start))] : areas;
  } catch (error) {
    if (error instanceof FormatError) return areas;
    throw error;
  }
}

function partsReached(elf: ElfFile, header: FrameHeader, main: CodeArea): CodeArea[] {
  const targets = new Map<number, number>();
  for (const target of jumpTargets(elf, main))
    if (target < main.start || target >= main.end) targets.set(target, (targets.get(target) ?? 0) + 1);
  const votes = new Map<number, { area: CodeArea; count: number }>();
  for (const [target, count] of targets) {
    const area = header.boundsOf(target);
    // A jump to the start of a function is a call in tail position.
    if (!area || area.start === target || area.end - area.start > MAX_AREA_BYTES) continue;
    const vote = votes.get(area.start);
    if (vote) vote.count += count;
    else votes.set(area.start, { area, count });
  }
  return [...votes.values()]
    .filter(({ area, count }) => count >= LEAST_JUMPS && jumpsInto(elf, area, main) >= LEAST_JUMPS)
    .map(({ area }) => area);
}

function jumpsInto(elf: ElfFile, from: CodeArea, into: CodeArea): number {
  let count = 0;
  for (const target of jumpTargets(elf, from)) if (target > into.start && target < into.end) count++;
  return count;
}

/** Of direct jumps: jmp rel32 (E9) and the conditional ones (0F 80 to 0F 8F). Bytes that only look like one come with them. */
function* jumpTargets(elf: ElfFile, { start, end }: CodeArea): Generator<number> {
  const section = elf.sectionAt(start);
  if (!section || section.type === SHT_NOBITS || (section.flags & SHF_EXECINSTR) === 0) return;
  const code = elf.source.read(section.fileOffset + start - section.address, end - start);
  for (let at = 0; at + 5 <= code.length; at++) {
    const isJump = code[at] === 0xe9 || (at > 0 && (code[at] & 0xf0) === 0x80 && code[at - 1] === 0x0f);
    if (isJump) yield start + at + 5 + code.readInt32LE(at + 1);
  }
}
