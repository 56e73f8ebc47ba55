/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that leave a pod: tc ingress at the host side of its veth. */
#ifndef WEIR_FROM_ENDPOINT_H
#define WEIR_FROM_ENDPOINT_H

#include "../include/weir/icmp_error.h"
#include "../include/weir/neighbour.h"
#include "../include/weir/parse.h"
#include "../include/weir/pod_nat.h"
#include "../include/weir/steer.h"

/* Of a sender with this slot: 0 when it is the pod at the interface, else the drop reason. */
WEIR_INLINE int weir_forged(struct weir_skb *skb, __u32 slot)
{
	const struct weir_endpoint *from = weir_endpoint_at(&slot);

	if (slot < WEIR_FIRST_ENDPOINT_SLOT || !from || from->ifindex != skb->ifindex)
		return WEIR_BAD_SOURCE;
	return weir_source_mac_is(skb, from) ? WEIR_PASSED : WEIR_BAD_SOURCE_MAC;
}

/* What a packet that may leave needs to go on. */
struct weir_way {
	__u32 slot;     /* of who it is for */
	__u8 is_paired; /* a pair rewrites the flow */
	__u8 is_answer; /* and this packet where it is delivered */
	__u8 pad[2];
};

/* A new flow, one whose verdict may have changed, or one that may not be. 0 when the packet may leave. */
WEIR_APART int weir_from_endpoint_admit(struct weir_skb *skb, const struct weir_packet *packet, struct weir_way *way)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS, .flags = way->is_paired ? WEIR_CT_AT_POD : 0};
	int reason;

	weir_resolve_flow(packet, &flow);
	reason = weir_forged(skb, flow.source.slot);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	way->slot = flow.destination.slot;
	if (!weir_endpoint_at(&way->slot))
		return weir_drop(skb, packet, &flow, WEIR_NO_POLICY);
	if (weir_to_itself(packet))
		return 0;
	reason = weir_admit(skb, packet, &flow);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	way->is_answer = flow.is_reply && (flow.flags & WEIR_CT_AT_POD);
	return 0;
}

/* On its way, when policy has nothing against it. An answer that the stack delivers is rewritten there. */
WEIR_APART int weir_from_endpoint_go(struct weir_skb *skb, struct weir_packet *packet, const struct weir_way *way)
{
	const struct weir_endpoint *to = weir_endpoint_at(&way->slot);
	int reason;

	if (!to)
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_NO_POLICY);
	if (way->is_answer && weir_is_handed_over(way->slot, to)) {
		reason = weir_nat_answer(skb, packet);
		if (reason)
			return weir_drop_early(skb, packet, WEIR_EGRESS, reason);
	}
	return weir_forward(skb, packet, way->slot, to);
}

/* As for packets that no pair rewrites: 1 when there is an entry whose verdict holds. */
WEIR_APART int weir_from_endpoint_holds(struct weir_skb *skb, const struct weir_packet *packet, struct weir_way *way)
{
	const __u32 side = weir_side(packet) & 1;
	struct weir_ct *entry = weir_ct_find(packet, side);
	const struct weir_endpoint *from, *to;
	const __u64 now = weir_now();

	if (!entry || entry->cut || now >= entry->expires || weir_reopens(packet, entry, side))
		return 0;
	from = weir_endpoint_at(&entry->slot[side]);
	to = weir_endpoint_at(&entry->slot[side ^ 1]);
	if (!from || !to || from->generation + to->generation != entry->generation || from->ifindex != skb->ifindex ||
	    !weir_source_mac_is(skb, from))
		return 0;
	if (weir_unlikely(!(entry->flags & WEIR_CT_AT_POD)))
		entry->flags |= WEIR_CT_AT_POD;
	weir_ct_touch(entry, side, packet, now);
	way->slot = entry->slot[side ^ 1];
	return 1;
}

/* A pod reaches itself: no policy asked, no flow to remember but the pair. */
WEIR_APART int weir_from_endpoint_turn(struct weir_skb *skb, const struct weir_packet *packet, struct weir_tuple *was,
				       struct weir_way *way)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS};
	int reason;

	weir_resolve(&was->source, packet->family, &flow.source);
	way->slot = flow.source.slot;
	reason = weir_forged(skb, way->slot);
	return reason ? weir_drop(skb, packet, &flow, reason) : 0;
}

/* A packet that no live entry is for as it is. */
WEIR_APART int weir_from_endpoint_unknown(struct weir_skb *skb, struct weir_packet *packet)
{
	const __u8 backwards = packet->backwards;
	struct weir_way way = {};
	struct weir_tuple was;
	const int kind = weir_nat_leave(packet, &was);
	int result = 0;

	way.is_paired = kind || packet->backwards != backwards;
	if (kind == WEIR_NAT_HAIRPIN)
		result = weir_from_endpoint_turn(skb, packet, &was, &way);
	else if (!kind || !weir_from_endpoint_holds(skb, packet, &way))
		result = weir_from_endpoint_admit(skb, packet, &way);
	if (result)
		return result;
	if (kind) {
		result = weir_rewrite(skb, packet, &was);
		if (result)
			return weir_drop_early(skb, packet, WEIR_EGRESS, result);
	}
	return weir_from_endpoint_go(skb, packet, &way);
}

/* One whose entry says that its verdict may have changed, or that it may not be. */
WEIR_APART int weir_from_endpoint_judged(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_way way = {};
	const int result = weir_from_endpoint_admit(skb, packet, &way);

	return result ? result : weir_from_endpoint_go(skb, packet, &way);
}

/* An answer of a flow that a pair rewrites. */
WEIR_APART int weir_from_endpoint_answer(struct weir_skb *skb, struct weir_packet *packet, __u32 slot)
{
	const struct weir_way way = {.slot = slot, .is_answer = 1};

	return weir_from_endpoint_go(skb, packet, &way);
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

WEIR_INLINE int weir_from_endpoint_pass(struct weir_skb *skb, struct weir_packet *packet)
{
	const int reason = weir_parse(skb, packet);
	struct weir_endpoint *from, *to;
	struct weir_ct *entry;
	__u32 side;
	__u64 now;

	if (weir_unlikely(reason || packet->kind != WEIR_KIND_FLOW))
		return weir_from_endpoint_rare(skb, packet, reason);
	side = weir_side(packet);
	entry = weir_ct_find(packet, side);
	now = weir_now();
	if (weir_unlikely(!entry || entry->cut || now >= entry->expires || weir_reopens(packet, entry, side)))
		return weir_from_endpoint_unknown(skb, packet);
	from = weir_endpoint_at(&entry->slot[side & 1]);
	to = weir_endpoint_at(&entry->slot[(side & 1) ^ 1]);
	if (weir_unlikely(!from || !to || from->generation + to->generation != entry->generation))
		return weir_from_endpoint_judged(skb, packet);
	/* The entry says whose address the source is; the interface must be that pod's. */
	if (weir_unlikely(from->ifindex != skb->ifindex || !weir_source_mac_is(skb, from)))
		return weir_from_endpoint_judged(skb, packet);
	weir_ct_touch(entry, side, packet, now);
	if (weir_unlikely(entry->flags & WEIR_CT_AT_POD) && entry->originator != (side & 1))
		return weir_from_endpoint_answer(skb, packet, entry->slot[(side & 1) ^ 1]);
	return weir_forward(skb, packet, entry->slot[(side & 1) ^ 1], to);
}

WEIR_INLINE int weir_from_endpoint_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const int result = weir_from_endpoint_pass(skb, &packet);

	return weir_unlikely(result == WEIR_ASK_POLICY) ? weir_steer(skb, &packet) : result;
}

#endif
