/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The only kernel <-> helper ABI: every record that crosses a ring buffer and every map value that both sides touch,
 * in one header. helper/src/abi/events.gen.ts is generated from this file as the compiler lays it out
 * (helper/src/abi/generate.mjs); `make check-abi` fails when the two differ. All times are bpf_ktime_get_ns()
 * (CLOCK_MONOTONIC), all pids are as the helper's own PID namespace numbers them.
 */
#ifndef EVENTS_H
#define EVENTS_H

#define EVENTS_MAX_FRAMES	127	/* kernel frames, and user frames by default: perf's own default depth */
#define EVENTS_MAX_USER_FRAMES	1023	/* what tracer_settings.max_frames may ask for */
#define EVENTS_MAX_USER_WORDS	1535	/* of these frames, and of runtimes' own chains behind them: 512 at least */
#define EVENTS_COMM_LEN		16	/* TASK_COMM_LEN */

enum event_kind {
	EVENT_SAMPLE = 1,	/* struct sample_event: a known stack was hit once more */
	EVENT_STACK = 2,	/* struct stack_event: a new stack, sent before its first sample */
	EVENT_FORK = 3,		/* struct process_event */
	EVENT_EXEC = 4,
	EVENT_EXIT = 5,
	EVENT_REFUSED = 6,	/* from now on it runs with rights that the caller has not: not traced */
	EVENT_RAW_SAMPLE = 7,	/* struct raw_sample_event: a sample whose user stack the helper is to walk */
	EVENT_THREAD = 8,	/* struct thread_event: a thread's name, sent before the first sample of the thread that has it */
};

/* What a sample counts. */
enum metric {
	METRIC_CPU = 0,		/* one sample of the clock */
};

/* What a thread works for while it does not work for itself: what the label of a sample is. */
enum label_kind {
	LABEL_NONE = 0,
	LABEL_GOROUTINE = 1,	/* its id */
	LABEL_TASK = 2,		/* of Python's asyncio: its number, or above 32 bits the address of one that has a name */
};

/* Why a walk of a user stack ended. Only WALK_WHOLE is a whole stack. */
enum walk_end {
	WALK_WHOLE = 0,			/* at the entry of its thread */
	WALK_NO_FRAME_POINTER = 1,	/* the frame pointer register held something else */
	WALK_TOO_DEEP = 2,		/* tracer_settings.max_frames were not enough */
	WALK_BAD_ADDRESS = 3,		/* a return address that cannot be code */
	WALK_NO_UNWIND_INFO = 4,	/* code without rows, and its frame pointer led nowhere */
	WALK_UNREADABLE_STACK = 5,	/* the stack's memory was not there */
	WALK_UNKNOWN = 6,		/* a clean end of the chain, but not at a place known as a thread's entry */
	WALK_UNEXPRESSIBLE = 7,		/* there is unwind information, but none that a row can hold */
	WALK_32BIT = 8,			/* 32-bit code: not supported */
	WALK_TABLES_NOT_READY = 9,	/* the helper was still making tables, and the stack found no room as a raw sample */
};

struct event_header {
	enum event_kind kind;
	__u32 size_bytes;	/* of the whole record */
	__u64 time_ns;
};

/* This is what a known stack costs: 56 bytes, 64 with the ring buffer's own header. */
struct sample_event {
	struct event_header header;
	__u64 stack_id;
	__u64 value;		/* of the metric */
	__u64 label;		/* 0: none, or not known */
	__u32 pid;
	__u32 tid;
	__u32 cpu;
	__u16 metric;		/* enum metric */
	__u16 label_kind;	/* enum label_kind */
};

/* A thread has this name from now on. One that found no room is sent again with the thread's next sample. */
struct thread_event {
	struct event_header header;
	__u32 pid;
	__u32 tid;
	char comm[EVENTS_COMM_LEN];
};

/*
 * Frames are words. Bits 63-62 say what a word is: 00 a user address, 11 a kernel address, 01 the head of a frame of a
 * runtime. Of an address bits 62 and 61 are equal: it is a return address, so that its code is the call before it.
 * They differ where the address is exact, and its code stands there itself: where a signal, an exception or an
 * interrupt came, in a signal's trampoline, at a thread's entry. The first frame of each part is exact either way.
 */
#define FRAME_EXACT	(1ULL << 61)	/* this bit is flipped */

/*
 * The head of a runtime's frame: bits 61-56 which runtime (enum runtime_id), 55-52 how many words follow that belong to it, 51-0
 * data. What data and words mean is between the runtime's walker and its plug-in (helper/src/runtimes/).
 */
#define FRAME_RUNTIME		(1ULL << 62)
#define FRAME_RUNTIME_SHIFT	56
#define FRAME_WORDS_SHIFT	52
#define FRAME_WORDS_MAX		15
#define FRAME_DATA_MASK		0xfffffffffffff

/* Words behind the head of a frame in a runtime's code (enum code_flags), as the native walk leaves it; data is 0. */
enum frame_words {
	FRAME_PC = 0,		/* an address as any, perhaps FRAME_EXACT */
	FRAME_POINTER = 1,	/* in the frame: only a walker of the runtime can make use of it */
	FRAME_CALLER_WORDS = 2,
	FRAME_TOP_WORDS = 4,	/* the stack's first frame has two more for the walker, 0 */
};

/* Numbers of runtimes (helper/src/runtimes/), 1 to 31. Those that the core must know have a name. */
enum runtime_id {
	RUNTIME_NONE = 0,
	RUNTIME_GO = 1,		/* its frames are native, its label is found without a walker of its own */
	RUNTIME_MAX = 31,
};

/* As long as its words need: the size is in the header. */
struct stack_event {
	struct event_header header;
	__u64 stack_id;		/* hash of pid, generation and all words */
	__u32 pid;
	__u32 generation;	/* of struct target when it was taken */
	__u16 user_end;		/* enum walk_end */
	__u16 user_words;
	__u16 user_frames;	/* in these words, without what walkers of runtimes have added behind */
	__u16 kernel_count;
	/* User frames innermost first, chains of runtimes, then kernel frames innermost first. */
	__u64 words[EVENTS_MAX_USER_WORDS + EVENTS_MAX_FRAMES];
};

#define RAW_BLOCK_BYTES	4096	/* of stack, read at once: never more than a page, so that a missing one costs no other */
#define RAW_REGISTERS	34	/* words of struct user_regs (lib/kernel.bpf.h): 21 on x86-64, 34 on arm64 */
#define RAW_RUNTIME_WORDS	6

/* A sample with all that is needed to walk its user stack later (lib/raw_sample.bpf.h). It holds memory of the target. */
struct raw_sample_event {
	struct event_header header;
	__u32 pid;
	__u32 tid;
	__u32 cpu;
	__u32 generation;
	char comm[EVENTS_COMM_LEN];
	__u64 registers[RAW_REGISTERS];	/* struct user_regs */
	__u64 entry;		/* the thread's first function has its frame at most entry_gap bytes below */
	__u64 entry_gap;
	__u64 runtime_low;	/* bounds of the stack that a runtime made for what it runs, perhaps; else 0 */
	__u64 runtime_high;
	__u64 runtime_words[RAW_RUNTIME_WORDS];	/* of which a runtime's label may be made: lib/unwind_go.bpf.h */
	__u64 stack_address;	/* of stack[0] */
	__u64 switched_address;	/* of stack[switched_offset]: another stack, to which this one leads; 0: none */
	__u32 stack_bytes;	/* of both, in blocks of RAW_BLOCK_BYTES, */
	__u32 switched_bytes;
	__u32 stack_blocks;	/* of which those came that have their bit here */
	__u32 switched_blocks;
	__u32 switched_offset;
	__u32 kernel_count;
	__u64 kernel[EVENTS_MAX_FRAMES];	/* innermost first */
	__u8 stack[];
};

struct process_event {
	struct event_header header;
	__u32 pid;
	__u32 parent_pid;	/* EVENT_FORK only, else 0 */
	__u32 generation;	/* that its stacks have from now on */
	__u32 reserved;
	char comm[EVENTS_COMM_LEN];
};

enum target_state {
	TARGET_HELD = 0,	/* not counted before its next exec */
	TARGET_ACTIVE = 1,
	TARGET_EXITED = 2,	/* its last kernel work still counts; the helper deletes it later */
	TARGET_REFUSED = 3,	/* has rights that the caller has not: not counted before an exec that ends that */
};

/* Keys of the map `targets_added`, value: how often (__u64). */
enum targets_added {
	TARGETS_ADDED_BY_HELPER = 0,
	TARGETS_ADDED_BY_BPF = 1,
	TARGETS_ADDED_WORDS = 2,
};

/* Value of the map `targets`, key: pid (__u32). */
struct target {
	__u32 generation;	/* of its code: changed by exec, and by the helper where only it knows */
	enum target_state state;
	/* Of its mappings and their unwind tables as the helper loaded them; never given twice. 0: none, frame pointers only. */
	__u32 code_id __attribute__((aligned(8)));	/* read as one word with the next */
	__u32 code_page;	/* struct code_page's number among the unwind pages; CODE_PAGE_INDEX: of an index over such */
	/* Runtimes of which the helper has said where their data lies, one a bit: 1 << enum runtime_id. exec makes it 0. */
	__u32 runtimes __attribute__((aligned(8)));	/* read as one word with the next */
	__u32 runtime_pid;	/* key of that in the runtimes' maps: its own, or for a while after fork its parent's */
	/* 0: tables of its code are still being made, so stacks that need them are kept raw. exec makes it 0. */
	__u32 tables_ready;
	__u32 raw_left;		/* raw samples that stacks through code unknown to code_page may still make */
};

/*
 * Unwind pages: 4 KiB each, numbered, in chunks (inner maps of `unwind_chunks`) that the helper maps and writes. A page is
 * rows or an index over pages of rows (unwind_rows.h), wide rules, or as below. Never changed once a target or a table
 * names it: what changes is written elsewhere first.
 */
#define UNWIND_CHUNK_PAGES	32	/* 128 KiB: what memory is taken and given back by */
#define UNWIND_CHUNKS_MAX	1024	/* 128 MiB */
#define CODE_RANGES		128	/* of a page */
#define CODE_PAGE_INDEX		0x80000000
#define CODE_START_UNUSED	(1ULL << 62)

enum code_flags {
	CODE_MAPPED = 1,	/* executable memory; else a gap between such */
	CODE_GO = 2,		/* frame pointers in every function, and stacks that functions switch */
	CODE_RUNTIME_SHIFT = 2,	/* no flag: the bits above it are the number of the runtime whose code this is, 0: none's */
};

/* Where a range's rows are. */
struct code_range {
	__u64 base;		/* address of the table's pc 0 */
	__u32 page;		/* of rows where levels is 0, else of the index above; the pages below follow it */
	__u16 first;		/* row of the page (levels 0): small tables share one */
	__u16 count;		/* rows of that page; 0: no table */
	__u8 levels;		/* index pages between here and the rows: 0, 1, 2 */
	__u8 flags;		/* enum code_flags */
	__u16 index_count;	/* of `page`, where levels is not 0: pages just below, whose first pcs it holds */
	__u32 ranges;		/* in the first range of a page: how many it has */
};

/* The executable memory of a process by address: a range holds up to the next one's start. Unused starts are above all. */
struct code_page {
	__u64 starts[CODE_RANGES];
	struct code_range ranges[CODE_RANGES];
};

/* More ranges than a page holds: the first starts of the pages that follow this one. */
struct code_index {
	__u64 starts[512];
};

/* Value of the per-CPU map `counters`, key 0. */
struct capture_counters {
	__u64 taken;		/* samples of the targets, kept or lost */
	__u64 lost;		/* of these: no room in the buffer */
	__u64 filtered;		/* of the targets but in the kernel, where the kernel was to be left out */
	__u64 unfollowed;	/* children that found no room in `targets` */
	__u64 lost_process;	/* fork, exec and exit records without room in the buffer */
	__u64 table_frames;	/* frames left by tables, */
	__u64 table_misses;	/* those of them whose rule was not in the pc cache, */
	__u64 pointer_frames;	/* and those without a row, by frame pointer */
	__u64 refused_processes;	/* that were children of the targets, or targets, with rights that the caller has not */
	__u64 refused_samples;	/* of such */
	__u64 lost_names;	/* thread records without room */
	__u64 skipped_passes;	/* walkers of runtimes that samples asked for and that were not there */
};

/*
 * Value of the map `kernel_unwind`, key 0: where the kernel has its unwind tables (ORC) and which code they describe,
 * from /proc/kallsyms. rows = 0: unknown, kernel stacks are bpf_get_stack()'s.
 */
struct kernel_unwind_tables {
	__u64 addresses;	/* __start_orc_unwind_ip: __s32 a row */
	__u64 entries;		/* __start_orc_unwind: struct orc_entry a row, 6 bytes */
	__u64 rows;
	__u64 text_start;	/* _stext */
	__u64 text_bytes;
	__u64 trampolines[2];	/* return addresses that tracers of functions put in; 0: none */
	__u64 function;		/* where some function begins */
};

#define CALLER_GROUPS_MAX	32	/* users of this machine have some ten; a process of a further one is refused */

/* Read-only settings, written by the helper before it loads an object. */
struct tracer_settings {
	__u32 use_ring_buffer;	/* 0: `events` is a perf event array */
	__u32 count_kernel;	/* 0: samples taken in the kernel are left out */
	__u32 use_task_pt_regs;	/* the helper function bpf_task_pt_regs is there */
	__u32 follow_children;
	__u32 pid_ns_inode;	/* of the helper's PID namespace; 0: it is the initial one, nothing to translate */
	__u32 keep_raw;		/* samples that need tables not there yet are sent raw; only with the ring buffer */
	__u32 max_frames;	/* of a user stack walked by tables in bpf_loop; the other walks take EVENTS_MAX_FRAMES */
	/* Whose processes are traced (lib/owner.bpf.h); numbers are those of the initial user namespace. */
	__u32 check_owner;	/* 0: everybody's */
	__u32 caller_uid;
	__u32 caller_group_count;
	__u32 caller_groups[CALLER_GROUPS_MAX];
	__u64 caller_capabilities;	/* that the caller had before the helper was given its own */
	__u32 place;		/* of several objects of one name in a recording, which one this is */
	__u32 reserved;
};

#endif /* EVENTS_H */
