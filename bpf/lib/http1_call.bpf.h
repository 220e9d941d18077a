/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The bytes of one call, wherever they lie: in one piece of memory or in many vectors, read window by window; or out of reach.
 */
#ifndef LIB_HTTP1_CALL_BPF_H
#define LIB_HTTP1_CALL_BPF_H

#include "http1_window.bpf.h"
#include "http2_frame.bpf.h"
#include "http_call.bpf.h"

/* The bytes cannot be read: what is in them stays unknown. */
static __always_inline void unreadable(struct http_context *context, struct http_stream *stream)
{
	struct http_conn *conn = context->conn;

	count_uncounted(HTTP_UNREADABLE, 1);
	if (stream == answer_stream(conn))
		drop_queue(conn, HTTP_UNREADABLE);
	stream->state = HTTP1_LOST;
}

/*
 * Bytes that passed without a call that is seen: spliced out of the socket, say. In a body they count; where an answer ends in them, its end is taken
 * for the time of its first byte, as nothing tells when they passed. Anywhere else the place in the stream is lost.
 */
static __always_inline void pass_over(struct http_context *context, __u32 gap)
{
	struct http_work *work = context->work;
	struct http_stream *stream = &context->conn->streams[work->direction & 1];

	if (context->conn->http2) {
		pass_over_frames(context, gap);
		return;
	}
	if (stream->state >= HTTP1_UNTIL_CLOSE) {
		stream->total += gap;
		return;
	}
	if (!is_payload(stream) || stream->remaining < gap) {
		unreadable(context, stream);
		return;
	}
	stream->total += gap;
	stream->remaining -= gap;
	if (!stream->remaining) {
		work->now_ns = stream->start_ns;
		body_over(context, stream);
		work->now_ns = 0;
	}
}

enum piece {
	PIECE_TAKEN = 0,
	CALL_DONE = 1,
	WINDOW_OPENED = 2,	/* to be read, then closed */
};

/* One piece of the call's bytes: a vector begins, a body goes on, or a window is opened. */
static __always_inline enum piece take_piece(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];
	__u64 bytes;

	if (!work->left || conn->role == HTTP_ROLE_IGNORED || conn->http2)
		return CALL_DONE;
	if (stream->state >= HTTP1_UNTIL_CLOSE) {
		stream->total += work->left;
		work->left = 0;
		return CALL_DONE;
	}
	/* All of the rest is body, wherever it lies. */
	if (is_payload(stream) && stream->remaining >= work->left) {
		work->at = 0;
		stream->total += work->left;
		stream->remaining -= work->left;
		work->left = 0;
		if (!stream->remaining)
			body_over(context, stream);
		return CALL_DONE;
	}
	if (!work->piece_left && work->readable) {
		next_vector(0, context);
		return PIECE_TAKEN;
	}
	if (is_payload(stream)) {
		bytes = work->readable ? work->piece_left : work->left;
		if (bytes > stream->remaining)
			bytes = stream->remaining;
		work->at = 0;
		work->base += bytes;
		work->left -= bytes;
		if (work->readable)
			work->piece_left -= bytes;
		stream->total += bytes;
		stream->remaining -= bytes;
		if (!stream->remaining)
			body_over(context, stream);
		return PIECE_TAKEN;
	}
	if (!work->readable) {
		unreadable(context, stream);
		return PIECE_TAKEN;
	}
	bytes = work->piece_left;
	if (bytes > HTTP_WINDOW)
		bytes = HTTP_WINDOW;
	/* Bounded for the verifiers that do not follow the comparison above. */
	if (bpf_probe_read_user(work->window, bytes & (2 * HTTP_WINDOW - 1), (void *)work->base)) {
		work->readable = 0;
		return PIECE_TAKEN;
	}
	work->at = 0;
	work->end = bytes;
	return WINDOW_OPENED;
}

static __always_inline void close_window(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_stream *stream = &context->conn->streams[work->direction & 1];
	__u64 bytes = work->at < work->end ? work->at : work->end;

	work->at = 0;
	work->end = 0;
	stream->total += bytes;
	work->base += bytes;
	work->left -= bytes;
	work->piece_left -= bytes;
}

#endif /* LIB_HTTP1_CALL_BPF_H */
