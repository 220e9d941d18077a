/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the HTTP tracer's programs and the helper share: the record of a span, the counters of a route and the settings that
 * change while it runs. helper/src/abi/httpEvents.gen.ts is generated from this file. Times are CLOCK_MONOTONIC, pids are as the
 * helper's PID namespace numbers them.
 */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include "events.h"

#define HTTP_METHOD_BYTES	16	/* longest of IANA's list: BASELINE-CONTROL */
#define HTTP_ROUTE_BYTES	128	/* of a shape; longer ones are cut */
#define HTTP_PATH_BYTES		256	/* of a target as it was sent; longer ones are cut */
#define HTTP_TRACE_BYTES	56	/* traceparent is 55 characters (W3C Trace Context, 3.2) */

/* Values of event_header.kind beside enum event_kind. */
enum http_event_kind {
	EVENT_HTTP_SPAN = 64,	/* struct http_span_event */
	EVENT_HTTP2_CONNECTION = 72,	/* struct http2_connection_event */
	EVENT_HTTP2_BLOCK = 73,	/* struct http2_block_event: (a piece of) a header block, in wire order by direction */
	EVENT_HTTP2_END = 74,	/* struct http2_end_event: a stream is over; its header blocks came before */
};

enum http_side {
	HTTP_SERVER = 0,	/* the process received the request */
	HTTP_CLIENT = 1,	/* the process sent it */
};

enum http_protocol {
	HTTP_1_0 = 0,
	HTTP_1_1 = 1,
	HTTP_2 = 2,
	HTTP_GRPC = 3,	/* over HTTP/2; told by the helper, as HTTP_2 is */
};

/* Why a request or an answer is not in the counts: places of http_counters.uncounted. */
enum http_uncounted {
	HTTP_REQUEST_UNSEEN = 0,	/* its request came before the attach, or where heads could not be told */
	HTTP_QUEUE_FULL = 1,		/* more requests at once on a connection than the queue holds */
	HTTP_BAD_HEAD = 2,		/* a head that is not HTTP after all, in the middle of a connection */
	HTTP_UNREADABLE = 3,		/* bytes that could not be read: sent files, io_uring, memory paged out */
	HTTP_NO_SERIES = 4,		/* no room for one more row */
	HTTP_LEFT_OUT = 5,		/* by the user's filter */
	HTTP_UNCOUNTED_KINDS = 6,
};

/* What became of connections: places of http_counters.connections. */
enum http_connection_kind {
	HTTP_CONNECTIONS_HTTP1 = 0,
	HTTP_CONNECTIONS_HTTP2 = 1,
	HTTP_CONNECTIONS_TLS = 2,	/* encrypted */
	HTTP_CONNECTIONS_OTHER = 3,	/* something else was spoken */
	HTTP_CONNECTIONS_UPGRADED = 4,	/* after 101 or CONNECT */
	HTTP_CONNECTIONS_PLAINTEXT = 5,	/* of the encrypted ones: plaintext was seen in the TLS library */
	HTTP_CONNECTION_KINDS = 6,
};

/* Key of the map `http_series`. */
struct http_series_key {
	__u64 route;		/* of `http_routes`; 0: beyond its bound */
	__u32 pid;
	__u16 status;		/* 0: no answer came */
	__u8 side;		/* enum http_side */
	__u8 protocol;		/* enum http_protocol */
	__u32 tls;		/* 1: the bytes were plaintext of a TLS session */
	__u32 reserved;
};

/*
 * Latencies log-linearly: HTTP_LINEAR_BUCKETS of HTTP_LATENCY_UNIT_NS each, then HTTP_OCTAVE_BUCKETS in every octave, so a value
 * is at most 1/64 from the middle of its bucket. The last one holds all that is longer (36 minutes).
 */
#define HTTP_LATENCY_SHIFT	7
#define HTTP_LINEAR_BUCKETS	64
#define HTTP_OCTAVE_BUCKETS	32
#define HTTP_OCTAVES		28
#define HTTP_BUCKETS		960

/* Value of the map `http_series`: all requests of one kind, exactly. */
struct http_series {
	__u64 count;
	__u64 bytes_in;
	__u64 bytes_out;
	__u64 latency_sum_ns;
	__u64 latency_max_ns;
	__u64 first_byte_sum_ns;
	__u32 latency[HTTP_BUCKETS];
};

/* Value of the map `http_routes`, key: a hash of it (__u64). */
struct http_route {
	char method[HTTP_METHOD_BYTES];	/* ends with a zero where it is shorter */
	char shape[HTTP_ROUTE_BYTES];	/* likewise: ids are folded, without query */
};

/* Key of the map `http_websockets`. */
struct http_websocket_key {
	__u64 route;		/* of the request that was answered with 101 */
	__u32 pid;
	__u16 side;		/* enum http_side */
	__u16 tls;
};

/* Its value (RFC 6455): control frames are close, ping and pong; bytes are payload. */
struct http_websocket {
	__u64 opened;
	__u64 closed;
	__u64 frames_in;
	__u64 frames_out;
	__u64 control_in;
	__u64 control_out;
	__u64 bytes_in;
	__u64 bytes_out;
};

/* Value of the map `http_control`, key 0; the helper changes it while it runs. */
struct http_control {
	__u64 slow_ns;		/* spans of at least this time are always sent */
	__u32 span_every;	/* of the rest one in so many; 0: none */
	__u32 error_every;	/* of the errors one in so many; 0: none */
	__u32 ready;		/* 0: sockets that existed before the attach are still being marked */
	__u32 reserved;
};

#define HTTP_FILTER_MANY	8	/* of each kind */
#define HTTP_FILTER_PATH_BYTES	128

/* Value of the map `http_filter`, key 0: a request is counted where one of each kind fits; none of a kind: all do. */
struct http_filter {
	__u64 least_ns;		/* shorter requests are left out */
	__u32 pids[HTTP_FILTER_MANY];
	__u16 ports[HTTP_FILTER_MANY];	/* of the server's end */
	char methods[HTTP_FILTER_MANY][HTTP_METHOD_BYTES];	/* zeros behind them */
	char path[HTTP_FILTER_PATH_BYTES];	/* what the path begins with, as it was sent */
	__u16 path_bytes;
	__u8 pid_count;
	__u8 port_count;
	__u8 method_count;
	__u8 at_head;		/* one of those that a head tells is given */
	__u16 reserved;
};

/* Value of the per-CPU map `http_counters`, key 0. */
struct http_counters {
	__u64 requests;		/* heads of requests seen */
	__u64 answered;		/* of these: counted in a row, with or without an answer; */
	__u64 dropped;		/* and those of `uncounted` */
	__u64 spans;		/* sent */
	__u64 spans_lost;	/* no room in the buffer */
	__u64 uncounted[HTTP_UNCOUNTED_KINDS];
	__u64 connections[HTTP_CONNECTION_KINDS];
	__u64 http2_streams;	/* requests of HTTP/2, also among `requests` */
	__u64 http2_blocks_lost;	/* pieces of header blocks without room in the buffer: the helper sees which are missing */
	__u64 http2_ends_lost;	/* streams whose end found no room there */
	__u32 until_span;	/* countdowns of http_control's rates */
	__u32 until_error;
};

enum http_span_flags {
	HTTP_SPAN_PATH = 1,	/* path and trace are of this request */
	HTTP_SPAN_CUT = 2,	/* the path is longer than what is here */
	HTTP_SPAN_TLS = 4,
	HTTP_SPAN_NO_ANSWER = 8,	/* the connection ended first */
	HTTP_SPAN_UNFINISHED = 16,	/* the connection ended within the answer */
};

struct http_span_event {
	struct event_header header;	/* its time is the end */
	__u64 connection;	/* one number for one connection */
	__u64 start_ns;		/* the request's first byte */
	__u64 request_ns;	/* the end of the request's head */
	__u64 first_byte_ns;	/* of the final answer; 0: none */
	__u64 end_ns;		/* the answer's last byte */
	__u64 route;		/* of `http_routes` */
	__u64 bytes_in;		/* plaintext with heads */
	__u64 bytes_out;
	__u32 pid;
	__u32 tid;		/* which read the request, or sent it */
	__u32 answer_tid;	/* which sent the answer's end, or read it; 0: none */
	__u32 sequence;		/* of the request on its connection, from 1 */
	__u32 every;		/* it stands for so many; 0: sent because it is slow or an error */
	__u16 status;
	__u16 path_bytes;
	__u16 local_port;
	__u16 remote_port;
	__u8 side;
	__u8 protocol;
	__u8 flags;		/* enum http_span_flags */
	__u8 family;		/* 2: IPv4, 10: IPv6, 1: Unix */
	__u8 local_address[16];	/* 4 bytes of IPv4 */
	__u8 remote_address[16];
	char method[HTTP_METHOD_BYTES];
	char trace[HTTP_TRACE_BYTES];
	char path[HTTP_PATH_BYTES];
};

#define HTTP2_BLOCK_BYTES	512	/* of a header block in one record */

/* http2_connection_event.state */
enum http2_connection_state {
	HTTP2_BEGUN = 0,	/* seen from its first byte */
	HTTP2_JOINED = 1,	/* older than the attach, or the place in it was lost: what its compression knew before is unknown */
	HTTP2_OVER = 2,
	HTTP2_LOST = 3,		/* its bytes were not readable: it may go on as another connection */
	HTTP2_BROKEN = 4,	/* its bytes broke the rules, likewise */
};

struct http2_connection_event {
	struct event_header header;
	__u64 connection;
	__u32 pid;
	__u32 ends_lost;	/* of its streams the ends that found no room */
	__u16 local_port;
	__u16 remote_port;
	__u8 state;		/* enum http2_connection_state */
	__u8 side;		/* enum http_side */
	__u8 tls;
	__u8 family;		/* as in struct http_span_event */
	__u8 local_address[16];
	__u8 remote_address[16];
};

enum http2_block_flags {
	HTTP2_BLOCK_BEGIN = 1,
	HTTP2_BLOCK_END = 2,
	HTTP2_BLOCK_END_STREAM = 4,
	HTTP2_BLOCK_OF_REQUEST = 8,	/* sent by the client */
	HTTP2_BLOCK_OPENS = 16,		/* a request: the first block of its stream */
	HTTP2_BLOCK_PUSH = 32,		/* of PUSH_PROMISE */
	HTTP2_BLOCK_CUT = 64,		/* at its end bytes are missing */
	HTTP2_BLOCK_PLAIN = 128,	/* struct http2_upgraded: the request of an HTTP/1.1 upgrade; not in `sequence` */
	HTTP2_BLOCK_TEXT = 256,		/* trailers of gRPC-Web, lines of text in its body; not in `sequence` */
	HTTP2_BLOCK_JOINED = 512,	/* see HTTP2_JOINED */
};

struct http2_block_event {
	struct event_header header;
	__u64 connection;
	__u64 start_ns;		/* the first byte of its frame */
	__u32 pid;
	__u32 tid;
	__u32 stream;
	__u32 sequence;		/* of the records of this direction, from 1 */
	__u16 bytes;
	__u16 flags;		/* enum http2_block_flags */
	__u8 side;
	__u8 tls;
	__u16 reserved;
	char data[HTTP2_BLOCK_BYTES];
};

/* Data of a record with HTTP2_BLOCK_PLAIN. */
struct http2_upgraded {
	char method[HTTP_METHOD_BYTES];
	char trace[HTTP_TRACE_BYTES];
	__u16 path_bytes;
	char path[HTTP_PATH_BYTES];
};

enum http2_end_flags {
	HTTP2_END_RESET_RECEIVED = 1,	/* by RST_STREAM */
	HTTP2_END_RESET_SENT = 2,
	HTTP2_END_UNSEEN = 4,		/* its request came before the attach */
	HTTP2_END_JOINED = 8,
};

struct http2_end_event {
	struct event_header header;	/* its time is the end */
	__u64 connection;
	__u64 bytes_in;		/* frames with their heads */
	__u64 bytes_out;
	__u64 message_bytes_in;	/* of messages framed as gRPC does it, where the whole body is such */
	__u64 message_bytes_out;
	__u32 messages_in;
	__u32 messages_out;
	__u32 stream;
	__u32 error;		/* of RST_STREAM */
	__u32 pid;
	__u32 tid;
	__u8 flags;		/* enum http2_end_flags */
	__u8 side;
	__u8 tls;
	__u8 reserved[5];
};

#endif /* HTTP_EVENTS_H */
