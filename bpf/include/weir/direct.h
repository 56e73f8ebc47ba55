/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Direct return: a backend of another node answers the client by itself, under the service's address. Its node learns that
 * address and port from the packets that open a flow, in an IPv4 option or in IPv6 destination options. It believes what
 * its own tables know of: a service for those outside, or a node port of a node.
 */
#ifndef WEIR_DIRECT_H
#define WEIR_DIRECT_H

#include <linux/ipv6.h>

#include "ipv6.h"
#include "north.h"
#include "rewrite.h"

/* Option 26, to be copied into fragments, of class 0; others who return directly use the same. */
#define WEIR_DIRECT4_KIND 0x9a
#define WEIR_DIRECT6_KIND 0x1b
#define WEIR_DIRECT6_LENGTH 20

struct weir_direct4 {
	__u8 kind, length;
	__u16 port; /* big endian */
	__u32 address;
};
_Static_assert(sizeof(struct weir_direct4) == 8, "");

struct weir_direct6 {
	__u8 next, words; /* of the extension header: units of eight bytes beyond the first */
	__u8 kind, length;
	__u8 address[16];
	__u16 port; /* big endian */
	__u16 pad;  /* an option that fills: two bytes of it */
};
_Static_assert(sizeof(struct weir_direct6) == 24, "");

WEIR_INLINE __u32 weir_direct_bytes(int family)
{
	return family == 4 ? sizeof(struct weir_direct4) : sizeof(struct weir_direct6);
}

/* The IPv4 header's first word and length become others; so its sum does. */
WEIR_INLINE int weir_direct_header4(struct weir_skb *skb, __u8 words, int bytes)
{
	__u16 was[2], now[2];

	if (bpf_skb_load_bytes(skb, ETH_HLEN, was, sizeof(was)))
		return -1;
	__builtin_memcpy(now, was, sizeof(was));
	((__u8 *)now)[0] = 0x40 | words;
	now[1] = weir_be16(weir_be16(was[1]) + bytes);
	if (bpf_l3_csum_replace(skb, ETH_HLEN + 10, was[0], now[0], 2) ||
	    bpf_l3_csum_replace(skb, ETH_HLEN + 10, was[1], now[1], 2))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN, now, sizeof(now), 0);
}

/* Puts what the packet was sent to into it. Only into one without options of its own. 0, or the drop reason. */
WEIR_APART int weir_direct_put4(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *before)
{
	struct weir_direct4 option = {.kind = WEIR_DIRECT4_KIND, .length = sizeof(option)};
	const __u16 *half = (const __u16 *)&option;

	if (packet->l4 != ETH_HLEN + 20)
		return WEIR_INVALID_PACKET;
	option.port = before->destination_port;
	option.address = before->destination.word[0];
	if (bpf_skb_adjust_room(skb, sizeof(option), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 20, &option, sizeof(option), 0) ||
	    weir_direct_header4(skb, 7, sizeof(option)))
		return WEIR_WRITE_FAILED;
#pragma clang loop unroll(full)
	for (int i = 0; i < 4; i++)
		if (bpf_l3_csum_replace(skb, ETH_HLEN + 10, 0, half[i], 2))
			return WEIR_WRITE_FAILED;
	return WEIR_PASSED;
}

/* A piece of a packet has one more header, behind the options: it says where the piece belongs. */
WEIR_INLINE __u32 weir_direct_behind(__u8 next)
{
	return next == WEIR_NEXT_FRAGMENT ? 8 : 0;
}

WEIR_APART int weir_direct_put6(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *before)
{
	struct weir_direct6 option = {.words = 2, .kind = WEIR_DIRECT6_KIND, .length = WEIR_DIRECT6_LENGTH};
	const __u8 next = WEIR_NEXT_DESTINATION;
	__u16 length;

	if (bpf_skb_load_bytes(skb, ETH_HLEN + 4, &length, sizeof(length)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + 6, &option.next, 1) ||
	    packet->l4 != ETH_HLEN + 40 + weir_direct_behind(option.next))
		return WEIR_INVALID_PACKET;
	option.port = before->destination_port;
	__builtin_memcpy(option.address, &before->destination, 16);
	length = weir_be16(weir_be16(length) + sizeof(option));
	if (bpf_skb_adjust_room(skb, sizeof(option), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 40, &option, sizeof(option), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 4, &length, sizeof(length), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 6, &next, sizeof(next), 0))
		return WEIR_WRITE_FAILED;
	return WEIR_PASSED;
}

/* What the packet says that it was sent to, to `before`; 0 when it says nothing of the kind. */
WEIR_APART int weir_direct_read(struct weir_skb *skb, const struct weir_packet *packet, struct weir_tuple *before)
{
	struct weir_direct4 four;
	struct weir_direct6 six;

	weir_tuple_of(before, packet);
	if (packet->family == 4) {
		if (packet->l4 != ETH_HLEN + 20 + sizeof(four) ||
		    bpf_skb_load_bytes(skb, ETH_HLEN + 20, &four, sizeof(four)) || four.kind != WEIR_DIRECT4_KIND ||
		    four.length != sizeof(four))
			return 0;
		before->destination.word[0] = four.address;
		before->destination_port = four.port;
		return 1;
	}
	if (packet->l4 < ETH_HLEN + 40 + sizeof(six) || bpf_skb_load_bytes(skb, ETH_HLEN + 40, &six, sizeof(six)) ||
	    packet->l4 != ETH_HLEN + 40 + sizeof(six) + weir_direct_behind(six.next) ||
	    (six.next != packet->protocol && six.next != WEIR_NEXT_FRAGMENT) || six.kind != WEIR_DIRECT6_KIND || six.length != WEIR_DIRECT6_LENGTH)
		return 0;
	__builtin_memcpy(&before->destination, six.address, 16);
	before->destination_port = six.port;
	return 1;
}

/* A frontend where a node of the cluster could have led a client; 0 when there is none. */
WEIR_APART struct weir_frontend *weir_direct_frontend(const struct weir_tuple *before)
{
	struct weir_target target = {
		.address = before->destination,
		.port = before->destination_port,
		.protocol = before->protocol,
		.family = before->family,
	};
	struct weir_frontend *frontend = weir_frontend_of(&target, WEIR_EXTERNAL);
	const struct weir_peer *peer;

	if (frontend)
		return frontend;
	peer = weir_exact(&before->destination, before->family);
	return peer && peer->identity == WEIR_IDENTITY_REMOTE_NODE ? weir_frontend_of(&target, WEIR_ANY_ADDRESS) : 0;
}

/*
 * Whoever tells can't be asked who he is, as the sender is the client. So he is believed only what would have been done for
 * that client at a node that asks the tables. 0, the drop reason, or below 0 where no node says such a thing.
 */
WEIR_APART int weir_direct_judge(const struct weir_tuple *before)
{
	const struct weir_frontend *frontend;

	if (!weir_returns_directly(before->protocol) || weir_is_here(&before->source, before->family))
		return -1;
	frontend = weir_direct_frontend(before);
	if (!frontend || (frontend->flags & WEIR_LOCAL_ONLY))
		return -1;
	if ((frontend->flags & WEIR_SOURCE_RANGES) &&
	    !weir_is_in_ranges(frontend->ranges, &before->source, before->family))
		return WEIR_OUT_OF_RANGES;
	return WEIR_PASSED;
}

WEIR_APART int weir_direct_strip(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct weir_direct4 option;
	const __u16 *half = (const __u16 *)&option;
	__u8 next;
	__u16 length;

	if (packet->family == 4) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN + 20, &option, sizeof(option)))
			return -1;
#pragma clang loop unroll(full)
		for (int i = 0; i < 4; i++)
			if (bpf_l3_csum_replace(skb, ETH_HLEN + 10, half[i], 0, 2))
				return -1;
		if (weir_direct_header4(skb, 5, -(int)sizeof(option)))
			return -1;
		return bpf_skb_adjust_room(skb, -(int)sizeof(option), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO);
	}
	if (bpf_skb_load_bytes(skb, ETH_HLEN + 4, &length, sizeof(length)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + 40, &next, sizeof(next)))
		return -1;
	length = weir_be16(weir_be16(length) - sizeof(struct weir_direct6));
	if (bpf_skb_store_bytes(skb, ETH_HLEN + 4, &length, sizeof(length), 0) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN + 6, &next, sizeof(next), 0))
		return -1;
	return bpf_skb_adjust_room(skb, -(int)sizeof(struct weir_direct6), BPF_ADJ_ROOM_NET, BPF_F_ADJ_ROOM_FIXED_GSO);
}

/*
 * Of a packet that tells what it was sent to: the answers of the backend are to come from there. The packet goes on as if
 * it had told nothing. 0, the drop reason, or WEIR_DIRECT_NONE of one that tells nothing.
 */
#define WEIR_DIRECT_NONE -1

WEIR_APART int weir_direct_learn(struct weir_skb *skb, struct weir_packet *packet)
{
	const __u64 now = weir_now();
	struct weir_tuple before, after;
	struct weir_nat is = {.kind = WEIR_NAT_DSR};
	int reason;

	/* Nodes tell what opens a flow alone; nobody else gets another name for one that goes on. */
	if (packet->protocol == IPPROTO_TCP && (packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) != WEIR_SEEN_SYN)
		return WEIR_DIRECT_NONE;
	if (!weir_direct_read(skb, packet, &before))
		return WEIR_DIRECT_NONE;
	if (!weir_is_here(&packet->destination, packet->family))
		return WEIR_PASSED;
	reason = weir_direct_judge(&before);
	if (reason)
		return reason < 0 ? WEIR_PASSED : reason;
	weir_tuple_of(&after, packet);
	/* Of what the client sends no more is seen here than this: it is taken to go on as long as the backend does. */
	weir_nat_begin_with(&is, packet->protocol, packet->seen | WEIR_SEEN_ACK, now);
	if (!weir_nat_claim(&before, &after, &is, now))
		return WEIR_NAT_EXHAUSTED;
	if (weir_nat_complete(&before, &after, &is, now))
		return WEIR_NAT_EXHAUSTED;
	if (weir_direct_strip(skb, packet))
		return WEIR_WRITE_FAILED;
	packet->l4 -= weir_direct_bytes(packet->family);
	return WEIR_PASSED;
}

#endif
