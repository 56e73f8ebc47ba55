/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What both programs at a node's device share. Judged is what is to or from an address of the node, and only while some
 * policy selects the node: then its addresses have a subject. Traffic of pods passes through; it is judged at the pods'
 * own interfaces.
 */
#ifndef WEIR_DEVICE_H
#define WEIR_DEVICE_H

#include "icmp_error.h"
#include "parse.h"
#include "socket.h"
#include "tunnel.h"

/* What passes goes on to the next program at the device, as others may have theirs there. */
#define WEIR_NEXT (-1) /* TC_ACT_UNSPEC, TCX_NEXT */

#define WEIR_VLAN_ID 0x0fff

/*
 * A frame of a VLAN belongs to that VLAN's own device, which gets it without the tag. A tag of VLAN 0 gives a frame a
 * priority and nothing else: the stack takes it as one of this device's.
 */
WEIR_INLINE int weir_is_of_vlan(const struct weir_skb *skb)
{
	return skb->vlan_present && (skb->vlan_tci & WEIR_VLAN_ID);
}

WEIR_INLINE int weir_is_judged_host(const struct weir_peer *peer)
{
	return peer && peer->identity == WEIR_IDENTITY_HOST && peer->subject;
}

WEIR_INLINE int weir_device_pass(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	if (weir_trace)
		weir_trace_packet(skb, packet, direction);
	weir_count(skb, WEIR_PASSED, direction);
	return WEIR_NEXT;
}

/* A lease is asked for before there is any address to be judged by: between link-local addresses, in IPv6. */
WEIR_INLINE int weir_is_asking_for_lease(const struct weir_packet *packet, __u32 direction)
{
	const __u16 client = direction == WEIR_EGRESS ? packet->source_port : packet->destination_port;
	const __u16 server = direction == WEIR_EGRESS ? packet->destination_port : packet->source_port;

	return packet->family == 6 && packet->protocol == IPPROTO_UDP && weir_is_link_local(&packet->source) &&
	       client == weir_be16(546) && server == weir_be16(547);
}

/* A new flow, one whose verdict may have changed, or one that may not be. */
WEIR_APART int weir_device_judged(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction, int is_new)
{
	struct weir_flow flow = {.direction = direction};
	int reason;

	if (weir_is_asking_for_lease(packet, direction))
		return weir_device_pass(skb, packet, direction);
	weir_resolve_flow(packet, &flow);
	/* What is at the other end of a device is a neighbour, who has an address that the node has on another link. */
	if (direction == WEIR_EGRESS) {
		if (flow.destination.identity == WEIR_IDENTITY_HOST)
			flow.destination.subject = 0;
	} else if (flow.source.identity == WEIR_IDENTITY_HOST) {
		if (is_new && !packet->backwards)
			return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
		flow.source.subject = 0;
	}
	reason = weir_admit(skb, packet, &flow);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	return weir_device_pass(skb, packet, direction);
}

/* The node's own packets come in by no device. Others that bear its address on the way out got it by translation. */
WEIR_INLINE int weir_is_translated(struct weir_skb *skb)
{
	return skb->ingress_ifindex || weir_is_marked(skb);
}

/* Records such a flow, so that its answers are known when they come. */
WEIR_APART int weir_device_translated(struct weir_skb *skb, const struct weir_packet *packet)
{
	const __u32 side = weir_side(packet) & 1;
	struct weir_ct entry = {.originator = side};
	union weir_ct_key key = {};

	weir_ct_key_of(&key, packet, side);
	/* Not by index: with a compiler's shortcuts a verifier finds arithmetic on a pointer in it. */
	if (side)
		entry.seen[1] = packet->seen;
	else
		entry.seen[0] = packet->seen;
	entry.timeout = weir_timeout(packet->protocol, entry.seen[0], entry.seen[1]);
	entry.expires = weir_now() + entry.timeout * WEIR_SECOND;
	if (packet->family == 4 ? bpf_map_update_elem(&weir_ct4, &key, &entry, BPF_ANY)
				: bpf_map_update_elem(&weir_ct6, &key, &entry, BPF_ANY))
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_CONNTRACK_FULL);
	return weir_device_pass(skb, packet, WEIR_EGRESS);
}

WEIR_INLINE int weir_device_flow(struct weir_skb *skb, struct weir_packet *packet, __u32 direction)
{
	const __u32 side = weir_side(packet);
	struct weir_ct *entry = weir_ct_find(packet, side);
	const struct weir_endpoint *one, *other;
	const __u64 now = weir_now();

	if (weir_is_tunnels(packet, direction == WEIR_EGRESS ? &packet->destination : &packet->source))
		return weir_device_pass(skb, packet, direction);
	if (weir_unlikely(!entry || now >= entry->expires || weir_reopens(packet, entry, side))) {
		if (direction == WEIR_EGRESS && weir_is_translated(skb))
			return weir_device_translated(skb, packet);
		packet->backwards |= weir_is_answer(skb, packet, direction);
		return weir_device_judged(skb, packet, direction, 1);
	}
	one = weir_endpoint_at(&entry->slot[0]);
	other = weir_endpoint_at(&entry->slot[1]);
	if (weir_unlikely(entry->cut || !one || !other || one->generation + other->generation != entry->generation))
		return weir_device_judged(skb, packet, direction, 0);
	weir_ct_touch(entry, side, packet, now);
	return weir_device_pass(skb, packet, direction);
}

/*
 * An error of the node's own about a packet that wasn't for the node: it speaks as a router. What was for the node and
 * isn't allowed never came as far as to be refused.
 */
WEIR_APART int weir_is_routers_error(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_packet quoted = {};
	const struct weir_peer *peer;

	if (weir_parse_quoted(skb, packet, &quoted))
		return 0;
	peer = weir_exact(&quoted.destination, quoted.family);
	return !peer || peer->identity != WEIR_IDENTITY_HOST;
}

WEIR_APART int weir_device_error(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	struct weir_flow flow = {.direction = direction};
	__u32 slots[2] = {};
	int reason;

	weir_resolve(&packet->source, packet->family, &flow.source);
	reason = weir_related(skb, packet, &flow, slots);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	return weir_device_pass(skb, packet, direction);
}

/* About a packet of a tunnel between nodes, which learns by it how much fits? */
WEIR_APART int weir_is_about_tunnels(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	struct weir_packet quoted = {};

	if (!weir_tunnel_port || weir_parse_quoted(skb, packet, &quoted))
		return 0;
	return weir_is_tunnels(&quoted, direction == WEIR_EGRESS ? &quoted.source : &quoted.destination);
}

/* Neighbours are asked and answered whatever policy says. Only they can send with 255 hops left. */
WEIR_APART int weir_device_neighbour(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	__u8 hop_limit = 0;

	if (packet->icmp_type == WEIR_REDIRECT || bpf_skb_load_bytes(skb, ETH_HLEN + 7, &hop_limit, 1) || hop_limit != 255)
		return weir_drop_early(skb, packet, direction, WEIR_FORBIDDEN_ICMP6);
	return weir_device_pass(skb, packet, direction);
}

WEIR_INLINE int weir_device_rare(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction, __u32 reason)
{
	if (reason)
		return weir_drop_early(skb, packet, direction, reason);
	switch (packet->kind) {
	case WEIR_KIND_NEIGHBOUR:
		return weir_device_neighbour(skb, packet, direction);
	case WEIR_KIND_MEMBERSHIP:
		return weir_device_pass(skb, packet, direction);
	default:
		if (direction == WEIR_EGRESS && weir_is_routers_error(skb, packet))
			return weir_device_pass(skb, packet, direction);
		if (weir_is_about_tunnels(skb, packet, direction))
			return weir_device_pass(skb, packet, direction);
		return weir_device_error(skb, packet, direction);
	}
}

#endif
