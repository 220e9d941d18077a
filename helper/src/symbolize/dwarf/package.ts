// A package of split units (.dwp): which parts of its sections are one unit's. Layout: DWARF 5, 7.3.5; the GNU version 2 of it: the
// wiki page "DebugFissionDWP" of GCC.

import { Cursor, FormatError } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import { sectionContentsNow } from '../../elf/contents';
import type { ElfFile } from '../../elf/parser';
import { MAX_UNITS } from '../limits';
import { readSplitSections } from './sections';
import type { DwarfSections } from './types';

const HEADER_BYTES = 16;
const MAX_COLUMNS = 8;
/** Section by column, in both versions; what is not here is of no use. */
const COLUMNS = new Map<number, keyof DwarfSections>([
  [1, 'info'],
  [3, 'abbrev'],
  [6, 'strOffsets'],
]);
/** In version 5 only: 8 was macros before. */
const RNGLISTS_COLUMN = 8;

export class DwarfPackage {
  private constructor(
    private readonly index: ByteSource,
    private readonly sections: DwarfSections,
    private readonly version: number,
    private readonly columnCount: number,
    private readonly unitCount: number,
    private readonly slotCount: number,
  ) {}

  /** Null where the file has no index of units. Throws FormatError. */
  static open(elf: ElfFile, program: DwarfSections): DwarfPackage | null {
    const index = sectionContentsNow(elf, '.debug_cu_index');
    if (!index) return null;
    const head = new Cursor(index.read(0, HEADER_BYTES));
    const version = head.u32() & 0xffff;
    const columnCount = head.u32();
    const unitCount = head.u32();
    const slotCount = head.u32();
    if (version !== 2 && version !== 5) throw new FormatError(`package index version ${version}`);
    const isPowerOfTwo = slotCount > 0 && (slotCount & (slotCount - 1)) === 0;
    if (columnCount > MAX_COLUMNS || unitCount > MAX_UNITS || !isPowerOfTwo || slotCount > 4 * MAX_UNITS)
      throw new FormatError('absurd package index');
    return new DwarfPackage(index, readSplitSections(elf, program), version, columnCount, unitCount, slotCount);
  }

  /** Null where the package does not hold the unit. Throws FormatError. */
  sectionsOf(dwoId: bigint): DwarfSections | null {
    const row = this.rowOf(dwoId);
    if (row === 0) return null;
    const { index, columnCount, unitCount, slotCount } = this;
    const offsetsAt = HEADER_BYTES + slotCount * 12;
    const sizesAt = offsetsAt + (unitCount + 1) * columnCount * 4;
    const columns = new Cursor(index.read(offsetsAt, columnCount * 4));
    const offsets = new Cursor(index.read(offsetsAt + row * columnCount * 4, columnCount * 4));
    const sizes = new Cursor(index.read(sizesAt + (row - 1) * columnCount * 4, columnCount * 4));
    const sections = { ...this.sections };
    for (let i = 0; i < columnCount; i++) {
      const column = columns.u32();
      const offset = offsets.u32();
      const sizeBytes = sizes.u32();
      const key = column === RNGLISTS_COLUMN && this.version === 5 ? 'rnglists' : COLUMNS.get(column);
      if (key) sections[key] = sections[key]?.part(offset, sizeBytes) ?? null;
    }
    return sections;
  }

  /** From 1 on; 0: none. Open hashing by the id's low bits, in steps of its high ones. */
  private rowOf(dwoId: bigint): number {
    const { index, slotCount, unitCount } = this;
    const mask = slotCount - 1;
    let slot = Number(dwoId & 0xffffffffn) & mask;
    const step = (Number((dwoId >> 32n) & 0xffffffffn) & mask) | 1;
    for (let tried = 0; tried < slotCount; tried++) {
      const found = index.read(HEADER_BYTES + slot * 8, 8).readBigUInt64LE(0);
      const row = index.read(HEADER_BYTES + slotCount * 8 + slot * 4, 4).readUInt32LE(0);
      if (row === 0 || row > unitCount) return 0;
      if (found === dwoId) return row;
      slot = (slot + step) & mask;
    }
    return 0;
  }
}
