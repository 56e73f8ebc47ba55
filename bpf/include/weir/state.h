/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What programs write: conntrack, fragments, counters, events, the sweep's result. */
#ifndef WEIR_STATE_H
#define WEIR_STATE_H

#include "types.h"

/*
 * Both directions of a flow are one entry: the side whose address is lower (as raw words) is side 0. A flow between equal
 * addresses is not tracked. Ports are big endian. An ICMP query's asker has the id as port, the answerer
 * type << 8 | code of the query, so that in every protocol the originator's destination port is what policy judges.
 */
struct weir_ct4_key {
	__u32 address[2];
	__u16 port[2];
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_ct4_key) == 16, "");

struct weir_ct6_key {
	union weir_address address[2];
	__u16 port[2];
	__u8 protocol;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_ct6_key) == 40, "");

/*
 * A flow that was allowed, or was until a change of tables cut it: then `cut` is the drop reason, and the entry stays as
 * long as either side sends, so that the answering side can't open the flow anew as its own. Flows denied from the start
 * have no entry. Zero `generation` is nothing special: sums wrap. A flow that bears an address of the node's by
 * translation was judged under its first addresses, elsewhere: it names slot 0 for both sides, which never moves.
 */
struct weir_ct {
	__u64 expires;    /* ns of the clock of weir_now() */
	__u32 generation; /* sum of the two slots' generations when judged */
	__u32 slot[2];    /* by side */
	__u16 timeout;    /* seconds that the next packet adds */
	__u8 seen[2];     /* WEIR_SEEN_* by side */
	__u8 originator;  /* side that opened the flow */
	__u8 cut;         /* drop reason; 0: passes */
	__u8 flags;       /* WEIR_CT_* */
	__u8 pad[5];
};
_Static_assert(sizeof(struct weir_ct) == 32, "");

/* A flow that has none of these pays nothing for those that do. */
enum weir_ct_flag {
	WEIR_CT_AT_POD = 1,    /* a pair (pairs.h) rewrites it at a pod's interface */
	WEIR_CT_AT_DEVICE = 2, /* a pair rewrites it at a device of the node's */
	WEIR_CT_UNMASKED = 4,  /* it left the node under the pod's address, and goes on so */
};

/* TCP's own bits; SCTP chunks are translated to them, and other protocols only know ACK (a packet was seen). */
enum weir_seen {
	WEIR_SEEN_FIN = 0x01,
	WEIR_SEEN_SYN = 0x02,
	WEIR_SEEN_RST = 0x04,
	WEIR_SEEN_ACK = 0x10,
};

/*
 * Ports of a datagram whose first fragment was seen, there: at another interface, before its sender is known to be who it
 * says, a fragment may say anything.
 */
struct weir_frag4_key {
	__u32 source, destination;
	__u16 id; /* big endian */
	__u8 protocol;
	__u8 pad;
	__u32 ifindex;
};
_Static_assert(sizeof(struct weir_frag4_key) == 16, "");

struct weir_frag6_key {
	union weir_address source, destination;
	__u32 id; /* big endian */
	__u32 ifindex;
};
_Static_assert(sizeof(struct weir_frag6_key) == 40, "");

struct weir_frag {
	__u64 expires;
	__u16 source_port, destination_port; /* as in the conntrack key */
	__u8 protocol;
	__u8 backwards; /* an answer by nature, as struct weir_packet says */
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_frag) == 16, "");

/* weir_counters: one per reason (0: passed); indexed by enum weir_direction. A GSO packet counts once. */
struct weir_counter {
	__u64 packets[2];
	__u64 bytes[2];
};
_Static_assert(sizeof(struct weir_counter) == 32, "");
#define WEIR_REASONS 256

/* Indexes of weir_tallies. */
enum weir_tally {
	WEIR_TALLY_EVENTS_SUPPRESSED, /* over the rate limit */
	WEIR_TALLY_EVENTS_LOST,       /* the ring was full */
	WEIR_TALLY_FLOWS_OPENED,
	WEIR_TALLY_FLOWS_REJUDGED,    /* a generation moved, still allowed */
	WEIR_TALLY_FLOWS_CUT,         /* a generation moved, now denied */
	WEIR_TALLY_NAT_OPENED,        /* pairs made */
	WEIR_TALLY_NAT_COLLISIONS,    /* a port was taken and another one tried */
	WEIR_TALLY_NAT_EXHAUSTED,     /* no port was found that is free */
	WEIR_TALLY_NAT_REBUILT,       /* a half was gone and made again from the other */
	WEIR_TALLY_NAT_ERRORS,        /* ICMP errors whose quotation was rewritten */
	WEIR_TALLIES,
};

/* Per CPU: events that may still be written. */
struct weir_budget {
	__u64 filled; /* ns when `tokens` was last refilled */
	__u64 tokens;
};

enum weir_event_kind {
	WEIR_EVENT_VERDICT = 1, /* a new flow was allowed */
	WEIR_EVENT_DROP = 2,
	WEIR_EVENT_TRACE = 3,   /* a packet passed; only with weir_trace */
};

/* A record of weir_events. Ports, numbers: host order. What isn't known is zero. */
struct weir_event {
	__u64 time; /* ns of the clock of weir_now() */
	__u8 kind;
	__u8 verdict;
	__u8 reason;
	__u8 direction; /* who judged: the sender's egress or the receiver's ingress */
	__u8 family;    /* 4, 6; 0: not IP */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 is_reply; /* the packet goes against the flow's originator */
	__u16 ethertype;
	__u16 source_port;      /* 0 for ICMP */
	__u16 destination_port; /* 0 for ICMP */
	__u8 source[16];
	__u8 destination[16];
	__u32 source_identity;
	__u32 destination_identity;
	__u32 source_slot;
	__u32 destination_slot;
	__u32 ifindex;
	__u32 length;
};
_Static_assert(sizeof(struct weir_event) == 80, "");

/* Context of the sweep: all fields are results. */
struct weir_sweep_count {
	__u32 seen;
	__u32 removed;
};

struct weir_sweep {
	struct weir_sweep_count ct4, ct6, frag4, frag6;
};
_Static_assert(sizeof(struct weir_sweep) == 32, "");

/* What a frame asks weir_sweep_pairs, and is told. */
struct weir_pair_sweep {
	__u32 family;
	__u32 first; /* of WEIR_SWEPT_SETS sets */
	struct weir_sweep_count count; /* result */
};
_Static_assert(sizeof(struct weir_pair_sweep) == 16, "");

#endif
