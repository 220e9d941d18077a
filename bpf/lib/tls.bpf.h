/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * HTTP inside of TLS: the library's plaintext, tied to the socket that carried it. A session is a connection like any other
 * (struct http_conn), but lies in a map by its socket's address, because programs of uprobes cannot ask a socket for its storage. Which
 * session a plaintext belongs to: the one of the socket that its thread used last, which is how libraries work, with their
 * own reads or with buffers in memory.
 */
#ifndef LIB_TLS_BPF_H
#define LIB_TLS_BPF_H

#include "http_count.bpf.h"

#define TLS_SESSIONS_MAX	8192	/* least recently used ones go; 19 MB, preallocated */
#define TLS_THREADS_MAX		8192
#define TLS_LIBRARIES_MAX	256

/* Types of records (RFC 8446, 5.1) */
#define TLS_CHANGE_CIPHER	0x14
#define TLS_HANDSHAKE		0x16
#define TLS_DATA		0x17

/* By the address of struct sock. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_SESSIONS_MAX);
	__type(key, __u64);
	__type(value, struct http_conn);
} http_sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_conn);
} http_empty_session SEC(".maps");

struct tls_thread {
	__u64 socket;		/* that carried TLS and was used last */
	__u64 peeked;		/* where SSL_peek() puts its bytes; 0: it was not called */
	__u64 blocked;		/* the last send found the socket full */
};

/* By bpf_get_current_pid_tgid(). */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_THREADS_MAX);
	__type(key, __u64);
	__type(value, struct tls_thread);
} tls_threads SEC(".maps");

struct tls_owner {
	__u64 ssl;
	__u32 tgid;
	__u32 reserved;
};

/* The socket of a library's object. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TLS_SESSIONS_MAX);
	__type(key, struct tls_owner);
	__type(value, __u64);
} tls_owners SEC(".maps");

/* By library: the one of its copies that passes plaintext on, as its probe's cookie. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TLS_LIBRARIES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} tls_copies SEC(".maps");

/* A scratch for each thread: programs of uprobes may be interrupted by one another. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct http_work);
} tls_works SEC(".maps");

static __always_inline void begin_session(struct http_context *context, bool whole)
{
	struct http_conn *conn = context->conn, *session;
	__u64 socket = context->work->socket;
	__u32 zero = 0;
	struct http_conn *empty = bpf_map_lookup_elem(&http_empty_session, &zero);

	count_connection(HTTP_CONNECTIONS_TLS);
	conn->role = HTTP_ROLE_TLS;
	if (!empty)
		return;
	bpf_map_update_elem(&http_sessions, &socket, empty, BPF_ANY);
	session = bpf_map_lookup_elem(&http_sessions, &socket);
	if (!session)
		return;
	session->id = conn->id;
	session->tls = 1;
	session->last_direction = 2;
	session->family = conn->family;
	session->local_port = conn->local_port;
	session->remote_port = conn->remote_port;
	__builtin_memcpy(session->local_address, conn->local_address, 16);
	__builtin_memcpy(session->remote_address, conn->remote_address, 16);
	if (!whole) {
		session->streams[0].state = HTTP1_LOST;
		session->streams[1].state = HTTP1_LOST;
	}
}

/* A call on a socket that carries TLS. */
static __always_inline void note_thread(__u64 socket, bool blocked)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct tls_thread *thread = bpf_map_lookup_elem(&tls_threads, &id);
	struct tls_thread first = { .socket = socket, .blocked = blocked };

	if (thread) {
		thread->socket = socket;
		thread->blocked = blocked;
	} else {
		bpf_map_update_elem(&tls_threads, &id, &first, BPF_ANY);
	}
}

/* Does this look like the beginning of what HTTP says? */
static __always_inline bool looks_like_http(__u64 bytes)
{
	__u32 first = bytes;

	return first == 0x20544547 /* "GET " */ || first == 0x54534f50 /* "POST" */ || first == 0x50545448 /* "HTTP" */ ||
	       first == 0x44414548 /* "HEAD" */ || first == 0x20545550 /* "PUT " */ || first == 0x454c4544 /* "DELE" */ ||
	       first == 0x4954504f /* "OPTI" */ || first == 0x43544150 /* "PATC" */ || first == 0x20495250 /* "PRI " */;
}

#define METHOD_WINDOW	16

/*
 * Do these bytes begin a message of HTTP? The same copy passes handshake messages on, also after the handshake (tickets, new keys), which
 * do not: an upper-case word, and a space behind it where that much is here; or "HTTP/".
 */
static __always_inline bool begins_message(__u64 base, __u64 bytes)
{
	char begin[METHOD_WINDOW] = {};
	__u32 i, length = bytes < METHOD_WINDOW ? bytes : METHOD_WINDOW;

	if (bpf_probe_read_user(begin, length, (void *)base))
		return false;
#pragma clang loop unroll(disable)
	for (i = 0; i < METHOD_WINDOW; i++) {
		if (i >= length)
			return true;
		if (i >= 3 && begin[i] == ' ')
			return true;
		if (i == 4 && begin[i] == '/')
			return true;
		if ((begin[i] < 'A' || begin[i] > 'Z') && (!i || begin[i] != '-'))
			return false;
	}
	return false;
}

#define TICKET_NONCE	8	/* where its length stands: behind lifetime and age (RFC 8446, 4.6.1) */
#define TICKET_MOST	65536

/*
 * Is this a ticket for a later session, which a server of TLS 1.3 sends when it likes? Its head goes another way, its body by the copy
 * that passes plaintext on, between two frames of HTTP/2. All its lengths must add up.
 */
static __always_inline bool is_ticket(struct http_stream *stream, __u64 base, __u64 bytes)
{
	__u64 at = TICKET_NONCE;
	__u8 length[2] = {};

	if (stream->state != HTTP2_HEAD || stream->at || bytes < TICKET_NONCE + 1 || bytes > TICKET_MOST)
		return false;
	if (bpf_probe_read_user(length, 1, (void *)(base + at)))
		return false;
	at += 1 + length[0];
	if (at + 2 > bytes || bpf_probe_read_user(length, 2, (void *)(base + at)))
		return false;
	at += 2 + (length[0] << 8 | length[1]);
	if (at + 2 > bytes || bpf_probe_read_user(length, 2, (void *)(base + at)))
		return false;
	return at + 2 + (length[0] << 8 | length[1]) == bytes;
}

/* Whether this copy is the one of its library by which plaintext leaves it. */
static __always_inline bool is_plaintext_copy(void *ctx, __u64 base, __u64 bytes)
{
	__u64 cookie = bpf_get_attach_cookie(ctx), begin = 0;
	__u32 library = cookie >> 16;
	__u64 *chosen = bpf_map_lookup_elem(&tls_copies, &library);

	if (chosen)
		return *chosen == cookie;
	if (bytes < 8 || bpf_probe_read_user(&begin, 8, (void *)base) || !looks_like_http(begin))
		return false;
	return !bpf_map_update_elem(&tls_copies, &library, &cookie, BPF_NOEXIST);
}

static __always_inline struct http_conn *session_of(struct tls_thread *thread, __u64 ssl)
{
	struct tls_owner owner = { .ssl = ssl, .tgid = bpf_get_current_pid_tgid() >> 32 };
	struct http_conn *session;
	__u64 *socket;

	if (!ssl)
		return thread ? bpf_map_lookup_elem(&http_sessions, &thread->socket) : 0;
	socket = bpf_map_lookup_elem(&tls_owners, &owner);
	if (socket) {
		session = bpf_map_lookup_elem(&http_sessions, socket);
		if (session && session->ssl == ssl)
			return session;
	}
	if (!thread)
		return 0;
	session = bpf_map_lookup_elem(&http_sessions, &thread->socket);
	if (!session)
		return 0;
	session->ssl = ssl;
	bpf_map_update_elem(&tls_owners, &owner, &thread->socket, BPF_ANY);
	return session;
}

#endif /* LIB_TLS_BPF_H */
