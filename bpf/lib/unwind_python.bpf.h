/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Walks the frames of a CPython interpreter: the chain of Python functions that the sampled thread is in, which CPython keeps
 * beside the native stack. Runs on the thread itself, so that the chain stands still; user space puts it between the native
 * frames (helper/src/runtimes/python/splice.ts) by the marks at which a native call of the evaluation loop began.
 *
 * Where the structures have their fields is told by user space in `python_processes`, one entry a process
 * (helper/src/runtimes/python/processData.ts writes it): no version is known here. What is sent of a frame: the address of its code
 * object, the place in it, and a fingerprint of the object, since its memory may be given to another one before it is read.
 *
 * Layouts: CPython's Include/internal/pycore_frame.h, pycore_pystate.h, Include/cpython/code.h; helper/src/runtimes/python/README.md.
 */
#ifndef LIB_UNWIND_PYTHON_BPF_H
#define LIB_UNWIND_PYTHON_BPF_H

#include "kernel.bpf.h"
#include "registers.bpf.h"
#include "runtime.bpf.h"
#include "../runtime_python.h"

#define PYTHON_PROCESSES	4096	/* with an interpreter, at the same time */
#define PYTHON_WINDOW_WORDS	16	/* of a frame; 3.8's has its last field at 104 */
#define PYTHON_PRINT_SEED	0x9e3779b97f4a7c15ULL
#define PYTHON_PRINT_FACTOR	0xff51afd7ed558ccdULL
#define PYTHON_THREADS		32	/* of the main interpreter, newest first, among which a thread is looked for */
/* An `int` from 3.12 on: struct _PyLongValue of Include/cpython/longintrepr.h. Tasks are counted by one digit: 2^30 of them. */
#define PYTHON_NUMBER_WORDS	4
#define PYTHON_TYPE_WORD	1
#define PYTHON_TAG_WORD		2
#define PYTHON_DIGITS_WORD	3
#define PYTHON_DIGITS_SHIFT	3	/* below: the sign, and whether it is one of those that are never freed */
#define PYTHON_DIGIT_MASK	0x3fffffff
#define PYTHON_ADDRESS_BITS	47	/* of user space: what a code object's address may have */

_Static_assert((PYTHON_WINDOW_WORDS & (PYTHON_WINDOW_WORDS - 1)) == 0, "indexes are masked");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PYTHON_PROCESSES);
	__type(key, __u32);
	__type(value, struct python_process);
} python_processes SEC(".maps");

/* Too large for the program's own stack, and indexed by what is not known to the verifier. */
struct python_walk {
	__u64 frame[PYTHON_WINDOW_WORDS];
	__u64 code[PYTHON_PRINT_WORDS];
	__u64 next;		/* address of the frame to come */
	__u64 last_code;	/* whose fingerprint is at hand */
	__u64 fingerprint;	/* in the upper half */
	__u64 frames;		/* sent so far */
	__u64 caller;		/* frame from which the loop was called last, */
	__u64 caller_known;	/* where that is known, until the walk has come to it */
	__u64 outer;		/* the thread's state in the interpreter that runs this one; 0: none, or not known */
	struct python_process process;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct python_walk);
} python_walks SEC(".maps");

/* A walk under way, on the program's stack; both are this CPU's. */
struct python_context {
	struct scratch *scratch;
	struct python_walk *walk;
};

static __always_inline bool python_mark(struct python_context *context, __u64 mark)
{
	return push_runtime_frame(context->scratch, RUNTIME_PYTHON, mark, 0, 0);
}

static __always_inline bool python_read(__u64 address, __u64 *word)
{
	return !bpf_probe_read_user(word, sizeof(*word), (void *)address);
}

/* The state that the thread `pointer` has in the main interpreter; 0: not found. */
static __always_inline __u64 python_main_state(struct python_process *process, __u64 pointer)
{
	__u64 state = 0, id;
	__u32 i;

	python_read(process->main_interpreter + process->interpreter_threads, &state);
	for (i = 0; i < PYTHON_THREADS && state; i++) {
		if (!python_read(state + process->thread_id, &id))
			return 0;
		if (id == pointer)
			return state;
		if (!python_read(state + process->thread_next, &state))
			return 0;
	}
	return 0;
}

/*
 * The state of the sampled thread; 0: it has none. Where an interpreter was started from within another, the thread has a state in
 * each: `outer` is the one whose frames lie below.
 */
static __always_inline __u64 python_thread(struct python_process *process, __u64 *outer, __u64 *holds_lock)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	__u64 pointer = thread_pointer(task), thread = 0, holder = 0, interpreter = 0, lock = 0, word = 0;

	*holds_lock = 1;
	*outer = 0;
	if (!pointer)
		return 0;
	python_read(pointer + (__s64)process->slot, &thread);
	if (thread && process->slot_inside >= 0) {
		lock = thread;
		thread = 0;
		python_read(lock + process->slot_inside, &thread);
	}
	if (process->lock_holder) {
		/* The slot names the first of the thread's states, the lock's holder the one that runs. */
		python_read(process->lock_holder, &holder);
		if (holder && holder != thread) {
			python_read(holder + process->thread_id, &word);
			if (word == pointer) {
				*outer = thread;
				thread = holder;
			}
		}
		*holds_lock = holder == thread;
		return thread;
	}
	if (!thread || !python_read(thread + process->thread_interpreter, &interpreter) || !interpreter)
		return thread;
	if (process->main_interpreter && interpreter != process->main_interpreter)
		*outer = python_main_state(process, pointer);
	if (process->lock_pointer && python_read(interpreter + process->lock_pointer, &lock) && lock) {
		python_read(lock + process->lock_last, &holder);
		python_read(lock + process->lock_taken, &word);
		*holds_lock = holder == thread && (__u32)word;
	}
	return thread;
}

/* 32 bits of the words that never change while the object lives; codeObject.ts computes the same. False: it is not there. */
static __always_inline bool python_fingerprint(struct python_walk *walk, __u64 code)
{
	__u64 hash = PYTHON_PRINT_SEED;
	__u32 mask = walk->process.print_mask, i;

	if (bpf_probe_read_user(walk->code, sizeof(walk->code), (void *)(code + PYTHON_PRINT_FROM)))
		return false;
	for (i = 0; i < PYTHON_PRINT_WORDS; i++) {
		if (!(mask >> i & 1))
			continue;
		hash = (hash ^ walk->code[i]) * PYTHON_PRINT_FACTOR;
		hash ^= hash >> 32;
	}
	walk->fingerprint = hash << 32;
	walk->last_code = code;
	return true;
}

/* In bytes or units from the first instruction, as a signed number of 32 bits. */
static __always_inline __u32 python_position(struct python_walk *walk, __u64 code)
{
	struct python_process *process = &walk->process;
	__u64 raw = walk->frame[process->frame_position / 8 & (PYTHON_WINDOW_WORDS - 1)];
	__u64 start = code + process->code_instructions, table = 0, copy = 0;

	if (process->position == PYTHON_NUMBER)
		return raw;
	if (process->frame_copy != PYTHON_NO_FIELD) {
		/* Builds without the lock run a copy of the code for each thread. */
		copy = walk->frame[process->frame_copy / 8 & (PYTHON_WINDOW_WORDS - 1)] >> (process->frame_copy & 4) * 8;
		copy = (__u32)copy;
		if (copy && python_read(code + process->code_copies, &table) && table)
			python_read(table + 8 + copy * 8, &start);
	}
	return raw - start;
}

/* Where the walk of a thread's state begins. */
static __always_inline void python_innermost(struct python_walk *walk, __u64 thread)
{
	struct python_process *process = &walk->process;
	__u64 frame = 0, call, previous = 0;

	walk->caller_known = 0;
	python_read(thread + process->thread_frame, &frame);
	if (frame && process->call_frame != PYTHON_NO_FIELD) {
		call = frame;
		frame = 0;
		python_read(call + process->call_frame, &frame);
		/* The first call of all, which the thread itself holds, has none before it. */
		if (python_read(call + process->call_previous, &previous) && previous)
			walk->caller_known = python_read(previous + process->call_frame, &walk->caller);
	}
	walk->next = frame;
}

/* True: the chain goes on in the interpreter that runs this one. */
static __always_inline bool python_to_outer(struct python_walk *walk)
{
	__u64 outer = forget(walk->outer);

	if (!outer)
		return false;
	walk->outer = 0;
	python_innermost(walk, outer);
	return true;
}

/*
 * 3.11 and 3.12 keep the innermost frame in a variable of the evaluation loop, which the thread points to some instructions before
 * it is set: until then it holds whatever the last call left there, often a frame that looks sound. But the call before says
 * from where the loop was called, and there the first piece of the chain must lead. True: the walk begins there anew.
 */
static __always_inline bool python_anew(struct python_context *context)
{
	struct python_walk *walk = context->walk;

	if (!forget(walk->caller_known))
		return false;
	walk->caller_known = 0;
	walk->next = walk->caller;
	walk->last_code = 0;
	walk->frames = 0;
	return python_mark(context, PYTHON_MARK_ANEW);
}

/* Where a native call of the loop began. */
static __always_inline bool python_entry(struct python_context *context, __u64 back)
{
	struct python_walk *walk = context->walk;

	if (forget(walk->caller_known)) {
		if (back != walk->caller)
			return python_anew(context);
		walk->caller_known = 0;
	}
	return python_mark(context, PYTHON_MARK_ENTRY);
}

static __always_inline bool python_torn(struct python_context *context)
{
	if (python_anew(context))
		return true;
	python_mark(context, PYTHON_MARK_TORN);
	return false;
}

enum python_step {
	PYTHON_STEP_END,
	PYTHON_STEP_ANEW,
	PYTHON_STEP_SENT,
};

/* Recursion has the same code object again and again: then its address and fingerprint need not be sent once more. */
static __always_inline enum python_step python_function(struct python_context *context, __u64 code)
{
	struct python_walk *walk = context->walk;
	bool sent;
	__u64 word;

	if (code == walk->last_code) {
		sent = python_mark(context, PYTHON_SAME_CODE | python_position(walk, code));
	} else {
		if (code >> PYTHON_ADDRESS_BITS || !python_fingerprint(walk, code))
			return python_torn(context) ? PYTHON_STEP_ANEW : PYTHON_STEP_END;
		word = walk->fingerprint | python_position(walk, code);
		sent = push_runtime_frame(context->scratch, RUNTIME_PYTHON, code, &word, 1);
	}
	walk->frames++;
	return sent ? PYTHON_STEP_SENT : PYTHON_STEP_END;
}

/* One more frame of the chain. False where the walk has ended. */
static __always_inline bool python_frame(struct python_context *context, __u32 max_frames)
{
	struct python_walk *walk = context->walk;
	struct python_process *process = &walk->process;
	__u64 at = forget(walk->next), back, code;
	__u32 bytes = process->frame_bytes;
	__u8 entry;

	if (!at)
		return python_anew(context) || python_to_outer(walk);
	/* A frame has two words, and may be an entry; the mark that says that it went on is one, too. */
	if (forget(walk->frames) >= max_frames || context->scratch->stack.user_words + 4 > EVENTS_MAX_USER_WORDS) {
		python_mark(context, PYTHON_MARK_TOO_DEEP);
		context->scratch->stack.user_end = WALK_TOO_DEEP;
		return false;
	}
	if (bytes > sizeof(walk->frame))
		return false;
	if (bpf_probe_read_user(walk->frame, bytes, (void *)at))
		return python_torn(context);
	back = walk->frame[process->frame_back / 8 & (PYTHON_WINDOW_WORDS - 1)];
	code = walk->frame[process->frame_code / 8 & (PYTHON_WINDOW_WORDS - 1)];
	/* References to objects carry marks in their lowest bits from 3.14 on. */
	code &= ~7ULL;
	entry = ((__u8 *)walk->frame)[process->frame_entry & (sizeof(walk->frame) - 1)];
	walk->next = back;
	if (process->mark == PYTHON_SHIM && entry >= PYTHON_SHIM_OWNER)
		return python_entry(context, back);
	/* Without code: about to be pushed, or just left. */
	if (code) {
		enum python_step step = python_function(context, code);

		if (step != PYTHON_STEP_SENT)
			return step == PYTHON_STEP_ANEW;
	}
	if (process->mark == PYTHON_FLAG && entry && !python_entry(context, back))
		return false;
	return back == at ? python_torn(context) : true;
}

/*
 * Which task of asyncio runs on the thread (from 3.14 on, which keep it in the thread's state). One that was given no name has a
 * number in its place; of others user space reads the name, once. What is neither is no task of asyncio's own.
 */
static __always_inline void python_label(struct python_context *context, __u64 thread)
{
	struct python_process *process = &context->walk->process;
	__u64 task = 0, name = 0, words[PYTHON_NUMBER_WORDS], number;

	if (process->thread_task == PYTHON_NO_FIELD || !process->number_type)
		return;
	if (!python_read(thread + process->thread_task, &task) || !task || !python_read(task + process->task_name, &name) || !name)
		return;
	if (bpf_probe_read_user(words, sizeof(words), (void *)name))
		return;
	if (words[PYTHON_TYPE_WORD] == process->text_type) {
		set_label(context->scratch, LABEL_TASK, task);
	} else if (words[PYTHON_TYPE_WORD] == process->number_type &&
		   words[PYTHON_TAG_WORD] >> PYTHON_DIGITS_SHIFT == 1) {
		number = words[PYTHON_DIGITS_WORD] & PYTHON_DIGIT_MASK;
		set_label(context->scratch, LABEL_TASK, number);
	}
}

/* Finds the thread's innermost frame. False: there is none, or the process is not known. */
static __always_inline bool begin_python_walk(struct python_context *context)
{
	struct python_walk *walk = context->walk;
	__u32 pid = runtime_pid(context->scratch);
	struct python_process *process = bpf_map_lookup_elem(&python_processes, &pid);
	__u64 thread, holds_lock;

	if (!process)
		return false;
	__builtin_memcpy(&walk->process, process, sizeof(*process));
	thread = python_thread(&walk->process, &walk->outer, &holds_lock);
	if (!thread)
		return false;
	python_label(context, thread);
	walk->last_code = 0;
	walk->frames = 0;
	python_innermost(walk, thread);
	if (walk->next && !holds_lock)
		return python_mark(context, PYTHON_MARK_NO_LOCK);
	return walk->next || walk->outer;
}

#endif /* LIB_UNWIND_PYTHON_BPF_H */
