/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What programs remember of flows that they rewrite: what the tuple of a packet, as it is seen before the rewriting, becomes.
 * Where the sender stays what he was, both directions know him, and one entry is for both. Else there are two, one a
 * direction, and either half tells the other one: its key is the reverse of what this one makes, and it makes the reverse of
 * what this one's key is.
 */
#ifndef WEIR_PAIRS_H
#define WEIR_PAIRS_H

#include <linux/bpf.h>

#include "types.h"

/* A packet's addresses and ports, as struct weir_packet has them. */
struct weir_tuple {
	union weir_address source, destination;
	__u16 source_port, destination_port;
	__u8 family, protocol;
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_tuple) == 40, "");

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
 * A half as programs hold it: a copy, made while nobody could write. Ports are big endian. Both halves hold the same times
 * and bits: who renews one renews the other, at most once a second while nothing else changes.
 */
struct weir_nat {
	__u64 expires; /* ns of the clock of weir_now() */
	/* Where to send a packet of the half, for those who send it themselves; until the second of the clock named. */
	__u32 hop_ifindex;
	__u32 hop_until;
	__u32 backend;     /* index of the backend, where a service has chosen one */
	__u16 timeout;     /* seconds that the next packet adds, as conntrack has them */
	__u16 hop_mtu;     /* of the way that hop_ifindex and hop_macs say; 0: not known */
	__u8 hop_macs[12]; /* destination and source, as in an Ethernet header */
	__u8 seen[2];      /* WEIR_SEEN_*: of the direction that opened the flow, and of the other */
	__u8 kind;         /* enum weir_nat_kind */
	__u8 is_reply;     /* this half is for packets against the flow */
	__u32 set;         /* where its entry was */
	__u8 place;
	__u8 is_whole; /* one entry is for both directions */
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_nat) == 48, "");

#define WEIR_PAIR_KIND 0x0f
#define WEIR_PAIR_IS_REPLY 0x10
/* It is for packets against what it makes as well, which become the reverse of its key. */
#define WEIR_PAIR_IS_WHOLE 0x20

/* What entries of both families start with. */
struct weir_pair {
	__u64 expires;
	/* Of packets in the direction of the key. */
	__u32 hop_ifindex;
	__u32 hop_until;
	__u32 backend;
	__u16 timeout;
	__u16 hop_mtu;
	__u8 hop_macs[12];
	__u8 seen[2];
	__u8 what;         /* enum weir_nat_kind, and WEIR_PAIR_IS_… (no bit fields: the kernel takes none beside a lock) */
	__u8 protocol;     /* 0: nobody's */
};
_Static_assert(sizeof(struct weir_pair) == 40, "");

/*
 * An entry, with key and all: one cache line, and two. Directed, as struct weir_packet has addresses and ports: an ICMP
 * query's id is its asker's port.
 */
struct weir_pair4 {
	struct weir_pair is;
	__u32 source, destination;
	__u32 to_source, to_destination; /* what they become */
	__u16 source_port, destination_port;
	__u16 to_source_port, to_destination_port;
};
_Static_assert(sizeof(struct weir_pair4) == 64, "");

struct weir_pair6 {
	struct weir_pair is;
	union weir_address source, destination;
	union weir_address to_source, to_destination;
	__u16 source_port, destination_port;
	__u16 to_source_port, to_destination_port;
	__u8 pad[16];
};
_Static_assert(sizeof(struct weir_pair6) == 128, "");

/*
 * Entries lie in sets. The first line of one says of each entry a byte of its flow's hash, and when it expires, in steps of
 * 2^30 ns: all that a flow reads that has no entry, and who comes anew finds there who goes first. The lock is for all of the
 * set.
 */
#define WEIR_PAIR_PLACES 15
#define WEIR_PAIR_STEP 30
#define WEIR_PAIR_MOMENT 0x7fffull

struct weir_pair_marks {
	__u64 tags[2];    /* that of place n is bits 8 (n % 8) and up of the number n / 8; 0: nobody's */
	__u64 moments[4]; /* bits 16 (n % 4) and up of the number n / 4 */
};
_Static_assert(sizeof(struct weir_pair_marks) == 48, "");

struct weir_pairs4 {
	struct bpf_spin_lock lock;
	__u8 pad[4];
	struct weir_pair_marks marks;
	__u8 pad2[8];
	struct weir_pair4 entry[WEIR_PAIR_PLACES];
};
_Static_assert(sizeof(struct weir_pairs4) == 1024, "");

struct weir_pairs6 {
	struct bpf_spin_lock lock;
	__u8 pad[4];
	struct weir_pair_marks marks;
	__u8 pad2[8];
	struct weir_pair6 entry[WEIR_PAIR_PLACES];
	__u8 pad3[64];
};
_Static_assert(sizeof(struct weir_pairs6) == 2048, "");

/* Of each CPU: the half that was found or written last, and an entry on its way into a set. */
struct weir_pair_scratch {
	struct weir_nat found;
	struct weir_tuple after; /* what packets of it become */
	union {
		struct weir_pair4 v4;
		struct weir_pair6 v6;
	} entry;
	__u64 hash; /* of that: where it goes */
	__u32 how;  /* enum weir_pair_how */
	__u32 family;
};
_Static_assert(sizeof(struct weir_pair_scratch) == 232, "");

#endif
