// Functions of one unit as .debug_info has them: where their code lies, what they are called, where they are declared.
// Called by resolver.ts for units that have samples. Only entries of functions are read, all others are skipped.
// DWARF 5, 3.3 and 2.13 (abstract origins, specifications).

import { Cursor, FormatError } from '../bytes/cursor';
import { MAX_DIES_PER_UNIT, MAX_ORIGIN_DEPTH, MAX_UNIT_BYTES } from '../limits';
import type { AbbreviationTable } from './abbreviations';
import {
  isAddressIndex,
  NO_FORM,
  readNumber,
  readReference,
  readString,
  SIBLING_REF4,
  skipForm,
  skipPlan,
} from './forms';
import { readRanges } from './ranges';
import { indexedAddress } from './strings';
import { AT, type DwarfSections, FORM, type Range, type StringRef, TAG, type Unit } from './types';
import { highPc } from './units';

/** Ordered by `lows`; parallel arrays. */
export interface FunctionIndex {
  lows: Float64Array;
  highs: Float64Array;
  /** Offset of the function's entry in .debug_info. */
  dies: Float64Array;
}

export interface Declaration {
  linkageName: StringRef | null;
  name: StringRef | null;
  /** As the unit's line table numbers files. */
  file: number | null;
  line: number | null;
  /** Where else to look for what is missing: offset in .debug_info. */
  origin: number | null;
}

interface FunctionDie extends Declaration {
  ranges: Range[];
  /** Offset in .debug_info of what follows its children; 0: not said. */
  sibling: number;
}

/** Entries among whose children functions with code are looked for; all others are jumped over where they say how. */
const SCOPES: ReadonlySet<number> = new Set([
  TAG.compileUnit,
  TAG.partialUnit,
  TAG.skeletonUnit,
  TAG.namespace,
  TAG.module,
]);

/** Throws FormatError where the unit is too large to be read or broken from its start. */
export function indexFunctions(unit: Unit, sections: DwarfSections, abbreviations: AbbreviationTable): FunctionIndex {
  const sizeBytes = unit.end - unit.firstDie;
  if (sizeBytes > MAX_UNIT_BYTES) throw new FormatError(`unit of ${sizeBytes} bytes`);
  const cursor = new Cursor(sections.info!.read(unit.firstDie, sizeBytes));
  const found: { low: number; high: number; die: number }[] = [];
  try {
    for (let seen = 0; !cursor.done && seen < MAX_DIES_PER_UNIT; seen++) {
      const die = unit.firstDie + cursor.at;
      const code = cursor.uleb();
      if (code === 0) continue;
      const abbreviation = abbreviations.get(code);
      let sibling = 0;
      if (abbreviation.tag === TAG.subprogram) {
        const own = readFunction(cursor, abbreviation, unit, sections);
        for (const range of own.ranges) found.push({ low: range.low, high: range.high, die });
        sibling = own.sibling;
      } else sibling = skipDie(cursor, abbreviation, unit);
      if (sibling !== 0 && abbreviation.hasChildren && !SCOPES.has(abbreviation.tag)) {
        const next = sibling - unit.firstDie;
        if (next > cursor.at && next <= cursor.end) cursor.seek(next);
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError) || found.length === 0) throw error;
  }
  found.sort((a, b) => a.low - b.low || b.high - a.high);
  return {
    lows: Float64Array.from(found, (f) => f.low),
    highs: Float64Array.from(found, (f) => f.high),
    dies: Float64Array.from(found, (f) => f.die),
  };
}

type Abbreviation = ReturnType<AbbreviationTable['get']>;

/** Skips an entry; returns where its next sibling is in .debug_info, 0 where it does not say. */
function skipDie(cursor: Cursor, abbreviation: Abbreviation, unit: Unit): number {
  let sibling = 0;
  const { steps } = skipPlan(abbreviation, unit);
  for (let i = 0; i < steps.length; i += 2) {
    cursor.skip(steps[i]);
    const form = steps[i + 1];
    if (form === NO_FORM) continue;
    if (form === SIBLING_REF4) sibling = unit.offset + cursor.u32();
    else skipForm(cursor, form, unit);
  }
  return sibling;
}

function readFunction(cursor: Cursor, abbreviation: Abbreviation, unit: Unit, sections: DwarfSections): FunctionDie {
  const die: FunctionDie = {
    linkageName: null,
    name: null,
    file: null,
    line: null,
    origin: null,
    ranges: [],
    sibling: 0,
  };
  let low: number | null = null;
  let high: { value: number; form: number } | null = null;
  let ranges: { value: number; indexed: boolean } | null = null;
  const { attributes, forms, constants } = abbreviation;
  for (let i = 0; i < forms.length; i++) {
    const form = forms[i];
    const number = () => readNumber(cursor, form, constants[i], unit);
    switch (attributes[i]) {
      case AT.name:
        die.name = readString(cursor, form, unit);
        break;
      case AT.linkageName:
      case AT.mipsLinkageName:
        die.linkageName = readString(cursor, form, unit);
        break;
      case AT.declFile:
        die.file = number();
        break;
      case AT.declLine:
        die.line = number();
        break;
      case AT.abstractOrigin:
      case AT.specification:
        die.origin = readReference(cursor, form, unit.offset, unit);
        break;
      case AT.sibling:
        die.sibling = readReference(cursor, form, unit.offset, unit) ?? 0;
        break;
      case AT.lowPc:
        low = isAddressIndex(form) ? indexedAddress(number(), sections, unit) : number();
        break;
      case AT.highPc:
        high = { value: number(), form };
        break;
      case AT.ranges:
        ranges = { value: number(), indexed: form === FORM.rnglistx };
        break;
      default:
        skipForm(cursor, form, unit);
    }
  }
  if (ranges) die.ranges = readRanges(unit, ranges.value, ranges.indexed, sections);
  else if (low && high) {
    const end = highPc(unit, low, high.value, high.form, sections);
    if (end > low) die.ranges = [{ low, high: end }];
  }
  return die;
}

const FIRST_READ_BYTES = 256;

/** One function's entry by its offset. Throws FormatError. */
export function readDeclaration(
  dieOffset: number,
  unit: Unit,
  sections: DwarfSections,
  abbreviations: AbbreviationTable,
): Declaration {
  if (dieOffset < unit.firstDie || dieOffset >= unit.end) throw new FormatError('reference outside of its unit');
  for (let bytes = FIRST_READ_BYTES; ; bytes *= 16) {
    const data = sections.info!.readUpTo(dieOffset, Math.min(bytes, unit.end - dieOffset));
    try {
      const cursor = new Cursor(data);
      return readFunction(cursor, abbreviations.get(cursor.uleb()), unit, sections);
    } catch (error) {
      if (!(error instanceof FormatError) || data.length < bytes || bytes > FIRST_READ_BYTES * 256) throw error;
    }
  }
}

/** The declaration together with what it leaves to its origins; `unitOf` finds the unit of an offset. */
export function completeDeclaration(
  dieOffset: number,
  read: (dieOffset: number) => Declaration | null,
): Declaration | null {
  let result: Declaration | null = null;
  let next: number | null = dieOffset;
  for (let depth = 0; next !== null && depth < MAX_ORIGIN_DEPTH; depth++) {
    const here = read(next);
    if (!here) break;
    if (!result) result = { ...here };
    else {
      result.linkageName ??= here.linkageName;
      result.name ??= here.name;
      if (result.line === null) {
        result.line = here.line;
        result.file = here.file ?? result.file;
      }
      result.file ??= here.file;
    }
    next = here.origin;
  }
  return result;
}

/** Index of the innermost function that holds the address, or -1. */
export function findFunctionDie(index: FunctionIndex, address: number): number {
  const { lows, highs } = index;
  let low = 0;
  let high = lows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (lows[middle] > address) high = middle;
    else low = middle + 1;
  }
  for (let i = low - 1; i >= 0 && i >= low - 8; i--) if (address < highs[i]) return i;
  return -1;
}
