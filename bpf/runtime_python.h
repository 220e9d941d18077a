/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the helper tells lib/unwind_python.bpf.h of a process with a CPython interpreter, and what that sends of each frame.
 * helper/src/abi/runtimePython.gen.ts is generated from this file as the compiler lays it out.
 *
 * A frame is a head word, whose data is the address of the frame's code object, and one word: the place in the code below (32 bits,
 * signed), the object's fingerprint above. Where the frame before it (further in) has the same code object, it is a head alone:
 * PYTHON_SAME_CODE and the place. A head alone with an enum python_mark as its data is a mark in the chain.
 */
#ifndef RUNTIME_PYTHON_H
#define RUNTIME_PYTHON_H

#define PYTHON_PRINT_FROM	16	/* of a code object: behind its reference count and type */
#define PYTHON_PRINT_WORDS	16
#define PYTHON_NO_FIELD		0xffff
#define RUNTIME_PYTHON		2	/* its number in frame words */
#define PYTHON_SAME_CODE	(1ULL << 51)
#define PYTHON_SHIM_OWNER	3	/* this and above: no Python function's frame */

/* Where a native call of the evaluation loop began. */
enum python_entry_mark {
	PYTHON_EACH_FRAME = 0,	/* each frame has its own: nothing is marked */
	PYTHON_FLAG = 1,	/* a byte in the frame says so */
	PYTHON_SHIM = 2,	/* a frame without a function stands before it, told by its owner */
};

enum python_position {
	PYTHON_NUMBER = 0,	/* a signed number */
	PYTHON_POINTER = 1,	/* a pointer into the code object */
};

/* What is sent in place of a code object's address: no object lies that low. */
enum python_mark {
	PYTHON_MARK_ENTRY = 1,		/* here a native call of the evaluation loop began */
	PYTHON_MARK_TORN = 2,		/* the chain led to memory that is not there, or to itself */
	PYTHON_MARK_TOO_DEEP = 3,	/* it went on */
	PYTHON_MARK_NO_LOCK = 4,	/* first of all: the thread did not have the interpreter's lock */
	PYTHON_MARK_ANEW = 5,		/* the frames before it, but for PYTHON_MARK_NO_LOCK, are none: the chain begins here */
};

/* Value of the map `python_processes`, key: pid (__u32). Offsets in bytes; PYTHON_NO_FIELD where a version has no such field. */
struct python_process {
	__u64 lock_holder;	/* address of the pointer to the thread's state that has the lock; 0: the interpreter knows */
	__u64 main_interpreter;	/* address of its state; 0: not known */
	__u64 number_type;	/* addresses of the types `int` and `str`, by which a task's name is told; 0: not known */
	__u64 text_type;
	__s32 slot;		/* of the pointer to a thread's own state, from its thread pointer */
	__s32 slot_inside;	/* -1: that is it; else there lies a pointer to a table, and in the table it is here */
	__u32 interpreter_threads;	/* in an interpreter's state, of the pointer to its first thread's state */
	__u32 lock_pointer;	/* in the interpreter's state, of the pointer to the lock's; 0: not known */
	__u16 lock_last, lock_taken;	/* in the lock's state */
	__u16 thread_next, thread_interpreter, thread_id, thread_frame;
	__u16 call_frame;	/* the thread points to a structure of the loop's last call, in which the frame is here */
	__u16 call_previous;	/* and here the call before it */
	__u16 frame_bytes;	/* up to the end of the last field that is read */
	__u16 frame_back, frame_code, frame_position, frame_entry, frame_copy;
	__u16 code_instructions, code_copies;
	__u16 thread_task;	/* in the thread's state, of the pointer to the task of asyncio that runs */
	__u16 task_name;	/* in the task */
	__u16 print_mask;	/* words of a code object that never change, from PYTHON_PRINT_FROM on */
	__u8 mark;		/* enum python_entry_mark */
	__u8 position;		/* enum python_position */
};

#endif /* RUNTIME_PYTHON_H */
