/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * From a frame to what it is: link header, VLAN tags, IPv4 with options, IPv6 with extension headers, fragments, ports. The usual
 * packet, TCP or UDP in IPv4 without options, takes the straight way; all else is a function of its own. Reads packets, changes none.
 * Layouts: IEEE 802.3 and 802.1Q, RFC 791, 8200, 9293, 768, 792, 4443, 9260, 4302; numbers: IANA's.
 */
#ifndef LIB_PARSE_BPF_H
#define LIB_PARSE_BPF_H

#include "kernel.bpf.h"
#include "../flow_events.h"

#define BPF_MAP_TYPE_LRU_HASH	9

#define ETHERTYPE_IPV4		0x0008	/* network order, as all below */
#define ETHERTYPE_IPV6		0xdd86
#define ETHERTYPE_ARP		0x0608
#define ETHERTYPE_VLAN		0x0081
#define ETHERTYPE_QINQ		0xa888
#define ETHERTYPE_QINQ_OLD	0x0091

#define IP_ICMP			1
#define IP_TCP			6
#define IP_UDP			17
#define IP_ICMPV6		58
#define IP_SCTP			132
#define IP_HOP_BY_HOP		0
#define IP_ROUTING		43
#define IP_FRAGMENT		44
#define IP_ESP			50
#define IP_AH			51
#define IP_NO_NEXT		59
#define IP_DESTINATION		60
#define IP_MOBILITY		135
#define IP_HIP			139
#define IP_SHIM6		140

#define TAGS_MAX		2
#define EXTENSIONS_MAX		8
#define HEADERS_MAX		2048	/* no transport header begins behind this byte: lets the verifier bound offsets */

#define TCP_FIN			1
#define TCP_SYN			2
#define TCP_RST			4
#define TCP_ACK			16

struct ethernet_header {
	__u8 to[6], from[6];
	__u16 type;
};

struct vlan_tag {
	__u16 control, type;
};

struct ipv4_header {
	__u8 version_words, service;
	__u16 total_bytes, id, fragment;
	__u8 ttl, protocol;
	__u16 checksum;
	__u32 source, destination;
};

struct ipv6_header {
	__u32 version_class_flow;
	__u16 payload_bytes;
	__u8 next, hops;
	__u64 source[2], destination[2];
};

struct ipv6_extension {
	__u8 next, length;
	__u16 fragment;
	__u32 id;
};

struct tcp_header {
	__u16 source, destination;
	__u32 seq, ack;
	__u8 offset, flags;
	__u16 window, checksum, urgent;
};

struct icmp_header {
	__u8 type, code;
	__u16 checksum;
	__u32 rest;
};

/* A packet between two ends. */
struct packet {
	struct flow_key key;
	/* Of 64 bits, so that no comparison is of a copy that the verifier knows nothing of. */
	__u64 side;		/* 1: it goes from the second end of the key to the first */
	__u64 transport;	/* offset of that header; 0: none that is of use */
	__u64 end;		/* of the IP packet, as it says itself */
	__u64 frame_bytes;
	__u64 blur;		/* 0, which the verifier does not know */
};

/* What has been found when the walk of headers ends: a place of flow_counters.not_parsed, or: */
#define PARSED	(-1)

/* Fragments behind the first have no ports: those of the first, by what all of a packet's have in common. */
struct fragment_key {
	__u64 address[4];
	__u32 id;
	__u32 device;
	__u64 kind;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct fragment_key);
	__type(value, __u32);
} flow_fragments SEC(".maps");

/* Address words and ports in the order of the key. `ports`: source in the lower half. */
static __always_inline void set_ipv4_ends(struct packet *packet, __u32 source, __u32 destination, __u32 ports)
{
	__u32 from = ports & 0xffff, to = ports >> 16;
	bool swap = source > destination || (source == destination && from > to);

	packet->side = swap;
	packet->key.address[0] = swap ? (__u64)source << 32 | destination : (__u64)destination << 32 | source;
	packet->key.ends |= swap ? from << 16 | to : ports;
}

static __always_inline void set_ipv6_ends(struct packet *packet, const __u64 *source, const __u64 *destination, __u32 ports)
{
	__u32 from = ports & 0xffff, to = ports >> 16;
	bool swap;

	if (source[0] != destination[0])
		swap = source[0] > destination[0];
	else if (source[1] != destination[1])
		swap = source[1] > destination[1];
	else
		swap = from > to;
	packet->side = swap;
	packet->key.address[0] = swap ? destination[0] : source[0];
	packet->key.address[1] = swap ? destination[1] : source[1];
	packet->key.address[2] = swap ? source[0] : destination[0];
	packet->key.address[3] = swap ? source[1] : destination[1];
	packet->key.ends |= swap ? from << 16 | to : ports;
}

/* Ports at `at`, source in the lower half; `why` says where there are none. */
static __always_inline __u32 read_ports(void *data, void *end, __u64 at, __u8 protocol, int *why)
{
	__u32 *ports;

	if (protocol == IP_ICMP || protocol == IP_ICMPV6)
		return 0;
	if (protocol != IP_TCP && protocol != IP_UDP && protocol != IP_SCTP) {
		*why = protocol == IP_ESP ? FLOW_ESP : FLOW_UNKNOWN_HEADER;
		return 0;
	}
	asm volatile("" : "+r"(at));
	if (at > HEADERS_MAX) {
		*why = FLOW_TOO_MANY_HEADERS;
		return 0;
	}
	ports = data + at;
	if ((void *)(ports + 1) > end) {
		*why = FLOW_CUT_TRANSPORT;
		return 0;
	}
	return *ports;
}

/* Ports of a fragment: its own where it is the first, which the others are then found by. */
static __noinline __u32 fragment_ports(struct fragment_key *key, __u32 ports, bool first, int *why)
{
	__u32 *known;

	if (first) {
		if (*why == PARSED)
			bpf_map_update_elem(&flow_fragments, key, &ports, BPF_ANY);
		return ports;
	}
	known = bpf_map_lookup_elem(&flow_fragments, key);
	if (known)
		return *known;
	*why = FLOW_LONE_FRAGMENT;
	return 0;
}

static __always_inline __u16 swap16(__u16 number)
{
	return number << 8 | number >> 8;
}

/* IPv4 at `at`, whatever it carries. */
static __noinline int parse_odd_ipv4(void *data, void *end, __u64 at, struct packet *packet)
{
	struct ipv4_header *ip;
	struct fragment_key key = {};
	__u32 header_bytes, ports, total;
	__u16 fragment;
	__u8 protocol;
	int why = PARSED;

	asm volatile("" : "+r"(at));
	if (at > HEADERS_MAX)
		return FLOW_TRUNCATED;
	ip = data + at;
	if ((void *)(ip + 1) > end)
		return FLOW_TRUNCATED;
	header_bytes = (ip->version_words & 15) * 4;
	total = swap16(ip->total_bytes);
	/* 0: longer than 64 KiB (BIG TCP), all that is there. */
	if ((ip->version_words >> 4) != 4 || header_bytes < sizeof(*ip) || (total && total < header_bytes))
		return FLOW_BAD_HEADER;
	protocol = ip->protocol;
	fragment = swap16(ip->fragment);
	packet->end = total ? at + total : packet->frame_bytes;
	packet->transport = at + header_bytes;
	if (fragment & 0x1fff) {
		ports = 0;
		packet->transport = 0;
	} else {
		ports = read_ports(data, end, at + header_bytes, protocol, &why);
	}
	if (fragment & 0x3fff) {
		key.address[0] = (__u64)ip->destination << 32 | ip->source;
		key.id = ip->id;
		key.device = packet->key.ends >> 32;
		key.kind = packet->key.kind | protocol | FLOW_FAMILY_IPV4 << FLOW_KIND_FAMILY_SHIFT;
		if (protocol == IP_TCP || protocol == IP_UDP || protocol == IP_SCTP)
			ports = fragment_ports(&key, ports, !(fragment & 0x1fff), &why);
	}
	packet->key.kind |= protocol | FLOW_FAMILY_IPV4 << FLOW_KIND_FAMILY_SHIFT;
	set_ipv4_ends(packet, ip->source, ip->destination, ports);
	if (why != PARSED)
		packet->transport = 0;
	return why;
}

/* Headers that another one follows, as bits: of the numbers below 64, and of those from 128 on. */
#define EXTENSIONS_LOW	(1ULL << IP_HOP_BY_HOP | 1ULL << IP_ROUTING | 1ULL << IP_FRAGMENT | 1ULL << IP_AH | 1ULL << IP_DESTINATION)
#define EXTENSIONS_HIGH	(1ULL << (IP_MOBILITY - 128) | 1ULL << (IP_HIP - 128) | 1ULL << (IP_SHIM6 - 128))

static __always_inline bool is_extension(__u64 next)
{
	__u64 bits = next < 64 ? EXTENSIONS_LOW : next >= 128 && next < 192 ? EXTENSIONS_HIGH : 0;

	return bits >> (next & 63) & 1;
}

struct ipv6_walk {
	__u64 offset;
	__u32 id;
	__u8 next, fragment, later;
};

/* Goes on to the transport header. Returns PARSED, or why it is not reached. */
static __noinline int walk_extensions(void *data, void *end, struct ipv6_walk *walk, __u64 blur)
{
	struct ipv6_extension *extension;
	__u64 offset = walk->offset, next = walk->next, length;
	__u32 i;

	for (i = 0; i < EXTENSIONS_MAX; i++) {
		if (!is_extension(next) || walk->later) {
			walk->offset = offset;
			walk->next = next;
			return PARSED;
		}
		/* As the first round: what the verifier learns in each would otherwise add up. */
		offset += blur;
		asm volatile("" : "+r"(offset));
		if (offset > HEADERS_MAX)
			return FLOW_TOO_MANY_HEADERS;
		extension = data + offset;
		if ((void *)(extension + 1) > end)
			return FLOW_CUT_TRANSPORT;
		length = extension->length;
		if (next == IP_FRAGMENT) {
			length = 0;
			walk->id = extension->id;
			/* One that is alone is none in truth (RFC 6946). */
			walk->fragment = (extension->fragment & 0xf9ff) != 0;
			walk->later = (extension->fragment & 0xf8ff) != 0;
		}
		offset += next == IP_AH ? (length + 2) * 4 : (length + 1) * 8;
		next = extension->next + blur;
	}
	walk->next = next;
	return FLOW_TOO_MANY_HEADERS;
}

static __noinline int parse_ipv6(void *data, void *end, __u64 at, struct packet *packet)
{
	struct ipv6_walk walk = {};
	struct fragment_key key = {};
	struct ipv6_header *ip;
	__u32 ports = 0, payload;
	int why = PARSED;

	asm volatile("" : "+r"(at));
	if (at > HEADERS_MAX)
		return FLOW_TRUNCATED;
	ip = data + at;
	if ((void *)(ip + 1) > end)
		return FLOW_TRUNCATED;
	if ((*(__u8 *)ip >> 4) != 6)
		return FLOW_BAD_HEADER;
	payload = swap16(ip->payload_bytes);
	/* 0: longer than 64 KiB, all that is there. */
	packet->end = payload ? at + sizeof(*ip) + payload : packet->frame_bytes;
	walk.next = ip->next;
	walk.offset = at + sizeof(*ip);
	if (is_extension(walk.next))
		why = walk_extensions(data, end, &walk, packet->blur);
	if (why == PARSED && !walk.later) {
		if (walk.next == IP_NO_NEXT)
			why = FLOW_NO_NEXT_HEADER;
		else
			ports = read_ports(data, end, walk.offset, walk.next, &why);
	}
	packet->transport = why == PARSED && !walk.later ? walk.offset : 0;
	packet->key.kind |= walk.next | FLOW_FAMILY_IPV6 << FLOW_KIND_FAMILY_SHIFT;
	if (walk.fragment && (walk.next == IP_TCP || walk.next == IP_UDP || walk.next == IP_SCTP)) {
		key.address[0] = ip->source[0];
		key.address[1] = ip->source[1];
		key.address[2] = ip->destination[0];
		key.address[3] = ip->destination[1];
		key.id = walk.id;
		key.device = packet->key.ends >> 32;
		key.kind = packet->key.kind;
		ports = fragment_ports(&key, ports, !walk.later, &why);
	}
	set_ipv6_ends(packet, ip->source, ip->destination, ports);
	return why;
}

/* Behind VLAN tags, or no IP at all. */
static __noinline int parse_tagged(void *data, void *end, __u64 at, __u32 type, struct packet *packet)
{
	struct vlan_tag *tag;
	int i;

	for (i = 0; i <= TAGS_MAX; i++) {
		if (type != ETHERTYPE_VLAN && type != ETHERTYPE_QINQ && type != ETHERTYPE_QINQ_OLD)
			break;
		asm volatile("" : "+r"(at));
		if (at > HEADERS_MAX)
			return FLOW_TRUNCATED;
		tag = data + at;
		if ((void *)(tag + 1) > end)
			return FLOW_TRUNCATED;
		type = tag->type;
		at += sizeof(*tag);
	}
	at += packet->blur;
	if (type == ETHERTYPE_IPV4)
		return parse_odd_ipv4(data, end, at, packet);
	if (type == ETHERTYPE_IPV6)
		return parse_ipv6(data, end, at, packet);
	if (type == ETHERTYPE_ARP)
		return FLOW_ARP;
	return i > TAGS_MAX ? FLOW_TOO_MANY_TAGS : FLOW_OTHER_ETHERTYPE;
}

/*
 * The straight way: TCP or UDP in IPv4 without options, whole. key.ends has the device, key.kind the place. False: it is
 * something else, and parse_tagged() has to look.
 */
static __always_inline bool parse_usual(void *data, void *end, __u64 at, __u32 type, struct packet *packet)
{
	struct ipv4_header *ip = data + at;
	__u32 *ports = (void *)(ip + 1);
	__u16 total;

	if (unlikely(type != ETHERTYPE_IPV4) || unlikely((void *)(ports + 1) > end))
		return false;
	total = swap16(ip->total_bytes);
	if (unlikely(ip->version_words != 0x45 || (ip->fragment & 0xff3f) ||
		     (ip->protocol != IP_TCP && ip->protocol != IP_UDP) || total < sizeof(*ip)))
		return false;
	packet->end = at + total;
	packet->transport = at + sizeof(*ip);
	packet->key.kind |= ip->protocol | FLOW_FAMILY_IPV4 << FLOW_KIND_FAMILY_SHIFT;
	set_ipv4_ends(packet, ip->source, ip->destination, *ports);
	return true;
}

#endif /* LIB_PARSE_BPF_H */
