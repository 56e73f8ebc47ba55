/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Answers to a pod in the name of who it sent to: TCP gets a reset, all else an ICMP error that its port is unreachable. The
 * packet itself is turned into the answer, and goes back to where it came from.
 */
#ifndef WEIR_REFUSE_H
#define WEIR_REFUSE_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "events.h"
#include "packet.h"

/* What is quoted of an IPv6 packet at most: its header, a few extensions, and eight bytes. IPv4: a header and eight. */
#define WEIR_QUOTE6 104
#define WEIR_QUOTE4 68

struct weir_tcp {
	__u16 source_port, destination_port;
	__u32 sequence, acknowledged;
	__u8 offset, flags;
	__u16 window, checksum, urgent;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct weir_tcp) == 20, "");

WEIR_INLINE __u16 weir_refusal_sum(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return ~sum;
}

/* The sum of what a transport checksum covers besides the transport header and its data. */
WEIR_INLINE __u64 weir_pseudo_sum(const struct weir_packet *packet, __u8 protocol, __u32 length)
{
	__u64 sum = weir_be32(length) + (__u64)weir_be32(protocol);

	if (packet->family == 4)
		return sum + packet->source.word[0] + packet->destination.word[0];
	return sum + packet->source.word[0] + packet->source.word[1] + packet->source.word[2] + packet->source.word[3] +
	       packet->destination.word[0] + packet->destination.word[1] + packet->destination.word[2] +
	       packet->destination.word[3];
}

/* The two MACs change places, and an IP header of the receiver's, with so many bytes behind it, follows. */
WEIR_APART int weir_turn_round(struct weir_skb *skb, const struct weir_packet *packet, __u8 protocol, __u32 length)
{
	__u8 macs[12], turned[12];

	if (bpf_skb_load_bytes(skb, 0, macs, sizeof(macs)))
		return -1;
	__builtin_memcpy(turned, macs + 6, 6);
	__builtin_memcpy(turned + 6, macs, 6);
	if (bpf_skb_store_bytes(skb, 0, turned, sizeof(turned), 0))
		return -1;
	if (packet->family == 4) {
		struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol};
		const __u16 *word = (const __u16 *)&ip;
		__u64 sum = 0;

		ip.tot_len = weir_be16(sizeof(ip) + length);
		ip.frag_off = weir_be16(0x4000);
		ip.saddr = packet->destination.word[0];
		ip.daddr = packet->source.word[0];
#pragma clang loop unroll(full)
		for (int i = 0; i < 10; i++)
			sum += word[i];
		ip.check = weir_refusal_sum(sum);
		return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ? -1 : 0;
	} else {
		struct ipv6hdr ip = {.version = 6, .nexthdr = protocol, .hop_limit = 64};

		ip.payload_len = weir_be16(length);
		__builtin_memcpy(&ip.saddr, &packet->destination, 16);
		__builtin_memcpy(&ip.daddr, &packet->source, 16);
		return bpf_skb_store_bytes(skb, ETH_HLEN, &ip, sizeof(ip), 0) ? -1 : 0;
	}
}

/* What TCP says to a segment for which there is no connection (RFC 9293, 3.10.7.1). Nothing is said to a reset. */
WEIR_APART int weir_reset(struct weir_skb *skb, const struct weir_packet *packet)
{
	const __u32 header = packet->family == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const __u32 whole = ETH_HLEN + header + sizeof(struct weir_tcp);
	struct weir_tcp tcp, answer = {.offset = 5 << 4};
	const __u32 *word = (const __u32 *)&answer;
	__u64 sum;
	__u32 end;

	if (!packet->l4 || bpf_skb_load_bytes(skb, packet->l4, &tcp, sizeof(tcp)) || (tcp.flags & WEIR_SEEN_RST))
		return -1;
	answer.source_port = tcp.destination_port;
	answer.destination_port = tcp.source_port;
	if (tcp.flags & WEIR_SEEN_ACK) {
		answer.sequence = tcp.acknowledged;
		answer.flags = WEIR_SEEN_RST;
	} else {
		end = weir_be32(tcp.sequence) + skb->len - packet->l4 - (tcp.offset >> 4) * 4;
		end += !!(tcp.flags & WEIR_SEEN_SYN) + !!(tcp.flags & WEIR_SEEN_FIN);
		answer.acknowledged = weir_be32(end);
		answer.flags = WEIR_SEEN_RST | WEIR_SEEN_ACK;
	}
	sum = weir_pseudo_sum(packet, IPPROTO_TCP, sizeof(answer));
#pragma clang loop unroll(full)
	for (int i = 0; i < 5; i++)
		sum += word[i];
	answer.checksum = weir_refusal_sum(sum);
	if (skb->len != whole && bpf_skb_change_tail(skb, whole, 0))
		return -1;
	if (weir_turn_round(skb, packet, IPPROTO_TCP, sizeof(answer)))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN + header, &answer, sizeof(answer), 0) ? -1 : 0;
}

/* An ICMP error in the name of who the packet was for. `rest` is its second word, big endian. */
WEIR_APART int weir_answer_error(struct weir_skb *skb, const struct weir_packet *packet, __u32 type, __u32 code, __u32 rest)
{
	const int four = packet->family == 4;
	const __u32 header = four ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	struct {
		__u8 type, code;
		__u16 checksum;
		__u32 rest;
	} icmp = {.type = type, .code = code, .rest = rest};
	__u32 quote[WEIR_QUOTE6 / 4] = {};
	__u32 length = packet->l4 - ETH_HLEN + 8;
	__u64 sum;

	/* A later fragment has nothing that its sender would know it by. */
	if (!packet->l4 || length > (four ? WEIR_QUOTE4 : WEIR_QUOTE6))
		return -1;
	length &= 127;
	if (length < 28 || length > WEIR_QUOTE6 || bpf_skb_load_bytes(skb, ETH_HLEN, quote, length))
		return -1;
	sum = (__u64)*(__u32 *)&icmp + rest;
	if (!four)
		sum += weir_pseudo_sum(packet, WEIR_ICMP6, sizeof(icmp) + length);
#pragma clang loop unroll(full)
	for (int i = 0; i < WEIR_QUOTE6 / 4; i++)
		sum += quote[i];
	icmp.checksum = weir_refusal_sum(sum);
	if (bpf_skb_change_tail(skb, ETH_HLEN + header + sizeof(icmp) + length, 0))
		return -1;
	if (weir_turn_round(skb, packet, four ? IPPROTO_ICMP : WEIR_ICMP6, sizeof(icmp) + length))
		return -1;
	if (bpf_skb_store_bytes(skb, ETH_HLEN + header, &icmp, sizeof(icmp), 0))
		return -1;
	return bpf_skb_store_bytes(skb, ETH_HLEN + header + sizeof(icmp), quote, length, 0) ? -1 : 0;
}

WEIR_INLINE int weir_unreachable(struct weir_skb *skb, const struct weir_packet *packet)
{
	return packet->family == 4 ? weir_answer_error(skb, packet, 3, 3, 0) : weir_answer_error(skb, packet, 1, 4, 0);
}

#endif
