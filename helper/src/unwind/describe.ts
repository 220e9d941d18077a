// Rows in words, for people and oracles: registers by the names binutils prints, offsets from the CFA.

import type { Architecture } from './registers';
import {
  cfaOffsetOf,
  fpPlaceOf,
  kindOf,
  raPlaceOf,
  UNWIND_BASE_CFA,
  UNWIND_BASE_LOAD,
  UNWIND_BASE_UNKNOWN,
  UNWIND_DEREF_FP,
  UNWIND_END,
  UNWIND_EXACT,
  UNWIND_FP,
  UNWIND_GO,
  UNWIND_NONE,
  UNWIND_PLT,
  UNWIND_RA_BELOW_CFA,
  UNWIND_RA_BESIDE_FP,
  UNWIND_RA_IN_LR,
  UNWIND_RA_SIGNED,
  UNWIND_SIGNAL_RETURN,
  UNWIND_SP,
  UNWIND_UNEXPRESSIBLE,
  UNWIND_WIDE,
  WIDE_RULE_WORDS,
  wideIndexOf,
} from './rows';

export interface DescribedRow {
  /** Virtual address in the file. */
  pc: number;
  /** `end`: no caller. `expression`: something else than register + offset. Null: nothing is known from here on (a gap). */
  cfa: { reg: string; offset: number } | 'expression' | 'end' | null;
  /** Where the caller's frame pointer is saved, from the CFA; null: unchanged, or not at an offset from the CFA. */
  fp: { offset: number } | null;
  /** Where the return address is, from the CFA; null: in a register, not at an offset from the CFA, or there is none. */
  ra: { offset: number } | null;
  raSigned: boolean;
  signalFrame: boolean;
}

const IN_MEMORY_BY_CFA = UNWIND_BASE_CFA | UNWIND_BASE_LOAD;

export function describeRow(pc: number, rule: number, wideRules: Uint32Array, arch: Architecture): DescribedRow {
  const row: DescribedRow = {
    pc,
    cfa: null,
    fp: null,
    ra: null,
    raSigned: false,
    signalFrame: false,
  };
  const kind = kindOf(rule);
  if (kind === UNWIND_NONE) return row;
  row.raSigned = (rule & UNWIND_RA_SIGNED) !== 0;
  row.signalFrame = (rule & UNWIND_EXACT) !== 0;
  switch (kind) {
    case UNWIND_END:
      row.cfa = 'end';
      return row;
    case UNWIND_SIGNAL_RETURN:
      row.cfa = 'expression';
      return row;
    case UNWIND_UNEXPRESSIBLE:
      row.cfa = 'expression';
      if (wideIndexOf(rule) > 0) describeWide(row, wideRules.subarray((wideIndexOf(rule) - 1) * WIDE_RULE_WORDS), arch);
      return row;
    case UNWIND_WIDE:
      describeWide(row, wideRules.subarray(wideIndexOf(rule) * WIDE_RULE_WORDS), arch);
      return row;
    case UNWIND_PLT:
    case UNWIND_DEREF_FP:
      row.cfa = 'expression';
      row.ra = { offset: -8 };
      return row;
    case UNWIND_GO:
      // Frame pointers hold in functions that have called others; where not even the CFA is told, everywhere.
      if (cfaOffsetOf(rule) === 0) return row;
      row.cfa = { reg: arch.registerNames[arch.sp], offset: cfaOffsetOf(rule) };
      row.ra = { offset: -8 };
      return row;
    case UNWIND_SP:
    case UNWIND_FP: {
      const register = kind === UNWIND_SP ? arch.sp : arch.fp;
      row.cfa = { reg: arch.registerNames[register], offset: cfaOffsetOf(rule) };
      const place = fpPlaceOf(rule);
      const ra = raPlaceOf(rule);
      if (ra === UNWIND_RA_BELOW_CFA) row.ra = { offset: -8 };
      else if (ra === UNWIND_RA_BESIDE_FP) row.ra = { offset: 8 - place };
      else if (ra !== UNWIND_RA_IN_LR) row.ra = { offset: -place };
      if (place !== 0 && (ra <= UNWIND_RA_BESIDE_FP || ra === UNWIND_RA_IN_LR)) row.fp = { offset: -place };
      return row;
    }
    default:
      throw new Error(`a rule of kind ${kind}`);
  }
}

function describeWide(row: DescribedRow, words: Uint32Array, arch: Architecture): void {
  const [cfaOffset, fpOffset, raOffset] = [words[0] | 0, words[1] | 0, words[2] | 0];
  const bases = words[3];
  const cfaBase = bases & 0xff;
  row.cfa =
    cfaBase & (UNWIND_BASE_LOAD | UNWIND_BASE_UNKNOWN)
      ? 'expression'
      : { reg: arch.registerNames[cfaBase], offset: cfaOffset };
  if (((bases >>> 8) & 0xff) === IN_MEMORY_BY_CFA) row.fp = { offset: fpOffset };
  if (((bases >>> 16) & 0xff) === IN_MEMORY_BY_CFA) row.ra = { offset: raOffset };
}
