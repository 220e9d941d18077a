// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Walks the same kernel stacks twice, by lib/unwind_kernel.bpf.h and by bpf_get_stack(), and counts where the two differ.
 * Built, loaded and read by helper/test/root/kernelWalk.test.ts; no part of the product.
 */
#include "../lib/kernel.bpf.h"
#include "../events.h"
#include "../lib/settings.bpf.h"
#include "../lib/filter.bpf.h"
#include "../lib/unwind_fp.bpf.h"
#include "../lib/unwind_kernel.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The first difference is kept whole. */
struct comparison {
	__u64 walked;
	__u64 given_up;
	__u64 given_up_elsewhere;	/* of these: with code on the stack that the kernel's tables do not describe (modules, BPF) */
	__u64 different;
	__u64 frames;
	__u64 own_count, own_regs;
	__u64 kernel_count, kernel_regs;
	__u64 own[EVENTS_MAX_FRAMES];
	__u64 kernel[EVENTS_MAX_FRAMES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct comparison);
} comparison SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[EVENTS_MAX_FRAMES + 1]);
} kernel_stacks SEC(".maps");

SEC("perf_event")
int compare_walks(struct perf_event_context *ctx)
{
	__u32 zero = 0, i;
	struct kernel_walk *walk = this_cpu_kernel_walk();
	struct comparison *result = bpf_map_lookup_elem(&comparison, &zero);
	__u64 *stack = bpf_map_lookup_elem(&kernel_stacks, &zero), count, different, regs = 0;
	struct kernel_unwind_tables *tables = bpf_map_lookup_elem(&kernel_unwind, &zero);
	__u64 elsewhere = 0;
	long bytes;

	if (!walk || !result || !tables || !stack || !find_target(current_tgid()) || is_user_mode(&ctx->regs))
		return 0;
	bytes = bpf_get_stack(ctx, stack, EVENTS_MAX_FRAMES * sizeof(__u64), 0);
	count = bytes > 0 ? (__u64)bytes / sizeof(__u64) : 0;
	if (!walk_kernel_stack(&ctx->regs, walk)) {
		__sync_fetch_and_add(&result->given_up, 1);
		for (i = 0; i < EVENTS_MAX_FRAMES; i++) {
			if (i >= count)
				break;
			elsewhere |= stack[i] - tables->text_start >= tables->text_bytes;
		}
		if (elsewhere)
			__sync_fetch_and_add(&result->given_up_elsewhere, 1);
		return 0;
	}
	different = count != walk->count;
	for (i = 0; i < EVENTS_MAX_FRAMES; i++) {
		if (i >= count)
			break;
		different |= (stack[i] ^ walk->frames[i]) & ~FRAME_EXACT;
	}
	if (walk->user_regs && kernel_has_ring_buffer() && settings.use_task_pt_regs) {
		/* Through memory: the verifier allows no arithmetic on this kind of pointer. */
		stack[EVENTS_MAX_FRAMES] = (__u64)call_task_pt_regs(call_current_task_btf());
		regs = forget(stack[EVENTS_MAX_FRAMES]);
		different |= regs ^ walk->user_regs;
	}
	__sync_fetch_and_add(&result->walked, 1);
	__sync_fetch_and_add(&result->frames, walk->count);
	if (!different)
		return 0;
	if (!result->different) {
		result->own_count = walk->count;
		result->kernel_count = count;
		result->own_regs = walk->user_regs;
		result->kernel_regs = regs;
		__builtin_memcpy(result->own, walk->frames, sizeof(result->own));
		__builtin_memcpy(result->kernel, stack, sizeof(result->kernel));
	}
	__sync_fetch_and_add(&result->different, 1);
	return 0;
}
