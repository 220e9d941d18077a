/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the end of a head says of what follows it: a body, none, another protocol; and what becomes of a connection whose bytes are no
 * head where one should be.
 */
#ifndef LIB_HTTP1_HEAD_BPF_H
#define LIB_HTTP1_HEAD_BPF_H

#include "http1_queue.bpf.h"
#include "http2_stream.bpf.h"
#include "websocket.bpf.h"

/* Bytes that are not HTTP where a head should be. */
static __noinline int broken(struct http_context *context, struct http_stream *stream)
{
	struct http_request *request;
	struct http_conn *conn;
	bool answer;

	if (!context || !stream)
		return 0;
	conn = context->conn;
	request = &conn->request;
	answer = stream == answer_stream(conn);
	if (stream->state >= WEBSOCKET_FRAME && stream->state <= WEBSOCKET_PAYLOAD)
		return 0;
	if (!conn->is_http && (stream->state == HTTP1_START || stream->state >= HTTP1_METHOD)) {
		/* "PRI * HTTP/2.0": the preface of HTTP/2 (RFC 9113, 3.4). */
		if (stream->state == HTTP1_VERSION && request->method_bytes == 3 && request->method[0] == 'P' &&
		    request->method[1] == 'R' && request->method[2] == 'I' &&
		    stream->total + context->work->at - stream->message_start == HTTP2_PREFACE_AS_HTTP1) {
			begin_http2(context, HTTP2_WHOLE);
			expect_preface(conn, context->work->direction, HTTP2_PREFACE_AS_HTTP1);
			return 0;
		}
		count_connection(HTTP_CONNECTIONS_OTHER);
		conn->role = HTTP_ROLE_IGNORED;
		return 0;
	}
	if (answer) {
		drop_queue(conn, HTTP_BAD_HEAD);
	} else if (stream->state > HTTP1_START && stream->state < HTTP1_METHOD && !(stream->flags & HTTP1_TRAILER)) {
		/* Its request line was one, so the server will answer. */
		push_request(context, stream);
	} else {
		count_uncounted(HTTP_BAD_HEAD, 1);
	}
	stream->state = HTTP1_LOST;
	return 0;
}

/* The connection speaks something else from here on: after 101, or through a proxy. */
static __noinline int upgraded(struct http_context *context, struct http_stream *stream)
{
	struct http_pending *pending;
	struct http_conn *conn;
	bool websocket;

	if (!context || !stream)
		return 0;
	conn = context->conn;
	pending = oldest_pending(conn);
	websocket = pending && stream->status == 101 && (stream->flags & HTTP1_WEBSOCKET) &&
		    !(pending->flags & HTTP_REQUEST_LEFT_OUT);
	if (pending && stream->status == 101 && (stream->flags & HTTP1_UPGRADES)) {
		upgrade_to_http2(context, pending);
		drop_oldest(conn);
		drop_queue(conn, HTTP_BAD_HEAD);
		return 0;
	}
	if (pending)
		conn->websocket_route = pending->route;
	finish_oldest(context, stream->status, 0);
	drop_queue(conn, HTTP_BAD_HEAD);
	count_connection(HTTP_CONNECTIONS_UPGRADED);
	if (websocket)
		open_websocket(context);
	else
		conn->role = HTTP_ROLE_IGNORED;
	return 0;
}

/* The empty line behind the headers, or behind the trailers. */
static __noinline int head_done(struct http_context *context, struct http_stream *stream)
{
	struct http_pending *pending;
	struct http_conn *conn;
	bool request;
	__u16 flags;

	if (!context || !stream)
		return 0;
	conn = context->conn;
	request = is_request_stream(conn, context->work->direction);
	flags = stream->flags;
	if (flags & HTTP1_TRAILER) {
		if (request)
			request_done(context, stream);
		else
			answer_done(context, stream);
		return 0;
	}
	if (request) {
		push_request(context, stream);
		if (flags & HTTP1_CHUNKED) {
			stream->state = HTTP1_CHUNK_SIZE;
		} else if ((flags & HTTP1_HAS_LENGTH) && stream->length) {
			stream->remaining = stream->length;
			stream->state = HTTP1_BODY;
		} else {
			request_done(context, stream);
		}
		stream->length = 0;
		stream->at = 0;
		return 0;
	}
	pending = oldest_pending(conn);
	if (stream->status < 200 && stream->status != 101) {
		stream->state = HTTP1_START;
		stream->flags = HTTP1_AFTER_INTERIM;
		return 0;
	}
	if (stream->status == 101 ||
	    (pending && (pending->flags & HTTP_REQUEST_CONNECT) && stream->status >= 200 && stream->status < 300)) {
		upgraded(context, stream);
		return 0;
	}
	if ((pending && (pending->flags & HTTP_REQUEST_HEAD)) || stream->status == 204 || stream->status == 304) {
		answer_done(context, stream);
	} else if (flags & HTTP1_CHUNKED) {
		stream->state = HTTP1_CHUNK_SIZE;
	} else if ((flags & HTTP1_HAS_LENGTH) && !(flags & HTTP1_ENCODED)) {
		stream->remaining = stream->length;
		stream->state = HTTP1_BODY;
		if (!stream->length)
			answer_done(context, stream);
	} else {
		stream->state = HTTP1_UNTIL_CLOSE;
	}
	stream->length = 0;
	stream->at = 0;
	return 0;
}

#endif /* LIB_HTTP1_HEAD_BPF_H */
