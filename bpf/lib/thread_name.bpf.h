/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Names of threads, sent when they are new instead of with every sample: a name is 16 of the 64 bytes that a sample may
 * take. A thread may change its name at any time, so each sample compares: what was sent is remembered by a hash of
 * process, thread and name, first in a line of memory of the CPU's own (threads mostly stay on their CPU), then in a table
 * of all CPUs.
 */
#ifndef LIB_THREAD_NAME_BPF_H
#define LIB_THREAD_NAME_BPF_H

#include "kernel.bpf.h"
#include "hash.bpf.h"
#include "pidns.bpf.h"
#include "ringbuf.bpf.h"

/* Names remembered as sent: 4 to a set. A process with more threads than that costs a record more now and then. */
#define NAMED_WAYS	4
#define NAMED_SETS	2048
#define NAMED_HERE	8	/* a line of the cache */

_Static_assert((NAMED_SETS & (NAMED_SETS - 1)) == 0 && (NAMED_HERE & (NAMED_HERE - 1)) == 0, "places are chosen by mask");

struct named_set {
	__u64 hashes[NAMED_WAYS];	/* the one sent last goes first */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NAMED_SETS);
	__type(key, __u32);
	__type(value, struct named_set);
} named_threads SEC(".maps");

/* Of one CPU. */
struct thread_names {
	__u64 here[NAMED_HERE];
	struct thread_event event;
};

/* False where there was no room for the record. */
static __always_inline bool name_is_sent(void *ctx, struct thread_event *event, __u64 hash)
{
	__u32 index = hash & (NAMED_SETS - 1);
	struct named_set *set = bpf_map_lookup_elem(&named_threads, &index);

	if (!set)
		return false;
	if (set->hashes[0] == hash || set->hashes[1] == hash || set->hashes[2] == hash || set->hashes[3] == hash)
		return true;
	if (emit(ctx, event, sizeof(*event)) < 0)
		return false;
	set->hashes[3] = set->hashes[2];
	set->hashes[2] = set->hashes[1];
	set->hashes[1] = set->hashes[0];
	set->hashes[0] = hash;
	return true;
}

/* Sends the name of the current thread, unless it was sent. `hash`: of the process, so that a number given again is another. */
static __always_inline void send_thread_name(void *ctx, struct thread_names *names, __u64 hash, __u32 pid, __u32 tid,
					     __u64 time_ns, struct capture_counters *count)
{
	struct thread_event *event = &names->event;
	__u64 *comm = (__u64 *)event->comm, *here;

	bpf_get_current_comm(event->comm, sizeof(event->comm));
	hash = mix(mix(mix(hash, tid), comm[0]), comm[1]);
	here = &names->here[hash >> 32 & (NAMED_HERE - 1)];
	if (likely(*here == hash))
		return;
	event->header.kind = EVENT_THREAD;
	event->header.size_bytes = sizeof(*event);
	event->header.time_ns = time_ns;
	event->pid = pid;
	event->tid = tid;
	if (name_is_sent(ctx, event, hash))
		*here = hash;
	else
		count->lost_names++;
}

#endif /* LIB_THREAD_NAME_BPF_H */
