/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* recvfrom(2) and recvmsg(2) of UDP, and getpeername(2): the sender shows as what the process sent to. */
#ifndef WEIR_RECVMSG_H
#define WEIR_RECVMSG_H

#include "sendmsg.h"

/* The service address that stands for the peer to `source`; 0: the peer is who it says. */
WEIR_INLINE int weir_virtual_peer(const struct weir_socket *socket, struct weir_target *source)
{
	if (!socket->connected ||
	    !weir_same_place(&source->address, source->port, &socket->backend_address, socket->backend_port))
		return 0;
	source->address = socket->virtual_address;
	source->port = socket->virtual_port;
	return 1;
}

WEIR_INLINE int weir_recvmsg(struct bpf_sock_addr *call, struct weir_target *source)
{
	const struct weir_socket *socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, 0);
	const struct weir_datagram *virtual;
	struct weir_datagram_key key = {};

	if (weir_likely(!socket))
		return 0;
	if (weir_virtual_peer(socket, source))
		return 1;
	weir_datagram_key_of(&key, bpf_get_socket_cookie(call), source, 1);
	virtual = bpf_map_lookup_elem(&weir_datagrams, &key);
	if (!virtual)
		return 0;
	source->address = virtual->address;
	source->port = virtual->port;
	return 1;
}

WEIR_INLINE int weir_recvmsg4_run(struct bpf_sock_addr *call)
{
	return weir_call4(call, weir_recvmsg);
}

WEIR_INLINE int weir_recvmsg6_run(struct bpf_sock_addr *call)
{
	return weir_call6(call, weir_recvmsg);
}

/* The service address that stands for the socket's peer; 0: the peer is who it says. */
WEIR_INLINE int weir_peer_shown(struct bpf_sock_addr *call, struct weir_target *peer)
{
	const __u64 cookie = bpf_get_socket_cookie(call);
	const struct weir_connection *connection;

	if (call->protocol == IPPROTO_UDP) {
		const struct weir_socket *socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, 0);

		return socket && weir_virtual_peer(socket, peer);
	}
	connection = bpf_map_lookup_elem(&weir_connections, &cookie);
	if (!connection ||
	    !weir_same_place(&peer->address, peer->port, &connection->backend_address, connection->backend_port))
		return 0;
	peer->address = connection->virtual_address;
	peer->port = connection->virtual_port;
	return 1;
}

WEIR_INLINE int weir_getpeername4_run(struct bpf_sock_addr *call)
{
	return weir_call4(call, weir_peer_shown);
}

WEIR_INLINE int weir_getpeername6_run(struct bpf_sock_addr *call)
{
	return weir_call6(call, weir_peer_shown);
}

#endif
