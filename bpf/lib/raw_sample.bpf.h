/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Samples whose user stack cannot be walked yet, because the helper is still making the tables of that code: the first ones
 * of a recording, and of every program that a target runs. They go to the helper raw, with the registers and a copy of the
 * stack, and helper/src/unwind/raw/ walks them by the same rules once the tables are there.
 *
 * A copy is bounded (by how much of the stack is in use, 64 KiB at the most), and is made only while half of the ring is free, so
 * that records of the usual kind always find room. What is not kept raw is walked here as ever, and says
 * WALK_TABLES_NOT_READY. Needs the ring buffer (5.8), into which the stack is copied directly.
 */
#ifndef LIB_RAW_SAMPLE_BPF_H
#define LIB_RAW_SAMPLE_BPF_H

#include "kernel.bpf.h"
#include "settings.bpf.h"
#include "filter.bpf.h"
#include "ringbuf.bpf.h"
#include "unwind_fp.bpf.h"
#include "unwind_kernel.bpf.h"
#include "unwind_go.bpf.h"

#define RAW_SMALL_BYTES		(2 * RAW_BLOCK_BYTES)	/* most stacks of servers and tools */
#define RAW_MEDIUM_BYTES	(6 * RAW_BLOCK_BYTES)
#define RAW_LARGE_BYTES		(16 * RAW_BLOCK_BYTES)
#define RAW_STACK_MAX_BYTES	(1ULL << 30)	/* a distance to the thread's entry beyond this says nothing */

/* Under construction, all but its stack: apart from the scratch memory, for most samples need none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct raw_sample_event);
} raw_heads SEC(".maps");

_Static_assert(GO_RAW_SWITCHED_BYTES == RAW_LARGE_BYTES, "room for another stack");
_Static_assert(sizeof(struct user_regs) <= RAW_REGISTERS * sizeof(__u64), "registers of both architectures find room");

/* Everything but the stack itself. Returns how much of the stack is wanted, from raw->stack_address on. */
static __always_inline __u64 describe_raw_sample(struct raw_sample_event *raw, struct user_regs *regs,
						 struct stack_event *stack, struct kernel_walk *kernel)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 thread = thread_pointer(task), ids = bpf_get_current_pid_tgid(), sp = regs->sp, wanted;

	raw->header.kind = EVENT_RAW_SAMPLE;
	raw->header.time_ns = stack->header.time_ns;
	raw->pid = stack->pid;
	raw->tid = current_tid();
	raw->cpu = bpf_get_smp_processor_id();
	raw->generation = stack->generation;
	bpf_get_current_comm(raw->comm, sizeof(raw->comm));
	__builtin_memcpy(raw->registers, regs, sizeof(*regs));
	/* As near_entry() has it. */
	if ((__u32)ids == ids >> 32) {
		raw->entry = BPF_CORE_READ(task, mm, start_stack);
		raw->entry_gap = FP_MAIN_ENTRY_GAP;
	} else {
		raw->entry = thread;
		raw->entry_gap = FP_THREAD_ENTRY_GAP;
	}
	raw->runtime_low = 0;
	raw->runtime_high = 0;
	raw->switched_address = 0;
	raw->switched_bytes = 0;
	__builtin_memset(raw->runtime_words, 0, sizeof(raw->runtime_words));
	describe_raw_go(raw, regs, thread);
	raw->kernel_count = kernel->count;
	bpf_probe_read_kernel(raw->kernel, sizeof(raw->kernel), kernel->frames);

	raw->stack_address = sp & ~(RAW_BLOCK_BYTES - 1ULL);
	if (sp < raw->entry && raw->entry - sp < RAW_STACK_MAX_BYTES)
		wanted = raw->entry - raw->stack_address;
	else if (raw->runtime_low < sp && sp < raw->runtime_high)
		wanted = raw->runtime_high - raw->stack_address;
	else {
		/* A signal handler's stack, say: the thread's own was left at a place not known, so its outermost part is taken. */
		wanted = RAW_SMALL_BYTES;
		raw->switched_address = (raw->entry & ~(RAW_BLOCK_BYTES - 1ULL)) - (RAW_MEDIUM_BYTES - RAW_BLOCK_BYTES);
		raw->switched_bytes = raw->entry - raw->switched_address;
	}
	return wanted;
}

/* Copies block by block up to `wanted` bytes. Returns which blocks came, one a bit. */
static __always_inline __u32 copy_raw_stack(__u8 *to, __u64 from, __u64 wanted, const __u64 room)
{
	__u32 blocks = 0, i;
	__u64 size;

#pragma unroll
	for (i = 0; i < room / RAW_BLOCK_BYTES; i++) {
		if (wanted <= i * RAW_BLOCK_BYTES)
			break;
		size = wanted - i * RAW_BLOCK_BYTES;
		asm volatile("" : "+r"(size));
		if (size > RAW_BLOCK_BYTES)
			size = RAW_BLOCK_BYTES;
		/* Says nothing new, but 5.10 follows a path that cannot be, on which `size` seems to be negative. */
		asm volatile("" : "+r"(size));
		size &= 2 * RAW_BLOCK_BYTES - 1;
		if (size > RAW_BLOCK_BYTES)
			size = RAW_BLOCK_BYTES;
		if (!bpf_probe_read_user(to + i * RAW_BLOCK_BYTES, size, (void *)from + i * RAW_BLOCK_BYTES))
			blocks |= 1U << i;
	}
	return blocks;
}

/* A record with room for so much of the stack, and behind it of the stack from which it was switched. */
#define SEND_RAW(head, wanted, room, switched_room)						\
({												\
	struct raw_sample_event *raw_ = bpf_ringbuf_reserve(&events, sizeof(*raw_) + (room) + (switched_room), 0);	\
	if (raw_) {										\
		(head)->stack_bytes = (wanted) < (room) ? (wanted) : (room);			\
		(head)->stack_blocks = copy_raw_stack(raw_->stack, (head)->stack_address, wanted, room);	\
		(head)->switched_blocks = copy_raw_stack(raw_->stack + (room), (head)->switched_address,	\
							 (head)->switched_bytes, switched_room);	\
		(head)->switched_offset = (room);						\
		(head)->header.size_bytes = sizeof(*raw_) + (room) + (switched_room);		\
		bpf_probe_read_kernel(raw_, sizeof(*raw_), head);				\
		bpf_ringbuf_submit(raw_, BPF_RB_NO_WAKEUP);					\
	}											\
	raw_ ? 1 : 0;										\
})

/* A global function: verified once, apart from what every sample runs. 0: it did not go out. */
__noinline int send_raw_sample(void)
{
	struct kernel_walk *kernel = this_cpu_kernel_walk();
	struct scratch *scratch = this_cpu_scratch();
	struct raw_sample_event *raw;
	struct target *target;
	__u32 zero = 0;
	__u64 wanted;

	if (!kernel_has_ring_buffer() || !settings.keep_raw || !scratch || !kernel || is_32bit(&scratch->regs))
		return 0;
	/* No user stack any more: its thread exits or executes. */
	if (!BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), mm, start_stack))
		return 0;
	target = find_target(scratch->stack.pid);
	if (!target)
		return 0;
	if (target->tables_ready) {
		if (!target->raw_left)
			return 0;
		target->raw_left--;
	}
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > bpf_ringbuf_query(&events, BPF_RB_RING_SIZE) / 2)
		return 0;
	raw = bpf_map_lookup_elem(&raw_heads, &zero);
	if (!raw)
		return 0;
	wanted = describe_raw_sample(raw, &scratch->regs, &scratch->stack, kernel);
	/* Go moves a stack of its own to a larger place, working on the thread's: mostly when it is deep. */
	if (raw->switched_bytes > RAW_MEDIUM_BYTES)
		return SEND_RAW(raw, wanted, RAW_SMALL_BYTES, RAW_LARGE_BYTES);
	if (raw->switched_bytes)
		return SEND_RAW(raw, wanted, RAW_SMALL_BYTES, RAW_MEDIUM_BYTES);
	if (wanted <= RAW_SMALL_BYTES)
		return SEND_RAW(raw, wanted, RAW_SMALL_BYTES, 0);
	if (wanted <= RAW_MEDIUM_BYTES)
		return SEND_RAW(raw, wanted, RAW_MEDIUM_BYTES, 0);
	return SEND_RAW(raw, wanted, RAW_LARGE_BYTES, 0);
}

#endif /* LIB_RAW_SAMPLE_BPF_H */
