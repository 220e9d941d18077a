/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Reads what names the frames of V8 (Node.js) while their thread is stopped: closures move within milliseconds, but a script's id
 * and a function's id in it never change. The native walk steps over V8's code by frame pointer, for every frame of V8 has one
 * (src/execution/frame-constants.h), and leaves pc and frame pointer of each; here they are replaced by ids and positions.
 * No isolate and no machine code is looked up: helper/src/runtimes/v8/ does that with what is left here.
 *
 * A frame: fp + 8 return address, fp the caller's fp, fp - 8 context or (lowest bit 0) what else the frame is, fp - 16 JSFunction,
 * fp - 32 BytecodeArray, fp - 40 bytecode offset as a small integer; the last two where the function is interpreted.
 * Tagged addresses have 1 as their lowest bit, small integers lie in the upper half of a word.
 *
 * Every object is checked by its map's instance type before it is believed; maps that passed are remembered, for there are few.
 * A collection that is at work leaves the new address in place of the map (lowest bits 00): it is followed, once.
 */
#ifndef LIB_UNWIND_V8_BPF_H
#define LIB_UNWIND_V8_BPF_H

#include "kernel.bpf.h"
#include "registers.bpf.h"
#include "../events.h"
#include "../runtime_v8.h"

#define V8_PROCESSES	4096	/* with a V8 in them at the same time */
#define V8_KNOWN_MAPS	64	/* each CPU's: a program has some five of the kinds that stand in frames */
#define V8_KEY_FACTOR		0x9e3779b97f4a7c15ULL	/* makes a key of a pid */
#define V8_KNOWN_SHARED	512	/* each CPU's functions with their script's id */
#define V8_WINDOW_WORDS	128	/* of stack: some ten frames */

_Static_assert((V8_KNOWN_MAPS & (V8_KNOWN_MAPS - 1)) == 0, "chosen by mask");
_Static_assert((V8_KNOWN_SHARED & (V8_KNOWN_SHARED - 1)) == 0, "chosen by mask");
_Static_assert((V8_WINDOW_WORDS & (V8_WINDOW_WORDS - 1)) == 0, "indexes are masked");

#define V8_MAP_INSTANCE_TYPE	12
#define V8_SLOTS		5	/* words from fp - 40 to fp - 8 */
#define V8_SLOTS_BELOW		40
#define V8_SLOT_OFFSET		0	/* fp - 40 */
#define V8_SLOT_BYTECODE	1
#define V8_SLOT_FUNCTION	3
#define V8_SLOT_CONTEXT		4
#define V8_OBJECT_WORDS		8	/* of a function or a SharedFunctionInfo: all that is read of it lies within */

/* A function, and what was read of its script. */
struct v8_known {
	__u64 shared;		/* ^ process */
	__u64 script;
	__u64 ids;		/* script above, function below */
	__u64 bytecode;		/* that passed for its BytecodeArray */
};

/* What is remembered of objects, by each CPU. Key words hold the process, so that nothing serves another one. */
struct v8_memory {
	__u64 maps[V8_KNOWN_MAPS];	/* address of the map ^ process, its type in the upper 16 bits */
	struct v8_known shared[V8_KNOWN_SHARED];
	__u64 object[V8_OBJECT_WORDS];
	__u64 slots[V8_SLOTS];
	__u64 window[V8_WINDOW_WORDS];	/* a piece of the stack: several frames for one read */
	__u64 window_base;	/* address of window[0] */
	__u64 window_bytes;
	struct v8_process process;	/* of the sample in hand */
	__u64 key;		/* of that process: the words above are mixed with it, so that they serve no other */
	__u64 at;		/* the next of the stack's words to look at */
	__u64 last_function;	/* of this sample's frames, as its slot has it: recursion has it again; 0: none */
	__u64 last_shared;
	__u64 last_ids;
};

struct {
	/* With room for all from the start: before 6.1 programs of perf events may use no others. */
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, V8_PROCESSES);
	__type(key, __u32);
	__type(value, struct v8_process);
} v8_processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct v8_memory);
} v8_memories SEC(".maps");

/* What a frame is, and what names it. */
struct v8_frame {
	__u64 data;	/* as ../runtime_v8.h has it */
	__u64 ids;
	__u64 place;
};

static __always_inline struct v8_memory *this_cpu_v8_memory(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&v8_memories, &zero);
}

static __always_inline bool v8_is_tagged(__u64 word)
{
	return (word & 3) == 1 && !(word >> 47);
}

/* The instance type of the object with this map word; 0 where that is no map. */
static __always_inline __u32 v8_type(struct v8_memory *memory, __u64 map)
{
	__u64 index = ((map >> 3) ^ (map >> 12)) & (V8_KNOWN_MAPS - 1), mark = (map ^ memory->key) & 0xffffffffffffULL;
	__u64 known = memory->maps[index];
	__u16 type = 0;

	if (!((known ^ mark) & 0xffffffffffffULL))
		return known >> 48;
	if (!v8_is_tagged(map) || bpf_probe_read_user(&type, sizeof(type), (void *)(map - 1 + V8_MAP_INSTANCE_TYPE)))
		return 0;
	memory->maps[index] = mark | (__u64)type << 48;
	return type;
}

/* The first words of the object at `tagged` into memory->object, where it is now; returns its tagged address, 0: unreadable. */
static __always_inline __u64 v8_read_object(struct v8_memory *memory, __u64 tagged)
{
	if (!v8_is_tagged(tagged) || bpf_probe_read_user(memory->object, sizeof(memory->object), (void *)(tagged - 1)))
		return 0;
	if (likely(memory->object[0] & 3))
		return tagged;
	tagged = memory->object[0] + 1;
	if (!v8_is_tagged(tagged) || bpf_probe_read_user(memory->object, sizeof(memory->object), (void *)(tagged - 1)))
		return 0;
	return tagged;
}

static __always_inline __u64 v8_word(struct v8_memory *memory, __u32 offset)
{
	return memory->object[(offset >> 3) & (V8_OBJECT_WORDS - 1)];
}

static __always_inline bool v8_in_builtins(struct v8_process *v8, __u64 pc)
{
	return pc - v8->builtins[0] < v8->builtins_bytes || pc - v8->builtins[1] < v8->builtins_bytes;
}

/* The words below `fp` into memory->slots. Frames come in rising order, so one read serves those that follow. */
static __always_inline bool v8_read_slots(struct v8_memory *memory, __u64 fp)
{
	__u64 address = fp - V8_SLOTS_BELOW, offset = address - memory->window_base, i;

	if (offset & 7 || offset + V8_SLOTS_BELOW > memory->window_bytes || offset >= sizeof(memory->window)) {
		memory->window_base = address;
		memory->window_bytes = sizeof(memory->window);
		if (bpf_probe_read_user(memory->window, sizeof(memory->window), (void *)address)) {
			/* The end of the stack. */
			memory->window_bytes = V8_SLOTS_BELOW;
			if (bpf_probe_read_user(memory->window, V8_SLOTS_BELOW, (void *)address)) {
				memory->window_bytes = 0;
				return false;
			}
		}
		offset = 0;
	}
#pragma unroll
	for (i = 0; i < V8_SLOTS; i++)
		memory->slots[i] = memory->window[(offset / 8 + i) & (V8_WINDOW_WORDS - 1)];
	return true;
}

static __always_inline struct v8_known *v8_known_of(struct v8_memory *memory, __u64 shared)
{
	return &memory->shared[((shared >> 3) ^ (shared >> 12)) & (V8_KNOWN_SHARED - 1)];
}

/* A frame whose function is known: is it interpreted? Then its place is that of the bytecode. */
static __always_inline bool v8_read_bytecode(struct v8_memory *memory, struct user_regs *top, struct v8_known *known,
					     __u64 *place)
{
	__u64 offset = memory->slots[V8_SLOT_OFFSET], bytecode = memory->slots[V8_SLOT_BYTECODE], map = 0;

	if (!offset || (__u32)offset || !v8_is_tagged(bytecode))
		return false;
	if (known->bytecode != bytecode) {
		if (bpf_probe_read_user(&map, sizeof(map), (void *)(bytecode - 1)))
			return false;
		/* Moved in a collection: the type is where it is now, and only the address matters here. */
		if ((map & 3) && v8_type(memory, map) != memory->process.bytecode_array_type)
			return false;
		known->bytecode = bytecode;
	}
	*place = offset >> 32;
#if defined(__TARGET_ARCH_x86)
	/* The slot is as old as the last call; in a bytecode's handler the interpreter's own registers tell more. */
	if (top && top->r12 == bytecode && top->r9 < 0x80000000ULL)
		*place |= top->r9 << 32;
#endif
	return true;
}

/* The ids of the script and the function of the SharedFunctionInfo in memory->object. */
static __always_inline __u64 v8_ids(struct v8_memory *memory, struct v8_known *known, __u64 shared)
{
	struct v8_process *v8 = &memory->process;
	__u64 script = v8_word(memory, v8->shared_script), id = 0;
	__u64 literal = v8_word(memory, v8->shared_literal_id);

	literal = v8->shared_literal_id & 4 ? literal >> 32 : (__u32)literal;
	if (known->shared == (shared ^ memory->key) && known->script == script && (__u32)known->ids == literal)
		return known->ids;
	/* A builtin has no script, a debugged function's lies elsewhere: the helper tells them apart. */
	if (v8_is_tagged(script) &&
	    (bpf_probe_read_user(&id, sizeof(id), (void *)(script - 1 + (v8->script_id & 0xff))) || (__u32)id))
		id = 0;
	known->shared = shared ^ memory->key;
	known->script = script;
	known->ids = (id & 0xffffffff00000000ULL) | literal;
	known->bytecode = 0;
	return known->ids;
}

/* The frame at `fp` whose code is at `pc`, and what names it. `top`: the registers, of the innermost one. */
static __always_inline int v8_read_frame(struct v8_memory *memory, struct user_regs *top, __u64 pc, __u64 fp,
					 struct v8_frame *frame)
{
	struct v8_process *v8 = &memory->process;
	bool in_builtins = v8_in_builtins(v8, pc);
	struct v8_known *known;
	__u64 function, shared, word;
	__u32 type;

	frame->ids = 0;
	frame->place = top ? 0 : pc;
	frame->data = V8_FRAME_UNREADABLE;
	if (!v8_read_slots(memory, fp))
		return 0;
	word = memory->slots[V8_SLOT_CONTEXT];
	if (!(word & 1)) {
		frame->data = V8_FRAME_MARKED | (word >> 1 & 0xff) << V8_DATA_SHIFT;
		return 0;
	}
	frame->data = V8_FRAME_NO_FUNCTION;
	function = memory->slots[V8_SLOT_FUNCTION];
	if (function != memory->last_function) {
		if (!v8_read_object(memory, function))
			return 0;
		type = v8_type(memory, memory->object[0]);
		if (type < v8->first_function_type || type > v8->last_function_type)
			return 0;
		shared = v8_read_object(memory, v8_word(memory, v8->function_shared));
		if (!shared || v8_type(memory, memory->object[0]) != v8->shared_type)
			return 0;
		memory->last_ids = v8_ids(memory, v8_known_of(memory, shared), shared);
		memory->last_shared = shared;
		memory->last_function = function;
	}
	shared = memory->last_shared;
	known = v8_known_of(memory, shared);
	frame->ids = memory->last_ids;
	frame->data = (shared >> 3) << V8_DATA_SHIFT;
	/* Optimized code that took over in the middle of a loop leaves the interpreter's slots as they were. */
	if ((in_builtins || top) && v8_read_bytecode(memory, top, known, &frame->place))
		frame->data |= V8_FRAME_INTERPRETED;
	else
		frame->data |= in_builtins ? V8_FRAME_BUILTIN : V8_FRAME_MACHINE;
	return 0;
}

/* The return address on top of the stack of code that has no frame (yet); 0: what is there is none. */
static __always_inline __u64 v8_return_address(struct v8_process *v8, __u64 sp)
{
	__u64 words[2] = {};

	if (bpf_probe_read_user(words, sizeof(words), (void *)sp))
		return 0;
	if (words[0] - v8->generated < v8->generated_bytes)
		return words[0];
	return words[1] - v8->generated < v8->generated_bytes ? words[1] : 0;
}

#endif /* LIB_UNWIND_V8_BPF_H */
