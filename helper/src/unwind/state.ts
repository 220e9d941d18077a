// The state of a CFA program at one place of code, as words of an Int32Array, so that remembering and restoring it is a copy.
// Written by cfaMachine.ts, turned into a rule by ruleEncoder.ts.

/** How the CFA is found: CFA_REGISTER and so on, below. */
export const CFA_HOW = 0;
/** Of CFA_REGISTER. They stay as they are while an expression holds: DW_CFA_def_cfa_register takes up the offset again. */
export const CFA_BASE = 1;
export const CFA_OFFSET = 2;
/** Of an expression (CFA_SUM, CFA_LOAD). */
export const EXPRESSION_BASE = 12;
export const EXPRESSION_OFFSET = 13;
/** Of CFA_LOAD: added to what was loaded. Of CFA_PLT: the first byte of a stub that has pushed. */
export const CFA_ADDEND = 3;
/** Bases as in struct unwind_wide_rule, with UNWIND_BASE_UNKNOWN (said to be undefined) and BASE_UNRECOGNIZED. */
export const FP_BASE = 4;
export const FP_OFFSET = 5;
export const RA_BASE = 6;
export const RA_OFFSET = 7;
export const SP_BASE = 8;
export const SP_OFFSET = 9;
export const RA_IS_SIGNED = 10;
/** 0, or the index of the reason in WHY why nothing is known. */
export const BROKEN = 11;
export const STATE_WORDS = 14;

export const CFA_REGISTER = 0;
/** What memory holds at base + offset, plus the addend. */
export const CFA_LOAD = 1;
export const CFA_PLT = 2;
export const CFA_UNKNOWN = 3;
/** An expression that comes to base + offset. */
export const CFA_SUM = 4;

/** An expression without a form in rows; never in a table. */
export const BASE_UNRECOGNIZED = 0x41;

/** Why a row cannot say what the file says. */
export const WHY = [
  '',
  'the CFA is an expression without a compact form',
  'the return address is an expression without a compact form',
  'the saved frame pointer is an expression without a compact form',
  "the caller's stack pointer is not the CFA",
  'the return address has no rule',
  'an offset is too large',
  'more wide rules than a table holds',
  'an instruction is unknown',
  'the instructions end in the middle of one',
  'remembered states are nested too deep, or restored without having been remembered',
  'the CFA is in a register without a number from 0 to 31',
] as const;
export const WHY_CFA = 1;
export const WHY_RA = 2;
export const WHY_FP = 3;
export const WHY_SP = 4;
export const WHY_NO_RA = 5;
export const WHY_OFFSET = 6;
export const WHY_WIDE = 7;
export const WHY_INSTRUCTION = 8;
export const WHY_CUT = 9;
export const WHY_NESTING = 10;
export const WHY_REGISTER = 11;
