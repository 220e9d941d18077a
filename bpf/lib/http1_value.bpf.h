/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Values of the headers that decide what follows a head, or name a trace: Content-Length, Transfer-Encoding, Upgrade, traceparent.
 */
#ifndef LIB_HTTP1_VALUE_BPF_H
#define LIB_HTTP1_VALUE_BPF_H

#include "http1_head.bpf.h"
#include "http1_words.bpf.h"

static __always_inline void begin_value(struct http_stream *stream)
{
	stream->state = stream->name == NAME_NONE ? HTTP1_SKIP : HTTP1_VALUE;
	stream->at = 0;
	stream->hash = ROUTE_HASH_SEED;
	stream->last_token = 0;
	stream->remaining = 0;
	stream->flags &= ~(HTTP1_VALUE_BEGUN | HTTP1_VALUE_OVER);
}

#define LENGTH_DIGITS	16

/* " 123\r\n" behind "Content-Length:". */
static __always_inline bool common_length(struct http_work *work, struct http_stream *stream)
{
	__u32 at = work->at, i;
	__u64 value = 0;
	__u8 byte = 0;

	if (!has_words(work, at))
		return false;
	if (work->window[at & (HTTP_WINDOW - 1)] == ' ')
		at++;
#pragma clang loop unroll(disable)
	for (i = 0; i < LENGTH_DIGITS; i++) {
		byte = work->window[at & (HTTP_WINDOW - 1)] - '0';
		if (byte > 9)
			break;
		value = value * 10 + byte;
		at++;
	}
	if (!i || (window_word(work, at) & 0xffff) != WORD('\r', '\n', 0, 0, 0, 0, 0, 0) ||
	    ((stream->flags & HTTP1_HAS_LENGTH) && stream->length != value))
		return false;
	stream->length = value;
	stream->flags |= HTTP1_HAS_LENGTH;
	stream->state = HTTP1_LINE;
	work->at = at + 2;
	return true;
}

/* A number alone, the same each time (RFC 9112, 6.3): what else stands there is how requests are smuggled. */
static __always_inline void length_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	if (byte >= '0' && byte <= '9') {
		if ((stream->flags & HTTP1_VALUE_OVER) || stream->remaining > (1ULL << 56)) {
			broken(context, stream);
			return;
		}
		stream->remaining = stream->remaining * 10 + (byte - '0');
		stream->flags |= HTTP1_VALUE_BEGUN;
	} else if (byte == ' ' || byte == '\t' || byte == '\r') {
		if (stream->flags & HTTP1_VALUE_BEGUN)
			stream->flags |= HTTP1_VALUE_OVER;
	} else if (byte == '\n') {
		if (!(stream->flags & HTTP1_VALUE_BEGUN) ||
		    ((stream->flags & HTTP1_HAS_LENGTH) && stream->length != stream->remaining)) {
			broken(context, stream);
			return;
		}
		stream->length = stream->remaining;
		stream->flags |= HTTP1_HAS_LENGTH;
		stream->state = HTTP1_LINE;
	} else {
		broken(context, stream);
	}
}

/* The last coding decides: "gzip, chunked". Of protocols to upgrade to, WebSocket is of interest. */
static __always_inline void token_byte(struct http_stream *stream, __u8 byte)
{
	if (byte == ' ' || byte == '\t' || byte == '\r' || byte == ',' || byte == '\n') {
		if (stream->flags & HTTP1_VALUE_BEGUN) {
			stream->last_token = stream->hash;
			if (stream->name == NAME_UPGRADE && stream->hash == HASH("websocket"))
				stream->flags |= HTTP1_WEBSOCKET;
			if (stream->name == NAME_UPGRADE && stream->hash == HASH("h2c"))
				stream->flags |= HTTP1_UPGRADES;
			stream->hash = ROUTE_HASH_SEED;
			stream->flags &= ~HTTP1_VALUE_BEGUN;
		}
		if (byte != '\n')
			return;
		stream->state = HTTP1_LINE;
		if (stream->name == NAME_UPGRADE)
			return;
		stream->flags |= HTTP1_ENCODED;
		stream->flags &= ~HTTP1_CHUNKED;
		if (stream->last_token == HASH("chunked"))
			stream->flags |= HTTP1_CHUNKED;
		return;
	}
	stream->flags |= HTTP1_VALUE_BEGUN;
	stream->hash = hash_step(stream->hash, byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

static __always_inline void trace_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	struct http_request *request = &context->conn->request;

	if (byte == '\n') {
		stream->state = HTTP1_LINE;
	} else if (byte > ' ' && is_request_stream(context->conn, context->work->direction) &&
		   request->trace_bytes < HTTP_TRACE_BYTES) {
		if (!request->trace_bytes)
			__builtin_memset(request->trace, 0, HTTP_TRACE_BYTES);
		if (request->trace_bytes < HTTP_TRACE_BYTES)
			request->trace[request->trace_bytes] = byte;
		request->trace_bytes++;
	}
}

static __always_inline void value_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	if (stream->name == NAME_LENGTH)
		length_byte(context, stream, byte);
	else if (stream->name == NAME_ENCODING || stream->name == NAME_UPGRADE)
		token_byte(stream, byte);
	else
		trace_byte(context, stream, byte);
}

#endif /* LIB_HTTP1_VALUE_BPF_H */
