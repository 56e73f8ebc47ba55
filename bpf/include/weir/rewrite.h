/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Gives a packet other addresses and ports. Checksums change by what the words that they cover change by (RFC 1624); a
 * UDP packet without one stays without. The helpers know of packets whose checksum the device has yet to make: theirs
 * covers the pseudo header alone so far.
 */
#ifndef WEIR_REWRITE_H
#define WEIR_REWRITE_H

#include <linux/ip.h>
#include <linux/ipv6.h>

#include "crc32c.h"
#include "nat.h"

/* Where the sum lies in a transport header; 0: it has none, or none that sums words. */
WEIR_INLINE __u32 weir_sum_offset(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return 16;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_ICMP:
	case WEIR_ICMP6:
		return 2;
	default:
		return 0;
	}
}

/* Does the sum cover the addresses? */
WEIR_INLINE int weir_sums_addresses(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == WEIR_ICMP6;
}

/* The one word of a transport header that holds what counts as ports, and what it becomes. */
struct weir_port_word {
	__u32 offset; /* within the transport header */
	__u32 from, to;
};

/*
 * Of an ICMP query or its answer the id is one of both ports, and the other one says what kind it is. The sequence number
 * beside it stays.
 */
WEIR_INLINE void weir_port_word_of(struct weir_port_word *word, const struct weir_packet *packet,
				   const struct weir_tuple *was)
{
	/* An asker's id is never its destination port, which stays. */
	const int is_answer = was->source_port == packet->source_port;
	__u16 port[2];

	if (packet->protocol == IPPROTO_ICMP || packet->protocol == WEIR_ICMP6) {
		word->offset = 4;
		port[0] = is_answer ? was->destination_port : was->source_port;
		port[1] = 0;
		__builtin_memcpy(&word->from, port, 4);
		port[0] = is_answer ? packet->destination_port : packet->source_port;
		__builtin_memcpy(&word->to, port, 4);
		return;
	}
	word->offset = 0;
	port[0] = was->source_port;
	port[1] = was->destination_port;
	__builtin_memcpy(&word->from, port, 4);
	port[0] = packet->source_port;
	port[1] = packet->destination_port;
	__builtin_memcpy(&word->to, port, 4);
}

/* SCTP's sum over a whole packet of `length` bytes. Zero is one that the device has yet to make. */
WEIR_INLINE int weir_rewrite_crc(struct weir_skb *skb, __u32 l4, __u32 length, const struct weir_port_word *word)
{
	__u32 sum = 0;

	if (bpf_skb_load_bytes(skb, l4 + 8, &sum, sizeof(sum)))
		return WEIR_WRITE_FAILED;
	if (!sum)
		return WEIR_PASSED;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	sum ^= weir_crc_difference(word->from ^ word->to, length);
#else
	sum ^= __builtin_bswap32(weir_crc_difference(word->from ^ word->to, length));
#endif
	return bpf_skb_store_bytes(skb, l4 + 8, &sum, sizeof(sum), 0) ? WEIR_WRITE_FAILED : WEIR_PASSED;
}

/* Bytes of the IP packet's payload behind `l4`, when the packet is whole; 0 when it is a piece of one. */
WEIR_INLINE __u32 weir_whole_payload(struct weir_skb *skb, const struct weir_packet *packet)
{
	struct iphdr ip;
	struct ipv6hdr ip6;

	if (packet->family == 4) {
		if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) || (ip.frag_off & weir_be16(0x3fff)))
			return 0;
		return ETH_HLEN + weir_be16(ip.tot_len) - packet->l4;
	}
	if (bpf_skb_load_bytes(skb, ETH_HLEN, &ip6, sizeof(ip6)))
		return 0;
	/* A chain of extension headers may hold a fragment's: only one without is known to be whole. */
	if (packet->l4 != ETH_HLEN + sizeof(ip6))
		return 0;
	return weir_be16(ip6.payload_len);
}

/* Ports, and what they are summed in but for the addresses. */
WEIR_INLINE int weir_rewrite_ports(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *was)
{
	const __u32 l4 = packet->l4, sum = weir_sum_offset(packet->protocol);
	struct weir_port_word word;
	__u32 length;

	weir_port_word_of(&word, packet, was);
	if (word.from == word.to)
		return WEIR_PASSED;
	if (packet->protocol == IPPROTO_SCTP) {
		length = weir_whole_payload(skb, packet);
		if (!length)
			return WEIR_NAT_UNSUPPORTED;
		if (weir_rewrite_crc(skb, l4, length, &word))
			return WEIR_WRITE_FAILED;
	} else if (sum) {
		if (bpf_l4_csum_replace(skb, l4 + sum, word.from, word.to,
					packet->protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 | 4 : 4))
			return WEIR_WRITE_FAILED;
	} else {
		return WEIR_PASSED;
	}
	if (word.offset)
		return bpf_skb_store_bytes(skb, l4 + word.offset, &word.to, 2, 0) ? WEIR_WRITE_FAILED : WEIR_PASSED;
	return bpf_skb_store_bytes(skb, l4, &word.to, 4, 0) ? WEIR_WRITE_FAILED : WEIR_PASSED;
}

WEIR_INLINE int weir_rewrite_address_sum(struct weir_skb *skb, const struct weir_packet *packet, __u32 difference)
{
	const __u32 sum = weir_sum_offset(packet->protocol);
	__u64 flags = BPF_F_PSEUDO_HDR;

	if (!packet->l4 || !weir_sums_addresses(packet->protocol))
		return 0;
	if (packet->protocol == IPPROTO_UDP)
		flags |= BPF_F_MARK_MANGLED_0;
	return bpf_l4_csum_replace(skb, packet->l4 + sum, 0, difference, flags) != 0;
}

/* The diffs are of pairs of addresses as they lie in the header. */
WEIR_INLINE int weir_rewrite_addresses4(struct weir_skb *skb, const struct weir_packet *packet,
					const struct weir_tuple *was)
{
	__u32 from[2] = {was->source.word[0], was->destination.word[0]};
	__u32 to[2] = {packet->source.word[0], packet->destination.word[0]};
	const __s64 difference = bpf_csum_diff(from, sizeof(from), to, sizeof(to), 0);

	if (weir_rewrite_address_sum(skb, packet, difference))
		return WEIR_WRITE_FAILED;
	if (bpf_l3_csum_replace(skb, ETH_HLEN + 10, 0, difference, 0))
		return WEIR_WRITE_FAILED;
	return bpf_skb_store_bytes(skb, ETH_HLEN + 12, to, sizeof(to), 0) ? WEIR_WRITE_FAILED : WEIR_PASSED;
}

WEIR_INLINE int weir_rewrite_addresses6(struct weir_skb *skb, const struct weir_packet *packet,
					const struct weir_tuple *was)
{
	/* A packet's two addresses lie one after the other, and a tuple's do. */
	const __s64 difference = bpf_csum_diff((void *)&was->source, 32, (void *)&packet->source, 32, 0);

	if (weir_rewrite_address_sum(skb, packet, difference))
		return WEIR_WRITE_FAILED;
	/*
	 * Where the device has summed the whole packet, the helper takes what it changes for the only change, as it is in
	 * IPv4, whose header has a sum too. In IPv6 the addresses change that sum back.
	 */
	if (packet->l4 && weir_sums_addresses(packet->protocol))
		bpf_csum_update(skb, difference);
	return bpf_skb_store_bytes(skb, ETH_HLEN + 8, &packet->source, 32, 0) ? WEIR_WRITE_FAILED : WEIR_PASSED;
}

/* The frame's IP packet becomes what `packet` says; its addresses and ports are those of `was`. 0, or the drop reason. */
WEIR_GLOBAL int weir_rewrite(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tuple *was)
{
	int reason = WEIR_PASSED;

	if (!packet || !was)
		return WEIR_INVALID_PACKET;
	if (packet->l4)
		reason = weir_rewrite_ports(skb, packet, was);
	if (reason)
		return reason;
	if (weir_same_address(&packet->source, &was->source) && weir_same_address(&packet->destination, &was->destination))
		return WEIR_PASSED;
	if (packet->family == 4)
		return weir_rewrite_addresses4(skb, packet, was);
	return weir_rewrite_addresses6(skb, packet, was);
}

#endif
