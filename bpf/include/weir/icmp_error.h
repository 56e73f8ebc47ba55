/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * ICMP and ICMPv6 errors pass when they are about a tracked flow of the receiver's, which the error quotes; whoever on the
 * way sends them. They don't keep the flow alive.
 */
#ifndef WEIR_ICMP_ERROR_H
#define WEIR_ICMP_ERROR_H

#include "forward.h"
#include "ipv4.h"
#include "ipv6.h"
#include "judge.h"

/* Reads the quotation. 0, or the drop reason. */
WEIR_GLOBAL int weir_parse_quoted(struct weir_skb *skb, const struct weir_packet *packet, struct weir_packet *quoted)
{
	int reason;

	if (!packet || !quoted)
		return WEIR_INVALID_PACKET;
	/* A later fragment of an error has no quotation to judge by. */
	if (!packet->l4)
		return WEIR_UNRELATED;
	if (packet->family == 4)
		reason = weir_parse4(skb, packet->l4 + 8, quoted, 1);
	else
		reason = weir_parse6(skb, packet->l4 + 8, quoted, 1);
	if (reason)
		return WEIR_TRUNCATED_L4;
	if (quoted->kind != WEIR_KIND_FLOW || weir_to_itself(quoted) ||
	    quoted->source.half[0] != packet->destination.half[0] || quoted->source.half[1] != packet->destination.half[1])
		return WEIR_UNRELATED;
	/* An error is no sign of life: nothing but a new verdict may come of it. */
	quoted->seen = 0;
	return WEIR_PASSED;
}

/*
 * Apart, so that its key isn't on the stack while the flow is judged: the frames of a path share 512 bytes, and before
 * Linux 6.8 each is rounded up to 32.
 */
WEIR_APART struct weir_ct *weir_quoted_flow(const struct weir_packet *quoted, __u32 side)
{
	return weir_ct_find(quoted, side);
}

/*
 * Finds the flow that the error is about: 0, or the drop reason. Then *slots holds the slots of the receiver of the error
 * and of the peer that the quoted packet was sent to.
 */
WEIR_INLINE int weir_related(struct weir_skb *skb, const struct weir_packet *packet, struct weir_flow *flow,
			     __u32 slots[2])
{
	struct weir_packet quoted = {};
	struct weir_ct *entry;
	__u32 side;
	int reason = weir_parse_quoted(skb, packet, &quoted);

	if (reason)
		return reason;
	side = weir_side(&quoted) & 1;
	entry = weir_quoted_flow(&quoted, side);
	if (!entry || weir_now() >= entry->expires)
		return WEIR_UNRELATED;
	slots[0] = entry->slot[side];
	slots[1] = entry->slot[side ^ 1];
	if (!entry->cut && weir_generation(slots[0]) + weir_generation(slots[1]) == entry->generation)
		return WEIR_PASSED;
	weir_resolve_flow(&quoted, flow);
	slots[0] = flow->source.slot;
	slots[1] = flow->destination.slot;
	return weir_admit(skb, &quoted, flow);
}

/*
 * `from`: the error leaves a pod; otherwise it is for one. 0 when it may pass, to the endpoint of *to; else what the program
 * is to return.
 */
WEIR_INLINE int weir_error(struct weir_skb *skb, const struct weir_packet *packet, int from, __u32 *to)
{
	struct weir_flow flow = {.direction = from ? WEIR_EGRESS : WEIR_INGRESS};
	const struct weir_endpoint *endpoint;
	__u32 slots[2] = {}, slot;
	int reason;

	weir_resolve(&packet->source, packet->family, &flow.source);
	slot = flow.source.slot;
	if (from) {
		endpoint = weir_endpoint_at(&slot);
		if (!endpoint || slot < WEIR_FIRST_ENDPOINT_SLOT || endpoint->ifindex != skb->ifindex)
			return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
		if (!weir_source_mac_is(skb, endpoint))
			return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE_MAC);
	} else if (slot >= WEIR_FIRST_ENDPOINT_SLOT && !weir_is_marked(skb)) {
		return weir_drop(skb, packet, &flow, WEIR_BAD_SOURCE);
	}
	reason = weir_related(skb, packet, &flow, slots);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	endpoint = weir_endpoint_at(&slots[0]);
	if (from) {
		/* A pod is no router: it can only refuse what was sent to itself. */
		if (slots[1] != slot || !endpoint)
			return weir_drop(skb, packet, &flow, WEIR_UNRELATED);
		*to = slots[0];
		return 0;
	}
	if (!endpoint || endpoint->ifindex != skb->ifindex)
		return weir_drop(skb, packet, &flow, WEIR_STALE_TARGET);
	*to = slots[0];
	return 0;
}

WEIR_APART int weir_error_from_endpoint(struct weir_skb *skb, const struct weir_packet *packet, __u32 *to)
{
	return weir_error(skb, packet, 1, to);
}

WEIR_APART int weir_error_to_endpoint(struct weir_skb *skb, const struct weir_packet *packet)
{
	__u32 to = 0;

	return weir_error(skb, packet, 0, &to);
}

#endif
