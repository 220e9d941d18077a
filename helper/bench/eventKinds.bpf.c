// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Counts the samples of eventKinds.c's target: its own, and those of its children (all others, where only they have events). */
#include "../../bpf/lib/kernel.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* Written by eventKinds.c. */
__u32 target;

SEC("perf_event")
int count(void *ctx)
{
	__u32 key = (bpf_get_current_pid_tgid() >> 32) != target;
	__u64 *value = bpf_map_lookup_elem(&counts, &key);

	if (value)
		__sync_fetch_and_add(value, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
