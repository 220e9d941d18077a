// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Counts the samples of eventKinds.c's target: its own, and those of its children (all others, where only they have events). */
typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, 2);	/* BPF_MAP_TYPE_ARRAY */
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
