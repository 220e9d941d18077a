/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * A sample from its beginning to the ring, whatever it counts: stack_begin(), then the walks, then stack_send(). A stack is sent
 * whole once (struct stack_event); afterwards each hit costs one struct sample_event.
 */
#ifndef LIB_STACK_BPF_H
#define LIB_STACK_BPF_H

#include "kernel.bpf.h"
#include "settings.bpf.h"
#include "filter.bpf.h"
#include "ringbuf.bpf.h"
#include "hash.bpf.h"
#include "scratch.bpf.h"
#include "thread_name.bpf.h"
#include "unwind_kernel.bpf.h"
#include "../events.h"

/* Stacks remembered as sent: 4 to a set, 16,384 sets. More live stacks than that cost a full record again and again. */
#define KNOWN_WAYS	4
#define KNOWN_SETS	16384
#define STACK_FIXED_BYTES	__builtin_offsetof(struct stack_event, words)

_Static_assert((KNOWN_SETS & (KNOWN_SETS - 1)) == 0, "the set is chosen by mask");
_Static_assert(sizeof(struct sample_event) + 8 <= 64, "a known stack costs at most 64 bytes in the ring");

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

/* Appends the kernel's frames to the user's and returns the whole stack's hash. */
static __always_inline __u64 append_kernel_stack(struct kernel_walk *kernel, struct stack_event *stack, __u64 hash)
{
	__u64 first = stack->user_words, count = kernel->count;
	__u32 i;

	stack->kernel_count = count;
	if (first > EVENTS_MAX_USER_WORDS)
		return hash;
	for (i = 0; i < EVENTS_MAX_FRAMES; i++) {
		__u64 address = kernel->frames[i];

		if (i >= count)
			break;
		stack->words[first + i] = address;
		hash = mix(hash, address);
	}
	return hash;
}

static __always_inline long send_stack(void *ctx, struct stack_event *stack)
{
	__u64 size_bytes;

	size_bytes = STACK_FIXED_BYTES + ((__u64)stack->user_words + stack->kernel_count) * sizeof(__u64);
	if (size_bytes > sizeof(*stack))
		return -1;
	stack->header.size_bytes = size_bytes;
	return emit(ctx, stack, size_bytes);
}

/* A sample without a stack so far: of `value` of a metric (enum metric). */
static __always_inline void stack_begin(struct scratch *scratch, struct target *target, __u32 tgid, __u16 metric, __u64 value)
{
	struct stack_event *stack = &scratch->stack;

	stack->header.kind = EVENT_STACK;
	stack->header.time_ns = bpf_ktime_get_ns();
	stack->pid = tgid;
	stack->generation = target->generation;
	stack->user_words = 0;
	stack->user_frames = 0;
	stack->kernel_count = 0;
	stack->user_end = WALK_UNREADABLE_STACK;
	scratch->sample.metric = metric;
	scratch->sample.value = value;
	scratch->sample.label = 0;
	scratch->sample.label_kind = LABEL_NONE;
	scratch->hash = mix(tgid, stack->generation);
	/* Perf buffers are one a CPU and read one after another: there a stack must be known for each CPU by itself. */
	if (!settings.use_ring_buffer)
		scratch->hash = mix(scratch->hash, bpf_get_smp_processor_id());
	/* Both at once: an id with another's page would stay in the rules' cache. */
	scratch->code = *(volatile __u64 *)&target->code_id;
	scratch->runtimes = *(volatile __u64 *)&target->runtimes;
	scratch->passes = 0;
	scratch->readiness = *(volatile __u64 *)&target->tables_ready;
}

/* A thread that exits or executes has no user stack any more: what is left of the sample is whole. */
static __always_inline void end_without_memory(struct stack_event *stack)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();

	if (stack->user_end == WALK_WHOLE || stack->user_frames > 1 || BPF_CORE_READ(task, mm, start_stack))
		return;
	stack->user_words = 0;
	stack->user_frames = 0;
	stack->user_end = WALK_WHOLE;
}

/*
 * The hash of the stack's user part, for those that walkers of runtimes have had in hand: what moves of their frames is not in it
 * any more.
 */
static __always_inline __u64 hash_user_words(struct stack_event *stack, __u64 hash)
{
	__u64 count = stack->user_words;
	__u32 i;

	for (i = 0; i < EVENTS_MAX_USER_WORDS; i++) {
		if (i >= count)
			break;
		hash = mix(hash, stack->words[i]);
	}
	return hash;
}

/* The kernel's part of the stack, and out with it. `hash`: with each of the user part's words mixed in. */
static __always_inline void stack_send(void *ctx, struct scratch *scratch, __u64 hash, struct kernel_walk *kernel,
				       struct capture_counters *count)
{
	struct stack_event *stack = &scratch->stack;
	struct sample_event *sample;
	struct known_set *set;
	__u32 index;

	end_without_memory(stack);
	hash = append_kernel_stack(kernel, stack, hash);
	hash = mix(hash, ((__u64)stack->user_end << 32) | stack->user_words);
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
	if (emit(ctx, sample, sizeof(*sample)) < 0)
		count->lost++;
}

#endif /* LIB_STACK_BPF_H */
