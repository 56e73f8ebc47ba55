/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Entries of quick.h, as the long way of a frame writes them for the next frames of its flow. */
#ifndef WEIR_QUICK_KEEP_H
#define WEIR_QUICK_KEEP_H

#include "quick_frame.h"

WEIR_INLINE __u32 weir_ports_word(const struct weir_tuple *tuple)
{
	const __u16 ports[2] = {tuple->source_port, tuple->destination_port};
	__u32 word;

	__builtin_memcpy(&word, ports, 4);
	return word;
}

/*
 * Where an entry of the flow's is, or may be written; 0 where others' that hold are in the way: those came first, and none
 * is to push another one out with each frame. Which one of a full set is looked at goes with the time, so that sooner or
 * later each that doesn't hold any more is found.
 */
#define WEIR_QUICK_TAKE(family, source_of, destination_of)                                                        \
	WEIR_INLINE struct weir_quick##family *weir_quick_take##family(const struct weir_tuple *tuple, __u64 now)  \
	{                                                                                                         \
		const __u32 ports = weir_ports_word(tuple);                                                       \
		struct weir_quick##family *entry;                                                                 \
		struct weir_quick_place place;                                                                    \
		struct weir_quick_tags *tags;                                                                     \
		__u32 nth = now % WEIR_QUICK_SET, at;                                                             \
		__u64 none;                                                                                       \
                                                                                                                  \
		if (!weir_quick##family##_each)                                                                   \
			return 0;                                                                                 \
		entry = weir_quick_own##family(source_of, destination_of, ports, tuple->protocol);                \
		if (entry)                                                                                        \
			return entry;                                                                             \
		weir_quick_find##family(&place, source_of, destination_of, ports);                                \
		tags = bpf_map_lookup_elem(&weir_quick_tags##family, &place.set);                                 \
		if (!tags)                                                                                        \
			return 0;                                                                                 \
		none = weir_quick_zeros(tags->byte);                                                              \
		if (!(tags->byte >> 8 * place.home & 0xff))                                                       \
			nth = place.home;                                                                         \
		else if (none)                                                                                    \
			nth = weir_quick_lowest(none);                                                            \
		at = place.first + nth;                                                                           \
		entry = bpf_map_lookup_elem(&weir_quick##family, &at);                                            \
		if (!entry || weir_quick_holds(&entry->is, now))                                                  \
			return 0;                                                                                 \
		tags->byte = (tags->byte & ~(0xffull << 8 * nth)) | (place.tag & 0xffull << 8 * nth);             \
		return entry;                                                                                     \
	}

WEIR_QUICK_TAKE(4, tuple->source.word[0], tuple->destination.word[0])
WEIR_QUICK_TAKE(6, &tuple->source, &tuple->destination)

/* The flow may become another one. */
WEIR_APART int weir_quick_forget(const struct weir_tuple *before)
{
	const __u32 ports = weir_ports_word(before);

	if (before->family == 4 && weir_quick4_each) {
		struct weir_quick4 *four = weir_quick_own4(before->source.word[0], before->destination.word[0], ports,
							   before->protocol);

		if (four)
			four->is.until = 0;
	}
	if (before->family == 6 && weir_quick6_each) {
		struct weir_quick6 *six = weir_quick_own6(&before->source, &before->destination, ports, before->protocol);

		if (six)
			six->is.until = 0;
	}
	return 0;
}

WEIR_INLINE void weir_quick_fill(struct weir_quick *is, const struct weir_tuple *before, const struct weir_tuple *after,
				 const struct weir_nat *half, int goes_on)
{
	const __u64 sum = weir_sum_changes(before, after);

	is->ports = weir_ports_word(before);
	is->to_ports = weir_ports_word(after);
	is->protocol = before->protocol;
	is->does = (half->is_reply ? 0 : WEIR_QUICK_TO_BACKEND) | (goes_on ? WEIR_QUICK_ONWARD : 0);
	is->backend = half->backend;
	is->ifindex = half->hop_ifindex;
	__builtin_memcpy(is->macs, half->hop_macs, sizeof(is->macs));
	is->mtu = half->hop_mtu;
	is->sum = weir_sum_fold(sum + (__u32)~is->ports + is->to_ports);
	/* The word with the TTL becomes 0x0100 less. */
	is->sum4 = weir_sum_fold(sum + (goes_on ? (__u16)~weir_be16(0x0100) : 0));
}

/* Frames of `before` become what `after` says, by the half, which says where those go that go on. */
WEIR_APART int weir_quick_keep(const struct weir_tuple *before, const struct weir_tuple *after, const struct weir_nat *half,
			       int goes_on)
{
	const __u64 now = bpf_jiffies64();

	if (before->family == 4) {
		struct weir_quick4 *four = weir_quick_take4(before, now);

		if (!four)
			return 0;
		weir_quick_fill(&four->is, before, after, half, goes_on);
		four->source = before->source.word[0];
		four->destination = before->destination.word[0];
		four->to_source = after->source.word[0];
		four->to_destination = after->destination.word[0];
		four->is.until = now + weir_quick_ticks;
	} else {
		struct weir_quick6 *six = weir_quick_take6(before, now);

		if (!six)
			return 0;
		weir_quick_fill(&six->is, before, after, half, goes_on);
		six->source = before->source;
		six->destination = before->destination;
		six->to_source = after->source;
		six->to_destination = after->destination;
		six->is.until = now + weir_quick_ticks;
	}
	return 0;
}

/* Frames of `before` pass as they come. */
WEIR_APART int weir_quick_leave(const struct weir_tuple *before)
{
	const __u64 now = bpf_jiffies64();

	if (before->family == 4) {
		struct weir_quick4 *four = weir_quick_take4(before, now);

		if (!four)
			return XDP_PASS;
		four->is.ports = weir_ports_word(before);
		four->is.protocol = before->protocol;
		four->is.does = WEIR_QUICK_LEAVES;
		four->source = before->source.word[0];
		four->destination = before->destination.word[0];
		four->is.until = now + weir_quick_ticks;
	} else {
		struct weir_quick6 *six = weir_quick_take6(before, now);

		if (!six)
			return XDP_PASS;
		six->is.ports = weir_ports_word(before);
		six->is.protocol = before->protocol;
		six->is.does = WEIR_QUICK_LEAVES;
		six->source = before->source;
		six->destination = before->destination;
		six->is.until = now + weir_quick_ticks;
	}
	return XDP_PASS;
}

#endif
