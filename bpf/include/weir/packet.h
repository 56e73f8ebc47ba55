/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the programs know of a packet, and the transport headers of both families. */
#ifndef WEIR_PACKET_H
#define WEIR_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>

#include "port.h"
#include "reasons.h"

#define WEIR_ICMP6 58

/* ICMPv6 types of neighbour discovery. */
#define WEIR_ROUTER_SOLICITATION 133
#define WEIR_NEIGHBOUR_SOLICITATION 135
#define WEIR_NEIGHBOUR_ADVERTISEMENT 136
#define WEIR_REDIRECT 137

enum weir_packet_kind {
	WEIR_KIND_FLOW,       /* belongs to a flow that policy judges */
	WEIR_KIND_ICMP_ERROR, /* about another flow */
	WEIR_KIND_ARP,
	WEIR_KIND_NEIGHBOUR,  /* ICMPv6 133..137 */
	WEIR_KIND_MEMBERSHIP, /* IGMP, MLD */
};

struct weir_packet {
	union weir_address source, destination;
	__u16 source_port, destination_port; /* big endian, as struct weir_ct4_key says */
	__u16 ethertype;                     /* big endian */
	__u16 l4;                            /* offset of the transport header; 0: a later fragment, or none */
	__u8 family;                         /* 4, 6, or 0 */
	__u8 protocol;
	__u8 kind;
	__u8 seen;      /* WEIR_SEEN_*: what this packet shows of its flow */
	__u8 tcp_flags; /* as on the wire */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 backwards; /* an answer by nature (echo reply): without an entry its receiver counts as the originator */
};
_Static_assert(sizeof(struct weir_packet) == 48, "");

WEIR_INLINE int weir_is_link_local(const union weir_address *address)
{
	return (address->word[0] & weir_be32(0xffc00000)) == weir_be32(0xfe800000);
}

/* The first eight bytes of a transport header, which is all that an ICMP error must quote. */
union weir_l4_start {
	__u8 byte[8];
	__u16 port[2];
	struct {
		__u8 type, code;
		__u16 checksum;
		__u16 id, sequence;
	} icmp;
};

/* Queries are even-numbered pairs by asking: 8/0, 13/14, 15/16, 17/18. The others stand for themselves. */
WEIR_INLINE int weir_icmp4(struct weir_packet *packet, const union weir_l4_start *start)
{
	const __u8 type = start->icmp.type;
	__u8 query = type;

	packet->icmp_type = type;
	packet->icmp_code = start->icmp.code;
	switch (type) {
	case 0:
		query = 8;
		break;
	case 14:
	case 16:
	case 18:
		query = type - 1;
		break;
	case 3:
	case 4:
	case 11:
	case 12:
		packet->kind = WEIR_KIND_ICMP_ERROR;
		return WEIR_PASSED;
	case 5: /* a pod has one way out, and a node that is judged takes no other: whoever redirects them means no good */
		return WEIR_UNKNOWN_ICMP4_TYPE;
	}
	if (query != type) {
		packet->backwards = 1;
		packet->source_port = weir_be16(query << 8);
		packet->destination_port = start->icmp.id;
		return WEIR_PASSED;
	}
	packet->destination_port = weir_be16(type << 8 | start->icmp.code);
	if (type == 8 || type == 13 || type == 15 || type == 17)
		packet->source_port = start->icmp.id;
	return WEIR_PASSED;
}

WEIR_INLINE int weir_icmp6(struct weir_packet *packet, const union weir_l4_start *start)
{
	const __u8 type = start->icmp.type;

	packet->icmp_type = type;
	packet->icmp_code = start->icmp.code;
	if (type < 128) {
		packet->kind = WEIR_KIND_ICMP_ERROR;
		return type >= 1 && type <= 4 ? WEIR_PASSED : WEIR_FORBIDDEN_ICMP6;
	}
	if (type >= 133 && type <= 137) {
		packet->kind = WEIR_KIND_NEIGHBOUR;
		return WEIR_PASSED;
	}
	if ((type >= 130 && type <= 132) || type == 143) {
		packet->kind = WEIR_KIND_MEMBERSHIP;
		return WEIR_PASSED;
	}
	if (type == 129) {
		packet->backwards = 1;
		packet->source_port = weir_be16(128 << 8);
		packet->destination_port = start->icmp.id;
		return WEIR_PASSED;
	}
	packet->destination_port = weir_be16(type << 8 | start->icmp.code);
	if (type == 128)
		packet->source_port = start->icmp.id;
	return WEIR_PASSED;
}

/* SCTP's first chunk in TCP's words. */
WEIR_INLINE __u8 weir_sctp_seen(__u8 chunk)
{
	switch (chunk) {
	case 1: /* INIT */
		return WEIR_SEEN_SYN;
	case 2: /* INIT ACK */
		return WEIR_SEEN_SYN | WEIR_SEEN_ACK;
	case 6:  /* ABORT */
	case 14: /* SHUTDOWN COMPLETE */
		return WEIR_SEEN_RST;
	default:
		return WEIR_SEEN_ACK;
	}
}

#define WEIR_SEEN_MASK (WEIR_SEEN_FIN | WEIR_SEEN_SYN | WEIR_SEEN_RST | WEIR_SEEN_ACK)

/*
 * Reads the transport header at packet->l4. A quoted packet (inside an ICMP error) need only have eight bytes of it, and
 * changes no flow's state.
 */
WEIR_INLINE int weir_parse_l4(struct weir_skb *skb, struct weir_packet *packet, int quoted)
{
	union weir_l4_start start = {};
	__u8 byte = 0;
	__u32 least = 8;

	switch (packet->protocol) {
	case IPPROTO_TCP:
		least = 20;
		break;
	case IPPROTO_SCTP:
		least = 12;
		break;
	case IPPROTO_UDP:
	case IPPROTO_ICMP:
	case WEIR_ICMP6:
		break;
	case IPPROTO_IGMP:
		/* Over IPv6 the number means nothing of the kind. */
		if (packet->family == 4)
			packet->kind = WEIR_KIND_MEMBERSHIP;
		packet->seen = WEIR_SEEN_ACK;
		return WEIR_PASSED;
	default:
		packet->seen = WEIR_SEEN_ACK;
		return WEIR_PASSED;
	}
	if (quoted)
		least = 8;
	/* Whole header or nothing: a packet cut inside of it is no packet of that protocol. */
	if (packet->l4 + least > skb->len)
		return WEIR_TRUNCATED_L4;
	if (bpf_skb_load_bytes(skb, packet->l4, &start, sizeof(start)))
		return WEIR_TRUNCATED_L4;

	packet->seen = WEIR_SEEN_ACK;
	switch (packet->protocol) {
	case IPPROTO_ICMP:
		return packet->family == 4 ? weir_icmp4(packet, &start) : WEIR_PASSED;
	case WEIR_ICMP6:
		return packet->family == 6 ? weir_icmp6(packet, &start) : WEIR_PASSED;
	}
	packet->source_port = start.port[0];
	packet->destination_port = start.port[1];
	if (quoted)
		return WEIR_PASSED;
	if (packet->protocol == IPPROTO_TCP) {
		if (bpf_skb_load_bytes(skb, packet->l4 + 13, &byte, 1))
			return WEIR_TRUNCATED_L4;
		packet->tcp_flags = byte;
		packet->seen = byte & WEIR_SEEN_MASK;
	} else if (packet->protocol == IPPROTO_SCTP) {
		/* A first chunk is optional only in a packet that has none: too short to say anything. */
		if (!bpf_skb_load_bytes(skb, packet->l4 + 12, &byte, 1))
			packet->seen = weir_sctp_seen(byte);
	}
	return WEIR_PASSED;
}

#endif
