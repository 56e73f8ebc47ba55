/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Helpers of the programs at sockets. */
#include <linux/bpf.h>

#include "calls.h"
#include "heap.h"
#include "map.h"

#define NODE_NETNS_COOKIE 1

struct weir_caller weir_caller = {.netns_cookie = NODE_NETNS_COOKIE, .random = 2463534242u};

__u64 bpf_get_socket_cookie(const void *context)
{
	(void)context;
	return weir_caller.socket_cookie;
}

__u64 bpf_get_netns_cookie(const void *context)
{
	return context ? weir_caller.netns_cookie : NODE_NETNS_COOKIE;
}

/* Xorshift (Marsaglia, 2003): the same numbers in every run. */
__u32 bpf_get_prandom_u32(void)
{
	__u32 number = weir_caller.random;

	number ^= number << 13;
	number ^= number >> 17;
	number ^= number << 5;
	weir_caller.random = number;
	return number;
}

long bpf_set_retval(int error)
{
	weir_caller.error = -error;
	return 0;
}

void *bpf_sk_storage_get(struct weir_map *map, struct bpf_sock *socket, const void *value, __u64 flags)
{
	void *found = map->type->lookup(map, &weir_caller.socket_cookie);
	__u8 empty[64] = {};

	(void)socket;
	if (found || !(flags & BPF_SK_STORAGE_GET_F_CREATE))
		return found;
	if (map->value_size > sizeof(empty) ||
	    map->type->update(map, &weir_caller.socket_cookie, value ? value : empty, BPF_NOEXIST))
		return 0;
	return map->type->lookup(map, &weir_caller.socket_cookie);
}
