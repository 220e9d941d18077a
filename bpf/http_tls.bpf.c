// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * The HTTP tracer's eyes inside of TLS libraries of OpenSSL's kind: plaintext as it leaves and enters them, by probes that the helper puts
 * where helper/src/http/tls/probePoints.ts finds them: on instructions that the kernel emulates, never on returns. Which socket it
 * belongs to says the object that sees the sockets (http_tracer or http_syscalls), with which this one shares its maps.
 */
#include "lib/kernel.bpf.h"
#include "http_events.h"
#include "lib/settings.bpf.h"
#include "lib/ringbuf.bpf.h"
#include "lib/http_hook.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

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
SEC("uprobe")
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
	if (is_ticket(&session->streams[HTTP_RECEIVED], base, bytes))
		return 0;
	if (session->streams[HTTP_RECEIVED].state == HTTP1_START && !begins_message(base, bytes))
		return 0;
	return plaintext(regs, session, base, bytes, HTTP_RECEIVED);
}

/* At the entry of SSL_write() or what it calls: object, bytes, how many. */
SEC("uprobe")
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
SEC("uprobe")
int http_tls_peek(struct user_regs *regs)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tls_thread *thread = bpf_map_lookup_elem(&tls_threads, &id);

	if (thread)
		thread->peeked = FUNCTION_ARGUMENT_2(regs);
	return 0;
}
