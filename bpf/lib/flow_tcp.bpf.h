/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What a TCP packet tells of its connection: order, acknowledgements, windows, round trips. A segment in its place costs some
 * comparisons; what came out of order, again, or as a probe is judged apart. The clock is read where a round trip begins and ends, one
 * at a time for each direction, and never of a segment that was sent twice (Karn's rule). The names are Wireshark's
 * (docs: "TCP Analysis"), and so are the rules for keep-alives, window probes and duplicate acknowledgements.
 */
#ifndef LIB_FLOW_TCP_BPF_H
#define LIB_FLOW_TCP_BPF_H

#include "flow.bpf.h"

struct segment {
	__u32 seq, ack, bytes;	/* payload */
	__u16 window;		/* not scaled */
	__u8 flags;
};

/* Behind the last byte of this direction; SYN and FIN count one each. */
static __always_inline __u32 segment_length(const struct segment *segment)
{
	return segment->bytes + !!(segment->flags & TCP_SYN) + !!(segment->flags & TCP_FIN);
}

/* The segment does not begin where the last one ended. */
__noinline int tcp_judge_order(__u64 place, __u32 number, __u32 seq, __u32 bytes, __u32 flags)
{
	__u32 length = bytes + !!(flags & TCP_SYN) + !!(flags & TCP_FIN);
	struct flow *flow = flow_by_place(place);
	struct flow_side *side;
	struct flow_rare *rare;
	__s32 ahead;
	__u64 patience;

	if (!flow)
		return 0;
	side = &flow->sides[number & 1];
	rare = &flow->rare[number & 1];
	ahead = seq - side->next_seq;
	if (ahead > 0) {
		/* Something between was lost, or comes later. The last such hole is remembered. */
		rare->hole_start = side->next_seq;
		rare->hole_end = seq;
		rare->hole_ns = bpf_ktime_get_ns();
		side->known |= FLOW_HAS_HOLE;
		side->next_seq = seq + length;
		return 0;
	}
	if (ahead == -1 && bytes <= 1 && !(flags & (TCP_SYN | TCP_FIN | TCP_RST))) {
		rare->keep_alives++;
		return 0;
	}
	side->timed_ns = 0;
	if ((side->known & FLOW_HAS_HOLE) && (__s32)(seq - rare->hole_start) >= 0 && (__s32)(seq + length - rare->hole_end) <= 0) {
		patience = flow->handshake_ns ? flow->handshake_ns : HOLE_REORDER_NS;
		if (bpf_ktime_get_ns() - rare->hole_ns < patience)
			rare->out_of_order++;
		else
			rare->retransmits++;
		if (seq == rare->hole_start)
			rare->hole_start = seq + length;
		if (rare->hole_start == rare->hole_end)
			side->known &= ~FLOW_HAS_HOLE;
	} else {
		rare->retransmits++;
	}
	/* Part of it may be new. */
	if ((__s32)(seq + length - side->next_seq) > 0)
		side->next_seq = seq + length;
	return 0;
}

/* What this side sent last is acknowledged. */
__noinline int tcp_end_round_trip(__u64 place, __u32 number)
{
	struct flow *flow = flow_by_place(place);
	struct flow_side *timed;
	struct flow_rare *rare;
	__u64 took;

	if (!flow)
		return 0;
	timed = &flow->sides[number & 1];
	rare = &flow->rare[number & 1];
	took = bpf_ktime_get_ns() - timed->timed_ns;
	timed->timed_ns = 0;
	rare->rtt_sum_ns += took;
	rare->rtt_count++;
	if (!rare->rtt_min_ns || took < rare->rtt_min_ns)
		rare->rtt_min_ns = took;
	return 0;
}

__noinline int tcp_judge_handshake(__u64 place, __u32 number, __u32 flags)
{
	struct flow *flow = flow_by_place(place);
	__u64 now = bpf_ktime_get_ns();

	if (!flow)
		return 0;
	if (flags & TCP_SYN) {
		if (flags & TCP_ACK) {
			if (!flow->answered)
				flow->answered = 1;
		} else {
			flow->opener = 1 + number;
			flow->syn_ns = now;
		}
	} else if (flow->opener == 1 + number && flow->answered == 1 && (flags & TCP_ACK)) {
		flow->handshake_ns = now - flow->syn_ns;
		flow->answered = 2;
	}
	return 0;
}

static __always_inline void analyse(struct flow *flow, __u64 place, __u32 number, const struct segment *segment)
{
	struct flow_side *side = &flow->sides[number & 1], *other = &flow->sides[~number & 1];
	struct flow_rare *rare = &flow->rare[number & 1];
	__u32 length = segment_length(segment);

	if (unlikely(segment->flags & TCP_SYN) || unlikely(flow->answered == 1))
		tcp_judge_handshake(place, number & 1, segment->flags);
	if (segment->flags & TCP_ACK) {
		if (unlikely(other->timed_ns != 0) && (__s32)(segment->ack - other->timed_seq) >= 0)
			tcp_end_round_trip(place, ~number & 1);
		if (segment->ack == side->acked && !length && segment->window && segment->window == side->window &&
		    segment->seq == side->next_seq && (side->known & FLOW_KNOWS_ACK) && !(segment->flags & TCP_RST))
			rare->duplicate_acks++;
		side->acked = segment->ack;
		side->known |= FLOW_KNOWS_ACK;
	}
	if (unlikely(!segment->window) && !(segment->flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		rare->zero_windows++;
	side->window = segment->window;
	if (unlikely(!(side->known & FLOW_KNOWS_SEQ))) {
		side->known |= FLOW_KNOWS_SEQ;
		side->first_seq = segment->seq;
		side->next_seq = segment->seq;
	}
	if (!length) {
		if (unlikely(segment->seq == side->next_seq - 1) && !(segment->flags & TCP_RST))
			rare->keep_alives++;
		return;
	}
	if (unlikely(segment->seq != side->next_seq)) {
		tcp_judge_order(place, number & 1, segment->seq, segment->bytes, segment->flags);
		return;
	}
	if (unlikely(!other->window) && segment->bytes == 1 && (other->known & FLOW_KNOWS_ACK) &&
	    !(segment->flags & (TCP_SYN | TCP_FIN))) {
		rare->window_probes++;
		return;
	}
	side->next_seq = segment->seq + length;
	if (!side->timed_ns) {
		side->timed_seq = side->next_seq;
		side->timed_ns = bpf_ktime_get_ns();
	}
}

#endif /* LIB_FLOW_TCP_BPF_H */
