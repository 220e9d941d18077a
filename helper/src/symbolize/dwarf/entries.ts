// Reading entries (DIEs) of .debug_info: skipping one quickly, and reading one of a function or an inlined call. DWARF 5, 2.13,
// 3.3.8.

import { Cursor, FormatError } from '../../bytes/cursor';
import { type AbbreviationTable, STEP } from './abbreviations';
import { isAddressIndex, NO_REFERENCE, readNumber, readReference, readString, skipForm } from './forms';
import { indexedAddress } from './strings';
import { AT, type DwarfSections, FORM, type RangesRef, type StringRef, type Unit } from './types';

/** What an entry is read with. */
export interface EntryContext {
  unit: Unit;
  sections: DwarfSections;
  abbreviations: AbbreviationTable;
}

/** One entry after another of the same bytes, without an object for each. */
export class EntryWalk {
  /** Where the entry that was skipped or read last says its next sibling is, as a position in the bytes; -1: it does not. */
  sibling = -1;
  /** From a reference within the unit to a position in the bytes. */
  private readonly siblingBase: number;
  private readonly cursor: Cursor;
  private readonly steps: AbbreviationTable;

  constructor(
    readonly bytes: Buffer,
    /** Offset of the bytes in .debug_info. */
    bytesAt: number,
    private readonly context: EntryContext,
  ) {
    this.siblingBase = context.unit.offset - bytesAt;
    this.cursor = new Cursor(bytes);
    this.steps = context.abbreviations;
  }

  /** Position behind a code of several bytes that begins at `at`; the code is in `code`. */
  longCode(at: number): number {
    this.cursor.seek(at);
    this.code = this.cursor.uleb();
    return this.cursor.at;
  }
  code = 0;

  /** Of the function or call that was skipped last: where its code is; -1 or null: not said. */
  low = -1;
  high = -1;
  private lengthBytes = -1;
  ranges: RangesRef | null = null;

  /**
   * Position behind the attributes that begin at `at`, for an entry whose size is not fixed. May lie behind the bytes.
   * Leaves `sibling`, and of a function or call `low`, `high` and `ranges`.
   */
  skip(slot: number, at: number): number {
    const { bytes } = this;
    const { steps, firstStep } = this.steps;
    this.sibling = -1;
    this.low = -1;
    this.high = -1;
    this.lengthBytes = -1;
    this.ranges = null;
    for (let i = firstStep[slot]; ; ) {
      at += steps[i++];
      switch (steps[i++]) {
        case STEP.end:
          if (this.lengthBytes >= 0) this.high = this.low + this.lengthBytes;
          return at;
        case STEP.number:
          while (bytes[at++] >= 0x80);
          break;
        case STEP.cstring:
          while (at < bytes.length && bytes[at] !== 0) at++;
          at++;
          break;
        case STEP.block:
          at += bytes[at] < 0x80 ? 1 + bytes[at] : this.longBlock(at);
          break;
        case STEP.block1:
          at += 1 + bytes[at];
          break;
        case STEP.sibling4:
          this.sibling = this.siblingHere(at);
          at += 4;
          break;
        case STEP.code:
          at = this.readCode(at, steps[i++]);
          break;
        default:
          this.cursor.seek(at);
          skipForm(this.cursor, steps[i++], this.context.unit);
          at = this.cursor.at;
      }
      if (!(at <= bytes.length)) throw new FormatError('data ends too early');
    }
  }

  /** What a reference of four bytes to the next sibling means, as a position in the bytes. */
  siblingHere(at: number): number {
    const { bytes } = this;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) + bytes[at + 3] * 0x1000000 + this.siblingBase;
  }

  private readCode(at: number, index: number): number {
    const { cursor, context } = this;
    const attribute = this.steps.attributes[index];
    const form = this.steps.forms[index];
    cursor.seek(at);
    if (attribute === AT.lowPc) this.low = readAddress(cursor, form, context);
    else if (attribute === AT.ranges)
      this.ranges = { value: readNumber(cursor, form, 0, context.unit), isIndex: form === FORM.rnglistx };
    else if (isAddress(form)) this.high = readAddress(cursor, form, context);
    else this.lengthBytes = readNumber(cursor, form, this.steps.constants[index], context.unit);
    return cursor.at;
  }

  private longBlock(at: number): number {
    this.cursor.seek(at);
    const lengthBytes = this.cursor.uleb();
    return this.cursor.at - at + lengthBytes;
  }
}

/** Attributes of a subprogram or an inlined call; one object is filled again and again. */
export class CodeEntry {
  linkageName: StringRef | null = null;
  name: StringRef | null = null;
  declFile = -1;
  declLine = -1;
  callFile = 0;
  callLine = 0;
  callColumn = 0;
  /** Abstract origin or specification, as readReference gives it. */
  origin = NO_REFERENCE;
  low = -1;
  high = -1;
  ranges: RangesRef | null = null;
}

/** Fills `entry`; the cursor stands at the first attribute. Throws FormatError. */
export function readCodeEntry(cursor: Cursor, slot: number, context: EntryContext, entry: CodeEntry): void {
  const { unit, abbreviations } = context;
  const { attributes, forms, constants, firstAttribute } = abbreviations;
  entry.linkageName = null;
  entry.name = null;
  entry.declFile = -1;
  entry.declLine = -1;
  entry.callFile = 0;
  entry.callLine = 0;
  entry.callColumn = 0;
  entry.origin = NO_REFERENCE;
  entry.low = -1;
  entry.high = -1;
  entry.ranges = null;
  let highForm = 0;
  for (let i = firstAttribute[slot]; i < firstAttribute[slot + 1]; i++) {
    const form = forms[i];
    switch (attributes[i]) {
      case AT.name:
        entry.name = readString(cursor, form, unit);
        break;
      case AT.linkageName:
      case AT.mipsLinkageName:
        entry.linkageName = readString(cursor, form, unit);
        break;
      case AT.declFile:
        entry.declFile = readNumber(cursor, form, constants[i], unit);
        break;
      case AT.declLine:
        entry.declLine = readNumber(cursor, form, constants[i], unit);
        break;
      case AT.callFile:
        entry.callFile = readNumber(cursor, form, constants[i], unit);
        break;
      case AT.callLine:
        entry.callLine = readNumber(cursor, form, constants[i], unit);
        break;
      case AT.callColumn:
        entry.callColumn = readNumber(cursor, form, constants[i], unit);
        break;
      case AT.abstractOrigin:
      case AT.specification:
        entry.origin = readReference(cursor, form, unit.offset, unit);
        break;
      case AT.lowPc:
        entry.low = readAddress(cursor, form, context);
        break;
      case AT.highPc:
        highForm = form;
        entry.high = isAddress(form)
          ? readAddress(cursor, form, context)
          : readNumber(cursor, form, constants[i], unit);
        break;
      case AT.ranges:
        entry.ranges = { value: readNumber(cursor, form, constants[i], unit), isIndex: form === FORM.rnglistx };
        break;
      default:
        skipForm(cursor, form, unit);
    }
  }
  // An address or, from DWARF 4 on, a length.
  if (entry.high >= 0 && !isAddress(highForm)) entry.high += entry.low;
}

export function isAddress(form: number): boolean {
  return form === FORM.addr || isAddressIndex(form);
}

export function readAddress(
  cursor: Cursor,
  form: number,
  { unit, sections }: Omit<EntryContext, 'abbreviations'>,
): number {
  const value = readNumber(cursor, form, 0, unit);
  return isAddressIndex(form) ? indexedAddress(value, sections, unit) : value;
}
