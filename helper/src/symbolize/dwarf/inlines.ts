// What was inlined into one function, and into what was inlined there: a tree of calls with the code that stands for them. DWARF 5,
// 3.3.8.

import { Cursor, FormatError } from '../../bytes/cursor';
import { IntervalIndex, IntervalList } from '../../bytes/intervals';
import { MAX_DIES_PER_UNIT, MAX_INLINES_PER_FUNCTION, MAX_RANGES_PER_UNIT, MAX_TREE_DEPTH } from '../limits';
import { KIND } from './abbreviations';
import { CodeEntry, type EntryContext, EntryWalk, readCodeEntry } from './entries';
import { readRanges } from './ranges';

/** Parallel arrays, one element for each inlined call in the order of the entries: callers before what they call. */
export interface InlineTree {
  /** Owners are indexes into the arrays below: the innermost call. */
  code: IntervalIndex;
  /** The call that this one is inside of; -1: the function itself. */
  parents: Int32Array;
  /** Offsets of the calls' entries in .debug_info. */
  dies: Float64Array;
}

/** What one of them is, read when a sample hits it: of a function's calls a profile shows few. */
export interface InlineCall {
  /** Entry of the function that was inlined, as readReference gives it. */
  origin: number;
  /** Where it is called, numbered as the unit's line table does; 0: not said. */
  file: number;
  line: number;
  column: number;
}

/** Used for one function after another. */
const list = new IntervalList(MAX_RANGES_PER_UNIT);
const entry = new CodeEntry();

/**
 * `bytes`: the unit from its first entry on; `dieOffset`: the function's entry in .debug_info. Null where nothing was
 * inlined. Throws FormatError.
 */
export function readInlines(bytes: Buffer, dieOffset: number, context: EntryContext): InlineTree | null {
  const { unit, sections, abbreviations } = context;
  const walk = new EntryWalk(bytes, unit.firstDie, context);
  list.clear();
  const parents: number[] = [];
  const dies: number[] = [];
  const end = bytes.length;
  /** By depth: the call whose children come there. */
  const open: number[] = [];
  /** Depth below which entries belong to another function; Infinity: none. */
  let foreign = Number.POSITIVE_INFINITY;
  let at = dieOffset - unit.firstDie;
  for (let seen = 0; at < end; seen++) {
    if (seen > MAX_DIES_PER_UNIT) throw new FormatError('too many entries');
    const start = at;
    let code = bytes[at++];
    if (code === 0) {
      open.pop();
      if (open.length <= foreign) foreign = Number.POSITIVE_INFINITY;
      if (open.length === 0) break;
      continue;
    }
    if (code >= 0x80) {
      at = walk.longCode(start);
      code = walk.code;
    }
    let slot = code < abbreviations.slots.length ? abbreviations.slots[code] : -1;
    if (slot < 0) slot = abbreviations.slot(code);
    const kind = abbreviations.kinds[slot];
    let current = open.length === 0 ? -1 : open[open.length - 1];
    let sibling = -1;
    if (kind === KIND.inlined && foreign === Number.POSITIVE_INFINITY) {
      at = walk.skip(slot, at);
      if (parents.length >= MAX_INLINES_PER_FUNCTION) throw new FormatError('too many inlined calls');
      dies.push(unit.firstDie + start);
      current = parents.push(current) - 1;
      list.owner = current;
      if (walk.ranges) readRanges(unit, walk.ranges, sections, list);
      else if (walk.low >= 0 && walk.high > walk.low) list.range(walk.low, walk.high);
    } else if (abbreviations.fixedBytes[slot] >= 0) at += abbreviations.fixedBytes[slot];
    else {
      at = walk.skip(slot, at);
      sibling = walk.sibling;
    }
    if (at > end) throw new FormatError('entry goes on behind its unit');
    if (abbreviations.hasChildren[slot] === 0) {
      if (open.length === 0) break;
      continue;
    }
    const isInside = open.length === 0 || kind === KIND.inlined || kind === KIND.block;
    if (!isInside && sibling > at && sibling <= end) {
      at = sibling;
      continue;
    }
    if (kind === KIND.function && open.length > 0 && foreign > open.length) foreign = open.length;
    if (open.push(current) > MAX_TREE_DEPTH) throw new FormatError('entries nested too deeply');
  }
  if (list.count === 0) return null;
  return { code: new IntervalIndex(list), parents: Int32Array.from(parents), dies: Float64Array.from(dies) };
}

/** One call of the tree; `bytes` as above. Throws FormatError. */
export function readInlineCall(bytes: Buffer, dieOffset: number, context: EntryContext): InlineCall {
  const cursor = new Cursor(bytes, dieOffset - context.unit.firstDie);
  readCodeEntry(cursor, context.abbreviations.slot(cursor.uleb()), context, entry);
  return { origin: entry.origin, file: entry.callFile, line: entry.callLine, column: entry.callColumn };
}

export function sizeOfInlines(tree: InlineTree | null): number {
  return tree ? tree.code.sizeBytes + tree.parents.length * 12 : 16;
}
