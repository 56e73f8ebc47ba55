/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * An ICMP error quotes a packet as it was seen where the error was made. To who sent the packet before it was rewritten
 * the quotation must show what he sent: addresses, ports and sums of the quoted packet change, and the error's own sum by
 * all of that. Sums that the quotation has cut off are left out.
 */
#ifndef WEIR_REWRITE_ERROR_H
#define WEIR_REWRITE_ERROR_H

#include "rewrite.h"

/* A running difference of Internet checksums: ~old + new, folded at the end. */
WEIR_INLINE __u16 weir_fold(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

/* Stores `length` bytes of the quotation; the difference of the sum over it is added to *total. */
WEIR_INLINE int weir_quote_store(struct weir_skb *skb, __u32 at, void *from, void *to, __u32 length, __u64 *total)
{
	*total += (__u32)bpf_csum_diff(from, length, to, length, 0);
	return bpf_skb_store_bytes(skb, at, to, length, 0) != 0;
}

/* A 16-bit sum at an even offset changes by `difference`. Helpers sum words: the sum is one with two zero bytes. */
WEIR_INLINE int weir_quote_sum(struct weir_skb *skb, __u32 at, __u64 difference, int is_udp, __u64 *total)
{
	__u32 from = 0, to = 0;
	__u16 sum = 0;

	/* Cut off. */
	if (at + 2 > skb->len || bpf_skb_load_bytes(skb, at, &sum, sizeof(sum)))
		return 0;
	if (is_udp && !sum)
		return 0;
	__builtin_memcpy(&from, &sum, sizeof(sum));
	sum = ~weir_fold((__u64)(__u16)~sum + weir_fold(difference));
	if (is_udp && !sum)
		sum = 0xffff;
	__builtin_memcpy(&to, &sum, sizeof(sum));
	*total += (__u32)bpf_csum_diff(&from, sizeof(from), &to, sizeof(to), 0);
	return bpf_skb_store_bytes(skb, at, &sum, sizeof(sum), 0) != 0;
}

/* The quoted packet's ports and its sum over them and, where it has such, the addresses. */
WEIR_INLINE int weir_quote_l4(struct weir_skb *skb, const struct weir_packet *quoted, const struct weir_tuple *was,
			      __u64 addresses, __u64 *total)
{
	const __u32 sum = weir_sum_offset(quoted->protocol);
	struct weir_port_word word;
	__u64 difference = weir_sums_addresses(quoted->protocol) ? addresses : 0;

	if (!sum && quoted->protocol != IPPROTO_SCTP)
		return 0;
	weir_port_word_of(&word, quoted, was);
	difference += (__u32)bpf_csum_diff(&word.from, 4, &word.to, 4, 0);
	if (word.offset) {
		*total += (__u32)bpf_csum_diff(&word.from, 4, &word.to, 4, 0);
		if (bpf_skb_store_bytes(skb, quoted->l4 + word.offset, &word.to, 2, 0))
			return 1;
	} else if (weir_quote_store(skb, quoted->l4, &word.from, &word.to, 4, total)) {
		return 1;
	}
	/* SCTP's sum can't be told from the quotation, and nobody looks at it there. */
	if (!sum)
		return 0;
	return weir_quote_sum(skb, quoted->l4 + sum, difference, quoted->protocol == IPPROTO_UDP, total);
}

/* `packet`: the error. Its quotation, a packet of `was`, becomes what `quoted` says. 0, or the drop reason. */
WEIR_GLOBAL int weir_rewrite_quoted(struct weir_skb *skb, const struct weir_packet *packet,
				    const struct weir_packet *quoted, const struct weir_tuple *was)
{
	__u64 total = 0, addresses;
	__u32 at;

	if (!packet || !quoted || !was)
		return WEIR_INVALID_PACKET;
	at = packet->l4 + 8;
	if (packet->family == 4) {
		__u32 old[2] = {was->source.word[0], was->destination.word[0]};
		__u32 new[2] = {quoted->source.word[0], quoted->destination.word[0]};

		addresses = (__u32)bpf_csum_diff(old, sizeof(old), new, sizeof(new), 0);
		if (weir_quote_store(skb, at + 12, old, new, sizeof(new), &total) ||
		    weir_quote_sum(skb, at + 10, addresses, 0, &total))
			return WEIR_WRITE_FAILED;
	} else {
		addresses = (__u32)bpf_csum_diff((void *)&was->source, 32, (void *)&quoted->source, 32, 0);
		total = addresses;
		if (bpf_skb_store_bytes(skb, at + 8, &quoted->source, 32, 0))
			return WEIR_WRITE_FAILED;
	}
	if (weir_quote_l4(skb, quoted, was, addresses, &total))
		return WEIR_WRITE_FAILED;
	if (bpf_l4_csum_replace(skb, packet->l4 + 2, 0, weir_fold(total), 0))
		return WEIR_WRITE_FAILED;
	weir_tally_up(WEIR_TALLY_NAT_ERRORS);
	return WEIR_PASSED;
}

#endif
