/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * bind(2) of the node's own processes: what binds to a node port would never be called there. A call for any IPv6 address
 * takes the port of IPv4 too, unless the socket is for IPv6 only, which a program can't see.
 */
#ifndef WEIR_POST_BIND_H
#define WEIR_POST_BIND_H

#include "../include/weir/translate.h"

WEIR_INLINE int weir_is_node_port(const struct weir_target *target)
{
	const __u32 scope = weir_is_own(target) ? WEIR_ANY_ADDRESS : WEIR_INTERNAL;
	const struct weir_frontend *frontend = weir_frontend_of(target, scope);

	return frontend && (frontend->flags & WEIR_NODE_PORT);
}

WEIR_INLINE int weir_post_bind4_run(struct bpf_sock *socket)
{
	struct weir_target target = {.family = 4, .protocol = socket->protocol};

	target.address.word[0] = socket->src_ip4;
	target.port = weir_be16(socket->src_port);
	if (!weir_is_node(socket) || !weir_is_node_port(&target))
		return WEIR_CALL_ALLOWED;
	return weir_refuse(WEIR_EADDRINUSE);
}

WEIR_INLINE int weir_post_bind6_run(struct bpf_sock *socket)
{
	struct weir_target target = {.family = 6, .protocol = socket->protocol}, mapped = {};

	target.address.word[0] = socket->src_ip6[0];
	target.address.word[1] = socket->src_ip6[1];
	target.address.word[2] = socket->src_ip6[2];
	target.address.word[3] = socket->src_ip6[3];
	target.port = weir_be16(socket->src_port);
	if (!weir_is_node(socket))
		return WEIR_CALL_ALLOWED;
	mapped.family = 4;
	mapped.protocol = target.protocol;
	mapped.port = target.port;
	if (!target.address.half[0] && target.address.word[2] == weir_be32(0xffff)) {
		mapped.address.word[0] = target.address.word[3];
		return weir_is_node_port(&mapped) ? weir_refuse(WEIR_EADDRINUSE) : WEIR_CALL_ALLOWED;
	}
	if (weir_is_node_port(&target) || (weir_is_any(&target) && weir_is_node_port(&mapped)))
		return weir_refuse(WEIR_EADDRINUSE);
	return WEIR_CALL_ALLOWED;
}

#endif
