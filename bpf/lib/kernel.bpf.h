/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What we use of the kernel's types, instead of a generated vmlinux.h of 3 MB: the integer types, the constants of
 * <linux/bpf.h> and the few fields read from kernel structures. The structures are CO-RE: libbpf finds each field's
 * place by name in the running kernel's BTF, so order and completeness do not matter here. Included first by every
 * .bpf.c file. No kernel header is needed to build, only libbpf's own.
 */
#ifndef LIB_KERNEL_BPF_H
#define LIB_KERNEL_BPF_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
#define true	1
#define false	0

/* enum bpf_map_type and flags of <linux/bpf.h> */
#define BPF_MAP_TYPE_HASH		1
#define BPF_MAP_TYPE_ARRAY		2
#define BPF_MAP_TYPE_PROG_ARRAY		3
#define BPF_MAP_TYPE_PERCPU_ARRAY	6
#define BPF_MAP_TYPE_LRU_HASH		9
#define BPF_MAP_TYPE_ARRAY_OF_MAPS	12
#define BPF_MAP_TYPE_RINGBUF		27
#define BPF_ANY				0
#define BPF_NOEXIST			1
#define BPF_F_MMAPABLE			(1U << 10)
#define BPF_F_USER_STACK		(1ULL << 8)
#define BPF_F_CURRENT_CPU		0xffffffffULL
#define BPF_RB_NO_WAKEUP		(1ULL << 0)
#define BPF_RB_AVAIL_DATA		0
#define BPF_RB_RING_SIZE		1

/* enum bpf_core_type_id_kind and the like are in libbpf's header. */
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* libbpf before 0.4 leaves out `inline`, so a helper that one program does not use would be a warning. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))

/*
 * What is rare stands apart: the usual path runs straight on, over fewer lines of code and with fewer states to verify.
 * libbpf has both from 1.6 on.
 */
#undef likely
#undef unlikely
#define likely(condition)	__builtin_expect(!!(condition), 1)
#define unlikely(condition)	__builtin_expect(!!(condition), 0)

/* Read from map memory again, whatever the compiler and the verifier believe to know of it. */
#define forget(field)	(*(volatile typeof(field) *)&(field))

/*
 * User registers as the kernel lays them out on its stack and as a perf_event program's context begins: an ABI
 * (arch/x86/include/uapi/asm/ptrace.h, arch/arm64/include/uapi/asm/ptrace.h), so no relocation.
 */
#if defined(__TARGET_ARCH_x86)
struct user_regs {
	__u64 r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
	__u64 ip, cs, flags, sp, ss;
};
#define SAVED_REGS_BYTES	sizeof(struct user_regs)
#elif defined(__TARGET_ARCH_arm64)
struct user_regs {
	__u64 regs[31], sp, ip, pstate;
};
#define SAVED_REGS_BYTES	336	/* sizeof(struct pt_regs) of arch/arm64/include/asm/ptrace.h, 5.4 to 5.14 */
#else
#error "Define __TARGET_ARCH_x86 or __TARGET_ARCH_arm64"
#endif

/* struct bpf_perf_event_data: the context of SEC("perf_event"). */
struct perf_event_context {
	struct user_regs regs;
	__u64 sample_period;
	__u64 addr;
};

/* The context of SEC("raw_tp"): an ABI. */
struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct pid_namespace {
	struct ns_common ns;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct user_namespace {
	struct user_namespace *parent;	/* none: the initial one */
	struct {
		__u32 val;
	} owner;
};

struct mm_struct {
	unsigned long start_stack;
	unsigned long flags;
	struct user_namespace *user_ns;
};

/* From 6.18 on. */
struct mm_struct___bitmap {
	struct {
		unsigned long __mm_flags[1];
	} flags;
};

struct kernel_id {
	__u32 val;
};

struct cred {
	struct kernel_id uid, gid, suid, sgid, euid, egid;
	struct {
		__u64 val;
	} cap_permitted;
	struct user_namespace *user_ns;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;		/* threads not yet in do_exit() */
};

#if defined(__TARGET_ARCH_x86)
struct thread_struct {
	unsigned long fsbase;
};
#else
struct thread_struct {
	struct {
		unsigned long tp_value;
	} uw;
};
#endif

struct task_struct {
	int pid;
	int tgid;
	char comm[16];
	struct pid *thread_pid;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct mm_struct *mm;
	const struct cred *real_cred;
	void *stack;
	struct thread_struct thread;
};

/* There since 5.8, like the BPF ring buffer itself. */
struct bpf_ringbuf;
struct bpf_ringbuf_map {
	struct bpf_ringbuf *rb;
};

#pragma clang attribute pop

/* Helper functions that libbpf's headers before 1.0 do not declare; numbers are the kernel's ABI (enum bpf_func_id). */
static void *(*const call_task_pt_regs)(struct task_struct *task) = (void *)175;		/* 5.15 */
static struct task_struct *(*const call_current_task_btf)(void) = (void *)158;		/* 5.11 */
/* 5.17; rounds, long (*)(__u32 round, void *context), context, 0 */
static long (*const call_loop)(__u32 rounds, void *callback, void *context, __u64 flags) = (void *)181;

/*
 * True from 5.8 on. A constant once libbpf has relocated it, so the verifier never sees the other branch. Needed
 * beside our settings because kernels before 5.5 do not treat read-only data as constants, and would refuse a call of
 * a helper function that they do not have even in a branch that a setting switches off.
 */
static __always_inline bool kernel_has_ring_buffer(void)
{
	struct bpf_ringbuf_map *map = 0;

	return bpf_core_field_exists(map->rb);
}

#endif /* LIB_KERNEL_BPF_H */
