/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Addresses of services in the calls of processes: what is sent goes to a backend from the start, so that no packet has to
 * be rewritten; the process goes on seeing the address that it knows.
 */
#ifndef WEIR_TRANSLATE_H
#define WEIR_TRANSLATE_H

#include <linux/in.h>

#include "select.h"

#define WEIR_EADDRINUSE 98
#define WEIR_ECONNREFUSED 111

/* What a program of these hooks returns. */
enum weir_call {
	WEIR_CALL_REFUSED = 0,
	WEIR_CALL_ALLOWED = 1,
};

/* Fails the call; the error is EPERM where the kernel lets a program not say another one. */
WEIR_INLINE int weir_refuse(int error)
{
	if (weir_set_retval)
		bpf_set_retval(-error);
	return WEIR_CALL_REFUSED;
}

/* The address of an IPv4 call. */
WEIR_INLINE void weir_target4(const struct bpf_sock_addr *call, struct weir_target *target)
{
	target->address.word[0] = call->user_ip4;
	target->port = call->user_port;
	target->protocol = call->protocol;
	target->family = 4;
}

/* The address of an IPv6 call, which may be one of IPv4 in disguise (::ffff:192.0.2.1). */
WEIR_INLINE void weir_target6(const struct bpf_sock_addr *call, struct weir_target *target)
{
	const __u32 word0 = call->user_ip6[0], word1 = call->user_ip6[1];
	const __u32 word2 = call->user_ip6[2], word3 = call->user_ip6[3];

	target->port = call->user_port;
	target->protocol = call->protocol;
	if (!(word0 | word1) && word2 == weir_be32(0xffff)) {
		target->address.word[0] = word3;
		target->family = 4;
		return;
	}
	target->address.word[0] = word0;
	target->address.word[1] = word1;
	target->address.word[2] = word2;
	target->address.word[3] = word3;
	target->family = 6;
}

WEIR_INLINE void weir_set_target4(struct bpf_sock_addr *call, const union weir_address *address, __u16 port)
{
	call->user_ip4 = address->word[0];
	call->user_port = port;
}

/* `family` is that of the address: one of IPv4 stays in disguise. */
WEIR_INLINE void weir_set_target6(struct bpf_sock_addr *call, int family, const union weir_address *address, __u16 port)
{
	if (family == 4) {
		call->user_ip6[3] = address->word[0];
	} else {
		call->user_ip6[0] = address->word[0];
		call->user_ip6[1] = address->word[1];
		call->user_ip6[2] = address->word[2];
		call->user_ip6[3] = address->word[3];
	}
	call->user_port = port;
}

/* The node's own processes, as opposed to those of pods with a network of their own. */
#define weir_is_node(context) (bpf_get_netns_cookie(context) == bpf_get_netns_cookie(0))

/*
 * What the address stands for, for this caller. Node ports are on the loopback addresses of the node too. Which pod calls
 * shows in its packets alone: a redirect that spares its own backends is left to where they leave the pod.
 */
WEIR_INLINE struct weir_frontend *weir_frontend_for(struct bpf_sock_addr *call, const struct weir_target *target)
{
	struct weir_frontend *frontend = weir_frontend_of(target, WEIR_INTERNAL);

	if (weir_likely(frontend != 0)) {
		if (weir_unlikely(frontend->flags & WEIR_SPARES_BACKENDS) && !weir_is_node(call))
			return 0;
		return frontend;
	}
	if (!weir_is_own(target) || !weir_is_node(call))
		return 0;
	return weir_frontend_of(target, WEIR_ANY_ADDRESS);
}

enum weir_translation {
	WEIR_NO_SERVICE,
	WEIR_NO_BACKEND,
	WEIR_TRANSLATED,
};

/* A backend for the service address `target` to `to`. */
WEIR_INLINE int weir_translate(struct bpf_sock_addr *call, const struct weir_target *target, struct weir_target *to,
			       __u32 *index)
{
	/* Once more if the backend went between the lookups: the frontend that led there has flipped before that. */
	for (int round = 0; round < 2; round++) {
		const struct weir_frontend *frontend = weir_frontend_for(call, target);

		if (!frontend)
			return WEIR_NO_SERVICE;
		if (!frontend->count)
			return WEIR_NO_BACKEND;
		*to = *target;
		if (weir_choose(frontend, bpf_get_netns_cookie(call), bpf_get_prandom_u32(), to, index))
			return WEIR_TRANSLATED;
	}
	return WEIR_NO_BACKEND;
}

/*
 * What becomes of a call to, or an answer from, `address`: below 0 it is refused, 0 it stays as it is, above 0 *address has
 * changed. Each is inlined into both of the following, so that no program calls through a pointer.
 */
typedef int weir_turn(struct bpf_sock_addr *call, struct weir_target *address);

WEIR_INLINE int weir_call4(struct bpf_sock_addr *call, weir_turn *turn)
{
	struct weir_target address = {};
	int changed;

	weir_target4(call, &address);
	changed = turn(call, &address);
	if (changed < 0)
		return weir_refuse(WEIR_ECONNREFUSED);
	if (changed)
		weir_set_target4(call, &address.address, address.port);
	return WEIR_CALL_ALLOWED;
}

WEIR_INLINE int weir_call6(struct bpf_sock_addr *call, weir_turn *turn)
{
	struct weir_target address = {};
	int changed;

	weir_target6(call, &address);
	changed = turn(call, &address);
	if (changed < 0)
		return weir_refuse(WEIR_ECONNREFUSED);
	if (changed)
		weir_set_target6(call, address.family, &address.address, address.port);
	return WEIR_CALL_ALLOWED;
}

WEIR_INLINE int weir_same_place(const union weir_address *a, __u16 a_port, const union weir_address *b, __u16 b_port)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1] && a_port == b_port;
}

#endif
