/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Walks a user stack by frame pointers. Ours rather than bpf_get_stack(): the kernel's walker stops without saying why,
 * follows whatever the register holds, and reads twice a frame. This one takes the stack a window at a time (one copy
 * of 1 KiB costs less than three of 16 bytes), tells the ends apart, and leaves the place where walking by tables joins.
 *
 * A frame record is {caller's frame pointer, return address}, on x86-64 and arm64 alike. Records only ever lie higher
 * on the stack than the one before.
 *
 * When is a stack whole? A distribution's libc has no frame pointers, so the chain of a main() ends not with 0 but
 * with what the libc had in the register; and 0 alone proves nothing, for a function without frame pointers may hold
 * a 0 there. So the end counts as the thread's entry only by its place: close below the first thing on the stack (the
 * main thread's: mm->start_stack; other threads': the thread's control block, which C libraries put there; stacks
 * that a runtime made: what it says), and with at least one return address found.
 */
#ifndef LIB_UNWIND_FP_BPF_H
#define LIB_UNWIND_FP_BPF_H

#include "kernel.bpf.h"
#include "hash.bpf.h"
#include "registers.bpf.h"
#include "scratch.bpf.h"
#include "unwind_go.bpf.h"
#include "../events.h"

#define FP_RECORD_BYTES		16
#define FP_MAIN_ENTRY_GAP	1024	/* _start's and the libc's frames above main's: 350 bytes with glibc 2.36 */
#define FP_THREAD_ENTRY_GAP	8192	/* the same, and static TLS, which lies between (1 to 4 KiB with glibc) */
#define FP_STACK_MAX_BITS	30	/* further up than 1 GiB: another stack, or no stack at all */

/* Is `last`, the highest place that the walk reached, where this thread's first function has its frame? */
static __always_inline bool near_entry(struct user_regs *regs, __u64 last)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 ids = bpf_get_current_pid_tgid();
	__u64 thread = thread_pointer(task), base;

	if ((__u32)ids == ids >> 32) {
		base = BPF_CORE_READ(task, mm, start_stack);
		if (base - last <= FP_MAIN_ENTRY_GAP)
			return true;
	} else if (thread - last <= FP_THREAD_ENTRY_GAP) {
		return true;
	}
	return near_go_entry(regs, thread, last);
}

/*
 * Fills the stack's user part, innermost first: words[0] is the instruction itself, the others are return addresses.
 * Returns `hash` with each mixed in.
 *
 * For the verifier: what the loop leaves behind is kept in map memory (the count, the end, the window), where it forgets the
 * values. In registers each of the 127 ways out of the loop would be a state of its own in all that follows.
 */
static __always_inline __u64 walk_user_stack(struct user_regs *regs, struct fp_window *window,
					     struct stack_event *stack, __u64 hash)
{
	__u64 fp = frame_pointer(regs);
	__u32 i;

	stack->words[0] = regs->ip;
	stack->user_words = 1;
	hash = mix(hash, regs->ip);
	stack->user_frames = 1;
	if (is_32bit(regs)) {
		stack->user_end = WALK_32BIT;
		return hash;
	}
	stack->user_end = WALK_TOO_DEEP;
	window->base = 0;
	window->valid = 0;
	window->last = regs->sp;
	for (i = 1; i < EVENTS_MAX_FRAMES; i++) {
		__u64 offset, address;

		/* Each record lies above the one before. */
		if ((fp - forget(window->last)) >> FP_STACK_MAX_BITS | (fp & 7)) {
			stack->user_end = fp ? WALK_NO_FRAME_POINTER : WALK_UNKNOWN;
			break;
		}
		if (fp - forget(window->base) + FP_RECORD_BYTES > forget(window->valid)) {
			/* Up to the end of the block in which the record ends: one read, which touches no page more. */
			window->base = fp;
			window->valid = ((fp + 8) | (FP_WINDOW_BYTES - 1)) + 1 - fp;
			if (bpf_probe_read_user(window->words, forget(window->valid) & FP_SIZE_MASK, (void *)fp)) {
				stack->user_end = WALK_UNREADABLE_STACK;
				break;
			}
		}
		offset = fp - forget(window->base);
		offset /= 8;
		address = strip_signature(window->words[(offset + 1) & (FP_WINDOW_WORDS - 1)]);
		if ((address - USER_ADDRESS_MIN) >> USER_ADDRESS_BITS) {
			stack->user_end = WALK_BAD_ADDRESS;
			break;
		}
		stack->words[i] = address;
		stack->user_words = i + 1;
		hash = mix(hash, address);
		window->last = fp + FP_RECORD_BYTES;
		fp = window->words[offset & (FP_WINDOW_WORDS - 1)];
	}
	stack->user_frames = stack->user_words;
	if (stack->user_end == WALK_TOO_DEEP)
		return hash;
	if (stack->user_words < 2)
		stack->user_end = stack->user_end == WALK_UNKNOWN ? WALK_NO_FRAME_POINTER : stack->user_end;
	else if (near_entry(regs, window->last))
		stack->user_end = WALK_WHOLE;
	return hash;
}

#endif /* LIB_UNWIND_FP_BPF_H */
