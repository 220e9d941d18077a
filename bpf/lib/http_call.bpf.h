/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Where the bytes of one call lie, whatever is spoken: in one piece of memory or in many vectors.
 */
#ifndef LIB_HTTP_CALL_BPF_H
#define LIB_HTTP_CALL_BPF_H

#include "http_count.bpf.h"

/*
 * Small steps, by bpf_loop() (5.17) or, where HTTP_BOUNDED is defined, in a bounded loop that the verifier follows round by round: of fewer then.
 */
#ifndef HTTP_BOUNDED
#define FEW_ROUNDS(rounds, step, context)	call_loop(rounds, step, context, 0)
#define HTTP_VECTORS_MAX	1024	/* UIO_MAXIOV */
#else
#define FEW_ROUNDS(rounds, step, context)                                                                             \
	do {                                                                                                          \
		__u32 round;                                                                                          \
		_Pragma("clang loop unroll(disable)")                                                                 \
		for (round = 0; round < (rounds); round++)                                                            \
			if (step(round, context))                                                                     \
				break;                                                                                \
	} while (0)
#define HTTP_VECTORS_MAX	64
#endif

struct user_vector {
	__u64 base, bytes;
};

/* The next vector that is not empty. 1: it is found, or there is none. */
static long next_vector(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct user_vector vector = {};

	if (work->piece_left || !work->readable)
		return 1;
	if (work->vector_at >= work->vector_count ||
	    bpf_probe_read_user(&vector, sizeof(vector), (void *)(work->vectors + 16ULL * work->vector_at))) {
		work->readable = 0;
		return 1;
	}
	work->vector_at++;
	work->base = vector.base;
	work->piece_left = vector.bytes < work->left ? vector.bytes : work->left;
	return 0;
}

#endif /* LIB_HTTP_CALL_BPF_H */
