/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Packets that came from another node within a packet: tc ingress at the overlay device. A pod that the tables know by its
 * address is judged by them, where the stack delivers. One that is too new for them is judged here, by what its own node
 * says of it; there the entry of its flow says what was decided.
 */
#ifndef WEIR_FROM_OVERLAY_H
#define WEIR_FROM_OVERLAY_H

#include "from_device.h"
#include "../include/weir/overlay.h"

/* Is there an entry whose verdict holds? */
WEIR_APART int weir_overlay_holds(const struct weir_packet *packet)
{
	const __u32 side = weir_side(packet) & 1;
	const struct weir_ct *entry = weir_ct_find(packet, side);
	const struct weir_endpoint *one, *other;

	if (!entry || entry->cut || weir_now() >= entry->expires || weir_reopens(packet, entry, side))
		return 0;
	one = weir_endpoint_at(&entry->slot[0]);
	other = weir_endpoint_at(&entry->slot[1]);
	return one && other && one->generation + other->generation == entry->generation;
}

/* A flow from who isn't known by his address. 0, or what becomes of the packet. */
WEIR_APART int weir_overlay_admit(struct weir_skb *skb, struct weir_packet *packet, const struct weir_mark *mark)
{
	struct weir_flow flow = {.direction = WEIR_INGRESS};
	int reason;

	if (weir_nat_awaits(packet)) {
		packet->backwards = 1;
		flow.flags = WEIR_CT_AT_POD;
	}
	weir_resolve_flow(packet, &flow);
	if (!weir_resolve_mark(mark, packet->family, &flow.source))
		return weir_drop(skb, packet, &flow, WEIR_UNKNOWN_IDENTITY);
	reason = weir_admit(skb, packet, &flow);
	return reason ? weir_drop(skb, packet, &flow, reason) : 0;
}

/* Is the packet what it says, and may it go on? WEIR_NEXT, or what becomes of it. */
WEIR_GLOBAL int weir_overlay_taken_out(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	struct weir_mark mark = {};
	union weir_address outer;
	int family = 0, is_pod = 0, reason;

	reason = weir_decapsulated(skb, &outer, &family, &mark);
	if (!reason)
		reason = weir_parse(skb, &packet);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_INGRESS, reason);
	if (packet.kind != WEIR_KIND_FLOW && packet.kind != WEIR_KIND_ICMP_ERROR)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_INGRESS);
	reason = weir_speaks_for(&packet, &outer, family, &is_pod);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_INGRESS, reason);
	if (is_pod && packet.kind == WEIR_KIND_FLOW && !weir_exact(&packet.source, packet.family)) {
		const struct weir_peer *to = weir_exact(&packet.destination, packet.family);

		if (to && to->subject && !weir_overlay_holds(&packet)) {
			const int result = weir_overlay_admit(skb, &packet, &mark);

			if (result)
				return result;
		}
	}
	return WEIR_NEXT;
}

WEIR_INLINE int weir_from_overlay_run(struct weir_skb *skb)
{
	const int result = weir_overlay_taken_out(skb);

	return result == WEIR_NEXT ? weir_from_device_run(skb) : result;
}

#endif
