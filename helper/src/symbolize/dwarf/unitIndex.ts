// Which unit of .debug_info an address belongs to. The file's own index is taken where it has one (.gdb_index, .debug_aranges);
// what that leaves out, and files without, are found by the header and first entry of each unit. (.debug_names has no addresses, so
// nothing to gain from.)

import { FormatError } from '../../bytes/cursor';
import { flatten, IntervalList, type IntervalTable, ownerAt } from '../../bytes/intervals';
import { orderOf } from '../../bytes/order';
import { countNotAbove } from '../../bytes/search';
import type { ByteSource } from '../../bytes/source';
import { MAX_RANGES, MAX_UNITS } from '../limits';
import { type Contested, contestedAt, contestedRanges } from './contested';
import type { RangeSink } from './ranges';
import type { Unit } from './types';
import { isTypeUnit, readUnitHeader } from './units';

export type OnUnitRange = (unitOffset: number, low: number, high: number) => void;

export interface UnitIndex {
  /** Offsets of the units in .debug_info that may have code, rising. */
  offsets: Float64Array;
  /** Owners are indexes into `offsets`. */
  table: IntervalTable;
  /** Where several units say that the code is theirs. */
  contested: Contested;
  /** Why the index ends early, where it does. */
  damage: string | null;
}

export interface UnitReader {
  /** The unit at an offset; throws FormatError. */
  unit(offset: number): Unit;
  ranges(unit: Unit, sink: RangeSink): void;
  /** False: of code that was thrown away. */
  isLive(low: number, high: number): boolean;
  /** Of units that do not say themselves which code is theirs: what their line tables cover. */
  rangesByLines(offset: number, sink: RangeSink): void;
}

/** More than these are not looked through for the code that their line tables cover. */
const MAX_UNITS_WITHOUT_RANGES = 4_096;

/** Headers only: some microseconds a unit. */
export function unitOffsets(info: ByteSource): { offsets: Float64Array; damage: string | null } {
  const offsets: number[] = [];
  let damage: string | null = null;
  try {
    for (let at = 0; at < info.sizeBytes; ) {
      const header = readUnitHeader(info, at);
      if (!isTypeUnit(header)) offsets.push(at);
      if (offsets.length > MAX_UNITS) throw new FormatError('too many units');
      at = header.end;
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damage = `.debug_info: ${error.message}`;
  }
  return { offsets: Float64Array.from(offsets), damage };
}

/** `readOwnIndex`: calls for every range of the file's own index, where it has one. */
export function indexUnits(
  info: ByteSource,
  reader: UnitReader,
  readOwnIndex: (onRange: OnUnitRange) => void,
): UnitIndex {
  const { offsets, damage: damagedHeaders } = unitOffsets(info);
  let damage = damagedHeaders;
  const list = new IntervalList(MAX_RANGES, 1024);
  const sink: RangeSink = {
    range(low, high) {
      if (reader.isLive(low, high)) list.range(low, high);
    },
  };
  const isIndexed = new Uint8Array(offsets.length);
  // Where units overlap, the first one wins: folded functions belong to the file that was linked first.
  const rankOf = (owner: number) => offsets.length - 1 - owner;
  const attempt = (what: string, read: () => void) => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      damage ??= `${what}: ${error.message}`;
    }
  };
  attempt('index of units', () =>
    readOwnIndex((offset, low, high) => {
      const owner = numberOf(offsets, offset);
      if (offsets[owner] !== offset) return;
      isIndexed[owner] = 1;
      list.owner = rankOf(owner);
      sink.range(low, high);
    }),
  );
  const withoutRanges: number[] = [];
  for (let owner = 0; owner < offsets.length; owner++) {
    if (isIndexed[owner]) continue;
    attempt(`unit at ${offsets[owner]}`, () => {
      const unit = reader.unit(offsets[owner]);
      const before = list.count;
      list.owner = rankOf(owner);
      reader.ranges(unit, sink);
      // Before DWARF 3 a unit could name one range only, and leaves out what the compiler put elsewhere.
      // What dwz puts apart names the line table of a unit that it was taken from, whose code is not its own.
      if (unit.isPartial || unit.stmtList === null) return;
      if (list.count === before || unit.version === 2) withoutRanges.push(owner);
    });
  }
  if (withoutRanges.length <= MAX_UNITS_WITHOUT_RANGES)
    for (const owner of withoutRanges)
      attempt(`unit at ${offsets[owner]}`, () => {
        list.owner = rankOf(owner);
        reader.rangesByLines(offsets[owner], list);
      });
  const table = flatten(list);
  const contested = contestedRanges(list);
  table.owners.forEach((owner, i) => {
    if (owner >= 0) table.owners[i] = rankOf(owner);
  });
  for (let i = 0; i < contested.owners.length; i++) contested.owners[i] = rankOf(contested.owners[i]);
  return { offsets, table, contested, damage };
}

/** Offsets of the units that say that they hold the address, rising. */
export function findUnits({ offsets, table, contested }: UnitIndex, address: number): number[] {
  const owner = ownerAt(table, address);
  if (owner < 0) return [];
  const others = contestedAt(contested, address);
  return others.length === 0 ? [offsets[owner]] : others.map((other) => offsets[other]);
}

/** By rising address within rising units: indexes of `addresses`. What no unit holds comes first. */
export function orderByUnit({ table }: UnitIndex, addresses: Float64Array): Uint32Array {
  const byAddress = orderOf(addresses);
  const units = Float64Array.from(byAddress, (i) => ownerAt(table, addresses[i]) + 1);
  return orderOf(units).map((i) => byAddress[i]);
}

/** Offset of the unit that an entry of .debug_info lies in, or null. */
export function unitHolding(offsets: Float64Array, dieOffset: number): number | null {
  const number = numberOf(offsets, dieOffset);
  return number < 0 ? null : offsets[number];
}

/** Number of the last unit that does not begin behind the offset, or -1. */
function numberOf(offsets: Float64Array, offset: number): number {
  return countNotAbove(offsets, offset) - 1;
}
