// Runs CFA programs: the instructions of a CIE once, then those of each FDE, giving a rule whenever code goes on to another place.
// This is the hot loop of the compiler: numbers in typed arrays, nothing allocated per instruction. Instructions: DWARF 5, section
// 6.4.2; GNU's and Arm's additions: LSB Core, "DWARF Extensions", and "DWARF for the Arm 64-bit Architecture".

import { Cursor } from '../bytes/cursor';
import type { Cie } from './cie';
import { recognize, recognizePlt } from './expressions';
import { MAX_REMEMBERED_STATES } from './limits';
import type { PointerReader } from './pointers';
import type { Architecture } from './registers';
import type { RowCollector } from './rowCollector';
import {
  UNWIND_BASE_CFA,
  UNWIND_BASE_LOAD,
  UNWIND_BASE_UNKNOWN,
  UNWIND_CFA_BITS,
  UNWIND_CFA_KIND_MASK,
  UNWIND_CFA_SHIFT,
  UNWIND_FP,
  UNWIND_NONE,
  UNWIND_SP,
  UNWIND_UNEXPRESSIBLE,
} from './rows';
import type { RuleEncoder } from './ruleEncoder';
import * as S from './state';

const IN_MEMORY_BY_CFA = UNWIND_BASE_CFA | UNWIND_BASE_LOAD;
const CFA_FIELD = (2 ** UNWIND_CFA_BITS - 1) << UNWIND_CFA_SHIFT;

export class CfaMachine {
  readonly state = new Int32Array(S.STATE_WORDS);
  private readonly remembered = new Int32Array(S.STATE_WORDS * MAX_REMEMBERED_STATES);
  /** The rule of each remembered state; UNWIND_UNEXPRESSIBLE where it has to be made (again). */
  private readonly rememberedRules = new Uint32Array(MAX_REMEMBERED_STATES);
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private end = 0;

  constructor(
    private readonly arch: Architecture,
    private readonly encoder: RuleEncoder,
    private readonly rows: RowCollector,
    private readonly pointers: PointerReader,
    private readonly baseAddress: number,
  ) {}

  /** Runs a CIE's own instructions from a clean state; the result stays in `state`. */
  runInitial(bytes: Buffer, at: number, end: number, cie: Cie): void {
    const { state, arch } = this;
    state.fill(0);
    state[S.CFA_HOW] = S.CFA_UNKNOWN;
    state[S.FP_BASE] = arch.fp;
    state[S.RA_BASE] = arch.ra;
    state[S.SP_BASE] = UNWIND_BASE_CFA;
    cie.initialState.set(state);
    this.run(bytes, at, end, cie, 0, 0);
  }

  /**
   * Runs an FDE's instructions, which hold for [pc, pcEnd) (counted from the table's base), and collects its rows. Without
   * a range only the state changes.
   *
   * What is frequent is done here, without a call and without encoding the whole state: saved registers that no row knows
   * of are passed over, a new offset of the CFA is put into the rule as it is.
   */
  run(bytes: Buffer, at: number, end: number, cie: Cie, pc: number, pcEnd: number): void {
    const { state, rows, rememberedRules } = this;
    const { fp, sp } = this.arch;
    const { codeAlign, dataAlign, raRegister } = cie;
    this.bytes = bytes;
    this.end = end;
    const hasRange = pcEnd > pc;
    let location = pc;
    let rule = cie.initialRule;
    let changed = rule === UNWIND_UNEXPRESSIBLE;
    let depth = 0;
    if (hasRange) for (let i = 0; i < S.STATE_WORDS; i++) state[i] = cie.initialState[i];

    while (at < end) {
      const byte = bytes[at++];
      const low = byte & 0x3f;
      let next = location;
      if (byte >= 0x80) {
        // DW_CFA_offset, DW_CFA_restore
        if (low === fp || low === raRegister || low === sp) {
          this.at = at;
          if (byte < 0xc0) this.offset(low, this.uleb() * dataAlign, raRegister);
          else this.restore(low, cie);
          at = this.at;
          changed = true;
        } else if (byte < 0xc0) while (at < end && bytes[at++] >= 0x80);
        continue;
      }
      if (byte >= 0x40) next += low * codeAlign;
      else
        switch (byte) {
          case 0x00: // DW_CFA_nop
            continue;
          case 0x0e: {
            // DW_CFA_def_cfa_offset
            const value = bytes[at];
            const kind = state[S.CFA_HOW] === S.CFA_REGISTER ? rule & UNWIND_CFA_KIND_MASK : UNWIND_NONE;
            if (value < 0x80 && (value & 7) === 0 && !changed && (kind === UNWIND_SP || kind === UNWIND_FP)) {
              at++;
              state[S.CFA_OFFSET] = value;
              rule = ((rule & ~CFA_FIELD) | (value << (UNWIND_CFA_SHIFT - 3))) >>> 0;
              continue;
            }
            this.at = at;
            this.cfaOffset(this.uleb());
            at = this.at;
            changed = true;
            continue;
          }
          case 0x0a: // DW_CFA_remember_state
            if (depth >= MAX_REMEMBERED_STATES) {
              state[S.BROKEN] ||= S.WHY_NESTING;
              changed = true;
            } else {
              for (let i = 0, to = depth * S.STATE_WORDS; i < S.STATE_WORDS; i++) this.remembered[to + i] = state[i];
              rememberedRules[depth] = changed ? UNWIND_UNEXPRESSIBLE : rule;
            }
            depth++;
            continue;
          case 0x0b: // DW_CFA_restore_state
            if (depth === 0 || depth > MAX_REMEMBERED_STATES) {
              state[S.BROKEN] ||= S.WHY_NESTING;
              changed = true;
              depth = Math.max(depth - 1, 0);
              continue;
            }
            depth--;
            for (let i = 0, from = depth * S.STATE_WORDS; i < S.STATE_WORDS; i++) state[i] = this.remembered[from + i];
            rule = rememberedRules[depth];
            changed = rule === UNWIND_UNEXPRESSIBLE;
            continue;
          case 0x01: // DW_CFA_set_loc
            next = this.pointers.read(at, end, cie.pointerEncoding, cie.addressBytes) - this.baseAddress;
            at = this.pointers.nextAt;
            break;
          case 0x02: // DW_CFA_advance_loc1
            next += bytes[at] * codeAlign;
            at += 1;
            break;
          case 0x03: // DW_CFA_advance_loc2
            next += (bytes[at] | (bytes[at + 1] << 8)) * codeAlign;
            at += 2;
            break;
          case 0x04: // DW_CFA_advance_loc4
            next += this.u32(at) * codeAlign;
            at += 4;
            break;
          case 0x1d: // DW_CFA_MIPS_advance_loc8
            next += (this.u32(at) + this.u32(at + 4) * 4_294_967_296) * codeAlign;
            at += 8;
            break;
          default:
            this.at = at;
            this.instruction(byte, cie);
            at = this.at;
            changed = true;
            continue;
        }
      // Code goes on to `next`: what was said so far holds from `location`.
      if (!hasRange) continue;
      if (changed) {
        rule = this.encoder.encode(state, cie.isSignalFrame, location);
        changed = false;
      }
      if (next > location) {
        rows.add(location, rule);
        location = next;
        if (location >= pcEnd) return;
      } else if (!(next === location)) {
        state[S.BROKEN] = S.WHY_INSTRUCTION;
        changed = true;
      }
    }
    if (!(at <= end)) {
      state[S.BROKEN] ||= S.WHY_CUT;
      changed = true;
    }
    if (!hasRange) return;
    if (changed) rule = this.encoder.encode(state, cie.isSignalFrame, location);
    rows.add(location, rule);
  }

  private instruction(operation: number, cie: Cie): void {
    const { state } = this;
    const { dataAlign, raRegister } = cie;
    switch (operation) {
      case 0x05: // DW_CFA_offset_extended
        this.offset(this.uleb(), this.uleb() * dataAlign, raRegister);
        break;
      case 0x06: // DW_CFA_restore_extended
        this.restore(this.uleb(), cie);
        break;
      case 0x07: // DW_CFA_undefined
        this.set(this.uleb(), UNWIND_BASE_UNKNOWN, 0, raRegister);
        break;
      case 0x08: {
        // DW_CFA_same_value
        const register = this.uleb();
        this.set(register, register === raRegister ? this.arch.ra : register, 0, raRegister);
        break;
      }
      case 0x09: {
        // DW_CFA_register
        const register = this.uleb();
        const other = this.uleb();
        this.set(register, other < 32 ? other : S.BASE_UNRECOGNIZED, 0, raRegister);
        break;
      }
      case 0x0c: // DW_CFA_def_cfa
        state[S.CFA_HOW] = S.CFA_REGISTER;
        this.cfaRegister(this.uleb());
        this.cfaOffset(this.uleb());
        break;
      case 0x0d: // DW_CFA_def_cfa_register
        state[S.CFA_HOW] = S.CFA_REGISTER;
        this.cfaRegister(this.uleb());
        break;
      case 0x0e: // DW_CFA_def_cfa_offset
        this.cfaOffset(this.uleb());
        break;
      case 0x0f: // DW_CFA_def_cfa_expression
        this.cfaExpression();
        break;
      case 0x10: // DW_CFA_expression
        this.expression(this.uleb(), raRegister, true);
        break;
      case 0x11: // DW_CFA_offset_extended_sf
        this.offset(this.uleb(), this.sleb() * dataAlign, raRegister);
        break;
      case 0x12: // DW_CFA_def_cfa_sf
        state[S.CFA_HOW] = S.CFA_REGISTER;
        this.cfaRegister(this.uleb());
        this.cfaOffset(this.sleb() * dataAlign);
        break;
      case 0x13: // DW_CFA_def_cfa_offset_sf
        this.cfaOffset(this.sleb() * dataAlign);
        break;
      case 0x14: // DW_CFA_val_offset
        this.set(this.uleb(), UNWIND_BASE_CFA, this.uleb() * dataAlign, raRegister);
        break;
      case 0x15: // DW_CFA_val_offset_sf
        this.set(this.uleb(), UNWIND_BASE_CFA, this.sleb() * dataAlign, raRegister);
        break;
      case 0x16: // DW_CFA_val_expression
        this.expression(this.uleb(), raRegister, false);
        break;
      case 0x2b: // DW_CFA_AARCH64_set_ra_state
        state[S.RA_IS_SIGNED] = this.uleb() === 0 ? 0 : 1;
        this.sleb();
        break;
      case 0x2c: // DW_CFA_AARCH64_negate_ra_state_with_pc
      case 0x2d: // DW_CFA_AARCH64_negate_ra_state
        if (this.arch.hasLinkRegister) state[S.RA_IS_SIGNED] ^= 1;
        else state[S.BROKEN] ||= S.WHY_INSTRUCTION;
        break;
      case 0x2e: // DW_CFA_GNU_args_size: what a landing pad takes off the stack, nothing for a walk
        this.uleb();
        break;
      case 0x2f: // DW_CFA_GNU_negative_offset_extended
        this.offset(this.uleb(), -this.uleb() * dataAlign, raRegister);
        break;
      default:
        // Its length is unknown, so nothing behind it can be read.
        state[S.BROKEN] ||= S.WHY_INSTRUCTION;
        this.at = this.end;
    }
  }

  /** The caller's register is saved at CFA + offset. */
  private offset(register: number, offset: number, raRegister: number): void {
    this.set(register, IN_MEMORY_BY_CFA, offset, raRegister);
  }

  private set(register: number, base: number, offset: number, raRegister: number): void {
    const { state, arch } = this;
    let word: number;
    if (register === raRegister) word = S.RA_BASE;
    else if (register === arch.fp) word = S.FP_BASE;
    else if (register === arch.sp) word = S.SP_BASE;
    else return;
    if (offset !== (offset | 0)) {
      state[S.BROKEN] ||= S.WHY_OFFSET;
      return;
    }
    state[word] = word === S.SP_BASE && base === arch.sp ? UNWIND_BASE_UNKNOWN : base;
    state[word + 1] = offset;
  }

  private restore(register: number, cie: Cie): void {
    const { state, arch } = this;
    const from = cie.initialState;
    let word: number;
    if (register === cie.raRegister) word = S.RA_BASE;
    else if (register === arch.fp) word = S.FP_BASE;
    else if (register === arch.sp) word = S.SP_BASE;
    else return;
    state[word] = from[word];
    state[word + 1] = from[word + 1];
  }

  private cfaRegister(register: number): void {
    this.state[S.CFA_BASE] = register < 32 ? register : -1;
  }

  private cfaOffset(offset: number): void {
    const { state } = this;
    if (offset !== (offset | 0)) state[S.BROKEN] ||= S.WHY_OFFSET;
    else state[S.CFA_OFFSET] = offset;
  }

  private cfaExpression(): void {
    const { state } = this;
    const lengthBytes = this.uleb();
    const from = this.at;
    const to = from + lengthBytes;
    this.at = to;
    state[S.CFA_HOW] = S.CFA_UNKNOWN;
    if (!(to <= this.end)) return;
    const n = recognizePlt(this.bytes, from, to);
    if (n >= 0 && !this.arch.hasLinkRegister) {
      state[S.CFA_HOW] = S.CFA_PLT;
      state[S.CFA_ADDEND] = n;
      return;
    }
    const term = recognize(new Cursor(this.bytes, from, to), false);
    if (!term || term.base === null) return;
    state[S.CFA_HOW] = term.loaded ? S.CFA_LOAD : S.CFA_SUM;
    state[S.EXPRESSION_BASE] = term.base;
    state[S.EXPRESSION_OFFSET] = term.offset;
    state[S.CFA_ADDEND] = term.addend;
  }

  /** `inMemory`: the expression gives the place of the register's value, else the value. */
  private expression(register: number, raRegister: number, inMemory: boolean): void {
    const lengthBytes = this.uleb();
    const from = this.at;
    const to = from + lengthBytes;
    this.at = to;
    if (!(to <= this.end)) return;
    if (register !== raRegister && register !== this.arch.fp && register !== this.arch.sp) return;
    const term = recognize(new Cursor(this.bytes, from, to), true);
    if (!term || term.base === null || term.addend !== 0 || (inMemory && term.loaded))
      this.set(register, S.BASE_UNRECOGNIZED, 0, raRegister);
    else this.set(register, term.base | (inMemory || term.loaded ? UNWIND_BASE_LOAD : 0), term.offset, raRegister);
  }

  private u32(at: number): number {
    const { bytes } = this;
    return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
  }

  private uleb(): number {
    const { bytes, end } = this;
    let byte = bytes[this.at++];
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80 && this.at < end; scale *= 128) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
    }
    return value;
  }

  private sleb(): number {
    const { bytes, end } = this;
    let byte = bytes[this.at++];
    let value = byte & 0x7f;
    let scale = 128;
    while (byte >= 0x80 && this.at < end) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * scale;
      scale *= 128;
    }
    return byte & 0x40 ? value - scale : value;
  }
}
