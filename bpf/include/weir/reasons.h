/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Why a packet is dropped. The numbers are those that existing tools print names for. */
#ifndef WEIR_REASONS_H
#define WEIR_REASONS_H

enum weir_reason {
	WEIR_PASSED = 0,
	WEIR_BAD_SOURCE_MAC = 130,
	WEIR_BAD_SOURCE = 132,
	WEIR_POLICY_DENIED = 133,
	WEIR_INVALID_PACKET = 134,
	WEIR_TRUNCATED_L4 = 135,
	WEIR_WRITE_FAILED = 141,
	WEIR_TOO_BIG = 136, /* for the way to a backend, or back: its sender is told */
	WEIR_UNKNOWN_ICMP4_TYPE = 144,
	WEIR_NO_TUNNEL_KEY = 147, /* at the overlay device, and not out of a tunnel */
	WEIR_BAD_OPTION = 149,    /* out of a tunnel of Geneve, without what its sender's node says of him */
	WEIR_UNKNOWN_TARGET = 150,
	WEIR_STALE_TARGET = 151,
	WEIR_CONNTRACK_FULL = 155,
	WEIR_BAD_EXTENSION_HEADER = 156,
	WEIR_UNSERVED = 158, /* refused: nobody serves there, or no longer */
	WEIR_NO_TUNNEL = 160, /* no node is known that the destination is on */
	WEIR_UNRELATED = 163, /* an ICMP error about a flow that isn't known */
	WEIR_UNSUPPORTED_ETHERTYPE = 166,
	WEIR_NAT_EXHAUSTED = 167, /* no port is free for a flow that needs another one */
	WEIR_NAT_UNSUPPORTED = 168, /* a packet that can't be rewritten: a piece of an SCTP packet whose port changes */
	WEIR_NO_ROUTE = 169, /* no way is known to a backend, or the node has no address on it */
	WEIR_NO_ENCAPSULATION = 170, /* a node's packet to a backend, within which is nothing for one */
	WEIR_UNKNOWN_IDENTITY = 171, /* a pod's, that is known neither by its address nor by what its node says */
	WEIR_UNKNOWN_SENDER = 172, /* of a tunnel's packet: no node of the cluster */
	WEIR_FRAGMENT_WITHOUT_FIRST = 175,
	WEIR_FORBIDDEN_ICMP6 = 176,
	WEIR_OUT_OF_RANGES = 177, /* the service isn't for this client */
	WEIR_VLAN = 182,
	WEIR_NO_GATEWAY = 194, /* by policy a gateway has the way out, and there is none, or no way to it */
	WEIR_TOO_OLD = 196, /* a hop too many: its sender is told */
	WEIR_CHATTER = 199, /* IGMP, MLD, router solicitations and probes for duplicates: answered by silence */
	WEIR_NO_EGRESS_ADDRESS = 204, /* this node is the gateway, or masquerades, and has no address to do it with */
	WEIR_NO_POLICY = 203,        /* tables say nothing about a local endpoint */
};

#endif
