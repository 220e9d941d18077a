/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is Go's in a sample: which goroutine a thread works for, which is the sample's label, and the stacks on which goroutines run.
 * Frames of Go are native ones (UNWIND_GO). It has no program of its own, for it is little: sample_native asks it for targets of
 * which the helper said how (helper/src/runtimes/go/), all others cost one test of a bit.
 *
 * A thread's g lies in thread-local storage on x86-64 (kept there through C code, too) and in x28 on arm64. It is a goroutine, or
 * one of the runtime's own (g0: on the thread's stack for the scheduler, the collector's systemstack() and C code; gsignal),
 * which have no id: then the thread's m says which goroutine it was taken from. Between two goroutines there is none.
 * Layout: struct g and struct m of Go's runtime/runtime2.go.
 */
#ifndef LIB_UNWIND_GO_BPF_H
#define LIB_UNWIND_GO_BPF_H

#include "kernel.bpf.h"
#include "registers.bpf.h"
#include "runtime.bpf.h"
#include "../runtime_go.h"

#define GO_G_M			48	/* g.m: since Go 1.9 */
#define GO_M_G0			0	/* m.g0 */
#define GO_G_SCHED_SP		56	/* where a goroutine that left its stack for the thread's own keeps its stack pointer */
#define GO_ENTRY_GAP		256	/* goexit's own frame */
#define GO_RAW_SWITCHED_BYTES	(16 * RAW_BLOCK_BYTES)
#define GO_PROCESSES		4096	/* Go programs among the targets at the same time */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, GO_PROCESSES);
	__type(key, __u32);
	__type(value, struct go_process);
} go_processes SEC(".maps");

static __always_inline __u64 go_word(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)address);
	return word;
}

/*
 * Goroutines run on stacks of their own. Their g is where amd64's thread-local slot points (fs:-8) or in arm64's r28;
 * g begins with stack.lo, stack.hi (Go's runtime/runtime2.go, since 1.4).
 */
static __always_inline bool near_go_entry(struct user_regs *regs, __u64 thread, __u64 last)
{
	__u64 g = 0, bounds[2] = {};

#if defined(__TARGET_ARCH_x86)
	if (bpf_probe_read_user(&g, sizeof(g), (void *)(thread - 8)))
		return false;
#else
	g = regs->regs[28];
#endif
	if (bpf_probe_read_user(bounds, sizeof(bounds), (void *)g))
		return false;
	return bounds[0] < last && last <= bounds[1] && bounds[1] - last <= GO_ENTRY_GAP;
}

/* Its id; 0 where there is none. */
static __always_inline __u64 current_goroutine(struct user_regs *regs, struct go_process *go)
{
	__u64 goid_at = go->goid, curg_at = go->curg;
	__u64 g, m, curg;
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 goid;

	g = go_word(thread_pointer(task) + (__s64)go->tls);
	if (!g)
		return 0;
	goid = go_word(g + goid_at);
	if (goid)
		return goid;
	m = go_word(g + GO_G_M);
	curg = m ? go_word(m + curg_at) : 0;
#else
	/* C code may keep anything there, so the thread's m must know it. */
	g = regs->regs[28];
	m = g & 7 ? 0 : go_word(g + GO_G_M);
	curg = m ? go_word(m + curg_at) : 0;
	if (curg != g && m && go_word(m + GO_M_G0) != g)
		return 0;
#endif
	return curg ? go_word(curg + goid_at) : 0;
}

static __always_inline void label_go_sample(struct scratch *scratch)
{
	__u32 pid = runtime_pid(scratch);
	struct go_process *go = bpf_map_lookup_elem(&go_processes, &pid);

	if (go)
		set_label(scratch, LABEL_GOROUTINE, current_goroutine(&scratch->regs, go));
}

/*
 * For a raw sample: the goroutine's stack, and the words at all places where Go versions keep ids of goroutines: which of them
 * holds is known to the helper only, by the program's Go version (helper/src/runtimes/go/goroutines.ts).
 */
static __always_inline void describe_raw_go(struct raw_sample_event *raw, struct user_regs *regs, __u64 thread)
{
	__u64 g, m, bounds[2] = {}, of_m[2] = {}, sp, i;

#if defined(__TARGET_ARCH_x86)
	g = go_word(thread - 8);
#else
	g = regs->regs[28];
#endif
	if (!g || g & 7 || bpf_probe_read_user(bounds, sizeof(bounds), (void *)g))
		return;
	m = go_word(g + GO_G_M);
	if (!m || m & 7 || bpf_probe_read_user(of_m, sizeof(of_m), (void *)(m + GO_RAW_CURG)))
		return;
#if defined(__TARGET_ARCH_arm64)
	/* C code may keep anything there, so the thread's m must know it. */
	if (g != of_m[0] && g != of_m[1] && g != go_word(m + GO_M_G0))
		return;
#endif
	raw->runtime_low = bounds[0];
	raw->runtime_high = bounds[1];
	bpf_probe_read_user(&raw->runtime_words[GO_RAW_OWN_IDS], 2 * sizeof(__u64), (void *)(g + GO_RAW_GOID));
#pragma unroll
	for (i = 0; i < 2; i++) {
		if (!of_m[i] || of_m[i] & 7)
			continue;
		bpf_probe_read_user(&raw->runtime_words[GO_RAW_CURG_IDS + 2 * i], 2 * sizeof(__u64), (void *)(of_m[i] + GO_RAW_GOID));
		/* On the thread's own stack, for the goroutine: its stack goes on where it left. */
		if (of_m[i] == g || bpf_probe_read_user(bounds, sizeof(bounds), (void *)of_m[i]))
			continue;
		sp = go_word(of_m[i] + GO_G_SCHED_SP);
		if (bounds[0] < sp && sp < bounds[1]) {
			raw->switched_address = sp & ~(RAW_BLOCK_BYTES - 1ULL);
			raw->switched_bytes = bounds[1] - raw->switched_address > GO_RAW_SWITCHED_BYTES ?
					      GO_RAW_SWITCHED_BYTES : bounds[1] - raw->switched_address;
		}
	}
}

#endif /* LIB_UNWIND_GO_BPF_H */
