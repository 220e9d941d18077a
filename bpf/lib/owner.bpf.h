/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Which processes the caller may see into: those that the kernel would let the caller ptrace without any capability
 * (ptrace_may_access() in kernel/ptrace.c, cap_ptrace_access_check() in security/commoncap.c). The helper has capabilities and
 * its caller has not, so it must ask this itself: a target may run sudo, a set-user-id program, one with file capabilities.
 *
 * Asked at fork and at exec, where rights change, and at each sample: that sees setuid() and prctl(PR_SET_DUMPABLE), too, for
 * which there is no hook without kprobes, and a process that was put into `targets` while it ran something else.
 * helper/src/process/callersRights.ts asks the same of /proc.
 */
#ifndef LIB_OWNER_BPF_H
#define LIB_OWNER_BPF_H

#include "settings.bpf.h"

#define USER_NS_MAX_DEPTH	33	/* the kernel allows 32 below the initial one */

#define MMF_DUMPABLE_MASK	3	/* <linux/sched/coredump.h>: SUID_DUMP_USER is 1 */
#define SUID_DUMP_USER		1

/*
 * Who makes a user namespace has all rights over what runs in it: containers without root, sandboxes. `namespace` or one of
 * those around it lies in the initial one and is the caller's.
 */
static __always_inline bool caller_owns_namespace(struct user_namespace *namespace)
{
	struct user_namespace *parent;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < USER_NS_MAX_DEPTH; i++) {
		parent = namespace ? BPF_CORE_READ(namespace, parent) : 0;
		if (!parent)
			return false;
		if (!BPF_CORE_READ(parent, parent))
			return BPF_CORE_READ(namespace, owner.val) == settings.caller_uid;
		namespace = parent;
	}
	return false;
}

static __always_inline bool is_callers_group(__u32 gid)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < CALLER_GROUPS_MAX; i++) {
		if (i >= settings.caller_group_count)
			break;
		if (settings.caller_groups[i] == gid)
			return true;
	}
	return false;
}

static __always_inline bool has_callers_ids(const struct cred *cred)
{
	__u32 uid = BPF_CORE_READ(cred, uid.val), gid = BPF_CORE_READ(cred, gid.val);

	return uid == settings.caller_uid && BPF_CORE_READ(cred, euid.val) == uid && BPF_CORE_READ(cred, suid.val) == uid &&
	       BPF_CORE_READ(cred, egid.val) == gid && BPF_CORE_READ(cred, sgid.val) == gid && is_callers_group(gid);
}

/* Not so after a set-user-id exec, after setuid(), of programs that may not be read, and where the program says so. */
static __always_inline bool is_dumpable(struct mm_struct *mm)
{
	struct mm_struct___bitmap *bitmap = (void *)mm;
	__u64 flags = SUID_DUMP_USER;

	if (bpf_core_field_exists(bitmap->flags.__mm_flags))
		bpf_core_read(&flags, sizeof(flags), &bitmap->flags.__mm_flags);
	else if (bpf_core_field_exists(mm->flags))
		flags = BPF_CORE_READ(mm, flags);
	return (flags & MMF_DUMPABLE_MASK) == SUID_DUMP_USER;
}

/* `task`: the current one, or one that is being made. */
static __always_inline bool caller_may_see(struct task_struct *task)
{
	const struct cred *cred;
	struct mm_struct *mm;
	__u64 capabilities = 0;

	if (!settings.check_owner)
		return true;
	/* Not `cred`, which file systems replace for a while. */
	cred = BPF_CORE_READ(task, real_cred);
	bpf_core_read(&capabilities, sizeof(capabilities), &cred->cap_permitted);
	if ((!has_callers_ids(cred) || (capabilities & ~settings.caller_capabilities)) &&
	    !caller_owns_namespace(BPF_CORE_READ(cred, user_ns)))
		return false;
	mm = BPF_CORE_READ(task, mm);
	/* Has none left in its last moments. */
	return !mm || is_dumpable(mm) || caller_owns_namespace(BPF_CORE_READ(mm, user_ns));
}

#endif /* LIB_OWNER_BPF_H */
