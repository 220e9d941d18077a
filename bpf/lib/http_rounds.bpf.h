/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The rounds in which a call's bytes are read, whatever is spoken: by bpf_loop(), whose body the verifier follows once (5.17); or, where
 * HTTP_BOUNDED is defined, as steps in bounded loops. The object that defines it has each step in a global function, which the verifier
 * looks at by itself and once (5.6). What lies beyond all steps counts as unreadable.
 */
#ifndef LIB_HTTP_ROUNDS_BPF_H
#define LIB_HTTP_ROUNDS_BPF_H

#include "http1_find.bpf.h"
#include "http2.bpf.h"

/* 1: none of the requests that will get no answer is left. */
static long finish_unanswered(__u32 round, struct http_context *context)
{
	if (!context->conn->count)
		return 1;
	finish_oldest(context, 0, HTTP_SPAN_NO_ANSWER);
	return 0;
}

#ifndef HTTP_BOUNDED
#define HTTP_ROUNDS		(1 << 20)	/* pieces of one call: more than the bytes of a call can make */

static __always_inline void finish_queue(struct http_context *context)
{
	call_loop(HTTP_QUEUE, finish_unanswered, context, 0);
}

static long read_piece(__u32 round, struct http_context *context)
{
	enum piece taken = take_piece(context);

	if (taken != WINDOW_OPENED)
		return taken;
	call_loop(HTTP_WINDOW + 1, read_window, context, 0);
	close_window(context);
	return 0;
}

static __always_inline void read_http1(struct http_context *context)
{
	call_loop(HTTP_ROUNDS, read_piece, context, 0);
}

static __always_inline void read_http2(struct http_context *context)
{
	call_loop(HTTP_ROUNDS, read_frames, context, 0);
}
#else
#define HTTP_STEPS		3000

/* Defined by the object, all of them: 1: done. They work with http_works at `place`, and with the connection that is named there. */
int read_http1_step(struct bpf_raw_tracepoint_args *ctx);
int read_http2_step(struct bpf_raw_tracepoint_args *ctx);
int finish_step(struct bpf_raw_tracepoint_args *ctx, __u32 place);

static __always_inline void finish_queue(struct http_context *context)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_QUEUE; i++)
		if (finish_step(context->ctx, context->work->place))
			break;
}

static __always_inline int http1_step(struct http_context *context)
{
	if (context->work->end) {
		if (read_window(0, context))
			close_window(context);
		return 0;
	}
	return take_piece(context) == CALL_DONE;
}

static __always_inline void read_http1(struct http_context *context)
{
	struct http_work *work = context->work;
	__u32 i;

	work->end = 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_STEPS; i++)
		if (read_http1_step(context->ctx))
			return;
	unreadable(context, &context->conn->streams[work->direction & 1]);
}

static __always_inline void read_http2(struct http_context *context)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_STEPS; i++)
		if (read_http2_step(context->ctx))
			return;
	lose_http2(context, HTTP2_LOST);
}
#endif

#endif /* LIB_HTTP_ROUNDS_BPF_H */
