/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_MEMORY_WAY_H
#define WEIR_MEMORY_WAY_H

#include "../include/weir/types.h"

#define WEIR_WAY_MOST 16

/* Where the table has nothing, every address is on the link of this device, and nobody there is known yet. */
#define WEIR_ONLY_WAY 2

/* How the node gets to an address. Whoever calls the programs fills the table; family 0 is an empty place. */
struct weir_way {
	union weir_address destination; /* zero: any */
	__u32 ifindex;
	__u32 mtu;
	__u8 macs[12]; /* of the next hop and the device, as in an Ethernet header */
	__u8 family;
	__u8 has_neighbour;
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_way) == 40, "");

extern struct weir_way weir_way_table[WEIR_WAY_MOST];

#endif
