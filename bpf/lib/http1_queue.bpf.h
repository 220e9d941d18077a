/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Requests from the end of their heads to the end of their answers. HTTP/1 answers in the order of requests (RFC 9112, 9.3.2), so
 * a queue pairs them; what has no room in it is counted by its number alone.
 */
#ifndef LIB_HTTP1_QUEUE_BPF_H
#define LIB_HTTP1_QUEUE_BPF_H

#include "http1_stream.bpf.h"

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

static __noinline int push_request(struct http_context *context, struct http_stream *stream)
{
	struct http_counters *counters = http_counters_here();
	struct http_filter *filter = http_filter_here();
	struct http_pending *pending;
	struct http_request *request;
	struct http_conn *conn;
	struct http_work *work;
	bool left_out;

	if (!context || !stream)
		return 0;
	conn = context->conn;
	work = context->work;
	request = &conn->request;
	left_out = filter && unlikely(filter->at_head) && filter_leaves_out(conn, work->pid);
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
		return 0;
	}
	if (likely(!left_out))
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
	if (unlikely(left_out))
		pending->flags |= HTTP_REQUEST_LEFT_OUT;
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

#endif /* LIB_HTTP1_QUEUE_BPF_H */
