/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that leave a pod: tc ingress at the host side of its veth. */
#ifndef WEIR_FROM_ENDPOINT_H
#define WEIR_FROM_ENDPOINT_H

#include "../include/weir/icmp_error.h"
#include "../include/weir/neighbour.h"
#include "../include/weir/parse.h"

/* A new flow, one whose verdict may have changed, or one that may not be. */
WEIR_APART int weir_from_endpoint_judged(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS};
	const struct weir_endpoint *from, *to;
	__u32 slot;
	int reason;

	weir_resolve_flow(packet, &flow);
	slot = flow.source.slot;
	from = weir_endpoint_at(&slot);
	if (slot < WEIR_FIRST_ENDPOINT_SLOT || !from || from->ifindex != skb->ifindex)
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	if (!weir_source_mac_is(skb, from))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE_MAC);
	slot = flow.destination.slot;
	to = weir_endpoint_at(&slot);
	if (!to)
		return weir_drop(skb, packet, &flow, WEIR_NO_POLICY);
	if (!weir_to_itself(packet)) {
		reason = weir_admit(skb, packet, &flow);
		if (reason)
			return weir_drop(skb, packet, &flow, reason);
	}
	return weir_forward(skb, packet, slot, to);
}

WEIR_INLINE int weir_from_endpoint_rare(struct weir_skb *skb, const struct weir_packet *packet, __u32 reason)
{
	if (reason)
		return weir_drop_early(skb, packet, WEIR_EGRESS, reason);
	switch (packet->kind) {
	case WEIR_KIND_ARP:
		return weir_arp_from_endpoint(skb, packet);
	case WEIR_KIND_NEIGHBOUR:
		return weir_neighbour_from_endpoint(skb, packet);
	case WEIR_KIND_MEMBERSHIP:
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	default:
		return weir_error_from_endpoint(skb, packet);
	}
}

WEIR_INLINE int weir_from_endpoint_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const int reason = weir_parse(skb, &packet);
	struct weir_endpoint *from, *to;
	struct weir_ct *entry;
	__u32 side;
	__u64 now;

	if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
		return weir_from_endpoint_rare(skb, &packet, reason);
	side = weir_side(&packet);
	entry = weir_ct_find(&packet, side);
	now = weir_now();
	if (weir_unlikely(!entry || entry->cut || now >= entry->expires || weir_reopens(&packet, entry, side)))
		return weir_from_endpoint_judged(skb, &packet);
	from = weir_endpoint_at(&entry->slot[side & 1]);
	to = weir_endpoint_at(&entry->slot[(side & 1) ^ 1]);
	if (weir_unlikely(!from || !to || from->generation + to->generation != entry->generation))
		return weir_from_endpoint_judged(skb, &packet);
	/* The entry says whose address the source is; the interface must be that pod's. */
	if (weir_unlikely(from->ifindex != skb->ifindex || !weir_source_mac_is(skb, from)))
		return weir_from_endpoint_judged(skb, &packet);
	weir_ct_touch(entry, side, &packet, now);
	return weir_forward(skb, &packet, entry->slot[(side & 1) ^ 1], to);
}

#endif
