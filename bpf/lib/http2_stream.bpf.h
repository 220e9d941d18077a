/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP/2 (RFC 9113): what is known of a connection and of its streams, and the records that tell the helper of them. Names and values of headers
 * are compressed by what came before them on the connection, so they are decoded by the helper: their blocks go there as they are, in wire
 * order by direction. What it need not see is counted here: bytes, messages of gRPC, and when a stream was over.
 */
#ifndef LIB_HTTP2_STREAM_BPF_H
#define LIB_HTTP2_STREAM_BPF_H

#include "http_count.bpf.h"

#define HTTP2_STREAMS_MAX	32768	/* open ones of all connections; least recently used ones go */
#define HTTP2_LOSSES_MAX	8	/* after which a connection is left alone */
#define HTTP2_HEAD_BYTES	9
#define HTTP2_PREFACE_BYTES	24	/* "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" (RFC 9113, 3.4) */
#define HTTP2_PREFACE_AS_HTTP1	12	/* of these, "PRI * HTTP/2" is read before it is known to be none of HTTP/1 */
#define HTTP2_FIRST_STREAM	1	/* that an upgrade opens (RFC 7540, 3.2) */

/* Types of frames (RFC 9113, 6) and their flags. */
#define FRAME_DATA		0
#define FRAME_HEADERS		1
#define FRAME_PRIORITY		2
#define FRAME_RST_STREAM	3
#define FRAME_SETTINGS		4
#define FRAME_PUSH_PROMISE	5
#define FRAME_PING		6
#define FRAME_GOAWAY		7
#define FRAME_WINDOW_UPDATE	8
#define FRAME_CONTINUATION	9
#define FLAG_END_STREAM		1
#define FLAG_END_HEADERS	4
#define FLAG_PADDED		8
#define FLAG_PRIORITY		0x20

/* Whether a body is messages of gRPC: each with a byte of flags and four of length before it. */
enum http2_body {
	BODY_UNKNOWN = 0,
	BODY_MESSAGES,
	BODY_OTHER,
};
#define MESSAGE_HEAD_BYTES	5
#define MESSAGE_COMPRESSED	1
#define MESSAGE_TRAILERS	0x80	/* of gRPC-Web */
#define MESSAGE_TRAILERS_MAX	4096

struct http2_half {
	__u64 bytes;
	__u64 message_bytes;
	__u32 messages;
	__u32 message_left;
	__u8 body;		/* enum http2_body */
	__u8 at;		/* bytes of `head` */
	__u8 trailers;		/* what is left is trailers of gRPC-Web */
	__u8 reserved[5];
	__u8 head[16];
};

struct http2_stream {
	struct http2_half halves[2];	/* by enum http_direction */
	__u64 unseen;		/* its request came before the attach */
};

struct http2_stream_key {
	__u64 connection;
	__u32 stream;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HTTP2_STREAMS_MAX);
	__type(key, struct http2_stream_key);
	__type(value, struct http2_stream);
} http2_streams SEC(".maps");

static __always_inline struct http2_stream *find_stream(struct http_conn *conn, __u32 stream)
{
	struct http2_stream_key key = { .connection = conn->id, .stream = stream };

	return bpf_map_lookup_elem(&http2_streams, &key);
}

static __noinline int open_stream(struct http_context *context, __u32 number, bool unseen)
{
	struct http_counters *counters = http_counters_here();
	struct http2_stream stream = { .unseen = unseen };
	struct http2_stream_key key = { .stream = number };

	if (!context)
		return 0;
	key.connection = context->conn->id;
	if (bpf_map_update_elem(&http2_streams, &key, &stream, BPF_ANY) || unseen || !counters)
		return 0;
	counters->requests++;
	counters->http2_streams++;
	__sync_fetch_and_add(&context->conn->http2_open, 1);
	return 0;
}

static __always_inline __u8 side_of(struct http_conn *conn)
{
	return conn->role == HTTP_ROLE_CLIENT ? HTTP_CLIENT : HTTP_SERVER;
}

static __noinline int send_connection(struct http_context *context, __u32 state)
{
	struct http2_connection_event *event;
	struct http_conn *conn;

	if (!context)
		return 0;
	conn = context->conn;
	event = &context->work->http2_connection;
	event->header.kind = (enum event_kind)EVENT_HTTP2_CONNECTION;
	event->header.size_bytes = sizeof(*event);
	event->header.time_ns = work_now(context->work);
	event->connection = conn->id;
	event->pid = conn->pid;
	event->ends_lost = conn->http2_ends_lost;
	event->local_port = conn->local_port;
	event->remote_port = conn->remote_port;
	event->state = state;
	event->side = side_of(conn);
	event->tls = conn->tls;
	event->family = conn->family;
	__builtin_memcpy(event->local_address, conn->local_address, 16);
	__builtin_memcpy(event->remote_address, conn->remote_address, 16);
	emit(context->ctx, event, sizeof(*event));
	return 0;
}

/* Both directions begin with a frame. */
static __always_inline void begin_http2(struct http_context *context, __u8 kind)
{
	struct http_conn *conn = context->conn;
	__u8 state = kind == HTTP2_WHOLE ? HTTP2_HEAD : HTTP2_FIND;

	conn->http2 = kind;
	conn->http2_open = 0;
	conn->http2_ends_lost = 0;
	conn->http2_last = 0;
	conn->http2_first = 0;
	conn->streams[0].state = state;
	conn->streams[1].state = state;
	conn->streams[0].at = 0;
	conn->streams[1].at = 0;
	conn->streams[0].remaining = 0;
	conn->streams[1].remaining = 0;
	__builtin_memset(conn->sides, 0, sizeof(conn->sides));
	conn->sides[0].want = HTTP2_HEAD_BYTES;
	conn->sides[1].want = HTTP2_HEAD_BYTES;
	if (!conn->http2_losses)
		count_connection(HTTP_CONNECTIONS_HTTP2);
	send_connection(context, kind == HTTP2_WHOLE ? HTTP2_BEGUN : HTTP2_JOINED);
}

/* The client's direction begins with the preface, of which `seen` bytes were read. */
static __always_inline void expect_preface(struct http_conn *conn, __u8 direction, __u8 seen)
{
	struct http_stream *stream = &conn->streams[direction & 1];

	stream->state = HTTP2_PREFACE;
	stream->at = seen;
	conn->sides[direction & 1].want = HTTP2_PREFACE_BYTES;
}

/* Its streams end without an answer, or unknown. */
static __always_inline void end_http2(struct http_context *context, enum http2_connection_state state)
{
	struct http_counters *counters = http_counters_here();
	struct http_conn *conn = context->conn;

	if (counters)
		counters->answered += conn->http2_open;
	conn->http2_open = 0;
	send_connection(context, state);
}

/* The place in the bytes is lost: it goes on as a connection that was joined. */
static __noinline int lose_http2(struct http_context *context, __u32 state)
{
	struct http_conn *conn;

	if (!context)
		return 0;
	conn = context->conn;
	end_http2(context, state);
	if (conn->http2_losses++ >= HTTP2_LOSSES_MAX) {
		conn->role = HTTP_ROLE_IGNORED;
		return 0;
	}
	conn->id = bpf_ktime_get_ns();
	begin_http2(context, HTTP2_PART);
	return 0;
}

/* Of work->http2_block flags and bytes are there; `data` too. */
static __noinline int send_block(struct http_context *context, struct http2_side *side, __u32 number, __u32 counted)
{
	struct http2_block_event *event;
	struct http_counters *counters;
	struct http_conn *conn;
	__u32 size;

	if (!context || !side)
		return 0;
	conn = context->conn;
	event = &context->work->http2_block;
	size = event->bytes;
	if (size > HTTP2_BLOCK_BYTES)
		return 0;
	if (counted)
		side->sequence++;
	/* The ring's records begin at multiples of eight. */
	size = (size + 7) & ~7U;
	event->header.kind = (enum event_kind)EVENT_HTTP2_BLOCK;
	event->header.size_bytes = sizeof(*event) - HTTP2_BLOCK_BYTES + size;
	event->header.time_ns = work_now(context->work);
	event->connection = conn->id;
	event->start_ns = side->frame_ns;
	event->pid = context->work->pid;
	event->tid = context->work->tid;
	event->stream = number;
	event->sequence = side->sequence;
	event->side = side_of(conn);
	event->tls = conn->tls;
	event->reserved = 0;
	if (conn->http2 == HTTP2_PART)
		event->flags |= HTTP2_BLOCK_JOINED;
	size += sizeof(*event) - HTTP2_BLOCK_BYTES;
	asm volatile("" : "+r"(size));
	if (size > sizeof(*event))
		return 0;
	if (emit(context->ctx, event, size) < 0) {
		counters = http_counters_here();
		if (counters)
			counters->http2_blocks_lost++;
	}
	return 0;
}

/* The answer is whole, or the stream was reset. */
static __noinline int stream_over(struct http_context *context, __u32 number, __u32 flags, __u32 error)
{
	struct http_counters *counters = http_counters_here();
	struct http2_end_event *event;
	struct http2_stream *stream;
	struct http2_stream_key key = {};
	struct http_conn *conn;

	if (!context || !counters)
		return 0;
	conn = context->conn;
	stream = find_stream(conn, number);
	if (!stream)
		return 0;
	event = &context->work->http2_end;
	event->header.kind = (enum event_kind)EVENT_HTTP2_END;
	event->header.size_bytes = sizeof(*event);
	event->header.time_ns = work_now(context->work);
	event->connection = conn->id;
	event->bytes_in = stream->halves[HTTP_RECEIVED].bytes;
	event->bytes_out = stream->halves[HTTP_SENT].bytes;
	event->message_bytes_in = stream->halves[HTTP_RECEIVED].message_bytes;
	event->message_bytes_out = stream->halves[HTTP_SENT].message_bytes;
	event->messages_in = stream->halves[HTTP_RECEIVED].messages;
	event->messages_out = stream->halves[HTTP_SENT].messages;
	event->stream = number;
	event->error = error;
	event->pid = context->work->pid;
	event->tid = context->work->tid;
	event->flags = flags | (stream->unseen ? HTTP2_END_UNSEEN : 0) |
		       (conn->http2 == HTTP2_PART ? HTTP2_END_JOINED : 0);
	event->side = side_of(conn);
	event->tls = conn->tls;
	if (!stream->unseen) {
		counters->answered++;
		__sync_fetch_and_add(&conn->http2_open, -1);
	}
	key.connection = conn->id;
	key.stream = number;
	bpf_map_delete_elem(&http2_streams, &key);
	if (emit(context->ctx, event, sizeof(*event)) < 0) {
		counters->http2_ends_lost++;
		conn->http2_ends_lost++;
	}
	return 0;
}

/* After 101: the request that asked for it is the first stream's. */
static __noinline int upgrade_to_http2(struct http_context *context, struct http_pending *pending)
{
	struct http_counters *counters = http_counters_here();
	struct http2_upgraded *upgraded;
	struct http_request *request;
	struct http2_stream *stream;
	struct http2_side *side;
	struct http_conn *conn;
	struct http_work *work;
	__u8 direction;

	if (!context || !pending)
		return 0;
	conn = context->conn;
	work = context->work;
	/* Of the client: the other direction than the answer's. */
	direction = !work->direction;
	request = &conn->request;
	begin_http2(context, HTTP2_WHOLE);
	expect_preface(conn, direction, 0);
	open_stream(context, HTTP2_FIRST_STREAM, false);
	conn->http2_last = HTTP2_FIRST_STREAM;
	/* It was counted as a request of HTTP/1 already. */
	if (counters)
		counters->requests--;
	stream = find_stream(conn, HTTP2_FIRST_STREAM);
	if (stream)
		stream->halves[direction & 1].bytes = pending->bytes;
	side = &conn->sides[direction & 1];
	side->frame_ns = pending->start_ns;
	upgraded = (struct http2_upgraded *)work->http2_block.data;
	__builtin_memset(upgraded, 0, sizeof(*upgraded));
	if (request->sequence == pending->sequence) {
		__builtin_memcpy(upgraded->method, request->method, sizeof(upgraded->method));
		if (request->trace_bytes)
			__builtin_memcpy(upgraded->trace, request->trace, sizeof(upgraded->trace));
		upgraded->path_bytes = request->path_bytes;
		__builtin_memcpy(upgraded->path, request->path, sizeof(upgraded->path));
	}
	work->http2_block.bytes = sizeof(*upgraded);
	work->http2_block.flags = HTTP2_BLOCK_BEGIN | HTTP2_BLOCK_END | HTTP2_BLOCK_END_STREAM | HTTP2_BLOCK_OF_REQUEST |
			    HTTP2_BLOCK_OPENS | HTTP2_BLOCK_PLAIN;
	send_block(context, side, HTTP2_FIRST_STREAM, 0);
	return 0;
}

#endif /* LIB_HTTP2_STREAM_BPF_H */
