/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What egress gateway policies say of a packet, and of whom they don't speak. */
#ifndef WEIR_EGRESS_RULE_H
#define WEIR_EGRESS_RULE_H

#include "conntrack.h"

/* As socket.h of the kernel numbers families. */
#define WEIR_AF_INET 2
#define WEIR_AF_INET6 10

WEIR_INLINE const struct weir_leaving *weir_leaving_now(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&weir_leaving, &zero);
}

WEIR_INLINE int weir_has_egress_rules(void)
{
	const struct weir_leaving *leaving = weir_leaving_now();

	return leaving && leaving->rules;
}

/* What becomes of packets with these addresses; 0: no policy speaks of them. */
WEIR_APART const struct weir_egress *weir_egress_rule(const struct weir_packet *packet)
{
	union {
		struct weir_egress4_key v4;
		struct weir_egress6_key v6;
	} key = {};

	if (packet->family == 4) {
		key.v4.length = 64;
		__builtin_memcpy(key.v4.source, &packet->source, 4);
		__builtin_memcpy(key.v4.destination, &packet->destination, 4);
		return bpf_map_lookup_elem(&weir_egress4, &key);
	}
	key.v6.length = 256;
	__builtin_memcpy(key.v6.source, &packet->source, 16);
	__builtin_memcpy(key.v6.destination, &packet->destination, 16);
	return bpf_map_lookup_elem(&weir_egress6, &key);
}

/* Pods and nodes are known by their addresses. */
WEIR_INLINE int weir_stays_in_cluster(const struct weir_packet *packet)
{
	if (packet->family == 4)
		return bpf_map_lookup_elem(&weir_addr4, &packet->destination) != 0;
	return bpf_map_lookup_elem(&weir_addr6, &packet->destination) != 0;
}

/* The live entry of the packet's flow; 0: none. */
WEIR_APART struct weir_ct *weir_ct_live(const struct weir_packet *packet)
{
	struct weir_ct *entry = weir_ct_find(packet, weir_side(packet) & 1);

	return entry && weir_now() < entry->expires ? entry : 0;
}

/* Does it go against a flow that the other side opened? `entry`: the flow's, or 0. */
WEIR_INLINE int weir_answers(const struct weir_packet *packet, const struct weir_ct *entry)
{
	return packet->backwards || (entry && entry->originator != (weir_side(packet) & 1));
}

#endif
