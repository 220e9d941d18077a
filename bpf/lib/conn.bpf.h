/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What is known of one connection while it lives: which side of HTTP its process has, how far each direction was read, which
 * requests wait for their answers. It belongs to the socket, never to a descriptor: the object that sees the sockets keeps it.
 */
#ifndef LIB_CONN_BPF_H
#define LIB_CONN_BPF_H

#include "kernel.bpf.h"
#include "../http_events.h"

#define HTTP_QUEUE	32	/* requests without an answer on one connection; a power of two */
_Static_assert((HTTP_QUEUE & (HTTP_QUEUE - 1)) == 0, "the place is chosen by mask");

#define AF_UNIX		1	/* <sys/socket.h> */
#define AF_INET		2
#define AF_INET6	10

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 bytes[16];
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sock {
	struct sock_common __sk_common;
	__u8 sk_shutdown;
	__u16 sk_type;
	__u16 sk_protocol;
};

struct tcp_sock {
	__u32 copied_seq, rcv_nxt, write_seq, snd_nxt;
	__u64 bytes_received, bytes_sent, bytes_retrans;
};

#pragma clang attribute pop

enum http_role {
	HTTP_ROLE_NONE = 0,	/* not known yet */
	HTTP_ROLE_SERVER,
	HTTP_ROLE_CLIENT,
	HTTP_ROLE_TLS,		/* encrypted: what is said stands in `http_sessions` */
	HTTP_ROLE_IGNORED,	/* no HTTP, or none that is read here (any more) */
};

/* Places of http_conn.streams. */
enum http_direction {
	HTTP_RECEIVED = 0,
	HTTP_SENT = 1,
};

/* Where HTTP/1 is read on (lib/http1.bpf.h). */
enum http1_state {
	HTTP1_START = 0,	/* between messages */
	HTTP1_SKIP,		/* the rest of a line is of no interest */
	HTTP1_LINE,		/* a header's line begins */
	HTTP1_NAME,
	HTTP1_VALUE,
	HTTP1_HEAD_END,		/* a return was read, the line's end comes */
	HTTP1_HEAD_DONE,	/* all of it was read: what follows is to be decided */
	HTTP1_METHOD,
	HTTP1_TARGET,
	HTTP1_VERSION,
	HTTP1_STATUS,
	HTTP1_BODY,
	HTTP1_CHUNK_SIZE,
	HTTP1_CHUNK_EXTENSION,
	HTTP1_CHUNK,
	HTTP1_CHUNK_END,
	WEBSOCKET_FRAME,	/* between frames */
	WEBSOCKET_LENGTH,
	WEBSOCKET_HEAD,		/* longer lengths, and the mask */
	WEBSOCKET_PAYLOAD,
	/* From here on a call's bytes are not looked at. */
	HTTP1_UNTIL_CLOSE,
	HTTP1_LOST,
	/* HTTP/2 (lib/http2.bpf.h) */
	HTTP2_FIND,		/* joined: where a frame begins is not known yet */
	HTTP2_PREFACE,
	HTTP2_HEAD,		/* a frame's head */
	HTTP2_FIELDS,		/* what stands before the rest of its payload */
	HTTP2_BLOCK,
	HTTP2_DATA,
	HTTP2_SKIP,
};

#define HTTP2_SMALL_BYTES	64

/* One direction of HTTP/2, beside its http_stream. */
struct http2_side {
	__u64 frame_ns;		/* the frame's first byte */
	__u32 stream;		/* of the frame */
	__u32 block_stream;	/* whose header block is not whole yet; 0: none */
	__u32 block_bytes;	/* of it so far */
	__u32 sequence;		/* of the last record sent */
	__u32 length;		/* of the frame's payload */
	__u8 type;
	__u8 flags;
	__u8 block_flags;	/* of the frame that began the block */
	__u8 block_opens;	/* it opens its stream, */
	__u8 block_pushes;	/* or belongs to PUSH_PROMISE */
	__u8 block_cut;		/* it is longer than what is sent of one */
	__u8 want;		/* bytes of `small` */
	__u8 reserved;
	__u8 small[HTTP2_SMALL_BYTES];	/* bytes that are looked at together */
};

enum http2_kind {
	HTTP2_NONE = 0,
	HTTP2_WHOLE,
	HTTP2_PART,	/* joined */
};

enum http_websocket_state {
	WEBSOCKET_NONE = 0,
	WEBSOCKET_OPEN,
	WEBSOCKET_CLOSED,
};

/* One direction, between the bytes that came and those that come next. */
struct http_stream {
	__u64 total;		/* bytes since the connection's first, or since it was first seen */
	__u64 message_start;	/* of `total` */
	__u64 start_ns;		/* of the message being read */
	__u64 remaining;	/* of its body, or of the chunk */
	__u64 length;		/* content-length */
	__u64 hash;		/* of the name or token being read */
	__u64 last_token;	/* of a list */
	__u8 state;		/* enum http1_state */
	__u8 at;		/* bytes of what is being read */
	__u8 name;		/* enum http1_name of the header being read */
	__u8 minor;		/* of HTTP/1.x */
	__u16 flags;		/* enum http1_flags of the message */
	__u16 status;
	__u32 sequence;		/* TCP's, behind the last byte that was seen */
	__u32 batch_at;		/* of the messages of one call: the next, */
	__u64 batch;		/* and which call; 0: none is under way */
	__u8 has_sequence;
	__u8 reserved[7];
};

struct http_pending {
	__u64 start_ns;
	__u64 request_ns;
	__u64 route;
	__u64 bytes;
	__u32 pid;
	__u32 tid;
	__u32 sequence;
	__u8 flags;		/* enum http_request_flags */
	__u8 minor;
	__u16 reserved;
};

enum http_request_flags {
	HTTP_REQUEST_HEAD = 1,
	HTTP_REQUEST_CONNECT = 2,
	HTTP_REQUEST_LEFT_OUT = 4,	/* by the user's filter */
};

/* The request whose head is being read, and after it the last one. */
struct http_request {
	__u64 hash;		/* of method and shape so far */
	__u64 segment_hash;	/* where the segment began */
	__u16 path_bytes;
	__u8 route_bytes;
	__u8 segment_at;	/* of route */
	__u8 segment_bytes;	/* as sent, 255 and more are one */
	__u8 segment_kinds;	/* SEGMENT_… of lib/route.bpf.h */
	__u8 segment_digits;
	__u8 segment_dashes;
	__u8 method_bytes;
	__u8 target_flags;	/* TARGET_… */
	__u8 trace_bytes;
	__u8 path_at;		/* of `path`: behind the scheme and host of an absolute target */
	__u32 sequence;
	char method[HTTP_METHOD_BYTES];
	char route[HTTP_ROUTE_BYTES];
	char path[HTTP_PATH_BYTES];
	char trace[HTTP_TRACE_BYTES];
};

struct http_conn {
	struct http_stream streams[2];
	__u64 id;
	__u64 last_route;	/* is in `http_routes` */
	__u64 websocket_route;
	__u64 ssl;		/* of a session: the library's object, once it is known */
	__u64 written_end;	/* behind the last write's bytes */
	__u64 inode;		/* of a socket that is kept by its address: whether it is still the same one */
	__u32 pid;		/* that used it last and may be traced */
	__u32 sequence;		/* of the last request */
	__u8 role;
	__u8 tls;		/* bytes are plaintext of TLS */
	__u8 last_direction;	/* that data came in; 2: none yet */
	__u8 turns;		/* without HTTP, while it is looked for */
	__u8 is_http;		/* a whole head was read */
	__u8 head;		/* of the queue: the next to be answered */
	__u8 count;
	__u8 family;
	__u32 beyond;		/* requests behind a full queue */
	__u8 websocket;		/* enum http_websocket_state */
	__u8 http2;		/* enum http2_kind */
	__u8 http2_losses;
	__u8 reserved;
	__u16 local_port;
	__u16 remote_port;
	__u8 local_address[16];
	__u8 remote_address[16];
	__u32 http2_last;	/* the highest number of a request's stream */
	__u32 http2_first;	/* the lowest, once joined */
	__u32 http2_open;
	__u32 http2_ends_lost;
	struct http2_side sides[2];
	struct http_pending queue[HTTP_QUEUE];
	struct http_request request;
};

/* Requests are what a server receives, and what a client sends. */
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

static __always_inline struct http_pending *oldest_pending(struct http_conn *conn)
{
	return conn->count ? &conn->queue[conn->head & (HTTP_QUEUE - 1)] : 0;
}

static __always_inline struct http_pending *newest_pending(struct http_conn *conn)
{
	return conn->count ? &conn->queue[(conn->head + conn->count - 1) & (HTTP_QUEUE - 1)] : 0;
}

static __always_inline void drop_oldest(struct http_conn *conn)
{
	conn->head = (conn->head + 1) & (HTTP_QUEUE - 1);
	conn->count--;
}

#endif /* LIB_CONN_BPF_H */
