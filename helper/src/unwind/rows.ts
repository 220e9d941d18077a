// The unwind row as bpf/unwind_rows.h defines it (the comments are there): constants, and how the fields are put together
// and taken apart. The compiler in this folder writes rows, load/ copies them into maps, the CLI prints them.
// helper/test/unit/unwindRows.test.ts compares the numbers with the header.

/** Bits 0-3 of a rule. */
export const UNWIND_NONE = 0;
export const UNWIND_END = 1;
export const UNWIND_SP = 2;
export const UNWIND_FP = 3;
export const UNWIND_DEREF_FP = 4;
export const UNWIND_PLT = 5;
export const UNWIND_SIGNAL_RETURN = 6;
export const UNWIND_UNEXPRESSIBLE = 7;
export const UNWIND_WIDE = 8;
export const UNWIND_GO = 9;
export const UNWIND_CFA_KIND_MASK = 0xf;

export const UNWIND_RA_SIGNED = 0x10;
export const UNWIND_EXACT = 0x20;

/** Bits 6-7. */
export const UNWIND_RA_BELOW_CFA = 0;
export const UNWIND_RA_BESIDE_FP = 1;
export const UNWIND_RA_IN_LR = 2;
export const UNWIND_RA_OWN_PLACE = 3;
export const UNWIND_RA_SHIFT = 6;
export const UNWIND_RA_MASK = 3;

export const UNWIND_CFA_SHIFT = 8;
export const UNWIND_CFA_BITS = 14;
export const UNWIND_FP_SHIFT = 22;
export const UNWIND_FP_BITS = 10;
export const UNWIND_WIDE_SHIFT = 8;

export const UNWIND_SIGNAL_X86_FP = 120;
export const UNWIND_SIGNAL_X86_SP = 160;
export const UNWIND_SIGNAL_X86_IP = 168;
export const UNWIND_SIGNAL_ARM64_FP = 544;
export const UNWIND_SIGNAL_ARM64_LR = 552;
export const UNWIND_SIGNAL_ARM64_SP = 560;
export const UNWIND_SIGNAL_ARM64_IP = 568;

export const UNWIND_BASE_REGISTER_MASK = 0x1f;
export const UNWIND_BASE_CFA = 0x20;
export const UNWIND_BASE_UNKNOWN = 0x40;
export const UNWIND_BASE_LOAD = 0x80;

export const UNWIND_PAGE_BYTES = 4096;
export const UNWIND_PAGE_ROWS = 512;
export const UNWIND_PAGE_PCS = 1024;
export const UNWIND_PAGE_WIDE_RULES = 256;
export const UNWIND_MAX_WIDE_RULES = 4096;

/** Words (u32) of a row and of a wide rule. */
export const ROW_WORDS = 2;
export const WIDE_RULE_WORDS = 4;

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
  let low = 0;
  let high = rows.length / ROW_WORDS;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (rows[middle * ROW_WORDS] > pc) high = middle;
    else low = middle + 1;
  }
  return (low - 1) * ROW_WORDS;
}
