/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* connect(2), of TCP and UDP. */
#ifndef WEIR_CONNECT_H
#define WEIR_CONNECT_H

#include "../include/weir/translate.h"

/* It may have been connected to a service before. */
WEIR_INLINE void weir_forget_connection(struct bpf_sock_addr *call)
{
	const __u64 cookie = bpf_get_socket_cookie(call);
	struct weir_socket *socket;

	if (weir_unlikely(bpf_map_lookup_elem(&weir_connections, &cookie) != 0))
		bpf_map_delete_elem(&weir_connections, &cookie);
	if (call->protocol != IPPROTO_UDP)
		return;
	socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, 0);
	if (weir_unlikely(socket != 0))
		socket->connected = 0;
}

/* Without it the call would work, but the process would see the backend's address. */
WEIR_INLINE void weir_note_connection(struct bpf_sock_addr *call, const struct weir_target *target,
				      const struct weir_target *to)
{
	const __u64 cookie = bpf_get_socket_cookie(call);
	struct weir_connection connection = {
		.virtual_address = target->address,
		.backend_address = to->address,
		.netns = bpf_get_netns_cookie(call),
		.virtual_port = target->port,
		.backend_port = to->port,
		.protocol = target->protocol,
		.family = target->family,
	};
	struct weir_socket *socket;

	bpf_map_update_elem(&weir_connections, &cookie, &connection, BPF_ANY);
	if (target->protocol != IPPROTO_UDP)
		return;
	socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (weir_likely(socket != 0)) {
		socket->virtual_address = target->address;
		socket->virtual_port = target->port;
		socket->backend_address = to->address;
		socket->backend_port = to->port;
		socket->connected = 1;
	}
}

WEIR_INLINE int weir_connect(struct bpf_sock_addr *call, struct weir_target *address)
{
	struct weir_target to = {};
	__u32 index = 0;

	switch (weir_translate(call, address, &to, &index)) {
	case WEIR_NO_SERVICE:
		weir_forget_connection(call);
		return 0;
	case WEIR_NO_BACKEND:
		return -1;
	}
	weir_note_connection(call, address, &to);
	*address = to;
	return 1;
}

WEIR_INLINE int weir_connect4_run(struct bpf_sock_addr *call)
{
	return weir_call4(call, weir_connect);
}

WEIR_INLINE int weir_connect6_run(struct bpf_sock_addr *call)
{
	return weir_call6(call, weir_connect);
}

#endif
