/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * ARP and neighbour discovery of a pod. The host is a pod's one neighbour, so the program answers for every address but
 * the pod's own, with the host side's MAC; nothing of it reaches the stack or other pods.
 */
#ifndef WEIR_NEIGHBOUR_H
#define WEIR_NEIGHBOUR_H

#include "forward.h"
#include "judge.h"

/* Of RFC 826; <linux/if_arp.h> would bring in the C library. */
#define WEIR_ARP_ETHERNET 1
#define WEIR_ARP_REQUEST 1
#define WEIR_ARP_REPLY 2

struct weir_arp {
	__u8 ethernet_destination[6], ethernet_source[6];
	__u16 ethertype;
	__u16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__u16 operation;
	__u8 sender_mac[6];
	__u32 sender;
	__u8 target_mac[6];
	__u32 target;
} __attribute__((packed));
_Static_assert(sizeof(struct weir_arp) == 42, "");

/* The endpoint behind the interface that the packet came in by; its slot in *slot. */
WEIR_INLINE struct weir_endpoint *weir_sender_endpoint(struct weir_skb *skb, __u32 *slot)
{
	const __u32 ifindex = skb->ifindex;
	const __u32 *found = bpf_map_lookup_elem(&weir_devices, &ifindex);

	if (!found)
		return 0;
	*slot = *found;
	return weir_endpoint_at(slot);
}

WEIR_APART int weir_arp_from_endpoint(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS};
	const struct weir_endpoint *endpoint;
	const struct weir_peer *peer;
	struct weir_arp arp;
	__u32 slot = 0, asked;

	if (bpf_skb_load_bytes(skb, 0, &arp, sizeof(arp)))
		return weir_drop(skb, packet, &flow, WEIR_INVALID_PACKET);
	if (arp.hardware != weir_be16(WEIR_ARP_ETHERNET) || arp.protocol != weir_be16(ETH_P_IP) || arp.hardware_length != 6 ||
	    arp.protocol_length != 4)
		return weir_drop(skb, packet, &flow, WEIR_INVALID_PACKET);
	endpoint = weir_sender_endpoint(skb, &slot);
	if (!endpoint)
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	flow.source.slot = slot;
	flow.source.identity = endpoint->identity;
	if (!weir_same_mac(arp.ethernet_source, endpoint->pod_mac) || !weir_same_mac(arp.sender_mac, endpoint->pod_mac))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE_MAC);
	/* A probe for duplicates: silence says that there is none. */
	if (!arp.sender)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	asked = arp.sender;
	peer = bpf_map_lookup_elem(&weir_addr4, &asked);
	if (!peer || peer->slot != slot)
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	if (arp.operation == weir_be16(WEIR_ARP_REPLY)) {
		weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
		return TC_ACT_OK;
	}
	asked = arp.target;
	peer = bpf_map_lookup_elem(&weir_addr4, &asked);
	/* An announcement, or a question about itself. */
	if (arp.operation != weir_be16(WEIR_ARP_REQUEST) || (peer && peer->slot == slot))
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);

	__builtin_memcpy(arp.ethernet_destination, endpoint->pod_mac, 6);
	__builtin_memcpy(arp.ethernet_source, endpoint->host_mac, 6);
	__builtin_memcpy(arp.target_mac, endpoint->pod_mac, 6);
	arp.target = arp.sender;
	__builtin_memcpy(arp.sender_mac, endpoint->host_mac, 6);
	arp.sender = asked;
	arp.operation = weir_be16(WEIR_ARP_REPLY);
	if (bpf_skb_store_bytes(skb, 0, &arp, sizeof(arp), 0))
		return weir_drop(skb, packet, &flow, WEIR_WRITE_FAILED);
	weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
	return bpf_redirect(skb->ifindex, 0);
}

/* What follows Ethernet and IPv6 in a solicitation, and the option that an advertisement adds. */
struct weir_neighbour {
	__u8 type, code;
	__u16 checksum;
	__u32 flags;
	union weir_address target;
	__u8 option, option_length; /* target link-layer address, in units of eight bytes */
	__u8 option_mac[6];
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct weir_neighbour) == 32, "");

struct weir_advertisement {
	__u8 ethernet_destination[6], ethernet_source[6];
	__u16 ethertype;
	__u32 version;
	__u16 payload_length;
	__u8 next, hop_limit;
	union weir_address source, destination;
	struct weir_neighbour body;
} __attribute__((packed));
_Static_assert(sizeof(struct weir_advertisement) == 86, "");

#define WEIR_NEIGHBOUR_LENGTH 24
#define WEIR_ADVERTISED (1u << 30 | 1u << 29) /* solicited, override */

/* The Internet checksum over the pseudo header and the body, whose own checksum is zero. */
WEIR_INLINE __u16 weir_neighbour_checksum(const union weir_address *source, const union weir_address *destination,
					  const struct weir_neighbour *body)
{
	const __u32 *words = (const __u32 *)body;
	__u64 sum = weir_be32(sizeof(*body)) + (__u64)weir_be32(WEIR_ICMP6);

#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++)
		sum += (__u64)source->word[i] + destination->word[i];
#pragma clang loop unroll(full)
	for (int i = 0; i < (int)sizeof(*body) / 4; i++)
		sum += words[i];
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (__u16)~sum;
}

WEIR_INLINE int weir_is_unspecified(const union weir_address *address)
{
	return !(address->half[0] | address->half[1]);
}

WEIR_INLINE int weir_is_own6(const union weir_address *address, __u32 slot)
{
	const struct weir_peer *peer = bpf_map_lookup_elem(&weir_addr6, address);

	return peer && peer->slot == slot;
}

/* Turns the solicitation into its answer, in place. */
WEIR_APART int weir_advertise(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_endpoint *endpoint,
			      const union weir_address *target)
{
	struct weir_advertisement answer = {
		.ethertype = weir_be16(ETH_P_IPV6),
		.version = weir_be32(6u << 28),
		.payload_length = weir_be16(sizeof(struct weir_neighbour)),
		.next = WEIR_ICMP6,
		.hop_limit = 255,
	};
	struct weir_neighbour body = {
		.type = WEIR_NEIGHBOUR_ADVERTISEMENT,
		.flags = weir_be32(WEIR_ADVERTISED),
		.option = 2,
		.option_length = 1,
	};

	body.target = *target;
	__builtin_memcpy(body.option_mac, endpoint->host_mac, 6);
	body.checksum = weir_neighbour_checksum(target, &packet->source, &body);
	__builtin_memcpy(answer.ethernet_destination, endpoint->pod_mac, 6);
	__builtin_memcpy(answer.ethernet_source, endpoint->host_mac, 6);
	answer.source = *target;
	answer.destination = packet->source;
	answer.body = body;
	if (skb->len != sizeof(answer) && bpf_skb_change_tail(skb, sizeof(answer), 0))
		return -1;
	return bpf_skb_store_bytes(skb, 0, &answer, sizeof(answer), 0) ? -1 : 0;
}

WEIR_APART int weir_neighbour_from_endpoint(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS};
	const struct weir_endpoint *endpoint;
	union weir_address target;
	__u8 hop_limit = 0;
	__u32 slot = 0;

	if (packet->icmp_type == WEIR_ROUTER_SOLICITATION)
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	endpoint = weir_sender_endpoint(skb, &slot);
	if (!endpoint)
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	flow.source.slot = slot;
	flow.source.identity = endpoint->identity;
	if (!weir_source_mac_is(skb, endpoint))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE_MAC);
	/* A pod is no router, and only neighbours can send with 255 hops left. */
	if (bpf_skb_load_bytes(skb, ETH_HLEN + 7, &hop_limit, 1) || hop_limit != 255 || packet->icmp_code ||
	    packet->l4 != ETH_HLEN + sizeof(struct ipv6hdr) ||
	    (packet->icmp_type != WEIR_NEIGHBOUR_SOLICITATION && packet->icmp_type != WEIR_NEIGHBOUR_ADVERTISEMENT))
		return weir_drop(skb, packet, &flow, WEIR_FORBIDDEN_ICMP6);
	if (packet->l4 + WEIR_NEIGHBOUR_LENGTH > skb->len || bpf_skb_load_bytes(skb, packet->l4 + 8, &target, sizeof(target)))
		return weir_drop(skb, packet, &flow, WEIR_TRUNCATED_L4);
	/* A probe for duplicates: silence says that there is none. */
	if (weir_is_unspecified(&packet->source))
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	if (!weir_is_link_local(&packet->source) && !weir_is_own6(&packet->source, slot))
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	if (packet->icmp_type == WEIR_NEIGHBOUR_ADVERTISEMENT) {
		if (!weir_is_link_local(&target) && !weir_is_own6(&target, slot))
			return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
		weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
		return TC_ACT_OK;
	}
	if (weir_is_own6(&target, slot))
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	if (weir_advertise(skb, packet, endpoint, &target))
		return weir_drop(skb, packet, &flow, WEIR_WRITE_FAILED);
	weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
	return bpf_redirect(skb->ifindex, 0);
}

/* The node asks and answers its pods; what a router forwarded to here has fewer hops left. */
WEIR_APART int weir_neighbour_to_endpoint(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_flow flow = {.direction = WEIR_INGRESS};
	__u8 hop_limit = 0;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + 7, &hop_limit, 1) || hop_limit != 255)
		return weir_drop(skb, packet, &flow, WEIR_FORBIDDEN_ICMP6);
	weir_count(skb, WEIR_PASSED, WEIR_INGRESS);
	return TC_ACT_OK;
}

#endif
