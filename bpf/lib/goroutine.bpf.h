/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Which goroutine a thread of a Go program works for: the label of its samples. Runs at the end of sample_native, for targets
 * of which the helper said how (helper/src/unwind/goroutines.ts); all others cost one test of a word.
 *
 * A thread's g lies in thread-local storage on x86-64 (kept there through C code, too) and in x28 on arm64. It is a goroutine, or
 * one of the runtime's own (g0: on the thread's stack for the scheduler, the collector's systemstack() and C code; gsignal),
 * which have no id: then the thread's m says which goroutine it was taken from. Between two goroutines there is none.
 * Layout: struct g and struct m of Go's runtime/runtime2.go.
 */
#ifndef LIB_GOROUTINE_BPF_H
#define LIB_GOROUTINE_BPF_H

#include "kernel.bpf.h"
#include "unwind_fp.bpf.h"

#define GO_G_M		48	/* g.m: since Go 1.9 */
#define GO_M_G0		0	/* m.g0 */

static __always_inline __u64 go_word(__u64 address)
{
	__u64 word = 0;

	bpf_probe_read_user(&word, sizeof(word), (void *)address);
	return word;
}

/* `layout`: go_tls, go_goid and go_curg of struct target as one word, not 0. Returns 0 where there is none. */
static __always_inline __u64 current_goroutine(struct user_regs *regs, __u64 layout)
{
	__u64 goid_at = layout >> 32 & 0xffff, curg_at = layout >> 48;
	__u64 g, m, curg;
#if defined(__TARGET_ARCH_x86)
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 goid;

	g = go_word(thread_pointer(task) + (__s64)(__s32)layout);
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

#endif /* LIB_GOROUTINE_BPF_H */
