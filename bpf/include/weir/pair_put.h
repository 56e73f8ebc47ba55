/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Entries of pairs.h written into their sets. */
#ifndef WEIR_PAIR_PUT_H
#define WEIR_PAIR_PUT_H

#include "pair_sets.h"

enum weir_pair_how {
	WEIR_PAIR_WHOLE,   /* one entry for both directions, if no other flow has the one back */
	WEIR_PAIR_FORWARD, /* the half of packets of the flow, whatever is there */
	WEIR_PAIR_REPLY,   /* that of packets against it, if no other flow has it */
	WEIR_PAIR_RENEW,   /* the other half of one that was found: its times, or all of it where it is gone */
};

/* The other flow's is as it was. */
#define WEIR_PAIR_TAKEN -1

/* Of two entries: the same key; what they make; is the key of one the reverse of what the other makes? */
WEIR_INLINE int weir_pair_same_key4(const struct weir_pair4 *a, const struct weir_pair4 *b)
{
	return a->source == b->source && a->destination == b->destination && a->source_port == b->source_port &&
	       a->destination_port == b->destination_port;
}

WEIR_INLINE int weir_pair_makes_same4(const struct weir_pair4 *a, const struct weir_pair4 *b)
{
	return a->to_source == b->to_source && a->to_destination == b->to_destination &&
	       a->to_source_port == b->to_source_port && a->to_destination_port == b->to_destination_port;
}

WEIR_INLINE int weir_pair_answers4(const struct weir_pair4 *a, const struct weir_pair4 *b)
{
	return a->source == b->to_destination && a->destination == b->to_source &&
	       a->source_port == b->to_destination_port && a->destination_port == b->to_source_port;
}

WEIR_INLINE int weir_pair_same_key6(const struct weir_pair6 *a, const struct weir_pair6 *b)
{
	return weir_same_address(&a->source, &b->source) && weir_same_address(&a->destination, &b->destination) &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port;
}

WEIR_INLINE int weir_pair_makes_same6(const struct weir_pair6 *a, const struct weir_pair6 *b)
{
	return weir_same_address(&a->to_source, &b->to_source) &&
	       weir_same_address(&a->to_destination, &b->to_destination) && a->to_source_port == b->to_source_port &&
	       a->to_destination_port == b->to_destination_port;
}

WEIR_INLINE int weir_pair_answers6(const struct weir_pair6 *a, const struct weir_pair6 *b)
{
	return weir_same_address(&a->source, &b->to_destination) && weir_same_address(&a->destination, &b->to_source) &&
	       a->source_port == b->to_destination_port && a->destination_port == b->to_source_port;
}

/* The entry in the CPU's hands, for packets of `before` or, reversed, for those against `after`. */
WEIR_INLINE void weir_pair_address(struct weir_pair_scratch *scratch, const struct weir_tuple *before,
				   const struct weir_tuple *after, int reversed)
{
	const struct weir_tuple *key = reversed ? after : before, *made = reversed ? before : after;
	const union weir_address *source = reversed ? &key->destination : &key->source;
	const union weir_address *destination = reversed ? &key->source : &key->destination;
	const union weir_address *to_source = reversed ? &made->destination : &made->source;
	const union weir_address *to_destination = reversed ? &made->source : &made->destination;

	if (before->family == 4) {
		struct weir_pair4 *four = &scratch->entry.v4;

		four->source = source->word[0];
		four->destination = destination->word[0];
		four->to_source = to_source->word[0];
		four->to_destination = to_destination->word[0];
		four->source_port = reversed ? key->destination_port : key->source_port;
		four->destination_port = reversed ? key->source_port : key->destination_port;
		four->to_source_port = reversed ? made->destination_port : made->source_port;
		four->to_destination_port = reversed ? made->source_port : made->destination_port;
		return;
	}
	scratch->entry.v6.source = *source;
	scratch->entry.v6.destination = *destination;
	scratch->entry.v6.to_source = *to_source;
	scratch->entry.v6.to_destination = *to_destination;
	scratch->entry.v6.source_port = reversed ? key->destination_port : key->source_port;
	scratch->entry.v6.destination_port = reversed ? key->source_port : key->destination_port;
	scratch->entry.v6.to_source_port = reversed ? made->destination_port : made->source_port;
	scratch->entry.v6.to_destination_port = reversed ? made->source_port : made->destination_port;
}

/* The same, all but its addresses. */
WEIR_INLINE void weir_pair_fill(struct weir_pair *pair, const struct weir_nat *is, __u8 protocol, __u32 how)
{
	pair->expires = is->expires;
	pair->hop_ifindex = is->hop_ifindex;
	/* The next hop is that of the packets that open the flow; answers may leave by another device. */
	pair->hop_until = how == WEIR_PAIR_REPLY || how == WEIR_PAIR_RENEW ? 0 : is->hop_until;
	pair->backend = is->backend;
	pair->timeout = is->timeout;
	pair->hop_mtu = is->hop_mtu;
	__builtin_memcpy(pair->hop_macs, is->hop_macs, sizeof(pair->hop_macs));
	pair->seen[0] = is->seen[0];
	pair->seen[1] = is->seen[1];
	pair->what = is->kind | (is->is_reply ? WEIR_PAIR_IS_REPLY : 0) | (how == WEIR_PAIR_WHOLE ? WEIR_PAIR_IS_WHOLE : 0);
	pair->protocol = protocol;
}

/*
 * Writes the entry in the CPU's hands. 0: it is there now; above 0: the one that was there lives on, or WEIR_PAIR_TAKEN. Where
 * there is none of its key, the one of the set that expires first gives its place. What is to be done is read each time that
 * it is asked for: the verifier would otherwise go through the loop once for each answer.
 */
#define WEIR_PAIR_PUT(family)                                                                                     \
	WEIR_INLINE int weir_pair_put##family(struct weir_pair_scratch *scratch, __u64 now)                       \
	{                                                                                                         \
		const __u64 hash = scratch->hash;                                                                 \
		const volatile __u32 *how = &scratch->how;                                                        \
		const struct weir_pair##family *new = &scratch->entry.v##family;                                  \
		const __u32 index = weir_pair_set(hash, weir_nat##family##_sets);                                  \
		struct weir_pairs##family *set = bpf_map_lookup_elem(&weir_nat##family, &index);                  \
		struct weir_pair##family *entry;                                                                  \
		__u64 alike;                                                                                      \
		__u32 place, nth;                                                                                 \
		int result = 0;                                                                                   \
                                                                                                                  \
		if (!set)                                                                                         \
			return WEIR_PAIR_TAKEN;                                                                   \
		bpf_spin_lock(&set->lock);                                                                        \
		alike = weir_pair_alike(&set->marks, weir_pair_tag(hash));                                         \
		place = weir_pair_room(&set->marks, now, hash >> 32);                                             \
		_Pragma("clang loop unroll(disable)") for (__u32 i = 0; i < WEIR_PAIR_PLACES; i++)                \
		{                                                                                                 \
			if (!alike)                                                                               \
				break;                                                                            \
			nth = weir_pair_lowest(alike);                                                            \
			alike &= alike - 1;                                                                       \
			if (nth >= WEIR_PAIR_PLACES)                                                              \
				break;                                                                            \
			entry = &set->entry[nth];                                                                 \
			if (entry->is.protocol != new->is.protocol)                                               \
				continue;                                                                         \
			if (weir_pair_same_key##family(entry, new)) {                                             \
				const int is_own = weir_pair_makes_same##family(entry, new) &&                    \
						   !((entry->is.what ^ new->is.what) & WEIR_PAIR_IS_REPLY);       \
                                                                                                                  \
				place = nth;                                                                      \
				if (*how == WEIR_PAIR_WHOLE || *how == WEIR_PAIR_FORWARD)                           \
					continue;                                                                 \
				if (*how == WEIR_PAIR_RENEW)                                                       \
					result = is_own ? 1 : WEIR_PAIR_TAKEN;                                    \
				else if (!is_own && now < entry->is.expires)                                      \
					result = WEIR_PAIR_TAKEN;                                                 \
				break;                                                                            \
			}                                                                                         \
			if (*how == WEIR_PAIR_FORWARD)                                                             \
				continue;                                                                         \
			if (entry->is.what & WEIR_PAIR_IS_WHOLE ? *how == WEIR_PAIR_WHOLE ? weir_pair_makes_same##family(entry, new) \
									: weir_pair_answers##family(new, entry)   \
					       : *how == WEIR_PAIR_WHOLE && weir_pair_answers##family(entry, new)) { \
				if (now < entry->is.expires) {                                                    \
					result = WEIR_PAIR_TAKEN;                                                 \
					break;                                                                    \
				}                                                                                 \
				entry->is.protocol = 0;                                                           \
				weir_pair_tell(&set->marks, nth, 0);                                              \
			}                                                                                         \
		}                                                                                                 \
		/* Held by what is asked about: Linux 6.1 knows nothing of the same number elsewhere. */                  \
		nth = place;                                                                                      \
		weir_opaque(nth);                                                                                 \
		if (result != WEIR_PAIR_TAKEN && nth < WEIR_PAIR_PLACES) {                                        \
			entry = &set->entry[nth];                                                                 \
			weir_opaque(entry);                                                                       \
			if (result) {                                                                             \
				entry->is.expires = new->is.expires;                                              \
				entry->is.timeout = new->is.timeout;                                              \
				entry->is.seen[0] = new->is.seen[0];                                              \
				entry->is.seen[1] = new->is.seen[1];                                              \
			} else {                                                                                  \
				*entry = *new;                                                                    \
			}                                                                                         \
			weir_pair_tell(&set->marks, nth, weir_pair_tag(scratch->hash));                           \
			weir_pair_expires(&set->marks, nth, new->is.expires);                                     \
		}                                                                                                 \
		bpf_spin_unlock(&set->lock);                                                                      \
		if (*how == WEIR_PAIR_WHOLE || *how == WEIR_PAIR_FORWARD) {                                         \
			scratch->found.set = index;                                                               \
			scratch->found.place = place;                                                             \
		}                                                                                                 \
		return result;                                                                                    \
	}

WEIR_PAIR_PUT(4)
WEIR_PAIR_PUT(6)

#endif
