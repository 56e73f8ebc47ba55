/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that the node sends out: tc egress at each of its devices. */
#ifndef WEIR_TO_DEVICE_H
#define WEIR_TO_DEVICE_H

#include "../include/weir/device.h"
#include "../include/weir/leave.h"

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
	leaving = weir_leaving_now();
	translates = leaving && (leaving->masquerades | leaving->rules);
	peer = weir_exact(&packet.source, packet.family);
	if (translates && weir_is_pod(peer))
		return weir_stays_in_cluster(&packet) ? WEIR_NEXT : weir_pod_leaves(skb, &packet, peer->slot >= WEIR_FIRST_ENDPOINT_SLOT, reason);
	if (weir_unlikely(weir_is_judged_host(peer))) {
		if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
			result = weir_device_rare(skb, &packet, WEIR_EGRESS, reason);
		else
			result = weir_device_flow(skb, &packet, WEIR_EGRESS);
	}
	if (translates && !reason && result == WEIR_NEXT && peer && peer->identity == WEIR_IDENTITY_HOST)
		return weir_node_leaves(skb, &packet);
	return result;
}

#endif
