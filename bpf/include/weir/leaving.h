/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What user space says of pods' packets that leave the node for somewhere outside the cluster. Addresses are bytes in
 * network order.
 */
#ifndef WEIR_LEAVING_H
#define WEIR_LEAVING_H

#include "types.h"

/* The one entry of weir_leaving. All zero: every packet leaves as it is, and no other map is looked at. */
struct weir_leaving {
	__u32 masquerades; /* WEIR_MASQUERADE_* */
	__u32 rules;       /* 1: weir_egress4 or weir_egress6 has entries */
};
_Static_assert(sizeof(struct weir_leaving) == 8, "");

enum weir_masquerade_family {
	WEIR_MASQUERADE_4 = 1,
	WEIR_MASQUERADE_6 = 2,
};

/* By ifindex: what pods' packets leave a device with. Zero: the device has no address of that family. */
struct weir_masquerade {
	__u8 ipv4[4];
	__u8 ipv6[16];
};
_Static_assert(sizeof(struct weir_masquerade) == 20, "");

/* What becomes of packets that an egress gateway policy speaks of. */
enum weir_egress_action {
	WEIR_EGRESS_STEER = 1,  /* to the gateway at `address`, another node */
	WEIR_EGRESS_TRANSLATE,  /* out of here, with `address` */
	WEIR_EGRESS_NO_GATEWAY, /* nowhere */
	WEIR_EGRESS_NO_ADDRESS, /* nowhere: this node is the gateway */
	WEIR_EGRESS_PASS,       /* as if there were no policy */
};

/* Keys of weir_egress4 and weir_egress6: a pod's whole address and a block of destinations. */
struct weir_egress4_key {
	__u32 length; /* bits, 32..64 */
	__u8 source[4];
	__u8 destination[4];
};
_Static_assert(sizeof(struct weir_egress4_key) == 12, "");

struct weir_egress6_key {
	__u32 length; /* bits, 128..256 */
	__u8 source[16];
	__u8 destination[16];
};
_Static_assert(sizeof(struct weir_egress6_key) == 36, "");

struct weir_egress {
	__u32 action;
	__u8 address[16]; /* IPv4 in the first four bytes */
};
_Static_assert(sizeof(struct weir_egress) == 20, "");

#endif
