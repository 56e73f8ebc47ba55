/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Pods' packets to egress gateways on other nodes. */
#ifndef WEIR_STEER_H
#define WEIR_STEER_H

#include "forward.h"

/* The way to the node at the address that the rule names: the device's number, 0 when there is none. */
WEIR_APART __u32 weir_way_to_gateway(struct weir_skb *skb, const struct weir_packet *packet,
				     const struct weir_egress *rule, struct bpf_redir_neigh *next)
{
	struct bpf_fib_lookup way = {.ifindex = skb->ifindex, .l4_protocol = packet->protocol};
	int found;

	if (packet->family == 4) {
		way.family = WEIR_AF_INET;
		way.ipv4_src = packet->source.word[0];
		__builtin_memcpy(&way.ipv4_dst, rule->address, 4);
	} else {
		way.family = WEIR_AF_INET6;
		__builtin_memcpy(way.ipv6_src, &packet->source, 16);
		__builtin_memcpy(way.ipv6_dst, rule->address, 16);
	}
	found = bpf_fib_lookup(skb, &way, sizeof(way), 0);
	if (found != BPF_FIB_LKUP_RET_SUCCESS && found != BPF_FIB_LKUP_RET_NO_NEIGH)
		return 0;
	/* By now the destination of the lookup is the next hop. */
	next->nh_family = way.family;
	if (packet->family == 4)
		next->ipv4_nh = way.ipv4_dst;
	else
		__builtin_memcpy(next->ipv6_nh, way.ipv6_dst, 16);
	return way.ifindex;
}

/* Sends a packet to the gateway, whatever the routes to its destination say. */
WEIR_APART int weir_steer_to(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_egress *rule)
{
	struct bpf_redir_neigh next = {};
	const __u32 ifindex = weir_way_to_gateway(skb, packet, rule, &next);
	int hop;

	if (!ifindex)
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_NO_GATEWAY);
	hop = weir_hop(skb, packet->family, 0);
	if (hop == WEIR_HOP_LAST)
		return weir_to_stack(skb);
	if (hop == WEIR_HOP_FAILED)
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_WRITE_FAILED);
	weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
	skb->mark = (skb->mark & ~WEIR_MARK_MASK) | WEIR_MARK_STEERED;
	return bpf_redirect_neigh(ifindex, &next, sizeof(next), 0);
}

/*
 * On its way out, where an egress gateway policy may have a say. It has none in what stays in the cluster, nor in answers
 * to those who have called the pod.
 */
WEIR_APART int weir_steer(struct weir_skb *skb, const struct weir_packet *packet)
{
	const struct weir_egress *rule = weir_egress_rule(packet);

	if (rule && !weir_stays_in_cluster(packet) && !weir_answers(packet, weir_ct_live(packet))) {
		if (rule->action == WEIR_EGRESS_NO_GATEWAY)
			return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_NO_GATEWAY);
		if (rule->action == WEIR_EGRESS_NO_ADDRESS)
			return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_NO_EGRESS_ADDRESS);
		if (rule->action == WEIR_EGRESS_STEER)
			return weir_steer_to(skb, packet, rule);
	}
	weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
	return weir_to_stack(skb);
}

#endif
