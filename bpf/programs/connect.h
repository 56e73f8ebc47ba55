/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* connect(2), of TCP and UDP. */
#ifndef WEIR_CONNECT_H
#define WEIR_CONNECT_H

#include "../include/weir/translate.h"

/* To `to` where the call is to go; 0: it stays as it is, below 0: refused. */
WEIR_INLINE int weir_connect_run(struct bpf_sock_addr *call, const struct weir_target *target, struct weir_target *to)
{
	struct weir_socket *socket;
	__u32 index = 0;

	switch (weir_translate(call, target, to, &index)) {
	case WEIR_NO_SERVICE:
		/* It may have been connected to a service before. */
		socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, 0);
		if (weir_unlikely(socket != 0))
			socket->connected = 0;
		return 0;
	case WEIR_NO_BACKEND:
		return -1;
	}
	/* Without it the call would work, but the process would see the backend's address. */
	socket = bpf_sk_storage_get(&weir_sockets, call->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (weir_likely(socket != 0)) {
		socket->virtual_address = target->address;
		socket->virtual_port = target->port;
		socket->backend_address = to->address;
		socket->backend_port = to->port;
		socket->connected = 1;
	}
	return 1;
}

WEIR_INLINE int weir_connect4_run(struct bpf_sock_addr *call)
{
	struct weir_target target = {}, to = {};
	int changed;

	weir_target4(call, &target);
	changed = weir_connect_run(call, &target, &to);
	if (changed < 0)
		return weir_refuse(WEIR_ECONNREFUSED);
	if (changed)
		weir_set_target4(call, &to.address, to.port);
	return WEIR_CALL_ALLOWED;
}

WEIR_INLINE int weir_connect6_run(struct bpf_sock_addr *call)
{
	struct weir_target target = {}, to = {};
	int changed;

	weir_target6(call, &target);
	changed = weir_connect_run(call, &target, &to);
	if (changed < 0)
		return weir_refuse(WEIR_ECONNREFUSED);
	if (changed)
		weir_set_target6(call, to.family, &to.address, to.port);
	return WEIR_CALL_ALLOWED;
}

#endif
