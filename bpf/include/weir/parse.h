/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a frame to struct weir_packet: the common shapes by direct access, all others step by step. */
#ifndef WEIR_PARSE_H
#define WEIR_PARSE_H

#include "ipv4.h"
#include "ipv6.h"

/* Ethernet, IPv4 without options, TCP: what must lie in the linear part for the short way. */
#define WEIR_SHORT4 (ETH_HLEN + 20 + 20)
#define WEIR_SHORT6 (ETH_HLEN + 40 + 20)

#define WEIR_ETHERTYPE_QINQ 0x88a8
#define WEIR_ETHERTYPE_VLAN 0x8100

WEIR_GLOBAL int weir_parse_long(struct weir_skb *skb, struct weir_packet *packet)
{
	__u16 ethertype;

	if (!packet)
		return WEIR_INVALID_PACKET;
	if (bpf_skb_load_bytes(skb, 12, &ethertype, sizeof(ethertype)))
		return WEIR_INVALID_PACKET;
	packet->ethertype = ethertype;
	switch (weir_be16(ethertype)) {
	case ETH_P_IP:
		return weir_parse4(skb, ETH_HLEN, packet, 0);
	case ETH_P_IPV6:
		return weir_parse6(skb, ETH_HLEN, packet, 0);
	case ETH_P_ARP:
		packet->kind = WEIR_KIND_ARP;
		return WEIR_PASSED;
	case WEIR_ETHERTYPE_VLAN:
	case WEIR_ETHERTYPE_QINQ:
		return WEIR_VLAN;
	default:
		return WEIR_UNSUPPORTED_ETHERTYPE;
	}
}

/* UDP has the same first bytes, and where TCP has flags a datagram that is shorter has nothing to tell. */
WEIR_INLINE void weir_short_l4(struct weir_packet *packet, const void *l4)
{
	const __u16 *port = l4;

	packet->source_port = port[0];
	packet->destination_port = port[1];
	packet->seen = WEIR_SEEN_ACK;
	if (packet->protocol == IPPROTO_TCP) {
		packet->tcp_flags = ((const __u8 *)l4)[13];
		packet->seen = packet->tcp_flags & WEIR_SEEN_MASK;
	}
}

/*
 * Whatever VLAN tag the device took off. `packet` must be zero. Returns WEIR_PASSED or the reason to drop; on a drop
 * `packet` holds what was read so far.
 */
WEIR_INLINE int weir_parse_frame(struct weir_skb *skb, struct weir_packet *packet)
{
	const void *data = weir_packet_start(skb), *end = weir_packet_end(skb);
	const struct ethhdr *ethernet = data;
	const struct iphdr *ip4 = data + ETH_HLEN;
	const struct ipv6hdr *ip6 = data + ETH_HLEN;

	if (weir_unlikely(data + WEIR_SHORT4 > end))
		return weir_parse_long(skb, packet);
	if (ethernet->h_proto == weir_be16(ETH_P_IP)) {
		if (*(const __u8 *)ip4 != 0x45 || (ip4->frag_off & weir_be16(WEIR_IP4_MORE | WEIR_IP4_OFFSET)) ||
		    (ip4->protocol != IPPROTO_TCP && ip4->protocol != IPPROTO_UDP))
			return weir_parse_long(skb, packet);
		packet->ethertype = weir_be16(ETH_P_IP);
		packet->family = 4;
		packet->protocol = ip4->protocol;
		packet->source.word[0] = ip4->saddr;
		packet->destination.word[0] = ip4->daddr;
		packet->l4 = ETH_HLEN + 20;
		weir_short_l4(packet, data + ETH_HLEN + 20);
		return WEIR_PASSED;
	}
	if (ethernet->h_proto == weir_be16(ETH_P_IPV6) && data + WEIR_SHORT6 <= end && ip6->version == 6 &&
	    (ip6->nexthdr == IPPROTO_TCP || ip6->nexthdr == IPPROTO_UDP)) {
		packet->ethertype = weir_be16(ETH_P_IPV6);
		packet->family = 6;
		packet->protocol = ip6->nexthdr;
		__builtin_memcpy(&packet->source, &ip6->saddr, sizeof(packet->source));
		__builtin_memcpy(&packet->destination, &ip6->daddr, sizeof(packet->destination));
		packet->l4 = ETH_HLEN + 40;
		weir_short_l4(packet, data + ETH_HLEN + 40);
		return WEIR_PASSED;
	}
	return weir_parse_long(skb, packet);
}

/* As weir_parse_frame, for where no frame has a tag. */
WEIR_INLINE int weir_parse(struct weir_skb *skb, struct weir_packet *packet)
{
	if (weir_unlikely(skb->vlan_present))
		return WEIR_VLAN;
	return weir_parse_frame(skb, packet);
}

#endif
