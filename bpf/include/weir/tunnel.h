/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Which node an address belongs to, and packets of the tunnels between nodes as the node's own devices see them. */
#ifndef WEIR_TUNNEL_H
#define WEIR_TUNNEL_H

#include "packet.h"

/* The other node that an address is on, or is of; 0: none. */
WEIR_APART const struct weir_tunnel *weir_tunnel_to(const union weir_address *address, int family)
{
	struct weir_prefix6 prefix = {};

	if (family == 4) {
		prefix.length = 32;
		__builtin_memcpy(prefix.address, address, 4);
		return bpf_map_lookup_elem(&weir_tunnels4, &prefix);
	}
	prefix.length = 128;
	__builtin_memcpy(prefix.address, address, 16);
	return bpf_map_lookup_elem(&weir_tunnels6, &prefix);
}

/* A pod's of another node, as far as tunnels lead to it? */
WEIR_APART int weir_is_anothers_pod(const union weir_address *address, int family)
{
	const struct weir_tunnel *node = weir_tunnel_to(address, family);

	return node && !node->is_node;
}

WEIR_INLINE int weir_has_tunnels_port(const struct weir_packet *packet)
{
	return packet->protocol == IPPROTO_UDP && packet->destination_port == weir_be16(weir_tunnel_port);
}

/*
 * One packet of a tunnel between nodes? What it carries is judged where it is taken out, and policy of the node has no say
 * in it. Only one of a known node: of others nothing that it carries would be believed.
 */
WEIR_INLINE int weir_is_tunnels(const struct weir_packet *packet, const union weir_address *other)
{
	const struct weir_tunnel *node;

	if (!weir_tunnel_port || !weir_has_tunnels_port(packet))
		return 0;
	node = weir_tunnel_to(other, packet->family);
	return node && node->is_node;
}

#endif
