/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Sockets, as far as programs ask for them. */
#include <linux/bpf.h>
#include <linux/in.h>

#include "calls.h"
#include "heap.h"
#include "map.h"
#include "socket.h"

struct weir_node_socket weir_node_socket_table[WEIR_NODE_SOCKET_MOST];

static struct bpf_sock found;

static int is_same(const union weir_address *a, const union weir_address *b)
{
	return a->half[0] == b->half[0] && a->half[1] == b->half[1];
}

static int takes(const struct weir_node_socket *socket, const struct weir_node_socket *asked)
{
	static const union weir_address any;

	if (!socket->state || socket->family != asked->family || socket->protocol != asked->protocol ||
	    socket->local_port != asked->local_port)
		return 0;
	if (socket->remote_port)
		return socket->remote_port == asked->remote_port && is_same(&socket->remote, &asked->remote) &&
		       is_same(&socket->local, &asked->local);
	return is_same(&socket->local, &any) || is_same(&socket->local, &asked->local);
}

/* A connection comes before who takes any. */
static struct bpf_sock *lookup(const struct bpf_sock_tuple *tuple, __u32 size, __u8 protocol)
{
	struct weir_node_socket asked = {.protocol = protocol};
	const struct weir_node_socket *best = 0;

	if (size == sizeof(tuple->ipv4)) {
		asked.family = 4;
		asked.remote.word[0] = tuple->ipv4.saddr;
		asked.local.word[0] = tuple->ipv4.daddr;
		asked.remote_port = tuple->ipv4.sport;
		asked.local_port = tuple->ipv4.dport;
	} else {
		asked.family = 6;
		memcpy(&asked.remote, tuple->ipv6.saddr, 16);
		memcpy(&asked.local, tuple->ipv6.daddr, 16);
		asked.remote_port = tuple->ipv6.sport;
		asked.local_port = tuple->ipv6.dport;
	}
	for (__u32 i = 0; i < WEIR_NODE_SOCKET_MOST; i++) {
		const struct weir_node_socket *socket = &weir_node_socket_table[i];

		if (takes(socket, &asked) && (!best || socket->remote_port))
			best = socket;
	}
	if (!best)
		return 0;
	found.state = best->state;
	return &found;
}

struct bpf_sock *bpf_sk_lookup_tcp(void *context, struct bpf_sock_tuple *tuple, __u32 size, __u64 netns, __u64 flags)
{
	(void)context;
	(void)netns;
	return flags ? 0 : lookup(tuple, size, IPPROTO_TCP);
}

struct bpf_sock *bpf_sk_lookup_udp(void *context, struct bpf_sock_tuple *tuple, __u32 size, __u64 netns, __u64 flags)
{
	(void)context;
	(void)netns;
	return flags ? 0 : lookup(tuple, size, IPPROTO_UDP);
}

long bpf_sk_release(void *socket)
{
	return socket == &found ? 0 : -WEIR_EINVAL;
}
