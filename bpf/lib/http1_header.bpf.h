/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Lines of headers: the few that are of interest are found by their names, the others are passed over.
 */
#ifndef LIB_HTTP1_HEADER_BPF_H
#define LIB_HTTP1_HEADER_BPF_H

#include "http1_value.bpf.h"

/* The name of a header that is of interest, or the whole line passed over. `at` is behind the line's first byte. */
static __always_inline bool common_name(struct http_work *work, struct http_stream *stream)
{
	__u32 start = work->at - 1;
	__u64 word, second;

	if (!has_words(work, start))
		return false;
	word = window_word(work, start);
	second = window_word(work, start + 8);
	stream->name = NAME_NONE;
	if ((word | (LETTERS >> 8)) == WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-')) {
		if (((second | (LETTERS >> 16)) & 0xffffffffffffffULL) == WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0)) {
			stream->name = NAME_LENGTH;
			work->at = start + 15;
		}
	} else if ((word | LETTERS) == WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')) {
		if ((second | LETTERS << 8) == WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n') &&
		    ((window_word(work, start + 16) | 0x20) & 0xffff) == WORD('g', ':', 0, 0, 0, 0, 0, 0)) {
			stream->name = NAME_ENCODING;
			work->at = start + 18;
		}
	} else if ((word | (LETTERS >> 8)) == WORD('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')) {
		stream->name = NAME_UPGRADE;
		work->at = start + 8;
	} else if ((word | LETTERS) == WORD('t', 'r', 'a', 'c', 'e', 'p', 'a', 'r')) {
		if (((second | 0x202020) & 0xffffffff) == WORD('e', 'n', 't', ':', 0, 0, 0, 0)) {
			stream->name = NAME_TRACE;
			work->at = start + 12;
		}
	}
	return true;
}

static __always_inline void line_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 lower = byte | 0x20;

	struct http_work *work = context->work;

	if (byte == '\r' && work->at < work->end && work->window[work->at & (HTTP_WINDOW - 1)] == '\n') {
		work->at++;
		stream->state = HTTP1_HEAD_DONE;
	} else if (byte == '\r') {
		stream->state = HTTP1_HEAD_END;
	} else if (byte == '\n') {
		stream->state = HTTP1_HEAD_DONE;
	} else if ((lower == 'c' || lower == 't' || lower == 'u') && !(stream->flags & HTTP1_TRAILER)) {
		if (common_name(work, stream)) {
			if (stream->name != NAME_LENGTH || !common_length(work, stream))
				begin_value(stream);
			return;
		}
		stream->state = HTTP1_NAME;
		stream->hash = hash_step(ROUTE_HASH_SEED, lower);
	} else {
		stream->state = HTTP1_SKIP;
	}
}

static __always_inline void name_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	if (byte == '\n') {
		stream->state = HTTP1_LINE;
		return;
	}
	if (byte != ':') {
		/* Only letters have another case. */
		stream->hash = hash_step(stream->hash, byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
		return;
	}
	if (stream->hash == HASH("content-length"))
		stream->name = NAME_LENGTH;
	else if (stream->hash == HASH("transfer-encoding"))
		stream->name = NAME_ENCODING;
	else if (stream->hash == HASH("traceparent"))
		stream->name = NAME_TRACE;
	else if (stream->hash == HASH("upgrade"))
		stream->name = NAME_UPGRADE;
	else
		stream->name = NAME_NONE;
	begin_value(stream);
}

#define LINES_STEP	2

/* Lines that are passed over, up to one that is of interest or to the head's end. */
static __noinline int read_lines(struct http_context *context, struct http_stream *stream)
{
	struct http_work *work;
	__u32 i;

	if (!context || !stream)
		return 0;
	work = context->work;

#pragma clang loop unroll(disable)
	for (i = 0; i < LINES_STEP; i++) {
		if (stream->state == HTTP1_SKIP)
			skip_bytes(work, stream);
		if (stream->state != HTTP1_LINE || work->at >= work->end)
			return 0;
		work->at++;
		line_byte(context, stream, work->window[(work->at - 1) & (HTTP_WINDOW - 1)]);
		if (stream->state != HTTP1_SKIP && stream->state != HTTP1_LINE)
			return 0;
	}
	return 0;
}

#endif /* LIB_HTTP1_HEADER_BPF_H */
