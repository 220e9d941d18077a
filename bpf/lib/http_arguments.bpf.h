/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Where the bytes of a socket call lie in user memory: found by the call's arguments, which the task's saved registers still have after it.
 */
#ifndef LIB_HTTP_ARGUMENTS_BPF_H
#define LIB_HTTP_ARGUMENTS_BPF_H

#include "http_count.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, r10, orig_ax;
};
#define CALL_NUMBER	orig_ax
#define ARGUMENT_1	di
#define ARGUMENT_2	si
#define ARGUMENT_3	dx
#define ARGUMENT_4	r10
#define CALL_READ	0	/* arch/x86/entry/syscalls/syscall_64.tbl */
#define CALL_WRITE	1
#define CALL_READV	19
#define CALL_WRITEV	20
#define CALL_SENDTO	44
#define CALL_RECVFROM	45
#define CALL_SENDMSG	46
#define CALL_RECVMSG	47
#define CALL_RECVMMSG	299
#define CALL_SENDMMSG	307
#else
struct pt_regs {
	__u64 regs[31];
	__u64 orig_x0;
	__s32 syscallno;
};
#define CALL_NUMBER	syscallno
#define ARGUMENT_1	orig_x0
#define ARGUMENT_2	regs[1]
#define ARGUMENT_3	regs[2]
#define ARGUMENT_4	regs[3]
#define CALL_READ	63	/* include/uapi/asm-generic/unistd.h */
#define CALL_WRITE	64
#define CALL_READV	65
#define CALL_WRITEV	66
#define CALL_SENDTO	206
#define CALL_RECVFROM	207
#define CALL_SENDMSG	211
#define CALL_RECVMSG	212
#define CALL_RECVMMSG	243
#define CALL_SENDMMSG	269
#endif
#pragma clang attribute pop

#define MESSAGE_VECTORS	16	/* place in struct user_msghdr of the vectors and their count */
#define BATCH_STEP	64	/* sizeof(struct mmsghdr) */

/*
 * sendmmsg() and recvmmsg() pass one message after the other: which one this is, counts the stream. One that fails ends the call
 * (batch_over()), as does the last.
 */
static __always_inline __u64 batch_place(struct http_stream *stream, __u64 first, __u64 count, __u32 tid)
{
	__u64 batch = first ^ (__u64)tid << 48;
	__u32 at = stream->batch == batch ? stream->batch_at : 0;

	stream->batch = batch;
	stream->batch_at = at + 1;
	if (stream->batch_at >= count)
		stream->batch = 0;
	return first + (__u64)at * BATCH_STEP;
}

static __always_inline void batch_over(struct http_stream *stream)
{
	stream->batch = 0;
}

static __noinline __attribute__((unused)) int find_bytes(struct http_work *work, struct http_stream *stream, __u64 number,
							 __u64 second, __u64 third)
{
	if (!work || !stream)
		return 0;
	work->readable = 1;
	work->piece_left = 0;
	work->vector_at = 0;
	work->vector_count = 0;
	if (number == CALL_READ || number == CALL_WRITE || number == CALL_SENDTO || number == CALL_RECVFROM) {
		work->base = second;
		work->piece_left = work->left;
	} else if (number == CALL_READV || number == CALL_WRITEV) {
		work->vectors = second;
		work->vector_count = third;
	} else if (number == CALL_SENDMSG || number == CALL_RECVMSG || number == CALL_SENDMMSG ||
		   number == CALL_RECVMMSG) {
		__u64 message[2] = {};

		if (number == CALL_SENDMMSG || number == CALL_RECVMMSG)
			second = batch_place(stream, second, third, work->tid);
		if (bpf_probe_read_user(message, sizeof(message), (void *)(second + MESSAGE_VECTORS)))
			work->readable = 0;
		work->vectors = message[0];
		work->vector_count = message[1];
	} else {
		work->readable = 0;
	}
	return 0;
}

#endif /* LIB_HTTP_ARGUMENTS_BPF_H */
