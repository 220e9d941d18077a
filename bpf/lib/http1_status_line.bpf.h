/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The first line of an answer.
 */
#ifndef LIB_HTTP1_STATUS_LINE_BPF_H
#define LIB_HTTP1_STATUS_LINE_BPF_H

#include "http1_request_line.bpf.h"

/* "HTTP/1.1 200 " */
static __always_inline bool common_status(struct http_work *work, struct http_stream *stream)
{
	__u64 word, second, digits;

	if (stream->at || !has_words(work, work->at))
		return false;
	word = window_word(work, work->at);
	second = window_word(work, work->at + 8);
	if ((word & ~(1ULL << 56)) != (PREFIX_HTTP | (__u64)'0' << 56) ||
	    (second & 0xff000000ffULL) != WORD(' ', 0, 0, 0, ' ', 0, 0, 0))
		return false;
	digits = (second >> 8 & 0xffffff) ^ 0x303030;
	if ((digits & 0xff) - 1 > 8 || (digits >> 8 & 0xff) > 9 || digits >> 16 > 9)
		return false;
	stream->minor = word >> 56 & 1;
	stream->status = (digits & 0xff) * 100 + (digits >> 8 & 0xff) * 10 + (digits >> 16);
	stream->state = HTTP1_SKIP;
	work->at += 13;
	return true;
}

static __always_inline void status_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 at = stream->at;

	if (at <= PREFIX_BYTES) {
		version_byte(context, stream, byte);
		return;
	}
	if (at == PREFIX_BYTES + 1) {
		if (byte != ' ') {
			broken(context, stream);
			return;
		}
	} else if (at < PREFIX_BYTES + 5) {
		if (byte < '0' || byte > '9') {
			broken(context, stream);
			return;
		}
		stream->status = stream->status * 10 + (byte - '0');
	} else {
		if (stream->status < 100 || (byte != ' ' && byte != '\r' && byte != '\n')) {
			broken(context, stream);
			return;
		}
		stream->state = byte == '\n' ? HTTP1_LINE : HTTP1_SKIP;
		return;
	}
	stream->at = at + 1;
}

#endif /* LIB_HTTP1_STATUS_LINE_BPF_H */
