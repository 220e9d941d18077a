// The sections of debug information of an ELF file, inflated.

import { type Spill, sectionContents, sectionContentsNow } from '../../elf/contents';
import type { ElfFile } from '../../elf/parser';
import type { DwarfSections } from './types';

const NAMES: Record<keyof DwarfSections, string> = {
  info: '.debug_info',
  abbrev: '.debug_abbrev',
  line: '.debug_line',
  lineStr: '.debug_line_str',
  str: '.debug_str',
  strOffsets: '.debug_str_offsets',
  addr: '.debug_addr',
  ranges: '.debug_ranges',
  rnglists: '.debug_rnglists',
  aranges: '.debug_aranges',
  gdbIndex: '.gdb_index',
};
/** Those that a split file has. */
const SPLIT: (keyof DwarfSections)[] = ['info', 'abbrev', 'str', 'strOffsets', 'rnglists'];

function none(): DwarfSections {
  const sections = {} as DwarfSections;
  for (const key of Object.keys(NAMES) as (keyof DwarfSections)[]) sections[key] = null;
  return sections;
}

/** Rejects with FormatError. */
export async function readSections(elf: ElfFile, spill: Spill): Promise<DwarfSections> {
  const sections = none();
  for (const key of Object.keys(NAMES) as (keyof DwarfSections)[])
    sections[key] = await sectionContents(elf, NAMES[key], spill);
  return sections;
}

/** Of a .dwo or .dwp file; addresses and old ranges are those of the program. Throws FormatError. */
export function readSplitSections(elf: ElfFile, program: DwarfSections): DwarfSections {
  const sections = { ...none(), addr: program.addr, ranges: program.ranges };
  for (const key of SPLIT) sections[key] = sectionContentsNow(elf, `${NAMES[key]}.dwo`);
  return sections;
}
