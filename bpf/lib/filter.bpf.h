/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Which processes are traced. One hash, shared by every object of a recording: the helper puts the first process in,
 * process_watch.bpf.c its children, and every tracer asks it first of all.
 */
#ifndef LIB_FILTER_BPF_H
#define LIB_FILTER_BPF_H

#include "pidns.bpf.h"

#define TARGETS_MAX	16384	/* processes alive, or exited within the last seconds; about 1.3 MB, preallocated */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TARGETS_MAX);
	__type(key, __u32);
	__type(value, struct target);
} targets SEC(".maps");

#define STRANGERS	32	/* of a CPU: two lines of the cache */
_Static_assert((STRANGERS & (STRANGERS - 1)) == 0, "the place is chosen by mask");

/*
 * How often a process was put into `targets`, by enum targets_added: each writer has a word of its own. The key's type is
 * no enum, because the kernel refuses the BTF of an array whose key is not a plain number.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TARGETS_ADDED_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} targets_added SEC(".maps");

/*
 * Most of what runs on a machine is nobody's target, and a look into the hash for it costs more than all else that a
 * sample of it does (1.3 of 2.2 us: memory that is in no cache by then). So each CPU remembers who was none, until a
 * target is added.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64[STRANGERS]);
} strangers SEC(".maps");

static __always_inline struct target *find_target(__u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid);
}

/*
 * After the update of `targets`: what was remembered meanwhile counts no more. A function of its own, so that the BTF, from
 * which the helper's constants are made, has the enum.
 */
static __noinline __attribute__((unused)) void target_was_added(enum targets_added word)
{
	__u64 *added = bpf_map_lookup_elem(&targets_added, &word);

	if (added)
		__sync_fetch_and_add(added, 1);
}

/* find_target() for programs that run all the time. */
static __always_inline struct target *find_frequent_target(__u32 tgid)
{
	enum targets_added helper = TARGETS_ADDED_BY_HELPER, bpf = TARGETS_ADDED_BY_BPF;
	__u64 *by_helper = bpf_map_lookup_elem(&targets_added, &helper);
	__u64 *by_bpf = bpf_map_lookup_elem(&targets_added, &bpf);
	__u32 zero = 0;
	__u64 *known = bpf_map_lookup_elem(&strangers, &zero);
	struct target *target;
	__u64 stranger;

	if (!by_helper || !by_bpf || !known)
		return 0;
	/* Read before the lookup: added in between, it counts as added after. */
	stranger = (forget(*by_helper) + forget(*by_bpf) + 1) << 32 | tgid;
	known += tgid & (STRANGERS - 1);
	if (*known == stranger)
		return 0;
	target = find_target(tgid);
	if (!target)
		*known = stranger;
	return target;
}

#endif /* LIB_FILTER_BPF_H */
