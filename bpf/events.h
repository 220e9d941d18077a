/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The only kernel -> helper ABI: every record that crosses a ring buffer, in one header.
 * helper/src/abi/events.gen.ts is generated from this file's BTF as it stands in the objects; `make check-abi` fails
 * when the two differ. Every record starts with struct event_header. Little things that matter: all times are
 * bpf_ktime_get_ns() (CLOCK_MONOTONIC), all pids are as the helper's own PID namespace numbers them.
 */
#ifndef EVENTS_H
#define EVENTS_H

#define EVENTS_MAX_FRAMES	127	/* user frames and kernel frames each */
#define EVENTS_COMM_LEN		16

enum event_kind {
	EVENT_SAMPLE = 1,	/* struct sample_event: a known stack was hit once more */
	EVENT_STACK = 2,	/* struct stack_event: a new stack, sent before its first sample */
	EVENT_FORK = 3,		/* struct process_event */
	EVENT_EXEC = 4,
	EVENT_EXIT = 5,
};

struct event_header {
	__u32 kind;		/* enum event_kind */
	__u32 size_bytes;	/* of the whole record */
	__u64 time_ns;
};

/* At most 64 bytes: this is what a known stack costs. */
struct sample_event {
	struct event_header header;
	__u64 stack_id;
	__u32 pid;
	__u32 tid;
	__u32 cpu;
	__u32 reserved;
	char comm[EVENTS_COMM_LEN];
};

#endif /* EVENTS_H */
