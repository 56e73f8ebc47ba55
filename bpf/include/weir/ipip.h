/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Direct return where the way between nodes takes no options: whole packets of clients, as they came, within packets from
 * node to backend (RFC 2003, RFC 2473). The backend's node takes the outer header off and learns from both what the
 * client sent to and who serves. The backend's port is where nothing else is: a packet that is never cut may have any
 * identification (RFC 6864), and any flow label.
 */
#ifndef WEIR_IPIP_H
#define WEIR_IPIP_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "direct.h"
#include "parse.h"

#define WEIR_IPIP_HOPS 64

WEIR_INLINE __u32 weir_ipip_bytes(int family)
{
	return family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

WEIR_INLINE __u8 weir_ipip_protocol(int family)
{
	return family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

/* Room in front of the packet's header. Datagrams that the stack has put together are cut where each one ends. */
WEIR_INLINE int weir_ipip_room(struct weir_skb *skb, int family, __u8 protocol)
{
	const __u64 outer = family == 4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	return bpf_skb_adjust_room(skb, weir_ipip_bytes(family), BPF_ADJ_ROOM_MAC,
				   outer | (protocol == IPPROTO_UDP ? BPF_F_ADJ_ROOM_FIXED_GSO : 0));
}

WEIR_INLINE __u16 weir_ipip_sum(const struct iphdr *header)
{
	const __u16 *half = (const __u16 *)header;
	__u32 sum = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < 10; i++)
		sum += half[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(__u16)(sum + (sum >> 16));
}

WEIR_APART int weir_ipip_put4(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *after,
			      const union weir_address *own)
{
	struct iphdr header = {.version = 4, .ihl = 5, .ttl = WEIR_IPIP_HOPS, .protocol = IPPROTO_IPIP};

	header.tot_len = weir_be16(skb->len - ETH_HLEN + sizeof(header));
	header.id = after->destination_port;
	header.frag_off = weir_be16(WEIR_IP4_DONT);
	header.saddr = own->word[0];
	header.daddr = after->destination.word[0];
	header.check = weir_ipip_sum(&header);
	if (weir_ipip_room(skb, 4, packet->protocol) || bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0))
		return WEIR_WRITE_FAILED;
	return WEIR_PASSED;
}

WEIR_APART int weir_ipip_put6(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *after,
			      const union weir_address *own)
{
	struct ipv6hdr header = {.version = 6, .nexthdr = IPPROTO_IPV6, .hop_limit = WEIR_IPIP_HOPS};

	header.payload_len = weir_be16(skb->len - ETH_HLEN);
	__builtin_memcpy(header.flow_lbl + 1, &after->destination_port, 2);
	__builtin_memcpy(&header.saddr, own, 16);
	__builtin_memcpy(&header.daddr, &after->destination, 16);
	if (weir_ipip_room(skb, 6, packet->protocol) || bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0))
		return WEIR_WRITE_FAILED;
	return WEIR_PASSED;
}

/* The packet as it is, to the backend of `after`, from this node's address on the way. 0, or the drop reason. */
WEIR_APART int weir_ipip_put(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *after,
			     __u32 ifindex)
{
	union weir_address own = {};

	if (skb->len - ETH_HLEN + sizeof(struct iphdr) > 0xffff)
		return WEIR_INVALID_PACKET;
	if (!weir_own_address(ifindex, packet->family, &own))
		return WEIR_NO_ROUTE;
	return packet->family == 4 ? weir_ipip_put4(skb, packet, after, &own) : weir_ipip_put6(skb, packet, after, &own);
}

/* What the outer header says of the backend's port; 0 when it is none of ours. */
WEIR_INLINE __u16 weir_ipip_port(struct weir_skb *skb, int family)
{
	__u16 port[2] = {};

	if (bpf_skb_load_bytes(skb, family == 4 ? ETH_HLEN + 4 : ETH_HLEN, port, sizeof(port)))
		return 0;
	/* Identification and the flags behind it; the label is the last twenty bits of a word. */
	if (family == 4)
		return port[1] == weir_be16(WEIR_IP4_DONT) ? port[0] : 0;
	return port[1];
}

/* Only nodes of the cluster are believed: whoever else sends such packets has them judged as what they are. */
WEIR_APART int weir_ipip_is_from_node(const struct weir_packet *packet)
{
	const struct weir_peer *peer = weir_exact(&packet->source, packet->family);

	return peer && (peer->identity == WEIR_IDENTITY_REMOTE_NODE || peer->identity == WEIR_IDENTITY_API_SERVER);
}

/* The pair of what the client sent to and the backend, as the packet says. 0, or the drop reason. */
WEIR_APART int weir_ipip_pair(const struct weir_packet *packet, const struct weir_tuple *before,
			      const struct weir_tuple *after)
{
	const __u64 now = weir_now();
	struct weir_nat is = {.kind = WEIR_NAT_DSR};
	struct weir_tuple known;
	struct weir_nat *half = weir_nat_find(before, WEIR_PAIR_BY_SOURCE, &known);
	int reason;

	if (half && half->kind == WEIR_NAT_DSR && now < half->expires && !weir_nat_reopens(packet->seen, half) &&
	    known.destination_port == after->destination_port &&
	    weir_same_address(&known.destination, &after->destination)) {
		if (weir_nat_touch(half, before, after, packet->seen, now))
			return WEIR_UNRELATED;
	} else {
		/* A flow that is known goes on, whatever has become of its service. */
		reason = weir_direct_judge(before);
		if (reason)
			return reason < 0 ? WEIR_NO_ENCAPSULATION : reason;
		weir_nat_begin_with(&is, packet->protocol, packet->seen, now);
		if (!weir_nat_claim(before, after, &is, now) || weir_nat_complete(before, after, &is, now))
			return WEIR_NAT_EXHAUSTED;
	}
	return WEIR_PASSED;
}

#define WEIR_IPIP_NONE -1

/* Takes the packet out of the one around it, of which `after` gets the destination. 0, WEIR_IPIP_NONE or the drop reason. */
WEIR_APART int weir_ipip_open(struct weir_skb *skb, struct weir_packet *packet, struct weir_tuple *after)
{
	const int family = packet->family;
	int reason;

	after->destination_port = weir_ipip_port(skb, family);
	after->destination = packet->destination;
	after->family = family;
	if (!after->destination_port || !weir_is_here(&packet->destination, family) || !weir_ipip_is_from_node(packet))
		return WEIR_IPIP_NONE;
	/* Older kernels know nothing of what is told here; they need not. */
	if (bpf_skb_adjust_room(skb, -(int)weir_ipip_bytes(family), BPF_ADJ_ROOM_MAC,
				family == 4 ? WEIR_ROOM_DECAP4 : WEIR_ROOM_DECAP6) &&
	    bpf_skb_adjust_room(skb, -(int)weir_ipip_bytes(family), BPF_ADJ_ROOM_MAC, 0))
		return WEIR_WRITE_FAILED;
	__builtin_memset(packet, 0, sizeof(*packet));
	reason = weir_parse_frame(skb, packet);
	if (reason)
		return reason;
	after->source = packet->source;
	after->source_port = packet->source_port;
	after->protocol = packet->protocol;
	return packet->kind != WEIR_KIND_FLOW || packet->family != family ? WEIR_NO_ENCAPSULATION : WEIR_PASSED;
}

/*
 * A packet from node to backend: the packet within goes on, to the backend. 0 where there is nothing of the kind, so that
 * it is judged as what it is, or the drop reason.
 */
WEIR_APART int weir_ipip_comes(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_tuple before, after = {};
	int reason = weir_ipip_open(skb, packet, &after);

	if (reason)
		return reason == WEIR_IPIP_NONE ? WEIR_PASSED : reason;
	weir_tuple_of(&before, packet);
	reason = weir_ipip_pair(packet, &before, &after);
	if (reason)
		return reason;
	weir_packet_become(packet, &after);
	return weir_rewrite(skb, packet, &before);
}

#endif
