/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the packets of a flow speak: recognized by how the first payloads begin; HTTP/1 and DNS are then counted message by message,
 * from the first bytes of each packet, the rest is left alone. Where the helper asks for it, the first payloads go to it whole: names
 * and versions in them (TLS, DNS) are its to read. Signatures: RFC 9112, 9113 (3.4), 8446 (5.1), 1035 (4.1.1), 9000 (17.2),
 * 9369; PostgreSQL's and MySQL's message formats, the Redis serialization protocol, as their manuals give them.
 */
#ifndef LIB_FLOW_PROTOCOL_BPF_H
#define LIB_FLOW_PROTOCOL_BPF_H

#include "flow.bpf.h"

#define LOOKS_MAX	6	/* payloads before a flow counts as something else */
#define HEADS_MAX	4	/* payloads of a direction that the helper gets */
#define PORT_DNS	0x3500	/* network order */
#define PORT_MDNS	0xe914

struct first_bytes {
	__u8 at[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_head_event);
} flow_heads SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
/* Its flags came with bpf_xdp_load_bytes(), in 5.18. */
struct xdp_buff {
	__u32 flags;
};
#pragma clang attribute pop

static long (*const call_xdp_load)(void *context, __u32 offset, void *to, __u32 bytes) = (void *)189;

static __always_inline __u32 word(const __u8 *at)
{
	return (__u32)at[0] << 24 | (__u32)at[1] << 16 | (__u32)at[2] << 8 | at[3];
}

static __always_inline bool is_digit(__u8 byte)
{
	return byte >= '0' && byte <= '9';
}

#define TEXT4(a, b, c, d) ((__u32)(a) << 24 | (__u32)(b) << 16 | (__u32)(c) << 8 | (d))

/* Place of an HTTP/1 message in flow.messages; -1: it is none. */
static __always_inline int http_message(const struct first_bytes *first)
{
	__u32 begin = word(first->at);

	switch (begin) {
	case TEXT4('G', 'E', 'T', ' '):
		return FLOW_HTTP_GET;
	case TEXT4('P', 'O', 'S', 'T'):
		return first->at[4] == ' ' ? FLOW_HTTP_POST : -1;
	case TEXT4('P', 'U', 'T', ' '):
		return FLOW_HTTP_PUT;
	case TEXT4('H', 'E', 'A', 'D'):
		return first->at[4] == ' ' ? FLOW_HTTP_HEAD : -1;
	case TEXT4('D', 'E', 'L', 'E'):
		return first->at[6] == ' ' ? FLOW_HTTP_DELETE : -1;
	case TEXT4('P', 'A', 'T', 'C'):
		return first->at[5] == ' ' ? FLOW_HTTP_PATCH : -1;
	case TEXT4('O', 'P', 'T', 'I'):
		return first->at[7] == ' ' ? FLOW_HTTP_OPTIONS : -1;
	case TEXT4('C', 'O', 'N', 'N'):
		return first->at[7] == ' ' ? FLOW_HTTP_CONNECT : -1;
	case TEXT4('T', 'R', 'A', 'C'):
		return first->at[5] == ' ' ? FLOW_HTTP_TRACE : -1;
	case TEXT4('H', 'T', 'T', 'P'):
		if (word(first->at + 4) >> 8 != TEXT4(0, '/', '1', '.') || first->at[8] != ' ' || first->at[9] < '1' || first->at[9] > '5')
			return -1;
		return FLOW_HTTP_1XX + first->at[9] - '1';
	}
	return -1;
}

static __always_inline bool is_switching(const struct first_bytes *first)
{
	return first->at[9] == '1' && first->at[10] == '0' && first->at[11] == '1';
}

static __noinline __u8 recognize_tcp(const struct first_bytes *first)
{
	__u32 begin = word(first->at), second = word(first->at + 4);

	if (http_message(first) >= 0)
		return FLOW_HTTP1;
	if (begin == TEXT4('P', 'R', 'I', ' ') && second == TEXT4('*', ' ', 'H', 'T'))
		return FLOW_HTTP2;
	/* A handshake record with a hello. */
	if (first->at[0] == 22 && first->at[1] == 3 && first->at[2] <= 4 && (first->at[5] == 1 || first->at[5] == 2))
		return FLOW_TLS;
	/* A startup message of version 3, or the question whether TLS is there, and nothing long. */
	if (begin < 65536 && (second == 0x00030000 || second == 80877103))
		return FLOW_POSTGRES;
	/* A greeting: the first packet, protocol version 10, the server's version in digits. */
	if (first->at[3] == 0 && first->at[4] == 10 && is_digit(first->at[5]) && (first->at[6] == '.' || is_digit(first->at[6])) && first->at[2] == 0)
		return FLOW_MYSQL;
	if (first->at[0] == '*' && is_digit(first->at[1]) &&
	    ((first->at[2] == '\r' && first->at[3] == '\n' && first->at[4] == '$') ||
	     (is_digit(first->at[2]) && first->at[3] == '\r' && first->at[4] == '\n' && first->at[5] == '$')))
		return FLOW_REDIS;
	return FLOW_UNKNOWN;
}

static __noinline __u8 recognize_udp(const struct first_bytes *first, __u64 ends)
{
	__u32 version = word(first->at + 1);
	__u16 one = ends, other = ends >> 16;

	if (one == PORT_DNS || other == PORT_DNS || one == PORT_MDNS || other == PORT_MDNS)
		return FLOW_DNS;
	if ((first->at[0] & 0xc0) == 0xc0 && (version == 1 || version == 0x6b3343cf))
		return FLOW_QUIC;
	return FLOW_UNKNOWN;
}

static __noinline void count_message(struct flow *flow, const struct first_bytes *first)
{
	__u32 place, id;
	__u64 took;
	int message;

	if (flow->protocol == FLOW_HTTP1) {
		message = http_message(first);
		if (message < 0 || message >= FLOW_MESSAGES)
			return;
		__sync_fetch_and_add(&flow->messages[message], 1);
		if (message == FLOW_HTTP_1XX && is_switching(first))
			flow->protocol = FLOW_WEBSOCKET;
		return;
	}
	/* Its head is of 12 bytes; the id, then flags: QR is the highest, the code the lowest four. */
	id = 1U << 16 | (__u32)first->at[0] << 8 | first->at[1];
	if (!(first->at[2] & 0x80)) {
		__sync_fetch_and_add(&flow->messages[FLOW_DNS_QUERIES], 1);
		flow->wait_id = id;
		flow->wait_ns = bpf_ktime_get_ns();
		return;
	}
	place = FLOW_DNS_RCODES + (first->at[3] & 15);
	if (place >= FLOW_MESSAGES)
		place = FLOW_MESSAGES - 1;
	__sync_fetch_and_add(&flow->messages[place], 1);
	if (flow->wait_id != id)
		return;
	flow->wait_id = 0;
	took = bpf_ktime_get_ns() - flow->wait_ns;
	flow->latency_sum_ns += took;
	if (took > flow->latency_max_ns)
		flow->latency_max_ns = took;
	__sync_fetch_and_add(&flow->messages[FLOW_DNS_TIMED], 1);
}

static __always_inline bool load_bytes(void *context, bool is_skb, __u32 at, void *to, __u64 bytes)
{
	struct xdp_buff *buffer = 0;

	if (is_skb)
		return bpf_skb_load_bytes(context, at, to, bytes) == 0;
	if (bpf_core_field_exists(buffer->flags))
		return call_xdp_load(context, at, to, bytes) == 0;
	return false;
}

/* Where a payload lies, in one number. */
#define PAYLOAD_SECOND	(1ULL << 32)	/* the flow's second end sent it */
#define PAYLOAD_AT(where)	((where) & 0xffffffff)

static __always_inline void send_head(void *context, bool is_skb, const struct flow *flow, __u64 where, __u32 bytes, __u32 sequence)
{
	struct flow_counters *counters = flow_cpu_counters();
	__u64 last;
	__u32 zero = 0;
	struct flow_head_event *event = bpf_map_lookup_elem(&flow_heads, &zero);

	if (!event || !counters)
		return;
	/* One less, so that one comparison has both bounds for the verifier. */
	last = (__u64)bytes - 1;
	if (last >= FLOW_HEAD_BYTES)
		last = FLOW_HEAD_BYTES - 1;
	asm volatile("" : "+r"(last));
	if (last >= FLOW_HEAD_BYTES || !load_bytes(context, is_skb, PAYLOAD_AT(where), event->data, last + 1))
		return;
	event->header.kind = (enum event_kind)EVENT_FLOW_HEAD;
	event->header.size_bytes = sizeof(*event);
	event->header.time_ns = bpf_ktime_get_ns();
	event->serial = flow->serial;
	event->key = flow->key;
	event->side = where >> 32;
	event->packet_bytes = bytes;
	event->bytes = last + 1;
	event->sequence = sequence;
	if (emit(context, event, sizeof(*event)) < 0)
		counters->heads_lost++;
	else
		counters->heads++;
}

static __always_inline int look_closer(void *context, bool is_skb, void *data, void *end, __u64 place, __u64 where, __u32 bytes, __u32 sequence)
{
	struct flow_control *control = get_control();
	struct flow *flow = flow_by_place(place);
	__u64 at = PAYLOAD_AT(where);
	struct first_bytes first = {};
	struct flow_rare *rare;
	__u32 i;
	__u8 *from;

	asm volatile("" : "+r"(at));
	if (!flow || !control || at > HEADERS_MAX)
		return 0;
	rare = &flow->rare[where >> 32 & 1];
	from = data + at;
	if ((void *)(from + sizeof(first)) <= end) {
		__builtin_memcpy(&first, from, sizeof(first));
	} else if (bytes >= sizeof(first)) {
		if (!is_skb || !load_bytes(context, true, at, &first, sizeof(first)))
			return 0;
	} else {
		/* Fewer than that: what is there, byte by byte. */
		for (i = 0; i < sizeof(first); i++) {
			from = data + at + i;
			if (i >= bytes || (void *)(from + 1) > end)
				break;
			first.at[i] = *from;
		}
	}
	if (flow->protocol == FLOW_UNKNOWN) {
		flow->protocol = (__u8)flow->key.kind == IP_TCP ? recognize_tcp(&first) : recognize_udp(&first, flow->key.ends);
		if (flow->protocol == FLOW_UNKNOWN && flow->looks >= LOOKS_MAX)
			flow->protocol = FLOW_OTHER;
	}
	if (flow->protocol == FLOW_HTTP1 || (flow->protocol == FLOW_DNS && bytes >= 12))
		count_message(flow, &first);
	if (!control->heads || rare->heads >= HEADS_MAX)
		return 0;
	if (flow->protocol != FLOW_TLS && flow->protocol != FLOW_DNS)
		return 0;
	rare->heads++;
	send_head(context, is_skb, flow, where, bytes, sequence);
	return 0;
}

static __always_inline bool is_to_be_looked_at(struct flow *flow)
{
	if (likely(flow->protocol > FLOW_DNS && flow->looks > LOOKS_MAX))
		return false;
	if (flow->looks <= LOOKS_MAX)
		flow->looks++;
	return true;
}

#endif /* LIB_FLOW_PROTOCOL_BPF_H */
