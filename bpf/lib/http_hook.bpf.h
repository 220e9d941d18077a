/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * One call on a connection of a target, and its end, whichever hook tells of them.
 */
#ifndef LIB_HTTP_HOOK_BPF_H
#define LIB_HTTP_HOOK_BPF_H

#include "filter.bpf.h"
#include "owner.bpf.h"
#include "http1.bpf.h"
#include "http_arguments.bpf.h"
#include "http_socket.bpf.h"

#define MSG_OOB		1	/* <linux/socket.h> */
#define MSG_PEEK	2
#define MSG_TRUNC	0x20
#define MSG_ERRQUEUE	0x2000
/* What is received so is not the stream's next bytes, or comes again. */
#define MSG_APART	(MSG_OOB | MSG_PEEK | MSG_ERRQUEUE)

/* include/net/tcp_states.h */
#define TCP_FIN_WAIT1	4
#define TCP_CLOSE	7
#define TCP_LAST_ACK	9

static __noinline bool may_trace(__u32 tgid)
{
	struct target *target = find_frequent_target(tgid);

	return target && target->state == TARGET_ACTIVE &&
	       caller_may_see((struct task_struct *)bpf_get_current_task());
}

static __always_inline void begin_work(struct http_work *work, struct sock *sk, __u32 tgid, __u8 direction)
{
	work->now_ns = 0;
	work->at = 0;
	work->place = WORK_OF_CALLS;
	work->session = 0;
	work->direction = direction;
	work->socket = (__u64)sk;
	work->pid = tgid;
	work->tid = current_tid();
}

/* Is nothing more to be expected of a connection in this state? A server that can send no more; a client that can do neither. */
static __always_inline bool is_over(struct http_conn *conn, __u8 shutdown, int state)
{
	return state == TCP_CLOSE || shutdown == SHUTDOWN_MASK ||
	       (conn->role == HTTP_ROLE_SERVER && (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK));
}

/* The end of a connection that is_over(), and of the plaintext in it. */
static __always_inline void end_connection(struct http_context *context, __u64 socket)
{
	struct http_conn *conn = context->conn;
	struct http_work *work = context->work;

	work->session = 0;
	if (conn->role == HTTP_ROLE_TLS) {
		conn->role = HTTP_ROLE_IGNORED;
		conn = bpf_map_lookup_elem(&http_sessions, &socket);
		if (!conn)
			return;
		work->session = 1;
		context->conn = conn;
	}
	work->socket = socket;
	work->now_ns = 0;
	work->tid = 0;
	work->direction = conn->role == HTTP_ROLE_SERVER ? HTTP_SENT : HTTP_RECEIVED;
	if (conn->role != HTTP_ROLE_NONE && conn->role != HTTP_ROLE_IGNORED)
		connection_over(context);
	if (conn->tls)
		bpf_map_delete_elem(&http_sessions, &socket);
}

#endif /* LIB_HTTP_HOOK_BPF_H */
