// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The HTTP tracer's second rung, for kernels without the socket layer's tracepoints (before 6.3): the end of every system call, at which
 * descriptor and memory still stand in the caller's registers. It costs each system call of the machine some 0.13 us. A connection is kept by
 * its socket's address, with the socket's inode, because a socket's own storage can be asked for by a trusted pointer alone. All
 * fields are copied out of the kernel and no loop is bpf_loop()'s, so this loads from 5.6 on.
 */
#define HTTP_BOUNDED
#include "lib/kernel.bpf.h"
#include "http_events.h"
#include "lib/settings.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/http_hook.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define HTTP_SOCKETS_MAX	16384
#define FILE_TYPE	0170000	/* S_IFMT, <linux/stat.h> */
#define FILE_SOCKET	0140000	/* S_IFSOCK */
#define EAGAIN		11
#define COMPAT		2	/* TS_COMPAT, arch/x86/include/asm/thread_info.h */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct thread_info {
	__u32 status;
};

struct task_struct___files {
	struct files_struct *files;
	struct thread_info thread_info;
};

struct sock___protocol {
	unsigned int sk_protocol : 8;
};
#pragma clang attribute pop

/* As many connections as the helper makes room for; the least recently used one goes. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, HTTP_SOCKETS_MAX);
	__type(key, __u64);
	__type(value, struct http_conn);
} http_sockets SEC(".maps");

struct found_socket {
	struct sock *sk;
	struct tcp_sock *tcp;	/* 0: another protocol's */
	__u64 inode;
	__u16 family;
};

/* False where it is no stream socket. */
static __always_inline bool look_at_file(struct file *file, struct found_socket *found)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct socket *socket;
	struct sock *sk;

	if ((BPF_CORE_READ(inode, i_mode) & FILE_TYPE) != FILE_SOCKET)
		return false;
	socket = BPF_CORE_READ(file, private_data);
	if (BPF_CORE_READ(socket, type) != SOCK_STREAM)
		return false;
	sk = BPF_CORE_READ(socket, sk);
	found->sk = sk;
	found->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	found->inode = BPF_CORE_READ(inode, i_ino);
	found->tcp = 0;
	if (!sk || !is_followed_family(found->family))
		return false;
	/* Bits of a word before 5.6. */
	if (found->family != AF_UNIX &&
	    BPF_CORE_READ_BITFIELD_PROBED((struct sock___protocol *)sk, sk_protocol) == IPPROTO_TCP)
		found->tcp = (struct tcp_sock *)sk;
	return true;
}

static __always_inline struct file *file_of(__u32 descriptor)
{
	struct task_struct___files *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files, *file = 0;

	if (descriptor >= BPF_CORE_READ(table, max_fds))
		return 0;
	files = BPF_CORE_READ(table, fd);
	bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
	return file;
}

/* Numbers of 32-bit programs' system calls are others. */
static __always_inline bool is_32_bit(void)
{
#if defined(__TARGET_ARCH_x86)
	struct task_struct___files *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread_info.status) & COMPAT;
#else
	return false;
#endif
}

static __always_inline struct http_conn *add_connection(struct found_socket *found, bool whole)
{
	__u64 socket = (__u64)found->sk;
	__u32 zero = 0;
	struct http_conn *empty = bpf_map_lookup_elem(&http_empty_session, &zero), *conn;

	if (!empty)
		return 0;
	bpf_map_update_elem(&http_sockets, &socket, empty, BPF_ANY);
	conn = bpf_map_lookup_elem(&http_sockets, &socket);
	if (!conn)
		return 0;
	begin_connection(conn, found->sk, whole, false);
	conn->inode = found->inode;
	return conn;
}

static __always_inline struct http_conn *new_connection(struct found_socket *found, __u32 bytes, __u8 direction)
{
	__u32 zero = 0;
	struct http_control *control = bpf_map_lookup_elem(&http_control, &zero);
	bool whole = is_first(found->tcp, bytes, direction, false);

	/* As in http_tracer.bpf.c. */
	if (found->family == AF_UNIX && control && !control->ready)
		whole = false;
	return add_connection(found, whole);
}

/* The steps that lib/http_rounds.bpf.h asks for, looked at by the verifier once each. */

static __always_inline bool context_here(struct http_context *context, void *ctx, __u32 place)
{
	__u64 socket;

	context->ctx = ctx;
	context->work = bpf_map_lookup_elem(&http_works, &place);
	if (!context->work)
		return false;
	socket = context->work->socket;
	if (context->work->session)
		context->conn = bpf_map_lookup_elem(&http_sessions, &socket);
	else
		context->conn = bpf_map_lookup_elem(&http_sockets, &socket);
	return context->conn;
}

__noinline int read_http1_step(struct bpf_raw_tracepoint_args *ctx)
{
	struct http_context context;

	return !context_here(&context, ctx, WORK_OF_CALLS) || http1_step(&context);
}

__noinline int read_http2_step(struct bpf_raw_tracepoint_args *ctx)
{
	struct http_context context;

	return !context_here(&context, ctx, WORK_OF_CALLS) || read_frames(0, &context);
}

__noinline int finish_step(struct bpf_raw_tracepoint_args *ctx, __u32 place)
{
	struct http_context context;

	return !context_here(&context, ctx, place) || finish_unanswered(0, &context);
}

/* Of a socket whose connection is over. */
__noinline int end_socket(struct bpf_raw_tracepoint_args *ctx, __u32 place, __u64 socket)
{
	struct http_context context = { .ctx = ctx };

	context.work = bpf_map_lookup_elem(&http_works, &place);
	context.conn = bpf_map_lookup_elem(&http_sockets, &socket);
	if (!context.work || !context.conn)
		return 0;
	context.work->place = place;
	end_connection(&context, socket);
	return 0;
}

/* HTTP_RECEIVED or HTTP_SENT; 2: no call that passes a socket's bytes. */
static __always_inline __u8 direction_of(__u64 number)
{
	switch (number) {
	case CALL_READ:
	case CALL_READV:
	case CALL_RECVFROM:
	case CALL_RECVMSG:
	case CALL_RECVMMSG:
		return HTTP_RECEIVED;
	case CALL_WRITE:
	case CALL_WRITEV:
	case CALL_SENDTO:
	case CALL_SENDMSG:
	case CALL_SENDMMSG:
		return HTTP_SENT;
	}
	return 2;
}

/* void (*)(struct pt_regs *regs, long ret), include/trace/events/syscalls.h */
SEC("raw_tp/sys_exit")
int http_called(struct bpf_raw_tracepoint_args *ctx)
{
	struct http_context context = { .ctx = ctx };
	struct pt_regs *regs = (struct pt_regs *)ctx->args[0];
	struct sock *sk;
	__s64 result = ctx->args[1];
	__u64 number = BPF_CORE_READ(regs, CALL_NUMBER), second, third, flags = 0, socket;
	struct found_socket found = {};
	struct http_stream *stream;
	struct http_conn *conn;
	struct http_work *work;
	__u32 place = WORK_OF_CALLS, tgid, gap;
	__u8 direction = direction_of(number);

	if (direction > HTTP_SENT || (direction == HTTP_SENT ? result <= 0 && result != -EAGAIN : result < 0))
		return 0;
	tgid = current_tgid();
	if (!may_trace(tgid) || is_32_bit() || !look_at_file(file_of(BPF_CORE_READ(regs, ARGUMENT_1)), &found))
		return 0;
	second = BPF_CORE_READ(regs, ARGUMENT_2);
	third = BPF_CORE_READ(regs, ARGUMENT_3);
	if (number == CALL_RECVFROM || number == CALL_RECVMMSG)
		flags = BPF_CORE_READ(regs, ARGUMENT_4);
	else if (number == CALL_RECVMSG)
		flags = third;
	if (flags & MSG_APART)
		return 0;
	sk = found.sk;
	socket = (__u64)sk;
	conn = bpf_map_lookup_elem(&http_sockets, &socket);
	work = bpf_map_lookup_elem(&http_works, &place);
	if (!work)
		return 0;
	context.work = work;
	begin_work(work, sk, tgid, direction);
	/* The address is another socket's by now: of one whose end nothing told. */
	if (conn && conn->inode != found.inode) {
		end_socket(ctx, WORK_OF_CALLS, socket);
		bpf_map_delete_elem(&http_sockets, &socket);
		conn = 0;
		begin_work(work, sk, tgid, direction);
	}
	if (conn && conn->role == HTTP_ROLE_IGNORED)
		return 0;
	if (conn && conn->role == HTTP_ROLE_TLS) {
		if (result > 0 || direction == HTTP_SENT)
			note_thread(socket, result < 0);
		return 0;
	}
	if (result < 0)
		return 0;
	if (!conn)
		conn = result ? new_connection(&found, result, direction) : 0;
	if (!conn)
		return 0;
	conn->pid = tgid;
	context.conn = conn;
	if (!result) {
		if (conn->role == HTTP_ROLE_CLIENT && (BPF_CORE_READ(sk, sk_shutdown) & RCV_SHUTDOWN))
			end_socket(ctx, WORK_OF_CALLS, socket);
		return 0;
	}
	stream = &conn->streams[direction & 1];
	if (number == CALL_SENDMMSG || number == CALL_RECVMMSG) {
		/* How many messages, not how many bytes. */
		stream->has_sequence = 0;
		unreadable(&context, stream);
		return 0;
	}
	gap = missed_bytes(found.tcp, sk, stream, result, direction, false);
	if (unlikely(gap))
		pass_over(&context, gap);
	work->left = result;
	find_bytes(work, stream, number, second, third);
	if (flags & MSG_TRUNC)
		work->readable = 0;
	http_bytes(&context);
	if (conn->role == HTTP_ROLE_TLS)
		note_thread(socket, false);
	return 0;
}

/* void (*)(const struct sock *sk, const int old_state, const int new_state) */
SEC("raw_tp/inet_sock_set_state")
int http_state_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct sock *sk = (struct sock *)ctx->args[0];
	__u64 socket = (__u64)sk;
	int state = ctx->args[2];
	struct http_conn *conn = bpf_map_lookup_elem(&http_sockets, &socket);

	if (!conn)
		return 0;
	if (conn->role != HTTP_ROLE_IGNORED && conn->role != HTTP_ROLE_NONE &&
	    is_over(conn, BPF_CORE_READ(sk, sk_shutdown), state))
		end_socket(ctx, WORK_OF_CLOSES, socket);
	if (state == TCP_CLOSE)
		bpf_map_delete_elem(&http_sockets, &socket);
	return 0;
}

/* As http_mark_old of http_tracer.bpf.c; not before 5.8. */
SEC("?iter/task_file")
int http_mark_old_raw(__u64 *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[1];
	struct file *file = (struct file *)ctx[3];
	struct found_socket found = {};
	__u64 socket;

	if (!task || !file || !find_target(task_tgid(task)) || !look_at_file(file, &found))
		return 0;
	socket = (__u64)found.sk;
	if (bpf_map_lookup_elem(&http_sockets, &socket))
		return 0;
	if (found.family != AF_UNIX && is_first(found.tcp, 0, HTTP_RECEIVED, false))
		return 0;
	add_connection(&found, false);
	return 0;
}
