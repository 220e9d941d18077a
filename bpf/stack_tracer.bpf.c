// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Samples the targets' stacks: one perf event a CPU runs sample_stack() `frequency` times a second, which hands over to
 * sample_kernel() and sample_native() by tail call. Loaded first of a recording's objects, so that samples arrive while
 * everything else still starts: by helper/src/bpf/nativeWalker.ts for helper/src/engine/capture.ts.
 *
 * A stack is sent once in full (struct stack_event); afterwards each hit costs one struct sample_event.
 */
#include "lib/kernel.bpf.h"
#include "events.h"
#include "lib/settings.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/owner.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/hash.bpf.h"
#include "lib/unwind_fp.bpf.h"
#include "lib/unwind_native.bpf.h"
#include "lib/unwind_kernel.bpf.h"
#include "lib/goroutine.bpf.h"
#include "lib/thread_name.bpf.h"

/* Stacks remembered as sent: 4 to a set, 16,384 sets. More live stacks than that cost a full record again and again. */
#define KNOWN_WAYS	4
#define KNOWN_SETS	16384
#define STACK_FIXED_BYTES	__builtin_offsetof(struct stack_event, frames)

_Static_assert((KNOWN_SETS & (KNOWN_SETS - 1)) == 0, "the set is chosen by mask");
_Static_assert(sizeof(struct sample_event) + 8 <= 64, "a known stack costs at most 64 bytes in the ring");

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * Least recently sent in a set goes first. An array, not an LRU hash: it is found by index (no lock, no allocation,
 * safe in the NMI of a hardware counter), and what races between CPUs can lose is one entry, which costs a record more.
 */
struct known_set {
	__u64 stack_ids[KNOWN_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KNOWN_SETS);
	__type(key, __u32);
	__type(value, struct known_set);
} known_stacks SEC(".maps");

/* Too large for the 512 bytes of a program's own stack. What every sample touches stands together, on one page or two. */
struct scratch {
	struct user_regs regs;
	struct native_walk walk;
	__u64 hash;		/* of the process: what the hashes of its stacks and names begin with */
	__u64 code;		/* of the target: code_id below, code_page above */
	__u64 go;		/* of the target: go_tls, go_goid, go_curg */
	__u64 has_user_regs;
	__u64 readiness;	/* of the target: tables_ready below, raw_left above */
	struct thread_names names;
	struct sample_event sample;
	struct fp_window window;
	struct stack_event stack;
	struct native_rules rules;
	struct raw_sample_event raw;	/* all but its stack */
};
_Static_assert(sizeof(struct scratch) <= 32768, "a per-CPU value's limit");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

/* sample_kernel and sample_native, once the helper has loaded them. */
#define WALKER_KERNEL	0
#define WALKER_NATIVE	1
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} walkers SEC(".maps");

/* The registers with which the thread entered the kernel. False where it never was in user space. */
static __always_inline bool read_saved_regs(struct user_regs *regs)
{
	void *saved;

	if (kernel_has_ring_buffer() && settings.use_task_pt_regs) {
		saved = call_task_pt_regs(call_current_task_btf());
	} else {
		/* Before 5.15: on top of the kernel stack (task_pt_regs(), THREAD_SIZE 16 KiB on x86-64 and arm64). */
		saved = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), stack);
		saved += 16384 - SAVED_REGS_BYTES;
	}
	if (!bpf_probe_read_kernel(regs, sizeof(*regs), saved) && is_user_mode(regs))
		return true;
	/* Kernels built for FRED (6.9) leave 16 bytes free above them, should the helper function not be used there. */
	return !bpf_probe_read_kernel(regs, sizeof(*regs), saved - 16) && is_user_mode(regs);
}

static __always_inline bool is_known(struct known_set *set, __u64 stack_id)
{
	return set->stack_ids[0] == stack_id || set->stack_ids[1] == stack_id || set->stack_ids[2] == stack_id ||
	       set->stack_ids[3] == stack_id;
}

static __always_inline void remember(struct known_set *set, __u64 stack_id)
{
	set->stack_ids[3] = set->stack_ids[2];
	set->stack_ids[2] = set->stack_ids[1];
	set->stack_ids[1] = set->stack_ids[0];
	set->stack_ids[0] = stack_id;
}

/* The kernel's stack by the kernel itself. */
static __always_inline void ask_kernel_stack(struct perf_event_context *ctx, struct kernel_walk *kernel)
{
	long bytes = bpf_get_stack(ctx, kernel->frames, EVENTS_MAX_FRAMES * sizeof(__u64), 0);

	kernel->count = bytes > 0 ? (__u64)bytes / sizeof(__u64) : 0;
}

/* Appends the kernel's frames to the user's and returns the whole stack's hash. */
static __always_inline __u64 append_kernel_stack(struct kernel_walk *kernel, struct stack_event *stack, __u64 hash)
{
	__u64 first = stack->user_count, count = kernel->count;
	__u32 i;

	stack->kernel_count = count;
	if (first > EVENTS_MAX_USER_FRAMES)
		return hash;
	for (i = 0; i < EVENTS_MAX_FRAMES; i++) {
		__u64 address = kernel->frames[i];

		if (i >= count)
			break;
		stack->frames[first + i] = address;
		hash = mix(hash, address);
	}
	return hash;
}

static __always_inline long send_stack(void *ctx, struct stack_event *stack)
{
	__u64 size_bytes;

	size_bytes = STACK_FIXED_BYTES + ((__u64)stack->user_count + stack->kernel_count) * sizeof(__u64);
	if (size_bytes > sizeof(*stack))
		return -1;
	stack->header.size_bytes = size_bytes;
	return emit(ctx, stack, size_bytes);
}

/* A sample without a stack so far. */
static __always_inline void begin_sample(struct scratch *scratch, struct target *target, __u32 tgid)
{
	struct stack_event *stack = &scratch->stack;

	stack->header.kind = EVENT_STACK;
	stack->header.time_ns = bpf_ktime_get_ns();
	stack->pid = tgid;
	stack->generation = target->generation;
	stack->user_count = 0;
	stack->kernel_count = 0;
	stack->user_end = WALK_UNREADABLE_STACK;
	scratch->hash = mix(tgid, stack->generation);
	/* Perf buffers are one a CPU and read one after another: there a stack must be known for each CPU by itself. */
	if (!settings.use_ring_buffer)
		scratch->hash = mix(scratch->hash, bpf_get_smp_processor_id());
	/* Both at once: an id with another's page would stay in the rules' cache. */
	scratch->code = *(volatile __u64 *)&target->code_id;
	scratch->go = *(volatile __u64 *)&target->go_tls;
	scratch->readiness = *(volatile __u64 *)&target->tables_ready;
}

/* A thread that exits or executes has no user stack any more: what is left of the sample is whole. */
static __always_inline void end_without_memory(struct stack_event *stack)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (stack->user_end == WALK_WHOLE || stack->user_count > 1 || BPF_CORE_READ(task, mm, start_stack))
		return;
	stack->user_count = 0;
	stack->user_end = WALK_WHOLE;
}

/* The kernel's part of the stack, and out with it. */
static __always_inline void finish_sample(struct perf_event_context *ctx, struct scratch *scratch, __u64 hash,
					  struct kernel_walk *kernel, struct capture_counters *count, __u64 goroutine)
{
	struct stack_event *stack = &scratch->stack;
	struct sample_event *sample;
	struct known_set *set;
	__u32 index;

	end_without_memory(stack);
	hash = append_kernel_stack(kernel, stack, hash);
	hash = mix(hash, ((__u64)stack->user_end << 32) | stack->user_count);
	stack->stack_id = hash;

	index = hash & (KNOWN_SETS - 1);
	set = bpf_map_lookup_elem(&known_stacks, &index);
	if (!set)
		return;
	if (!is_known(set, hash)) {
		if (send_stack(ctx, stack) < 0) {
			count->lost++;
			return;
		}
		remember(set, hash);
	}

	sample = &scratch->sample;
	sample->header.kind = EVENT_SAMPLE;
	sample->header.size_bytes = sizeof(*sample);
	sample->header.time_ns = stack->header.time_ns;
	sample->stack_id = hash;
	sample->pid = stack->pid;
	sample->tid = current_tid();
	send_thread_name(ctx, &scratch->names, scratch->hash, sample->pid, sample->tid, stack->header.time_ns, count);
	sample->cpu = bpf_get_smp_processor_id();
	sample->metric = METRIC_CPU;
	sample->value = 1;
	sample->label = goroutine;
	sample->label_kind = goroutine ? LABEL_GOROUTINE : LABEL_NONE;
	if (emit(ctx, sample, sizeof(*sample)) < 0)
		count->lost++;
}

static __always_inline struct scratch *this_cpu_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

#include "lib/raw_sample.bpf.h"

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
	begin_sample(scratch, target, tgid);
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
	finish_sample(ctx, scratch, hash, kernel, count, 0);
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
	finish_sample(ctx, scratch, hash, kernel, count, 0);
	return 0;
}

/* Frames were left by frame pointer whose tables are still being made, or whose code the helper has not been told of. */
static __always_inline bool lacks_tables(struct scratch *scratch)
{
	if (!(__u32)scratch->readiness)
		return scratch->walk.guesses;
	return scratch->walk.unmapped && scratch->readiness >> 32;
}

static __always_inline void finish_native(struct perf_event_context *ctx, struct scratch *scratch, __u64 hash)
{
	struct capture_counters *count = this_cpu_counters();
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	__u64 goroutine = 0;

	if (!count || !kernel)
		return;
	end_without_memory(&scratch->stack);
	if (unlikely(scratch->has_user_regs && lacks_tables(scratch))) {
		if (scratch->stack.user_count && send_raw_sample())
			return;
		if (scratch->stack.user_end != WALK_WHOLE && !(__u32)scratch->readiness)
			scratch->stack.user_end = WALK_TABLES_NOT_READY;
	}
	if (scratch->go && scratch->has_user_regs)
		goroutine = current_goroutine(&scratch->regs, scratch->go);
	count->table_frames += scratch->walk.table_frames;
	count->table_misses += scratch->walk.table_misses;
	count->pointer_frames += scratch->walk.pointer_frames;
	finish_sample(ctx, scratch, hash, kernel, count, goroutine);
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
