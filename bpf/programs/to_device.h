/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that the node sends out: tc egress at each of its devices. */
#ifndef WEIR_TO_DEVICE_H
#define WEIR_TO_DEVICE_H

#include "../include/weir/device.h"

WEIR_INLINE int weir_to_device_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	int reason;

	if (weir_unlikely(weir_is_of_vlan(skb)))
		return WEIR_NEXT;
	reason = weir_parse_frame(skb, &packet);
	if (weir_unlikely(!packet.family))
		return WEIR_NEXT;
	if (weir_likely(!weir_is_judged_host(weir_exact(&packet.source, packet.family))))
		return WEIR_NEXT;
	if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
		return weir_device_rare(skb, &packet, WEIR_EGRESS, reason);
	return weir_device_flow(skb, &packet, WEIR_EGRESS);
}

#endif
