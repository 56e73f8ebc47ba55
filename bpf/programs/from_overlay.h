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

/* What weir_overlay_taken_out returns for a flow from who isn't known by his address. */
#define WEIR_NEWCOMER (-2)

/* Is the packet what it says, and may it go on? WEIR_NEXT, WEIR_NEWCOMER, or what becomes of it. */
WEIR_GLOBAL int weir_overlay_taken_out(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	union weir_address outer;
	const int family = weir_outer_sender(skb, &outer);
	int is_pod = 0, reason = family ? weir_parse(skb, &packet) : WEIR_NO_TUNNEL_KEY;

	if (reason)
		return weir_drop_early(skb, &packet, WEIR_INGRESS, reason);
	if (packet.kind != WEIR_KIND_FLOW && packet.kind != WEIR_KIND_ICMP_ERROR)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_INGRESS);
	reason = weir_speaks_for(&packet, &outer, family, &is_pod);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_INGRESS, reason);
	if (is_pod && packet.kind == WEIR_KIND_FLOW && !weir_exact(&packet.source, packet.family)) {
		const struct weir_peer *to = weir_exact(&packet.destination, packet.family);

		if (to && to->subject && !weir_overlay_holds(&packet))
			return WEIR_NEWCOMER;
	}
	return WEIR_NEXT;
}

/*
 * Judges the flow by what the sender's node says of him. WEIR_NEXT, or what becomes of the packet. Not called by the
 * function above, as what is judged here has little of the stack to itself.
 */
WEIR_GLOBAL int weir_overlay_newcomer(struct weir_skb *skb)
{
	struct weir_flow flow = {.direction = WEIR_INGRESS};
	struct weir_packet packet = {};
	struct weir_mark mark = {};
	int reason = weir_parse(skb, &packet);

	if (!reason)
		reason = weir_carried_mark(skb, &mark);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_INGRESS, reason);
	if (weir_nat_awaits(&packet)) {
		packet.backwards = 1;
		flow.flags = WEIR_CT_AT_POD;
	}
	weir_resolve_flow(&packet, &flow);
	if (!weir_resolve_mark(&mark, packet.family, &flow.source))
		return weir_drop(skb, &packet, &flow, WEIR_UNKNOWN_IDENTITY);
	reason = weir_admit(skb, &packet, &flow);
	return reason ? weir_drop(skb, &packet, &flow, reason) : WEIR_NEXT;
}

WEIR_INLINE int weir_from_overlay_run(struct weir_skb *skb)
{
	int result = weir_overlay_taken_out(skb);

	if (weir_unlikely(result == WEIR_NEWCOMER))
		result = weir_overlay_newcomer(skb);
	return result == WEIR_NEXT ? weir_comes_by_device(skb, 1) : result;
}

#endif
