// Walks a user stack by unwind rows in user space: for samples that were kept raw because the tables of their code were still
// being made. The rules and their meaning are those of bpf/lib/unwind_native.bpf.h, step by step, so that a stack looks the
// same whoever walked it; helper/test/root/rawSamples.test.ts holds the two against each other.
//
// Numbers are doubles: addresses of user space are exact (below 2^48), and a word that is larger is no address, whatever its
// lower bits are.

import type { TruncationReason } from '../../protocol';
import {
  cfaOffsetOf,
  fpPlaceOf,
  kindOf,
  raPlaceOf,
  UNWIND_BASE_CFA,
  UNWIND_BASE_LOAD,
  UNWIND_BASE_REGISTER_MASK,
  UNWIND_BASE_UNKNOWN,
  UNWIND_CFA_SHIFT,
  UNWIND_DEREF_FP,
  UNWIND_END,
  UNWIND_EXACT,
  UNWIND_FP,
  UNWIND_FP_SHIFT,
  UNWIND_GO,
  UNWIND_NONE,
  UNWIND_PLT,
  UNWIND_RA_BELOW_CFA,
  UNWIND_RA_BESIDE_FP,
  UNWIND_RA_IN_LR,
  UNWIND_RA_OWN_PLACE,
  UNWIND_RA_SHIFT,
  UNWIND_RUNTIME,
  UNWIND_SIGNAL_ARM64_FP,
  UNWIND_SIGNAL_ARM64_IP,
  UNWIND_SIGNAL_ARM64_LR,
  UNWIND_SIGNAL_ARM64_SP,
  UNWIND_SIGNAL_RETURN,
  UNWIND_SIGNAL_X86_FP,
  UNWIND_SIGNAL_X86_IP,
  UNWIND_SIGNAL_X86_SP,
  UNWIND_SP,
  UNWIND_UNEXPRESSIBLE,
  UNWIND_WIDE,
  wideIndexOf,
} from '../rows';

export type Arch = 'x86-64' | 'aarch64';

/** A thread as it was sampled. */
export interface RawThread {
  /** struct user_regs, word by word. */
  registers: ArrayLike<number>;
  /** The 8 bytes at an address, which is a multiple of 8; null where they were not copied. */
  word(address: number): number | null;
  /** The same as a return address: what signs it (arm64) is taken off. */
  returnAddress(address: number): number | null;
  /** The thread's first function has its frame at most `entryGap` bytes below `entry`. */
  entry: number;
  entryGap: number;
  /** Bounds of a stack that a runtime made for what it runs, or 0. */
  runtimeLow: number;
  runtimeHigh: number;
}

/** struct unwind_wide_rule. */
export interface WideRule {
  cfaOffset: number;
  fpOffset: number;
  raOffset: number;
  cfaBase: number;
  fpBase: number;
  raBase: number;
  cfaAddend: number;
}

export interface Rules {
  /** The rule that holds at an address: UNWIND_NONE where none does, UNWIND_GO in Go's code without one. */
  ruleAt(address: number): number;
  wideRule(index: number): WideRule | null;
}

export interface Walked {
  /** Innermost first: the instruction itself, then return addresses. */
  frames: number[];
  /** Indexes of frames that are no return addresses although they are not the first (FRAME_EXACT of bpf/events.h). */
  exact: number[];
  /** null: to the thread's entry. */
  end: TruncationReason | null;
  /** Where code without a rule was first met, and left by frame pointer; null: nowhere. */
  firstGuess: number | null;
  /** The address that could not be read, where `end` is unreadableStack. */
  missing: number | null;
}

/** FP_STACK_MAX_BITS of bpf/lib/unwind_fp.bpf.h, GO_ENTRY_GAP of unwind_go.bpf.h, USER_ADDRESS_MIN and USER_ADDRESS_BITS of registers.bpf.h. */
const STACK_MAX_BYTES = 2 ** 30;
const GO_ENTRY_GAP = 256;
const USER_ADDRESS_MIN = 0x1000;
const USER_ADDRESS_END = USER_ADDRESS_MIN + 2 ** 48;
/** NATIVE_STACK_SWITCHES of bpf/lib/unwind_native.bpf.h. */
const STACK_SWITCHES = 4;
/** By frame pointer: CFA = fp + 16, saved fp at CFA - 16, return address at CFA - 8. */
const POINTER_RULE =
  UNWIND_FP | (2 << UNWIND_CFA_SHIFT) | (2 << UNWIND_FP_SHIFT) | (UNWIND_RA_BELOW_CFA << UNWIND_RA_SHIFT);

/** What differs between the architectures: DWARF's register numbers, places in struct user_regs, the signal frame. */
interface Machine {
  ip: number;
  sp: number;
  fp: number;
  /** Place of the link register; null: there is none. */
  lr: number | null;
  dwarfFp: number;
  dwarfSp: number;
  dwarfLr: number | null;
  /** Place of a DWARF register; undefined: no such. */
  place: (dwarf: number) => number | undefined;
  signal: { fp: number; sp: number; ip: number; lr: number | null };
}

/** rax rdx rcx rbx rsi rdi rbp rsp r8 to r15 rip. */
const X86_PLACES = [10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16];
const MACHINES: Record<Arch, Machine> = {
  'x86-64': {
    ip: 16,
    sp: 19,
    fp: 4,
    lr: null,
    dwarfFp: 6,
    dwarfSp: 7,
    dwarfLr: null,
    place: (dwarf) => X86_PLACES[dwarf],
    signal: { fp: UNWIND_SIGNAL_X86_FP, sp: UNWIND_SIGNAL_X86_SP, ip: UNWIND_SIGNAL_X86_IP, lr: null },
  },
  aarch64: {
    ip: 32,
    sp: 31,
    fp: 29,
    lr: 30,
    dwarfFp: 29,
    dwarfSp: 31,
    dwarfLr: 30,
    place: (dwarf) => (dwarf < 31 ? dwarf : undefined),
    signal: {
      fp: UNWIND_SIGNAL_ARM64_FP,
      sp: UNWIND_SIGNAL_ARM64_SP,
      ip: UNWIND_SIGNAL_ARM64_IP,
      lr: UNWIND_SIGNAL_ARM64_LR,
    },
  },
};

/** Where a word of the caller's frame comes from; `nowhere`: unchanged, or for the return address the link register. */
type Place = { from: 'nowhere' } | { from: 'cfa' | 'address' | 'value'; at: number };
const NOWHERE: Place = { from: 'nowhere' };

export function walkRaw(arch: Arch, thread: RawThread, rules: Rules, maxFrames: number): Walked {
  return new Walk(MACHINES[arch], thread, rules).run(maxFrames);
}

class Walk {
  private ip: number;
  private sp: number;
  private fp: number;
  private lr: number;
  /** ip is a return address: the call lies before it. */
  private back = false;
  private first = true;
  private switches = 0;
  private guessed = false;
  private go = false;
  private runtime = false;
  private goesUp = true;
  private firstGuess: number | null = null;
  private missing: number | null = null;
  /** The caller's frame, as the rule says: `cfa`, or where it lies and what is to be added then. */
  private cfa = 0;
  private loadsCfa: { addend: number } | null = null;
  private fpPlace: Place = NOWHERE;
  private raPlace: Place = NOWHERE;

  constructor(
    private readonly machine: Machine,
    private readonly thread: RawThread,
    private readonly rules: Rules,
  ) {
    const { registers } = thread;
    this.ip = registers[machine.ip];
    this.sp = registers[machine.sp];
    this.fp = registers[machine.fp];
    this.lr = machine.lr === null ? 0 : registers[machine.lr];
  }

  run(maxFrames: number): Walked {
    const frames = [this.ip];
    const exact = new Set<number>();
    let end: TruncationReason | null | undefined = 'tooDeep';
    while (frames.length < maxFrames) {
      let rule = this.rules.ruleAt(this.back ? this.ip - 1 : this.ip);
      if (this.back && kindOf(rule) === UNWIND_NONE) {
        // Nothing called it: a trampoline's first instruction, or what somebody laid on a new stack to be returned to.
        const there = this.rules.ruleAt(this.ip);
        if (kindOf(there) === UNWIND_SIGNAL_RETURN) rule = there;
        else if (kindOf(there) !== UNWIND_NONE) {
          exact.add(frames.length - 1);
          return this.walked(frames, exact, null);
        }
      }
      if (kindOf(rule) === UNWIND_SIGNAL_RETURN) exact.add(frames.length - 1);
      const ended = this.apply(rule);
      end = ended === undefined ? this.toCaller(rule) : ended;
      if (end !== undefined) break;
      if (!this.back) exact.add(frames.length);
      frames.push(this.ip);
      end = 'tooDeep';
    }
    // Chains that ran out may have done so at the right place.
    if (end && end !== 'tooDeep' && frames.length > 1 && this.isNearEntry()) end = null;
    return this.walked(frames, exact, end ?? null);
  }

  private walked(frames: number[], exact: Set<number>, end: TruncationReason | null): Walked {
    exact.delete(0);
    return { frames, exact: [...exact], end, firstGuess: this.firstGuess, missing: this.missing };
  }

  private isNearEntry(): boolean {
    const { entry, entryGap, runtimeLow, runtimeHigh } = this.thread;
    const below = entry - this.sp;
    if (below >= 0 && below <= entryGap) return true;
    return runtimeLow < this.sp && this.sp <= runtimeHigh && runtimeHigh - this.sp <= GO_ENTRY_GAP;
  }

  /** What the rule says of the caller's frame. Undefined: go on. */
  private apply(rule: number): TruncationReason | null | undefined {
    const { machine } = this;
    let kind = kindOf(rule);
    this.loadsCfa = null;
    this.goesUp = true;
    this.guessed = false;
    this.go = false;
    this.runtime = false;
    if (kind === UNWIND_SIGNAL_RETURN) {
      this.cfa = this.sp + machine.signal.sp;
      this.loadsCfa = { addend: 0 };
      this.fpPlace = { from: 'address', at: this.sp + machine.signal.fp };
      this.raPlace = { from: 'address', at: this.sp + machine.signal.ip };
      // The signal may have come on a stack of its own.
      this.goesUp = false;
      return undefined;
    }
    if (kind === UNWIND_END) return null;
    if (kind === UNWIND_UNEXPRESSIBLE) return 'unexpressible';
    if (kind === UNWIND_WIDE) return this.applyWide(wideIndexOf(rule)) ? undefined : 'unexpressible';
    let used = rule;
    if (kind === UNWIND_GO) {
      this.go = true;
      if (!this.back && (rule & ~UNWIND_EXACT) !== UNWIND_GO) {
        // Its rows say nothing of fp: pushed at the top of the frame, and set, unless that is still to come.
        this.cfa = this.sp + cfaOffsetOf(rule);
        this.fpPlace = this.fp + 16 === this.cfa ? { from: 'cfa', at: -16 } : NOWHERE;
        this.raPlace = { from: 'cfa', at: -8 };
        return undefined;
      }
      used = POINTER_RULE;
      this.goesUp = false;
    } else if (kind === UNWIND_RUNTIME) {
      used = POINTER_RULE;
      this.runtime = true;
    } else if (kind === UNWIND_NONE) {
      this.firstGuess ??= this.back ? this.ip - 1 : this.ip;
      used = POINTER_RULE;
      this.guessed = true;
    }
    kind = kindOf(used);
    const offset = cfaOffsetOf(used);
    const fpPlace = fpPlaceOf(used);
    this.fpPlace = fpPlace ? { from: 'cfa', at: -fpPlace } : NOWHERE;
    this.raPlace = { from: 'cfa', at: -8 };
    if (kind === UNWIND_SP) this.cfa = this.sp + offset;
    else if (kind === UNWIND_FP) this.cfa = this.fp + offset;
    else if (kind === UNWIND_PLT) this.cfa = this.sp + 8 + ((this.ip % 16) * 8 >= offset ? 8 : 0);
    else if (kind === UNWIND_DEREF_FP) {
      this.cfa = this.fp + offset;
      this.loadsCfa = { addend: 0 };
      if (fpPlace) this.fpPlace = { from: 'address', at: this.fp };
    } else return 'unexpressible';
    if (machine.lr !== null && !this.guessed && !this.go && !this.runtime) {
      const place = raPlaceOf(used);
      if (place === UNWIND_RA_BESIDE_FP) this.raPlace = { from: 'cfa', at: 8 - fpPlace };
      else if (place === UNWIND_RA_OWN_PLACE) {
        this.raPlace = { from: 'cfa', at: -fpPlace };
        this.fpPlace = NOWHERE;
      } else if (place === UNWIND_RA_IN_LR) this.raPlace = NOWHERE;
    }
    return undefined;
  }

  private applyWide(index: number): boolean {
    const rule = this.rules.wideRule(index);
    const base = rule && this.register(rule.cfaBase);
    if (!rule || base === null) return false;
    this.cfa = base + rule.cfaOffset;
    if (rule.cfaBase & UNWIND_BASE_LOAD) this.loadsCfa = { addend: rule.cfaAddend };
    else this.cfa += rule.cfaAddend;
    const fp =
      rule.fpBase & UNWIND_BASE_UNKNOWN ? { from: 'value' as const, at: 0 } : this.place(rule.fpBase, rule.fpOffset);
    const ra = this.place(rule.raBase, rule.raOffset);
    if (!fp || !ra) return false;
    this.fpPlace = fp;
    this.raPlace = ra;
    return true;
  }

  private place(base: number, offset: number): Place | null {
    if (base & UNWIND_BASE_CFA) return { from: 'cfa', at: offset };
    const value = this.register(base);
    if (value === null) return null;
    return { from: base & UNWIND_BASE_LOAD ? 'address' : 'value', at: value + offset };
  }

  /** Null where it is not known in this frame. */
  private register(base: number): number | null {
    const { machine } = this;
    const number = base & UNWIND_BASE_REGISTER_MASK;
    if (number === machine.dwarfFp) return this.fp;
    if (number === machine.dwarfSp) return this.sp;
    if (number === machine.dwarfLr) return this.lr;
    const place = this.first ? machine.place(number) : undefined;
    return place === undefined ? null : this.thread.registers[place];
  }

  /** From a frame to its caller's, as apply() left it. Undefined: go on. */
  private toCaller(rule: number): TruncationReason | null | undefined {
    const { thread } = this;
    let { cfa } = this;
    if (this.loadsCfa) {
      const loaded = this.read(cfa);
      if (loaded === null) return 'unreadableStack';
      cfa = loaded + this.loadsCfa.addend;
    }
    const up = cfa - this.sp;
    if (!(up >= 0 && up < STACK_MAX_BYTES) && (this.goesUp || ++this.switches > STACK_SWITCHES)) {
      if (this.guessed) return 'noUnwindInfo';
      return this.go && this.fp === 0 ? null : 'badAddress';
    }
    let { fp } = this;
    if (this.fpPlace.from === 'value') fp = this.fpPlace.at;
    else if (this.fpPlace.from !== 'nowhere') {
      const read = this.read(this.fpPlace.from === 'cfa' ? cfa + this.fpPlace.at : this.fpPlace.at);
      if (read === null) return this.guessed ? 'noUnwindInfo' : 'unreadableStack';
      fp = read;
    }
    let ip = this.lr;
    if (this.raPlace.from === 'value') ip = this.raPlace.at;
    else if (this.raPlace.from !== 'nowhere') {
      const at = this.raPlace.from === 'cfa' ? cfa + this.raPlace.at : this.raPlace.at;
      const read = at % 8 === 0 ? thread.returnAddress(at) : null;
      if (read === null) {
        this.missing = at;
        return 'unreadableStack';
      }
      ip = read;
    }
    let lr = 0;
    const { signal } = this.machine;
    if (kindOf(rule) === UNWIND_SIGNAL_RETURN && signal.lr !== null) {
      const read = this.read(this.sp + signal.lr);
      if (read === null) return 'unreadableStack';
      lr = read;
    }
    if (!(ip >= USER_ADDRESS_MIN && ip < USER_ADDRESS_END)) {
      if (ip !== 0) return this.guessed ? 'noUnwindInfo' : 'badAddress';
      return this.go ? null : 'unknown';
    }
    this.lr = lr;
    this.sp = cfa;
    this.fp = fp;
    this.ip = ip;
    this.back = (rule & UNWIND_EXACT) === 0;
    this.first = false;
    return undefined;
  }

  private read(address: number): number | null {
    const word = address % 8 === 0 ? this.thread.word(address) : null;
    if (word === null) this.missing = address;
    return word;
  }
}
