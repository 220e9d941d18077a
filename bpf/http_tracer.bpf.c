// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The HTTP tracer: sees the bytes of the targets' stream sockets as they are sent and received, reads the heads of HTTP in them
 * (lib/http1.bpf.h), counts every request by route and status and sends spans of some. Loaded by helper/src/http/. This is its
 * first rung, the socket layer's own tracepoints (6.3), which cost other system calls nothing; http_syscalls.bpf.c is the second.
 */
#include "lib/kernel.bpf.h"
#include "http_events.h"
#include "lib/settings.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/http_hook.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define BPF_MAP_TYPE_SK_STORAGE		24
#define BPF_F_NO_PREALLOC		(1U << 0)
#define BPF_SK_STORAGE_GET_F_CREATE	(1ULL << 0)

/* In the socket's own storage: it ends with the socket, is found without a hash, and no other socket ever has it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http_conn);
} http_conns SEC(".maps");

static struct socket *(*const call_socket_of_file)(void *file) = (void *)162;	/* bpf_sock_from_file, 5.11 */
static struct tcp_sock *(*const call_tcp_sock)(void *sk) = (void *)137;		/* bpf_skc_to_tcp_sock, 5.9 */
static void *(*const call_sk_storage)(void *map, void *sk, void *value, __u64 flags) = (void *)107;	/* here: 5.11 */

static __always_inline bool is_stream(struct sock *sk)
{
	return is_followed_family(sk->__sk_common.skc_family) && sk->sk_type == SOCK_STREAM;
}

static __always_inline struct http_conn *make_connection(struct sock *sk, bool whole)
{
	struct http_conn *conn = call_sk_storage(&http_conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (conn)
		begin_connection(conn, sk, whole, true);
	return conn;
}

static __noinline struct http_conn *new_connection(struct sock *sk, __u32 bytes, __u8 direction)
{
	__u32 zero = 0;
	struct http_control *control = bpf_map_lookup_elem(&http_control, &zero);
	bool whole;

	if (!is_stream(sk))
		return 0;
	whole = is_first(call_tcp_sock(sk), bytes, direction, true);
	/* Unix sockets have no counts of their bytes: those that are older were marked before `ready` was set. */
	if (sk->__sk_common.skc_family == AF_UNIX && control && !control->ready)
		whole = false;
	return make_connection(sk, whole);
}

static __noinline __u32 bytes_missed(struct sock *sk, struct http_stream *stream, __u32 bytes, __u8 direction)
{
	if (!sk || !stream)
		return 0;
	return missed_bytes(call_tcp_sock(sk), sk, stream, bytes, direction, true);
}

static __always_inline int socket_call(void *ctx, struct sock *sk, int result, int flags, __u8 direction)
{
	struct http_context context = { .ctx = ctx };
	struct http_stream *stream;
	struct http_conn *conn;
	struct http_work *work;
	struct pt_regs *regs;
	__u32 place = WORK_OF_CALLS;
	__u32 tgid, gap;

	if (direction == HTTP_RECEIVED && (flags & MSG_APART))
		return 0;
	conn = call_sk_storage(&http_conns, sk, 0, 0);
	if (conn && conn->role == HTTP_ROLE_IGNORED)
		return 0;
	if (conn && result < 0)
		batch_over(&conn->streams[direction & 1]);
	if (conn && conn->role == HTTP_ROLE_TLS) {
		if (result > 0 || direction == HTTP_SENT)
			note_thread((__u64)sk, result < 0);
		return 0;
	}
	if (result < 0 || (result == 0 && direction == HTTP_SENT))
		return 0;
	tgid = current_tgid();
	if (!conn || conn->pid != tgid) {
		if (!may_trace(tgid))
			return 0;
		if (!conn)
			conn = result ? new_connection(sk, result, direction) : 0;
		if (!conn)
			return 0;
		conn->pid = tgid;
	}
	work = bpf_map_lookup_elem(&http_works, &place);
	if (!work)
		return 0;
	context.work = work;
	context.conn = conn;
	begin_work(work, sk, tgid, direction);
	if (!result) {
		if (conn->role == HTTP_ROLE_CLIENT && (sk->sk_shutdown & RCV_SHUTDOWN))
			connection_over(&context);
		return 0;
	}
	stream = &conn->streams[direction & 1];
	gap = bytes_missed(sk, stream, result, direction);
	if (unlikely(gap))
		pass_over(&context, gap);
	work->left = result;
	regs = (struct pt_regs *)call_task_pt_regs(call_current_task_btf());
	find_bytes(work, stream, regs->CALL_NUMBER, regs->ARGUMENT_2, regs->ARGUMENT_3);
	if (flags & MSG_TRUNC && direction == HTTP_RECEIVED)
		work->readable = 0;
	http_bytes(&context);
	if (conn->role == HTTP_ROLE_TLS)
		note_thread((__u64)sk, false);
	return 0;
}

/* void (*)(struct sock *sk, int result, int flags), include/trace/events/sock.h */

SEC("tp_btf/sock_recv_length")
int http_received(__u64 *ctx)
{
	return socket_call(ctx, (struct sock *)ctx[0], ctx[1], ctx[2], HTTP_RECEIVED);
}

SEC("tp_btf/sock_send_length")
int http_sent(__u64 *ctx)
{
	return socket_call(ctx, (struct sock *)ctx[0], ctx[1], ctx[2], HTTP_SENT);
}

/* void (*)(const struct sock *sk, const int old_state, const int new_state) */
SEC("tp_btf/inet_sock_set_state")
int http_state(__u64 *ctx)
{
	struct http_context context = { .ctx = ctx };
	struct sock *sk = (struct sock *)ctx[0];
	__u32 place = WORK_OF_CLOSES;

	context.conn = call_sk_storage(&http_conns, sk, 0, 0);
	if (!context.conn || context.conn->role == HTTP_ROLE_IGNORED || context.conn->role == HTTP_ROLE_NONE ||
	    !is_over(context.conn, sk->sk_shutdown, ctx[2]))
		return 0;
	context.work = bpf_map_lookup_elem(&http_works, &place);
	if (context.work)
		end_connection(&context, (__u64)sk);
	return 0;
}

/* struct bpf_iter__task_file: meta, task, descriptor, file (kernel/bpf/task_iter.c) */
/* Run once, after the attach: what the targets' sockets carried before it is not known. */
SEC("iter/task_file")
int http_mark_old(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[1];
	void *file = (void *)ctx[3];
	struct socket *socket;
	struct sock *sk;

	if (!task || !file || !find_target(task_tgid(task)))
		return 0;
	socket = call_socket_of_file(file);
	if (!socket)
		return 0;
	sk = socket->sk;
	if (!sk || !is_stream(sk) || call_sk_storage(&http_conns, sk, 0, 0))
		return 0;
	/* Listens, or has not been used yet. */
	if (sk->__sk_common.skc_family != AF_UNIX && is_first(call_tcp_sock(sk), 0, HTTP_RECEIVED, true))
		return 0;
	make_connection(sk, false);
	return 0;
}
