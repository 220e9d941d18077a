// From the state of a CFA program to the 32 bits of a rule (rows.ts), or to a wide rule where those do not do. What no form can
// express is UNWIND_UNEXPRESSIBLE, with the reason counted. One encoder serves one table.

import type { Architecture } from './registers';
import {
  UNWIND_BASE_CFA,
  UNWIND_BASE_LOAD,
  UNWIND_BASE_REGISTER_MASK,
  UNWIND_BASE_UNKNOWN,
  UNWIND_CFA_BITS,
  UNWIND_CFA_SHIFT,
  UNWIND_DEREF_FP,
  UNWIND_END,
  UNWIND_EXACT,
  UNWIND_FP,
  UNWIND_FP_BITS,
  UNWIND_FP_SHIFT,
  UNWIND_MAX_WIDE_RULES,
  UNWIND_PLT,
  UNWIND_RA_BELOW_CFA,
  UNWIND_RA_BESIDE_FP,
  UNWIND_RA_IN_LR,
  UNWIND_RA_OWN_PLACE,
  UNWIND_RA_SHIFT,
  UNWIND_RA_SIGNED,
  UNWIND_SIGNAL_RETURN,
  UNWIND_SP,
  UNWIND_UNEXPRESSIBLE,
  UNWIND_WIDE,
  UNWIND_WIDE_SHIFT,
  WIDE_RULE_WORDS,
} from './rows';
import {
  BASE_UNRECOGNIZED,
  BROKEN,
  CFA_ADDEND,
  CFA_BASE,
  CFA_HOW,
  CFA_LOAD,
  CFA_OFFSET,
  CFA_PLT,
  CFA_REGISTER,
  CFA_UNKNOWN,
  EXPRESSION_BASE,
  EXPRESSION_OFFSET,
  FP_BASE,
  FP_OFFSET,
  RA_BASE,
  RA_IS_SIGNED,
  RA_OFFSET,
  SP_BASE,
  SP_OFFSET,
  WHY,
  WHY_CFA,
  WHY_FP,
  WHY_NO_RA,
  WHY_OFFSET,
  WHY_RA,
  WHY_REGISTER,
  WHY_SP,
  WHY_WIDE,
} from './state';

const IN_MEMORY_BY_CFA = UNWIND_BASE_CFA | UNWIND_BASE_LOAD;
const CFA_LIMIT = 2 ** (UNWIND_CFA_BITS - 1) * 8;
const CFA_MASK = 2 ** UNWIND_CFA_BITS - 1;
const PLACE_LIMIT = (2 ** UNWIND_FP_BITS - 1) * 8;
const NO_COMPACT_FORM = -1;
/** A register without a number from 0 to 31 is -1 in the state: unknown. */
const CFA_BASE_MASK = UNWIND_BASE_UNKNOWN | UNWIND_BASE_REGISTER_MASK;

export class RuleEncoder {
  private readonly wideWords: number[] = [];
  private readonly wideIndexes = new Map<string, number>();
  /** By reason: how many rows, and the pc of the first. */
  private readonly counts = new Uint32Array(WHY.length);
  private readonly firstPcs = new Float64Array(WHY.length);
  private counting = true;

  constructor(private readonly arch: Architecture) {}

  get wideRules(): Uint32Array {
    return new Uint32Array(Int32Array.from(this.wideWords).buffer);
  }

  get unexpressible(): { pc: number; why: string; count: number }[] {
    const found: { pc: number; why: string; count: number }[] = [];
    for (let i = 1; i < WHY.length; i++)
      if (this.counts[i] > 0) found.push({ pc: this.firstPcs[i], why: WHY[i], count: this.counts[i] });
    return found;
  }

  /** `exact`: a signal frame. `pc` is for the list of what cannot be expressed. */
  encode(state: Int32Array, exact: boolean, pc: number): number {
    if (state[BROKEN] !== 0) return this.unexpressed(state[BROKEN], pc, null);
    const raBase = state[RA_BASE];
    if (raBase === UNWIND_BASE_UNKNOWN) return UNWIND_END;
    const bits = (exact ? UNWIND_EXACT : 0) | (state[RA_IS_SIGNED] !== 0 ? UNWIND_RA_SIGNED : 0);
    const how = state[CFA_HOW];
    if (how === CFA_UNKNOWN) return this.unexpressed(WHY_CFA, pc, state);
    if (how === CFA_LOAD && this.isSignalFrame(state)) return UNWIND_SIGNAL_RETURN | (bits & UNWIND_EXACT);
    if (state[SP_BASE] !== UNWIND_BASE_CFA || state[SP_OFFSET] !== 0) return this.unexpressed(WHY_SP, pc, state);
    if (raBase === BASE_UNRECOGNIZED) return this.unexpressed(WHY_RA, pc, state);
    if (raBase === this.arch.ra && !this.arch.hasLinkRegister) return this.unexpressed(WHY_NO_RA, pc, state);
    if (state[FP_BASE] === BASE_UNRECOGNIZED) this.count(WHY_FP, pc);
    const compact = how === CFA_PLT ? this.plt(state) : this.compact(state);
    if (compact !== NO_COMPACT_FORM) return (compact | bits) >>> 0;
    if (how === CFA_PLT) return this.unexpressed(WHY_CFA, pc, state);
    const why = isWide(state);
    if (why !== 0) return this.unexpressed(why, pc, state);
    const index = this.wideIndex(state);
    if (index < 0) return this.unexpressed(WHY_WIDE, pc, null);
    return ((index << UNWIND_WIDE_SHIFT) | bits | UNWIND_WIDE) >>> 0;
  }

  /** Of a CIE: what it has no form for is counted where it holds, by the functions. */
  initialRule(state: Int32Array, exact: boolean): number {
    this.counting = false;
    const rule = this.encode(state, exact, 0);
    this.counting = true;
    return rule;
  }

  /** Counted; what is known all the same is kept as a wide rule, for people: its index + 1 stands in the rule. */
  private unexpressed(why: number, pc: number, state: Int32Array | null): number {
    this.count(why, pc);
    const index = state ? this.wideIndex(state) : -1;
    return (((index + 1) << UNWIND_WIDE_SHIFT) | UNWIND_UNEXPRESSIBLE) >>> 0;
  }

  private count(why: number, pc: number): void {
    if (!this.counting) return;
    if (this.counts[why]++ === 0) this.firstPcs[why] = pc;
  }

  private isSignalFrame(state: Int32Array): boolean {
    const { sp, signalFrame } = this.arch;
    const inFrame = sp | UNWIND_BASE_LOAD;
    return (
      state[EXPRESSION_BASE] === sp &&
      state[EXPRESSION_OFFSET] === signalFrame.spOffset &&
      state[CFA_ADDEND] === 0 &&
      state[FP_BASE] === inFrame &&
      state[FP_OFFSET] === signalFrame.fpOffset &&
      state[RA_BASE] === inFrame &&
      state[RA_OFFSET] === signalFrame.ipOffset
    );
  }

  /** The rule's word without the bits of its own, or NO_COMPACT_FORM. */
  private compact(state: Int32Array): number {
    const { fp, sp, hasLinkRegister } = this.arch;
    const how = state[CFA_HOW];
    const cfaBase = state[how === CFA_REGISTER ? CFA_BASE : EXPRESSION_BASE];
    const cfa = state[how === CFA_REGISTER ? CFA_OFFSET : EXPRESSION_OFFSET];
    const fpBase = state[FP_BASE];
    const fpOffset = state[FP_OFFSET];
    const raBase = state[RA_BASE];
    const raOffset = state[RA_OFFSET];
    if ((cfa & 7) !== 0 || cfa >= CFA_LIMIT || cfa < -CFA_LIMIT) return NO_COMPACT_FORM;

    let kind: number;
    let place: number;
    if (how !== CFA_LOAD) {
      if (cfaBase === sp) kind = UNWIND_SP;
      else if (cfaBase === fp) kind = UNWIND_FP;
      else return NO_COMPACT_FORM;
      if (fpBase === fp && fpOffset === 0) place = 0;
      else if (fpBase === IN_MEMORY_BY_CFA && isPlace(fpOffset)) place = -fpOffset;
      else return NO_COMPACT_FORM;
    } else {
      if (cfaBase !== fp || state[CFA_ADDEND] !== 0) return NO_COMPACT_FORM;
      kind = UNWIND_DEREF_FP;
      if (fpOffset !== 0) return NO_COMPACT_FORM;
      if (fpBase === fp) place = 0;
      else if (fpBase === (fp | UNWIND_BASE_LOAD)) place = 8;
      else return NO_COMPACT_FORM;
      if (raBase !== IN_MEMORY_BY_CFA || raOffset !== -8) return NO_COMPACT_FORM;
    }

    let ra: number;
    if (raBase === IN_MEMORY_BY_CFA) {
      if (hasLinkRegister && kind !== UNWIND_DEREF_FP && place !== 0 && raOffset === 8 - place)
        ra = UNWIND_RA_BESIDE_FP;
      else if (raOffset === -8) ra = UNWIND_RA_BELOW_CFA;
      else if (place === 0 && isPlace(raOffset)) {
        ra = UNWIND_RA_OWN_PLACE;
        place = -raOffset;
      } else return NO_COMPACT_FORM;
    } else if (raBase === this.arch.ra && raOffset === 0) ra = UNWIND_RA_IN_LR;
    else return NO_COMPACT_FORM;

    return (
      kind | (ra << UNWIND_RA_SHIFT) | (((cfa >> 3) & CFA_MASK) << UNWIND_CFA_SHIFT) | ((place >> 3) << UNWIND_FP_SHIFT)
    );
  }

  private plt(state: Int32Array): number {
    const usual =
      state[FP_BASE] === this.arch.fp &&
      state[FP_OFFSET] === 0 &&
      state[RA_BASE] === IN_MEMORY_BY_CFA &&
      state[RA_OFFSET] === -8;
    return usual ? UNWIND_PLT | (state[CFA_ADDEND] << UNWIND_CFA_SHIFT) : NO_COMPACT_FORM;
  }

  /** -1: there are too many already. */
  private wideIndex(state: Int32Array): number {
    const how = state[CFA_HOW];
    const isKnown = how !== CFA_UNKNOWN && how !== CFA_PLT;
    const cfaBase = isKnown ? cfaBaseOf(state) & CFA_BASE_MASK : UNWIND_BASE_UNKNOWN;
    const words = [
      isKnown ? state[how === CFA_REGISTER ? CFA_OFFSET : EXPRESSION_OFFSET] : 0,
      knownOffset(state[FP_BASE], state[FP_OFFSET]),
      knownOffset(state[RA_BASE], state[RA_OFFSET]),
      cfaBase |
        (how === CFA_LOAD ? UNWIND_BASE_LOAD : 0) |
        (knownBase(state[FP_BASE]) << 8) |
        (knownBase(state[RA_BASE]) << 16) |
        ((how === CFA_LOAD ? state[CFA_ADDEND] : 0) << 24),
    ];
    const key = words.join();
    let index = this.wideIndexes.get(key);
    if (index !== undefined) return index;
    index = this.wideWords.length / WIDE_RULE_WORDS;
    if (index >= UNWIND_MAX_WIDE_RULES) return -1;
    this.wideWords.push(...words);
    this.wideIndexes.set(key, index);
    return index;
  }
}

/** 0, or why not even a wide rule can say it. */
function isWide(state: Int32Array): number {
  const base = cfaBaseOf(state);
  if (base < 0 || base > 31) return WHY_REGISTER;
  const addend = state[CFA_HOW] === CFA_LOAD ? state[CFA_ADDEND] : 0;
  return addend < -128 || addend > 127 ? WHY_OFFSET : 0;
}

function cfaBaseOf(state: Int32Array): number {
  return state[state[CFA_HOW] === CFA_REGISTER ? CFA_BASE : EXPRESSION_BASE];
}

function knownBase(base: number): number {
  return base === BASE_UNRECOGNIZED ? UNWIND_BASE_UNKNOWN : base;
}

function knownOffset(base: number, offset: number): number {
  return base === BASE_UNRECOGNIZED || base === UNWIND_BASE_UNKNOWN ? 0 : offset;
}

/** Below the CFA, at a multiple of 8 that the field holds. */
function isPlace(offset: number): boolean {
  return offset < 0 && offset >= -PLACE_LIMIT && (offset & 7) === 0;
}
