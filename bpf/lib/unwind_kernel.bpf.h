/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Walks a kernel stack by the kernel's own unwind tables (ORC, x86-64), through a memory of rules.
 *
 * bpf_get_stack() does the same walk, but searches the tables anew for every frame, and at 99 Hz all that it touches
 * has left the CPU's caches in between: 15 to 20 us for the 14 frames of a server in its network stack, several times
 * all else that a sample costs. Return addresses repeat from sample to sample. So the rule of each is looked up once
 * in the kernel's tables and kept in one word, in the order in which stacks ask for them: a path that was seen before
 * is found as neighbours, eight frames to a line of the cache. And where the walk ends lie the user's registers.
 *
 * What this walk does not know (modules, JIT code, registers other than sp and bp, return addresses that a tracer of
 * functions replaced) makes it give up as a whole, and the caller asks bpf_get_stack(). bpf/test/kernel_walk.bpf.c
 * holds the two against each other. Included by stack_tracer.bpf.c.
 *
 * Tables and meaning: arch/x86/include/asm/orc_types.h, arch/x86/kernel/unwind_orc.c (4.14; `end` became a type in 6.4).
 */
#ifndef LIB_UNWIND_KERNEL_BPF_H
#define LIB_UNWIND_KERNEL_BPF_H

#include "kernel.bpf.h"
#include "hash.bpf.h"
#include "../events.h"

#define KERNEL_RULES_BITS	12	/* the return addresses of a busy machine's kernel stacks, several times over */
#define KERNEL_RULES		(1 << KERNEL_RULES_BITS)
#define KERNEL_PLACES		(2 * KERNEL_RULES)
#define KERNEL_HINTS_BITS	12
#define KERNEL_HINTS		(1 << KERNEL_HINTS_BITS)
#define KERNEL_HINT_SHIFT	9	/* 512 bytes of code have some 13 rows */
#define ORC_WINDOW_ROWS		32	/* two lines of the cache */
#define KERNEL_BLOCK_BYTES	2048	/* of stack, copied at once; stacks are aligned to more, so no block crosses an end */
#define KERNEL_BLOCK_WORDS	(KERNEL_BLOCK_BYTES / 8)
#define ORC_SEARCH_STEPS	17	/* down to a window in 2 M rows; a distribution's kernel has half a million */

_Static_assert((KERNEL_BLOCK_BYTES & (KERNEL_BLOCK_BYTES - 1)) == 0, "blocks are aligned");

/* Where the kernel keeps its tables; all 0 until the helper has found them in /proc/kallsyms. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_unwind_tables);
} kernel_unwind SEC(".maps");

/*
 * The part of the stack at hand, [base, base + valid), and where the walk is. In map memory, where the verifier forgets
 * the values: see walk_user_stack().
 */
struct kernel_walk {
	__u64 words[KERNEL_BLOCK_WORDS];
	__u64 base;
	__u64 valid;
	__u64 ip;
	__u64 sp;
	__u64 bp;
	__u64 exact;	/* ip was interrupted there; else it is a return address, and the call lies before it */
	__u64 next;	/* in kernel_rules.rules: where the rule should be, if the path is one seen before */
	__u64 user_regs; /* address of the user's registers, on which the stack ends; 0: none */
	__u64 count;
	__u64 frames[EVENTS_MAX_FRAMES + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_walk);
} kernel_walks SEC(".maps");

static __always_inline struct kernel_walk *this_cpu_kernel_walk(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&kernel_walks, &zero);
}

/*
 * One word a rule, so that CPUs can write it without a lock: the lower half of the address it holds for, and
 *   bits 32-43 offset of the caller's sp / 8, 44-51 where bp was saved / 8 (both signed), 52-55 base of sp, 56-57 base
 *   of bp, 58-59 what lies there, 60 the caller's ip is exact (no return address).
 * What races can lose is a rule, which is then learned again.
 */
struct kernel_rules {
	__u64 rules[KERNEL_RULES];	/* of return addresses, in the order in which they were learned, round and round */
	__u64 exact[KERNEL_RULES];	/* of interrupted instructions, by the address's hash */
	__u64 hints[KERNEL_HINTS];	/* by 512 bytes of code: those bytes' number above, a row of theirs below */
	__u16 places[KERNEL_PLACES];	/* by the address's hash, in this place or its neighbour: index into rules */
	__u64 learned;
	__u64 register_numbers;	/* of the kernel's tables: ORC_REGS_OLD or ORC_REGS_7; 0 until the first rule is learned */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_rules);
} kernel_rules SEC(".maps");

static __always_inline struct kernel_rules *known_kernel_rules(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&kernel_rules, &zero);
}

enum rule_frame { FRAME_UNKNOWN, FRAME_CALL, FRAME_REGS, FRAME_END };
enum rule_saved_bp { BP_KEPT, BP_BELOW_SP, BP_AT_BP };

#define HASH_OF(address, bits)	((__u32)(address) * 2654435761u >> (32 - (bits)))
#define RULE_SP_OFFSET(rule)	((__s64)((rule) << 20) >> 52 << 3)
#define RULE_BP_OFFSET(rule)	((__s64)((rule) << 12) >> 56 << 3)
#define RULE_SP_BASE(rule)	((rule) >> 52 & 0xf)
#define RULE_SAVED_BP(rule)	((rule) >> 56 & 3)
#define RULE_EXACT(rule)	((rule) >> 60 & 1)
#define RULE_FRAME(rule)	((rule) >> 58 & 3)

#if defined(__TARGET_ARCH_x86)

/* arch/x86/include/asm/orc_types.h, up to 6.x */
#define ORC_ENTRY_BYTES		6
#define ORC_REG_PREV_SP		1
#define ORC_REG_BP		4
#define ORC_REG_SP		5
#define ORC_REG_BP_INDIRECT	8
#define ORC_REG_SP_INDIRECT	9

/*
 * 7.x has given the registers other numbers, and BTF does not know of it. But where a function begins, the caller's sp is
 * sp + 8: the number there is sp's. By number, the number of old; 2 stands for all that this walk does not know.
 */
#define ORC_REG_SP_7		3
#define ORC_REGS_OLD		0xfedcba9876543210ULL
#define ORC_REGS_7		0x2222289122245220ULL

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct orc_entry {
	short sp_offset;
	short bp_offset;
	unsigned int sp_reg : 4;
	unsigned int bp_reg : 4;
	unsigned int type : 3;
	unsigned int signal : 1;
} __attribute__((packed));

struct orc_entry___before_6_4 {
	unsigned int end : 1;
};

#pragma clang attribute pop

/* A field of the table's entry `raw`: the kernel's BTF says where it lies. One read of the whole costs less than one a field. */
#define ORC_FIELD(raw, orc, field)							\
	((raw) >> 8 * __builtin_preserve_field_info((orc)->field, BPF_FIELD_BYTE_OFFSET)	\
	       << __builtin_preserve_field_info((orc)->field, BPF_FIELD_LSHIFT_U64)		\
	       >> __builtin_preserve_field_info((orc)->field, BPF_FIELD_RSHIFT_U64))

static __always_inline enum rule_frame frame_of(__u64 raw)
{
	struct orc_entry___before_6_4 *older = (void *)0;
	struct orc_entry *orc = (void *)0;
	__u32 type = ORC_FIELD(raw, orc, type);

	if (bpf_core_field_exists(older->end)) {
		if (ORC_FIELD(raw, older, end))
			return FRAME_END;
		return type == 0 ? FRAME_CALL : type == 1 ? FRAME_REGS : FRAME_UNKNOWN;
	}
	return type == 1 ? FRAME_END : type == 2 ? FRAME_CALL : type == 3 ? FRAME_REGS : FRAME_UNKNOWN;
}

static __always_inline bool is_exact(__u64 raw, enum rule_frame frame)
{
	struct orc_entry *orc = (void *)0;

	if (bpf_core_field_exists(orc->signal))
		return ORC_FIELD(raw, orc, signal);
	return frame == FRAME_REGS;
}

/* FRAME_UNKNOWN, and so 0, for what one word or this walk cannot express. `numbers`: ORC_REGS_OLD or ORC_REGS_7. */
static __always_inline __u64 compact_rule(__u64 raw, __u64 numbers)
{
	struct orc_entry___before_6_4 *older = (void *)0;
	struct orc_entry *orc = (void *)0;
	__u64 sp_base = numbers >> 4 * ORC_FIELD(raw, orc, sp_reg) & 0xf;
	__u64 bp_base = numbers >> 4 * ORC_FIELD(raw, orc, bp_reg) & 0xf;
	__s64 sp_offset = (__s16)ORC_FIELD(raw, orc, sp_offset), bp_offset = (__s16)ORC_FIELD(raw, orc, bp_offset);
	enum rule_frame frame = frame_of(raw);
	__u64 saved_bp;

	if (frame == FRAME_UNKNOWN || frame == FRAME_END)
		return (__u64)frame << 58;
	if (sp_base != ORC_REG_SP && sp_base != ORC_REG_BP && sp_base != ORC_REG_SP_INDIRECT &&
	    sp_base != ORC_REG_BP_INDIRECT)
		return 0;
	/* Up to 5.11 the offset was added before the pointer was followed; the older tables cannot be told apart. */
	if (sp_base == ORC_REG_SP_INDIRECT && bpf_core_field_exists(older->end))
		return 0;
	if (sp_offset & 7 || sp_offset < -2048 * 8 || sp_offset >= 2048 * 8 || bp_offset & 7 || bp_offset < -128 * 8 ||
	    bp_offset >= 128 * 8)
		return 0;
	if (bp_base == 0)
		saved_bp = BP_KEPT;
	else if (bp_base == ORC_REG_PREV_SP)
		saved_bp = BP_BELOW_SP;
	else if (bp_base == ORC_REG_BP)
		saved_bp = BP_AT_BP;
	else
		return 0;
	return ((__u64)sp_offset / 8 & 0xfff) << 32 | ((__u64)bp_offset / 8 & 0xff) << 44 | sp_base << 52 | saved_bp << 56 |
	       (__u64)frame << 58 | (__u64)is_exact(raw, frame) << 60;
}

/*
 * Index of the row that holds for `address`, if it lies among the ORC_WINDOW_ROWS from row `start` on but for the last;
 * else the number of all rows. A row holds up to the next one. Each address is kept as its distance from its own place.
 */
static __always_inline __u64 row_in_window(struct kernel_unwind_tables *tables, __u64 start, __u64 address)
{
	__u64 place = tables->addresses + start * sizeof(__s32), below = 0;
	__s32 distances[ORC_WINDOW_ROWS];
	__u32 i;

	if (bpf_probe_read_kernel(distances, sizeof(distances), (void *)place))
		return tables->rows;
	/* Without branches: the processor could not guess them. Not unrolled: 2.5 KB of code, in no cache by then. */
#pragma clang loop unroll(disable)
	for (i = 0; i < ORC_WINDOW_ROWS; i++)
		below += 1 + ((__s64)(address - (place + i * sizeof(__s32) + distances[i])) >> 63);
	return below == 0 || below == ORC_WINDOW_ROWS ? tables->rows : start + below - 1;
}

static __always_inline __u64 row_of(struct kernel_unwind_tables *tables, struct kernel_rules *known, __u64 address)
{
	__u64 block = address >> KERNEL_HINT_SHIFT, row, low = 0, high = tables->rows;
	__u64 *hint = &known->hints[block & (KERNEL_HINTS - 1)];
	__u32 i;

	if (tables->rows <= ORC_WINDOW_ROWS)
		return tables->rows;
	if (*hint >> 32 == (__u32)block) {
		low = (__u32)*hint;
		low = low > ORC_WINDOW_ROWS / 2 ? low - ORC_WINDOW_ROWS / 2 : 0;
		row = row_in_window(tables, low, address);
		if (row < tables->rows)
			return row;
		low = 0;
	}
	for (i = 0; i < ORC_SEARCH_STEPS; i++) {
		__u64 middle = low + (high - low) / 2, place = tables->addresses + middle * sizeof(__s32);
		__s32 distance = 0;

		if (high - low < ORC_WINDOW_ROWS)
			break;
		if (bpf_probe_read_kernel(&distance, sizeof(distance), (void *)place))
			return tables->rows;
		if (place + distance <= address)
			low = middle;
		else
			high = middle;
	}
	/* Behind the last row lie the entries' bytes: in one window with it, what is asked for would not be found. */
	if (low > tables->rows - ORC_WINDOW_ROWS)
		return tables->rows;
	row = row_in_window(tables, low, address);
	if (row < tables->rows)
		*hint = (__u64)(__u32)block << 32 | row;
	return row;
}

/*
 * The table's entry for `address`, 0 where there is none (which says UNDEFINED, too).
 *
 * This and what follows are global functions: the verifier checks them once and for any argument (5.6), where static
 * ones would count anew in each of the walk's 127 rounds, more than it takes.
 */
__noinline __u64 orc_entry_of(__u64 address)
{
	__u32 zero = 0;
	struct kernel_unwind_tables *tables = bpf_map_lookup_elem(&kernel_unwind, &zero);
	struct kernel_rules *known = known_kernel_rules();
	__u64 row, raw = 0;

	if (!tables || !known)
		return 0;
	row = row_of(tables, known, address);
	if (row >= tables->rows ||
	    bpf_probe_read_kernel(&raw, ORC_ENTRY_BYTES, (void *)tables->entries + row * ORC_ENTRY_BYTES))
		return 0;
	return raw;
}

/* How the kernel's tables number the registers. */
static __always_inline __u64 orc_register_numbers(struct kernel_unwind_tables *tables, struct kernel_rules *known)
{
	struct orc_entry *orc = (void *)0;

	if (!known->register_numbers)
		known->register_numbers = ORC_FIELD(orc_entry_of(tables->function), orc, sp_reg) == ORC_REG_SP_7 ?
					  ORC_REGS_7 : ORC_REGS_OLD;
	return known->register_numbers;
}

/* The rule of `address` from the kernel's tables, and into memory with it. */
__noinline __u64 learn_rule(__u64 address, __u64 exact)
{
	__u32 zero = 0, slot;
	struct kernel_unwind_tables *tables = bpf_map_lookup_elem(&kernel_unwind, &zero);
	struct kernel_rules *known = known_kernel_rules();
	struct kernel_walk *walk = this_cpu_kernel_walk();
	__u64 rule = 0, index;

	if (!tables || !known || !walk)
		return 0;
	/* There a tracer of functions put its own return address; only the kernel knows what was there before. */
	if (address + 1 != tables->trampolines[0] && address + 1 != tables->trampolines[1])
		rule = compact_rule(orc_entry_of(address), orc_register_numbers(tables, known));
	rule |= (__u32)address;
	if (exact) {
		known->exact[HASH_OF(address, KERNEL_RULES_BITS)] = rule;
		return rule;
	}
	index = known->learned++ & (KERNEL_RULES - 1);
	known->rules[index] = rule;
	slot = HASH_OF(address, KERNEL_RULES_BITS + 1);
	known->places[slot ^ 1] = known->places[slot];
	known->places[slot] = index;
	walk->next = index + 1;
	return rule;
}

/* Copies the stack from `address` to its block's end. 0 where it cannot be read. */
__noinline int copy_kernel_block(__u64 address)
{
	struct kernel_walk *walk = this_cpu_kernel_walk();

	if (!walk)
		return 0;
	walk->base = address;
	walk->valid = (address | (KERNEL_BLOCK_BYTES - 1)) + 1 - address;
	if (!bpf_probe_read_kernel(walk->words, ((forget(walk->valid) - 1) & (KERNEL_BLOCK_BYTES - 1)) + 1, (void *)address))
		return 1;
	walk->valid = 0;
	return 0;
}

static __always_inline bool kernel_stack_word(struct kernel_walk *walk, __u64 address, __u64 *word)
{
	if (unlikely(address - forget(walk->base) >= forget(walk->valid)) && !copy_kernel_block(address))
		return false;
	*word = walk->words[(address - forget(walk->base)) / 8 & (KERNEL_BLOCK_WORDS - 1)];
	return true;
}

/* From a function's frame to its caller's: walk->ip, sp, bp and lookup. */
static __always_inline bool step_call(struct kernel_walk *walk, __u64 rule, __u64 caller_sp)
{
	__u64 saved;

	if (!kernel_stack_word(walk, caller_sp - 8, &walk->ip))
		return false;
	if (RULE_SAVED_BP(rule) != BP_KEPT) {
		saved = (RULE_SAVED_BP(rule) == BP_AT_BP ? walk->bp : caller_sp) + RULE_BP_OFFSET(rule);
		if (!kernel_stack_word(walk, saved, &walk->bp))
			return false;
	}
	walk->sp = caller_sp;
	walk->exact = RULE_EXACT(rule);
	return true;
}

enum kernel_step { STEP_CALLER, STEP_END, STEP_UNKNOWN };

/* Where a stack changes to another one, and the registers that an interrupt, an exception or a system call saved. */
__noinline int step_rare_frame(__u64 rule)
{
	__u64 base = RULE_SP_BASE(rule), caller_sp, word;
	struct kernel_walk *walk = this_cpu_kernel_walk();

	if (!walk || RULE_FRAME(rule) == FRAME_UNKNOWN)
		return STEP_UNKNOWN;
	if (RULE_FRAME(rule) == FRAME_END)
		return STEP_END;
	caller_sp = (base == ORC_REG_SP || base == ORC_REG_SP_INDIRECT ? walk->sp : walk->bp) + RULE_SP_OFFSET(rule);
	if (base == ORC_REG_SP_INDIRECT) {
		if (!kernel_stack_word(walk, walk->sp, &word))
			return STEP_UNKNOWN;
		caller_sp = word + RULE_SP_OFFSET(rule);
	} else if (base == ORC_REG_BP_INDIRECT) {
		if (!kernel_stack_word(walk, caller_sp, &caller_sp))
			return STEP_UNKNOWN;
	}
	if (RULE_FRAME(rule) == FRAME_CALL)
		return step_call(walk, rule, caller_sp) ? STEP_CALLER : STEP_UNKNOWN;
	if (!kernel_stack_word(walk, caller_sp + __builtin_offsetof(struct user_regs, cs), &word))
		return STEP_UNKNOWN;
	/* From user space: here the kernel's stack ends. */
	if ((word & 3) == 3) {
		walk->user_regs = caller_sp;
		return STEP_END;
	}
	if (!kernel_stack_word(walk, caller_sp + __builtin_offsetof(struct user_regs, ip), &walk->ip) ||
	    !kernel_stack_word(walk, caller_sp + __builtin_offsetof(struct user_regs, bp), &walk->bp) ||
	    !kernel_stack_word(walk, caller_sp + __builtin_offsetof(struct user_regs, sp), &walk->sp))
		return STEP_UNKNOWN;
	walk->exact = RULE_EXACT(rule);
	return STEP_CALLER;
}

/* The rule for the frame at walk->ip. */
static __always_inline __u64 kernel_rule(struct kernel_walk *walk, struct kernel_rules *known)
{
	__u64 address = forget(walk->ip), index, rule;
	__u32 slot;

	if (forget(walk->exact)) {
		rule = known->exact[HASH_OF(address, KERNEL_RULES_BITS)];
		return (__u32)rule == (__u32)address ? rule : learn_rule(address, 1);
	}
	address--;
	index = forget(walk->next) & (KERNEL_RULES - 1);
	rule = known->rules[index];
	if ((__u32)rule != (__u32)address) {
		slot = HASH_OF(address, KERNEL_RULES_BITS + 1);
		index = known->places[slot] & (KERNEL_RULES - 1);
		rule = known->rules[index];
		if ((__u32)rule != (__u32)address) {
			index = known->places[slot ^ 1] & (KERNEL_RULES - 1);
			rule = known->rules[index];
			if ((__u32)rule != (__u32)address)
				return learn_rule(address, 0);
		}
	}
	walk->next = index + 1;
	return rule;
}

/* clang 11 cannot ask for a type, only for a member of it. */
static __always_inline bool has_orc_entries(void)
{
	struct orc_entry *orc = (void *)0;

	return bpf_core_field_exists(orc->sp_offset);
}

/*
 * Walks the kernel stack at `regs`: walk->count of walk->frames, innermost first, and walk->user_regs. False where it is
 * not for this walk.
 */
static __always_inline bool walk_kernel_stack(struct user_regs *regs, struct kernel_walk *walk)
{
	__u32 zero = 0, i;
	struct kernel_unwind_tables *tables = bpf_map_lookup_elem(&kernel_unwind, &zero);
	struct kernel_rules *known = known_kernel_rules();
	__u64 base, rule;
	int step;

	if (!has_orc_entries() || !known || !tables || !tables->rows)
		return false;
	walk->valid = 0;
	walk->user_regs = 0;
	walk->next = 0;
	walk->exact = 1;
	walk->ip = regs->ip;
	walk->sp = regs->sp;
	walk->bp = regs->bp;
	for (i = 0; i < EVENTS_MAX_FRAMES; i++) {
		walk->frames[i] = i ? walk->ip ^ (forget(walk->exact) * FRAME_EXACT) : walk->ip;
		if (forget(walk->ip) - tables->text_start >= tables->text_bytes)
			return false;
		rule = kernel_rule(walk, known);
		base = RULE_SP_BASE(rule);
		if (RULE_FRAME(rule) == FRAME_CALL && (base == ORC_REG_SP || base == ORC_REG_BP)) {
			base = base == ORC_REG_SP ? walk->sp : walk->bp;
			if (!step_call(walk, rule, base + RULE_SP_OFFSET(rule)))
				return false;
			continue;
		}
		step = step_rare_frame(rule);
		if (step == STEP_UNKNOWN)
			return false;
		if (step == STEP_END) {
			walk->count = i + 1;
			return true;
		}
	}
	walk->count = EVENTS_MAX_FRAMES;
	return true;
}

#else

/* Elsewhere the kernel walks by frame pointers, which is as cheap. */
static __always_inline bool walk_kernel_stack(struct user_regs *regs, struct kernel_walk *walk)
{
	return false;
}

#endif

#endif /* LIB_UNWIND_KERNEL_BPF_H */
