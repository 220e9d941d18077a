/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The first line of a request: method, target and version; and where messages begin.
 */
#ifndef LIB_HTTP1_REQUEST_LINE_BPF_H
#define LIB_HTTP1_REQUEST_LINE_BPF_H

#include "http1_head.bpf.h"
#include "http1_words.bpf.h"

#define PREFIX_HTTP	0x2e312f50545448ULL	/* "HTTP/1." */
#define PREFIX_BYTES	7

static __always_inline void begin_request(struct http_context *context, struct http_stream *stream)
{
	struct http_request *request = &context->conn->request;

	stream->state = HTTP1_METHOD;
	request->hash = ROUTE_HASH_SEED;
	request->method_bytes = 0;
	request->trace_bytes = 0;
	request->sequence = 0;
	__builtin_memset(request->method, 0, HTTP_METHOD_BYTES);
}

static __always_inline void begin_message(struct http_context *context, struct http_stream *stream, bool request, __u8 byte)
{
	struct http_work *work = context->work;

	if (byte == '\r' || byte == '\n') {
		work->at++;
		return;
	}
	if (request ? byte < 'A' || byte > 'Z' : byte != 'H') {
		broken(context, stream);
		return;
	}
	if (!(stream->flags & HTTP1_AFTER_INTERIM))
		stream->message_start = stream->total + work->at;
	stream->start_ns = work_now(work);
	stream->flags = 0;
	stream->length = 0;
	stream->status = 0;
	stream->minor = 0;
	stream->at = 0;
	if (request)
		begin_request(context, stream);
	else
		stream->state = HTTP1_STATUS;
}

static __always_inline bool is_method_byte(__u8 byte)
{
	return (byte >= 'A' && byte <= 'Z') || byte == '-' || byte == '_' || (byte >= '0' && byte <= '9');
}

/* "GET " and "POST ". */
static __always_inline bool common_method(struct http_context *context, struct http_stream *stream)
{
	struct http_request *request = &context->conn->request;
	struct http_work *work = context->work;
	__u64 word;

	if (request->method_bytes || !has_words(work, work->at))
		return false;
	word = window_word(work, work->at);
	if ((word & 0xffffffff) == WORD('G', 'E', 'T', ' ', 0, 0, 0, 0)) {
		*(__u64 *)request->method = word & 0xffffff;
		request->method_bytes = 3;
		request->hash = HASH("GET");
		work->at += 4;
	} else if ((word & 0xffffffffffULL) == WORD('P', 'O', 'S', 'T', ' ', 0, 0, 0)) {
		*(__u64 *)request->method = word & 0xffffffff;
		request->method_bytes = 4;
		request->hash = HASH("POST");
		work->at += 5;
	} else {
		return false;
	}
	stream->state = HTTP1_TARGET;
	stream->at = 0;
	begin_target(request);
	return true;
}

static __always_inline void method_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	struct http_request *request = &context->conn->request;

	if (byte == ' ') {
		stream->state = HTTP1_TARGET;
		stream->at = 0;
		begin_target(request);
	} else if (is_method_byte(byte) && request->method_bytes < HTTP_METHOD_BYTES) {
		request->method[request->method_bytes & (HTTP_METHOD_BYTES - 1)] = byte;
		request->method_bytes++;
		request->hash = hash_step(request->hash, byte);
	} else {
		broken(context, stream);
	}
}

#define TARGET_STEP	16	/* bytes of a target at once */

static __noinline int target_bytes(struct http_context *context, struct http_stream *stream)
{
	struct http_request *request;
	struct http_work *work;
	__u32 i;
	__u8 byte;

	if (!context || !stream)
		return 0;
	work = context->work;
	request = &context->conn->request;

#pragma clang loop unroll(disable)
	for (i = 0; i < TARGET_STEP; i++) {
		if (work->at >= work->end)
			return 0;
		byte = work->window[work->at & (HTTP_WINDOW - 1)];
		work->at++;
		if (byte == ' ') {
			end_target(request);
			stream->state = HTTP1_VERSION;
			stream->at = 0;
			return 0;
		}
		if (byte < ' ' || byte == 0x7f) {
			broken(context, stream);
			return 0;
		}
		target_byte(request, byte);
	}
	return 0;
}

/* "HTTP/1.1\r\n" behind a target. */
static __always_inline bool common_version(struct http_work *work, struct http_stream *stream)
{
	__u64 word;

	if (stream->at || !has_words(work, work->at))
		return false;
	word = window_word(work, work->at);
	if ((word & ~(1ULL << 56)) != (PREFIX_HTTP | (__u64)'0' << 56) ||
	    (window_word(work, work->at + 8) & 0xffff) != WORD('\r', '\n', 0, 0, 0, 0, 0, 0))
		return false;
	stream->minor = word >> 56 & 1;
	stream->state = HTTP1_LINE;
	work->at += 10;
	return true;
}

/* "HTTP/1.1" of both lines; `at` is 8 behind it. */
static __always_inline void version_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 at = stream->at;

	if (at < PREFIX_BYTES) {
		if (byte != ((PREFIX_HTTP >> (8 * (at & 7))) & 0xff)) {
			broken(context, stream);
			return;
		}
	} else if (byte == '0' || byte == '1') {
		stream->minor = byte - '0';
	} else {
		broken(context, stream);
		return;
	}
	stream->at = at + 1;
}

static __always_inline void request_version_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	if (stream->at <= PREFIX_BYTES)
		version_byte(context, stream, byte);
	else if (byte == '\n')
		stream->state = HTTP1_LINE;
	else if (byte != '\r')
		broken(context, stream);
}

#endif /* LIB_HTTP1_REQUEST_LINE_BPF_H */
