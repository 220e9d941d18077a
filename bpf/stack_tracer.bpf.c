// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Samples the targets' stacks: one perf event a CPU runs sample_stack() `frequency` times a second, which hands over to
 * sample_kernel() and sample_native() by tail call. Loaded first of a recording's objects, so that samples arrive while
 * everything else still starts (helper/src/bpf/nativeWalker.ts).
 *
 * A stack is sent once in full (struct stack_event); afterwards each hit costs one struct sample_event.
 */
#include "lib/kernel.bpf.h"
#include "events.h"
#include "lib/settings.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/owner.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/registers.bpf.h"
#include "lib/stack.bpf.h"
#include "lib/runtime.bpf.h"
#include "lib/unwind_fp.bpf.h"
#include "lib/unwind_native.bpf.h"
#include "lib/unwind_kernel.bpf.h"
#include "lib/unwind_go.bpf.h"
#include "lib/raw_sample.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The kernel's stack by the kernel itself. */
static __always_inline void ask_kernel_stack(struct perf_event_context *ctx, struct kernel_walk *kernel)
{
	long bytes = bpf_get_stack(ctx, kernel->frames, EVENTS_MAX_FRAMES * sizeof(__u64), 0);

	kernel->count = bytes > 0 ? (__u64)bytes / sizeof(__u64) : 0;
}

static __always_inline bool this_cpu_native_context(struct native_context *context)
{
	struct scratch *scratch = this_cpu_scratch();

	if (!scratch)
		return false;
	context->regs = &scratch->regs;
	context->window = &scratch->window;
	context->walk = &scratch->walk;
	context->rules = &scratch->rules;
	context->stack = &scratch->stack;
	context->hash = scratch->hash;
	context->code = scratch->code;
	return true;
}

SEC("perf_event")
int sample_stack(struct perf_event_context *ctx)
{
	__u32 tgid = current_tgid();
	struct target *target = find_frequent_target(tgid);
	struct capture_counters *count;
	struct kernel_walk *kernel;
	struct scratch *scratch;
	bool in_kernel;
	__u64 hash;

	if (!target || target->state == TARGET_HELD)
		return 0;
	count = this_cpu_counters();
	if (!count)
		return 0;
	if (target->state == TARGET_REFUSED || !caller_may_see((struct task_struct *)bpf_get_current_task())) {
		count->refused_samples++;
		return 0;
	}
	in_kernel = !is_user_mode(&ctx->regs);
	if (!settings.count_kernel && in_kernel) {
		count->filtered++;
		return 0;
	}
	count->taken++;
	scratch = this_cpu_scratch();
	kernel = this_cpu_kernel_walk();
	if (!scratch || !kernel)
		return 0;
	stack_begin(scratch, target, tgid, METRIC_CPU, 1);
	kernel->count = 0;
	if (in_kernel) {
		/* Goes on there where that is loaded, and does not come back. */
		bpf_tail_call(ctx, &walkers, WALKER_KERNEL);
		scratch->has_user_regs = read_saved_regs(&scratch->regs);
		ask_kernel_stack(ctx, kernel);
	} else {
		__builtin_memcpy(&scratch->regs, &ctx->regs, sizeof(scratch->regs));
		scratch->has_user_regs = 1;
	}
	bpf_tail_call(ctx, &walkers, WALKER_NATIVE);
	hash = scratch->hash;
	if (scratch->has_user_regs)
		hash = walk_user_stack(&scratch->regs, &scratch->window, &scratch->stack, hash);
	stack_send(ctx, scratch, hash, kernel, count);
	return 0;
}

/*
 * The kernel's stack by tables, before the user's: at its end lie the user's registers. What takes the verifier long is
 * loaded as an object of its own, while sample_stack samples already: this program, and sample_native_bounded.
 */
SEC("?perf_event")
int sample_kernel(struct perf_event_context *ctx)
{
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	struct scratch *scratch = this_cpu_scratch();

	if (!scratch || !kernel)
		return 0;
	if (kernel_has_ring_buffer() && walk_kernel_stack(&ctx->regs, kernel)) {
		scratch->has_user_regs = kernel->user_regs && !bpf_probe_read_kernel(&scratch->regs, sizeof(scratch->regs),
										     (void *)kernel->user_regs);
	} else {
		scratch->has_user_regs = read_saved_regs(&scratch->regs);
		ask_kernel_stack(ctx, kernel);
	}
	bpf_tail_call(ctx, &walkers, WALKER_NATIVE);
	return 0;
}

/*
 * In place of sample_native until that is loaded, where the verifier takes long for it: keeps samples raw while tables are
 * being made, else walks by frame pointers. A program of its own, because sample_stack cannot call a global function beside
 * its tail calls (x86-64 from 5.10, arm64 from 6.0).
 */
SEC("?perf_event")
int sample_raw(struct perf_event_context *ctx)
{
	struct capture_counters *count = this_cpu_counters();
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	struct scratch *scratch = this_cpu_scratch();
	__u64 hash;

	if (!scratch || !kernel || !count)
		return 0;
	hash = scratch->hash;
	if (scratch->has_user_regs) {
		if (!(__u32)scratch->readiness && send_raw_sample())
			return 0;
		hash = walk_user_stack(&scratch->regs, &scratch->window, &scratch->stack, hash);
		end_without_memory(&scratch->stack);
		if (!(__u32)scratch->readiness && scratch->stack.user_end != WALK_WHOLE)
			scratch->stack.user_end = WALK_TABLES_NOT_READY;
	}
	stack_send(ctx, scratch, hash, kernel, count);
	return 0;
}

/* Frames were left by frame pointer whose tables are still being made, or whose code the helper has not been told of. */
static __always_inline bool lacks_tables(struct scratch *scratch)
{
	if (!(__u32)scratch->readiness)
		return scratch->walk.guesses;
	return scratch->walk.unmapped && scratch->readiness >> 32;
}

/* False where the sample has gone out already. */
static __always_inline bool end_native(struct scratch *scratch, struct capture_counters *count)
{
	end_without_memory(&scratch->stack);
	if (unlikely(scratch->has_user_regs && lacks_tables(scratch))) {
		if (scratch->stack.user_words && send_raw_sample())
			return false;
		if (scratch->stack.user_end != WALK_WHOLE && !(__u32)scratch->readiness)
			scratch->stack.user_end = WALK_TABLES_NOT_READY;
	}
	if (unlikely(has_runtime(scratch, RUNTIME_GO)) && scratch->has_user_regs)
		label_go_sample(scratch);
	count->table_frames += scratch->walk.table_frames;
	count->table_misses += scratch->walk.table_misses;
	count->pointer_frames += scratch->walk.pointer_frames;
	return true;
}

/* Runtimes that have a walker of their own. */
static __always_inline __u32 passes_of(struct scratch *scratch)
{
	return (__u32)scratch->runtimes & ~(1U << RUNTIME_GO);
}

/* After the native walk: to the walkers of runtimes, or out. */
static __always_inline void finish_native(struct perf_event_context *ctx, struct scratch *scratch, __u64 hash)
{
	struct capture_counters *count = this_cpu_counters();
	struct kernel_walk *kernel = this_cpu_kernel_walk();

	if (!count || !kernel || !end_native(scratch, count))
		return;
	scratch->passes = scratch->has_user_regs ? passes_of(scratch) : 0;
	if (unlikely(scratch->passes))
		bpf_tail_call(ctx, &walkers, WALKER_FINISH);
	stack_send(ctx, scratch, hash, kernel, count);
}

/* The user's stack by tables, and the end of the sample. */
SEC("?perf_event")
int sample_native(struct perf_event_context *ctx)
{
	struct scratch *scratch = this_cpu_scratch();
	struct native_context context;

	if (!scratch || !this_cpu_native_context(&context))
		return 0;
	if (scratch->has_user_regs)
		walk_by_tables_looping(&context);
	finish_native(ctx, scratch, context.hash);
	return 0;
}

/* The same for kernels before 5.17. */
SEC("?perf_event")
int sample_native_bounded(struct perf_event_context *ctx)
{
	struct scratch *scratch = this_cpu_scratch();
	struct native_context context;

	if (!scratch || !this_cpu_native_context(&context))
		return 0;
	if (scratch->has_user_regs)
		walk_by_tables(&context);
	finish_native(ctx, scratch, context.hash);
	return 0;
}

/* The same where no program may call both functions and other programs (x86-64 before 5.10, arm64 before 6.0). */
SEC("?perf_event")
int sample_native_alone(struct perf_event_context *ctx)
{
	struct capture_counters *count = this_cpu_counters();
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	struct scratch *scratch = this_cpu_scratch();
	struct native_context context;

	if (!scratch || !count || !kernel || !this_cpu_native_context(&context))
		return 0;
	if (scratch->has_user_regs)
		walk_by_tables(&context);
	if (end_native(scratch, count))
		stack_send(ctx, scratch, context.hash, kernel, count);
	return 0;
}

/* Number of the lowest bit that is set (which clang cannot compile by itself). */
static __always_inline __u32 lowest_bit(__u32 word)
{
	word &= -word;
	return !!(word & 0xffff0000) << 4 | !!(word & 0xff00ff00) << 3 | !!(word & 0xf0f0f0f0) << 2 |
	       !!(word & 0xcccccccc) << 1 | !!(word & 0xaaaaaaaa);
}

/* The walkers of the target's runtimes one after another: each comes back here by tail call. Then the end of the sample. */
SEC("?perf_event")
int sample_finish(struct perf_event_context *ctx)
{
	struct capture_counters *count = this_cpu_counters();
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	struct scratch *scratch = this_cpu_scratch();
	__u32 passes, runtime;

	if (!scratch || !kernel || !count)
		return 0;
	passes = scratch->passes;
	if (passes) {
		runtime = lowest_bit(passes);
		scratch->passes = passes & (passes - 1);
		bpf_tail_call(ctx, &walkers, WALKER_RUNTIME + runtime);
		count->skipped_passes++;
		bpf_tail_call(ctx, &walkers, WALKER_FINISH);
	}
	stack_send(ctx, scratch, hash_user_words(&scratch->stack, scratch->hash), kernel, count);
	return 0;
}
