/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What user space writes about services. Frontends point to a run of slots, slots to backends. A run that is pointed to
 * is never written: a change writes another one, then the frontend flips in one update, so that a lookup finds the old
 * backends or the new ones.
 */
#ifndef WEIR_SERVICES_H
#define WEIR_SERVICES_H

#include "types.h"

/* Who looks. WEIR_ANY_ADDRESS: entries under address zero that hold for every address of the node. */
enum weir_scope {
	WEIR_INTERNAL = 0,
	WEIR_EXTERNAL = 1,
	WEIR_ANY_ADDRESS = 2,
};

struct weir_frontend4_key {
	__u8 address[4];
	__u16 port;
	__u8 protocol;
	__u8 scope; /* enum weir_scope */
} __attribute__((aligned(4)));
_Static_assert(sizeof(struct weir_frontend4_key) == 8, "");

struct weir_frontend6_key {
	__u8 address[16];
	__u16 port;
	__u8 protocol;
	__u8 scope; /* enum weir_scope */
	__u32 pad;
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct weir_frontend6_key) == 24, "");

enum weir_frontend_flag {
	WEIR_NODE_PORT = 1,     /* nobody else may bind to it */
	WEIR_SOURCE_RANGES = 2, /* not for every client */
	WEIR_LOCAL_ONLY = 8,    /* the backends of this node alone, which see the client's own address */
	WEIR_SPARES_BACKENDS = 16, /* a redirect, but not of its own backends: `ranges` has their addresses */
	WEIR_LEAVES_BACKENDS = 32, /* … whose traffic stays as it is, as nothing lies beneath */
};

/* `count` slots from `first` are the table that new connections go by; without any, they are refused. */
struct weir_frontend {
	__u32 first;
	__u32 count;
	__u32 members_first; /* with affinity: the backends in the table, rising, each once */
	__u32 members;
	__u32 affinity; /* seconds that a client keeps its backend after its last connection; 0: no affinity */
	__u32 flags : 8; /* WEIR_NODE_PORT, … */
	__u32 ranges : 24; /* with either flag that asks for it: which blocks of weir_ranges4, weir_ranges6 are its own */
	__u32 beneath_first; /* with WEIR_SPARES_BACKENDS: where its own backends go instead; the slots' numbers rise */
	__u32 beneath;
};
_Static_assert(sizeof(struct weir_frontend) == 32, "");

/* Blocks that clients come from, by the number that a frontend names. `length` is in bits, of number and prefix. */
struct weir_range4 {
	__u32 length;
	__u32 ranges;
	__u8 address[4];
};
_Static_assert(sizeof(struct weir_range4) == 12, "");

struct weir_range6 {
	__u32 length;
	__u32 ranges;
	__u8 address[16];
};
_Static_assert(sizeof(struct weir_range6) == 24, "");

/* Slots lie in lines, as an entry of an array takes a multiple of 8 bytes. Slot n is backend[n % 16] of line n / 16. */
#define WEIR_SLOTS 16

struct weir_slots {
	__u32 backend[WEIR_SLOTS]; /* index into weir_backends4 or weir_backends6 */
};
_Static_assert(sizeof(struct weir_slots) == 64, "");

/*
 * Whether any frontend of scope WEIR_EXTERNAL has a port: bit p % 64 of entry protocol * 1024 + p / 64. Protocols are
 * numbered from 0: TCP, UDP, SCTP. A bit too much costs whoever sends to the port a lookup; one too few a service.
 */
#define WEIR_PORT_BITS 64
#define WEIR_PORT_ANY (3 * 65536 / WEIR_PORT_BITS) /* the entry that isn't 0 when any other isn't */
#define WEIR_PORT_WORDS (WEIR_PORT_ANY + 1)

struct weir_ports {
	__u64 bits;
};
_Static_assert(sizeof(struct weir_ports) == 8, "");

/* Of a device of the node's, by its ifindex: the addresses that what the node sends on by it bears. Zero: none. */
struct weir_own {
	__u8 four[4];
	__u8 six[16];
	__u8 takes_frames; /* 1: XDP of other devices may send by it */
	__u8 pad[3];
} __attribute__((aligned(4)));
_Static_assert(sizeof(struct weir_own) == 24, "");

/* Port 0: no backend. */
struct weir_backend4 {
	__u8 address[4];
	__u16 port;
	__u8 protocol;
	__u8 pad;
} __attribute__((aligned(4)));
_Static_assert(sizeof(struct weir_backend4) == 8, "");

struct weir_backend6 {
	__u8 address[16];
	__u16 port;
	__u8 protocol;
	__u8 pad[5];
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct weir_backend6) == 24, "");

#endif
