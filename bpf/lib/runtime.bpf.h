/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Frames and labels of language runtimes. A runtime's walker is a program of its own (bpf/unwind_<runtime>.bpf.c, program
 * sample_<runtime>), loaded when a target has that runtime. It runs after the native walk, on the sampled thread itself, so that
 * nothing of it moves meanwhile, and ends in end_of_pass(). It may
 *   - replace what the native walk left of frames in the runtime's code (enum frame_words) by what names them,
 *   - add a chain of frames of its own behind the native ones (push_runtime_frame()), which user space puts in between,
 *   - say what the thread works for (set_label()).
 * Its data of the process lies in a map of its own with the key runtime_pid(), which the helper writes before it says in `targets`
 * that the runtime is there.
 */
#ifndef LIB_RUNTIME_BPF_H
#define LIB_RUNTIME_BPF_H

#include "kernel.bpf.h"
#include "scratch.bpf.h"
#include "../events.h"

/* Has the helper said where the data of this runtime lies? */
static __always_inline bool has_runtime(struct scratch *scratch, __u32 runtime)
{
	return scratch->runtimes >> runtime & 1;
}

/* The process's key in the runtimes' maps. */
static __always_inline __u32 runtime_pid(struct scratch *scratch)
{
	return scratch->runtimes >> 32;
}

static __always_inline __u64 runtime_head(__u64 runtime, __u64 words, __u64 data)
{
	return FRAME_RUNTIME | runtime << FRAME_RUNTIME_SHIFT | words << FRAME_WORDS_SHIFT | (data & FRAME_DATA_MASK);
}

/*
 * Adds a frame behind those that are there, with `count` words (a constant, FRAME_WORDS_MAX at the most). False where there is no
 * room: then the stack says that it is too deep.
 */
static __always_inline bool push_runtime_frame(struct scratch *scratch, __u64 runtime, __u64 data, const __u64 *words,
					       const __u32 count)
{
	struct stack_event *stack = &scratch->stack;
	__u64 at = forget(stack->user_words);
	__u32 i;

	asm volatile("" : "+r"(at));
	if (at >= EVENTS_MAX_USER_WORDS - count) {
		stack->user_end = WALK_TOO_DEEP;
		return false;
	}
	stack->words[at] = runtime_head(runtime, count, data);
#pragma unroll
	for (i = 0; i < count; i++)
		stack->words[at + 1 + i] = words[i];
	stack->user_words = at + 1 + count;
	return true;
}

/* What the thread works for; 0: nothing. */
static __always_inline void set_label(struct scratch *scratch, enum label_kind kind, __u64 label)
{
	scratch->sample.label = label;
	scratch->sample.label_kind = label ? kind : LABEL_NONE;
}

/* The sample goes on: to the next walker, or out. Does not come back, unless sample_finish is not there. */
static __always_inline void end_of_pass(void *ctx)
{
	bpf_tail_call(ctx, &walkers, WALKER_FINISH);
}

#endif /* LIB_RUNTIME_BPF_H */
