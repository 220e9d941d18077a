// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The HTTP tracer: sees the bytes of the targets' stream sockets as they are sent and received, reads the heads of HTTP/1 in them
 * (lib/http1.bpf.h), counts every request by route and status and sends spans of some. Loaded by helper/src/http/. Rung 1 hooks the
 * socket layer's own tracepoints (6.3), which cost other system calls nothing.
 */
#include "lib/kernel.bpf.h"
#include "http_events.h"
#include "lib/settings.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/owner.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/conn.bpf.h"
#include "lib/route.bpf.h"
#include "lib/http_count.bpf.h"
#include "lib/tls.bpf.h"
#include "lib/http1.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define SOCK_STREAM	1
#define MSG_PEEK	2	/* <linux/socket.h> */
#define MSG_TRUNC	0x20
#define SHUTDOWN_MASK	3	/* include/net/sock.h */
#define RCV_SHUTDOWN	1

/* include/net/tcp_states.h */
#define TCP_FIN_WAIT1	4
#define TCP_CLOSE	7
#define TCP_LAST_ACK	9

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct socket {
	struct sock *sk;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di, si, dx, orig_ax;
};
#define SYSCALL(regs)	(regs)->orig_ax
#define ARGUMENT_2(regs)	(regs)->si
#define ARGUMENT_3(regs)	(regs)->dx
#define CALL_READ	0	/* arch/x86/entry/syscalls/syscall_64.tbl */
#define CALL_WRITE	1
#define CALL_READV	19
#define CALL_WRITEV	20
#define CALL_SENDTO	44
#define CALL_RECVFROM	45
#define CALL_SENDMSG	46
#define CALL_RECVMSG	47
#else
struct pt_regs {
	__u64 regs[31];
	__s32 syscallno;
};
#define SYSCALL(regs)	(regs)->syscallno
#define ARGUMENT_2(regs)	(regs)->regs[1]
#define ARGUMENT_3(regs)	(regs)->regs[2]
#define CALL_READ	63	/* include/uapi/asm-generic/unistd.h */
#define CALL_WRITE	64
#define CALL_READV	65
#define CALL_WRITEV	66
#define CALL_SENDTO	206
#define CALL_RECVFROM	207
#define CALL_SENDMSG	211
#define CALL_RECVMSG	212
#endif
#pragma clang attribute pop

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

struct socket;
static struct socket *(*const call_socket_of_file)(void *file) = (void *)162;	/* bpf_sock_from_file, 5.11 */
static struct tcp_sock *(*const call_tcp_sock)(void *sk) = (void *)137;		/* bpf_skc_to_tcp_sock, 5.9 */
static void *(*const call_sk_storage)(void *map, void *sk, void *value, __u64 flags) = (void *)107;	/* here: 5.11 */

static __always_inline bool may_trace(__u32 tgid)
{
	struct target *target = find_frequent_target(tgid);

	return target && target->state == TARGET_ACTIVE &&
	       caller_may_see((struct task_struct *)bpf_get_current_task());
}

/* Were these the first bytes of the connection in their direction, and none passed in the other? */
static __always_inline bool is_first(struct sock *sk, __u32 bytes, __u8 direction)
{
	struct tcp_sock *tcp = call_tcp_sock(sk);
	__u64 received, sent;
	__u32 tries;

	if (!tcp)
		return true;
	/* More may arrive, or be sent, while this is read. */
	for (tries = 0; tries < 3; tries++) {
		received = tcp->bytes_received - (__u32)(tcp->rcv_nxt - tcp->copied_seq);
		sent = tcp->bytes_sent - tcp->bytes_retrans + (__u32)(tcp->write_seq - tcp->snd_nxt);
		if (direction == HTTP_RECEIVED ? received == bytes && !sent : sent == bytes && !received)
			return true;
	}
	return false;
}

static __always_inline void keep_addresses(struct http_conn *conn, struct sock *sk)
{
	conn->family = sk->__sk_common.skc_family;
	if (conn->family == AF_UNIX)
		return;
	conn->local_port = sk->__sk_common.skc_num;
	conn->remote_port = __builtin_bswap16(sk->__sk_common.skc_dport);
	if (conn->family == AF_INET) {
		*(__u32 *)conn->local_address = sk->__sk_common.skc_rcv_saddr;
		*(__u32 *)conn->remote_address = sk->__sk_common.skc_daddr;
	} else {
		bpf_core_read(conn->local_address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(conn->remote_address, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

static __always_inline bool is_stream(struct sock *sk)
{
	__u16 family = sk->__sk_common.skc_family;

	return (family == AF_INET || family == AF_INET6 || family == AF_UNIX) && sk->sk_type == SOCK_STREAM;
}

static __always_inline struct http_conn *make_connection(struct sock *sk, bool whole)
{
	struct http_conn *conn = call_sk_storage(&http_conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (!conn)
		return 0;
	conn->id = bpf_ktime_get_ns();
	conn->last_direction = 2;
	keep_addresses(conn, sk);
	if (!whole) {
		conn->streams[0].state = HTTP1_LOST;
		conn->streams[1].state = HTTP1_LOST;
	}
	return conn;
}

static __always_inline struct http_conn *new_connection(struct sock *sk, __u32 bytes, __u8 direction)
{
	__u32 zero = 0;
	struct http_control *control = bpf_map_lookup_elem(&http_control, &zero);
	bool whole;

	if (!is_stream(sk))
		return 0;
	whole = is_first(sk, bytes, direction);
	/* Unix sockets have no counts of their bytes: those that are older were marked before `ready` was set. */
	if (sk->__sk_common.skc_family == AF_UNIX && control && !control->ready)
		whole = false;
	return make_connection(sk, whole);
}

/* Finds the user memory of the call's bytes by its arguments. */
static __always_inline void find_bytes(struct http_work *work)
{
	struct pt_regs *regs = (struct pt_regs *)call_task_pt_regs(call_current_task_btf());
	__u64 number = SYSCALL(regs), second = ARGUMENT_2(regs);

	work->readable = 1;
	work->piece_left = 0;
	work->vector_at = 0;
	work->vector_count = 0;
	if (number == CALL_READ || number == CALL_WRITE || number == CALL_SENDTO || number == CALL_RECVFROM) {
		work->base = second;
		work->piece_left = work->left;
	} else if (number == CALL_READV || number == CALL_WRITEV) {
		work->vectors = second;
		work->vector_count = ARGUMENT_3(regs);
	} else if (number == CALL_SENDMSG || number == CALL_RECVMSG) {
		/* struct user_msghdr: name, its length, vectors, their count. */
		__u64 message[2] = {};

		if (bpf_probe_read_user(message, sizeof(message), (void *)(second + 16)))
			work->readable = 0;
		work->vectors = message[0];
		work->vector_count = message[1];
	} else {
		work->readable = 0;
	}
}

/* How many bytes passed since the last call that was seen, before those of this one. */
static __always_inline __u32 missed_bytes(struct sock *sk, struct http_stream *stream, __u32 bytes, __u8 direction)
{
	struct tcp_sock *tcp = call_tcp_sock(sk);
	__u32 sequence, gap;

	if (!tcp)
		return 0;
	sequence = direction == HTTP_RECEIVED ? tcp->copied_seq : tcp->write_seq;
	gap = stream->has_sequence ? sequence - stream->sequence - bytes : 0;
	stream->sequence = sequence;
	stream->has_sequence = 1;
	/* The end of the stream counts as one. Below zero: another thread's call came between. */
	if ((__s32)gap < 0 || (gap == 1 && (sk->sk_shutdown & RCV_SHUTDOWN)))
		return 0;
	return gap;
}

static __always_inline int socket_call(void *ctx, struct sock *sk, int result, int flags, __u8 direction)
{
	struct http_context context = { .ctx = ctx };
	struct http_conn *conn;
	struct http_work *work;
	__u32 place = WORK_OF_CALLS;
	__u32 tgid, gap;

	if (direction == HTTP_RECEIVED && (flags & MSG_PEEK))
		return 0;
	conn = call_sk_storage(&http_conns, sk, 0, 0);
	if (conn && conn->role == HTTP_ROLE_IGNORED)
		return 0;
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
	work->now_ns = 0;
	work->at = 0;
	work->direction = direction;
	work->socket = (__u64)sk;
	work->pid = tgid;
	work->tid = current_tid();
	if (!result) {
		if (conn->role == HTTP_ROLE_CLIENT && (sk->sk_shutdown & RCV_SHUTDOWN))
			connection_over(&context);
		return 0;
	}
	gap = missed_bytes(sk, &conn->streams[direction & 1], result, direction);
	if (unlikely(gap))
		pass_over(&context, gap);
	work->left = result;
	find_bytes(work);
	if (flags & MSG_TRUNC && direction == HTTP_RECEIVED)
		work->readable = 0;
	http_bytes(&context);
	if (conn->role == HTTP_ROLE_TLS)
		note_thread((__u64)sk, false);
	return 0;
}

/* Rung 1: void (*)(struct sock *sk, int result, int flags), include/trace/events/sock.h */

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
	struct http_conn *conn = call_sk_storage(&http_conns, sk, 0, 0);
	__u32 place = WORK_OF_CLOSES;
	__u64 socket = (__u64)sk;
	struct http_work *work;
	int state = ctx[2];

	if (!conn || conn->role == HTTP_ROLE_IGNORED || conn->role == HTTP_ROLE_NONE)
		return 0;
	/* A server that can send no more; a client that can do neither. */
	if (state != TCP_CLOSE && sk->sk_shutdown != SHUTDOWN_MASK &&
	    !(conn->role == HTTP_ROLE_SERVER && (state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK)))
		return 0;
	work = bpf_map_lookup_elem(&http_works, &place);
	if (!work)
		return 0;
	if (conn->role == HTTP_ROLE_TLS) {
		conn->role = HTTP_ROLE_IGNORED;
		conn = bpf_map_lookup_elem(&http_sessions, &socket);
		if (!conn)
			return 0;
	}
	context.work = work;
	context.conn = conn;
	work->now_ns = 0;
	work->tid = 0;
	work->direction = conn->role == HTTP_ROLE_SERVER ? HTTP_SENT : HTTP_RECEIVED;
	if (conn->role != HTTP_ROLE_NONE && conn->role != HTTP_ROLE_IGNORED)
		connection_over(&context);
	if (conn->tls)
		bpf_map_delete_elem(&http_sessions, &socket);
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
	if (sk->__sk_common.skc_family != AF_UNIX && is_first(sk, 0, HTTP_RECEIVED))
		return 0;
	make_connection(sk, false);
	return 0;
}

/*
 * Plaintext in TLS libraries of OpenSSL's kind, by probes that the helper puts where helper/src/http/tls/probePoints.ts finds them: on instructions
 * that the kernel emulates, never on returns.
 */
#if defined(__TARGET_ARCH_x86)
#define FUNCTION_ARGUMENT_1(regs)	(regs)->di
#define FUNCTION_ARGUMENT_2(regs)	(regs)->si
#define FUNCTION_ARGUMENT_3(regs)	(regs)->dx
#else
#define FUNCTION_ARGUMENT_1(regs)	(regs)->regs[0]
#define FUNCTION_ARGUMENT_2(regs)	(regs)->regs[1]
#define FUNCTION_ARGUMENT_3(regs)	(regs)->regs[2]
#endif

static __always_inline int plaintext(void *ctx, struct http_conn *session, __u64 base, __u64 bytes, __u8 direction)
{
	struct http_context context = { .ctx = ctx, .conn = session };
	__u64 id = bpf_get_current_pid_tgid();
	struct http_work *work = bpf_map_lookup_elem(&tls_works, &id);
	__u32 place = WORK_OF_CALLS;

	if (!work) {
		/* Any contents will do. */
		work = bpf_map_lookup_elem(&http_works, &place);
		if (!work)
			return 0;
		bpf_map_update_elem(&tls_works, &id, work, BPF_ANY);
		work = bpf_map_lookup_elem(&tls_works, &id);
		if (!work)
			return 0;
	}
	if (session->last_direction == 2)
		count_connection(HTTP_CONNECTIONS_PLAINTEXT);
	context.work = work;
	work->now_ns = 0;
	work->at = 0;
	work->direction = direction;
	work->pid = current_tgid();
	work->tid = current_tid();
	work->left = bytes;
	work->piece_left = bytes;
	work->base = base;
	work->readable = 1;
	work->vector_at = 0;
	work->vector_count = 0;
	http_bytes(&context);
	if (session->last_direction == 2)
		session->last_direction = direction;
	return 0;
}

/* At a `call memcpy`: to, from, how many. */
SEC("?uprobe")
int http_tls_read(struct user_regs *regs)
{
	__u64 to = FUNCTION_ARGUMENT_1(regs), base = FUNCTION_ARGUMENT_2(regs), bytes = FUNCTION_ARGUMENT_3(regs);
	__u64 id = bpf_get_current_pid_tgid();
	struct http_conn *session;
	struct tls_thread *thread;

	if (!bytes || bytes > 0x7fffffff || !may_trace(current_tgid()) || !is_plaintext_copy(regs, base, bytes))
		return 0;
	thread = bpf_map_lookup_elem(&tls_threads, &id);
	if (!thread)
		return 0;
	if (thread->peeked) {
		bool peeked = thread->peeked == to;

		thread->peeked = 0;
		if (peeked)
			return 0;
	}
	session = session_of(thread, 0);
	if (!session || session->role == HTTP_ROLE_IGNORED)
		return 0;
	if (session->streams[HTTP_RECEIVED].state == HTTP1_START && !begins_message(base, bytes))
		return 0;
	return plaintext(regs, session, base, bytes, HTTP_RECEIVED);
}

/* At the entry of SSL_write() or what it calls: object, bytes, how many. */
SEC("?uprobe")
int http_tls_write(struct user_regs *regs)
{
	__u64 ssl = FUNCTION_ARGUMENT_1(regs), base = FUNCTION_ARGUMENT_2(regs), bytes = FUNCTION_ARGUMENT_3(regs);
	__u64 id = bpf_get_current_pid_tgid();
	struct http_conn *session;
	struct tls_thread *thread;

	if (!bytes || bytes > 0x7fffffff || !may_trace(current_tgid()))
		return 0;
	thread = bpf_map_lookup_elem(&tls_threads, &id);
	session = session_of(thread, ssl);
	if (!session || session->role == HTTP_ROLE_IGNORED)
		return 0;
	/* Written again, whole or what was left of it, after the socket was full. */
	if (thread && thread->blocked && session->written_end == base + bytes)
		return 0;
	session->written_end = base + bytes;
	return plaintext(regs, session, base, bytes, HTTP_SENT);
}

/* At the entry of SSL_peek(): its bytes come again. */
SEC("?uprobe")
int http_tls_peek(struct user_regs *regs)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tls_thread *thread = bpf_map_lookup_elem(&tls_threads, &id);

	if (thread)
		thread->peeked = FUNCTION_ARGUMENT_2(regs);
	return 0;
}
