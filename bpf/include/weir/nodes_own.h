/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Sockets of the node's that have a port already. */
#ifndef WEIR_NODES_OWN_H
#define WEIR_NODES_OWN_H

#include "nat.h"

/* Would an answer to a packet of `after` be taken for one to a socket of the node's own? Listening ones count too. */
WEIR_APART int weir_is_nodes_own(void *context, const struct weir_tuple *after)
{
	struct bpf_sock_tuple tuple = {};
	const __u32 size = after->family == 4 ? sizeof(tuple.ipv4) : sizeof(tuple.ipv6);
	struct bpf_sock *socket;

	if (after->protocol != IPPROTO_TCP && after->protocol != IPPROTO_UDP)
		return 0;
	if (after->family == 4) {
		tuple.ipv4.saddr = after->destination.word[0];
		tuple.ipv4.daddr = after->source.word[0];
		tuple.ipv4.sport = after->destination_port;
		tuple.ipv4.dport = after->source_port;
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &after->destination, 16);
		__builtin_memcpy(tuple.ipv6.daddr, &after->source, 16);
		tuple.ipv6.sport = after->destination_port;
		tuple.ipv6.dport = after->source_port;
	}
	if (after->protocol == IPPROTO_TCP)
		socket = bpf_sk_lookup_tcp(context, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		socket = bpf_sk_lookup_udp(context, &tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return 0;
	bpf_sk_release(socket);
	return 1;
}

#endif
