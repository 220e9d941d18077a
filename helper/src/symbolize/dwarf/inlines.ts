// What was inlined into one function, and into what was inlined there: a tree of calls with the code that stands for
// them. Called by resolver.ts for functions that have samples. DWARF 5, 3.3.8.

import { FormatError } from '../bytes/cursor';
import { IntervalIndex, IntervalList } from '../bytes/intervals';
import { MAX_DIES_PER_UNIT, MAX_INLINES_PER_FUNCTION, MAX_RANGES_PER_UNIT, MAX_TREE_DEPTH } from '../limits';
import { KIND } from './abbreviations';
import { CodeEntry, type EntryContext, EntryWalk } from './entries';
import { readRanges } from './ranges';

/** Parallel arrays, one element for each inlined call in the order of the entries: callers before what they call. */
export interface InlineTree {
  /** Owners are indexes into the arrays below: the innermost call. */
  code: IntervalIndex;
  /** The call that this one is inside of; -1: the function itself. */
  parents: Int32Array;
  /** Entry of the function that was inlined, as readReference gives it. */
  origins: Float64Array;
  /** Where it is called, numbered as the unit's line table does; 0: not said. */
  callFiles: Uint32Array;
  callLines: Uint32Array;
  callColumns: Uint32Array;
}

/** Used for one function after another. */
const list = new IntervalList(MAX_RANGES_PER_UNIT);

class Calls {
  readonly parents: number[] = [];
  readonly origins: number[] = [];
  readonly files: number[] = [];
  readonly lines: number[] = [];
  readonly columns: number[] = [];

  /** Returns its number. */
  add(entry: CodeEntry, parent: number): number {
    if (this.parents.length >= MAX_INLINES_PER_FUNCTION) throw new FormatError('too many inlined calls');
    this.origins.push(entry.origin);
    this.files.push(entry.callFile);
    this.lines.push(entry.callLine);
    this.columns.push(entry.callColumn);
    return this.parents.push(parent) - 1;
  }
}

/**
 * `bytes`: the unit from its first entry on; `dieOffset`: the function's entry in .debug_info. Null where nothing was
 * inlined. Throws FormatError.
 */
export function readInlines(bytes: Buffer, dieOffset: number, context: EntryContext): InlineTree | null {
  const { unit, sections, abbreviations } = context;
  const walk = new EntryWalk(bytes, unit.firstDie, context);
  const entry = new CodeEntry();
  list.clear();
  const calls = new Calls();
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
      at = walk.read(slot, at, entry);
      current = calls.add(entry, current);
      list.owner = current;
      if (entry.ranges) readRanges(unit, entry.ranges, sections, list);
      else if (entry.low > 0 && entry.high > entry.low) list.range(entry.low, entry.high);
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
  return {
    code: new IntervalIndex(list),
    parents: Int32Array.from(calls.parents),
    origins: Float64Array.from(calls.origins),
    callFiles: Uint32Array.from(calls.files),
    callLines: Uint32Array.from(calls.lines),
    callColumns: Uint32Array.from(calls.columns),
  };
}

export function sizeOfInlines(tree: InlineTree | null): number {
  return tree ? tree.code.sizeBytes + tree.parents.length * 24 : 16;
}
