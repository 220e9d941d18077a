// Functions of one unit as .debug_info has them: which code is whose. Only entries of functions are read, all others are skipped;
// what lies below them is jumped over where they say how (GCC), which makes a unit of megabytes a matter of microseconds. DWARF 5,
// 3.3.

import { FormatError } from '../../bytes/cursor';
import { IntervalIndex, IntervalList } from '../../bytes/intervals';
import type { LiveCode } from '../../elf/liveCode';
import { MAX_DIES_PER_UNIT, MAX_RANGES_PER_UNIT } from '../limits';
import { KIND } from './abbreviations';
import { type EntryContext, EntryWalk } from './entries';
import { readRanges } from './ranges';

/** Used for one unit after another. */
const list = new IntervalList(MAX_RANGES_PER_UNIT);

export interface FunctionIndex {
  /** Owners are indexes into `dies`; the entry that comes later wins, as in a function inside of another. */
  code: IntervalIndex;
  /** Offsets of the functions' entries in .debug_info. */
  dies: Float64Array;
  /** Some of the unit's code was thrown away or may have been: what is found is to be told apart by its name. */
  hasDeadCode: boolean;
  /** Entries were jumped over that may have functions inside (nested functions, methods of local classes). */
  isShallow: boolean;
  /** Why functions are missing, where some are. */
  damage: string | null;
}

/**
 * `bytes`: the unit from its first entry on. `deep`: jump over nothing. `dead`: entries of functions that are known to be thrown
 * away. Throws FormatError where nothing can be read.
 */
export function indexFunctions(
  bytes: Buffer,
  context: EntryContext,
  deep: boolean,
  live: LiveCode,
  dead: ReadonlySet<number>,
): FunctionIndex {
  const { unit, sections, abbreviations } = context;
  const walk = new EntryWalk(bytes, unit.firstDie, context);
  const dies: number[] = [];
  list.clear();
  let isShallow = false;
  let hasDeadCode = false;
  const sink = {
    range(low: number, high: number) {
      const isLive = live.isLive(low, high, 'function');
      if (!isLive || live.isTombstone(low)) hasDeadCode = true;
      if (isLive) list.range(low, high);
    },
  };
  let damage: string | null = null;
  const end = bytes.length;
  try {
    for (let at = 0, seen = 0; at < end; seen++) {
      if (seen > MAX_DIES_PER_UNIT) throw new FormatError('too many entries');
      const start = at;
      let code = bytes[at++];
      if (code === 0) continue;
      if (code >= 0x80) {
        at = walk.longCode(start);
        code = walk.code;
      }
      let slot = code < abbreviations.slots.length ? abbreviations.slots[code] : -1;
      if (slot < 0) slot = abbreviations.slot(code);
      const kind = abbreviations.kinds[slot];
      if (abbreviations.fixedBytes[slot] >= 0) {
        at += abbreviations.fixedBytes[slot];
        continue;
      }
      const siblingAt = abbreviations.siblingAt[slot];
      if (siblingAt >= 0 && at + siblingAt + 4 <= end) {
        const sibling = walk.siblingHere(at + siblingAt);
        at += siblingAt + 4 + abbreviations.afterSibling[slot];
        if (abbreviations.hasChildren[slot] === 1 && kind !== KIND.scope && sibling > at && sibling <= end) {
          isShallow = true;
          if (!deep) at = sibling;
        }
        continue;
      }
      at = walk.skip(slot, at);
      if (kind === KIND.function && abbreviations.hasCode[slot] === 1) {
        list.owner = dies.push(unit.firstDie + start) - 1;
        if (dead.has(unit.firstDie + start)) hasDeadCode = true;
        else if (walk.ranges) readRanges(unit, walk.ranges, sections, sink);
        else if (walk.low >= 0) sink.range(walk.low, walk.high);
      }
      if (at > end) throw new FormatError('entry goes on behind its unit');
      if (abbreviations.hasChildren[slot] === 1 && kind !== KIND.scope && walk.sibling > at && walk.sibling <= end) {
        isShallow = true;
        if (!deep) at = walk.sibling;
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError) || dies.length === 0) throw error;
    damage = error.message;
  }
  const code = new IntervalIndex(list);
  return { code, dies: Float64Array.from(dies), hasDeadCode, isShallow: isShallow && !deep, damage };
}

export function sizeOfFunctions(index: FunctionIndex): number {
  return index.code.sizeBytes + index.dies.length * 8;
}
