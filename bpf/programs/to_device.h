/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that the node sends out: tc egress at each of its devices. */
#ifndef WEIR_TO_DEVICE_H
#define WEIR_TO_DEVICE_H

#include "../include/weir/leave.h"
#include "../include/weir/north_device.h"

/* What answers clients outside, or is about their packets: WEIR_NORTH_STAYS when it is nothing of the kind. */
WEIR_INLINE int weir_to_device_north(struct weir_skb *skb, struct weir_packet *packet)
{
	if (!weir_has_northern())
		return WEIR_NORTH_STAYS;
	if (packet->kind == WEIR_KIND_ICMP_ERROR)
		return weir_north_error(skb, packet, WEIR_EGRESS);
	return packet->kind == WEIR_KIND_FLOW ? weir_north_leaves(skb, packet) : WEIR_NORTH_STAYS;
}

WEIR_INLINE int weir_to_device_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const struct weir_leaving *leaving;
	const struct weir_peer *peer;
	int reason, result = WEIR_NEXT, translates;

	if (weir_unlikely(weir_is_of_vlan(skb)))
		return WEIR_NEXT;
	reason = weir_parse_frame(skb, &packet);
	if (weir_unlikely(!packet.family))
		return WEIR_NEXT;
	peer = weir_exact(&packet.source, packet.family);
	if (weir_unlikely(weir_is_judged_host(peer))) {
		if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
			result = weir_device_rare(skb, &packet, WEIR_EGRESS, reason);
		else
			result = weir_device_flow(skb, &packet, WEIR_EGRESS);
		if (result != WEIR_NEXT)
			return result;
	}
	if (!reason) {
		result = weir_to_device_north(skb, &packet);
		if (result != WEIR_NORTH_STAYS)
			return result;
	}
	leaving = weir_leaving_now();
	translates = leaving && (leaving->masquerades | leaving->rules);
	if (translates && weir_is_pod(peer))
		return weir_stays_in_cluster(&packet)
			       ? WEIR_NEXT
			       : weir_pod_leaves(skb, &packet, peer->slot >= WEIR_FIRST_ENDPOINT_SLOT, reason);
	if (translates && !reason && peer && peer->identity == WEIR_IDENTITY_HOST)
		return weir_node_leaves(skb, &packet);
	return WEIR_NEXT;
}

#endif
