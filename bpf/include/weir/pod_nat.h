/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Pairs at the interface of a pod. What the pod sends becomes what its pair says before policy sees it; what comes back is
 * turned into an answer of who was asked when it is delivered. Conntrack and policy know the backend alone.
 */
#ifndef WEIR_POD_NAT_H
#define WEIR_POD_NAT_H

#include "rewrite_error.h"

/* Does the half rewrite what a pod sends, where it leaves the pod? */
WEIR_INLINE int weir_nat_leaves_pod(const struct weir_nat *half)
{
	if (half->is_reply)
		return half->kind == WEIR_NAT_HAIRPIN;
	return half->kind == WEIR_NAT_SERVICE || half->kind == WEIR_NAT_HAIRPIN || half->kind == WEIR_NAT_DIRECT;
}

/* Does it rewrite what is delivered to a pod, as an answer? */
WEIR_INLINE int weir_nat_reaches_pod(const struct weir_nat *half)
{
	return half->is_reply && (half->kind == WEIR_NAT_SERVICE || half->kind == WEIR_NAT_DIRECT);
}

/* Is the packet an answer that has to be rewritten when it is delivered to a pod? */
WEIR_APART int weir_nat_awaits(const struct weir_packet *packet)
{
	struct weir_tuple before, after;
	const struct weir_nat *half;

	weir_tuple_of(&before, packet);
	half = weir_nat_find(&before, WEIR_PAIR_BY_DESTINATION, &after);
	return half && weir_nat_reaches_pod(half) && weir_now() < half->expires;
}

/*
 * Makes an answer to a pod one of who it asked. 0, or the drop reason: the pod never asked who answers, and would refuse
 * him. So an answer whose half the table has forgotten waits until the pod sends something.
 */
WEIR_APART int weir_nat_answer(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_tuple before, after;
	struct weir_nat *half;

	weir_tuple_of(&before, packet);
	half = weir_nat_find(&before, WEIR_PAIR_BY_DESTINATION, &after);
	if (!half || !weir_nat_reaches_pod(half) || weir_nat_touch(half, &before, &after, packet->seen, weir_now()))
		return WEIR_UNRELATED;
	weir_packet_become(packet, &after);
	return weir_rewrite(skb, packet, &before);
}

/* The live half for what a pod sends; 0 when there is none for such packets. *before is what the packet was. */
WEIR_APART struct weir_nat *weir_nat_leave(struct weir_packet *packet, struct weir_tuple *before)
{
	struct weir_tuple after;
	struct weir_nat *half;

	weir_tuple_of(before, packet);
	half = weir_nat_find(before, WEIR_PAIR_BY_SOURCE | WEIR_PAIR_BY_DESTINATION, &after);
	if (!half || weir_now() >= half->expires)
		return 0;
	if (weir_nat_reaches_pod(half)) {
		/* Of an answer whose entry was forgotten the pair tells who asked. */
		packet->backwards = 1;
		return 0;
	}
	if (!weir_nat_leaves_pod(half))
		return 0;
	weir_packet_become(packet, &after);
	return half;
}

/* The packet, which was `before`, may leave: its pair lives on. 0, or -1 when it turns out to have none. */
WEIR_APART int weir_nat_keep(struct weir_nat *half, const struct weir_packet *packet, const struct weir_tuple *before)
{
	struct weir_tuple after;

	weir_tuple_of(&after, packet);
	return weir_nat_touch(half, before, &after, packet->seen, weir_now());
}

/* Both halves of a pair that makes the packet of what was `before`. */
WEIR_APART int weir_nat_forget(const struct weir_packet *packet, const struct weir_tuple *before)
{
	const struct weir_tuple back = {
		.source = packet->destination,
		.destination = packet->source,
		.source_port = packet->destination_port,
		.destination_port = packet->source_port,
		.family = packet->family,
		.protocol = packet->protocol,
	};

	weir_nat_remove(before, WEIR_PAIR_BY_SOURCE);
	return weir_nat_remove(&back, WEIR_PAIR_BY_DESTINATION);
}

#endif
