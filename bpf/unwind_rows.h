/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The unwind row: how to get from a frame to its caller, for a range of code. helper/src/unwind/ compiles .eh_frame into
 * rows and puts them into maps, lib/unwind_native.bpf.h walks by them. helper/src/abi/unwindRows.gen.ts is generated from this
 * file (make abi).
 *
 * A table is a sorted array of rows; a row holds from its pc up to the next one's. Before the first row there is no
 * information. The last row is always UNWIND_NONE, at the end of what the table knows.
 *
 * "fp" is rbp on x86-64, x29 on arm64; "ra" the return address. The caller's sp is the CFA. Register numbers are DWARF's
 * (x86-64: 6 rbp, 7 rsp, 16 rip; arm64: 29 fp, 30 lr, 31 sp). Registers other than sp, fp and ip are known in the first
 * frame only, and in the frame that a signal interrupted (they lie in the signal frame).
 */
#ifndef UNWIND_ROWS_H
#define UNWIND_ROWS_H

struct unwind_row {
	__u32 pc;	/* the file's virtual address minus the table's base */
	__u32 rule;	/* bits as below */
};

/* Bits 0-3 of a rule: how the CFA is found. `cfa` is bits 8-21, signed, times 8. */
enum unwind_cfa {
	UNWIND_NONE = 0,		/* nothing is known: a gap between functions, code without unwind information */
	UNWIND_END = 1,			/* no caller: the entry of a thread */
	UNWIND_SP = 2,			/* CFA = sp + cfa */
	UNWIND_FP = 3,			/* CFA = fp + cfa */
	/* CFA = *(fp + cfa): gcc's realigned stacks. A field "fp place" that is not 0 here means: saved fp = *(fp + 0). */
	UNWIND_DEREF_FP = 4,
	UNWIND_PLT = 5,			/* CFA = sp + 8 + ((ip & 15) >= cfa / 8 ? 8 : 0); fp unchanged */
	/*
	 * sp points to the kernel's signal frame; sp, fp, ip of the interrupted code lie in it, at sp + UNWIND_SIGNAL_*.
	 * That ip is exact (look it up as it is, not one byte earlier); no other bit of the rule is set but `exact`.
	 */
	UNWIND_SIGNAL_RETURN = 6,
	/*
	 * There is a rule, but none of these forms: the walk ends and says so. Bits 8-31 are for people: 0, or 1 + the index
	 * of a wide rule with what is known of it.
	 */
	UNWIND_UNEXPRESSIBLE = 7,
	UNWIND_WIDE = 8,		/* bits 8-31 are an index into the table's struct unwind_wide_rule */
	/*
	 * Go's code: frame pointers hold wherever a function has called another, so in the first frame only CFA = sp + cfa.
	 * Written for functions that Go's compiler made (C of cgo has rows as anywhere); cfa 0: the function switches stacks,
	 * frame pointers in the first frame as well. x86-64 only: on arm64 Go's rows are exact.
	 */
	UNWIND_GO = 9,
	/* Code of a runtime, whose number is in bits 8-13: by frame pointer. In no table, but what a range of such code says. */
	UNWIND_RUNTIME = 10,
};

/* Bits 6-7: where the return address is. */
enum unwind_ra {
	UNWIND_RA_BELOW_CFA = 0,	/* *(CFA - 8): always on x86-64 */
	UNWIND_RA_BESIDE_FP = 1,	/* *(saved fp's place + 8): arm64's pair */
	UNWIND_RA_IN_LR = 2,		/* still in x30: known in the first frame only */
	UNWIND_RA_OWN_PLACE = 3,	/* *(CFA - place): the field "fp place" is the return address's, fp is unchanged */
};

enum unwind_rule_bits {
	UNWIND_CFA_KIND_MASK = 0xf,
	UNWIND_RA_SIGNED = 0x10,	/* arm64: the return address carries a pointer authentication code */
	UNWIND_EXACT = 0x20,		/* signal frame: the caller's ip is exact, look it up without subtracting 1 */
	UNWIND_RA_SHIFT = 6,
	UNWIND_RA_MASK = 3,
	UNWIND_CFA_SHIFT = 8,
	UNWIND_CFA_BITS = 14,		/* signed, in units of 8 bytes */
	UNWIND_FP_SHIFT = 22,
	UNWIND_FP_BITS = 10,		/* saved fp = *(CFA - 8 * place); 0: fp is unchanged */
	UNWIND_RUNTIME_SHIFT = 8,	/* of the runtime's number */
	UNWIND_WIDE_SHIFT = 8,		/* of the index; UNWIND_RA_SIGNED and UNWIND_EXACT stand in the row */
};

/* Where the kernel's signal frame holds what was interrupted, from sp at the return trampoline (sigreturn's caller). */
enum unwind_signal_frame {
	UNWIND_SIGNAL_X86_FP = 120,	/* struct ucontext: uc_mcontext at 40; rbp, rsp, rip are gregs 10, 15, 16 */
	UNWIND_SIGNAL_X86_SP = 160,
	UNWIND_SIGNAL_X86_IP = 168,
	UNWIND_SIGNAL_ARM64_FP = 544,	/* struct rt_sigframe: siginfo 128, uc_mcontext at 176 of ucontext, regs at 8 of it */
	UNWIND_SIGNAL_ARM64_LR = 552,
	UNWIND_SIGNAL_ARM64_SP = 560,
	UNWIND_SIGNAL_ARM64_IP = 568,
};

/*
 * What is rare: other registers, big offsets, pairs that are none. A base is a register number (0-31) or
 * UNWIND_BASE_CFA; the value is base + offset, or with UNWIND_BASE_LOAD what lies in memory there (8 bytes).
 * fp unchanged is {fp's number, 0}; ra in the link register is {30, 0}.
 */
enum unwind_base {
	UNWIND_BASE_REGISTER_MASK = 0x1f,
	UNWIND_BASE_CFA = 0x20,
	UNWIND_BASE_UNKNOWN = 0x40,	/* fp only: nothing is known of the caller's fp from here on */
	UNWIND_BASE_LOAD = 0x80,
};

struct unwind_wide_rule {
	__s32 cfa_offset;
	__s32 fp_offset;
	__s32 ra_offset;
	__u8 cfa_base;		/* a register, perhaps with UNWIND_BASE_LOAD */
	__u8 fp_base;
	__u8 ra_base;
	__s8 cfa_addend;	/* CFA = (value by cfa_base and cfa_offset) + this */
};

/*
 * A table in the kernel is a static tree of 4 KiB pages: pages of rows; above them pages of the first pcs of the pages
 * below (one level up to 524,288 rows, two beyond). Wide rules lie in pages of their own.
 */
enum unwind_pages {
	UNWIND_PAGE_BYTES = 4096,
	UNWIND_PAGE_ROWS = 512,
	UNWIND_PAGE_PCS = 1024,
	UNWIND_PAGE_WIDE_RULES = 256,
	UNWIND_MAX_WIDE_RULES = 4096,	/* of one table; rules beyond are UNWIND_UNEXPRESSIBLE */
};

_Static_assert(sizeof(struct unwind_row) * UNWIND_PAGE_ROWS == UNWIND_PAGE_BYTES, "a page holds rows without a rest");
_Static_assert(sizeof(struct unwind_wide_rule) * UNWIND_PAGE_WIDE_RULES == UNWIND_PAGE_BYTES, "and so with wide rules");
_Static_assert(UNWIND_FP_SHIFT + UNWIND_FP_BITS == 32, "the fields fill the word");

#endif /* UNWIND_ROWS_H */
