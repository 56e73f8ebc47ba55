/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Frames before the stack has made packets of them: the common shapes alone, by direct access. */
#ifndef WEIR_FRAME_H
#define WEIR_FRAME_H

#include <linux/udp.h>

#include "north.h"
#include "parse.h"

/* Ethernet, IPv4 without options or IPv6 without extensions, and the transport's ports. */
#define WEIR_FRAME4 (ETH_HLEN + 20 + 8)
#define WEIR_FRAME6 (ETH_HLEN + 40 + 8)
#define WEIR_TCP_BYTES 20
#define WEIR_TCP_SUM 16
#define WEIR_UDP_SUM 6

/* 1 when the frame has a shape that is known here; then `tuple`, which must be zero, and *seen say what it is. */
WEIR_INLINE int weir_frame_parse(struct weir_frame *frame, struct weir_tuple *tuple, __u8 *seen)
{
	const void *data = weir_packet_start(frame), *end = weir_packet_end(frame);
	const struct ethhdr *ethernet = data;
	const struct iphdr *ip4 = data + ETH_HLEN;
	const struct ipv6hdr *ip6 = data + ETH_HLEN;
	const void *l4;

	if (data + WEIR_FRAME4 > end)
		return 0;
	if (ethernet->h_proto == weir_be16(ETH_P_IP)) {
		if (*(const __u8 *)ip4 != 0x45 || (ip4->frag_off & weir_be16(WEIR_IP4_MORE | WEIR_IP4_OFFSET)))
			return 0;
		tuple->family = 4;
		tuple->protocol = ip4->protocol;
		tuple->source.word[0] = ip4->saddr;
		tuple->destination.word[0] = ip4->daddr;
		l4 = data + ETH_HLEN + 20;
	} else if (ethernet->h_proto == weir_be16(ETH_P_IPV6)) {
		if (data + WEIR_FRAME6 > end || ip6->version != 6)
			return 0;
		tuple->family = 6;
		tuple->protocol = ip6->nexthdr;
		__builtin_memcpy(&tuple->source, &ip6->saddr, sizeof(tuple->source));
		__builtin_memcpy(&tuple->destination, &ip6->daddr, sizeof(tuple->destination));
		l4 = data + ETH_HLEN + 40;
	} else {
		return 0;
	}
	tuple->source_port = ((const __u16 *)l4)[0];
	tuple->destination_port = ((const __u16 *)l4)[1];
	*seen = WEIR_SEEN_ACK;
	if (tuple->protocol == IPPROTO_UDP)
		return 1;
	if (tuple->protocol != IPPROTO_TCP || l4 + WEIR_TCP_BYTES > end)
		return 0;
	*seen = ((const __u8 *)l4)[13] & WEIR_SEEN_MASK;
	return 1;
}

/* A running sum of 32-bit words, folded at the end: byte order doesn't matter to it (RFC 1071). */
WEIR_INLINE __u16 weir_sum_fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16 & 0xffff) + (sum & 0xffff) + (sum >> 32);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

WEIR_INLINE __u64 weir_sum_address(const union weir_address *address, int family)
{
	if (family == 4)
		return address->word[0];
	return (__u64)address->word[0] + address->word[1] + address->word[2] + address->word[3];
}

/* The same of the complement. */
WEIR_INLINE __u64 weir_sum_without(const union weir_address *address, int family)
{
	if (family == 4)
		return (__u32)~address->word[0];
	return 4 * 0xffffffffull - weir_sum_address(address, 6);
}

/*
 * Whoever sent the frame may have left its sum to a device that it never met: then it covers the pseudo header alone, and
 * what is right for a whole one would spoil it. One whole sum in 65536 looks the same, and goes the other way too.
 */
WEIR_INLINE int weir_is_unfinished(__u64 addresses, __u8 protocol, __u16 sum, __u32 l4_bytes)
{
	return sum == weir_sum_fold(addresses + weir_be16(l4_bytes) + weir_be16(protocol));
}

/* What a sum over the addresses changes by. */
WEIR_INLINE __u64 weir_sum_changes(const struct weir_tuple *before, const struct weir_tuple *after)
{
	const int family = before->family;

	return weir_sum_without(&before->source, family) + weir_sum_without(&before->destination, family) +
	       weir_sum_address(&after->source, family) + weir_sum_address(&after->destination, family);
}

/* A device whose driver sends no frames of others' loses them, and nobody is told. */
WEIR_APART int weir_takes_frames(__u32 ifindex)
{
	const struct weir_own *own = bpf_map_lookup_elem(&weir_own, &ifindex);

	return own && own->takes_frames;
}

/* Without flags the helper refuses nothing; its own result is for traffic control where this runs in memory. */
WEIR_INLINE int weir_frame_send(__u32 ifindex)
{
	bpf_redirect(ifindex, 0);
	return XDP_REDIRECT;
}

enum weir_frame_result {
	WEIR_FRAME_DONE,
	WEIR_FRAME_LEFT, /* as it was */
};

/*
 * The frame becomes what `after` says. One that goes on leaves with a hop less and the addresses of `half`'s next hop.
 * What only the stack can do is left to it: to answer that a hop too many was taken, or that the way is too narrow.
 * `family`: that of `before`, as whoever read the frame had it. The verifier of Linux 6.1 forgets what is on the stack once
 * a pointer to it was an argument, and then sees IPv6 written where it has seen room for IPv4 alone.
 */
WEIR_INLINE int weir_frame_rewrite(struct weir_frame *frame, int family, const struct weir_tuple *before,
				   const struct weir_nat *half, const struct weir_tuple *after, int goes_on)
{
	const __u32 l3_bytes = family == 4 ? 20 : 40;
	void *data = weir_packet_start(frame), *end = weir_packet_end(frame);
	void *l4 = data + ETH_HLEN + l3_bytes;
	struct iphdr *ip4 = data + ETH_HLEN;
	struct ipv6hdr *ip6 = data + ETH_HLEN;
	__u64 addresses, sum;
	__u32 ports[2], length;
	__u16 *check;

	if (l4 + 8 > end)
		return WEIR_FRAME_LEFT;
	check = l4 + WEIR_UDP_SUM;
	if (before->protocol == IPPROTO_TCP) {
		if (l4 + WEIR_TCP_BYTES > end)
			return WEIR_FRAME_LEFT;
		check = l4 + WEIR_TCP_SUM;
	}
	length = family == 4 ? weir_be16(ip4->tot_len) : weir_be16(ip6->payload_len) + 40u;
	if (goes_on && (length > half->hop_mtu || (family == 4 ? ip4->ttl : ip6->hop_limit) <= 1))
		return WEIR_FRAME_LEFT;
	if (weir_xdp_unfinished &&
	    weir_is_unfinished(weir_sum_address(&before->source, family) + weir_sum_address(&before->destination, family),
			       before->protocol, *check, length - l3_bytes))
		return WEIR_FRAME_LEFT;

	addresses = weir_sum_changes(before, after);
	__builtin_memcpy(&ports[0], l4, 4);
	ports[1] = (__u32)after->destination_port << 16 | after->source_port;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	ports[1] = (__u32)after->source_port << 16 | after->destination_port;
#endif
	if (*check || before->protocol != IPPROTO_UDP) {
		sum = (__u16)~*check + addresses + (__u32)~ports[0] + ports[1];
		*check = ~weir_sum_fold(sum);
		if (!*check && before->protocol == IPPROTO_UDP)
			*check = 0xffff;
	}
	__builtin_memcpy(l4, &ports[1], 4);
	if (family == 4) {
		sum = (__u16)~ip4->check + addresses;
		if (goes_on) {
			/* The word with the TTL, 0x0100 less. */
			sum += (__u16)~weir_be16(0x0100);
			ip4->ttl--;
		}
		ip4->check = ~weir_sum_fold(sum);
		ip4->saddr = after->source.word[0];
		ip4->daddr = after->destination.word[0];
	} else {
		if (goes_on)
			ip6->hop_limit--;
		__builtin_memcpy(&ip6->saddr, &after->source, 16);
		__builtin_memcpy(&ip6->daddr, &after->destination, 16);
	}
	if (goes_on)
		__builtin_memcpy(data, half->hop_macs, 2 * ETH_ALEN);
	return WEIR_FRAME_DONE;
}

#endif
