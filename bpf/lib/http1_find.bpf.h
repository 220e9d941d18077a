/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is spoken on a connection: told by its first byte where it is followed from there, and else looked for where an answer may begin.
 */
#ifndef LIB_HTTP1_FIND_BPF_H
#define LIB_HTTP1_FIND_BPF_H

#include "http1_call.bpf.h"
#include "http2_find.bpf.h"
#include "tls.bpf.h"

#define HTTP_TURNS_MAX		16	/* turns without an answer's head after which a connection is none of HTTP */

/* Where the bytes begin with "HTTP/1.x ddd". */
static __always_inline bool begins_with_status(struct http_work *work)
{
	__u64 words[2] = {};

	if (!work->readable || work->left < 16 || work->piece_left < 12 ||
	    bpf_probe_read_user(words, 12, (void *)work->base))
		return false;
	/* The eighth byte is the minor version; then a space and a digit from 1 to 5. */
	return (words[0] & 0xffffffffffffffULL) == PREFIX_HTTP && (words[0] >> 56 & 0xfe) == '0' &&
	       (words[1] & 0xff) == ' ' && (words[1] >> 8 & 0xff) >= '1' && (words[1] >> 8 & 0xff) <= '5';
}

/* "\x17\x03\x03": a record of TLS. */
static __always_inline bool begins_with_record(struct http_work *work)
{
	__u32 head = 0;

	if (!work->readable || work->piece_left < 4 || bpf_probe_read_user(&head, 4, (void *)work->base))
		return false;
	return (head & 0xff) >= TLS_CHANGE_CIPHER && (head & 0xff) <= TLS_DATA && (head >> 8 & 0xff) == 3 &&
	       (head >> 16 & 0xff) <= 4;
}

/* A connection whose place in the stream is not known: does an answer begin here? */
static __noinline int find_answer(struct http_context *context)
{
	struct http_stream *stream;
	struct http_work *work;
	struct http_conn *conn;
	__u8 direction;

	if (!context)
		return 0;
	work = context->work;
	conn = context->conn;
	direction = work->direction & 1;
	stream = &conn->streams[direction];
	if (conn->role == HTTP_ROLE_NONE && !conn->tls && begins_with_record(work)) {
		begin_session(context, false);
		return 0;
	}
	if (conn->role == HTTP_ROLE_NONE && join_http2(context))
		return 0;
	if (conn->last_direction == 2 || conn->last_direction == direction)
		return 0;
	if (!begins_with_status(work)) {
		if (!conn->is_http && ++conn->turns >= HTTP_TURNS_MAX) {
			conn->role = HTTP_ROLE_IGNORED;
			count_connection(HTTP_CONNECTIONS_OTHER);
		}
		return 0;
	}
	if (conn->role == HTTP_ROLE_NONE)
		conn->role = direction == HTTP_SENT ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	if (stream != answer_stream(conn))
		return 0;
	if (!conn->is_http)
		count_connection(HTTP_CONNECTIONS_HTTP1);
	conn->is_http = 1;
	stream->state = HTTP1_START;
	stream->flags = 0;
	return 0;
}

/* What does a new connection's first byte say? */
static __noinline int find_role(struct http_context *context)
{
	struct http_work *work;
	struct http_conn *conn;
	__u8 byte = 0;

	if (!context)
		return 0;
	work = context->work;
	conn = context->conn;
	if (!work->readable || bpf_probe_read_user(&byte, 1, (void *)work->base))
		goto other;
	if (byte == TLS_HANDSHAKE && !conn->tls) {
		begin_session(context, true);
		return 0;
	}
	/* A server need not wait for the client's preface. */
	if (!byte && begins_with_settings(work)) {
		conn->role = work->direction == HTTP_SENT ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
		begin_http2(context, HTTP2_WHOLE);
		expect_preface(conn, !work->direction, 0);
		return 0;
	}
	if (byte < 'A' || byte > 'Z')
		goto other;
	conn->role = work->direction == HTTP_RECEIVED ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	return 0;
other:
	count_connection(HTTP_CONNECTIONS_OTHER);
	conn->role = HTTP_ROLE_IGNORED;
	return 0;
}

#endif /* LIB_HTTP1_FIND_BPF_H */
