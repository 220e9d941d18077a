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

static __always_inline struct target *find_target(__u32 tgid)
{
	return bpf_map_lookup_elem(&targets, &tgid);
}

#endif /* LIB_FILTER_BPF_H */
