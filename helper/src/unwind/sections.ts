// Where a file keeps its unwind information: .eh_frame by its section, or by .eh_frame_hdr where there are no section headers
// (sstrip); .debug_frame, inflated where it is compressed, of the file itself or of its separate debug file. Layout of
// .eh_frame_hdr: LSB Core, "The .eh_frame_hdr section".

import { FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import { type Spill, sectionContents } from '../elf/contents';
import type { ElfFile } from '../elf/parser';
import { PF_X, PT_LOAD, SHF_COMPRESSED, SHT_NOBITS } from '../elf/types';
import type { CodeRange } from './frameSection';
import { PointerReader } from './pointers';

const PT_GNU_EH_FRAME = 0x6474e550;
const PAGE_BYTES = 4096;
/** Sums of two addresses stay exact. Only kernels lie higher. */
const HIGHEST_ADDRESS = 2 ** 48;
const HIGHEST_PC = 2 ** 32 - 1;

export interface UnwindSection {
  source: ByteSource;
  address: number;
  endsWithZero: boolean;
}

/** Throws FormatError where there is no code, or more than pcs of 32 bits reach. */
export function codeRangeOf(elf: ElfFile): CodeRange {
  let lowest = Number.POSITIVE_INFINITY;
  let endAddress = 0;
  for (const { address, memorySizeBytes } of executableSegments(elf)) {
    lowest = Math.min(lowest, address);
    endAddress = Math.max(endAddress, address + memorySizeBytes);
  }
  if (endAddress === 0) throw new FormatError('no executable code');
  const baseAddress = lowest - (lowest % PAGE_BYTES);
  if (endAddress > HIGHEST_ADDRESS) throw new FormatError('code at absurd addresses');
  if (endAddress - baseAddress > HIGHEST_PC) throw new FormatError('more than 4 GiB of code');
  return { baseAddress, endAddress };
}

export function executableSegments(elf: ElfFile): ElfFile['segments'] {
  return elf.segments.filter((s) => s.type === PT_LOAD && (s.flags & PF_X) !== 0 && s.memorySizeBytes > 0);
}

/** Null where the file has none. Throws FormatError. */
export function findEhFrame(elf: ElfFile): UnwindSection | null {
  const section = elf.section('.eh_frame');
  if (section && section.type !== SHT_NOBITS && (section.flags & SHF_COMPRESSED) === 0)
    return {
      source: elf.source.part(section.fileOffset, section.sizeBytes),
      address: section.address,
      endsWithZero: false,
    };
  const header = elf.segments.find((s) => s.type === PT_GNU_EH_FRAME);
  if (!header || elf.sections.length > 0) return null;
  const bytes = elf.source.readUpTo(header.fileOffset, 16);
  if (bytes[0] !== 1) throw new FormatError('.eh_frame_hdr of an unknown version');
  const pointers = new PointerReader({ text: Number.NaN, data: header.address });
  pointers.use(bytes, header.address);
  const address = pointers.read(4, bytes.length, bytes[1], 8);
  const segment = elf.segments.find(
    (s) => s.type === PT_LOAD && address >= s.address && address < s.address + s.fileSizeBytes,
  );
  if (!segment) throw new FormatError('.eh_frame_hdr points nowhere');
  const inSegment = address - segment.address;
  const source = elf.source.part(segment.fileOffset + inSegment, segment.fileSizeBytes - inSegment);
  return { source, address, endsWithZero: true };
}

/** Null where the file has none. Throws FormatError. */
export async function findDebugFrame(elf: ElfFile, spill: Spill): Promise<UnwindSection | null> {
  const source = await sectionContents(elf, '.debug_frame', spill);
  return source && { source, address: elf.section('.debug_frame')?.address ?? 0, endsWithZero: false };
}
