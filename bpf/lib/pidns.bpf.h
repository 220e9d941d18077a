/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Process numbers as the helper sees them. In a container or under WSL2 the helper lives in a PID namespace of its
 * own: what bpf_get_current_pid_tgid() says (the initial namespace's numbers) is then useless to it. A task has one
 * number for each namespace from the initial one down to its own (struct pid, numbers[]); ours is the one whose
 * namespace has our inode. Its level cannot be asked from inside, so it is looked for.
 */
#ifndef LIB_PIDNS_BPF_H
#define LIB_PIDNS_BPF_H

#include "settings.bpf.h"

#define PIDNS_MAX_DEPTH		8	/* nested namespaces searched; the kernel allows 32, engines nest two or three */
_Static_assert(PIDNS_MAX_DEPTH <= 32, "MAX_PID_NS_LEVEL");

/* 0: the task does not exist in our namespace. */
static __always_inline __u32 pid_number(struct pid *pid)
{
	__u32 offset = __builtin_preserve_field_info(pid->numbers, BPF_FIELD_BYTE_OFFSET);
	__u32 level = BPF_CORE_READ(pid, level);
	struct upid number;
	__u32 i;

	for (i = 0; i < PIDNS_MAX_DEPTH; i++) {
		if (i > level)
			break;
		/* struct upid is {int, pointer} since 4.15: no relocation for its size, which clang 11 cannot ask for. */
		if (bpf_probe_read_kernel(&number, sizeof(number), (void *)pid + offset + i * sizeof(number)))
			break;
		if (BPF_CORE_READ(number.ns, ns.inum) == settings.pid_ns_inode)
			return number.nr;
	}
	return 0;
}

static __always_inline __u32 task_tgid(struct task_struct *task)
{
	if (!settings.pid_ns_inode)
		return BPF_CORE_READ(task, tgid);
	return pid_number(BPF_CORE_READ(task, group_leader, thread_pid));
}

static __always_inline __u32 current_tgid(void)
{
	if (!settings.pid_ns_inode)
		return bpf_get_current_pid_tgid() >> 32;
	return task_tgid((struct task_struct *)bpf_get_current_task());
}

static __always_inline __u32 current_tid(void)
{
	struct task_struct *task;

	if (!settings.pid_ns_inode)
		return bpf_get_current_pid_tgid();
	task = (struct task_struct *)bpf_get_current_task();
	return pid_number(BPF_CORE_READ(task, thread_pid));
}

#endif /* LIB_PIDNS_BPF_H */
