/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Walks a user stack by unwind tables (unwind_rows.h), and by frame pointers where there are none: code that was
 * generated at run time, a file whose table is not loaded yet. Runs in sample_native; until that is loaded sample_stack
 * walks by frame pointers alone. Of frames in the code of a runtime it keeps what the runtime's walker needs (runtime.bpf.h).
 *
 * What a sample costs is memory that is not in the processor's caches, for at 99 Hz everything of ours has been driven
 * out since the last one. So: the stack is copied a window at a time (fp_window of unwind_fp.bpf.h, one copy of up to
 * 1 KiB for some ten frames); rules of addresses seen before come from the CPU's memory of them; pages are searched
 * only for what is not there. A rule is remembered by address and code_id, and a code_id is never given twice: a table
 * that was replaced cannot serve.
 *
 * Ends: a row that says so (UNWIND_END) is a thread's entry, and the stack whole. Where a chain runs out otherwise
 * (return address 0, no frame pointer) the place decides, as in unwind_fp.bpf.h. Stacks only grow upwards in a walk,
 * with two exceptions: a signal frame names the stack that was interrupted, and a runtime's functions that switch
 * between a stack that it made and the thread's own keep the frame pointer chain going over the switch.
 */
#ifndef LIB_UNWIND_NATIVE_BPF_H
#define LIB_UNWIND_NATIVE_BPF_H

#include "kernel.bpf.h"
#include "settings.bpf.h"
#include "hash.bpf.h"
#include "scratch.bpf.h"
#include "runtime.bpf.h"
#include "unwind_fp.bpf.h"
#include "unwind_pages.bpf.h"

#define NATIVE_STACK_SWITCHES	4	/* of Go, in one walk */

/* Bits of the hash that the entry does not hold. */
#define NATIVE_PLACE(hash, bits)	((hash) >> 20 & ((1 << (bits)) - 1))

/* Where a word of the caller's frame comes from. */
enum word_from {
	FROM_NOWHERE = 0,	/* unchanged, or for the return address: the link register */
	FROM_CFA = 1,		/* memory at CFA + offset */
	FROM_ADDRESS = 2,	/* memory at an address */
	FROM_VALUE = 3,		/* it is the value itself */
};

/* DWARF's registers of x86-64 by their place in struct user_regs: rax rdx rcx rbx rsi rdi rbp rsp r8 to r15 rip. */
#if defined(__TARGET_ARCH_x86)
static const volatile __u8 dwarf_registers[32] = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
#define REGISTER_FP	6
#define REGISTER_SP	7
#define SIGNAL_FP	UNWIND_SIGNAL_X86_FP
#define SIGNAL_SP	UNWIND_SIGNAL_X86_SP
#define SIGNAL_IP	UNWIND_SIGNAL_X86_IP
#else
#define REGISTER_FP	29
#define REGISTER_LR	30
#define REGISTER_SP	31
#define SIGNAL_FP	UNWIND_SIGNAL_ARM64_FP
#define SIGNAL_SP	UNWIND_SIGNAL_ARM64_SP
#define SIGNAL_IP	UNWIND_SIGNAL_ARM64_IP
#endif

/* By frame pointer: CFA = fp + 16, saved fp at CFA - 16, return address at CFA - 8. */
#define POINTER_RULE	(UNWIND_FP | (2 << UNWIND_CFA_SHIFT) | (2 << UNWIND_FP_SHIFT) | (UNWIND_RA_BELOW_CFA << UNWIND_RA_SHIFT))

/* UNWIND_NONE at an address that no known code has: mapped since, or no address at all. */
#define RULE_UNMAPPED	(UNWIND_NONE | UNWIND_RA_SIGNED)

/* A walk under way, on the program's stack; all it points to is this CPU's. */
struct native_context {
	struct user_regs *regs;
	struct fp_window *window;
	struct native_walk *walk;
	struct native_rules *rules;
	struct stack_event *stack;
	__u64 hash;
	__u64 code;	/* code_id below, code_page above */
};

/* Where the program keeps them. False never in practice (key 0 of an array), but the verifier wants to see the test. */
static __always_inline bool this_cpu_native_context(struct native_context *context);

/*
 * What follows as global functions is verified once and not in each of the walk's rounds (5.6), and stands apart from the
 * code that every frame runs.
 */

/* Copies the stack from `address` to its block's end: what follows is needed next, and no page more is touched. 0: it is not there. */
__noinline int copy_stack_window(__u64 address)
{
	struct native_context context;
	struct fp_window *window;

	if (address & 7 || !this_cpu_native_context(&context))
		return 0;
	window = context.window;
	window->base = address;
	window->valid = (address | (FP_WINDOW_BYTES - 1)) + 1 - address;
	if (!bpf_probe_read_user(window->words, forget(window->valid) & FP_SIZE_MASK, (void *)address))
		return 1;
	window->valid = 0;
	return 0;
}

/* One word of the stack. False where the memory is not there. */
static __always_inline bool stack_word(struct fp_window *window, __u64 address, __u64 *word)
{
	__u64 offset = address - forget(window->base);

	if (unlikely(offset >= forget(window->valid) || offset & 7)) {
		if (!copy_stack_window(address))
			return false;
		offset = 0;
	}
	*word = window->words[(offset / 8) & (FP_WINDOW_WORDS - 1)];
	return true;
}

static __always_inline bool register_value(struct native_walk *walk, struct user_regs *regs, __u32 base, __u64 *value)
{
	__u32 number = base & UNWIND_BASE_REGISTER_MASK;

	if (number == REGISTER_FP) {
		*value = walk->fp;
	} else if (number == REGISTER_SP) {
		*value = walk->sp;
#if defined(__TARGET_ARCH_x86)
	} else if (walk->first) {
		/* The first frame's, as the thread was sampled. */
		__u64 place = dwarf_registers[number] & 31;

		if (place >= sizeof(*regs) / 8)
			return false;
		*value = ((__u64 *)regs)[place];
#else
	} else if (number == REGISTER_LR) {
		*value = walk->lr;
	} else if (walk->first && number < 31) {
		*value = regs->regs[number];
#endif
	} else {
		return false;
	}
	return true;
}

/* A rare rule. False where it asks for a register that is not known. */
static __noinline bool apply_wide_rule(struct native_walk *walk, struct user_regs *regs, __u32 index)
{
	__u32 number = index & (UNWIND_PAGE_WIDE_RULES - 1);
	struct unwind_wide_rule *rule = unwind_page(index / UNWIND_PAGE_WIDE_RULES);
	__u64 value;

	if (!rule)
		return false;
	rule += number;
	if (!register_value(walk, regs, rule->cfa_base, &value))
		return false;
	walk->cfa = value + rule->cfa_offset;
	walk->cfa_addend = rule->cfa_addend;
	walk->loads_cfa = rule->cfa_base & UNWIND_BASE_LOAD;
	if (!walk->loads_cfa)
		walk->cfa += rule->cfa_addend;

	if (rule->fp_base & UNWIND_BASE_UNKNOWN) {
		walk->fp_from = FROM_VALUE;
		walk->fp_place = 0;
	} else if (rule->fp_base & UNWIND_BASE_CFA) {
		walk->fp_from = FROM_CFA;
		walk->fp_place = (__s64)rule->fp_offset;
	} else {
		if (!register_value(walk, regs, rule->fp_base, &value))
			return false;
		walk->fp_from = rule->fp_base & UNWIND_BASE_LOAD ? FROM_ADDRESS : FROM_VALUE;
		walk->fp_place = value + rule->fp_offset;
	}
	if (rule->ra_base & UNWIND_BASE_CFA) {
		walk->ra_from = FROM_CFA;
		walk->ra_place = (__s64)rule->ra_offset;
	} else {
		if (!register_value(walk, regs, rule->ra_base, &value))
			return false;
		walk->ra_from = rule->ra_base & UNWIND_BASE_LOAD ? FROM_ADDRESS : FROM_VALUE;
		walk->ra_place = value + rule->ra_offset;
	}
	return true;
}

static __always_inline __u64 native_hash(__u64 address, __u64 code)
{
	return (address ^ (__u32)code * 0xff51afd7ed558ccdULL) * 0x9e3779b97f4a7c15ULL;
}

#define FOUND_RULE(word)	((__u32)(word))
#define FOUND_NEXT(word)	((word) >> 32 & 0xffff)	/* 0 for exact: a path begins there */
#define FOUND_MISS(word)	((word) >> 48)	/* it was not in memory */

/*
 * The rule of `address` from elsewhere in memory than where it was expected, or from the tables into memory. `exact`: the
 * instruction was interrupted there.
 */
__noinline __u64 find_native_rule(__u64 address, __u64 code, __u64 hash, __u64 exact)
{
	struct native_context context;
	struct native_rules *known;
	__u64 word, place, index;
	struct code_range *range;
	__u32 rule = RULE_UNMAPPED;

	if (!this_cpu_native_context(&context))
		return 0;
	known = context.rules;
	if (exact) {
		word = known->exact[NATIVE_PLACE(hash, NATIVE_EXACT_BITS)];
		if (!((word ^ hash) >> 32))
			return (__u32)word;
	} else {
		place = NATIVE_PLACE(hash, NATIVE_PLACES_BITS);
		index = known->places[place] & (NATIVE_RULES - 1);
		word = known->rules[index];
		if ((word ^ hash) >> 32) {
			index = known->places[place ^ 1] & (NATIVE_RULES - 1);
			word = known->rules[index];
		}
		if (!((word ^ hash) >> 32))
			return (__u32)word | (index + 1) << 32;
	}
	range = find_code(code >> 32, address);
	if (range && range->flags & CODE_MAPPED) {
		rule = find_rule(range, address - range->base);
		if (rule == UNWIND_NONE && range->flags & CODE_GO)
			rule = UNWIND_GO;
		else if (rule == UNWIND_NONE && range->flags >> CODE_RUNTIME_SHIFT)
			rule = UNWIND_RUNTIME | (__u32)(range->flags >> CODE_RUNTIME_SHIFT) << UNWIND_RUNTIME_SHIFT;
	}
	word = hash >> 32 << 32 | rule;
	if (exact) {
		known->exact[NATIVE_PLACE(hash, NATIVE_EXACT_BITS)] = word;
		return rule | 1ULL << 48;
	}
	index = known->learned++ & (NATIVE_RULES - 1);
	known->rules[index] = word;
	place = NATIVE_PLACE(hash, NATIVE_PLACES_BITS);
	known->places[place ^ 1] = known->places[place];
	known->places[place] = index;
	return rule | (index + 1) << 32 | 1ULL << 48;
}

/* The rule for the frame at walk->ip. `code` is code_id below, code_page above. */
static __always_inline __u32 rule_of_frame(struct native_walk *walk, struct native_rules *known, __u64 code)
{
	__u64 address = walk->ip - walk->back, index = walk->next, hash, word;

	/* No table is loaded yet. */
	if (unlikely(!(__u32)code))
		return UNWIND_NONE;
	hash = native_hash(address, code);
	word = known->rules[index & (NATIVE_RULES - 1)];
	if (likely(!((word ^ hash) >> 32))) {
		walk->next = index + 1;
		return word;
	}
	word = find_native_rule(address, code, hash, !walk->back);
	walk->next = FOUND_NEXT(word);
	walk->table_misses += FOUND_MISS(word);
	return FOUND_RULE(word);
}

/* What the rule says of the caller's frame, into *walk. Returns -1 to go on, else an enum walk_end. */
static __always_inline int apply_rule(struct native_walk *walk, struct user_regs *regs, __u32 rule)
{
	__u32 kind = rule & UNWIND_CFA_KIND_MASK;
	__s64 offset;

	walk->loads_cfa = 0;
	walk->goes_up = 1;
	walk->guessed = 0;
	walk->go = 0;
	walk->runtime = 0;
	if (kind == UNWIND_SIGNAL_RETURN) {
		walk->cfa = walk->sp + SIGNAL_SP;
		walk->loads_cfa = 1;
		walk->cfa_addend = 0;
		walk->fp_from = FROM_ADDRESS;
		walk->fp_place = walk->sp + SIGNAL_FP;
		walk->ra_from = FROM_ADDRESS;
		walk->ra_place = walk->sp + SIGNAL_IP;
		/* The signal may have come on a stack of its own. */
		walk->goes_up = 0;
		return -1;
	}
	if (kind == UNWIND_END)
		return WALK_WHOLE;
	if (kind == UNWIND_UNEXPRESSIBLE)
		return WALK_UNEXPRESSIBLE;
	if (kind == UNWIND_WIDE)
		return apply_wide_rule(walk, regs, rule >> UNWIND_WIDE_SHIFT) ? -1 : WALK_UNEXPRESSIBLE;

	if (kind == UNWIND_GO) {
		walk->go = 1;
		if (walk->back || (rule & ~UNWIND_EXACT) == UNWIND_GO) {
			rule = POINTER_RULE;
			walk->goes_up = 0;
		} else {
			/* Its rows say nothing of fp: pushed at the top of the frame, and set, unless that is still to come. */
			offset = (__s32)(rule << (32 - UNWIND_CFA_SHIFT - UNWIND_CFA_BITS)) >> (32 - UNWIND_CFA_BITS);
			walk->cfa = walk->sp + offset * 8;
			walk->fp_from = walk->fp + 16 == walk->cfa ? FROM_CFA : FROM_NOWHERE;
			walk->fp_place = -16;
			walk->ra_from = FROM_CFA;
			walk->ra_place = -8;
			return -1;
		}
	} else if (kind == UNWIND_RUNTIME) {
		walk->runtime = 1;
		rule = POINTER_RULE;
	} else if (kind == UNWIND_NONE) {
		walk->unmapped |= rule != UNWIND_NONE;
		walk->guesses++;
		walk->guessed = 1;
		rule = POINTER_RULE;
	}
	kind = rule & UNWIND_CFA_KIND_MASK;
	offset = (__s32)(rule << (32 - UNWIND_CFA_SHIFT - UNWIND_CFA_BITS)) >> (32 - UNWIND_CFA_BITS);
	offset *= 8;
	walk->fp_from = rule >> UNWIND_FP_SHIFT ? FROM_CFA : FROM_NOWHERE;
	walk->fp_place = -(__s64)(rule >> UNWIND_FP_SHIFT) * 8;
	walk->ra_from = FROM_CFA;
	walk->ra_place = -8;
	if (kind == UNWIND_SP) {
		walk->cfa = walk->sp + offset;
	} else if (kind == UNWIND_FP) {
		walk->cfa = walk->fp + offset;
	} else if (kind == UNWIND_PLT) {
		walk->cfa = walk->sp + 8 + ((walk->ip & 15) * 8 >= (__u64)offset ? 8 : 0);
	} else {
		/* UNWIND_DEREF_FP */
		walk->cfa = walk->fp + offset;
		walk->loads_cfa = 1;
		walk->cfa_addend = 0;
		if (walk->fp_from) {
			walk->fp_from = FROM_ADDRESS;
			walk->fp_place = walk->fp;
		}
	}
#if defined(__TARGET_ARCH_arm64)
	if (!walk->guessed && !walk->go && !walk->runtime) {
		__u32 place = (rule >> UNWIND_RA_SHIFT) & UNWIND_RA_MASK;

		if (place == UNWIND_RA_BESIDE_FP) {
			walk->ra_place = walk->fp_place + 8;
		} else if (place == UNWIND_RA_OWN_PLACE) {
			walk->ra_place = walk->fp_place;
			walk->fp_from = FROM_NOWHERE;
		} else if (place == UNWIND_RA_IN_LR) {
			walk->ra_from = FROM_NOWHERE;
		}
	}
#endif
	return -1;
}

/* From a frame to its caller's, as apply_rule() left it. Returns -1 to go on, else an enum walk_end. */
static __always_inline int to_caller(struct native_walk *walk, struct fp_window *window, __u32 rule)
{
	__u64 cfa = forget(walk->cfa), fp, ip, place;

	if (forget(walk->loads_cfa)) {
		if (!stack_word(window, cfa, &cfa))
			return WALK_UNREADABLE_STACK;
		cfa += walk->cfa_addend;
	}
	/* A frame by frame pointer that lies elsewhere: Go's functions switch stacks, others have no frame pointer. */
	if ((cfa - walk->sp) >> FP_STACK_MAX_BITS && (walk->goes_up || ++walk->switches > NATIVE_STACK_SWITCHES)) {
		if (walk->guessed)
			return WALK_NO_UNWIND_INFO;
		return walk->go && !walk->fp ? WALK_WHOLE : WALK_BAD_ADDRESS;
	}

	fp = walk->fp;
	if (forget(walk->fp_from)) {
		place = forget(walk->fp_place);
		if (walk->fp_from == FROM_VALUE)
			fp = place;
		else if (!stack_word(window, walk->fp_from == FROM_CFA ? cfa + place : place, &fp))
			return walk->guessed ? WALK_NO_UNWIND_INFO : WALK_UNREADABLE_STACK;
	}
	ip = walk->lr;
	if (forget(walk->ra_from)) {
		place = forget(walk->ra_place);
		if (walk->ra_from == FROM_VALUE)
			ip = place;
		else if (!stack_word(window, walk->ra_from == FROM_CFA ? cfa + place : place, &ip))
			return WALK_UNREADABLE_STACK;
	}
	walk->lr = 0;
#if defined(__TARGET_ARCH_arm64)
	if ((rule & UNWIND_CFA_KIND_MASK) == UNWIND_SIGNAL_RETURN &&
	    !stack_word(window, walk->sp + UNWIND_SIGNAL_ARM64_LR, &walk->lr))
		return WALK_UNREADABLE_STACK;
#endif
	ip = strip_signature(ip);
	if ((ip - USER_ADDRESS_MIN) >> USER_ADDRESS_BITS) {
		if (ip)
			return walk->guessed ? WALK_NO_UNWIND_INFO : WALK_BAD_ADDRESS;
		return walk->go ? WALK_WHOLE : WALK_UNKNOWN;
	}
	walk->sp = cfa;
	walk->fp = fp;
	walk->ip = ip;
	walk->back = !(rule & UNWIND_EXACT);
	walk->first = 0;
	if (walk->guessed | walk->go | walk->runtime)
		walk->pointer_frames++;
	else
		walk->table_frames++;
	return -1;
}

/* Nobody called the code at the frame's address: it was put there as a return address, and is one itself. */
static __always_inline void frame_is_exact(struct stack_event *stack)
{
	__u64 last = forget(stack->user_words) - 1;

	if (last < EVENTS_MAX_USER_WORDS)
		stack->words[last] |= FRAME_EXACT;
}

/*
 * The frame at hand is one of a runtime: in place of its address a head, behind it the address and what the runtime's walker
 * needs to find the frame while the thread still stands. False where there is no room.
 */
static __always_inline bool keep_runtime_frame(struct native_walk *walk, struct stack_event *stack, __u64 runtime)
{
	__u64 at = (__u64)forget(stack->user_words) - 1, count = walk->back ? FRAME_CALLER_WORDS : FRAME_TOP_WORDS;

	asm volatile("" : "+r"(at));
	if (at >= EVENTS_MAX_USER_WORDS - FRAME_TOP_WORDS)
		return false;
	stack->words[at + 1 + FRAME_PC] = stack->words[at];
	stack->words[at + 1 + FRAME_POINTER] = walk->fp;
	stack->words[at + 1 + FRAME_CALLER_WORDS] = 0;
	stack->words[at + 2 + FRAME_CALLER_WORDS] = 0;
	stack->words[at] = runtime_head(runtime, count, 0);
	stack->user_words = at + 1 + count;
	walk->runtime_words += count;
	return true;
}

/* A frame whose rule is not one of the two that nearly all have. Returns -1 to go on, else an enum walk_end. */
__noinline int rare_frame(__u64 rule)
{
	struct native_context context;
	struct native_walk *walk;
	__u32 kind;
	int end;

	if (!this_cpu_native_context(&context))
		return WALK_UNEXPRESSIBLE;
	walk = context.walk;
	kind = rule & UNWIND_CFA_KIND_MASK;
	if (kind == UNWIND_NONE && walk->back && (__u32)context.code) {
		/*
		 * Nothing lies before it, so nothing called: it is the first instruction of a signal's trampoline, or of what
		 * somebody laid on a new stack to be returned to (makecontext), where the stack ends.
		 */
		__u64 address = walk->ip, hash = native_hash(address, context.code);
		__u32 there = FOUND_RULE(find_native_rule(address, context.code, hash, 1));

		kind = there & UNWIND_CFA_KIND_MASK;
		if (kind == UNWIND_SIGNAL_RETURN) {
			rule = there;
		} else if (kind != UNWIND_NONE) {
			frame_is_exact(context.stack);
			return WALK_WHOLE;
		}
	}
	if (kind == UNWIND_SIGNAL_RETURN)
		frame_is_exact(context.stack);
	if (kind == UNWIND_RUNTIME && !keep_runtime_frame(walk, context.stack, rule >> UNWIND_RUNTIME_SHIFT))
		return WALK_TOO_DEEP;
	end = apply_rule(context.walk, context.regs, rule);
	return end < 0 ? to_caller(context.walk, context.window, rule) : end;
}

/* CFA = sp or fp and an offset, the return address at its usual place. */
static __always_inline bool is_plain_rule(__u32 rule)
{
	_Static_assert((UNWIND_SP ^ UNWIND_FP) == 1, "they differ in one bit");
#if defined(__TARGET_ARCH_x86)
	return (rule & UNWIND_CFA_KIND_MASK & ~1) == UNWIND_SP;
#else
	return (rule & ((UNWIND_CFA_KIND_MASK & ~1) | UNWIND_RA_MASK << UNWIND_RA_SHIFT)) ==
	       (UNWIND_SP | UNWIND_RA_BESIDE_FP << UNWIND_RA_SHIFT);
#endif
}

/*
 * The same as rare_frame() for such a rule, and the only way that most walks take. What it saves in time is within the
 * scatter (30 warm frames: 2.7 to 3.1 us, either way); but kernels before 5.17 verify the walk in a quarter of the time.
 */
static __always_inline int plain_frame(struct native_walk *walk, struct fp_window *window, __u32 rule)
{
	__s64 offset = (__s32)(rule << (32 - UNWIND_CFA_SHIFT - UNWIND_CFA_BITS)) >> (32 - UNWIND_CFA_BITS);
	__u64 sp = walk->sp, fp = walk->fp, use_fp = -(__u64)(rule & 1), cfa, fp_place, ip;

	cfa = ((sp & ~use_fp) | (fp & use_fp)) + offset * 8;
	if (unlikely((cfa - sp) >> FP_STACK_MAX_BITS))
		return WALK_BAD_ADDRESS;
	fp_place = rule >> UNWIND_FP_SHIFT;
	if (fp_place && !stack_word(window, cfa - fp_place * 8, &fp))
		return WALK_UNREADABLE_STACK;
#if defined(__TARGET_ARCH_x86)
	if (!stack_word(window, cfa - 8, &ip))
#else
	if (!stack_word(window, cfa - fp_place * 8 + 8, &ip))
#endif
		return WALK_UNREADABLE_STACK;
	ip = strip_signature(ip);
	if (unlikely((ip - USER_ADDRESS_MIN) >> USER_ADDRESS_BITS))
		return ip ? WALK_BAD_ADDRESS : WALK_UNKNOWN;
	walk->sp = cfa;
	walk->fp = fp;
	walk->ip = ip;
	walk->lr = 0;
	walk->back = !(rule & UNWIND_EXACT);
	walk->first = 0;
	walk->table_frames++;
	return -1;
}

static __always_inline void begin_native_walk(struct native_context *context)
{
	struct native_walk *walk = context->walk;
	struct user_regs *regs = context->regs;
	struct stack_event *stack = context->stack;

	walk->ip = regs->ip;
	walk->sp = regs->sp;
	walk->fp = frame_pointer(regs);
#if defined(__TARGET_ARCH_arm64)
	walk->lr = regs->regs[REGISTER_LR];
#else
	walk->lr = 0;
#endif
	walk->back = 0;
	walk->next = 0;
	walk->first = 1;
	walk->switches = 0;
	walk->table_frames = 0;
	walk->table_misses = 0;
	walk->pointer_frames = 0;
	walk->guesses = 0;
	walk->unmapped = 0;
	walk->runtime_words = 0;
	context->window->valid = 0;
	stack->words[0] = regs->ip;
	stack->user_words = 1;
	stack->user_frames = 1;
	stack->user_end = WALK_TOO_DEEP;
	context->hash = mix(context->hash, regs->ip);
}

/* One more frame. False where the walk has ended; stack->user_end says how. */
static __always_inline bool native_frame(struct native_context *context)
{
	struct native_walk *walk = context->walk;
	struct stack_event *stack = context->stack;
	__u64 i, word;
	__u32 rule;
	int end;

	rule = rule_of_frame(walk, context->rules, context->code);
	if (likely(is_plain_rule(rule)))
		end = plain_frame(walk, context->window, rule);
	else
		end = rare_frame(rule);
	if (unlikely(end >= 0)) {
		stack->user_end = end;
		return false;
	}
	i = forget(stack->user_words);
	if (unlikely(i >= EVENTS_MAX_USER_WORDS))
		return false;
	word = walk->ip | (walk->back ^ 1) * FRAME_EXACT;
	stack->words[i] = word;
	stack->user_words = i + 1;
	context->hash = mix(context->hash, word);
	return true;
}

static __always_inline void end_native_walk(struct native_context *context)
{
	struct stack_event *stack = context->stack;

	stack->user_frames = stack->user_words - context->walk->runtime_words;
	/* Chains that ran out may have done so at the right place. */
	if (stack->user_end != WALK_WHOLE && stack->user_end != WALK_TOO_DEEP && stack->user_frames > 1 &&
	    near_entry(context->regs, context->walk->sp))
		stack->user_end = WALK_WHOLE;
}

/* Fill the user part as walk_user_stack() does; context->hash has each frame mixed in. */
static __always_inline void walk_by_tables(struct native_context *context)
{
	__u32 i;

	begin_native_walk(context);
	if (is_32bit(context->regs)) {
		context->stack->user_end = WALK_32BIT;
		return;
	}
	/*
	 * Counted at the top, where the compiler cannot move it: behind the body, the end of the round would fall through into
	 * the next one's beginning, and 5.10 takes loops by jumps only ("back-edge from insn").
	 */
	for (i = 0;;) {
		asm volatile("" : "+r"(i));
		if (++i >= EVENTS_MAX_FRAMES || !native_frame(context))
			break;
	}
	end_native_walk(context);
}

static long native_frame_callback(__u32 i, void *context)
{
	return !native_frame(context);
}

/* The same by bpf_loop(), whose body is verified once instead of for each round: loads in a tenth of the time. */
static __always_inline void walk_by_tables_looping(struct native_context *context)
{
	begin_native_walk(context);
	if (is_32bit(context->regs)) {
		context->stack->user_end = WALK_32BIT;
		return;
	}
	call_loop(settings.max_frames - 1, native_frame_callback, context, 0);
	end_native_walk(context);
}

#endif /* LIB_UNWIND_NATIVE_BPF_H */
