/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP/1.0 and 1.1 (RFC 9112), read as a stream by direction, so that heads may come in any number of pieces and bodies, whatever
 * they hold, are passed over by their framing. A connection is one of these: followed from its first byte; or lost, where it was
 * older than the attach or its bytes broke the rules. A lost one is taken up again only at an answer: bytes that begin
 * with a status line, right after bytes of the other direction; the request that follows the end of that answer is then read.
 */
#ifndef LIB_HTTP1_BPF_H
#define LIB_HTTP1_BPF_H

#include "http_count.bpf.h"
#include "tls.bpf.h"
#include "websocket.bpf.h"

#define HTTP_TURNS_MAX		16	/* turns without an answer's head after which a connection is none of HTTP */
#define HTTP_CHUNK_DIGITS	15	/* of a chunk's size: 2^60 bytes are enough */
#define HTTP_VECTORS_MAX	1024	/* UIO_MAXIOV */
#define HTTP_ROUNDS		(1 << 20)	/* pieces of one call: more than the bytes of a call can make */

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

#define PREFIX_HTTP	0x2e312f50545448ULL	/* "HTTP/1." */
#define PREFIX_BYTES	7

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

static __always_inline void drop_queue(struct http_conn *conn, enum http_uncounted why)
{
	if (conn->count + conn->beyond)
		count_dropped(why, conn->count + conn->beyond);
	conn->count = 0;
	conn->beyond = 0;
}

/* The name of the request's shape, once it is whole. */
static __always_inline void keep_route(struct http_context *context)
{
	struct http_conn *conn = context->conn;
	struct http_work *work = context->work;
	struct http_request *request = &conn->request;
	__u32 i;

	if (request->hash == conn->last_route)
		return;
	if (!bpf_map_lookup_elem(&http_routes, &request->hash)) {
		__builtin_memset(&work->route, 0, sizeof(work->route));
		__builtin_memcpy(work->route.method, request->method, HTTP_METHOD_BYTES);
		__builtin_memcpy(work->route.shape, request->route, HTTP_ROUTE_BYTES);
		/* Behind its end may be what was folded. */
#pragma clang loop unroll(disable)
		for (i = 0; i < HTTP_ROUTE_BYTES; i++)
			if (i >= request->route_bytes)
				work->route.shape[i] = 0;
		if (bpf_map_update_elem(&http_routes, &request->hash, &work->route, BPF_NOEXIST) &&
		    !bpf_map_lookup_elem(&http_routes, &request->hash)) {
			request->hash = 0;
			return;
		}
	}
	conn->last_route = request->hash;
}

static __always_inline void push_request(struct http_context *context, struct http_stream *stream)
{
	struct http_counters *counters = http_counters_here();
	struct http_conn *conn = context->conn;
	struct http_work *work = context->work;
	struct http_request *request = &conn->request;
	struct http_pending *pending;

	if (counters) {
		counters->requests++;
		if (!conn->is_http)
			counters->connections[HTTP_CONNECTIONS_HTTP1]++;
	}
	conn->is_http = 1;
	conn->sequence++;
	request->sequence = conn->sequence;
	if (conn->count >= HTTP_QUEUE || conn->beyond) {
		conn->beyond++;
		return;
	}
	keep_route(context);
	pending = &conn->queue[(conn->head + conn->count) & (HTTP_QUEUE - 1)];
	conn->count++;
	pending->start_ns = stream->start_ns;
	pending->request_ns = work_now(work);
	pending->route = request->hash;
	pending->bytes = stream->total + work->at - stream->message_start;
	pending->pid = work->pid;
	pending->tid = work->tid;
	pending->sequence = conn->sequence;
	pending->minor = stream->minor;
	pending->flags = 0;
	if (request->method_bytes == 4 && request->method[0] == 'H' && request->method[1] == 'E' &&
	    request->method[2] == 'A' && request->method[3] == 'D')
		pending->flags = HTTP_REQUEST_HEAD;
	else if (request->method_bytes == 7 && request->method[0] == 'C' && request->method[1] == 'O' &&
		 request->method[2] == 'N' && request->method[3] == 'N')
		pending->flags = HTTP_REQUEST_CONNECT;
}

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
		    request->method[1] == 'R' && request->method[2] == 'I')
			count_connection(HTTP_CONNECTIONS_HTTP2);
		else
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

/* The oldest request is done; the connection's end may have come first. */
static __noinline int finish_oldest(struct http_context *context, __u32 status, __u32 span_flags)
{
	struct http_pending *pending;
	struct http_stream *stream;
	struct http_work *work;
	struct http_conn *conn;
	__u64 bytes;

	if (!context)
		return 0;
	conn = context->conn;
	work = context->work;
	pending = oldest_pending(conn);
	if (!pending)
		return 0;
	stream = answer_stream(conn);
	bytes = status ? stream->total + work->at - stream->message_start : 0;
	work->span.bytes_in = conn->role == HTTP_ROLE_CLIENT ? bytes : pending->bytes;
	work->span.bytes_out = conn->role == HTTP_ROLE_CLIENT ? pending->bytes : bytes;
	work->span.first_byte_ns = status ? stream->start_ns : 0;
	work->span.end_ns = work_now(work);
	count_request(context, pending, status, span_flags);
	drop_oldest(conn);
	return 0;
}

/* An answer is whole. */
static __noinline int answer_done(struct http_context *context, struct http_stream *stream)
{
	struct http_stream *requests;
	struct http_conn *conn;

	if (!context || !stream)
		return 0;
	conn = context->conn;
	if (conn->count) {
		finish_oldest(context, stream->status, 0);
	} else if (conn->beyond) {
		conn->beyond--;
		count_dropped(HTTP_QUEUE_FULL, 1);
	} else {
		count_uncounted(HTTP_REQUEST_UNSEEN, 1);
	}
	stream->state = HTTP1_START;
	stream->flags = 0;
	requests = request_stream(conn);
	if (requests->state == HTTP1_LOST && !conn->count && !conn->beyond) {
		requests->state = HTTP1_START;
		requests->flags = 0;
	}
	return 0;
}

static __always_inline void request_done(struct http_context *context, struct http_stream *stream)
{
	struct http_conn *conn = context->conn;
	struct http_pending *newest = newest_pending(conn);

	if (newest && newest->sequence == conn->sequence)
		newest->bytes = stream->total + context->work->at - stream->message_start;
	stream->state = HTTP1_START;
	stream->flags = 0;
}

/* The connection speaks something else from here on: after 101, or through a proxy. */
static __always_inline void upgraded(struct http_context *context, struct http_stream *stream)
{
	struct http_conn *conn = context->conn;
	struct http_pending *pending = oldest_pending(conn);
	bool websocket = pending && stream->status == 101 && (stream->flags & HTTP1_WEBSOCKET);

	if (pending)
		conn->websocket_route = pending->route;
	finish_oldest(context, stream->status, 0);
	drop_queue(conn, HTTP_BAD_HEAD);
	count_connection(HTTP_CONNECTIONS_UPGRADED);
	if (websocket)
		open_websocket(context);
	else
		conn->role = HTTP_ROLE_IGNORED;
}

/* The empty line behind the headers, or behind the trailers. */
static __noinline int head_done(struct http_context *context, struct http_stream *stream)
{
	struct http_pending *pending;
	struct http_conn *conn;
	bool request;
	__u8 flags;

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

/*
 * What nearly all heads have, eight bytes at a time. Each of these passes on only where the window holds all that it looks at, and else
 * leaves the bytes to the state's own function, which takes them one by one.
 */
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

static __always_inline void line_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	__u8 lower = byte | 0x20;

	struct http_work *work = context->work;

	if (byte == '\r' && work->at < work->end && work->window[work->at & (HTTP_WINDOW - 1)] == '\n') {
		work->at++;
		head_done(context, stream);
	} else if (byte == '\r') {
		stream->state = HTTP1_HEAD_END;
	} else if (byte == '\n') {
		head_done(context, stream);
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

static __always_inline void body_over(struct http_context *context, struct http_stream *stream)
{
	if (stream->state == WEBSOCKET_PAYLOAD)
		stream->state = WEBSOCKET_FRAME;
	else if (stream->state == HTTP1_CHUNK)
		stream->state = HTTP1_CHUNK_END;
	else if (is_request_stream(context->conn, context->work->direction))
		request_done(context, stream);
	else
		answer_done(context, stream);
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

#define TARGET_STEP	16	/* bytes of a target at once */

static __always_inline void target_bytes(struct http_context *context, struct http_stream *stream)
{
	struct http_work *work = context->work;
	struct http_request *request = &context->conn->request;
	__u32 i;
	__u8 byte;

#pragma clang loop unroll(disable)
	for (i = 0; i < TARGET_STEP; i++) {
		if (work->at >= work->end)
			return;
		byte = work->window[work->at & (HTTP_WINDOW - 1)];
		work->at++;
		if (byte == ' ') {
			end_target(request);
			stream->state = HTTP1_VERSION;
			stream->at = 0;
			return;
		}
		if (byte < ' ' || byte == 0x7f) {
			broken(context, stream);
			return;
		}
		target_byte(request, byte);
	}
}

/* What is read a byte at a time: what the words above did not take, and the framing of chunks. */
static __always_inline void other_byte(struct http_context *context, struct http_stream *stream, __u8 byte)
{
	switch (stream->state) {
	case HTTP1_NAME:
		name_byte(context, stream, byte);
		break;
	case HTTP1_VALUE:
		value_byte(context, stream, byte);
		break;
	case HTTP1_METHOD:
		method_byte(context, stream, byte);
		break;
	case HTTP1_VERSION:
		request_version_byte(context, stream, byte);
		break;
	case HTTP1_STATUS:
		status_byte(context, stream, byte);
		break;
	case HTTP1_HEAD_END:
		if (byte == '\n')
			head_done(context, stream);
		else
			broken(context, stream);
		break;
	case WEBSOCKET_FRAME:
	case WEBSOCKET_LENGTH:
	case WEBSOCKET_HEAD:
		websocket_byte(context, stream, byte);
		break;
	case HTTP1_CHUNK_SIZE:
		chunk_size_byte(context, stream, byte);
		break;
	case HTTP1_CHUNK_EXTENSION:
		if (byte == '\n')
			chunk_size_over(context, stream);
		break;
	case HTTP1_CHUNK_END:
		if (byte == '\n') {
			stream->state = HTTP1_CHUNK_SIZE;
			stream->at = 0;
			stream->length = 0;
		} else if (byte != '\r') {
			broken(context, stream);
		}
		break;
	}
}

#define LINES_STEP	2

/* Lines that are passed over, up to one that is of interest or to the head's end. */
static __always_inline void read_lines(struct http_context *context, struct http_stream *stream)
{
	struct http_work *work = context->work;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < LINES_STEP; i++) {
		if (stream->state == HTTP1_SKIP)
			skip_bytes(work, stream);
		if (stream->state != HTTP1_LINE || work->at >= work->end)
			return;
		work->at++;
		line_byte(context, stream, work->window[(work->at - 1) & (HTTP_WINDOW - 1)]);
		if (stream->state != HTTP1_SKIP && stream->state != HTTP1_LINE)
			return;
	}
}

/*
 * The window's next bytes, in the order in which states usually follow each other, so that most heads take few rounds. Every
 * round takes a byte or changes the state. 1: the window's end, or nothing more to look at.
 */
static long read_window(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];

	if (work->at >= work->end || conn->role == HTTP_ROLE_IGNORED || stream->state >= HTTP1_UNTIL_CLOSE)
		return 1;
	if (stream->state == HTTP1_SKIP || stream->state == HTTP1_LINE) {
		read_lines(context, stream);
		return 0;
	}
	if (is_payload(stream)) {
		body_bytes(context, stream);
		if (!stream->remaining)
			body_over(context, stream);
		return 0;
	}
	if (stream->state == HTTP1_START) {
		begin_message(context, stream, is_request_stream(conn, work->direction),
			      work->window[work->at & (HTTP_WINDOW - 1)]);
		if (stream->state == HTTP1_STATUS)
			common_status(work, stream);
		else if (stream->state == HTTP1_METHOD)
			common_method(context, stream);
		if (stream->state != HTTP1_TARGET)
			return 0;
	}
	if (stream->state == HTTP1_TARGET) {
		target_bytes(context, stream);
		if (stream->state == HTTP1_VERSION)
			common_version(work, stream);
		return 0;
	}
	if (work->at >= work->end || stream->state == HTTP1_SKIP)
		return 0;
	work->at++;
	other_byte(context, stream, work->window[(work->at - 1) & (HTTP_WINDOW - 1)]);
	return 0;
}

struct user_vector {
	__u64 base, bytes;
};

/* The bytes cannot be read: what is in them stays unknown. */
static __always_inline void unreadable(struct http_context *context, struct http_stream *stream)
{
	struct http_conn *conn = context->conn;

	count_uncounted(HTTP_UNREADABLE, 1);
	if (stream == answer_stream(conn))
		drop_queue(conn, HTTP_UNREADABLE);
	stream->state = HTTP1_LOST;
}

/* The next vector that is not empty. 1: it is found, or there is none. */
static long next_vector(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct user_vector vector = {};

	if (work->piece_left || !work->readable)
		return 1;
	if (work->vector_at >= work->vector_count ||
	    bpf_probe_read_user(&vector, sizeof(vector), (void *)(work->vectors + 16ULL * work->vector_at))) {
		work->readable = 0;
		return 1;
	}
	work->vector_at++;
	work->base = vector.base;
	work->piece_left = vector.bytes < work->left ? vector.bytes : work->left;
	return 0;
}

/*
 * Bytes that passed without a call that is seen: spliced out of the socket, say. In a body they count; where an answer ends in them, its end is taken
 * for the time of its first byte, as nothing tells when they passed. Anywhere else the place in the stream is lost.
 */
static __always_inline void pass_over(struct http_context *context, __u32 gap)
{
	struct http_work *work = context->work;
	struct http_stream *stream = &context->conn->streams[work->direction & 1];

	if (stream->state >= HTTP1_UNTIL_CLOSE) {
		stream->total += gap;
		return;
	}
	if (!is_payload(stream) || stream->remaining < gap) {
		unreadable(context, stream);
		return;
	}
	stream->total += gap;
	stream->remaining -= gap;
	if (!stream->remaining) {
		work->now_ns = stream->start_ns;
		body_over(context, stream);
		work->now_ns = 0;
	}
}

/* One piece of the call's bytes: a vector begins, a body goes on, or a window is read. 1: done. */
static long read_piece(__u32 round, struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	struct http_stream *stream = &conn->streams[work->direction & 1];
	__u64 bytes;

	if (!work->left || conn->role == HTTP_ROLE_IGNORED)
		return 1;
	if (stream->state >= HTTP1_UNTIL_CLOSE) {
		stream->total += work->left;
		work->left = 0;
		return 1;
	}
	/* All of the rest is body, wherever it lies. */
	if (is_payload(stream) && stream->remaining >= work->left) {
		work->at = 0;
		stream->total += work->left;
		stream->remaining -= work->left;
		work->left = 0;
		if (!stream->remaining)
			body_over(context, stream);
		return 1;
	}
	if (!work->piece_left && work->readable) {
		next_vector(0, context);
		return 0;
	}
	if (is_payload(stream)) {
		bytes = work->readable ? work->piece_left : work->left;
		if (bytes > stream->remaining)
			bytes = stream->remaining;
		work->at = 0;
		work->base += bytes;
		work->left -= bytes;
		if (work->readable)
			work->piece_left -= bytes;
		stream->total += bytes;
		stream->remaining -= bytes;
		if (!stream->remaining)
			body_over(context, stream);
		return 0;
	}
	if (!work->readable) {
		unreadable(context, stream);
		return 0;
	}
	bytes = work->piece_left;
	if (bytes > HTTP_WINDOW)
		bytes = HTTP_WINDOW;
	/* Bounded for the verifiers that do not follow the comparison above. */
	if (bpf_probe_read_user(work->window, bytes & (2 * HTTP_WINDOW - 1), (void *)work->base)) {
		work->readable = 0;
		return 0;
	}
	work->at = 0;
	work->end = bytes;
	call_loop(HTTP_WINDOW + 1, read_window, context, 0);
	bytes = work->at < work->end ? work->at : work->end;
	work->at = 0;
	stream->total += bytes;
	work->base += bytes;
	work->left -= bytes;
	work->piece_left -= bytes;
	return 0;
}

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
static __always_inline void find_answer(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	__u8 direction = work->direction & 1;
	struct http_stream *stream = &conn->streams[direction];

	if (conn->role == HTTP_ROLE_NONE && !conn->tls && begins_with_record(work)) {
		begin_session(context, false);
		return;
	}
	if (conn->last_direction == 2 || conn->last_direction == direction)
		return;
	if (!begins_with_status(work)) {
		if (!conn->is_http && ++conn->turns >= HTTP_TURNS_MAX) {
			conn->role = HTTP_ROLE_IGNORED;
			count_connection(HTTP_CONNECTIONS_OTHER);
		}
		return;
	}
	if (conn->role == HTTP_ROLE_NONE)
		conn->role = direction == HTTP_SENT ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	if (stream != answer_stream(conn))
		return;
	if (!conn->is_http)
		count_connection(HTTP_CONNECTIONS_HTTP1);
	conn->is_http = 1;
	stream->state = HTTP1_START;
	stream->flags = 0;
}

/* What does a new connection's first byte say? */
static __always_inline void find_role(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	__u8 byte = 0;

	if (!work->readable || bpf_probe_read_user(&byte, 1, (void *)work->base))
		goto other;
	if (byte == TLS_HANDSHAKE && !conn->tls) {
		begin_session(context, true);
		return;
	}
	if (byte < 'A' || byte > 'Z')
		goto other;
	conn->role = work->direction == HTTP_RECEIVED ? HTTP_ROLE_SERVER : HTTP_ROLE_CLIENT;
	return;
other:
	count_connection(HTTP_CONNECTIONS_OTHER);
	conn->role = HTTP_ROLE_IGNORED;
}

/* The bytes of one call, as `context->work` describes them. */
static __always_inline void http_bytes(struct http_context *context)
{
	struct http_work *work = context->work;
	struct http_conn *conn = context->conn;
	__u8 direction = work->direction & 1;
	struct http_stream *stream = &conn->streams[direction];
	struct http_pending *newest;

	if (conn->role == HTTP_ROLE_NONE || stream->state == HTTP1_LOST) {
		call_loop(HTTP_VECTORS_MAX, next_vector, context, 0);
		if (stream->state == HTTP1_LOST)
			find_answer(context);
		else
			find_role(context);
	}
	if (conn->role == HTTP_ROLE_IGNORED || conn->role == HTTP_ROLE_TLS)
		return;
	call_loop(HTTP_ROUNDS, read_piece, context, 0);
	conn->last_direction = direction;
	/* An upload goes on: what has come of it counts even where the answer does not wait for the rest. */
	if ((stream->state == HTTP1_BODY || stream->state == HTTP1_CHUNK) && is_request_stream(conn, direction)) {
		newest = newest_pending(conn);
		if (newest && newest->sequence == conn->sequence)
			newest->bytes = stream->total - stream->message_start;
	}
}

/* No more answers will come. */
static __always_inline void connection_over(struct http_context *context)
{
	struct http_conn *conn = context->conn;
	struct http_stream *stream = answer_stream(conn);
	__u32 i;

	context->work->at = 0;
	if (stream->state == HTTP1_UNTIL_CLOSE) {
		answer_done(context, stream);
	} else if (conn->count && stream->status >= 200 && stream->state != HTTP1_START && stream->state != HTTP1_LOST &&
		   stream->state != HTTP1_STATUS) {
		finish_oldest(context, stream->status, HTTP_SPAN_UNFINISHED);
	}
#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_QUEUE; i++) {
		if (!conn->count)
			break;
		finish_oldest(context, 0, HTTP_SPAN_NO_ANSWER);
	}
	drop_queue(conn, HTTP_QUEUE_FULL);
	close_websocket(context);
	conn->role = HTTP_ROLE_IGNORED;
}

#endif /* LIB_HTTP1_BPF_H */
