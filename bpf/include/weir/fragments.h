/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Later fragments have no ports: they take those of the first one, by the datagram's id. One that comes before the first
 * is dropped, as it can't be judged.
 */
#ifndef WEIR_FRAGMENTS_H
#define WEIR_FRAGMENTS_H

#include "clock.h"
#include "packet.h"

/* As long as a receiver waits for the rest. */
#define WEIR_FRAGMENT_TIMEOUT (30 * WEIR_SECOND)

WEIR_INLINE struct weir_frag weir_fragment_of(const struct weir_packet *packet)
{
	struct weir_frag value = {
		.expires = weir_now() + WEIR_FRAGMENT_TIMEOUT,
		.source_port = packet->source_port,
		.destination_port = packet->destination_port,
		.protocol = packet->protocol,
		.backwards = packet->backwards,
	};

	return value;
}

WEIR_INLINE int weir_fragment_resume(struct weir_packet *packet, const struct weir_frag *first)
{
	if (!first || weir_now() >= first->expires)
		return WEIR_FRAGMENT_WITHOUT_FIRST;
	packet->source_port = first->source_port;
	packet->destination_port = first->destination_port;
	packet->protocol = first->protocol;
	packet->backwards = first->backwards;
	/* TCP's flags were in the first fragment. */
	packet->seen = packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_SCTP ? 0 : WEIR_SEEN_ACK;
	return WEIR_PASSED;
}

#endif
