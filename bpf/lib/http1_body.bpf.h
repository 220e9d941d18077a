/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Bodies, passed over by their length or from chunk to chunk (RFC 9112, 7.1).
 */
#ifndef LIB_HTTP1_BODY_BPF_H
#define LIB_HTTP1_BODY_BPF_H

#include "http1_head.bpf.h"

#define HTTP_CHUNK_DIGITS	15	/* of a chunk's size: 2^60 bytes are enough */

static __always_inline void chunk_size_over(struct http_context *context, struct http_stream *stream)
{
	if (!stream->at) {
		broken(context, stream);
	} else if (stream->length) {
		stream->remaining = stream->length;
		stream->state = HTTP1_CHUNK;
	} else {
		stream->flags |= HTTP1_TRAILER;
		stream->state = HTTP1_LINE;
	}
	stream->length = 0;
	stream->at = 0;
}

static __always_inline void chunk_size_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 lower = byte | 0x20, digit;

	if (byte == '\n') {
		chunk_size_over(context, stream);
		return;
	}
	if (byte == ';' || byte == ' ' || byte == '\t') {
		stream->state = HTTP1_CHUNK_EXTENSION;
		return;
	}
	if (byte == '\r')
		return;
	if (byte >= '0' && byte <= '9') {
		digit = byte - '0';
	} else if (lower >= 'a' && lower <= 'f') {
		digit = lower - 'a' + 10;
	} else {
		broken(context, stream);
		return;
	}
	if (stream->at >= HTTP_CHUNK_DIGITS) {
		broken(context, stream);
		return;
	}
	stream->length = stream->length << 4 | digit;
	stream->at++;
}

/* Passes over the body's bytes in the window. */
static __always_inline void body_bytes(struct http_context *context, struct http_stream *stream)
{
	struct http_work *work = context->work;
	__u64 here = work->end - work->at;

	if (here > stream->remaining)
		here = stream->remaining;
	work->at += here;
	stream->remaining -= here;
}

/* Bytes that are passed over by their number. */
static __always_inline bool is_payload(struct http_stream *stream)
{
	return stream->state == HTTP1_BODY || stream->state == HTTP1_CHUNK || stream->state == WEBSOCKET_PAYLOAD;
}

static __noinline int body_over(struct http_context *context, struct http_stream *stream)
{
	if (!context || !stream)
		return 0;
	if (stream->state == WEBSOCKET_PAYLOAD)
		stream->state = WEBSOCKET_FRAME;
	else if (stream->state == HTTP1_CHUNK)
		stream->state = HTTP1_CHUNK_END;
	else if (is_request_stream(context->conn, context->work->direction))
		request_done(context, stream);
	else
		answer_done(context, stream);
	return 0;
}

#endif /* LIB_HTTP1_BODY_BPF_H */
