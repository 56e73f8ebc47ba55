/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Frames by the entries of quick.h. Whatever isn't exactly what an entry is about takes the long way, which is right for
 * everything; and a frame that is passed on as it came is right in traffic control's hands.
 */
#ifndef WEIR_QUICK_FRAME_H
#define WEIR_QUICK_FRAME_H

#include "frame.h"

/* No XDP_…: the frame is as it was, and takes the long way. */
#define WEIR_QUICK_NOT -1

#define WEIR_QUICK_MIX1 0x9e3779b97f4a7c15ull
#define WEIR_QUICK_MIX2 0xbf58476d1ce4e5b9ull
#define WEIR_QUICK_MIX3 0x94d049bb133111ebull
#define WEIR_QUICK_MIX4 0xd6e8feb86659fd93ull
#define WEIR_QUICK_BYTES 0x0101010101010101ull

/* Where a flow's entry is, if it has one. */
struct weir_quick_place {
	__u32 first; /* entry of its set */
	__u32 set;
	__u32 home; /* of the set, the one that it has if it may choose: found without waiting for the tags */
	__u64 tag; /* in each byte */
};

/* `each`: entries that a CPU has. */
WEIR_INLINE void weir_quick_find(struct weir_quick_place *place, __u64 mixed, __u32 each)
{
	__u64 tag;

	mixed = (mixed ^ mixed >> 32) * WEIR_QUICK_MIX1;
	place->first = bpf_get_smp_processor_id() * each + (mixed >> 32 & (each - 1) & ~(WEIR_QUICK_SET - 1));
	place->set = place->first / WEIR_QUICK_SET;
	place->home = mixed >> 32 & (WEIR_QUICK_SET - 1);
	tag = mixed >> 56;
	place->tag = (tag + !tag) * WEIR_QUICK_BYTES;
}

WEIR_INLINE void weir_quick_find4(struct weir_quick_place *place, __u32 source, __u32 destination, __u32 ports)
{
	const __u64 mixed = ((__u64)destination << 32 | source) * WEIR_QUICK_MIX2 ^ ports * WEIR_QUICK_MIX3;

	weir_quick_find(place, mixed, weir_quick4_each);
}

WEIR_INLINE void weir_quick_find6(struct weir_quick_place *place, const union weir_address *source,
				  const union weir_address *destination, __u32 ports)
{
	const __u64 mixed = source->half[0] * WEIR_QUICK_MIX1 ^ source->half[1] * WEIR_QUICK_MIX2 ^
			    destination->half[0] * WEIR_QUICK_MIX3 ^ (destination->half[1] + ports) * WEIR_QUICK_MIX4;

	weir_quick_find(place, mixed, weir_quick6_each);
}

/* The highest bit of each byte that is 0. Bytes above the lowest such one may be taken for 0 although they are 1. */
WEIR_INLINE __u64 weir_quick_zeros(__u64 bytes)
{
	return (bytes - WEIR_QUICK_BYTES) & ~bytes & WEIR_QUICK_BYTES << 7;
}

/* The number of the byte whose highest bit is the lowest that is set. */
WEIR_INLINE __u32 weir_quick_lowest(__u64 highest_bits)
{
	return ((highest_bits & -highest_bits) >> 7) * 0x0001020304050607ull >> 56;
}

WEIR_INLINE int weir_quick_is4(const struct weir_quick4 *entry, __u32 source, __u32 destination, __u32 ports, __u8 protocol)
{
	return entry->is.ports == ports && entry->source == source && entry->destination == destination &&
	       entry->is.protocol == protocol;
}

WEIR_INLINE int weir_quick_is6(const struct weir_quick6 *entry, const union weir_address *source,
			       const union weir_address *destination, __u32 ports, __u8 protocol)
{
	return entry->is.ports == ports && entry->is.protocol == protocol && weir_same_address(&entry->source, source) &&
	       weir_same_address(&entry->destination, destination);
}

/* The flow's entry, whether it holds or not. Of others with the same byte one is looked at, which is enough for nearly all. */
#define WEIR_QUICK_OWN(family, address)                                                                           \
	WEIR_INLINE struct weir_quick##family *weir_quick_own##family(address source, address destination,        \
								      __u32 ports, __u8 protocol)         \
	{                                                                                                         \
		struct weir_quick_place place;                                                                    \
		const struct weir_quick_tags *tags;                                                               \
		struct weir_quick##family *entry;                                                                 \
		__u64 alike;                                                                                      \
		__u32 at;                                                                                         \
                                                                                                                  \
		weir_quick_find##family(&place, source, destination, ports);                                      \
		tags = bpf_map_lookup_elem(&weir_quick_tags##family, &place.set);                                 \
		if (!tags)                                                                                        \
			return 0;                                                                                 \
		alike = tags->byte ^ place.tag;                                                                   \
		if (weir_likely(!(alike >> 8 * place.home & 0xff))) {                                             \
			at = place.first + place.home;                                                            \
			entry = bpf_map_lookup_elem(&weir_quick##family, &at);                                    \
			if (!entry || weir_likely(weir_quick_is##family(entry, source, destination, ports, protocol)))  \
				return entry;                                                                     \
		}                                                                                                 \
		alike = weir_quick_zeros(alike);                                                                  \
		if (!alike)                                                                                       \
			return 0;                                                                                 \
		at = place.first + weir_quick_lowest(alike);                                                      \
		entry = bpf_map_lookup_elem(&weir_quick##family, &at);                                            \
		if (!entry || weir_likely(weir_quick_is##family(entry, source, destination, ports, protocol)))    \
			return entry;                                                                             \
		alike &= alike - 1;                                                                               \
		if (!alike)                                                                                       \
			return 0;                                                                                 \
		at = place.first + weir_quick_lowest(alike);                                                      \
		entry = bpf_map_lookup_elem(&weir_quick##family, &at);                                            \
		return entry && weir_quick_is##family(entry, source, destination, ports, protocol) ? entry : 0;   \
	}

WEIR_QUICK_OWN(4, __u32)
WEIR_QUICK_OWN(6, const union weir_address *)

WEIR_INLINE int weir_quick_holds(const struct weir_quick *is, __u64 now)
{
	return is->until > now;
}

WEIR_INLINE void weir_quick_sum(__u16 *sum, __u16 change)
{
	const __u32 changed = (__u32)(__u16)~*sum + change;

	*sum = ~(changed + (changed >> 16));
}

/* A frame whose headers lie where the checks of its length have found room for them. */
struct weir_quick_frame {
	void *data;
	void *l4;
	__u16 *sum; /* in the transport's header */
	__u8 protocol;
	__u8 is_plain; /* just one of many of its flow */
};

/* What both families have in common, once the addresses are written: transport, and the way on. */
WEIR_INLINE int weir_quick_finish(struct weir_frame *frame, const struct weir_quick_frame *at, const struct weir_quick *is)
{
	__u16 *macs = at->data;

	if (at->protocol != IPPROTO_UDP) {
		weir_quick_sum(at->sum, is->sum);
	} else if (*at->sum) {
		weir_quick_sum(at->sum, is->sum);
		if (!*at->sum)
			*at->sum = 0xffff;
	}
	*(__u32 *)at->l4 = is->to_ports;
	if (!(is->does & WEIR_QUICK_ONWARD))
		return XDP_PASS;
#pragma clang loop unroll(full)
	for (int i = 0; i < 6; i++)
		macs[i] = is->macs[i];
	return is->ifindex == frame->ingress_ifindex ? XDP_TX : weir_frame_send(is->ifindex);
}

WEIR_INLINE int weir_quick_may_go(struct weir_frame *frame, const struct weir_quick *is, __u32 length, __u8 hops)
{
	return length <= is->mtu && hops > 1 &&
	       (weir_likely(is->ifindex == frame->ingress_ifindex) || weir_takes_frames(is->ifindex));
}

WEIR_INLINE int weir_quick_backend4(const struct weir_quick4 *entry)
{
	const struct weir_backend4 *backend = bpf_map_lookup_elem(&weir_backends4, &entry->is.backend);

	return backend && *(const __u32 *)backend->address == entry->to_destination &&
	       backend->port == weir_be16(((const __u16 *)&entry->is.to_ports)[1]) && backend->protocol == entry->is.protocol;
}

WEIR_INLINE int weir_quick_backend6(const struct weir_quick6 *entry)
{
	const struct weir_backend6 *backend = bpf_map_lookup_elem(&weir_backends6, &entry->is.backend);

	return backend && weir_same_address((const union weir_address *)backend->address, &entry->to_destination) &&
	       backend->port == weir_be16(((const __u16 *)&entry->is.to_ports)[1]) && backend->protocol == entry->is.protocol;
}

WEIR_INLINE int weir_quick_do4(struct weir_frame *frame, const struct weir_quick_frame *at, const struct weir_quick4 *entry)
{
	struct iphdr *ip = at->data + ETH_HLEN;
	const struct weir_quick *is = &entry->is;

	if ((is->does & WEIR_QUICK_TO_BACKEND) && weir_unlikely(!weir_quick_backend4(entry)))
		return WEIR_QUICK_NOT;
	if (weir_xdp_unfinished &&
	    weir_is_unfinished((__u64)ip->saddr + ip->daddr, at->protocol, *at->sum, weir_be16(ip->tot_len) - 20))
		return WEIR_QUICK_NOT;
	if (is->does & WEIR_QUICK_ONWARD) {
		if (weir_unlikely(!weir_quick_may_go(frame, is, weir_be16(ip->tot_len), ip->ttl)))
			return WEIR_QUICK_NOT;
		ip->ttl--;
	}
	ip->saddr = entry->to_source;
	ip->daddr = entry->to_destination;
	weir_quick_sum(&ip->check, is->sum4);
	return weir_quick_finish(frame, at, is);
}

WEIR_INLINE int weir_quick_do6(struct weir_frame *frame, const struct weir_quick_frame *at, const struct weir_quick6 *entry)
{
	struct ipv6hdr *ip = at->data + ETH_HLEN;
	const struct weir_quick *is = &entry->is;

	if ((is->does & WEIR_QUICK_TO_BACKEND) && weir_unlikely(!weir_quick_backend6(entry)))
		return WEIR_QUICK_NOT;
	if (weir_xdp_unfinished &&
	    weir_is_unfinished(weir_sum_address(&entry->source, 6) + weir_sum_address(&entry->destination, 6), at->protocol,
			       *at->sum, weir_be16(ip->payload_len)))
		return WEIR_QUICK_NOT;
	if (is->does & WEIR_QUICK_ONWARD) {
		if (weir_unlikely(!weir_quick_may_go(frame, is, weir_be16(ip->payload_len) + 40u, ip->hop_limit)))
			return WEIR_QUICK_NOT;
		ip->hop_limit--;
	}
	__builtin_memcpy(&ip->saddr, &entry->to_source, 16);
	__builtin_memcpy(&ip->daddr, &entry->to_destination, 16);
	return weir_quick_finish(frame, at, is);
}

/* Is a transport's header there, of a kind that flows are made of? */
WEIR_INLINE int weir_quick_reads(struct weir_quick_frame *at, const void *end)
{
	at->is_plain = 1;
	at->sum = at->l4 + WEIR_UDP_SUM;
	if (at->protocol == IPPROTO_UDP)
		return 1;
	if (at->protocol != IPPROTO_TCP || at->l4 + WEIR_TCP_BYTES > end)
		return 0;
	at->sum = at->l4 + WEIR_TCP_SUM;
	at->is_plain = (((const __u8 *)at->l4)[13] & WEIR_SEEN_MASK) == WEIR_SEEN_ACK;
	return 1;
}

WEIR_INLINE int weir_quick_run4(struct weir_frame *frame, void *data, const void *end)
{
	const struct iphdr *ip = data + ETH_HLEN;
	struct weir_quick_frame at = {.data = data, .l4 = data + ETH_HLEN + 20, .protocol = ip->protocol};
	const __u32 ports = *(const __u32 *)at.l4;
	struct weir_quick4 *entry;

	if (*(const __u8 *)ip != 0x45 || (ip->frag_off & weir_be16(WEIR_IP4_MORE | WEIR_IP4_OFFSET)) ||
	    !weir_quick_reads(&at, end) || weir_likely(!weir_is_northern(at.protocol, ((const __u16 *)at.l4)[1])))
		return XDP_PASS;
	if (!weir_quick4_each || !at.is_plain)
		return WEIR_QUICK_NOT;
	entry = weir_quick_own4(ip->saddr, ip->daddr, ports, at.protocol);
	if (!entry)
		return WEIR_QUICK_NOT;
	if (weir_unlikely(!weir_quick_holds(&entry->is, bpf_jiffies64())))
		return WEIR_QUICK_NOT;
	if (entry->is.does & WEIR_QUICK_LEAVES)
		return XDP_PASS;
	return weir_quick_do4(frame, &at, entry);
}

WEIR_INLINE int weir_quick_run6(struct weir_frame *frame, void *data, const void *end)
{
	const struct ipv6hdr *ip = data + ETH_HLEN;
	struct weir_quick_frame at = {.data = data, .l4 = data + ETH_HLEN + 40, .protocol = ip->nexthdr};
	union weir_address source, destination;
	struct weir_quick6 *entry;
	__u32 ports;

	if (data + WEIR_FRAME6 > end || ip->version != 6 || !weir_quick_reads(&at, end) ||
	    weir_likely(!weir_is_northern(at.protocol, ((const __u16 *)at.l4)[1])))
		return XDP_PASS;
	if (!weir_quick6_each || !at.is_plain)
		return WEIR_QUICK_NOT;
	ports = *(const __u32 *)at.l4;
	__builtin_memcpy(&source, &ip->saddr, 16);
	__builtin_memcpy(&destination, &ip->daddr, 16);
	entry = weir_quick_own6(&source, &destination, ports, at.protocol);
	if (!entry)
		return WEIR_QUICK_NOT;
	if (weir_unlikely(!weir_quick_holds(&entry->is, bpf_jiffies64())))
		return WEIR_QUICK_NOT;
	if (entry->is.does & WEIR_QUICK_LEAVES)
		return XDP_PASS;
	return weir_quick_do6(frame, &at, entry);
}

/* An XDP_…, or WEIR_QUICK_NOT. */
WEIR_INLINE int weir_quick_run(struct weir_frame *frame)
{
	void *data = weir_packet_start(frame), *end = weir_packet_end(frame);
	const struct ethhdr *ethernet = data;

	if (data + WEIR_FRAME4 > end)
		return XDP_PASS;
	if (ethernet->h_proto == weir_be16(ETH_P_IP))
		return weir_quick_run4(frame, data, end);
	if (ethernet->h_proto == weir_be16(ETH_P_IPV6))
		return weir_quick_run6(frame, data, end);
	return XDP_PASS;
}

#endif
