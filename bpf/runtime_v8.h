/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the kernel's program for V8 (lib/unwind_v8.bpf.h) and the helper (helper/src/runtimes/v8/) tell each other: the map value
 * of a process with a V8 in it, and how the words of its frames are to be read. helper/src/abi/runtimeV8.gen.ts is made from it.
 */
#ifndef RUNTIME_V8_H
#define RUNTIME_V8_H

/* Of struct code_range and of frame words. */
#define V8_RUNTIME	3

/* The value of `v8_processes`, by pid. Offsets are those of fields in untagged objects. */
struct v8_process {
	__u64 builtins[2];	/* where the builtins' code is: in the program, and in a copy near generated code; 0: nowhere */
	__u64 builtins_bytes;
	__u64 generated;	/* where generated code is, all of it */
	__u64 generated_bytes;
	__u16 first_function_type;
	__u16 last_function_type;
	__u16 shared_type;	/* SharedFunctionInfo */
	__u16 bytecode_array_type;
	__u16 function_shared;
	__u16 shared_script;
	__u16 shared_literal_id;
	__u16 script_id;
};

/* Bits 3-0 of a frame's data. Its words: the ids of its script (above) and function, and a place. */
enum v8_frame_kind {
	V8_FRAME_UNREADABLE = 0,	/* place: pc */
	V8_FRAME_MARKED = 1,	/* one of V8's own. data: its type (v8dbg_frametype_*); place: pc */
	V8_FRAME_NO_FUNCTION = 2,	/* place: pc */
	V8_FRAME_MACHINE = 3,	/* data: SharedFunctionInfo / 8; place: pc */
	V8_FRAME_BUILTIN = 4,	/* as V8_FRAME_MACHINE, but pc is a builtin's */
	V8_FRAME_INTERPRETED = 5,	/* data as above; place: bytecode offset, above it the interpreter's register (0: none) */
};

/*
 * Bit 4: the innermost frame, interrupted in V8's code, which may have no frame yet, or none any more: then what stands at the
 * frame pointer is its caller. Its place is 0 unless it is interpreted, and two more words follow: pc (0: in a builtin), and
 * the return address on top of the stack (0: none is there).
 */
#define V8_FRAME_TOP	0x10
#define V8_TOP_PC	2	/* of its words, counted from 0 */
#define V8_TOP_RETURN	3
/* Where SharedFunctionInfo / 8 or the type begin. */
#define V8_DATA_SHIFT	8

#endif /* RUNTIME_V8_H */
