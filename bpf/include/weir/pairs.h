/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What programs remember of flows that they rewrite: a pair of entries, one a direction. Each is found by the tuple of a
 * packet as it is seen before the rewriting, and says what the tuple becomes. Either half tells the other one: its key is
 * the reverse of what this one makes, and it makes the reverse of what this one's key is.
 */
#ifndef WEIR_PAIRS_H
#define WEIR_PAIRS_H

#include "types.h"

/* Directed, as struct weir_packet has addresses and ports: an ICMP query's id is its asker's port. */
struct weir_nat4_key {
	__u32 source, destination;
	__u16 source_port, destination_port;
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_nat4_key) == 16, "");

struct weir_nat6_key {
	union weir_address source, destination;
	__u16 source_port, destination_port;
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_nat6_key) == 40, "");

/* Who made the pair, and so which hooks rewrite by it. */
enum weir_nat_kind {
	WEIR_NAT_SERVICE = 1,    /* a pod's packets to a service: where they leave it, and back where they reach it */
	WEIR_NAT_HAIRPIN,        /* the same of a pod that reaches itself: both where they leave it */
	WEIR_NAT_DIRECT,         /* a pod's packets to a backend itself whose tuple a service's flow has: another port */
	WEIR_NAT_NODE_PORT,      /* from outside to a service: where they come to the node, and back where they leave it */
	WEIR_NAT_DSR,            /* the same where only the way back leads by this node */
	WEIR_NAT_MASQUERADE,     /* a pod's packets to the outside: where they leave the node, and back where they come */
	WEIR_NAT_EGRESS_GATEWAY, /* the same at a node that is asked to by others */
	WEIR_NAT_FORWARDED,      /* from outside to a service: on to a node whose backend answers by itself */
};

/*
 * What both families' values start with. Ports are big endian. Both halves hold the same times and bits: who renews one
 * renews the other, at most once a second while nothing else changes.
 */
struct weir_nat {
	__u64 expires;  /* ns of the clock of weir_now() */
	__u16 timeout;  /* seconds that the next packet adds, as conntrack has them */
	__u8 seen[2];   /* WEIR_SEEN_*: of the direction that opened the flow, and of the other */
	__u8 kind;      /* enum weir_nat_kind */
	__u8 is_reply;  /* this half is for packets against the flow */
	__u16 source_port, destination_port; /* what they become */
	__u16 hop_mtu;  /* of the way that hop_ifindex and hop_macs say; 0: not known */
	__u32 backend;  /* index of the backend, where a service has chosen one */
	__u32 frontend; /* number of the frontend; 0: none */
	/* Where to send such a packet, for those who send it themselves; until the second of the clock named. */
	__u32 hop_ifindex;
	__u8 hop_macs[12]; /* destination and source, as in an Ethernet header */
	__u32 hop_until;
};
_Static_assert(sizeof(struct weir_nat) == 48, "");

/*
 * The kernel puts 48 bytes and the key in front of a value, one entry after the other from the start of a page. With
 * these sizes an entry is two cache lines in IPv4 (the second one is the value) and three in IPv6.
 */
struct weir_nat4 {
	struct weir_nat is;
	__u32 source, destination; /* what they become */
	__u8 pad[8];
};
_Static_assert(sizeof(struct weir_nat4) == 64, "");

struct weir_nat6 {
	struct weir_nat is;
	union weir_address source, destination; /* what they become */
	__u8 pad[24];
};
_Static_assert(sizeof(struct weir_nat6) == 104, "");

#endif
