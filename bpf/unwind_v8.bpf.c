// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The walker of V8 (Node.js): replaces pc and frame pointer of its frames by what names them (lib/unwind_v8.bpf.h), between the
 * native walk and the end of the sample. Loaded when a process with a V8 in it is recorded.
 */
#include "lib/kernel.bpf.h"
#include "events.h"
#include "lib/settings.bpf.h"
#include "lib/scratch.bpf.h"
#include "lib/runtime.bpf.h"
#include "lib/unwind_v8.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define HEAD_MARKS(head)	((head) >> FRAME_RUNTIME_SHIFT)
#define HEAD_WORDS(head)	((head) >> FRAME_WORDS_SHIFT & FRAME_WORDS_MAX)
#define V8_HEAD_MARKS		HEAD_MARKS(FRAME_RUNTIME | (__u64)V8_RUNTIME << FRAME_RUNTIME_SHIFT)

/* The frame whose head is the stack's word `at`. A global function, so that the verifier looks at it once. */
__noinline int v8_frame_at(__u64 at)
{
	struct scratch *scratch = this_cpu_scratch();
	struct v8_memory *memory = this_cpu_v8_memory();
	struct v8_frame frame = {};
	__u64 *words, pc, count;
	bool is_top;

	if (!scratch || !memory || at >= EVENTS_MAX_USER_WORDS - FRAME_TOP_WORDS)
		return 0;
	words = &scratch->stack.words[at];
	count = HEAD_WORDS(words[0]);
	is_top = count == FRAME_TOP_WORDS;
	pc = words[1 + FRAME_PC] & ~FRAME_EXACT;
	v8_read_frame(memory, is_top ? &scratch->regs : 0, pc, words[1 + FRAME_POINTER], &frame);
	if (is_top) {
		words[1 + V8_TOP_PC] = v8_in_builtins(&memory->process, pc) ? 0 : pc;
		words[1 + V8_TOP_RETURN] = v8_return_address(&memory->process, scratch->regs.sp);
		frame.data |= V8_FRAME_TOP;
	}
	words[0] = runtime_head(V8_RUNTIME, count, frame.data);
	words[1] = frame.ids;
	words[2] = frame.place;
	return 0;
}

static long v8_next_frame(__u32 i, void *data)
{
	struct scratch *scratch = this_cpu_scratch();
	struct v8_memory *memory = this_cpu_v8_memory();
	__u64 at, head;

	if (!scratch || !memory)
		return 1;
	at = forget(memory->at);
	if (at >= EVENTS_MAX_USER_WORDS || at >= scratch->stack.user_words)
		return 1;
	head = scratch->stack.words[at];
	memory->at = at + 1 + (head >> 62 == FRAME_RUNTIME >> 62 ? HEAD_WORDS(head) : 0);
	if (HEAD_MARKS(head) == V8_HEAD_MARKS)
		v8_frame_at(at);
	return 0;
}

/* The stack's process into this CPU's memory. False: the helper has not told of it. */
static __always_inline bool begin_v8_walk(void)
{
	struct scratch *scratch = this_cpu_scratch();
	struct v8_memory *memory = this_cpu_v8_memory();
	struct v8_process *process;
	__u32 pid;

	if (!scratch || !memory)
		return false;
	pid = runtime_pid(scratch);
	process = bpf_map_lookup_elem(&v8_processes, &pid);
	if (!process)
		return false;
	memory->process = *process;
	memory->key = (__u64)pid * V8_KEY_FACTOR;
	memory->at = 0;
	memory->window_bytes = 0;
	memory->last_function = 0;
	return true;
}

/* For kernels before 5.17, whose native walk leaves so many frames at the most. First and loaded where nobody says which. */
SEC("perf_event")
int sample_v8_bounded(struct perf_event_context *ctx)
{
	__u32 i;

	if (begin_v8_walk()) {
		/* Counted at the top: see walk_by_tables() in lib/unwind_native.bpf.h. */
		for (i = 0;;) {
			asm volatile("" : "+r"(i));
			if (++i > EVENTS_MAX_FRAMES || v8_next_frame(i, 0))
				break;
		}
	}
	end_of_pass(ctx);
	return 0;
}

SEC("?perf_event")
int sample_v8(struct perf_event_context *ctx)
{
	if (begin_v8_walk())
		call_loop(EVENTS_MAX_USER_WORDS, v8_next_frame, 0, 0);
	end_of_pass(ctx);
	return 0;
}
