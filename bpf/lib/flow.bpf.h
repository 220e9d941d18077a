/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The table of flows, and what one packet does to it. The table is our own, over an array: finding a flow calls no helper function,
 * which the kernel's hash would for each packet. A flow lies
 * in one of two groups of eight; its place in the first is tried before all others. A new flow takes a free place, else that
 * of the flow whose last packet is longest ago. Both directions are one entry. A direction's packets and bytes belong to the CPU that
 * saw it first, which adds without a lock; other CPUs add to figures of their own, atomically. TCP's order is kept by plain writes:
 * one direction on two CPUs in the same moment may cost a retransmission its place in the figures, no packet its count.
 *
 * What is not done for each packet is a global function, which the verifier checks once and not for each way that leads there: such a
 * function takes numbers and the program's context only (5.6), so a flow is named by its place, and a packet lies in `flow_works`.
 */
#ifndef LIB_FLOW_BPF_H
#define LIB_FLOW_BPF_H

#include "parse.bpf.h"
#include "ringbuf.bpf.h"

#define GROUP_MASK		(FLOW_GROUPS - 1)
#define WAY_SHIFT		61	/* the hash's highest bits choose the place in a group, */
#define SECOND_SHIFT		27	/* these the second group */
#define KEEP_LIVE		(1ULL << FLOW_KIND_LIVE_SHIFT)
#define HOLE_REORDER_NS		3000000	/* what fills a hole later than this was sent again, where no handshake tells more */

_Static_assert(FLOW_GROUP_FLOWS == 8, "three bits of the hash");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_GROUPS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_group);
} flows SEC(".maps");

/* include/uapi/linux/bpf.h */
struct bpf_spin_lock {
	__u32 val;
};

struct flow_gate {
	struct bpf_spin_lock lock;
	__u32 reserved;
	__u64 zero;
	struct flow_totals totals;
};

/* Whoever changes which flows there are. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_gate);
} flow_gate SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_control);
} flow_control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_counters);
} flow_counters SEC(".maps");

/* The packet in hand, for what is not done with each. */
struct flow_work {
	struct packet packet;
	__u64 hash;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_work);
} flow_works SEC(".maps");

static __always_inline struct flow_work *this_cpu_work(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flow_works, &zero);
}

static __always_inline struct flow_control *get_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flow_control, &zero);
}

/* Place of a flow: number of its group, times eight, and of its place in there. */
static __always_inline struct flow *flow_by_place(__u64 place)
{
	__u32 index = place >> 3;
	struct flow_group *group = bpf_map_lookup_elem(&flows, &index);

	if (!group)
		return 0;
	/* Not before the test. */
	asm volatile("" : "+r"(group));
	return &group->flows[place & (FLOW_GROUP_FLOWS - 1)];
}

static __always_inline struct flow_counters *flow_cpu_counters(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&flow_counters, &zero);
}

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
/* There since 5.11, like the coarse clock. */
struct btf;
struct bpf_prog_aux {
	struct btf *attach_btf;
};
#pragma clang attribute pop

static __u64 (*const call_coarse_ns)(void) = (void *)160;

/* The time to some ms, without reading a counter of the machine. */
static __always_inline __u64 coarse_ns(void)
{
	struct bpf_prog_aux *aux = 0;

	if (bpf_core_field_exists(aux->attach_btf))
		return call_coarse_ns();
	return bpf_ktime_get_ns();
}

static __always_inline __u64 flow_hash(const struct flow_key *key, __u64 seed)
{
	__u64 hash = key->address[0] ^ seed;

	hash *= 0x9e3779b97f4a7c15ULL;
	if ((key->kind >> FLOW_KIND_FAMILY_SHIFT & 0xff) == FLOW_FAMILY_IPV6) {
		hash ^= hash >> 32 ^ key->address[1];
		hash *= 0xff51afd7ed558ccdULL;
		hash ^= hash >> 32 ^ key->address[2];
		hash *= 0xc4ceb9fe1a85ec53ULL;
		hash ^= hash >> 32 ^ key->address[3];
		hash *= 0x9e3779b97f4a7c15ULL;
	}
	hash ^= hash >> 32 ^ key->ends;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 32 ^ key->kind;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 29;
}

static __always_inline bool is_flow(const struct flow *flow, const struct flow_key *key)
{
	if (flow->key.kind != key->kind || flow->key.ends != key->ends || flow->key.address[0] != key->address[0])
		return false;
	if ((key->kind >> FLOW_KIND_FAMILY_SHIFT & 0xff) == FLOW_FAMILY_IPV4)
		return true;
	return flow->key.address[1] == key->address[1] && flow->key.address[2] == key->address[2] &&
	       flow->key.address[3] == key->address[3];
}

struct flow_groups {
	struct flow_group *first, *second;
	__u32 first_index, second_index;
	__u64 home;		/* in the first */
};

static __always_inline bool find_groups(struct flow_groups *groups, __u64 hash, const struct flow_control *control)
{
	__u32 mask = GROUP_MASK | control->more_groups;

	groups->first_index = hash & mask;
	groups->second_index = hash >> SECOND_SHIFT & mask;
	groups->home = hash >> WAY_SHIFT;
	groups->first = bpf_map_lookup_elem(&flows, &groups->first_index);
	groups->second = bpf_map_lookup_elem(&flows, &groups->second_index);
	return groups->first && groups->second;
}

static __always_inline __u64 place_of(const struct flow_groups *groups, __u64 at)
{
	return (at & FLOW_GROUP_FLOWS ? (__u64)groups->second_index : groups->first_index) << 3 | (at & (FLOW_GROUP_FLOWS - 1));
}

#define NO_PLACE	(~0ULL)

static __always_inline __u64 find_place(const struct flow_groups *groups, const struct flow_key *key)
{
	__u64 i;

	for (i = 0; i < FLOW_GROUP_FLOWS; i++)
		if (is_flow(&groups->first->flows[i], key))
			return place_of(groups, i);
	for (i = 0; i < FLOW_GROUP_FLOWS; i++)
		if (is_flow(&groups->second->flows[i], key))
			return place_of(groups, i + FLOW_GROUP_FLOWS);
	return NO_PLACE;
}

#define RANK_LIVE	(1ULL << 63)

/* Of two places the one of lower rank is taken: free ones, then those of connections that have ended, then what was unused for longest. */
static __always_inline __u64 rank_of(const struct flow *flow)
{
	if (!flow->key.kind)
		return 0;
	return (flow->key.kind & KEEP_LIVE ? RANK_LIVE : 1) + flow->last_ns;
}

static __always_inline struct flow *flow_at(struct flow_group *first, struct flow_group *second, __u64 at)
{
	/* Else the compiler would choose by an offset on the stack, where the verifier loses what it knows of the pointers. */
	asm volatile("" : "+r"(first));
	asm volatile("" : "+r"(second));
	if (at & FLOW_GROUP_FLOWS)
		first = second;
	return &first->flows[at & (FLOW_GROUP_FLOWS - 1)];
}

/*
 * Place of the flow of the packet in hand, which is made where there is none; NO_PLACE: no room. Another CPU may have made it since
 * it was looked for: it is looked for again under the lock. `anew`: what has this key now has ended.
 */
__noinline __u64 flow_find_or_make(__u32 anew)
{
	struct flow_control *control = get_control();
	struct flow_work *work = this_cpu_work();
	__u64 now, best, best_rank, rank, blur, read_ns;
	struct flow_groups groups = {};
	struct flow_gate *gate;
	struct flow *flow;
	__u32 zero = 0;
	__u64 *word, i;

	gate = bpf_map_lookup_elem(&flow_gate, &zero);
	if (!gate || !control || !work || !find_groups(&groups, work->hash, control))
		return NO_PLACE;
	best = find_place(&groups, &work->packet.key);
	if (best != NO_PLACE && !anew)
		return best;
	read_ns = control->read_ns;
	now = bpf_ktime_get_ns();
	bpf_spin_lock(&gate->lock);
	/* 0, which the verifier does not know: it would follow the rest for each place that may be the best. */
	blur = forget(gate->zero);
	best = groups.home;
	best_rank = rank_of(&groups.first->flows[best]);
	for (i = 0; i < 2 * FLOW_GROUP_FLOWS; i++) {
		flow = i < FLOW_GROUP_FLOWS ? &groups.first->flows[i] : &groups.second->flows[i & (FLOW_GROUP_FLOWS - 1)];
		if (is_flow(flow, &work->packet.key)) {
			if (!anew) {
				bpf_spin_unlock(&gate->lock);
				return place_of(&groups, i);
			}
			flow->key.kind &= ~KEEP_LIVE;
		}
		rank = rank_of(flow) + blur;
		if (rank < best_rank) {
			best_rank = rank;
			best = i + blur;
		}
	}
	flow = flow_at(groups.first, groups.second, best);
	if (flow->key.kind) {
		if (flow->last_ns >= read_ns)
			gate->totals.evicted++;
		gate->totals.gone_packets += flow->sides[0].packets + flow->sides[1].packets + flow->rare[0].packets +
					     flow->rare[1].packets;
		gate->totals.gone_bytes += flow->sides[0].bytes + flow->sides[1].bytes + flow->rare[0].bytes + flow->rare[1].bytes;
	}
	/* From here on nobody finds what was there, and until its last line not what comes. */
	flow->key.kind = 0;
	asm volatile("" ::: "memory");
	word = (__u64 *)flow;
	for (i = 0; i < sizeof(*flow) / 8; i++)
		word[i] = 0;
	for (i = 0; i < 4; i++)
		flow->key.address[i] = work->packet.key.address[i];
	flow->key.ends = work->packet.key.ends;
	flow->first_ns = now;
	flow->last_ns = now;
	flow->serial = ++gate->totals.created;
	asm volatile("" ::: "memory");
	flow->key.kind = work->packet.key.kind;
	bpf_spin_unlock(&gate->lock);
	return place_of(&groups, best);
}

/* 1 where it is not 0, without a branch: each would be one more way for the verifier to follow, for each of the rules. */
static __always_inline __u64 is_not_zero(__u64 number)
{
	return (number | -number) >> 63;
}

/* One `except` that fits: no. Else one other that fits, or none of those there: yes. */
__noinline int flow_is_wanted(__u32 unused)
{
	struct flow_control *control = get_control();
	struct flow_work *work = this_cpu_work();
	__u64 a0, a1, b0, b1, kind, ends;
	__u64 fitting = 0, refused = 0, choosing = 0, miss, first, second, fit;
	const struct flow_rule *rule;
	__u32 i;

	if (!control || !work)
		return true;
	a0 = work->packet.key.address[0];
	a1 = work->packet.key.address[1];
	b0 = work->packet.key.address[2];
	b1 = work->packet.key.address[3];
	kind = work->packet.key.kind;
	ends = work->packet.key.ends;
	if ((kind >> FLOW_KIND_FAMILY_SHIFT & 0xff) == FLOW_FAMILY_IPV4) {
		b0 = a0 >> 32;
		a0 = (__u32)a0;
	}
	for (i = 0; i < FLOW_RULES; i++) {
		rule = &control->rules[i];
		first = ((a0 ^ rule->address[0]) & rule->mask[0]) | ((a1 ^ rule->address[1]) & rule->mask[1]);
		second = ((b0 ^ rule->address[0]) & rule->mask[0]) | ((b1 ^ rule->address[1]) & rule->mask[1]);
		miss = (is_not_zero(first) & is_not_zero(second)) | ((kind ^ rule->kind) & rule->kind_mask);
		first = (ends ^ rule->port) & rule->port_mask;
		second = (ends >> 16 ^ rule->port) & rule->port_mask;
		miss |= first * second;
		fit = rule->used & ~is_not_zero(miss);
		refused |= fit & rule->except;
		fitting |= fit & ~(__u64)rule->except;
		choosing |= rule->used & ~(__u64)rule->except;
	}
	return !(refused & 1) && ((fitting & 1) || !(choosing & 1));
}

#endif /* LIB_FLOW_BPF_H */
