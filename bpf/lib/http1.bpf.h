/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP/1.0 and 1.1 (RFC 9112), read as a stream by direction, so that heads may come in any number of pieces and bodies, whatever
 * they hold, are passed over by their framing. A connection is one of these: followed from its first byte; or lost, where it was
 * older than the attach or its bytes broke the rules. A lost one is taken up again only at an answer: bytes that begin
 * with a status line, right after bytes of the other direction; the request that follows the end of that answer is then read.
 *
 *     a call ── http1_find: what is spoken? ── http1_call: its windows ── http1_window ──┬─ http1_request_line, http1_status_line
 *                                                                                        ├─ http1_header, http1_value
 *                                              http1_queue: counted at its end <─────────┴─ http1_head, http1_body
 */
#ifndef LIB_HTTP1_BPF_H
#define LIB_HTTP1_BPF_H

#include "http_rounds.bpf.h"

/* The bytes of one call, as `context->work` describes them. */
static __always_inline void http_bytes(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	__u8 direction = work->direction & 1;
	struct http_stream *stream = &conn->streams[direction];
	struct http_pending *newest;

	if (conn->role == HTTP_ROLE_NONE || stream->state == HTTP1_LOST) {
		FEW_ROUNDS(HTTP_VECTORS_MAX, next_vector, context);
		if (stream->state == HTTP1_LOST)
			find_answer(context);
		else
			find_role(context);
	}
	if (conn->role == HTTP_ROLE_IGNORED || conn->role == HTTP_ROLE_TLS)
		return;
	if (!conn->http2)
		read_http1(context);
	if (conn->http2) {
		if (stream->state == HTTP2_FIND) {
			FEW_ROUNDS(HTTP_VECTORS_MAX, next_vector, context);
			find_frame(context);
		}
		read_http2(context);
	}
	conn->last_direction = direction;
	/* An upload goes on: what has come of it counts even where the answer does not wait for the rest. */
	if ((stream->state == HTTP1_BODY || stream->state == HTTP1_CHUNK) && is_request_stream(conn, direction)) {
		newest = newest_pending(conn);
		if (newest && newest->sequence == conn->sequence)
			newest->bytes = stream->total - stream->message_start;
	}
}

/* No more answers will come. */
static __noinline int connection_over(struct http_context *context)
{
	struct http_stream *stream;
	struct http_conn *conn;

	if (!context)
		return 0;
	conn = context->conn;
	stream = answer_stream(conn);
	context->work->at = 0;
	if (conn->http2) {
		end_http2(context, HTTP2_OVER);
		conn->role = HTTP_ROLE_IGNORED;
		return 0;
	}
	if (stream->state == HTTP1_UNTIL_CLOSE) {
		answer_done(context, stream);
	} else if (conn->count && stream->status >= 200 && stream->state != HTTP1_START && stream->state != HTTP1_LOST &&
		   stream->state != HTTP1_STATUS) {
		finish_oldest(context, stream->status, HTTP_SPAN_UNFINISHED);
	}
	finish_queue(context);
	drop_queue(conn, HTTP_QUEUE_FULL);
	close_websocket(context);
	conn->role = HTTP_ROLE_IGNORED;
	return 0;
}

#endif /* LIB_HTTP1_BPF_H */
