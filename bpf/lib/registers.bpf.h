/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The user's registers at a sample and what of them both architectures have under other names: whoever walks a stack begins
 * with them.
 */
#ifndef LIB_REGISTERS_BPF_H
#define LIB_REGISTERS_BPF_H

#include "kernel.bpf.h"
#include "settings.bpf.h"

#define USER_ADDRESS_MIN	0x1000ULL
#define USER_ADDRESS_BITS	48	/* arm64's usual half; x86-64's is smaller by one bit */

static __always_inline bool is_user_mode(struct user_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return (regs->cs & 3) == 3;
#else
	return (regs->pstate & 0xf) == 0;
#endif
}

static __always_inline bool is_32bit(struct user_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->cs == 0x23;	/* __USER32_CS */
#else
	return regs->pstate & 0x10;	/* PSR_MODE32_BIT */
#endif
}

static __always_inline __u64 frame_pointer(struct user_regs *regs)
{
#if defined(__TARGET_ARCH_x86)
	return regs->bp;
#else
	return regs->regs[29];
#endif
}

/* arm64 signs return addresses in the bits above the address. */
static __always_inline __u64 strip_signature(__u64 address)
{
#if defined(__TARGET_ARCH_arm64)
	return address & ((1ULL << USER_ADDRESS_BITS) - 1);
#else
	return address;
#endif
}

static __always_inline __u64 thread_pointer(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread.fsbase);
#else
	return BPF_CORE_READ(task, thread.uw.tp_value);
#endif
}

/* The registers with which the thread entered the kernel. False where it never was in user space. */
static __always_inline bool read_saved_regs(struct user_regs *regs)
{
	void *saved;

	if (kernel_has_ring_buffer() && settings.use_task_pt_regs) {
		saved = call_task_pt_regs(call_current_task_btf());
	} else {
		/* Before 5.15: on top of the kernel stack (task_pt_regs(), THREAD_SIZE 16 KiB on x86-64 and arm64). */
		saved = BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), stack);
		saved += 16384 - SAVED_REGS_BYTES;
	}
	if (!bpf_probe_read_kernel(regs, sizeof(*regs), saved) && is_user_mode(regs))
		return true;
	/* Kernels built for FRED (6.9) leave 16 bytes free above them, should the helper function not be used there. */
	return !bpf_probe_read_kernel(regs, sizeof(*regs), saved - 16) && is_user_mode(regs);
}

#endif /* LIB_REGISTERS_BPF_H */
