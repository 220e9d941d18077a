/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * Whose sockets the ends of a flow are: told by the calls of processes on their sockets, so that those are known, too, that have ended
 * before the helper looks. A socket's storage remembers who was told of last, so that further calls cost a look at it.
 */
#ifndef LIB_FLOW_OWNER_BPF_H
#define LIB_FLOW_OWNER_BPF_H

#include "flow.bpf.h"
#include "pidns.bpf.h"

#define AF_INET		2	/* <sys/socket.h> */
#define AF_INET6	10

#define BPF_MAP_TYPE_SK_STORAGE		24
#define BPF_F_NO_PREALLOC		(1U << 0)
#define BPF_SK_STORAGE_GET_F_CREATE	(1ULL << 0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 bytes[16];
};

struct net {
	struct ns_common ns;
};

struct sock_common {
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	struct {
		struct net *net;
	} skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

#pragma clang attribute pop

struct told {
	__u32 pid;
	__u32 remote_port;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct told);
} flow_told SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow_key);
	__type(value, struct flow_owner);
} flow_owners SEC(".maps");

static void *(*const call_socket_storage)(void *map, void *sk, void *value, __u64 flags) = (void *)107;

static __noinline void keep_owner(const struct packet *packet, __u32 pid)
{
	struct flow_owner owner = {}, *known = bpf_map_lookup_elem(&flow_owners, &packet->key);

	if (known)
		owner = *known;
	/* `side` is of a packet that the socket sends. */
	if (packet->side & 1) {
		owner.pid[1] = pid;
		bpf_get_current_comm(owner.comm_second, sizeof(owner.comm_second));
	} else {
		owner.pid[0] = pid;
		bpf_get_current_comm(owner.comm_first, sizeof(owner.comm_first));
	}
	bpf_map_update_elem(&flow_owners, &packet->key, &owner, BPF_ANY);
}

static __always_inline void read_ipv6(const struct in6_addr *from, __u64 *to)
{
	bpf_probe_read_kernel(to, 16, from);
}

/* The current process has used this socket. */
static __always_inline void tell_owner(struct sock *sk)
{
	struct packet packet = {};
	__u16 family = sk->__sk_common.skc_family, protocol = sk->sk_protocol;
	__u64 local[2] = {}, remote[2] = {};
	struct told *told;
	__u32 ports;
	__u32 pid;

	if ((family != AF_INET && family != AF_INET6) || (protocol != IP_TCP && protocol != IP_UDP && protocol != IP_SCTP))
		return;
	told = call_socket_storage(&flow_told, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!told)
		return;
	pid = current_tgid();
	ports = (__u32)sk->__sk_common.skc_dport << 16 | swap16(sk->__sk_common.skc_num);
	if (!pid || (told->pid == pid && told->remote_port == ports))
		return;
	told->pid = pid;
	told->remote_port = ports;
	if (family == AF_INET6) {
		read_ipv6(&sk->__sk_common.skc_v6_rcv_saddr, local);
		read_ipv6(&sk->__sk_common.skc_v6_daddr, remote);
		/* ::ffff:a.b.c.d speaks IPv4. */
		if ((!local[0] && (__u32)local[1] == 0xffff0000) || (!remote[0] && (__u32)remote[1] == 0xffff0000)) {
			family = AF_INET;
			local[0] = local[1] >> 32;
			remote[0] = remote[1] >> 32;
		}
	} else {
		local[0] = sk->__sk_common.skc_rcv_saddr;
		remote[0] = sk->__sk_common.skc_daddr;
	}
	packet.key.kind = (__u64)sk->__sk_common.skc_net.net->ns.inum << 32 | protocol |
			  (family == AF_INET ? FLOW_FAMILY_IPV4 : FLOW_FAMILY_IPV6) << FLOW_KIND_FAMILY_SHIFT;
	if (family == AF_INET)
		set_ipv4_ends(&packet, local[0], remote[0], ports);
	else
		set_ipv6_ends(&packet, local, remote, ports);
	keep_owner(&packet, pid);
}

#endif /* LIB_FLOW_OWNER_BPF_H */
