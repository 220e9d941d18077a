// Numbers and shapes of DWARF 2 to 5 that more than one file here needs. DWARF 5 standard, section 7; DWARF 4, section 7;
// GNU extensions: the wiki page "DwarfExtensions" of elfutils.

import type { ByteSource } from '../../bytes/source';

export const TAG = {
  lexicalBlock: 0x0b,
  compileUnit: 0x11,
  inlinedSubroutine: 0x1d,
  module: 0x1e,
  withStmt: 0x22,
  catchBlock: 0x25,
  subprogram: 0x2e,
  tryBlock: 0x32,
  namespace: 0x39,
  partialUnit: 0x3c,
  skeletonUnit: 0x4a,
} as const;

export const AT = {
  sibling: 0x01,
  name: 0x03,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  compDir: 0x1b,
  abstractOrigin: 0x31,
  declFile: 0x3a,
  declLine: 0x3b,
  specification: 0x47,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  linkageName: 0x6e,
  strOffsetsBase: 0x72,
  addrBase: 0x73,
  rnglistsBase: 0x74,
  dwoName: 0x76,
  mipsLinkageName: 0x2007,
  gnuDwoName: 0x2130,
  gnuDwoId: 0x2131,
  gnuRangesBase: 0x2132,
  gnuAddrBase: 0x2133,
} as const;

export const FORM = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

/** The sections of one file, inflated; null where it has none. */
export interface DwarfSections {
  info: ByteSource | null;
  abbrev: ByteSource | null;
  line: ByteSource | null;
  lineStr: ByteSource | null;
  str: ByteSource | null;
  strOffsets: ByteSource | null;
  addr: ByteSource | null;
  ranges: ByteSource | null;
  rnglists: ByteSource | null;
  aranges: ByteSource | null;
  gdbIndex: ByteSource | null;
}

/** What a form needs to know of its unit to be read. */
export interface Encoding {
  version: number;
  addressBytes: number;
  /** 4 or 8 (64-bit DWARF). */
  offsetBytes: number;
}

export interface UnitHeader extends Encoding {
  /** Of the unit in .debug_info. */
  offset: number;
  /** First byte behind the unit. */
  end: number;
  /** Of the first entry. */
  firstDie: number;
  abbrevOffset: number;
  /** DW_UT_*; 1 (compile) before version 5. */
  unitType: number;
  /** Of a skeleton and its split unit, which belong together; null: neither. */
  dwoId: bigint | null;
}

/** A unit with what its first entry says. */
export interface Unit extends UnitHeader {
  /** What units have in common, put apart by dwz: named by its line table, but without code of its own. */
  isPartial: boolean;
  name: StringRef | null;
  compDir: StringRef | null;
  /** Offset in .debug_line. */
  stmtList: number | null;
  lowPc: number;
  /** DW_AT_high_pc as an address; 0: none. */
  highPc: number;
  ranges: RangesRef | null;
  strOffsetsBase: number;
  addrBase: number;
  rnglistsBase: number;
  /** What DW_AT_ranges counts from: GNU split units only. */
  rangesBase: number;
  /** Where the rest of a skeleton is. */
  dwoName: StringRef | null;
}

/** DW_AT_ranges: an offset in the section of ranges, or an index into the unit's lists there. */
export interface RangesRef {
  value: number;
  isIndex: boolean;
}

/** Where a string stands: looked up only when it is wanted. */
export type StringRef = { text: string } | { section: 'str' | 'lineStr' | 'alt'; offset: number } | { index: number };
