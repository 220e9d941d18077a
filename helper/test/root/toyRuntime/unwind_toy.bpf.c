// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The walker of the toy runtime: names the thunks that the native walk met by the number that lies in their frames, and adds the
 * interpreter's own frames.
 */
#include "lib/kernel.bpf.h"
#include "lib/runtime.bpf.h"
#include "runtime_toy.h"

#define TOY_PROCESSES	64
#define TOY_WORDS	64	/* of the native walk that are looked through */
#define TOY_FRAMES	32

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TOY_PROCESSES);
	__type(key, __u32);
	__type(value, struct toy_process);
} toy_processes SEC(".maps");

static __always_inline void name_thunks(struct stack_event *stack)
{
	__u64 function, pc, i;

	for (i = 0; i < TOY_WORDS && i < stack->user_words; i++) {
		if (stack->words[i] >> FRAME_RUNTIME_SHIFT != (FRAME_RUNTIME >> FRAME_RUNTIME_SHIFT | RUNTIME_TOY))
			continue;
		function = 0;
		/* Interrupted before its frame is there, or after: the frame pointer is its caller's. */
		pc = stack->words[i + 1 + FRAME_PC] & (TOY_THUNK_ALIGNMENT - 1);
		if (i || (pc >= TOY_THUNK_FRAME_FROM && pc < TOY_THUNK_FRAME_TO))
			bpf_probe_read_user(&function, sizeof(function), (void *)(stack->words[i + 1 + FRAME_POINTER] - 8));
		stack->words[i] |= (__u32)function;
		stack->words[i + 1 + FRAME_POINTER] = 0;
	}
}

SEC("?perf_event")
int sample_toy(struct perf_event_context *ctx)
{
	struct scratch *scratch = this_cpu_scratch();
	struct toy_process *process;
	struct toy_frame frame = {};
	__u64 next = 0, entry;
	__u32 pid, i;

	if (!scratch)
		return 0;
	pid = runtime_pid(scratch);
	process = bpf_map_lookup_elem(&toy_processes, &pid);
	if (process) {
		name_thunks(&scratch->stack);
		bpf_probe_read_user(&next, sizeof(next), (void *)process->top);
		for (i = 0; i < TOY_FRAMES && next; i++) {
			if (bpf_probe_read_user(&frame, sizeof(frame), (void *)next))
				break;
			entry = frame.entry ? TOY_ENTRY : 0;
			if (!push_runtime_frame(scratch, RUNTIME_TOY, (__u32)frame.function | entry, 0, 0))
				break;
			next = frame.caller;
		}
	}
	end_of_pass(ctx);
	return 0;
}
