// Scripts of one process: their names, what they say of a source map, and lines for positions. A script's text is read once and
// not kept; where the lines end is.
// Layout: src/objects/script.tq. Line ends: String::CalculateLineEnds() in src/objects/string.cc.

import { type ClassMembers, classMembersOf } from './classes';
import type { Heap } from './heap';
import { smi } from './tagged';

/** Text of a larger script is not read, nor any beyond so much of one process: their lines stay unknown. */
const MAX_SOURCE_UNITS = 32 * 1024 * 1024;
const MAX_ALL_SOURCES_UNITS = 512 * 1024 * 1024;
const MAX_NAME_UNITS = 4_096;
/** Of a map within the URL. */
const MAX_MAP_URL_UNITS = 64 * 1024 * 1024;
/** Where a comment of the source map may stand that V8 has not kept. */
const TAIL_UNITS = 8_192;
const MAX_SCRIPTS = 20_000;

export interface Script {
  name: string;
  sourceMapUrl: string | null;
  /** Where each line ends, UTF-16 units; null: the text cannot be read. */
  lineEnds: Uint32Array | null;
  lineOffset: number;
  columnOffset: number;
  /** Which of its functions are members of classes. */
  members: ClassMembers;
}

export interface LineAndColumn {
  /** From 1. */
  line: number;
  column: number;
}

export class Scripts {
  private readonly known = new Map<string, Script>();
  private readUnits = 0;

  constructor(private readonly heap: Heap) {}

  of(script: number, scriptId: number): Script {
    const { heap } = this;
    const places = heap.layout.script;
    const source = heap.object(script, places.source);
    const units = heap.isString(source) ? heap.u32(source, 12) : 0;
    const name = this.nameOf(script);
    // Isolates of one process number their scripts alike.
    const key = `${scriptId} ${units} ${name}`;
    const known = this.known.get(key);
    if (known) return known;
    const isWithinBudget = this.readUnits + units <= MAX_ALL_SOURCES_UNITS;
    const text = isWithinBudget ? heap.string(source, MAX_SOURCE_UNITS) : null;
    this.readUnits += text?.length ?? 0;
    const found: Script = {
      name,
      sourceMapUrl:
        this.text(script, places.sourceMapUrl, MAX_MAP_URL_UNITS) ?? (text === null ? null : mapUrlAtEnd(text)),
      lineEnds: text === null ? null : lineEndsOf(text),
      members: classMembersOf(text ?? ''),
      lineOffset: smi(heap.word(script, places.lineOffset)) ?? 0,
      columnOffset: smi(heap.word(script, places.columnOffset)) ?? 0,
    };
    if (this.known.size >= MAX_SCRIPTS) this.known.clear();
    this.known.set(key, found);
    return found;
  }

  private nameOf(script: number): string {
    const { name, sourceUrl } = this.heap.layout.script;
    return this.text(script, name, MAX_NAME_UNITS) || (this.text(script, sourceUrl, MAX_NAME_UNITS) ?? '');
  }

  private text(script: number, place: number, maxUnits: number): string | null {
    return this.heap.string(this.heap.object(script, place), maxUnits);
  }
}

export function placeOf(script: Script, offset: number): LineAndColumn | null {
  const { lineEnds } = script;
  if (lineEnds === null) return null;
  let low = 0;
  let high = lineEnds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lineEnds[middle] < offset) low = middle + 1;
    else high = middle;
  }
  if (low === lineEnds.length) return null;
  const start = low === 0 ? 0 : lineEnds[low - 1] + 1;
  const column = offset - start + (low === 0 ? script.columnOffset : 0);
  return { line: low + script.lineOffset + 1, column: column + 1 };
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const LINE_SEPARATOR = 0x2028;
const PARAGRAPH_SEPARATOR = 0x2029;

/** The last unit of each line: its line feed, or the text's end. */
export function lineEndsOf(text: string): Uint32Array {
  let ends = new Uint32Array(1_024);
  let count = 0;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length) {
      const unit = text.charCodeAt(i);
      const isEnd =
        unit === LINE_FEED ||
        (unit === CARRIAGE_RETURN && text.charCodeAt(i + 1) !== LINE_FEED) ||
        unit === LINE_SEPARATOR ||
        unit === PARAGRAPH_SEPARATOR;
      if (!isEnd) continue;
    }
    if (count === ends.length) {
      const larger = new Uint32Array(ends.length * 2);
      larger.set(ends);
      ends = larger;
    }
    ends[count++] = i;
  }
  return ends.slice(0, count);
}

/** V8 does not keep it of code that came out of a code cache. */
function mapUrlAtEnd(text: string): string | null {
  const tail = text.slice(-TAIL_UNITS);
  const found = [...tail.matchAll(/^\s*\/\/[#@] sourceMappingURL=(\S+)\s*$/gm)].at(-1);
  return found ? found[1] : null;
}
