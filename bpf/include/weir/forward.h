/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Where a packet that may pass goes. */
#ifndef WEIR_FORWARD_H
#define WEIR_FORWARD_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "conntrack.h"
#include "counters.h"
#include "egress_rule.h"
#include "events.h"

/*
 * Packets that from_endpoint hands to the stack carry this: to_endpoint of another pod knows by it that a local pod's
 * source address isn't forged. The other bits of the mark belong to whoever uses them. A pod can't set it: crossing a
 * namespace clears the mark.
 */
#define WEIR_MARK 0x05700000
/* And this those that it sends to an egress gateway. */
#define WEIR_MARK_STEERED 0x05800000
#define WEIR_MARK_MASK 0x0ff00000

WEIR_INLINE int weir_is_marked(struct weir_skb *skb)
{
	return (skb->mark & WEIR_MARK_MASK) == WEIR_MARK;
}

WEIR_INLINE int weir_to_stack(struct weir_skb *skb)
{
	skb->mark = (skb->mark & ~WEIR_MARK_MASK) | WEIR_MARK;
	return TC_ACT_OK;
}

/* One hop less, as a router does; the header's sum changes by what its word with the TTL changes (RFC 1624). */
WEIR_INLINE void weir_decrement_ttl(struct iphdr *ip)
{
	const __u32 sum = ip->check + (__u32)weir_be16(0x0100);

	ip->check = sum + (sum >= 0xffff);
	ip->ttl--;
}

enum weir_hop {
	WEIR_HOP_DONE,
	WEIR_HOP_LAST, /* the stack answers "time exceeded" */
	WEIR_HOP_FAILED,
};

/* Takes one hop off, and readdresses the frame to the pod where there is one. */
WEIR_INLINE int weir_hop(struct weir_skb *skb, int family, const struct weir_endpoint *to)
{
	const __u32 length = ETH_HLEN + (family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	void *data = weir_packet_start(skb);

	if (weir_unlikely(data + length > weir_packet_end(skb))) {
		if (bpf_skb_pull_data(skb, length))
			return WEIR_HOP_FAILED;
		data = weir_packet_start(skb);
		if (data + length > weir_packet_end(skb))
			return WEIR_HOP_FAILED;
	}
	if (family == 4) {
		struct iphdr *ip = data + ETH_HLEN;

		if (ip->ttl <= 1)
			return WEIR_HOP_LAST;
		weir_decrement_ttl(ip);
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if (ip->hop_limit <= 1)
			return WEIR_HOP_LAST;
		ip->hop_limit--;
	}
	/* Destination and source lie in the endpoint as they do in the frame. */
	if (to)
		__builtin_memcpy(data, to->pod_mac, 2 * ETH_ALEN);
	return WEIR_HOP_DONE;
}

/*
 * What weir_forward returns for a packet that is on its way out, where an egress gateway policy may have a say: weir_steer is
 * for the program itself to call, as the frames of a path share 512 bytes.
 */
#define WEIR_ASK_POLICY (-3)

/* Does a pod's packet for this endpoint go straight to it, past the stack? */
WEIR_INLINE int weir_is_handed_over(__u32 slot, const struct weir_endpoint *to)
{
	return weir_redirect_peer && slot >= WEIR_FIRST_ENDPOINT_SLOT && to->ifindex;
}

/* From a pod that may send this: straight into the other pod when it is on this node, else to the stack. */
WEIR_INLINE int weir_forward(struct weir_skb *skb, const struct weir_packet *packet, __u32 slot,
			     const struct weir_endpoint *to)
{
	int hop;

	if (weir_trace)
		weir_trace_packet(skb, packet, WEIR_EGRESS);
	if (weir_is_handed_over(slot, to)) {
		hop = weir_hop(skb, packet->family, to);
		if (weir_likely(hop == WEIR_HOP_DONE)) {
			weir_count_both(skb);
			return bpf_redirect_peer(to->ifindex, 0);
		}
		if (hop == WEIR_HOP_FAILED)
			return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_WRITE_FAILED);
	}
	if (weir_unlikely(weir_has_egress_rules()))
		return WEIR_ASK_POLICY;
	weir_count(skb, WEIR_PASSED, WEIR_EGRESS);
	return weir_to_stack(skb);
}

/* To a pod, by way of the stack's own output. */
WEIR_INLINE int weir_deliver(struct weir_skb *skb, const struct weir_packet *packet)
{
	if (weir_trace)
		weir_trace_packet(skb, packet, WEIR_INGRESS);
	weir_count(skb, WEIR_PASSED, WEIR_INGRESS);
	return TC_ACT_OK;
}

/* Bytewise: BPF has no memcmp, and headers are aligned to nothing. */
WEIR_INLINE int weir_same_mac(const __u8 *one, const __u8 *other)
{
	return !((one[0] ^ other[0]) | (one[1] ^ other[1]) | (one[2] ^ other[2]) | (one[3] ^ other[3]) |
		 (one[4] ^ other[4]) | (one[5] ^ other[5]));
}

/* Does the frame come from the pod's own interface? */
WEIR_INLINE int weir_source_mac_is(struct weir_skb *skb, const struct weir_endpoint *from)
{
	const void *data = weir_packet_start(skb);
	__u8 mac[ETH_ALEN];

	if (weir_likely(data + ETH_HLEN <= weir_packet_end(skb)))
		return *(const __u32 *)(data + 6) == *(const __u32 *)from->pod_mac &&
		       *(const __u16 *)(data + 10) == *(const __u16 *)(from->pod_mac + 4);
	if (bpf_skb_load_bytes(skb, ETH_ALEN, mac, sizeof(mac)))
		return 0;
	return weir_same_mac(mac, from->pod_mac);
}

/* Of a sender with this slot: 0 when it is the pod at the interface, else the drop reason. */
WEIR_INLINE int weir_forged(struct weir_skb *skb, __u32 slot)
{
	const struct weir_endpoint *from = weir_endpoint_at(&slot);

	if (slot < WEIR_FIRST_ENDPOINT_SLOT || !from || from->ifindex != skb->ifindex)
		return WEIR_BAD_SOURCE;
	return weir_source_mac_is(skb, from) ? WEIR_PASSED : WEIR_BAD_SOURCE_MAC;
}

#endif
