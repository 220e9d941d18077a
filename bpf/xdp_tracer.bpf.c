// SPDX-License-Identifier: (GPL-2.0-only OR MIT)
/*
 * The XDP tracer: counts the packets of devices by flow, at XDP where they come in and at TC where they go out (on loopback, and where
 * XDP would disturb, at TC both ways). Packets pass, always and unchanged; a filter chooses what is counted. As it stands in the file
 * it counts every flow, so that `bpftool prog load` and test runs need no helper.
 */
#include "lib/kernel.bpf.h"
#include "lib/flow_tcp.bpf.h"
#include "lib/flow_protocol.bpf.h"
#include "lib/flow_owner.bpf.h"

#define XDP_PASS	2
#define TC_NEXT		(-1)	/* TC_ACT_UNSPEC: whatever comes behind decides, for tcx and clsact alike */

/* Contexts, as include/uapi/linux/bpf.h lays them out. */
struct xdp_md {
	__u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex;
};

struct __sk_buff {
	__u32 len, pkt_type, mark, queue_mapping, protocol, vlan_present, vlan_tci, vlan_proto, priority, ingress_ifindex;
	__u32 ifindex, tc_index, cb[5], hash, tc_classid, data, data_end, napi_id, family, remote_ip4, local_ip4;
	__u32 remote_ip6[4], local_ip6[4], remote_port, local_port, data_meta;
	__u64 flow_keys, tstamp;
	__u32 wire_len, gso_segs;
	__u64 sk;
	__u32 gso_size;
};

static __u64 (*const call_xdp_bytes)(struct xdp_md *context) = (void *)188;	/* 5.18 */

/* What the packet's place in memory says beside its bytes. */
struct frame {
	void *context;
	__u32 bytes;
	__u32 segments;		/* of TCP or UDP on the wire */
	__u32 device;
	bool is_skb;
};

static __always_inline void *data_of(const struct frame *frame)
{
	return (void *)(long)(frame->is_skb ? ((struct __sk_buff *)frame->context)->data : ((struct xdp_md *)frame->context)->data);
}

static __always_inline void *end_of(const struct frame *frame)
{
	return (void *)(long)(frame->is_skb ? ((struct __sk_buff *)frame->context)->data_end : ((struct xdp_md *)frame->context)->data_end);
}

__noinline int flow_not_parsed(__u64 why, __u32 bytes)
{
	struct flow_counters *counters = flow_cpu_counters();

	/* In the register that is compared, as the verifier wants it. */
	asm volatile("" : "+r"(why));
	if (!counters || why >= FLOW_NOT_PARSED_KINDS)
		return 0;
	counters->not_parsed[why]++;
	if (why < FLOW_NOT_PARSED_IN_FLOWS)
		counters->outside_bytes += bytes;
	return 0;
}

static __noinline void count_filtered(void)
{
	struct flow_counters *counters = flow_cpu_counters();

	if (counters)
		counters->filtered++;
}

static __noinline void count_segments(struct flow_rare *rare, __u32 segments, __u32 header_bytes)
{
	__sync_fetch_and_add(&rare->more_segments, segments - 1);
	__sync_fetch_and_add(&rare->more_bytes, (__u64)(segments - 1) * header_bytes);
}

static __noinline void count_elsewhere(struct flow_rare *rare, __u64 packets, __u64 bytes)
{
	__sync_fetch_and_add(&rare->packets, packets);
	__sync_fetch_and_add(&rare->bytes, bytes);
}

/* The packet that an error speaks of, where its ports follow its IP header. */
static __noinline bool read_inner(void *data, void *end, __u64 at, bool v4, struct packet *inner)
{
	struct ipv4_header *ip4;
	struct ipv6_header *ip6;
	int why = PARSED;
	__u32 ports;

	if (at > HEADERS_MAX)
		return false;
	if (v4) {
		ip4 = data + at;
		if ((void *)(ip4 + 1) > end || (ip4->fragment & 0xff1f))
			return false;
		ports = read_ports(data, end, at + (ip4->version_words & 15) * 4, ip4->protocol, &why);
		inner->key.kind |= ip4->protocol | FLOW_FAMILY_IPV4 << FLOW_KIND_FAMILY_SHIFT;
		set_ipv4_ends(inner, ip4->source, ip4->destination, ports);
	} else {
		ip6 = data + at;
		if ((void *)(ip6 + 1) > end)
			return false;
		ports = read_ports(data, end, at + sizeof(*ip6), ip6->next, &why);
		inner->key.kind |= ip6->next | FLOW_FAMILY_IPV6 << FLOW_KIND_FAMILY_SHIFT;
		set_ipv6_ends(inner, ip6->source, ip6->destination, ports);
	}
	return why == PARSED;
}

/* An error speaks of a packet, which it holds the beginning of: the flow of that packet is told (RFC 792, 4443). */
static __always_inline int join_icmp(void *data, void *end)
{
	struct flow_control *control = get_control();
	struct flow_work *work = this_cpu_work();
	struct flow_groups groups = {};
	struct packet inner = {};
	struct icmp_header *icmp;
	struct flow *flow;
	__u64 at, place;
	bool v4;

	if (!control || !work)
		return 0;
	at = work->packet.transport;
	v4 = (__u8)work->packet.key.kind == IP_ICMP;
	if (!at || at > HEADERS_MAX)
		return 0;
	icmp = data + at;
	if ((void *)(icmp + 1) > end)
		return 0;
	/* Unreachable, source quench, redirect, time exceeded, bad parameter. */
	if (v4 ? icmp->type != 3 && icmp->type != 4 && icmp->type != 5 && icmp->type != 11 && icmp->type != 12 :
		 icmp->type < 1 || icmp->type > 4)
		return 0;
	inner.key.ends = work->packet.key.ends & 0xffffffff00000000ULL;
	inner.key.kind = (work->packet.key.kind & (0xffffULL << FLOW_KIND_PLACE_SHIFT)) | KEEP_LIVE;
	if (!read_inner(data, end, at + sizeof(*icmp), v4, &inner) ||
	    !find_groups(&groups, flow_hash(&inner.key, control->seed), control))
		return 0;
	place = find_place(&groups, &inner.key);
	flow = place == NO_PLACE ? 0 : flow_by_place(place);
	if (flow)
		__sync_fetch_and_add(&flow->rare[inner.side & 1].icmp_errors, 1);
	return 0;
}

/* What needs the packet, and is not done with each: once for each kind of context. */
#define WITH_PACKET(suffix, context_type, is_skb_here)									\
	__noinline int flow_parse_##suffix(struct context_type *context, __u32 at, __u32 type)				\
	{														\
		struct flow_work *work = this_cpu_work();								\
		void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;			\
															\
		return work ? parse_tagged(data, end, at, type, &work->packet) : FLOW_NO_ROOM;				\
	}														\
															\
	__noinline int flow_join_icmp_##suffix(struct context_type *context)						\
	{														\
		return join_icmp((void *)(long)context->data, (void *)(long)context->data_end);				\
	}														\
															\
	__noinline int flow_look_##suffix(struct context_type *context, __u64 place, __u64 where, __u32 bytes, __u32 seq)	\
	{														\
		void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;			\
															\
		return look_closer(context, is_skb_here, data, end, place, where, bytes, seq);				\
	}

WITH_PACKET(xdp, xdp_md, false)
WITH_PACKET(skb, __sk_buff, true)

static __always_inline int parse_other(const struct frame *frame, __u64 at, __u32 type, struct packet *packet)
{
	struct flow_work *work = this_cpu_work();
	int why;

	if (!work)
		return FLOW_NO_ROOM;
	work->packet = *packet;
	why = frame->is_skb ? flow_parse_skb(frame->context, at, type) : flow_parse_xdp(frame->context, at, type);
	*packet = work->packet;
	return why;
}

static __always_inline __u64 find_or_make(const struct packet *packet, __u64 hash, bool anew)
{
	struct flow_work *work = this_cpu_work();

	if (!work)
		return NO_PLACE;
	work->packet = *packet;
	work->hash = hash;
	return flow_find_or_make(anew);
}

static __always_inline bool is_wanted(const struct packet *packet)
{
	struct flow_work *work = this_cpu_work();

	if (!work)
		return true;
	work->packet = *packet;
	return flow_is_wanted(0);
}

static __always_inline bool read_segment(void *data, void *end, const struct packet *packet, struct segment *segment, __u64 *payload)
{
	struct tcp_header *tcp;
	__u64 at = packet->transport, header_bytes;

	if (at > HEADERS_MAX)
		return false;
	tcp = data + at;
	if ((void *)(tcp + 1) > end)
		return false;
	header_bytes = (tcp->offset >> 4) * 4;
	if (header_bytes < sizeof(*tcp))
		return false;
	segment->seq = __builtin_bswap32(tcp->seq);
	segment->ack = __builtin_bswap32(tcp->ack);
	segment->window = swap16(tcp->window);
	segment->flags = tcp->flags;
	*payload = at + header_bytes;
	segment->bytes = packet->end > *payload ? packet->end - *payload : 0;
	return true;
}

static __always_inline void count_packet(void *data, void *end, __u64 at, __u32 type, const struct frame *frame)
{
	struct flow_control *control = get_control();
	struct packet packet = {};
	struct segment segment = {};
	struct flow_group *group;
	struct flow_side *side;
	struct flow *flow;
	__u64 payload = 0, packets = 1, bytes = frame->bytes, hash, place, blur;
	__u32 index, number;
	bool is_tcp = false, fresh;
	int why = PARSED;
	__u16 cpu;

	if (!control)
		return;
	packet.key.ends = (__u64)frame->device << 32;
	packet.key.kind = (__u64)(settings.place & 0xffff) << FLOW_KIND_PLACE_SHIFT | KEEP_LIVE;
	packet.frame_bytes = frame->bytes;
	blur = packet.blur = forget(control->zero);
	if (unlikely(!parse_usual(data, end, at, type, &packet))) {
		why = parse_other(frame, at, type, &packet);
		/* The packet may have been moved, as far as the verifier knows. */
		data = data_of(frame);
		end = end_of(frame);
	}
	/* Both ways go on as one: without this the verifier would follow the rest for each protocol. */
	packet.key.kind += blur;
	packet.side += blur;
	packet.transport += blur;
	if (unlikely(why >= 0 && why < FLOW_NOT_PARSED_IN_FLOWS)) {
		flow_not_parsed(why, frame->bytes);
		return;
	}
	if (likely((__u8)packet.key.kind == IP_TCP) && packet.transport) {
		is_tcp = read_segment(data, end, &packet, &segment, &payload);
		if (unlikely(!is_tcp))
			why = FLOW_CUT_TRANSPORT;
	}
	if (unlikely(control->rule_count) && !is_wanted(&packet)) {
		count_filtered();
		return;
	}
	if (unlikely(why != PARSED))
		flow_not_parsed(why, frame->bytes);

	hash = flow_hash(&packet.key, control->seed);
	index = hash & (GROUP_MASK | control->more_groups);
	group = bpf_map_lookup_elem(&flows, &index);
	if (!group)
		return;
	place = (__u64)index << 3 | hash >> WAY_SHIFT;
	flow = &group->flows[hash >> WAY_SHIFT];
	if (unlikely(!is_flow(flow, &packet.key))) {
		place = find_or_make(&packet, hash, false);
		flow = place == NO_PLACE ? 0 : flow_by_place(place);
		if (!flow) {
			flow_not_parsed(FLOW_NO_ROOM, frame->bytes);
			return;
		}
	}
	number = packet.side & 1;
	side = &flow->sides[number];
	/* A new SYN between the same ends begins a connection. */
	if (unlikely(is_tcp && (segment.flags & (TCP_SYN | TCP_ACK)) == TCP_SYN) && (side->known & FLOW_KNOWS_SEQ) &&
	    side->first_seq != segment.seq) {
		place = find_or_make(&packet, hash, true);
		flow = place == NO_PLACE ? 0 : flow_by_place(place);
		if (!flow)
			return;
		side = &flow->sides[number];
	}
	if (unlikely(control->sample_every > 1) && side->packets >= control->sample_after &&
	    !(segment.flags & (TCP_SYN | TCP_FIN | TCP_RST))) {
		if (++side->skipped < control->sample_every)
			return;
		packets = side->skipped;
		bytes *= packets;
		side->skipped = 0;
	}
	cpu = bpf_get_smp_processor_id() + 1;
	if (unlikely(!side->owner)) {
		side->owner = cpu;
		side->min_bytes = frame->bytes;
	}
	if (likely(side->owner == cpu)) {
		side->packets += packets;
		side->bytes += bytes;
	} else {
		count_elsewhere(&flow->rare[number], packets, bytes);
	}
	flow->last_ns = coarse_ns();
	if (unlikely(frame->bytes < side->min_bytes))
		side->min_bytes = frame->bytes;
	if (unlikely(frame->bytes > side->max_bytes))
		side->max_bytes = frame->bytes;
	if (unlikely(frame->segments > 1))
		count_segments(&flow->rare[number], frame->segments, packet.transport + 8 > payload ? packet.transport + 8 : payload);
	if (is_tcp) {
		side->flags |= segment.flags;
		/* What is sent again tells no message twice. */
		fresh = !(side->known & FLOW_KNOWS_SEQ) || (__s32)(segment.seq - side->next_seq) >= 0;
		if (!control->no_analysis && packets == 1)
			analyse(flow, place, number, &segment);
		if (!fresh)
			return;
	} else if ((__u8)packet.key.kind == IP_UDP) {
		payload = packet.transport + 8;
		segment.bytes = packet.transport && packet.end > payload ? packet.end - payload : 0;
	} else if (unlikely((__u8)packet.key.kind == IP_ICMP || (__u8)packet.key.kind == IP_ICMPV6)) {
		if (packet.transport && find_or_make(&packet, hash, false) != NO_PLACE) {
			if (frame->is_skb)
				flow_join_icmp_skb(frame->context);
			else
				flow_join_icmp_xdp(frame->context);
		}
		return;
	}
	if (!segment.bytes || control->no_protocols || !is_to_be_looked_at(flow))
		return;
	payload |= number ? PAYLOAD_SECOND : 0;
	if (frame->is_skb)
		flow_look_skb(frame->context, place, payload, segment.bytes, segment.seq);
	else
		flow_look_xdp(frame->context, place, payload, segment.bytes, segment.seq);
}

static __always_inline void count_frame(void *data, void *end, struct frame *frame)
{
	struct ethernet_header *ethernet = data;

	if (unlikely((void *)(ethernet + 1) > end)) {
		flow_not_parsed(FLOW_TRUNCATED, frame->bytes);
		return;
	}
	count_packet(data, end, sizeof(*ethernet), ethernet->type, frame);
}

SEC("xdp")
int flow_xdp(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct frame frame = { .context = context, .bytes = end - data, .device = context->ingress_ifindex };

	count_frame(data, end, &frame);
	return XDP_PASS;
}

/* For frames in several buffers; 5.18. */
SEC("?xdp.frags")
int flow_xdp_frags(struct xdp_md *context)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct frame frame = { .context = context, .bytes = call_xdp_bytes(context), .device = context->ingress_ifindex };

	count_frame(data, end, &frame);
	return XDP_PASS;
}

static __always_inline void count_skb(struct __sk_buff *skb, bool has_link_header)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct frame frame = {
		.context = skb,
		/* A tag that the device takes off or puts on is on the wire, and in captures. */
		.bytes = skb->len + (skb->vlan_present ? sizeof(struct vlan_tag) : 0),
		.segments = skb->gso_segs,
		.device = skb->ifindex,
		.is_skb = true,
	};

	/* Headers are in the first block nearly always: what is not is brought there, which changes no byte. */
	if (unlikely(data + 54 > end) && end - data < skb->len) {
		bpf_skb_pull_data(skb, skb->len < 256 ? skb->len : 256);
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
	}
	if (has_link_header)
		count_frame(data, end, &frame);
	else
		count_packet(data, end, 0, skb->protocol, &frame);
}

SEC("tc")
int flow_tc(struct __sk_buff *skb)
{
	count_skb(skb, true);
	return TC_NEXT;
}

/* Of devices without a link header: tunnels, point to point. */
SEC("?tc")
int flow_tc_bare(struct __sk_buff *skb)
{
	count_skb(skb, false);
	return TC_NEXT;
}

/* After each send and receive on a socket, in the process that asked for it; 6.3. */
SEC("?tp_btf/sock_send_length")
int flow_sent(__u64 *context)
{
	tell_owner((struct sock *)context[0]);
	return 0;
}

SEC("?tp_btf/sock_recv_length")
int flow_received(__u64 *context)
{
	tell_owner((struct sock *)context[0]);
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
