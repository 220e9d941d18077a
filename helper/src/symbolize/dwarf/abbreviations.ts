// .debug_abbrev: the shapes of the entries of .debug_info. One table is read per unit that is needed, and only as far as
// the caller's codes reach. Called by units.ts (first entry only) and functions.ts (whole unit). DWARF 5, 7.5.3.

import { Cursor, FormatError } from '../bytes/cursor';
import type { ByteSource } from '../bytes/source';
import { MAX_ABBREVIATIONS } from '../limits';
import { FORM } from './types';

export interface Abbreviation {
  tag: number;
  hasChildren: boolean;
  attributes: number[];
  forms: number[];
  /** Value of DW_FORM_implicit_const at the same index, else 0. */
  constants: number[];
  /** Made by forms.ts when the entry is first skipped. */
  plan: { steps: number[] } | null;
}

const FIRST_READ_BYTES = 4_096;

export class AbbreviationTable {
  private readonly byCode = new Map<number, Abbreviation>();
  private bytes: Buffer;
  private at = 0;
  private complete = false;

  constructor(
    private readonly source: ByteSource,
    private readonly offset: number,
  ) {
    if (!(offset >= 0 && offset < source.sizeBytes)) throw new FormatError('abbreviations outside of their section');
    this.bytes = source.readUpTo(offset, FIRST_READ_BYTES);
  }

  /** Throws FormatError where the code is not defined. */
  get(code: number): Abbreviation {
    let found = this.byCode.get(code);
    while (!found && !this.complete) {
      this.readNext();
      found = this.byCode.get(code);
    }
    if (!found) throw new FormatError(`abbreviation ${code} is not defined`);
    return found;
  }

  private readNext(): void {
    if (this.byCode.size >= MAX_ABBREVIATIONS) throw new FormatError('too many abbreviations');
    for (;;) {
      try {
        const cursor = new Cursor(this.bytes, this.at);
        const code = cursor.uleb();
        if (code === 0) this.complete = true;
        else this.byCode.set(code, readOne(cursor));
        this.at = cursor.at;
        return;
      } catch (error) {
        // The declaration may go on behind what has been read.
        const longer = this.source.readUpTo(this.offset, this.bytes.length * 4);
        if (longer.length <= this.bytes.length) throw error;
        this.bytes = longer;
      }
    }
  }
}

function readOne(cursor: Cursor): Abbreviation {
  const tag = cursor.uleb();
  const hasChildren = cursor.u8() !== 0;
  const attributes: number[] = [];
  const forms: number[] = [];
  const constants: number[] = [];
  for (;;) {
    const attribute = cursor.uleb();
    const form = cursor.uleb();
    const constant = form === FORM.implicitConst ? cursor.sleb() : 0;
    if (attribute === 0 && form === 0) return { tag, hasChildren, attributes, forms, constants, plan: null };
    attributes.push(attribute);
    forms.push(form);
    constants.push(constant);
  }
}
