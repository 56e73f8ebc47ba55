/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What user space says of other nodes, where packets between nodes travel within others. Addresses are bytes in network
 * order.
 */
#ifndef WEIR_TUNNELS_H
#define WEIR_TUNNELS_H

#include "types.h"

/* Longest prefix of a pod's address, or a node's own address → the node that it belongs to. Never this node. */
struct weir_tunnel {
	__u8 family;      /* of `address` */
	__u8 is_node;     /* the prefix is an address of the node itself */
	__u8 pad[2];
	__u8 address[16]; /* where the node is reached, the same for all of its prefixes; IPv4 in the first four bytes */
};
_Static_assert(sizeof(struct weir_tunnel) == 20, "");

/*
 * An identity between nodes, which number identities each for itself: a hash of its labels. The tunnel's 24 bits and five
 * bytes beside carry it: of the inner frame's source address by VXLAN, of an option by Geneve.
 */
struct weir_mark {
	__u32 vni; /* 256..2^24-1; below, the reserved identities by their numbers */
	__u8 tag[5];
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_mark) == 12, "");

/* Somebody of that identity, in each family: who isn't known by his address is judged as he is. Zero: nobody is known. */
struct weir_fellow {
	__u8 ipv4[4];
	__u8 ipv6[16];
};
_Static_assert(sizeof(struct weir_fellow) == 20, "");

#endif
