// What the compiler must know of an architecture: DWARF's register numbers and names as binutils prints them, and where the
// kernel's signal frame holds registers. Sources: System V ABI, AMD64 supplement, figure "DWARF Register Number Mapping";
// "DWARF for the Arm 64-bit Architecture"; the offsets are those of bpf/unwind_rows.h.

import type { ElfFile } from '../elf/parser';
import { SIGNAL_TRAMPOLINES } from '../elf/signalTrampolines';
import {
  UNWIND_SIGNAL_ARM64_FP,
  UNWIND_SIGNAL_ARM64_IP,
  UNWIND_SIGNAL_ARM64_SP,
  UNWIND_SIGNAL_X86_FP,
  UNWIND_SIGNAL_X86_IP,
  UNWIND_SIGNAL_X86_SP,
} from './rows';

export interface Architecture {
  name: 'x86-64' | 'aarch64';
  fp: number;
  sp: number;
  /** The column of the return address. */
  ra: number;
  /** The return address is in a register before it is saved. */
  hasLinkRegister: boolean;
  registerNames: string[];
  signalFrame: { fpOffset: number; spOffset: number; ipOffset: number };
  signalTrampolines: readonly Buffer[];
}

const X86_64: Architecture = {
  name: 'x86-64',
  fp: 6,
  sp: 7,
  ra: 16,
  hasLinkRegister: false,
  registerNames: 'rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip'.split(' '),
  signalFrame: { fpOffset: UNWIND_SIGNAL_X86_FP, spOffset: UNWIND_SIGNAL_X86_SP, ipOffset: UNWIND_SIGNAL_X86_IP },
  signalTrampolines: SIGNAL_TRAMPOLINES['x86-64'],
};

const AARCH64: Architecture = {
  name: 'aarch64',
  fp: 29,
  sp: 31,
  ra: 30,
  hasLinkRegister: true,
  registerNames: [...Array.from({ length: 31 }, (_, i) => `x${i}`), 'sp'],
  signalFrame: {
    fpOffset: UNWIND_SIGNAL_ARM64_FP,
    spOffset: UNWIND_SIGNAL_ARM64_SP,
    ipOffset: UNWIND_SIGNAL_ARM64_IP,
  },
  signalTrampolines: SIGNAL_TRAMPOLINES.aarch64,
};

const EM_AARCH64 = 183;

/** Of a file that ElfFile has accepted: one of the two. */
export function architectureOf(elf: ElfFile): Architecture {
  return elf.source.read(18, 2).readUInt16LE(0) === EM_AARCH64 ? AARCH64 : X86_64;
}
