// The indexes of units that compilers and linkers leave in a file: .debug_aranges (GCC, DWARF 5, 6.1.2) and .gdb_index (gold, lld,
// gdb-add-index; layout: "Index Section Format" in GDB's manual). unitIndex.ts completes what they leave out.

import { Cursor, FormatError } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import { MAX_RANGES, MAX_UNIT_BYTES } from '../limits';
import type { DwarfSections } from './types';
import type { OnUnitRange } from './unitIndex';

const GDB_INDEX_VERSIONS = [4, 9];
const CU_ENTRY_BYTES = 16;
const ADDRESS_ENTRY_BYTES = 20;
const CHUNK_ENTRIES = 1_024;

/** Throws FormatError where the index is broken; what came before holds. */
export function readOwnIndex(sections: DwarfSections, onRange: OnUnitRange): void {
  if (sections.gdbIndex) readGdbIndex(sections.gdbIndex, onRange);
  if (sections.aranges && !sections.gdbIndex) readAranges(sections.aranges, onRange);
}

function readAranges(section: ByteSource, onRange: OnUnitRange): void {
  for (let at = 0; at < section.sizeBytes; ) {
    const head = new Cursor(section.readUpTo(at, 32));
    let lengthBytes = head.u32();
    let offsetBytes = 4;
    if (lengthBytes === 0xffffffff) {
      lengthBytes = head.u64();
      offsetBytes = 8;
    }
    const start = at;
    const end = at + head.at + lengthBytes;
    // Shorter than what its own header says: zeros, by the million where they came compressed.
    const isBroken = lengthBytes < offsetBytes + 4 || lengthBytes > MAX_UNIT_BYTES || !(end <= section.sizeBytes);
    if (isBroken) throw new FormatError('absurd .debug_aranges');
    head.skip(2);
    const unitOffset = head.unsigned(offsetBytes);
    const addressBytes = head.u8();
    const segmentBytes = head.u8();
    at = end;
    if (segmentBytes !== 0 || (addressBytes !== 8 && addressBytes !== 4)) continue;
    // Pairs are aligned to their own size, counted from the set's beginning.
    const pairBytes = 2 * addressBytes;
    const first = start + Math.ceil(head.at / pairBytes) * pairBytes;
    if (first > end) continue;
    const cursor = new Cursor(section.read(first, end - first));
    while (cursor.end - cursor.at >= pairBytes) {
      const low = cursor.unsigned(addressBytes);
      const high = low + cursor.unsigned(addressBytes);
      if (high > low && high < Number.MAX_SAFE_INTEGER) onRange(unitOffset, low, high);
    }
  }
}

function readGdbIndex(section: ByteSource, onRange: OnUnitRange): void {
  const head = new Cursor(section.read(0, 24));
  const version = head.u32();
  // Others are older than ten years or newer than we know: the units themselves tell the same.
  if (version < GDB_INDEX_VERSIONS[0] || version > GDB_INDEX_VERSIONS[1]) return;
  const unitsAt = head.u32();
  const typesAt = head.u32();
  const addressesAt = head.u32();
  const symbolsAt = head.u32();
  const unitCount = Math.floor((typesAt - unitsAt) / CU_ENTRY_BYTES);
  const rangeCount = Math.floor((symbolsAt - addressesAt) / ADDRESS_ENTRY_BYTES);
  if (!(unitCount >= 0 && rangeCount >= 0 && rangeCount <= MAX_RANGES)) throw new FormatError('absurd .gdb_index');
  const units = section.part(unitsAt, unitCount * CU_ENTRY_BYTES);
  const ranges = section.part(addressesAt, rangeCount * ADDRESS_ENTRY_BYTES);
  for (let done = 0; done < rangeCount; done += CHUNK_ENTRIES) {
    const here = Math.min(CHUNK_ENTRIES, rangeCount - done);
    const cursor = new Cursor(ranges.read(done * ADDRESS_ENTRY_BYTES, here * ADDRESS_ENTRY_BYTES));
    for (let i = 0; i < here; i++) {
      const low = cursor.u64();
      const high = cursor.u64();
      const unit = cursor.u32();
      if (unit >= unitCount || !(high > low && high < Number.MAX_SAFE_INTEGER)) continue;
      onRange(new Cursor(units.read(unit * CU_ENTRY_BYTES, 8)).u64(), low, high);
    }
  }
}
