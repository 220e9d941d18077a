/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/* What toyRuntime.ts tells BPF of a process with the toy runtime, and what it gets. */
#ifndef RUNTIME_TOY_H
#define RUNTIME_TOY_H

#define RUNTIME_TOY	30

struct toy_process {
	__u64 top;	/* address of the variable that has the address of the top frame */
};

struct toy_frame {
	__u64 caller;
	__u64 function;
	__u64 entry;
};

/* A thunk begins at a page; offsets of its first instruction with a frame, and of the first without. */
#define TOY_THUNK_ALIGNMENT	4096
#define TOY_THUNK_FRAME_FROM	5
#define TOY_THUNK_FRAME_TO	9

/* Data of a frame: the function's number, and in frames of the chain whether it is an entry from C. */
#define TOY_ENTRY	(1ULL << 32)

#endif /* RUNTIME_TOY_H */
