/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Services for those outside: a packet that comes to the node for a node port, a load balancer's or an external address
 * goes to a backend. To one of this node it keeps its sender, whom policy at the pod judges; to one of another node it
 * bears this node's address, so that the answer comes back here. The hooks of a device share this: XDP takes frames of the
 * common shapes, and leaves everything else as it is to traffic control.
 */
#ifndef WEIR_NORTH_H
#define WEIR_NORTH_H

#include <linux/ip.h>

#include "judge.h"
#include "nat.h"
#include "nodes_own.h"
#include "select.h"

/* How long a next hop is taken for what it was. */
#define WEIR_HOP_SECONDS 2

enum weir_north {
	WEIR_NORTH_READY = 0,  /* there is a pair now */
	WEIR_NORTH_NONE = -1,  /* no service is there */
	WEIR_NORTH_REFUSE = -2, /* it has no backend */
	WEIR_NORTH_NO_WAY = -3, /* no neighbour is known on the way: the stack has to ask for one */
	/* above 0: why it is dropped */
};

WEIR_INLINE int weir_in_nat_range(__u16 port)
{
	return port >= weir_nat_first_port && port <= weir_nat_last_port;
}

/* Are there services for those outside at all? */
WEIR_INLINE int weir_has_northern(void)
{
	const __u32 index = WEIR_PORT_ANY;
	const struct weir_ports *any = bpf_map_lookup_elem(&weir_ports, &index);

	return any && any->bits;
}

/* What a packet to a port may be, before anything is looked for in a table of flows or services. */
enum weir_northern {
	WEIR_MAY_BE_ANSWER = 1,  /* of a backend of another node */
	WEIR_MAY_BE_SERVICE = 2, /* for one */
};

/* Of WEIR_MAY_BE_…; few packets that are neither get past this. */
WEIR_INLINE __u32 weir_is_northern(__u8 protocol, __u16 destination_port)
{
	const __u16 port = weir_be16(destination_port);
	__u32 index, may = weir_in_nat_range(port) ? WEIR_MAY_BE_ANSWER : 0;
	const struct weir_ports *ports;

	if (protocol == IPPROTO_TCP)
		index = 0;
	else if (protocol == IPPROTO_UDP)
		index = 1;
	else if (protocol == IPPROTO_SCTP)
		index = 2;
	else
		return 0;
	index = index * (65536 / WEIR_PORT_BITS) + port / WEIR_PORT_BITS;
	ports = bpf_map_lookup_elem(&weir_ports, &index);
	if (ports && ports->bits >> port % WEIR_PORT_BITS & 1)
		may |= WEIR_MAY_BE_SERVICE;
	return may;
}

/* Where the half for such a packet is. */
WEIR_INLINE __u32 weir_northern_where(__u32 may)
{
	return may & WEIR_MAY_BE_ANSWER ? WEIR_PAIR_BY_SOURCE | WEIR_PAIR_BY_BOTH : WEIR_PAIR_BY_SOURCE;
}

/* Pairs of the hooks at devices. */
WEIR_INLINE int weir_is_northern_kind(const struct weir_nat *half)
{
	return half->kind == WEIR_NAT_NODE_PORT || half->kind == WEIR_NAT_DSR || half->kind == WEIR_NAT_FORWARDED;
}

/* Does the packet open a flow of its own although there is a half for it? Ports are used again after a close. */
WEIR_INLINE int weir_nat_reopens(__u8 seen, const struct weir_nat *half)
{
	return !half->is_reply && (seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) == WEIR_SEEN_SYN &&
	       ((half->seen[0] | half->seen[1]) & (WEIR_SEEN_FIN | WEIR_SEEN_RST));
}

/* A source that isn't what it was: the packet goes to another node, or comes from one. */
WEIR_INLINE int weir_goes_on(const struct weir_nat *half, const struct weir_tuple *before, const struct weir_tuple *after)
{
	return half->is_reply || half->kind == WEIR_NAT_FORWARDED || !weir_same_address(&before->source, &after->source);
}

/* Does the packet have to say what it was sent to? Later ones of a stream are known by the first. */
WEIR_INLINE int weir_tells(const struct weir_nat *half, __u8 protocol, __u8 seen)
{
	return half->kind == WEIR_NAT_FORWARDED && !half->is_reply &&
	       (protocol == IPPROTO_UDP || (seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) == WEIR_SEEN_SYN);
}

/* Does the backend that the flow has still exist? */
WEIR_INLINE int weir_backend_is(const struct weir_nat *half, const struct weir_tuple *after)
{
	struct weir_target at = {.family = after->family, .protocol = after->protocol};

	return weir_backend_at(half->backend, &at) && at.port == after->destination_port &&
	       weir_same_address(&at.address, &after->destination);
}

WEIR_INLINE int weir_north_is_free(void *context, const struct weir_tuple *after)
{
	(void)context;
	(void)after;
	return 0;
}

WEIR_NAT_OPENER(weir_north_open_far, weir_is_nodes_own)
WEIR_NAT_OPENER(weir_north_open_near, weir_north_is_free)

/* A next hop, as struct weir_nat keeps it. */
struct weir_hop_to {
	__u32 ifindex; /* 0: no way */
	__u32 mtu;
	__u8 macs[12];
	__u8 has_neighbour;
	__u8 pad[3];
};

/* The way to `after`'s destination for what came in by `ifindex`. */
WEIR_APART int weir_find_hop(void *context, const struct weir_tuple *after, __u32 ifindex, struct weir_hop_to *hop)
{
	struct bpf_fib_lookup way = {.ifindex = ifindex, .l4_protocol = after->protocol};
	long result;

	/* Any length, so that the MTU is told. */
	way.tot_len = 1;
	way.sport = after->source_port;
	way.dport = after->destination_port;
	if (after->family == 4) {
		way.family = 2; /* AF_INET */
		way.ipv4_src = after->source.word[0];
		way.ipv4_dst = after->destination.word[0];
	} else {
		way.family = 10; /* AF_INET6 */
		__builtin_memcpy(way.ipv6_src, &after->source, 16);
		__builtin_memcpy(way.ipv6_dst, &after->destination, 16);
	}
	result = bpf_fib_lookup(context, &way, sizeof(way), 0);
	if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH) {
		hop->ifindex = 0;
		return 0;
	}
	hop->ifindex = way.ifindex;
	hop->has_neighbour = result == BPF_FIB_LKUP_RET_SUCCESS;
	/* The length that was asked about, where no answer came. */
	hop->mtu = hop->has_neighbour ? way.mtu_result : 0;
	__builtin_memcpy(hop->macs, way.dmac, 6);
	__builtin_memcpy(hop->macs + 6, way.smac, 6);
	return 0;
}

WEIR_INLINE void weir_keep_hop(struct weir_nat *half, const struct weir_hop_to *hop, __u64 now)
{
	half->hop_ifindex = hop->ifindex;
	half->hop_mtu = hop->mtu;
	__builtin_memcpy(half->hop_macs, hop->macs, sizeof(half->hop_macs));
	half->hop_until = hop->has_neighbour ? now / WEIR_SECOND + WEIR_HOP_SECONDS : 0;
}

WEIR_INLINE int weir_hop_is_known(const struct weir_nat *half, __u64 now)
{
	return half->hop_until > now / WEIR_SECOND;
}

/* The address that the node has at a device; 0 when it has none of the family. */
WEIR_INLINE int weir_own_address(__u32 ifindex, int family, union weir_address *address)
{
	const struct weir_own *own = bpf_map_lookup_elem(&weir_own, &ifindex);

	if (!own)
		return 0;
	address->half[0] = address->half[1] = 0;
	if (family == 4)
		__builtin_memcpy(address, own->four, 4);
	else
		__builtin_memcpy(address, own->six, 16);
	return (address->half[0] | address->half[1]) != 0;
}

/* Is a backend of this node's? Then the stack knows the way. */
WEIR_INLINE int weir_is_here(const union weir_address *address, int family)
{
	const struct weir_peer *peer = weir_exact(address, family);

	return peer && (peer->slot || peer->identity == WEIR_IDENTITY_HOST);
}

/* Does a backend of another node answer by itself? */
WEIR_INLINE int weir_returns_directly(__u8 protocol)
{
	return (protocol == IPPROTO_TCP && (weir_direct_return & 1)) || (protocol == IPPROTO_UDP && (weir_direct_return & 2));
}

/*
 * A backend for a new flow of the sender of `before`: `after` becomes what is sent to it. 0, or as enum weir_north says.
 * The backend of try 0 is the same on every node.
 */
WEIR_GLOBAL int weir_north_choose(const struct weir_tuple *before, struct weir_tuple *after, __u32 *index, __u32 try)
{
	const struct weir_frontend *frontend;
	struct weir_target to = {};

	if (!before || !after || !index)
		return WEIR_NORTH_NONE;

	/* Once more if the backend went between the lookups: the frontend that led there has flipped before that. */
	for (int round = 0; round < 2; round++) {
		to.address = before->destination;
		to.port = before->destination_port;
		to.protocol = before->protocol;
		to.family = before->family;
		frontend = weir_frontend_of(&to, WEIR_EXTERNAL);
		if (!frontend)
			return WEIR_NORTH_NONE;
		if (!frontend->count)
			return WEIR_NORTH_REFUSE;
		if ((frontend->flags & WEIR_SOURCE_RANGES) &&
		    !weir_is_in_ranges(frontend->ranges, &before->source, before->family))
			return WEIR_OUT_OF_RANGES;
		if (!weir_choose(frontend, weir_affinity_client(&before->source), weir_tuple_hash(before, try), &to, index))
			continue;
		after->source = before->source;
		after->source_port = before->source_port;
		after->destination = to.address;
		after->destination_port = to.port;
		if ((frontend->flags & WEIR_LOCAL_ONLY) && !weir_is_here(&to.address, to.family))
			return WEIR_UNSERVED;
		return 0;
	}
	return WEIR_NORTH_REFUSE;
}

/* How many backends are tried for a flow that can't be told from another one of the first. */
#define WEIR_DIRECT_TRIES 16

/*
 * Has the client's port another flow with this very backend, by another address of services? A backend that answers by
 * itself couldn't tell the two: nobody may change the port, as it is the client who sees it in the answer.
 */
WEIR_APART int weir_north_is_ambiguous(const struct weir_tuple *before, const struct weir_tuple *after)
{
	const struct weir_nat *other;
	int is_own = 0;

	if (!weir_returns_directly(before->protocol) || weir_is_here(&after->destination, after->family))
		return 0;
	other = weir_nat_other(before, after, WEIR_PAIR_BY_DESTINATION, &is_own);
	return other && weir_now() < other->expires && !(other->is_reply && is_own);
}

/* The way to the backend, and the address that the node has on it where the answer is to come back. */
WEIR_APART int weir_north_way(void *context, struct weir_tuple *after, struct weir_nat *is, __u32 ifindex, __u64 now)
{
	struct weir_hop_to hop = {};

	weir_find_hop(context, after, ifindex, &hop);
	if (!hop.ifindex)
		return WEIR_NO_ROUTE;
	if (is->kind == WEIR_NAT_NODE_PORT && !weir_own_address(hop.ifindex, after->family, &after->source))
		return WEIR_NO_ROUTE;
	weir_keep_hop(is, &hop, now);
	return 0;
}

/* Where a packet came in, by which it may leave again, and its WEIR_SEEN_*: in one argument, of which there are five. */
WEIR_INLINE __u64 weir_arrival(__u32 ifindex, __u8 seen)
{
	return (__u64)ifindex << 8 | seen;
}

/*
 * Opens the flow of a packet that no half is for; `after` becomes what the packet does. Nothing is said of a packet here, so
 * that whoever can't go on with it may leave it to another hook.
 */
WEIR_APART int weir_north_open(void *context, const struct weir_tuple *before, struct weir_tuple *after, __u64 arrival,
			       __u64 now)
{
	struct weir_nat *is = weir_nat_written();
	__u32 backend = 0;
	int result;

	if (!is)
		return WEIR_NAT_EXHAUSTED;
	for (__u32 try = 0; try < WEIR_DIRECT_TRIES; try++) {
		result = weir_north_choose(before, after, &backend, try);
		if (result)
			return result;
		if (!weir_returns_directly(before->protocol) || !weir_north_is_ambiguous(before, after))
			break;
	}
	/* In the CPU's hands, where it is to be read once the pair is written. */
	*is = (struct weir_nat){.backend = backend, .kind = WEIR_NAT_NODE_PORT};
	weir_nat_begin_with(is, before->protocol, arrival, now);
	if (weir_is_here(&after->destination, after->family))
		return weir_north_open_near(context, before, after, is, now);
	if (weir_returns_directly(before->protocol))
		is->kind = WEIR_NAT_FORWARDED;
	result = weir_north_way(context, after, is, arrival >> 8, now);
	if (result)
		return result;
	/* The client is to see its own port in the answer, which nobody here rewrites. */
	if (is->kind == WEIR_NAT_FORWARDED)
		return weir_nat_claim(before, after, is, now) ? weir_nat_complete(before, after, is, now) : WEIR_NAT_EXHAUSTED;
	/* Only there does whoever sees an answer look for a pair. */
	if (!weir_in_nat_range(weir_be16(after->source_port)))
		after->source_port = weir_nat_port(before, 0);
	return weir_north_open_far(context, before, after, is, now);
}

#endif
