/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * sendto(2) and sendmsg(2) of UDP with an address. All that a socket sends to one service address goes to one backend as
 * long as that is there and the socket isn't silent for WEIR_DATAGRAM_SECONDS.
 */
#ifndef WEIR_SENDMSG_H
#define WEIR_SENDMSG_H

#include "../include/weir/translate.h"

#define WEIR_DATAGRAM_SECONDS 60

WEIR_INLINE void weir_datagram_key_of(struct weir_datagram_key *key, __u64 cookie, const struct weir_target *target,
				      int reply)
{
	key->cookie = cookie;
	key->address = target->address;
	key->port = target->port;
	key->family = target->family;
	key->reply = reply;
}

/* The backend that the socket sent to before; 0 when there is none that may be used on. */
WEIR_INLINE int weir_datagram_again(const struct weir_datagram_key *key, struct weir_target *to, __u64 now)
{
	struct weir_datagram *last = bpf_map_lookup_elem(&weir_datagrams, key);

	if (!last || now - last->used >= WEIR_DATAGRAM_SECONDS * WEIR_SECOND)
		return 0;
	if (!weir_backend_at(last->backend, to) ||
	    !weir_same_place(&to->address, to->port, &last->address, last->port))
		return 0;
	if (now - last->used >= WEIR_SECOND)
		last->used = now;
	return 1;
}

WEIR_INLINE int weir_sendmsg(struct bpf_sock_addr *call, struct weir_target *address)
{
	const struct weir_frontend *frontend = weir_frontend_for(call, address);
	struct weir_datagram_key key = {}, reply = {};
	struct weir_datagram virtual = {};
	struct weir_target to = *address;
	__u64 cookie, now;

	if (!frontend)
		return 0;
	if (!frontend->count)
		return -1;
	cookie = bpf_get_socket_cookie(call);
	now = weir_now();
	weir_datagram_key_of(&key, cookie, address, 0);
	if (!weir_datagram_again(&key, &to, now)) {
		struct weir_datagram chosen = {.used = now};

		switch (weir_translate(call, address, &to, &chosen.backend)) {
		case WEIR_NO_SERVICE:
			return 0;
		case WEIR_NO_BACKEND:
			return -1;
		}
		chosen.address = to.address;
		chosen.port = to.port;
		bpf_map_update_elem(&weir_datagrams, &key, &chosen, BPF_ANY);
	}
	/* What is received looks for this only if the socket has something of ours. */
	bpf_sk_storage_get(&weir_sockets, call->sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	weir_datagram_key_of(&reply, cookie, &to, 1);
	virtual.address = address->address;
	virtual.port = address->port;
	{
		const struct weir_datagram *known = bpf_map_lookup_elem(&weir_datagrams, &reply);

		if (!known || !weir_same_place(&known->address, known->port, &virtual.address, virtual.port))
			bpf_map_update_elem(&weir_datagrams, &reply, &virtual, BPF_ANY);
	}
	*address = to;
	return 1;
}

WEIR_INLINE int weir_sendmsg4_run(struct bpf_sock_addr *call)
{
	return weir_call4(call, weir_sendmsg);
}

WEIR_INLINE int weir_sendmsg6_run(struct bpf_sock_addr *call)
{
	return weir_call6(call, weir_sendmsg);
}

#endif
