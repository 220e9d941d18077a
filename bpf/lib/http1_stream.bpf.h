/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is remembered of the message that is being read in one direction of a connection, and which direction carries requests: the
 * received one of a server, the sent one of a client.
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

static __always_inline bool is_request_stream(struct http_conn *conn, __u8 direction)
{
	return (direction == HTTP_RECEIVED) == (conn->role == HTTP_ROLE_SERVER);
}

static __always_inline struct http_stream *answer_stream(struct http_conn *conn)
{
	return &conn->streams[conn->role == HTTP_ROLE_SERVER ? HTTP_SENT : HTTP_RECEIVED];
}

static __always_inline struct http_stream *request_stream(struct http_conn *conn)
{
	return &conn->streams[conn->role == HTTP_ROLE_SERVER ? HTTP_RECEIVED : HTTP_SENT];
}

#endif /* LIB_HTTP1_STREAM_BPF_H */
