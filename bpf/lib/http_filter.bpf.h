/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The user's filter: which requests are counted at all. What it leaves out is known when a request's head is whole, except by its
 * time; it costs no row and no span, and is counted as left out.
 */
#ifndef LIB_HTTP_FILTER_BPF_H
#define LIB_HTTP_FILTER_BPF_H

#include "conn.bpf.h"

_Static_assert((HTTP_FILTER_PATH_BYTES & (HTTP_FILTER_PATH_BYTES - 1)) == 0, "the place is chosen by mask");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_filter);
} http_filter SEC(".maps");

static __always_inline struct http_filter *http_filter_here(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&http_filter, &zero);
}

/* The server's port: of its own socket, or of the peer's where the process is the client. */
static __always_inline bool filter_has_port(struct http_filter *filter, struct http_conn *conn)
{
	__u16 port = conn->role == HTTP_ROLE_CLIENT ? conn->remote_port : conn->local_port;
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_FILTER_MANY; i++)
		if (i < filter->port_count && filter->ports[i] == port && conn->family != AF_UNIX)
			return true;
	return false;
}

static __always_inline bool filter_has_pid(struct http_filter *filter, __u32 pid)
{
	__u32 i;

#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_FILTER_MANY; i++)
		if (i < filter->pid_count && filter->pids[i] == pid)
			return true;
	return false;
}

/* Both end with zeros, and are two words. */
_Static_assert(HTTP_METHOD_BYTES == 2 * sizeof(__u64), "methods are compared by words");

static __always_inline bool filter_has_method(struct http_filter *filter, struct http_request *request)
{
	__u64 method[2];
	__u32 i;

	__builtin_memcpy(method, request->method, sizeof(method));
#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_FILTER_MANY; i++) {
		__u64 wanted[2];

		__builtin_memcpy(wanted, filter->methods[i], sizeof(wanted));
		if (i < filter->method_count && wanted[0] == method[0] && wanted[1] == method[1])
			return true;
	}
	return false;
}

static __always_inline bool filter_has_path(struct http_filter *filter, struct http_request *request)
{
	__u32 i, at = request->path_at;

#pragma clang loop unroll(disable)
	for (i = 0; i < HTTP_FILTER_PATH_BYTES; i++) {
		if (i >= filter->path_bytes)
			return true;
		if (at + i >= request->path_bytes ||
		    filter->path[i & (HTTP_FILTER_PATH_BYTES - 1)] != request->path[(at + i) & (HTTP_PATH_BYTES - 1)])
			return false;
	}
	return true;
}

/* 1: the request whose head was read is of no interest. */
static __noinline int filter_leaves_out(struct http_conn *conn, __u32 pid)
{
	struct http_filter *filter = http_filter_here();

	if (!conn || !filter)
		return 0;
	return (filter->pid_count && !filter_has_pid(filter, pid)) ||
	       (filter->port_count && !filter_has_port(filter, conn)) ||
	       (filter->method_count && !filter_has_method(filter, &conn->request)) ||
	       (filter->path_bytes && !filter_has_path(filter, &conn->request));
}

#endif /* LIB_HTTP_FILTER_BPF_H */
