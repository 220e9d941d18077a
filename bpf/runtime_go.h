/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the helper tells BPF of a Go program (lib/unwind_go.bpf.h), in the map `go_processes`: where a thread's goroutine is
 * found. helper/src/runtimes/go/ writes it, by the version of the program's runtime.
 */
#ifndef RUNTIME_GO_H
#define RUNTIME_GO_H

struct go_process {
	__s32 tls;		/* x86-64: of the thread's g, from the thread pointer */
	__u16 goid;		/* offset of goid in struct g, */
	__u16 curg;		/* and of curg in struct m */
};

/* Words that a raw sample carries: offsets of the first of each two words in which one of the versions has goid, or curg. */
#define GO_RAW_GOID	152
#define GO_RAW_CURG	184

enum go_raw_words {
	GO_RAW_OWN_IDS = 0,	/* the words of the thread's g at GO_RAW_GOID; 0: no such g */
	GO_RAW_CURG_IDS = 2,	/* and of the g's in the two words of its m at GO_RAW_CURG */
};

#endif /* RUNTIME_GO_H */
