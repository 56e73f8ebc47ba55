/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Services for those outside, with packets of the stack: everything that XDP leaves, and all where there is no XDP. In at
 * a device before policy of the node judges, so that it judges the backend; out again behind it.
 */
#ifndef WEIR_NORTH_DEVICE_H
#define WEIR_NORTH_DEVICE_H

#include "device.h"
#include "direct.h"
#include "ipip.h"
#include "north.h"
#include "refuse.h"
#include "rewrite_error.h"

/* No action of traffic control: the packet, as it is now, is the next ones' to judge. */
#define WEIR_NORTH_STAYS 100
/* Its sender is to be told that it is too old, or too big for so many bytes: by whoever has the stack for that. */
#define WEIR_NORTH_OLD 101
#define WEIR_NORTH_BIG 0x100000

/* Back by the device that it came by. */
WEIR_INLINE int weir_north_answer(struct weir_skb *skb, const struct weir_packet *packet, int failed, __u32 reason)
{
	if (failed)
		return weir_drop_early(skb, packet, WEIR_INGRESS, reason);
	weir_count(skb, reason, WEIR_INGRESS);
	return bpf_redirect(skb->ifindex, 0);
}

/* Nobody serves: said at once, so that no client waits. */
WEIR_APART int weir_north_refuse(struct weir_skb *skb, const struct weir_packet *packet)
{
	const struct weir_flow flow = {.direction = WEIR_INGRESS};

	weir_emit(skb, packet, &flow, WEIR_EVENT_DROP, WEIR_UNSERVED);
	if (packet->protocol == IPPROTO_TCP)
		return weir_north_answer(skb, packet, weir_reset(skb, packet), WEIR_UNSERVED);
	return weir_north_answer(skb, packet, weir_unreachable(skb, packet), WEIR_UNSERVED);
}

/* A hop less, of a packet that leaves the node again. 0; -1 when it has none left. */
WEIR_INLINE int weir_north_age(struct weir_skb *skb, int family)
{
	__u8 hops = 0;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + (family == 4 ? 8 : 7), &hops, 1) || hops <= 1)
		return -1;
	hops--;
	if (family == 4 && bpf_l3_csum_replace(skb, ETH_HLEN + 10, weir_be16(0x0100), 0, 2))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN + (family == 4 ? 8 : 7), &hops, 1, 0) ? -1 : 0;
}

/* Does the packet fit the way? What the stack has put together of several is cut again where it leaves. */
WEIR_INLINE int weir_north_fits(struct weir_skb *skb, const struct weir_nat *half, __u32 more)
{
	return !half->hop_mtu || skb->gso_size || skb->len - ETH_HLEN + more <= half->hop_mtu;
}

WEIR_INLINE int weir_north_too_big(struct weir_skb *skb, const struct weir_packet *packet, __u32 mtu)
{
	if (packet->family == 4)
		return weir_north_answer(skb, packet, weir_answer_error(skb, packet, 3, 4, weir_be32(mtu)), WEIR_TOO_BIG);
	return weir_north_answer(skb, packet, weir_answer_error(skb, packet, 2, 0, weir_be32(mtu)), WEIR_TOO_BIG);
}

WEIR_INLINE int weir_north_too_old(struct weir_skb *skb, const struct weir_packet *packet)
{
	const int four = packet->family == 4;

	return weir_north_answer(skb, packet, weir_answer_error(skb, packet, four ? 11 : 3, 0, 0), WEIR_TOO_OLD);
}

/* Rewritten already: on to the next hop, whom the stack asks for where nobody knows him. */
WEIR_APART int weir_north_send(struct weir_skb *skb, const struct weir_nat *half, __u64 now)
{
	__u8 macs[12];

	weir_count(skb, WEIR_PASSED, WEIR_INGRESS);
	if (!weir_hop_is_known(half, now))
		return bpf_redirect_neigh(half->hop_ifindex, 0, 0, 0);
	__builtin_memcpy(macs, half->hop_macs, sizeof(macs));
	if (bpf_skb_store_bytes(skb, 0, macs, sizeof(macs), 0))
		return TC_ACT_SHOT;
	return bpf_redirect(half->hop_ifindex, 0);
}

WEIR_APART int weir_north_refresh(struct weir_skb *skb, struct weir_nat *half, const struct weir_tuple *before,
				  const struct weir_tuple *after, __u64 now)
{
	struct weir_hop_to hop = {};

	weir_find_hop(skb, after, skb->ifindex, &hop);
	half->hop_ifindex = 0;
	if (hop.ifindex)
		weir_keep_hop(half, &hop, now);
	weir_nat_save(half, before, after, now);
	return half->hop_ifindex != 0;
}

/* The packet goes by the half that there is for it. */
WEIR_APART int weir_north_go(struct weir_skb *skb, struct weir_packet *packet, const struct weir_tuple *before,
			     const struct weir_tuple *after, struct weir_nat *half)
{
	const int goes_on = weir_goes_on(half, before, after);
	const int wraps = weir_ipip && half->kind == WEIR_NAT_FORWARDED && !half->is_reply;
	const int tells = !wraps && weir_tells(half, packet->protocol, packet->seen) && packet->l4;
	const __u32 more = wraps ? weir_ipip_bytes(packet->family) : tells ? weir_direct_bytes(packet->family) : 0;
	const __u64 now = weir_now();
	int reason;

	if (goes_on) {
		if (!weir_hop_is_known(half, now) && !weir_north_refresh(skb, half, before, after, now))
			return weir_drop_early(skb, packet, WEIR_INGRESS, WEIR_NO_ROUTE);
		if (!weir_north_fits(skb, half, more))
			return WEIR_NORTH_BIG + (__u16)(half->hop_mtu - more);
	}
	/* The next packet makes the pair anew. */
	if (weir_nat_touch(half, before, after, packet->seen, now))
		return weir_drop_early(skb, packet, WEIR_INGRESS, WEIR_UNRELATED);
	if (goes_on && weir_north_age(skb, packet->family))
		return WEIR_NORTH_OLD;
	if (wraps) {
		reason = weir_ipip_put(skb, packet, after, half->hop_ifindex);
	} else {
		weir_packet_become(packet, after);
		reason = weir_rewrite(skb, packet, before);
	}
	if (!reason && tells)
		reason = packet->family == 4 ? weir_direct_put4(skb, packet, before) : weir_direct_put6(skb, packet, before);
	if (reason)
		return weir_drop_early(skb, packet, WEIR_INGRESS, reason);
	return goes_on ? weir_north_send(skb, half, now) : WEIR_NORTH_STAYS;
}

/* The half for the packet; 0 when there is none, or none any more. */
WEIR_INLINE struct weir_nat *weir_north_half(const struct weir_packet *packet, const struct weir_tuple *before,
					     __u32 may, struct weir_tuple *after)
{
	struct weir_nat *half = weir_nat_find(before, weir_northern_where(may), after);

	return half && weir_now() < half->expires && !weir_nat_reopens(packet->seen, half) ? half : 0;
}

/* In at a device: a packet for a service, or from a backend of another node. */
WEIR_APART int weir_north_flow(struct weir_skb *skb, struct weir_packet *packet, __u32 may)
{
	struct weir_tuple before, after;
	struct weir_nat *half;
	int result;

	weir_tuple_of(&before, packet);
	half = weir_north_half(packet, &before, may, &after);
	if (half && !weir_is_northern_kind(half))
		return WEIR_NORTH_STAYS;
	if (half && !half->is_reply && !weir_backend_is(half, &after)) {
		/* A connection that nobody has the other end of ends now; what has no connection goes to another one. */
		if (packet->protocol == IPPROTO_TCP && (packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) != WEIR_SEEN_SYN)
			return weir_north_refuse(skb, packet);
		half = 0;
	}
	if (!half) {
		if (!(may & WEIR_MAY_BE_SERVICE))
			return WEIR_NORTH_STAYS;
		result = weir_north_open(skb, &before, &after, weir_arrival(skb->ifindex, packet->seen), weir_now());
		if (result == WEIR_NORTH_NONE)
			return WEIR_NORTH_STAYS;
		if (result == WEIR_NORTH_REFUSE)
			return weir_north_refuse(skb, packet);
		if (result)
			return weir_drop_early(skb, packet, WEIR_INGRESS, result);
		half = weir_nat_written();
		if (!half)
			return weir_drop_early(skb, packet, WEIR_INGRESS, WEIR_NAT_EXHAUSTED);
	}
	result = weir_north_go(skb, packet, &before, &after, half);
	if (weir_unlikely(result == WEIR_NORTH_OLD))
		return weir_north_too_old(skb, packet);
	if (weir_unlikely(result >= WEIR_NORTH_BIG))
		return weir_north_too_big(skb, packet, result - WEIR_NORTH_BIG);
	return result;
}

/*
 * An ICMP error about what a pair has made of a packet: whoever sent it learns of his own packet. The other half, which is
 * for packets against the quoted one, says what that was; `from` is the packet's place in it, and who gets the error.
 */
WEIR_APART struct weir_nat *weir_north_quoted(struct weir_skb *skb, const struct weir_packet *packet,
					      struct weir_packet *quoted, struct weir_tuple *was, struct weir_tuple *now_is)
{
	struct weir_nat *half;

	if (weir_parse_quoted(skb, packet, quoted))
		return 0;
	weir_tuple_of(was, quoted);
	was->source = quoted->destination;
	was->destination = quoted->source;
	was->source_port = quoted->destination_port;
	was->destination_port = quoted->source_port;
	half = weir_nat_find(was, WEIR_PAIR_BY_SOURCE | WEIR_PAIR_BY_DESTINATION | WEIR_PAIR_BY_BOTH, now_is);
	return half && weir_now() < half->expires && weir_is_northern_kind(half) ? half : 0;
}

/*
 * The error's own addresses: for whom the quoted packet's sender is, from where that was sent to. A router's own would not
 * come past it where it leads both to this node and on from here. What stays here keeps its sender.
 */
WEIR_INLINE int weir_north_readdress(struct weir_skb *skb, struct weir_packet *packet, const struct weir_tuple *was,
				     const struct weir_tuple *now_is, int keeps_sender, struct weir_tuple *before)
{
	weir_tuple_of(before, packet);
	if (!keeps_sender || weir_same_address(&packet->source, &was->source))
		packet->source = now_is->source;
	packet->destination = now_is->destination;
	return weir_rewrite(skb, packet, before);
}

WEIR_APART int weir_north_error(struct weir_skb *skb, struct weir_packet *packet, __u32 direction)
{
	struct weir_packet quoted = {};
	struct weir_tuple was, now_is, to, old;
	struct weir_nat *half = weir_north_quoted(skb, packet, &quoted, &was, &now_is);
	int goes_on, reason;

	if (!half)
		return WEIR_NORTH_STAYS;
	goes_on = direction == WEIR_INGRESS && weir_goes_on(half, &was, &now_is);
	if (goes_on && weir_north_age(skb, packet->family))
		return TC_ACT_SHOT;
	/* What the quoted packet was before: against what packets against it become. */
	to.source = now_is.destination;
	to.destination = now_is.source;
	to.source_port = now_is.destination_port;
	to.destination_port = now_is.source_port;
	to.family = was.family;
	to.protocol = was.protocol;
	weir_tuple_of(&old, &quoted);
	weir_packet_become(&quoted, &to);
	reason = weir_rewrite_quoted(skb, packet, &quoted, &old);
	if (!reason)
		reason = weir_north_readdress(skb, packet, &was, &now_is, !goes_on, &old);
	if (reason)
		return weir_drop_early(skb, packet, direction, reason);
	if (!goes_on)
		return direction == WEIR_EGRESS ? WEIR_NEXT : WEIR_NORTH_STAYS;
	if (!weir_hop_is_known(half, weir_now()) && !weir_north_refresh(skb, half, &was, &now_is, weir_now()))
		return weir_drop_early(skb, packet, direction, WEIR_NO_ROUTE);
	return weir_north_send(skb, half, weir_now());
}

/* Out at a device: the answer of a backend of this node; WEIR_NORTH_STAYS when it is nothing of the kind. Errors of its own stay what they are but for their names. */
WEIR_APART int weir_north_leaves(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_tuple before, after;
	struct weir_nat *half;
	int reason;

	weir_tuple_of(&before, packet);
	half = weir_nat_find(&before, WEIR_PAIR_BY_DESTINATION, &after);
	if (!half || !half->is_reply || !weir_is_northern_kind(half))
		return WEIR_NORTH_STAYS;
	if (weir_nat_touch(half, &before, &after, packet->seen, weir_now()))
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_UNRELATED);
	weir_packet_become(packet, &after);
	reason = weir_rewrite(skb, packet, &before);
	return reason ? weir_drop_early(skb, packet, WEIR_EGRESS, reason) : WEIR_NEXT;
}

/* What comes in, if it may be a service's: WEIR_NORTH_STAYS, or an action. */
WEIR_INLINE int weir_north_comes(struct weir_skb *skb, struct weir_packet *packet)
{
	__u32 may;

	if (packet->kind == WEIR_KIND_ICMP_ERROR && weir_has_northern())
		return weir_north_error(skb, packet, WEIR_INGRESS);
	if (packet->kind != WEIR_KIND_FLOW)
		return WEIR_NORTH_STAYS;
	if (weir_direct_return && weir_ipip && packet->protocol == weir_ipip_protocol(packet->family)) {
		const int reason = weir_ipip_comes(skb, packet);

		return reason ? weir_drop_early(skb, packet, WEIR_INGRESS, reason) : WEIR_NORTH_STAYS;
	}
	if (weir_direct_return && !weir_ipip && packet->l4 > ETH_HLEN + (packet->family == 4 ? 20 : 40)) {
		const int reason = weir_direct_learn(skb, packet);

		if (reason != WEIR_DIRECT_NONE)
			return reason ? weir_drop_early(skb, packet, WEIR_INGRESS, reason) : WEIR_NORTH_STAYS;
	}
	may = weir_is_northern(packet->protocol, packet->destination_port);
	return may ? weir_north_flow(skb, packet, may) : WEIR_NORTH_STAYS;
}

#endif
