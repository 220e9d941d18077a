/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The way of all records to the helper: one ring buffer (5.8+) or, where there is none, a perf event array. One map
 * `events` serves both; the helper changes its type before loading. No record ever wakes the reader up: it drains on
 * a timer, which halves the cost of a record here and takes it off the consumer nearly whole (measured, 650 against
 * 1,600 ns). What finds no room is counted, never silently gone.
 */
#ifndef LIB_RINGBUF_BPF_H
#define LIB_RINGBUF_BPF_H

#include "settings.bpf.h"

#define RING_BYTES	(1 << 20)	/* default; the helper sets what the frequency and the CPUs ask for */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_BYTES);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct capture_counters);
} counters SEC(".maps");

/* Never NULL in practice (key 0 of an array), but the verifier wants to see the test. */
static __always_inline struct capture_counters *this_cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counters, &zero);
}

/* Negative: no room. */
static __always_inline long emit(void *ctx, void *record, __u64 size_bytes)
{
	if (kernel_has_ring_buffer() && settings.use_ring_buffer)
		return bpf_ringbuf_output(&events, record, size_bytes, BPF_RB_NO_WAKEUP);
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, record, size_bytes);
}

#endif /* LIB_RINGBUF_BPF_H */
