/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What user space writes and programs read: the policy tables. All numbers in host byte order unless a field says
 * big endian; addresses are bytes in network order. The TypeScript codecs are made from this header's BTF.
 */
#ifndef WEIR_TABLES_H
#define WEIR_TABLES_H

#include "types.h"

/* The identity of this node, as other tools number it. */
#define WEIR_IDENTITY_HOST 1
/* Everybody outside the cluster. */
#define WEIR_IDENTITY_WORLD 2
/* Other nodes, and where the API server is. */
#define WEIR_IDENTITY_REMOTE_NODE 6
#define WEIR_IDENTITY_API_SERVER 7

/* Exact address or longest prefix → who that is. */
struct weir_peer {
	__u32 identity;   /* security identity, as other tools number it */
	__u32 peer_class; /* column of the cells; never 0 */
	__u32 subject;    /* row of the cells; 0: no local endpoint */
	__u32 slot;       /* index into weir_endpoints; 0: no local endpoint */
};
_Static_assert(sizeof(struct weir_peer) == 16, "");

/* Keys of weir_addr4 and weir_addr6. */
struct weir_address4 {
	__u8 address[4];
} __attribute__((aligned(4)));
_Static_assert(sizeof(struct weir_address4) == 4, "");

struct weir_address6 {
	__u8 address[16];
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct weir_address6) == 16, "");

/* Keys of weir_pfx4 and weir_pfx6. */
struct weir_prefix4 {
	__u32 length; /* bits, 0..32 */
	__u8 address[4];
};
_Static_assert(sizeof(struct weir_prefix4) == 8, "");

struct weir_prefix6 {
	__u32 length; /* bits, 0..128 */
	__u8 address[16];
};
_Static_assert(sizeof(struct weir_prefix6) == 20, "");

/*
 * A local endpoint's wiring and generation. Slot 0 is nobody's and its generation stays. Slots 1..255 belong to no endpoint: a peer that isn't local counts its
 * generation in the slot that weir_remote_slot (slots.h) makes of its address; local endpoints start at 256. A conntrack
 * entry holds the sum of the generations of its two slots: when either has moved on, the flow is judged anew. The two
 * MACs lie as they do in an Ethernet header, so that forwarding to the pod copies both at once.
 */
#define WEIR_FIRST_ENDPOINT_SLOT 256
#define WEIR_ENDPOINT_SLOTS 4096

struct weir_endpoint {
	__u32 generation;
	__u32 ifindex; /* host side of the veth; 0: not attached */
	__u8 pod_mac[6];
	__u8 host_mac[6];
	__u32 identity;
	__u32 flags;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_endpoint) == 32, "");
_Static_assert(__builtin_offsetof(struct weir_endpoint, pod_mac) == 8, "");
_Static_assert(__builtin_offsetof(struct weir_endpoint, host_mac) == 14, "");

enum weir_direction {
	WEIR_EGRESS = 0,
	WEIR_INGRESS = 1,
};

/* peer_class 0 holds the subject's default for the direction. */
struct weir_cell_key {
	__u32 subject;
	__u32 direction : 1, peer_class : 31;
};
_Static_assert(sizeof(struct weir_cell_key) == 8, "");

/* Where a row's steps are: `chunks` consecutive entries of weir_rows from `first`. At most WEIR_CHUNKS_MOST. */
struct weir_cell {
	__u32 first;
	__u32 chunks;
};
_Static_assert(sizeof(struct weir_cell) == 8, "");

/* The low byte of a verdict word; the next byte is the drop reason of a deny (0: policy denied). */
enum weir_verdict {
	WEIR_DENY = 0,
	WEIR_ALLOW = 1,
};

/*
 * Sixteen steps of a row: from key[i] (protocol << 16 | port, ICMP: protocol << 16 | type << 8 | code) up to the next
 * key, verdict[i] holds. A row's first key is 0; unused places have key 0xffffffff.
 */
#define WEIR_STEPS 16
#define WEIR_CHUNKS_MOST 4096

struct weir_row_chunk {
	__u32 key[WEIR_STEPS];
	__u32 verdict[WEIR_STEPS];
};
_Static_assert(sizeof(struct weir_row_chunk) == 128, "");

#endif
