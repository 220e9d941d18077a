/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * What the XDP tracer's programs and the helper share: the table of flows, its counters, and what is set while it runs.
 * helper/src/abi/flowEvents.gen.ts is generated from this file. Times are CLOCK_MONOTONIC.
 */
#ifndef FLOW_EVENTS_H
#define FLOW_EVENTS_H

#include "events.h"

/* Values of event_header.kind beside enum event_kind. */
enum flow_event_kind {
	EVENT_FLOW_HEAD = 96,	/* struct flow_head_event */
};

#define FLOW_GROUP_FLOWS	8	/* of one element of the map `flows` */
#define FLOW_GROUPS		4096	/* elements, unless the helper asks for more: a power of two */
#define FLOW_MESSAGES		16
#define FLOW_RULES		8
#define FLOW_HEAD_BYTES		1408	/* of a payload */

/* Parts of flow_key.kind, from its lowest bit. */
#define FLOW_KIND_FAMILY_SHIFT	8	/* below: the IP protocol */
#define FLOW_KIND_PLACE_SHIFT	16	/* tracer_settings.place */
#define FLOW_KIND_LIVE_SHIFT	32	/* 1: it is found by its packets; 0: another connection has taken over */
#define FLOW_FAMILY_IPV4	2
#define FLOW_FAMILY_IPV6	10

/*
 * Both directions have one key: the lower end, address and port as their bytes lie in memory, is the first. IPv4: both addresses
 * in address[0], the first in its lower half.
 */
struct flow_key {
	__u64 address[4];
	__u64 ends;	/* ports in network order, first and second, 16 bits each; above them the index of the device */
	__u64 kind;	/* 0: nothing is here */
};

/* One direction, as the packets of the flow's `from` end. What changes with each packet. */
struct flow_side {
	__u64 packets;		/* seen by the CPU `owner`; others add to flow_rare.packets */
	__u64 bytes;
	__u64 timed_ns;		/* when the segment was seen that ends at timed_seq; 0: none is timed */
	__u32 timed_seq;
	__u32 next_seq;		/* behind the last byte */
	__u32 acked;		/* by this side */
	__u32 first_seq;
	__u32 min_bytes;
	__u32 max_bytes;
	__u16 owner;		/* 1 + a CPU's number; 0: none yet */
	__u16 window;
	__u8 flags;		/* of TCP, all that were seen */
	__u8 known;		/* enum flow_known */
	__u16 skipped;		/* since the last one that was counted, where one in so many is */
};

enum flow_known {
	FLOW_KNOWS_SEQ = 1,
	FLOW_KNOWS_ACK = 2,
	FLOW_HAS_HOLE = 4,
};

/* Of one direction, what changes seldom. */
struct flow_rare {
	__u64 packets;		/* of CPUs that do not own the side */
	__u64 bytes;
	__u64 more_segments;	/* beyond one a packet, under GSO */
	__u64 more_bytes;	/* their headers */
	__u64 rtt_sum_ns;	/* from a segment to its acknowledgement, as the device saw both */
	__u64 rtt_min_ns;
	__u64 hole_ns;		/* when bytes from hole_start to hole_end were passed over */
	__u32 hole_start;
	__u32 hole_end;
	__u32 rtt_count;
	__u32 retransmits;
	__u32 out_of_order;
	__u32 zero_windows;
	__u32 duplicate_acks;
	__u32 keep_alives;
	__u32 window_probes;
	__u32 icmp_errors;	/* that speak of packets of this side */
	__u32 heads;		/* payloads sent to the helper */
	__u32 reserved;
};

enum flow_protocol {
	FLOW_UNKNOWN = 0,
	FLOW_HTTP1 = 1,		/* up to here each packet is looked at, */
	FLOW_DNS = 2,
	FLOW_HTTP2 = 3,		/* from here on only the first ones */
	FLOW_TLS = 4,
	FLOW_QUIC = 5,
	FLOW_POSTGRES = 6,
	FLOW_MYSQL = 7,
	FLOW_REDIS = 8,
	FLOW_WEBSOCKET = 9,
	FLOW_OTHER = 10,	/* none of these: not looked at any more */
};

/* Places of flow.messages. HTTP/1: requests by method, answers by class of their status. */
enum flow_http_message {
	FLOW_HTTP_GET = 0,
	FLOW_HTTP_HEAD = 1,
	FLOW_HTTP_POST = 2,
	FLOW_HTTP_PUT = 3,
	FLOW_HTTP_DELETE = 4,
	FLOW_HTTP_CONNECT = 5,
	FLOW_HTTP_OPTIONS = 6,
	FLOW_HTTP_TRACE = 7,
	FLOW_HTTP_PATCH = 8,
	FLOW_HTTP_1XX = 9,
	FLOW_HTTP_2XX = 10,
	FLOW_HTTP_3XX = 11,
	FLOW_HTTP_4XX = 12,
	FLOW_HTTP_5XX = 13,
};

/* DNS: from FLOW_DNS_RCODES on answers by their code, the last place for all higher ones. */
enum flow_dns_message {
	FLOW_DNS_QUERIES = 0,
	FLOW_DNS_TIMED = 1,	/* answers to the query seen last */
	FLOW_DNS_RCODES = 2,
};

struct flow {
	struct flow_key key;
	__u64 last_ns;		/* of the coarse clock: some ms */
	__u64 serial;		/* one number a flow, from 1 */
	struct flow_side sides[2];
	struct flow_rare rare[2];
	__u64 first_ns;
	__u64 syn_ns;		/* of the last SYN that opens; 0: none was seen */
	__u64 handshake_ns;	/* from there to the third packet of the handshake; 0: not seen whole */
	__u64 wait_ns;		/* DNS: since when the answer to wait_id is waited for */
	__u64 latency_sum_ns;
	__u64 latency_max_ns;
	__u32 wait_id;
	__u8 protocol;		/* enum flow_protocol */
	__u8 looks;		/* payloads looked at to recognize it */
	__u8 opener;		/* 1 + the side that sent SYN; 0: not seen */
	__u8 answered;		/* SYN and ACK came */
	__u32 messages[FLOW_MESSAGES];
};

/*
 * Value of the map `flow_owners`: whose sockets the two ends of a flow are, as calls on the sockets told; its key is the flow's without
 * device, and with the number of its network namespace in the upper half of the kind. An end that is not known is 0 in the key.
 */
struct flow_owner {
	__u32 pid[2];	/* 0: not seen here */
	char comm_first[EVENTS_COMM_LEN];
	char comm_second[EVENTS_COMM_LEN];
};

struct flow_group {
	struct flow flows[FLOW_GROUP_FLOWS];
};

/* Why a packet's headers were not walked to their end: places of flow_counters.not_parsed. */
enum flow_not_parsed {
	/* Of no flow: */
	FLOW_ARP = 0,
	FLOW_OTHER_ETHERTYPE = 1,
	FLOW_TOO_MANY_TAGS = 2,		/* more than two VLAN tags */
	FLOW_TRUNCATED = 3,		/* shorter than its headers */
	FLOW_BAD_HEADER = 4,		/* a version or length that cannot be */
	FLOW_NO_ROOM = 5,
	/* Counted in a flow, without ports: */
	FLOW_UNKNOWN_HEADER = 6,	/* a protocol that has no ports that we know */
	FLOW_NO_NEXT_HEADER = 7,
	FLOW_ESP = 8,
	FLOW_TOO_MANY_HEADERS = 9,
	FLOW_LONE_FRAGMENT = 10,	/* before its first one, or without */
	FLOW_CUT_TRANSPORT = 11,	/* no room for the ports, or a TCP header that cannot be */
	FLOW_NOT_PARSED_KINDS = 12,
};

/* Of these on, a flow has the packet. */
#define FLOW_NOT_PARSED_IN_FLOWS	6

/* Value of the per-CPU map `flow_counters`, key 0. */
struct flow_counters {
	__u64 not_parsed[FLOW_NOT_PARSED_KINDS];
	__u64 outside_bytes;	/* of packets of no flow */
	__u64 filtered;		/* that the filter left out */
	__u64 heads;		/* sent to the helper, */
	__u64 heads_lost;	/* and those without room */
};

/* What the table as a whole has come to; the map `flow_gate`, key 0, behind 16 bytes of its own. */
struct flow_totals {
	__u64 created;
	__u64 evicted;		/* that the helper had not read since their last packet */
	__u64 gone_packets;	/* of flows whose place another one took, read before or not */
	__u64 gone_bytes;
};

/* A packet is counted where one rule fits; what a mask leaves out may be anything. */
struct flow_rule {
	__u64 address[2];	/* of either end; IPv4: in the lower half of the first */
	__u64 mask[2];
	__u64 kind;		/* as in flow_key */
	__u64 kind_mask;
	__u16 port;		/* of either end, network order */
	__u16 port_mask;
	__u16 used;		/* 1: it is one of the rules, */
	__u16 except;		/* and 1: what fits is left out */
};

/* Value of the map `flow_control`, key 0; all zero: every packet is counted and analysed. */
struct flow_control {
	__u64 read_ns;		/* what the helper's last look began at */
	__u64 seed;
	__u32 more_groups;	/* number of groups - 1, where that is more than FLOW_GROUPS - 1 */
	__u32 no_analysis;
	__u32 sample_every;	/* one packet in so many is counted; 0: each */
	__u32 sample_after;	/* of each side, this many first packets are always counted */
	__u32 rule_count;
	__u32 heads;		/* 1: first payloads are sent to the helper */
	__u32 no_protocols;
	__u32 reserved;
	__u64 zero;		/* stays 0; the verifier does not know it */
	struct flow_rule rules[FLOW_RULES];
};

/* The first bytes of a flow's first payloads: what names and versions are read from. */
struct flow_head_event {
	struct event_header header;
	__u64 serial;
	struct flow_key key;
	__u32 side;
	__u32 packet_bytes;	/* of the payload as a whole */
	__u32 bytes;		/* here */
	__u32 sequence;		/* TCP's */
	__u8 data[FLOW_HEAD_BYTES];
};

#endif /* FLOW_EVENTS_H */
