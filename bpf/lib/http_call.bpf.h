/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Where the bytes of one call lie, whatever is spoken: in one piece of memory or in many vectors.
 */
#ifndef LIB_HTTP_CALL_BPF_H
#define LIB_HTTP_CALL_BPF_H

#include "http_count.bpf.h"

#define HTTP_ROUNDS		(1 << 20)	/* pieces of one call: more than the bytes of a call can make */
#define HTTP_VECTORS_MAX	1024	/* UIO_MAXIOV */

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
