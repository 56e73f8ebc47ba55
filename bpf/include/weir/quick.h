/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What XDP does with the frames of a flow that it saw lately, ready to be done: a frame that finds its entry asks no other
 * table but that of backends, and calls nothing. Tables of lines, a part of them each CPU's own, so that nobody writes what
 * another one reads. An entry holds for a moment only and is a copy: the pairs (pairs.h) are what is true, and who finds
 * none here goes by them.
 */
#ifndef WEIR_QUICK_H
#define WEIR_QUICK_H

#include "types.h"

enum weir_quick_does {
	WEIR_QUICK_LEAVES = 1,  /* passes as it came */
	WEIR_QUICK_TO_BACKEND = 2, /* … goes to a backend, if that is still there */
	WEIR_QUICK_ONWARD = 4,  /* … leaves the node again, by the hop named */
};

/* Big endian, as frames have them: addresses, ports, sums. */
struct weir_quick {
	__u64 until; /* tick of the clock of bpf_jiffies64; 0: no entry */
	__u32 ports; /* both, as they lie in the frame */
	__u32 to_ports; /* what they become */
	__u32 backend;  /* its index, with WEIR_QUICK_TO_BACKEND */
	__u32 ifindex;  /* of the hop, with WEIR_QUICK_ONWARD; its addresses as in an Ethernet header, and what fits */
	__u16 macs[6];
	__u16 mtu;
	__u16 sum;  /* what a transport's sum changes by */
	__u16 sum4; /* and that of an IPv4 header */
	__u8 protocol;
	__u8 does; /* WEIR_QUICK_… */
	__u32 pad;
};
_Static_assert(sizeof(struct weir_quick) == 48, "");

/* One cache line, and two. */
struct weir_quick4 {
	struct weir_quick is;
	__u32 source, destination;
	__u32 to_source, to_destination;
};
_Static_assert(sizeof(struct weir_quick4) == 64, "");

struct weir_quick6 {
	struct weir_quick is;
	union weir_address source, destination;
	union weir_address to_source, to_destination;
	__u8 pad[16];
};
_Static_assert(sizeof(struct weir_quick6) == 128, "");

/*
 * Entries lie in sets of eight. What tells them apart within their set is a byte of the flow's hash for each, 0 for one
 * that nobody has had yet: all that a flow reads that has no entry.
 */
#define WEIR_QUICK_SET 8

struct weir_quick_tags {
	__u64 byte; /* that of entry n of the set is bits 8 n and up */
};
_Static_assert(sizeof(struct weir_quick_tags) == 8, "");

#endif
