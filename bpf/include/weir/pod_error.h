/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * ICMP errors about flows that a pair rewrites at a pod's interface. To the pod they are about what it sent, to who it sent
 * it to; to everybody else about what the flow's packets are on their way.
 */
#ifndef WEIR_POD_ERROR_H
#define WEIR_POD_ERROR_H

#include "icmp_error.h"
#include "rewrite_error.h"
#include "service.h"

WEIR_INLINE void weir_tuple_reverse(struct weir_tuple *tuple, const struct weir_packet *packet)
{
	tuple->source = packet->destination;
	tuple->destination = packet->source;
	tuple->source_port = packet->destination_port;
	tuple->destination_port = packet->source_port;
	tuple->family = packet->family;
	tuple->protocol = packet->protocol;
	tuple->pad[0] = tuple->pad[1] = 0;
}

/* What an error is to quote instead, by the half for packets against the quoted one. */
WEIR_INLINE void weir_quoted_become(struct weir_packet *quoted, const struct weir_tuple *against)
{
	quoted->source = against->destination;
	quoted->destination = against->source;
	quoted->source_port = against->destination_port;
	quoted->destination_port = against->source_port;
}

/*
 * An error that leaves a pod, about a packet that reached it rewritten: its quotation becomes the packet that was sent.
 * 1: so it is, and the error is for the pod itself, which reaches itself by a service. 0, or below zero a drop reason.
 */
WEIR_APART int weir_error_leaves(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_packet quoted = {};
	struct weir_tuple was, after;
	const struct weir_peer *peer;
	const struct weir_nat *half;
	int kind;

	if (weir_parse_quoted(skb, packet, &quoted))
		return 0;
	weir_tuple_reverse(&was, &quoted);
	half = weir_nat_find(&was, WEIR_PAIR_BY_SOURCE | WEIR_PAIR_BY_DESTINATION, &after);
	if (!half || weir_now() >= half->expires || !weir_nat_leaves_pod(half))
		return 0;
	kind = half->kind;
	peer = weir_exact(&packet->source, packet->family);
	if (weir_forged(skb, peer ? peer->slot : 0))
		return 0;
	weir_tuple_of(&was, &quoted);
	weir_quoted_become(&quoted, &after);
	if (weir_rewrite_quoted(skb, packet, &quoted, &was))
		return -WEIR_WRITE_FAILED;
	weir_tuple_of(&was, packet);
	if (kind == WEIR_NAT_HAIRPIN) {
		packet->destination = packet->source;
		packet->source = was.destination;
	} else {
		packet->destination = quoted.source;
	}
	if (weir_rewrite(skb, packet, &was))
		return -WEIR_WRITE_FAILED;
	return kind == WEIR_NAT_HAIRPIN;
}

/* An error that is delivered to a pod, about a packet that left it rewritten: its quotation becomes what the pod sent. */
WEIR_APART int weir_error_reaches(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_packet quoted = {};
	struct weir_tuple was, after;
	const struct weir_nat *half;

	if (weir_parse_quoted(skb, packet, &quoted))
		return WEIR_UNRELATED;
	weir_tuple_reverse(&was, &quoted);
	half = weir_nat_find(&was, WEIR_PAIR_BY_DESTINATION, &after);
	if (!half || !weir_nat_reaches_pod(half))
		return WEIR_PASSED;
	weir_tuple_of(&was, &quoted);
	weir_quoted_become(&quoted, &after);
	if (weir_rewrite_quoted(skb, packet, &quoted, &was))
		return WEIR_WRITE_FAILED;
	/* Who answers in the name of the service refuses in its name; a router on the way speaks for itself. */
	if (!weir_same_address(&packet->source, &was.destination))
		return WEIR_PASSED;
	weir_tuple_of(&was, packet);
	packet->source = quoted.destination;
	return weir_rewrite(skb, packet, &was);
}

#endif
