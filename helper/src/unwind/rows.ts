// The unwind row as bpf/unwind_rows.h defines it (the comments are there): how its fields are put together and taken apart. The
// compiler in this folder writes rows, load/ copies them into maps, the CLI prints them.

import {
  UNWIND_CFA_BITS,
  UNWIND_CFA_KIND_MASK,
  UNWIND_CFA_SHIFT,
  UNWIND_FP_SHIFT,
  UNWIND_RA_MASK,
  UNWIND_RA_SHIFT,
  UNWIND_ROW,
  UNWIND_WIDE_RULE,
  UNWIND_WIDE_SHIFT,
} from '../abi/unwindRows.gen';
import { countBefore } from '../bytes/search';

export * from '../abi/unwindRows.gen';

/** Words (u32) of a row and of a wide rule. */
export const ROW_WORDS = UNWIND_ROW.byteLength / 4;
export const WIDE_RULE_WORDS = UNWIND_WIDE_RULE.byteLength / 4;

/** Kind of the CFA, UNWIND_NONE to UNWIND_WIDE. */
export function kindOf(rule: number): number {
  return rule & UNWIND_CFA_KIND_MASK;
}

/** Bytes; of UNWIND_PLT eight times the first byte of a stub that has pushed. */
export function cfaOffsetOf(rule: number): number {
  return ((rule << (32 - UNWIND_CFA_SHIFT - UNWIND_CFA_BITS)) >> (32 - UNWIND_CFA_BITS)) * 8;
}

/** Bytes below the CFA; 0: fp is unchanged (or the place is the return address's, UNWIND_RA_OWN_PLACE). */
export function fpPlaceOf(rule: number): number {
  return (rule >>> UNWIND_FP_SHIFT) * 8;
}

/** UNWIND_RA_BELOW_CFA to UNWIND_RA_OWN_PLACE. */
export function raPlaceOf(rule: number): number {
  return (rule >>> UNWIND_RA_SHIFT) & UNWIND_RA_MASK;
}

/** Index of a wide rule. */
export function wideIndexOf(rule: number): number {
  return rule >>> UNWIND_WIDE_SHIFT;
}

/** Index in `rows` (pairs of pc and rule) of the row that holds at `pc`; -2 before the first. */
export function rowAt(rows: Uint32Array, pc: number): number {
  return (countBefore(rows.length / ROW_WORDS, (i) => rows[i * ROW_WORDS] > pc) - 1) * ROW_WORDS;
}
