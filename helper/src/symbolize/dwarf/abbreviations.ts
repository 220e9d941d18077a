// .debug_abbrev: the shapes of the entries of .debug_info, in typed arrays, each with a plan how to skip an entry of it. Walking a
// unit of megabytes is mostly skipping: an entry without strings and blocks is one addition. Read only as far as the caller's codes
// reach. DWARF 5, 7.5.3.

import { Cursor, FormatError } from '../../bytes/cursor';
import type { ByteSource } from '../../bytes/source';
import { MAX_ABBREVIATION_ATTRIBUTES, MAX_ABBREVIATIONS } from '../limits';
import { fixedBytes, isSkippedByNumber } from './forms';
import { AT, type Encoding, FORM, TAG } from './types';

const FIRST_READ_BYTES = 4_096;
/** Codes are small numbers in a row; hostile ones go into a map. */
const MAX_DENSE_CODE = 65_536;

/**
 * Steps of a plan: bytes to skip, then what follows them. `form` is followed by the form; `code`, of an attribute that
 * says where the code of a function or an inlined call is, by its number in `attributes`.
 */
export const STEP = { end: 0, sibling4: 1, number: 2, cstring: 3, block: 4, block1: 5, form: 6, code: 7 } as const;

/** What the walk over a unit does at an entry. */
export const KIND = { plain: 0, scope: 1, function: 2, inlined: 3, block: 4, partialUnit: 5 } as const;

const KIND_OF = new Map<number, number>([
  [TAG.compileUnit, KIND.scope],
  [TAG.partialUnit, KIND.partialUnit],
  [TAG.skeletonUnit, KIND.scope],
  [TAG.namespace, KIND.scope],
  [TAG.module, KIND.scope],
  [TAG.subprogram, KIND.function],
  [TAG.inlinedSubroutine, KIND.inlined],
  [TAG.lexicalBlock, KIND.block],
  [TAG.tryBlock, KIND.block],
  [TAG.catchBlock, KIND.block],
  [TAG.withStmt, KIND.block],
]);

export class AbbreviationTable {
  /** By slot: an abbreviation's number in this table. */
  kinds = new Uint8Array(64);
  hasChildren = new Uint8Array(64);
  /** Of subprograms and inlined calls: says where its code is. */
  hasCode = new Uint8Array(64);
  /** Size of the entry's attributes, or -1: see its plan. */
  fixedBytes = new Int32Array(64);
  /**
   * Where in the entry its sibling stands, for entries of which all else has a fixed size; else -1. `afterSibling`: what
   * follows it. Most of what lies side by side in a unit is of this kind, as GCC writes it.
   */
  siblingAt = new Int32Array(64);
  afterSibling = new Int32Array(64);
  /** First attribute in `attributes`, first step in `steps`; those of the next slot are behind the last. */
  firstAttribute = new Uint32Array(65);
  firstStep = new Uint32Array(65);
  attributes = new Uint16Array(256);
  forms = new Uint16Array(256);
  /** Values of DW_FORM_implicit_const. */
  constants = new Float64Array(256);
  steps = new Int32Array(256);
  /** Slot by code, as far as read and for small codes; -1: see `slot`. */
  slots = new Int32Array(64).fill(-1);
  private readonly sparse = new Map<number, number>();
  private count = 0;
  private bytes: Buffer;
  private at = 0;
  private complete = false;

  constructor(
    private readonly source: ByteSource,
    private readonly offset: number,
    /** Of the units that use it. */
    private readonly encoding: Encoding,
  ) {
    if (!(offset >= 0 && offset < source.sizeBytes)) throw new FormatError('abbreviations outside of their section');
    this.bytes = source.readUpTo(offset, FIRST_READ_BYTES);
  }

  get sizeBytes(): number {
    return 1_024 + this.kinds.length * 23 + this.attributes.length * 12 + this.steps.length * 4 + this.slots.length * 4;
  }

  /** Throws FormatError where the code is not defined. */
  slot(code: number): number {
    for (;;) {
      const found = code < this.slots.length ? this.slots[code] : (this.sparse.get(code) ?? -1);
      if (found >= 0) return found;
      if (this.complete) throw new FormatError(`abbreviation ${code} is not defined`);
      this.readNext();
    }
  }

  private readNext(): void {
    if (this.count >= MAX_ABBREVIATIONS) throw new FormatError('too many abbreviations');
    const attributesBefore = this.firstAttribute[this.count];
    for (;;) {
      try {
        const cursor = new Cursor(this.bytes, this.at);
        const code = cursor.uleb();
        if (code === 0) this.finish();
        else this.readOne(code, cursor, attributesBefore);
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

  private finish(): void {
    this.complete = true;
    this.bytes = Buffer.alloc(0);
  }

  private readOne(code: number, cursor: Cursor, firstAttribute: number): void {
    const tag = cursor.uleb();
    const hasChildren = cursor.u8() !== 0;
    let end = firstAttribute;
    let hasCode = false;
    for (;;) {
      const attribute = cursor.uleb();
      const form = cursor.uleb();
      const constant = form === FORM.implicitConst ? cursor.sleb() : 0;
      if (attribute === 0 && form === 0) break;
      if (end >= MAX_ABBREVIATION_ATTRIBUTES) throw new FormatError('too many attributes');
      if (end === this.attributes.length) this.growAttributes();
      if (attribute === AT.lowPc || attribute === AT.ranges) hasCode = true;
      // What does not fit into 16 bits is no attribute or form that anybody knows: forms.ts refuses it.
      this.attributes[end] = attribute > 0xffff ? 0 : attribute;
      this.forms[end] = form > 0xffff ? 0 : form;
      this.constants[end++] = constant;
    }
    if (this.count === this.kinds.length) this.growSlots();
    const slot = this.count++;
    this.kinds[slot] = KIND_OF.get(tag) ?? KIND.plain;
    this.hasChildren[slot] = hasChildren ? 1 : 0;
    this.hasCode[slot] = hasCode ? 1 : 0;
    this.firstAttribute[slot + 1] = end;
    this.plan(slot);
    this.register(code, slot);
  }

  private plan(slot: number): void {
    const kind = this.kinds[slot];
    const hasCode = (kind === KIND.function || kind === KIND.inlined) && this.hasCode[slot] === 1;
    let step = this.firstStep[slot];
    let bytes = 0;
    for (let i = this.firstAttribute[slot]; i < this.firstAttribute[slot + 1]; i++) {
      const attribute = this.attributes[i];
      const form = this.forms[i];
      const what = hasCode && isCodeAttribute(attribute) ? STEP.code : this.stepOf(attribute, form);
      if (what === STEP.end) {
        bytes += fixedBytes(form, this.encoding);
        continue;
      }
      if (step + 6 > this.steps.length) this.steps = grown(this.steps, new Int32Array(this.steps.length * 2));
      this.steps[step++] = bytes;
      this.steps[step++] = what;
      if (what === STEP.code) this.steps[step++] = i;
      else if (what === STEP.form) this.steps[step++] = form;
      bytes = 0;
    }
    this.fixedBytes[slot] = step === this.firstStep[slot] ? bytes : -1;
    if (step + 2 > this.steps.length) this.steps = grown(this.steps, new Int32Array(this.steps.length * 2));
    const first = this.firstStep[slot];
    const isJump = step === first + 2 && this.steps[first + 1] === STEP.sibling4;
    this.siblingAt[slot] = isJump ? this.steps[first] : -1;
    this.afterSibling[slot] = bytes;
    this.steps[step++] = bytes;
    this.steps[step++] = STEP.end;
    this.firstStep[slot + 1] = step;
  }

  /** STEP.end for an attribute of a fixed size. */
  private stepOf(attribute: number, form: number): number {
    if (attribute === AT.sibling && form === FORM.ref4) return STEP.sibling4;
    if (fixedBytes(form, this.encoding) >= 0) return STEP.end;
    if (isSkippedByNumber(form)) return STEP.number;
    if (form === FORM.string) return STEP.cstring;
    if (form === FORM.exprloc || form === FORM.block) return STEP.block;
    return form === FORM.block1 ? STEP.block1 : STEP.form;
  }

  /** The first definition of a code holds. */
  private register(code: number, slot: number): void {
    if (code >= MAX_DENSE_CODE) {
      if (!this.sparse.has(code)) this.sparse.set(code, slot);
      return;
    }
    if (code >= this.slots.length) {
      const longer = new Int32Array(2 ** Math.ceil(Math.log2(code + 1))).fill(-1);
      this.slots = grown(this.slots, longer);
    }
    if (this.slots[code] < 0) this.slots[code] = slot;
  }

  private growSlots(): void {
    const size = this.count * 2;
    this.kinds = grown(this.kinds, new Uint8Array(size));
    this.hasChildren = grown(this.hasChildren, new Uint8Array(size));
    this.hasCode = grown(this.hasCode, new Uint8Array(size));
    this.fixedBytes = grown(this.fixedBytes, new Int32Array(size));
    this.siblingAt = grown(this.siblingAt, new Int32Array(size));
    this.afterSibling = grown(this.afterSibling, new Int32Array(size));
    this.firstAttribute = grown(this.firstAttribute, new Uint32Array(size + 1));
    this.firstStep = grown(this.firstStep, new Uint32Array(size + 1));
  }

  private growAttributes(): void {
    const size = this.attributes.length * 2;
    this.attributes = grown(this.attributes, new Uint16Array(size));
    this.forms = grown(this.forms, new Uint16Array(size));
    this.constants = grown(this.constants, new Float64Array(size));
  }
}

function isCodeAttribute(attribute: number): boolean {
  return attribute === AT.lowPc || attribute === AT.highPc || attribute === AT.ranges;
}

function grown<T extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(old: T, longer: T): T {
  longer.set(old);
  return longer;
}
