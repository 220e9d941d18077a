/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is kept of a sample from program to program: each CPU's scratch memory, and the programs that hand it to each other by
 * tail call. Shared by every object that has a part in a stack: the walks of native code and those of runtimes.
 */
#ifndef LIB_SCRATCH_BPF_H
#define LIB_SCRATCH_BPF_H

#include "kernel.bpf.h"
#include "thread_name.bpf.h"
#include "../events.h"

#define FP_WINDOW_BYTES		1024	/* some 10 to 15 frames of typical code */
#define FP_SIZE_MASK		(2 * FP_WINDOW_BYTES - 1)	/* a window can be 8 bytes longer than its block */
#define FP_WINDOW_WORDS		(2 * FP_WINDOW_BYTES / 8)

_Static_assert((FP_WINDOW_WORDS & (FP_WINDOW_WORDS - 1)) == 0, "indexes into the window are masked");

#define NATIVE_RULES_BITS	10	/* return addresses of a busy server: some hundred */
#define NATIVE_RULES		(1 << NATIVE_RULES_BITS)
#define NATIVE_EXACT_BITS	9
#define NATIVE_PLACES_BITS	(NATIVE_RULES_BITS + 1)

_Static_assert(NATIVE_RULES_BITS < 16, "an index fits the field of FOUND_NEXT");

/* The part of the stack at hand: [base, base + valid). */
struct fp_window {
	__u64 words[FP_WINDOW_WORDS];
	__u64 base;		/* address of words[0] */
	__u64 valid;		/* bytes */
	__u64 last;		/* the walk has come to here: end of the last record, at first the stack pointer */
};

/*
 * The rules of addresses seen before, of one CPU: half a word's hash of address and code_id above, the rule below. Those of
 * return addresses stand in the order in which stacks asked for them, so that a path seen before is found as neighbours,
 * eight frames to a line of the cache. (16 bytes an entry, found by hash, made every frame a line: 220 ns each at 99 Hz.)
 * Two of 2^32 addresses share a hash; at one lookup in ten that does not meet its own entry, that is a wrong frame in a year.
 */
struct native_rules {
	__u64 rules[NATIVE_RULES];		/* round and round */
	__u64 exact[1 << NATIVE_EXACT_BITS];	/* of interrupted instructions, by hash */
	__u16 places[1 << NATIVE_PLACES_BITS];	/* by hash, in this place or its neighbour: index into rules */
	__u64 learned;
};

/* The walk's state. In map memory, where the verifier forgets the values: see walk_user_stack() in unwind_fp.bpf.h. */
struct native_walk {
	__u64 ip;
	__u64 sp;
	__u64 fp;
	__u64 lr;		/* arm64, first frame and behind a signal; else 0 */
	__u64 back;		/* 1: ip is a return address, the call lies before it */
	__u64 next;		/* in native_rules.rules: where the rule should be, if the path is one seen before */
	__u32 first;		/* all registers are known */
	__u32 switches;
	__u32 table_frames, table_misses, pointer_frames;
	__u32 guessed;		/* the last frame was left by frame pointer */
	__u32 guesses;		/* frames that had no rule */
	__u32 unmapped;		/* of these, some lay in code that the helper has not told of */
	__u32 runtime_words;	/* kept of frames of runtimes, beside their heads */
	/* The caller's frame, as the rule says. */
	__u64 cfa;		/* or with `loads_cfa` where it lies */
	__u64 fp_place;
	__u64 ra_place;
	__s32 cfa_addend;
	__u32 loads_cfa;
	__u32 fp_from;
	__u32 ra_from;
	__u32 goes_up;		/* the caller's frame lies above this one */
	__u32 go;
	__u32 runtime;		/* the frame is one of a runtime */
};

/* Too large for the 512 bytes of a program's own stack. What every sample touches stands together, on one page or two. */
struct scratch {
	struct user_regs regs;
	struct native_walk walk;
	__u64 hash;		/* of the process: what the hashes of its stacks and names begin with */
	__u64 code;		/* of the target: code_id below, code_page above */
	__u64 runtimes;		/* of the target: runtimes below, runtime_pid above */
	__u64 passes;		/* of the runtimes, those whose walkers are still to run, one a bit */
	__u64 has_user_regs;
	__u64 readiness;	/* of the target: tables_ready below, raw_left above */
	struct thread_names names;
	struct sample_event sample;
	struct fp_window window;
	struct stack_event stack;
	struct native_rules rules;
};
_Static_assert(sizeof(struct scratch) <= 32768, "a per-CPU value's limit");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *this_cpu_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

/* Programs by their place in `walkers`, once the helper has loaded them (helper/src/bpf/nativeWalker.ts). */
#define WALKER_KERNEL	0
#define WALKER_NATIVE	1
#define WALKER_FINISH	2
#define WALKER_RUNTIME	32	/* and the runtime's number */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, WALKER_RUNTIME + RUNTIME_MAX + 1);
	__type(key, __u32);
	__type(value, __u32);
} walkers SEC(".maps");

#endif /* LIB_SCRATCH_BPF_H */
