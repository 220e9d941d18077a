// In the worker: which memory must hold code of a file, told from where one place of the file is mapped, and bytes of that code by
// which the memory can be known (../process/movedText.ts compares them). Segments and page sizes: System V ABI, "Program Header".

import type { ElfFile } from '../elf/parser';
import { PF_X, PT_LOAD, type Segment } from '../elf/types';
import type { Anchor, MemoryRange, TextPiece } from '../process/movedText';

const PAGE_BYTES = 4_096;
const MAX_PIECES = 64;
const SAMPLES = 32;
const SAMPLE_BYTES = 64;
/** Padding tells nothing: zeros, nops, traps. */
const TELLING_VALUES = 8;
const PROGRAM_HEADERS_AT = 32;

export function textPieces(elf: ElfFile, anchor: Anchor, ranges: readonly MemoryRange[]): TextPiece[] {
  const pieces: TextPiece[] = [];
  for (const shift of shiftsOf(elf, anchor))
    for (const segment of elf.segments) {
      if (segment.type !== PT_LOAD || (segment.flags & PF_X) === 0) continue;
      const begin = segment.address + shift;
      for (const range of ranges) {
        const start = Math.max(range.start, pageOf(begin));
        const end = Math.min(range.end, pageOf(begin + segment.fileSizeBytes + PAGE_BYTES - 1));
        const fileOffset = segment.fileOffset + (start - begin);
        if (start >= end || fileOffset < 0 || pieces.length === MAX_PIECES) continue;
        const code = { start: Math.max(start, begin), end: Math.min(end, begin + segment.fileSizeBytes) };
        pieces.push({ start, end, fileOffset, samples: samplesOf(elf, code, segment.fileOffset - begin) });
      }
    }
  return pieces;
}

/** From the file's addresses to the process's. Two segments may share a page of the file: then there are two. */
function shiftsOf(elf: ElfFile, { start, fileOffset }: Anchor): Set<number> {
  const at = fileOffset ?? Number(elf.source.read(PROGRAM_HEADERS_AT, 8).readBigUInt64LE());
  const holds = ({ type, fileOffset: from, fileSizeBytes }: Segment) =>
    type === PT_LOAD && pageOf(from) <= at && at < from + fileSizeBytes;
  return new Set(elf.segments.filter(holds).map((segment) => start - (segment.address + at - segment.fileOffset)));
}

/** Spread evenly. `toFile`: from an address of the process to a place in the file. */
function samplesOf(elf: ElfFile, { start, end }: MemoryRange, toFile: number): TextPiece['samples'] {
  const samples: TextPiece['samples'] = [];
  const step = Math.max(SAMPLE_BYTES, Math.floor((end - start) / SAMPLES));
  for (let address = start; address + SAMPLE_BYTES <= end && samples.length < SAMPLES; address += step) {
    const bytes = Uint8Array.from(elf.source.readUpTo(address + toFile, SAMPLE_BYTES));
    if (bytes.length === SAMPLE_BYTES && new Set(bytes).size >= TELLING_VALUES) samples.push({ address, bytes });
  }
  return samples;
}

function pageOf(address: number): number {
  return Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
}
