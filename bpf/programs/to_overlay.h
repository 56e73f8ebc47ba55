/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets for pods of other nodes: tc egress at the overlay device, where routes lead them. */
#ifndef WEIR_TO_OVERLAY_H
#define WEIR_TO_OVERLAY_H

#include "../include/weir/overlay.h"
#include "../include/weir/parse.h"

WEIR_INLINE int weir_to_overlay_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const struct weir_tunnel *to;
	int reason = weir_parse(skb, &packet);

	/* What the stack says to neighbours: there are none. */
	if (!packet.family || packet.kind == WEIR_KIND_NEIGHBOUR || packet.kind == WEIR_KIND_MEMBERSHIP)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	if (reason)
		return weir_drop_early(skb, &packet, WEIR_EGRESS, reason);
	to = weir_tunnel_to(&packet.destination, packet.family);
	if (!to)
		return weir_drop_early(skb, &packet, WEIR_EGRESS, WEIR_NO_TUNNEL);
	reason = weir_encapsulate(skb, &packet, to);
	return reason ? weir_drop_early(skb, &packet, WEIR_EGRESS, reason) : TC_ACT_OK;
}

#endif
