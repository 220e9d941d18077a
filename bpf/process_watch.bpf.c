// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Follows the targets' fork, exec and exit, so that the filter holds in the kernel from a child's first instruction
 * on, and tells the helper of them. Shares `targets`, `events` and `counters` with the tracer beside it
 * (bpf_map__reuse_fd). Loaded and attached by helper/src/bpf/processWatch.ts, which takes the first rung that the
 * kernel accepts: tp_btf -> raw_tp -> tracepoint.
 */
#include "lib/kernel.bpf.h"
#include "events.h"
#include "lib/settings.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/owner.bpf.h"
#include "lib/ringbuf.bpf.h"

#define CLONE_THREAD	0x00010000UL	/* <linux/sched.h> */

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/*
 * A value no earlier code of the same pid had: pids are reused, and a stack's name is made of pid, generation and
 * addresses. Steps of 65 us, round after 78 hours.
 */
static __always_inline __u32 new_generation(__u64 time_ns)
{
	return time_ns >> 16;
}

/* Not inline: its parameters bring the types into the object's BTF, from which the helper's decoders are made. */
static __noinline int tell(void *ctx, struct process_event *event, enum event_kind kind, __u64 time_ns)
{
	struct capture_counters *count;

	event->header.kind = kind;
	event->header.size_bytes = sizeof(*event);
	event->header.time_ns = time_ns;
	if (emit(ctx, event, sizeof(*event)) < 0) {
		count = this_cpu_counters();
		if (count)
			count->lost_process++;
	}
	return 0;
}

static __always_inline void count_refused_process(void)
{
	struct capture_counters *count = this_cpu_counters();

	if (count)
		count->refused_processes++;
}

/* `task`: the child, or where only its number is known the parent, from which it has its rights. */
static __always_inline int forked(void *ctx, __u32 parent, __u32 child, struct task_struct *task)
{
	struct process_event event = {};
	struct target target = {};
	struct target *known = find_target(parent);
	struct capture_counters *count;
	__u64 now;

	if (!child || child == parent)
		return 0;
	if (!settings.follow_children || !known || (known->state != TARGET_ACTIVE && known->state != TARGET_REFUSED)) {
		/* An exited target's number was given to somebody else. */
		if (find_target(child))
			bpf_map_delete_elem(&targets, &child);
		return 0;
	}
	now = bpf_ktime_get_ns();
	target.generation = new_generation(now);
	/* Followed all the same: its next program, or its child's, may run with the caller's rights again (sudo -u). */
	target.state = known->state == TARGET_ACTIVE && caller_may_see(task) ? TARGET_ACTIVE : TARGET_REFUSED;
	/* The same memory, so the same tables. */
	target.code_id = known->code_id;
	target.code_page = known->code_page;
	target.runtimes = known->runtimes;
	target.runtime_pid = known->runtime_pid;
	target.tables_ready = known->tables_ready;
	target.raw_left = known->raw_left;
	if (bpf_map_update_elem(&targets, &child, &target, BPF_ANY)) {
		count = this_cpu_counters();
		if (count)
			count->unfollowed++;
		return 0;
	}
	target_was_added(TARGETS_ADDED_BY_BPF);
	if (target.state == TARGET_REFUSED) {
		count_refused_process();
		return 0;
	}
	event.pid = child;
	event.parent_pid = parent;
	event.generation = target.generation;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	tell(ctx, &event, EVENT_FORK, now);
	return 0;
}

static __always_inline int fork_of_tasks(void *ctx, struct task_struct *parent, struct task_struct *child)
{
	return forked(ctx, task_tgid(parent), task_tgid(child), child);
}

static __always_inline int executed(void *ctx)
{
	struct process_event event = {};
	__u32 tgid = current_tgid();
	struct target *target = find_target(tgid);
	enum target_state before;
	__u64 now;

	if (!target)
		return 0;
	now = bpf_ktime_get_ns();
	before = target->state;
	target->code_id = 0;
	target->runtimes = 0;
	target->tables_ready = 0;
	target->generation = new_generation(now);
	event.pid = tgid;
	event.generation = target->generation;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	if (!caller_may_see((struct task_struct *)bpf_get_current_task())) {
		target->state = TARGET_REFUSED;
		if (before == TARGET_REFUSED)
			return 0;
		count_refused_process();
		tell(ctx, &event, EVENT_REFUSED, now);
		return 0;
	}
	target->state = TARGET_ACTIVE;
	/* The helper has not heard of it yet, or no longer knows it. */
	if (before == TARGET_REFUSED)
		tell(ctx, &event, EVENT_FORK, now);
	tell(ctx, &event, EVENT_EXEC, now);
	return 0;
}

/* Every thread passes here; the process ends with its last one, which need not be the first. */
static __always_inline int exited(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct process_event event = {};
	__u32 tgid = current_tgid();
	struct target *target = find_target(tgid);

	if (!target || BPF_CORE_READ(task, signal, live.counter) > 0)
		return 0;
	/* Left in the map: what the kernel still has to tear down is this process's time too. */
	target->state = target->state == TARGET_HELD ? TARGET_HELD : TARGET_EXITED;
	event.pid = tgid;
	event.generation = target->generation;
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	tell(ctx, &event, EVENT_EXIT, bpf_ktime_get_ns());
	return 0;
}

/* Rung 1: BTF-typed tracepoints (5.5). */

SEC("tp_btf/sched_process_fork")
int fork_btf(__u64 *ctx)
{
	return fork_of_tasks(ctx, (void *)ctx[0], (void *)ctx[1]);
}

SEC("tp_btf/sched_process_exec")
int exec_btf(__u64 *ctx)
{
	return executed(ctx);
}

SEC("tp_btf/sched_process_exit")
int exit_btf(__u64 *ctx)
{
	return exited(ctx);
}

/* Rung 2: raw tracepoints (4.17). */

SEC("?raw_tp/sched_process_fork")
int fork_raw(__u64 *ctx)
{
	return fork_of_tasks(ctx, (void *)ctx[0], (void *)ctx[1]);
}

SEC("?raw_tp/sched_process_exec")
int exec_raw(__u64 *ctx)
{
	return executed(ctx);
}

SEC("?raw_tp/sched_process_exit")
int exit_raw(__u64 *ctx)
{
	return exited(ctx);
}

/*
 * Rung 3: tracepoints of tracefs. They name a child by number only, in the initial namespace: not for a helper that
 * lives in another. /sys/kernel/tracing/events/task/task_newtask/format.
 */
struct task_newtask_args {
	__u64 common;
	__s32 pid;
	char comm[16];
	__u32 padding;
	__u64 clone_flags;
};

SEC("?tracepoint/task/task_newtask")
int fork_tracepoint(struct task_newtask_args *ctx)
{
	if (ctx->clone_flags & CLONE_THREAD)
		return 0;
	return forked(ctx, current_tgid(), ctx->pid, (struct task_struct *)bpf_get_current_task());
}

SEC("?tracepoint/sched/sched_process_exec")
int exec_tracepoint(void *ctx)
{
	return executed(ctx);
}

SEC("?tracepoint/sched/sched_process_exit")
int exit_tracepoint(void *ctx)
{
	return exited(ctx);
}
