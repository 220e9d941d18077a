/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The window of bytes that is read, eight at a time: what nearly all heads have is compared as words. Each of these passes on only
 * where the window holds all that it looks at, and else leaves the bytes to the state's own function, which takes them one by one.
 */
#ifndef LIB_HTTP1_WORDS_BPF_H
#define LIB_HTTP1_WORDS_BPF_H

#include "http1_stream.bpf.h"

#define WORD(a, b, c, d, e, f, g, h)                                                                                  \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |   \
	 (__u64)(g) << 48 | (__u64)(h) << 56)
#define LETTERS		0x2020202020202020ULL	/* of a word of letters: their case */
#define WORDS_BYTES	24

static __always_inline __u64 window_word(struct http_work *work, __u32 at)
{
	return *(__u64 *)&work->window[at & (HTTP_WINDOW - 1)];
}

static __always_inline bool has_words(struct http_work *work, __u32 at)
{
	return at + WORDS_BYTES <= work->end;
}

#define NEWLINES	0x0a0a0a0a0a0a0a0aULL
#define LOW_BITS	0x0101010101010101ULL
#define HIGH_BITS	0x8080808080808080ULL

/* To behind the line's end, eight bytes at once. */
static __always_inline void skip_bytes(struct http_work *work, struct http_stream *stream)
{
	__u64 word, found = 0;
	__u32 bytes = 1, at = work->at, i;

#pragma unroll
	for (i = 0; i < 4; i++) {
		word = window_word(work, at) ^ NEWLINES;
		found = (word - LOW_BITS) & ~word & HIGH_BITS;
		if (found)
			break;
		at += 8;
	}
	work->at = at;
	if (!found)
		return;
	if (!(found & 0xffffffff)) {
		bytes += 4;
		found >>= 32;
	}
	if (!(found & 0xffff)) {
		bytes += 2;
		found >>= 16;
	}
	if (!(found & 0xff))
		bytes += 1;
	work->at += bytes;
	if (work->at <= work->end)
		stream->state = HTTP1_LINE;
}

#endif /* LIB_HTTP1_WORDS_BPF_H */
