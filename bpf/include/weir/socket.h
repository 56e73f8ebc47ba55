/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Who opened a connection that no entry knows. It was open before any policy selected the node, or its entry was evicted;
 * but the node has a socket for it. One whose port nobody listens at was opened by the node, one whose port somebody
 * listens at from outside. A server that stopped listening is taken for a caller.
 */
#ifndef WEIR_SOCKET_H
#define WEIR_SOCKET_H

#include "packet.h"

/* Addresses and ports as packets to the node have them. `tuple` must be zero. */
WEIR_INLINE void weir_socket_tuple(struct bpf_sock_tuple *tuple, const struct weir_packet *packet, __u32 direction)
{
	const int inward = direction == WEIR_INGRESS;
	const union weir_address *remote = inward ? &packet->source : &packet->destination;
	const union weir_address *local = inward ? &packet->destination : &packet->source;
	const __u16 remote_port = inward ? packet->source_port : packet->destination_port;
	const __u16 local_port = inward ? packet->destination_port : packet->source_port;

	if (packet->family == 4) {
		tuple->ipv4.saddr = remote->word[0];
		tuple->ipv4.daddr = local->word[0];
		tuple->ipv4.sport = remote_port;
		tuple->ipv4.dport = local_port;
		return;
	}
	__builtin_memcpy(tuple->ipv6.saddr, remote, 16);
	__builtin_memcpy(tuple->ipv6.daddr, local, 16);
	tuple->ipv6.sport = remote_port;
	tuple->ipv6.dport = local_port;
}

/* The state of the socket that would get such a packet; 0: none would. */
WEIR_INLINE __u32 weir_socket_state(struct weir_skb *skb, struct bpf_sock_tuple *tuple, const struct weir_packet *packet)
{
	const __u32 size = packet->family == 4 ? sizeof(tuple->ipv4) : sizeof(tuple->ipv6);
	struct bpf_sock *socket;
	__u32 state;

	if (packet->protocol == IPPROTO_TCP)
		socket = bpf_sk_lookup_tcp(skb, tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		socket = bpf_sk_lookup_udp(skb, tuple, size, BPF_F_CURRENT_NETNS, 0);
	if (!socket)
		return 0;
	state = socket->state;
	bpf_sk_release(socket);
	return state;
}

/*
 * Is this packet, of which no entry tells, one of a connection that the other side opened? What opens a connection never
 * is. UDP's connected sockets count for what comes in alone: what they send needs no connection to be there already, so
 * that a caller could pass for a server.
 */
WEIR_APART int weir_is_answer(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	struct bpf_sock_tuple tuple = {};
	int is_nodes = 1;
	__u32 state;

	if (packet->protocol == IPPROTO_TCP) {
		if ((packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) == WEIR_SEEN_SYN)
			return 0;
	} else if (packet->protocol != IPPROTO_UDP || direction != WEIR_INGRESS) {
		return 0;
	}
	weir_socket_tuple(&tuple, packet, direction);
	state = weir_socket_state(skb, &tuple, packet);
	if (!state || state == BPF_TCP_LISTEN || state == BPF_TCP_CLOSE)
		return 0;
	if (state != BPF_TCP_SYN_SENT) {
		/* No connection has a port 0 at its other end: only who takes any is found by it. */
		if (packet->family == 4)
			tuple.ipv4.sport = 0;
		else
			tuple.ipv6.sport = 0;
		is_nodes = !weir_socket_state(skb, &tuple, packet);
	}
	return is_nodes == (direction == WEIR_INGRESS);
}

#endif
