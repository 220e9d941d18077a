/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Exact counts and latencies of requests by process, route and status, in maps that the helper reads; and spans of some of
 * them, as records: of those that are slow or failed, and one in so many of the rest, at rates that the helper sets.
 */
#ifndef LIB_HTTP_COUNT_BPF_H
#define LIB_HTTP_COUNT_BPF_H

#include "conn.bpf.h"
#include "http_filter.bpf.h"
#include "ringbuf.bpf.h"
#include "route.bpf.h"

#define HTTP_SERIES_MAX	4096	/* rows: process, route, status; 16 MB, preallocated */
#define HTTP_ROUTES_MAX	2048	/* shapes of paths, with their methods */
#define HTTP_WEBSOCKETS_MAX	1024	/* rows: process, route */
#define HTTP_WINDOW	512	/* bytes of a head looked at at once; a power of two */
_Static_assert(sizeof(struct http_series) + sizeof(struct http_series_key) < 4096, "one page a row");
_Static_assert(HTTP_LINEAR_BUCKETS + HTTP_OCTAVES * HTTP_OCTAVE_BUCKETS == HTTP_BUCKETS, "octaves fill the buckets");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HTTP_SERIES_MAX);
	__type(key, struct http_series_key);
	__type(value, struct http_series);
} http_series SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HTTP_ROUTES_MAX);
	__type(key, __u64);
	__type(value, struct http_route);
} http_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, HTTP_WEBSOCKETS_MAX);
	__type(key, struct http_websocket_key);
	__type(value, struct http_websocket);
} http_websockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_control);
} http_control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_counters);
} http_counters SEC(".maps");

/* A row as it begins: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_series);
} http_empty SEC(".maps");

/* What a program works with while it handles one call: too large for the stack, too. */
struct http_work {
	__u64 now_ns;		/* 0: not asked for yet */
	__u64 base;		/* user address of the bytes that come next */
	__u64 left;		/* bytes of the call that are not taken yet, */
	__u64 piece_left;	/* of these, in the present piece of memory */
	__u64 vectors;		/* user address of struct iovec[] */
	__u32 vector_at;
	__u32 vector_count;
	__u32 at;		/* place in the window */
	__u32 end;		/* bytes in the window */
	__u32 tid;
	__u32 pid;
	__u64 socket;		/* address of struct sock */
	__u8 direction;
	__u8 readable;		/* the bytes are in user memory */
	__u8 place;		/* enum work_place */
	__u8 session;		/* the connection at hand is the plaintext in that of `socket` */
	__u8 reserved[4];
	struct http_series_key key;
	struct http_route route;
	struct http_span_event span;
	union {
		struct http2_connection_event http2_connection;
		struct http2_block_event http2_block;
		struct http2_end_event http2_end;
	};
	char window[HTTP_WINDOW + 8];
};

enum work_place {
	WORK_OF_CALLS = 0,
	WORK_OF_CLOSES = 1,	/* which may interrupt the others */
	WORK_PLACES = 2,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WORK_PLACES);
	__type(key, __u32);
	__type(value, struct http_work);
} http_works SEC(".maps");

struct http_context {
	void *ctx;
	struct http_work *work;
	struct http_conn *conn;
};

static __always_inline struct http_counters *http_counters_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&http_counters, &zero);
}

static __always_inline void count_uncounted(enum http_uncounted why, __u64 number)
{
	struct http_counters *counters = http_counters_here();

	if (counters)
		counters->uncounted[why] += number;
}

/* Requests that were waiting for their answer. */
static __always_inline void count_dropped(enum http_uncounted why, __u64 number)
{
	struct http_counters *counters = http_counters_here();

	if (!counters)
		return;
	counters->uncounted[why] += number;
	counters->dropped += number;
}

static __always_inline void count_connection(enum http_connection_kind kind)
{
	struct http_counters *counters = http_counters_here();

	if (counters)
		counters->connections[kind]++;
}

/* One look at the clock per call of the target. */
static __always_inline __u64 work_now(struct http_work *work)
{
	if (!work->now_ns)
		work->now_ns = bpf_ktime_get_ns();
	return work->now_ns;
}

static __always_inline __u32 log2_of(__u64 value)
{
	__u32 result = 0;

	if (value >> 32) {
		result += 32;
		value >>= 32;
	}
	if (value >> 16) {
		result += 16;
		value >>= 16;
	}
	if (value >> 8) {
		result += 8;
		value >>= 8;
	}
	if (value >> 4) {
		result += 4;
		value >>= 4;
	}
	if (value >> 2) {
		result += 2;
		value >>= 2;
	}
	return result + (value >> 1);
}

static __always_inline __u64 latency_bucket(__u64 latency_ns)
{
	__u64 units = latency_ns >> HTTP_LATENCY_SHIFT, bucket = units;
	__u32 octave;

	if (units >= HTTP_LINEAR_BUCKETS) {
		octave = log2_of(units);
		bucket = HTTP_LINEAR_BUCKETS + (octave - 6) * HTTP_OCTAVE_BUCKETS +
			 ((units >> (octave - 5)) & (HTTP_OCTAVE_BUCKETS - 1));
	}
	/* As the verifier of 5.10 follows it, too. */
	asm volatile("if %0 <= %1 goto +1\n\t%0 = %1" : "+r"(bucket) : "i"(HTTP_BUCKETS - 1));
	return bucket;
}

/* The row of work->key, made where there is none. */
static __noinline struct http_series *find_series(struct http_work *work)
{
	struct http_series *series, *empty;
	__u32 zero = 0;

	if (!work)
		return 0;
	series = bpf_map_lookup_elem(&http_series, &work->key);
	if (likely(series))
		return series;
	empty = bpf_map_lookup_elem(&http_empty, &zero);
	if (!empty)
		return 0;
	bpf_map_update_elem(&http_series, &work->key, empty, BPF_NOEXIST);
	series = bpf_map_lookup_elem(&http_series, &work->key);
	if (series || !work->key.route)
		return series;
	work->key.route = 0;
	bpf_map_update_elem(&http_series, &work->key, empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&http_series, &work->key);
}

/* Counts down from `every`, which may have become less since the last time. */
static __always_inline bool is_turn(__u32 *until, __u32 every)
{
	if (*until > 1 && *until <= every) {
		(*until)--;
		return false;
	}
	*until = every;
	return true;
}

/* Is a span of this request sent? 0: no; else 1 + how many it stands for. */
static __always_inline __u32 span_rate(struct http_counters *counters, __u64 latency_ns, __u32 status)
{
	__u32 zero = 0;
	struct http_control *control = bpf_map_lookup_elem(&http_control, &zero);

	if (!control)
		return 0;
	if (status >= 500 || !status) {
		if (!control->error_every || !is_turn(&counters->until_error, control->error_every))
			return 0;
		return 1 + control->error_every;
	}
	if (latency_ns >= control->slow_ns)
		return 1;
	if (!control->span_every || !is_turn(&counters->until_span, control->span_every))
		return 0;
	return 1 + control->span_every;
}

static __noinline int send_span(struct http_context *context, struct http_pending *pending, __u32 every, __u32 span_flags)
{
	struct http_span_event *span;
	struct http_request *request;
	struct http_counters *counters;
	struct http_conn *conn;

	if (!context || !pending)
		return 0;
	conn = context->conn;
	span = &context->work->span;
	request = &conn->request;
	/* end_ns, first_byte_ns, bytes and key are there already. */
	span->header.kind = (enum event_kind)EVENT_HTTP_SPAN;
	span->header.size_bytes = sizeof(*span);
	span->header.time_ns = span->end_ns;
	span->connection = conn->id;
	span->start_ns = pending->start_ns;
	span->request_ns = pending->request_ns;
	span->route = pending->route;
	span->pid = pending->pid;
	span->tid = pending->tid;
	span->answer_tid = context->work->tid;
	span->sequence = pending->sequence;
	span->every = every;
	span->status = context->work->key.status;
	span->side = context->work->key.side;
	span->protocol = context->work->key.protocol;
	span->flags = span_flags | (conn->tls ? HTTP_SPAN_TLS : 0);
	span->family = conn->family;
	span->local_port = conn->local_port;
	span->remote_port = conn->remote_port;
	__builtin_memcpy(span->local_address, conn->local_address, 16);
	__builtin_memcpy(span->remote_address, conn->remote_address, 16);
	span->path_bytes = 0;
	__builtin_memset(span->trace, 0, sizeof(span->trace));
	__builtin_memset(span->method, 0, sizeof(span->method));
	if (request->sequence == pending->sequence) {
		span->flags |= HTTP_SPAN_PATH;
		if (request->target_flags & TARGET_CUT)
			span->flags |= HTTP_SPAN_CUT;
		span->path_bytes = request->path_bytes;
		__builtin_memcpy(span->method, request->method, sizeof(span->method));
		__builtin_memcpy(span->path, request->path, sizeof(span->path));
		if (request->trace_bytes)
			__builtin_memcpy(span->trace, request->trace, sizeof(span->trace));
	}
	counters = http_counters_here();
	if (!counters)
		return 0;
	if (emit(context->ctx, span, sizeof(*span)) < 0)
		counters->spans_lost++;
	else
		counters->spans++;
	return 0;
}

/* Counts one request; work->span has first_byte_ns, end_ns, bytes_in and bytes_out. Does not take it from the queue. */
static __noinline int count_request(struct http_context *context, struct http_pending *pending, __u32 status,
				    __u32 span_flags)
{
	struct http_counters *counters = http_counters_here();
	struct http_filter *filter = http_filter_here();
	struct http_series *series;
	struct http_work *work;
	struct http_conn *conn;
	__u64 latency;
	__u32 every;

	if (!context || !pending || !counters)
		return 0;
	work = context->work;
	conn = context->conn;
	latency = work->span.end_ns - pending->start_ns;
	if ((__s64)latency < 0)
		latency = 0;
	if (unlikely((pending->flags & HTTP_REQUEST_LEFT_OUT) || (filter && latency < filter->least_ns))) {
		count_dropped(HTTP_LEFT_OUT, 1);
		return 0;
	}
	work->key.route = pending->route;
	work->key.pid = pending->pid;
	work->key.status = status;
	work->key.side = conn->role == HTTP_ROLE_CLIENT ? HTTP_CLIENT : HTTP_SERVER;
	work->key.protocol = pending->minor ? HTTP_1_1 : HTTP_1_0;
	work->key.tls = conn->tls;
	work->key.reserved = 0;
	series = find_series(work);
	if (!series) {
		count_dropped(HTTP_NO_SERIES, 1);
		return 0;
	}
	counters->answered++;
	__sync_fetch_and_add(&series->count, 1);
	__sync_fetch_and_add(&series->bytes_in, work->span.bytes_in);
	__sync_fetch_and_add(&series->bytes_out, work->span.bytes_out);
	__sync_fetch_and_add(&series->latency_sum_ns, latency);
	if (work->span.first_byte_ns > pending->start_ns)
		__sync_fetch_and_add(&series->first_byte_sum_ns, work->span.first_byte_ns - pending->start_ns);
	if (latency > series->latency_max_ns)
		series->latency_max_ns = latency;
	__sync_fetch_and_add(&series->latency[latency_bucket(latency)], 1);
	every = span_rate(counters, latency, status);
	if (unlikely(every))
		send_span(context, pending, every - 1, span_flags);
	return 0;
}

#endif /* LIB_HTTP_COUNT_BPF_H */
