// DWARF expressions as unwind information uses them: not evaluated (there is no process here) but recognized. What is "register +
// offset", what memory holds there, and the linker's rule for PLT stubs have a form in a row; anything else is null, and the caller
// counts it. Numbers of operations: DWARF 5, section 7.7.1.

import { type Cursor, FormatError } from '../bytes/cursor';
import { MAX_EXPRESSION_DEPTH } from './limits';
import { UNWIND_BASE_CFA } from './rows';

const DW_OP_deref = 0x06;
const DW_OP_const1u = 0x08;
const DW_OP_consts = 0x11;
const DW_OP_dup = 0x12;
const DW_OP_drop = 0x13;
const DW_OP_minus = 0x1c;
const DW_OP_plus = 0x22;
const DW_OP_plus_uconst = 0x23;
const DW_OP_lit0 = 0x30;
const DW_OP_breg0 = 0x70;
const DW_OP_bregx = 0x92;
const DW_OP_nop = 0x96;

/** base + offset, or with `loaded` what memory holds there, plus `addend`. */
export interface Term {
  /** A register, or UNWIND_BASE_CFA; null: a plain number, in `offset`. */
  base: number | null;
  offset: number;
  loaded: boolean;
  addend: number;
}

/**
 * What the expression comes to; null where it is more than a Term can say. `cfa`: the rules for registers (not the CFA's
 * own) begin with the CFA on the stack. Reads to the cursor's end.
 */
export function recognize(expression: Cursor, cfa: boolean): Term | null {
  const stack: Term[] = cfa ? [{ base: UNWIND_BASE_CFA, offset: 0, loaded: false, addend: 0 }] : [];
  try {
    while (!expression.done) {
      if (!step(expression, stack)) return null;
      if (stack.length > MAX_EXPRESSION_DEPTH) return null;
    }
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
  const top = stack.pop();
  return top && isSmall(top.offset) && isSmall(top.addend) ? top : null;
}

function step(expression: Cursor, stack: Term[]): boolean {
  const operation = expression.u8();
  const top = stack.at(-1);
  if (operation >= DW_OP_lit0 && operation < DW_OP_lit0 + 32) return push(stack, null, operation - DW_OP_lit0);
  if (operation >= DW_OP_breg0 && operation < DW_OP_breg0 + 32)
    return push(stack, operation - DW_OP_breg0, expression.sleb());
  if (operation >= DW_OP_const1u && operation <= DW_OP_consts)
    return push(stack, null, readConstant(expression, operation));
  switch (operation) {
    case DW_OP_nop:
      return true;
    case DW_OP_bregx: {
      const register = expression.uleb();
      return register < 32 && push(stack, register, expression.sleb());
    }
    case DW_OP_plus_uconst:
      return top !== undefined && add(top, expression.uleb());
    case DW_OP_plus:
    case DW_OP_minus: {
      const right = stack.pop();
      const left = stack.at(-1);
      if (!left || !right) return false;
      if (right.base === null) return add(left, operation === DW_OP_plus ? right.offset : -right.offset);
      if (left.base !== null || operation === DW_OP_minus) return false;
      stack[stack.length - 1] = right;
      return add(right, left.offset);
    }
    case DW_OP_deref:
      if (!top || top.loaded || top.base === null) return false;
      top.loaded = true;
      return true;
    case DW_OP_dup:
      if (!top) return false;
      stack.push({ ...top });
      return true;
    case DW_OP_drop:
      return stack.pop() !== undefined;
    default:
      return false;
  }
}

function push(stack: Term[], base: number | null, offset: number): true {
  stack.push({ base, offset, loaded: false, addend: 0 });
  return true;
}

function add(term: Term, value: number): true {
  if (term.loaded) term.addend += value;
  else term.offset += value;
  return true;
}

function readConstant(expression: Cursor, operation: number): number {
  switch (operation - DW_OP_const1u) {
    case 0:
      return expression.u8();
    case 1:
      return expression.i8();
    case 2:
      return expression.u16();
    case 3:
      return (expression.u16() << 16) >> 16;
    case 4:
      return expression.u32();
    case 5:
      return expression.i32();
    case 6:
      return expression.u64();
    case 7:
      return expression.u32() + expression.i32() * 4_294_967_296;
    case 8:
      return expression.uleb();
    default:
      return expression.sleb();
  }
}

function isSmall(value: number): boolean {
  return value === (value | 0);
}

/**
 * A lazy PLT's stub pushes a number in its middle: CFA = rsp + 8 + ((rip & 15) >= n) * 8, as GNU ld and lld write it.
 * The n, or -1 for another expression.
 */
export function recognizePlt(bytes: Uint8Array, at: number, end: number): number {
  // breg7 8; breg16 0; lit15; and; lit N; ge; lit3; shl; plus
  if (end - at !== 11) return -1;
  const literal = bytes[at + 6] - DW_OP_lit0;
  const fits =
    bytes[at] === 0x77 &&
    bytes[at + 1] === 8 &&
    bytes[at + 2] === 0x80 &&
    bytes[at + 3] === 0 &&
    bytes[at + 4] === 0x3f &&
    bytes[at + 5] === 0x1a &&
    bytes[at + 7] === 0x2a &&
    bytes[at + 8] === 0x33 &&
    bytes[at + 9] === 0x24 &&
    bytes[at + 10] === 0x22;
  return fits && literal >= 0 && literal < 16 ? literal : -1;
}
