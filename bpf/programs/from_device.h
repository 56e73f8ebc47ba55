/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that come to the node from outside: tc ingress at each of its devices. */
#ifndef WEIR_FROM_DEVICE_H
#define WEIR_FROM_DEVICE_H

#include "../include/weir/leave.h"
#include "../include/weir/north_device.h"

/* Who comes from outside is neither this node nor one of its pods. */
WEIR_APART int weir_from_device_posing(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_INGRESS};

	weir_resolve(&packet->source, packet->family, &flow.source);
	weir_resolve(&packet->destination, packet->family, &flow.destination);
	return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
}

/*
 * Neither IP nor therefore anything that policy speaks of. But the stack takes off a second tag behind one of VLAN 0 by
 * itself, and if that has VLAN 0 too, whatever it hides would reach the stack without having been seen here.
 */
WEIR_APART int weir_from_device_other(struct weir_skb *skb, const struct weir_packet *packet)
{
	__u16 tci = 0;

	if (packet->ethertype != weir_be16(WEIR_ETHERTYPE_VLAN) && packet->ethertype != weir_be16(WEIR_ETHERTYPE_QINQ))
		return WEIR_NEXT;
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &tci, sizeof(tci)) || !(tci & weir_be16(WEIR_VLAN_ID)))
		return weir_drop_early(skb, packet, WEIR_INGRESS, WEIR_VLAN);
	return WEIR_NEXT;
}

/*
 * A neighbour may have a link-local address that the node has on another link: routers are fond of fe80::1. He is
 * refused where he calls a node that is judged, as nothing tells him from it, and otherwise left alone.
 */
WEIR_INLINE int weir_is_ours(const struct weir_packet *packet, const struct weir_peer *peer)
{
	if (peer->slot)
		return 1;
	return peer->identity == WEIR_IDENTITY_HOST && !(packet->family == 6 && weir_is_link_local(&packet->source));
}

/*
 * Where there are tunnels, packets of other nodes' pods come out of them and in no other way. What a tunnel's own packet
 * says of itself is looked at where it is taken out.
 */
WEIR_INLINE int weir_is_outside_tunnels(const struct weir_packet *packet, const struct weir_peer *peer)
{
	return weir_tunnel_port && !weir_has_tunnels_port(packet) && !(peer && !weir_is_pod(peer)) &&
	       weir_is_anothers_pod(&packet->source, packet->family);
}

/* `in_tunnel`: the packet came out of one. */
WEIR_INLINE int weir_comes_by_device(struct weir_skb *skb, int in_tunnel)
{
	struct weir_packet packet = {};
	const struct weir_leaving *leaving;
	const struct weir_peer *peer;
	int reason, failed;

	if (weir_unlikely(weir_is_of_vlan(skb)))
		return WEIR_NEXT;
	reason = weir_parse_frame(skb, &packet);
	if (weir_unlikely(!packet.family))
		return weir_from_device_other(skb, &packet);
	peer = weir_exact(&packet.source, packet.family);
	/* But whoever has the node's address by mistake must be able to say so when the node probes for duplicates. */
	if (weir_unlikely(peer && weir_is_ours(&packet, peer) && packet.kind != WEIR_KIND_NEIGHBOUR))
		return weir_from_device_posing(skb, &packet);
	if (!in_tunnel && weir_unlikely(weir_is_outside_tunnels(&packet, peer)))
		return weir_from_device_posing(skb, &packet);
	if (!reason) {
		const int result = weir_north_comes(skb, &packet);

		if (result != WEIR_NORTH_STAYS)
			return result;
	}
	peer = weir_exact(&packet.destination, packet.family);
	leaving = weir_leaving_now();
	if (leaving && (leaving->masquerades | leaving->rules) && !reason && !weir_is_pod(peer)) {
		failed = WEIR_PASSED;
		if (packet.kind == WEIR_KIND_FLOW)
			failed = weir_returns(skb, &packet);
		else if (packet.kind == WEIR_KIND_ICMP_ERROR)
			failed = weir_error_returns(skb, &packet);
		if (weir_unlikely(failed))
			return weir_drop_early(skb, &packet, WEIR_INGRESS, failed);
		peer = weir_exact(&packet.destination, packet.family);
	}
	if (weir_likely(!weir_is_judged_host(peer)))
		return WEIR_NEXT;
	if (weir_unlikely(reason || packet.kind != WEIR_KIND_FLOW))
		return weir_device_rare(skb, &packet, WEIR_INGRESS, reason);
	return weir_device_flow(skb, &packet, WEIR_INGRESS);
}

WEIR_INLINE int weir_from_device_run(struct weir_skb *skb)
{
	return weir_comes_by_device(skb, 0);
}

#endif
