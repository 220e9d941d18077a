// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The walker of CPython's frames: runs after the native walk, for samples of processes of which the helper has said where their
 * interpreter is (helper/src/runtimes/python/). Loaded when the first such process is recorded.
 */
#include "lib/kernel.bpf.h"
#include "events.h"
#include "lib/settings.bpf.h"
#include "lib/scratch.bpf.h"
#include "lib/runtime.bpf.h"
#include "lib/unwind_python.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

static __always_inline bool this_cpu_python_context(struct python_context *context)
{
	__u32 zero = 0;

	context->scratch = this_cpu_scratch();
	context->walk = bpf_map_lookup_elem(&python_walks, &zero);
	return context->scratch && context->walk;
}

/* For kernels before 5.17. First and loaded where nobody says which: every kernel takes it. */
SEC("perf_event")
int sample_python_bounded(struct perf_event_context *ctx)
{
	struct python_context context;
	__u32 i;

	if (this_cpu_python_context(&context) && begin_python_walk(&context)) {
		/* Counted at the top: see walk_by_tables() in lib/unwind_native.bpf.h. */
		for (i = 0;;) {
			asm volatile("" : "+r"(i));
			if (++i > EVENTS_MAX_FRAMES) {
				python_mark(&context, PYTHON_MARK_TOO_DEEP);
				break;
			}
			if (!python_frame(&context, EVENTS_MAX_FRAMES))
				break;
		}
	}
	end_of_pass(ctx);
	return 0;
}

static long python_frame_callback(__u32 i, void *context)
{
	return !python_frame(context, settings.max_frames);
}

SEC("?perf_event")
int sample_python(struct perf_event_context *ctx)
{
	struct python_context context;

	/* A frame may have a second one as its mark. */
	if (this_cpu_python_context(&context) && begin_python_walk(&context))
		call_loop(2 * EVENTS_MAX_USER_FRAMES, python_frame_callback, &context, 0);
	end_of_pass(ctx);
	return 0;
}
