/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Entries of pairs.h found in their sets, written back, ended. */
#ifndef WEIR_PAIR_LOOK_H
#define WEIR_PAIR_LOOK_H

#include "pair_sets.h"

/* Is the entry for packets of the tuple; does it make packets that go against it? */
WEIR_INLINE int weir_pair_is_for4(const struct weir_pair4 *pair, const struct weir_tuple *tuple)
{
	return pair->source == tuple->source.word[0] && pair->destination == tuple->destination.word[0] &&
	       pair->source_port == tuple->source_port && pair->destination_port == tuple->destination_port;
}

WEIR_INLINE int weir_pair_is_against4(const struct weir_pair4 *pair, const struct weir_tuple *tuple)
{
	return pair->to_source == tuple->destination.word[0] && pair->to_destination == tuple->source.word[0] &&
	       pair->to_source_port == tuple->destination_port && pair->to_destination_port == tuple->source_port;
}

WEIR_INLINE int weir_pair_is_for6(const struct weir_pair6 *pair, const struct weir_tuple *tuple)
{
	return weir_same_address(&pair->source, &tuple->source) &&
	       weir_same_address(&pair->destination, &tuple->destination) && pair->source_port == tuple->source_port &&
	       pair->destination_port == tuple->destination_port;
}

WEIR_INLINE int weir_pair_is_against6(const struct weir_pair6 *pair, const struct weir_tuple *tuple)
{
	return weir_same_address(&pair->to_source, &tuple->destination) &&
	       weir_same_address(&pair->to_destination, &tuple->source) &&
	       pair->to_source_port == tuple->destination_port && pair->to_destination_port == tuple->source_port;
}

/* What packets of the half become: what the entry makes, or against that the reverse of its key. */
WEIR_INLINE void weir_pair_after4(struct weir_tuple *after, const struct weir_pair4 *pair, int turned)
{
	after->source = (union weir_address){.word = {turned ? pair->destination : pair->to_source}};
	after->destination = (union weir_address){.word = {turned ? pair->source : pair->to_destination}};
	after->source_port = turned ? pair->destination_port : pair->to_source_port;
	after->destination_port = turned ? pair->source_port : pair->to_destination_port;
}

WEIR_INLINE void weir_pair_after6(struct weir_tuple *after, const struct weir_pair6 *pair, int turned)
{
	after->source = turned ? pair->destination : pair->to_source;
	after->destination = turned ? pair->source : pair->to_destination;
	after->source_port = turned ? pair->destination_port : pair->to_source_port;
	after->destination_port = turned ? pair->source_port : pair->to_destination_port;
}

/* Is that what they become? */
WEIR_INLINE int weir_pair_becomes4(const struct weir_pair4 *pair, const struct weir_tuple *after, int turned)
{
	return (turned ? pair->destination : pair->to_source) == after->source.word[0] &&
	       (turned ? pair->source : pair->to_destination) == after->destination.word[0] &&
	       (turned ? pair->destination_port : pair->to_source_port) == after->source_port &&
	       (turned ? pair->source_port : pair->to_destination_port) == after->destination_port;
}

WEIR_INLINE int weir_pair_becomes6(const struct weir_pair6 *pair, const struct weir_tuple *after, int turned)
{
	return weir_same_address(turned ? &pair->destination : &pair->to_source, &after->source) &&
	       weir_same_address(turned ? &pair->source : &pair->to_destination, &after->destination) &&
	       (turned ? pair->destination_port : pair->to_source_port) == after->source_port &&
	       (turned ? pair->source_port : pair->to_destination_port) == after->destination_port;
}

WEIR_INLINE void weir_pair_copy(struct weir_nat *half, const struct weir_pair *pair, int turned)
{
	half->expires = pair->expires;
	half->hop_ifindex = pair->hop_ifindex;
	half->hop_until = turned ? 0 : pair->hop_until;
	half->backend = pair->backend;
	half->timeout = pair->timeout;
	half->hop_mtu = pair->hop_mtu;
	__builtin_memcpy(half->hop_macs, pair->hop_macs, sizeof(half->hop_macs));
	half->seen[0] = pair->seen[0];
	half->seen[1] = pair->seen[1];
	half->kind = pair->what & WEIR_PAIR_KIND;
	half->is_reply = turned || pair->what & WEIR_PAIR_IS_REPLY;
	half->is_whole = (pair->what & WEIR_PAIR_IS_WHOLE) != 0;
}

/* Copies the half for packets of the tuple out of the set of a hash, expired or not. 1, or 0 when it isn't there. */
#define WEIR_PAIR_LOOK(family)                                                                                    \
	WEIR_INLINE int weir_pair_look##family(struct weir_pair_scratch *scratch, const struct weir_tuple *tuple,  \
					       __u64 hash)                                                        \
	{                                                                                                         \
		const __u32 index = weir_pair_set(hash, weir_nat##family##_sets);                                 \
		struct weir_pairs##family *set = bpf_map_lookup_elem(&weir_nat##family, &index);                  \
		const struct weir_pair##family *entry;                                                            \
		__u64 alike;                                                                                      \
		__u32 nth;                                                                                        \
		int found = 0, turned;                                                                            \
                                                                                                                  \
		if (!set)                                                                                         \
			return 0;                                                                                 \
		alike = weir_pair_alike(&set->marks, weir_pair_tag(hash));                                       \
		if (!alike)                                                                                       \
			return 0;                                                                                 \
		bpf_spin_lock(&set->lock);                                                                        \
		_Pragma("clang loop unroll(disable)") for (__u32 i = 0; i < WEIR_PAIR_PLACES; i++)                \
		{                                                                                                 \
			if (!alike)                                                                               \
				break;                                                                            \
			nth = weir_pair_lowest(alike);                                                            \
			alike &= alike - 1;                                                                       \
			if (nth >= WEIR_PAIR_PLACES)                                                              \
				break;                                                                            \
			entry = &set->entry[nth];                                                                 \
			if (entry->is.protocol != tuple->protocol)                                                \
				continue;                                                                         \
			turned = 0;                                                                               \
			if (!weir_pair_is_for##family(entry, tuple)) {                                            \
				if (!(entry->is.what & WEIR_PAIR_IS_WHOLE) || !weir_pair_is_against##family(entry, tuple))           \
					continue;                                                                 \
				turned = 1;                                                                       \
			}                                                                                         \
			weir_pair_copy(&scratch->found, &entry->is, turned);                                      \
			weir_pair_after##family(&scratch->after, entry, turned);                                  \
			scratch->found.place = nth;                                                               \
			found = 1;                                                                                \
			break;                                                                                    \
		}                                                                                                 \
		bpf_spin_unlock(&set->lock);                                                                      \
		scratch->found.set = index;                                                                       \
		return found;                                                                                     \
	}

WEIR_PAIR_LOOK(4)
WEIR_PAIR_LOOK(6)

/* The entry lives on as the half does. Nothing is forgotten that others saw of the flow meanwhile. */
WEIR_INLINE void weir_pair_keep(struct weir_pair *pair, struct weir_nat *half, int turned, __u64 now)
{
	const __u8 seen[2] = {pair->seen[0] | half->seen[0], pair->seen[1] | half->seen[1]};

	if (weir_unlikely(seen[0] != half->seen[0] || seen[1] != half->seen[1])) {
		half->seen[0] = seen[0];
		half->seen[1] = seen[1];
		half->timeout = weir_timeout(pair->protocol, seen[0], seen[1]);
		half->expires = now + half->timeout * WEIR_SECOND;
	}
	pair->seen[0] = seen[0];
	pair->seen[1] = seen[1];
	pair->timeout = half->timeout;
	pair->expires = half->expires;
	if (turned)
		return;
	pair->hop_ifindex = half->hop_ifindex;
	pair->hop_until = half->hop_until;
	pair->hop_mtu = half->hop_mtu;
	__builtin_memcpy(pair->hop_macs, half->hop_macs, sizeof(pair->hop_macs));
}

/*
 * Writes a half that was found, of packets of `before` that become `after`, back to its entry; without `now` it removes the
 * entry. 0, or -1 where that is another's by now.
 */
#define WEIR_PAIR_SAVE(family)                                                                                    \
	WEIR_APART int weir_pair_save##family(struct weir_nat *half, const struct weir_tuple *before,             \
					      const struct weir_tuple *after, __u64 now)                          \
	{                                                                                                         \
		const __u32 index = half->set, place = half->place;                                               \
		const int turned = half->is_whole & half->is_reply;                                               \
		struct weir_pairs##family *set = bpf_map_lookup_elem(&weir_nat##family, &index);                  \
		struct weir_pair##family *entry;                                                                  \
		int result = -1;                                                                                  \
                                                                                                                  \
		if (!set || place >= WEIR_PAIR_PLACES)                                                            \
			return -1;                                                                                \
		bpf_spin_lock(&set->lock);                                                                        \
		entry = &set->entry[place];                                                                       \
		if (entry->is.protocol == before->protocol && !(entry->is.what & WEIR_PAIR_IS_WHOLE) == !half->is_whole && \
		    (turned ? weir_pair_is_against##family(entry, before)                                         \
			    : weir_pair_is_for##family(entry, before)) &&                                         \
		    weir_pair_becomes##family(entry, after, turned)) {                                            \
			result = 0;                                                                               \
			if (now) {                                                                                \
				weir_pair_keep(&entry->is, half, turned, now);                                    \
				weir_pair_expires(&set->marks, place, half->expires);                          \
			} else {                                                                                  \
				entry->is.protocol = 0;                                                           \
				weir_pair_tell(&set->marks, place, 0);                                            \
			}                                                                                         \
		}                                                                                                 \
		bpf_spin_unlock(&set->lock);                                                                      \
		return result;                                                                                    \
	}

WEIR_PAIR_SAVE(4)
WEIR_PAIR_SAVE(6)

/* Counts a set's entries, and ends what has expired: by when it did, as a moment of long ago looks like one to come. */
#define WEIR_PAIR_SWEEP(family)                                                                                   \
	WEIR_GLOBAL int weir_pair_sweep##family(__u32 index, __u64 now, struct weir_sweep_count *count)           \
	{                                                                                                         \
		struct weir_pairs##family *set = bpf_map_lookup_elem(&weir_nat##family, &index);                  \
		__u32 seen = 0, removed = 0;                                                                      \
                                                                                                                  \
		if (!set || !count)                                                                               \
			return -1;                                                                                \
		bpf_spin_lock(&set->lock);                                                                        \
		_Pragma("clang loop unroll(disable)") for (__u32 i = 0; i < WEIR_PAIR_PLACES; i++)                \
		{                                                                                                 \
			if (!weir_pair_is_somebodys(&set->marks, i))                                              \
				continue;                                                                         \
			seen++;                                                                                   \
			if (now < set->entry[i].is.expires)                                                       \
				continue;                                                                         \
			removed++;                                                                                \
			set->entry[i].is.protocol = 0;                                                            \
			weir_pair_tell(&set->marks, i, 0);                                                        \
		}                                                                                                 \
		bpf_spin_unlock(&set->lock);                                                                      \
		count->seen += seen;                                                                              \
		count->removed += removed;                                                                        \
		return 0;                                                                                         \
	}

WEIR_PAIR_SWEEP(4)
WEIR_PAIR_SWEEP(6)

#endif
