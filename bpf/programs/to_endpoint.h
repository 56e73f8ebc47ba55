/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that the stack sends to a pod: tc egress at the host side of its veth. */
#ifndef WEIR_TO_ENDPOINT_H
#define WEIR_TO_ENDPOINT_H

#include "../include/weir/neighbour.h"
#include "../include/weir/parse.h"
#include "../include/weir/pod_error.h"

/*
 * The node's own packets come in by no device. Linux refuses one from outside that bears the node's address in IPv4, as
 * a martian; in IPv6 it forwards it, and the node may reach all of its pods. In IPv4 what is left has been translated by
 * the node itself.
 */
WEIR_INLINE int weir_is_posing_as_node(const struct weir_skb *skb, const struct weir_packet *packet,
				       const struct weir_flow *flow)
{
	return packet->family == 6 && flow->source.identity == WEIR_IDENTITY_HOST && skb->ingress_ifindex;
}

/* What weir_to_endpoint_judged returns for an answer that may pass once it is rewritten. */
#define WEIR_REWRITTEN (-2)

WEIR_APART int weir_to_endpoint_judged(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_INGRESS};
	const struct weir_endpoint *to;
	__u32 slot;
	int reason;

	/* Of an answer whose entry was forgotten the pair tells who asked. */
	if (weir_nat_awaits(packet)) {
		packet->backwards = 1;
		flow.flags = WEIR_CT_AT_POD;
	}
	weir_resolve_flow(packet, &flow);
	slot = flow.destination.slot;
	to = weir_endpoint_at(&slot);
	if (slot < WEIR_FIRST_ENDPOINT_SLOT || !to)
		return weir_drop(skb, packet, &flow, WEIR_UNKNOWN_TARGET);
	if (to->ifindex != skb->ifindex)
		return weir_drop(skb, packet, &flow, WEIR_STALE_TARGET);
	/* A pod's packets come here by way of from_endpoint, or someone else uses its address. */
	if (flow.source.slot >= WEIR_FIRST_ENDPOINT_SLOT && !weir_is_marked(skb))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	if (weir_is_posing_as_node(skb, packet, &flow))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	if (!weir_to_itself(packet)) {
		reason = weir_admit(skb, packet, &flow);
		if (reason)
			return weir_drop(skb, packet, &flow, reason);
		if (flow.is_reply && (flow.flags & WEIR_CT_AT_POD))
			return WEIR_REWRITTEN;
	}
	return weir_deliver(skb, packet);
}

/* An answer of a flow that a pair rewrites. */
WEIR_APART int weir_to_endpoint_answer(struct weir_skb *skb, struct weir_packet *packet)
{
	const int reason = weir_nat_answer(skb, packet);

	if (reason)
		return weir_drop_early(skb, packet, WEIR_INGRESS, reason);
	return weir_deliver(skb, packet);
}

/* A new flow, or one whose verdict may have changed. */
WEIR_INLINE int weir_to_endpoint_anew(struct weir_skb *skb, struct weir_packet *packet)
{
	const int result = weir_to_endpoint_judged(skb, packet);

	return result == WEIR_REWRITTEN ? weir_to_endpoint_answer(skb, packet) : result;
}


WEIR_INLINE int weir_to_endpoint_error(struct weir_skb *skb, struct weir_packet *packet)
{
	int result = weir_error_to_endpoint(skb, packet);

	if (result)
		return result;
	result = weir_error_reaches(skb, packet);
	if (result)
		return weir_drop_early(skb, packet, WEIR_INGRESS, result);
	return weir_deliver(skb, packet);
}

WEIR_INLINE int weir_to_endpoint_rare(struct weir_skb *skb, struct weir_packet *packet, __u32 reason)
{
	if (reason)
		return weir_drop_early(skb, packet, WEIR_INGRESS, reason);
	switch (packet->kind) {
	case WEIR_KIND_ARP:
		weir_count(skb, WEIR_PASSED, WEIR_INGRESS);
		return TC_ACT_OK;
	case WEIR_KIND_NEIGHBOUR:
		return weir_neighbour_to_endpoint(skb, packet);
	case WEIR_KIND_MEMBERSHIP:
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_INGRESS);
	default:
		return weir_to_endpoint_error(skb, packet);
	}
}

WEIR_INLINE int weir_to_endpoint_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const int reason = weir_parse(skb, &packet);
	struct weir_endpoint *from, *to;
	struct weir_ct *entry;
	__u32 side;
	__u64 now;

	if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
		return weir_to_endpoint_rare(skb, &packet, reason);
	side = weir_side(&packet);
	entry = weir_ct_find(&packet, side);
	now = weir_now();
	if (weir_unlikely(!entry || entry->cut || now >= entry->expires || weir_reopens(&packet, entry, side)))
		return weir_to_endpoint_anew(skb, &packet);
	from = weir_endpoint_at(&entry->slot[side & 1]);
	to = weir_endpoint_at(&entry->slot[(side & 1) ^ 1]);
	if (weir_unlikely(!from || !to || from->generation + to->generation != entry->generation))
		return weir_to_endpoint_anew(skb, &packet);
	if (weir_unlikely(to->ifindex != skb->ifindex ||
			  (entry->slot[side & 1] >= WEIR_FIRST_ENDPOINT_SLOT && !weir_is_marked(skb))))
		return weir_to_endpoint_anew(skb, &packet);
	weir_ct_touch(entry, side, &packet, now);
	if (weir_unlikely(entry->flags & WEIR_CT_AT_POD) && entry->originator != (side & 1))
		return weir_to_endpoint_answer(skb, &packet);
	return weir_deliver(skb, &packet);
}

#endif
