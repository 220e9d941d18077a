// The code that a signal handler returns to: the call of rt_sigreturn and nothing else. Unwinders know it by its instructions, as GDB
// and libgcc do, since some C libraries and the kernel's vdso on arm64 describe it nowhere.

import type { ElfFile } from './parser';

// mov $15,%rax; syscall, and the shorter mov $15,%eax; syscall.
const X86_64 = [Buffer.from('48c7c00f0000000f05', 'hex'), Buffer.from('b80f0000000f05', 'hex')];
// mov x8, #139; svc #0
const AARCH64 = [Buffer.from('681180d2010000d4', 'hex')];
const LONGEST_BYTES = 9;

export const SIGNAL_TRAMPOLINES = { 'x86-64': X86_64, aarch64: AARCH64 } as const;

/** Does a trampoline begin at `fileOffset`? Of either architecture: no other code has these bytes where a call returns to. */
export function isTrampolineAt(elf: ElfFile, fileOffset: number): boolean {
  const code = elf.source.glance(fileOffset, LONGEST_BYTES);
  return [...X86_64, ...AARCH64].some((trampoline) => code.subarray(0, trampoline.length).equals(trampoline));
}
