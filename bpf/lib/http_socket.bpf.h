/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a socket says of itself: its kind, its addresses, how many bytes passed. `direct`: its pointer is one that the verifier trusts, so
 * that fields are read where they lie (the socket layer's tracepoints); else each is copied out (system calls).
 */
#ifndef LIB_HTTP_SOCKET_BPF_H
#define LIB_HTTP_SOCKET_BPF_H

#include "conn.bpf.h"

#define SOCK_STREAM	1
#define IPPROTO_TCP	6
#define SHUTDOWN_MASK	3	/* include/net/sock.h */
#define RCV_SHUTDOWN	1

#define FIELD(direct, pointer, field)	((direct) ? (pointer)->field : BPF_CORE_READ(pointer, field))

/* `tcp`: 0 where it is another protocol's. Were these the first bytes in their direction, and none passed in the other? */
static __always_inline bool is_first(struct tcp_sock *tcp, __u32 bytes, __u8 direction, const bool direct)
{
	__u64 received, sent;
	__u32 tries;

	if (!tcp)
		return true;
	/* More may arrive, or be sent, while this is read. */
	for (tries = 0; tries < 3; tries++) {
		received = FIELD(direct, tcp, bytes_received) -
			   (__u32)(FIELD(direct, tcp, rcv_nxt) - FIELD(direct, tcp, copied_seq));
		sent = FIELD(direct, tcp, bytes_sent) - FIELD(direct, tcp, bytes_retrans) +
		       (__u32)(FIELD(direct, tcp, write_seq) - FIELD(direct, tcp, snd_nxt));
		if (direction == HTTP_RECEIVED ? received == bytes && !sent : sent == bytes && !received)
			return true;
	}
	return false;
}

static __always_inline void keep_addresses(struct http_conn *conn, struct sock *sk, const bool direct)
{
	conn->family = FIELD(direct, sk, __sk_common.skc_family);
	if (conn->family == AF_UNIX)
		return;
	conn->local_port = FIELD(direct, sk, __sk_common.skc_num);
	conn->remote_port = __builtin_bswap16(FIELD(direct, sk, __sk_common.skc_dport));
	if (conn->family == AF_INET) {
		*(__u32 *)conn->local_address = FIELD(direct, sk, __sk_common.skc_rcv_saddr);
		*(__u32 *)conn->remote_address = FIELD(direct, sk, __sk_common.skc_daddr);
	} else {
		bpf_core_read(conn->local_address, 16, &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(conn->remote_address, 16, &sk->__sk_common.skc_v6_daddr);
	}
}

static __always_inline bool is_followed_family(__u16 family)
{
	return family == AF_INET || family == AF_INET6 || family == AF_UNIX;
}

/* `whole`: seen from its first byte on. */
static __always_inline void begin_connection(struct http_conn *conn, struct sock *sk, bool whole, const bool direct)
{
	conn->id = bpf_ktime_get_ns();
	conn->last_direction = 2;
	keep_addresses(conn, sk, direct);
	if (!whole) {
		conn->streams[0].state = HTTP1_LOST;
		conn->streams[1].state = HTTP1_LOST;
	}
}

/* How many bytes passed since the last call that was seen, before those of this one. */
static __always_inline __u32 missed_bytes(struct tcp_sock *tcp, struct sock *sk, struct http_stream *stream, __u32 bytes,
					  __u8 direction, const bool direct)
{
	__u32 sequence, gap;

	if (!tcp)
		return 0;
	sequence = direction == HTTP_RECEIVED ? FIELD(direct, tcp, copied_seq) : FIELD(direct, tcp, write_seq);
	gap = stream->has_sequence ? sequence - stream->sequence - bytes : 0;
	stream->sequence = sequence;
	stream->has_sequence = 1;
	/* The end of the stream counts as one. Below zero: another thread's call came between. */
	if ((__s32)gap < 0 || (gap == 1 && (FIELD(direct, sk, sk_shutdown) & RCV_SHUTDOWN)))
		return 0;
	return gap;
}

#endif /* LIB_HTTP_SOCKET_BPF_H */
