/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is remembered of the message that is being read in one direction of a connection.
 */
#ifndef LIB_HTTP1_STREAM_BPF_H
#define LIB_HTTP1_STREAM_BPF_H

#include "http_count.bpf.h"

enum http1_name {
	NAME_NONE = 0,
	NAME_LENGTH,
	NAME_ENCODING,
	NAME_CONNECTION,
	NAME_TRACE,
	NAME_UPGRADE,
};

enum http1_flags {
	HTTP1_HAS_LENGTH = 1,
	HTTP1_CHUNKED = 2,
	HTTP1_TRAILER = 4,
	HTTP1_AFTER_INTERIM = 8,	/* an interim answer came before */
	HTTP1_VALUE_BEGUN = 16,
	HTTP1_VALUE_OVER = 32,
	HTTP1_ENCODED = 64,
	HTTP1_WEBSOCKET = 128,
	HTTP1_UPGRADES = 256,	/* to HTTP/2 */
};

/* As constants: clang computes them. */
static __always_inline __u64 hash_of(const char *text, __u32 length)
{
	__u64 hash = ROUTE_HASH_SEED;
	__u32 i;

#pragma unroll
	for (i = 0; i < length; i++)
		hash = hash_step(hash, text[i]);
	return hash;
}
#define HASH(text) hash_of(text, sizeof(text) - 1)

#endif /* LIB_HTTP1_STREAM_BPF_H */
