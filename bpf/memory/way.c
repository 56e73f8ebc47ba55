/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The node's routes and neighbours, as far as programs ask for them. */
#include <linux/bpf.h>

#include "calls.h"
#include "heap.h"
#include "map.h"
#include "way.h"

struct weir_way weir_way_table[WEIR_WAY_MOST];

static const struct weir_way *find(int family, const void *address, __u32 length)
{
	static const union weir_address any;
	const struct weir_way *best = 0;

	for (__u32 i = 0; i < WEIR_WAY_MOST; i++) {
		const struct weir_way *way = &weir_way_table[i];

		if (way->family != family)
			continue;
		if (!memcmp(&way->destination, address, length))
			return way;
		if (!memcmp(&way->destination, &any, sizeof(any)))
			best = way;
	}
	return best;
}

long bpf_fib_lookup(void *context, struct bpf_fib_lookup *asked, int size, __u32 flags)
{
	const struct weir_way *way;

	(void)context;
	if (size < (int)sizeof(*asked) || flags)
		return -WEIR_EINVAL;
	way = asked->family == 2 ? find(4, &asked->ipv4_dst, 4) : find(6, asked->ipv6_dst, 16);
	if (!way) {
		asked->ifindex = WEIR_ONLY_WAY;
		return BPF_FIB_LKUP_RET_NO_NEIGH;
	}
	asked->ifindex = way->ifindex;
	if (!way->has_neighbour)
		return BPF_FIB_LKUP_RET_NO_NEIGH;
	if (asked->tot_len) {
		const __u32 length = asked->tot_len;

		asked->mtu_result = way->mtu;
		if (length > way->mtu)
			return BPF_FIB_LKUP_RET_FRAG_NEEDED;
	}
	memcpy(asked->dmac, way->macs, 6);
	memcpy(asked->smac, way->macs + 6, 6);
	return BPF_FIB_LKUP_RET_SUCCESS;
}
