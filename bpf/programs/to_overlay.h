/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Packets for other nodes' pods, and pods' for other nodes: tc egress at the overlay device, where routes lead them. It is
 * one of the node's devices too, as far as policy of the node and services for those outside are concerned.
 */
#ifndef WEIR_TO_OVERLAY_H
#define WEIR_TO_OVERLAY_H

#include "to_device.h"
#include "../include/weir/overlay.h"

/* The node to which a packet goes: its destination's, or the egress gateway that it was sent to where it left its pod. */
WEIR_APART const struct weir_tunnel *weir_overlay_way(struct weir_skb *skb, const struct weir_packet *packet)
{
	const struct weir_egress *rule;
	union weir_address gateway = {};

	if ((skb->mark & WEIR_MARK_MASK) != WEIR_MARK_STEERED)
		return weir_tunnel_to(&packet->destination, packet->family);
	rule = weir_egress_rule(packet);
	if (!rule || rule->action != WEIR_EGRESS_STEER)
		return 0;
	__builtin_memcpy(&gateway, rule->address, 16);
	return weir_tunnel_to(&gateway, packet->family);
}

WEIR_GLOBAL int weir_overlay_put_in(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const struct weir_tunnel *to;
	int reason = weir_parse(skb, &packet);

	/* What the stack says to neighbours: there are none. */
	if (!packet.family || packet.kind == WEIR_KIND_NEIGHBOUR || packet.kind == WEIR_KIND_MEMBERSHIP)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_EGRESS, reason);
	to = weir_overlay_way(skb, &packet);
	if (!to)
		return weir_drop_early(skb, &packet, WEIR_EGRESS, WEIR_NO_TUNNEL);
	reason = weir_encapsulate(skb, &packet, to);
	return reason ? weir_drop_early(skb, &packet, WEIR_EGRESS, reason) : TC_ACT_OK;
}

WEIR_INLINE int weir_to_overlay_run(struct weir_skb *skb)
{
	const int result = weir_to_device_run(skb);

	return result == WEIR_NEXT ? weir_overlay_put_in(skb) : result;
}

#endif
