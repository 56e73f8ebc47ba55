/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Entries of pairs.h in their sets: looked for, written, kept. Whatever is read of an entry or written to it is so under the
 * lock of its set, with its key compared there, and what is found is a copy: nobody goes by an entry that is another flow's
 * by now. Words are read without: who finds none alike has looked a moment earlier.
 */
#ifndef WEIR_PAIR_SETS_H
#define WEIR_PAIR_SETS_H

#include "conntrack.h"

/*
 * In which set the entry for packets of a tuple is. By one side of it alone where the other one isn't the same in both
 * directions, and this one doesn't have many flows. By all of it where one socket may have any number of them.
 */
enum weir_pair_where {
	WEIR_PAIR_BY_SOURCE = 1,
	WEIR_PAIR_BY_DESTINATION = 2,
	WEIR_PAIR_BY_BOTH = 4,
};

/*
 * Keeps the compiler from making branches of arithmetic, of which the verifier would walk all ways through, and from reading
 * all of a line before anything is done with it, for which there are no registers.
 */
#define weir_opaque(x) __asm__ volatile("" : "+r"(x))

WEIR_INLINE int weir_same_address(const union weir_address *a, const union weir_address *b)
{
	return !((a->half[0] ^ b->half[0]) | (a->half[1] ^ b->half[1]));
}

WEIR_INLINE __u64 weir_pair_seed_now(void)
{
	const __u32 zero = 0;
	const __u64 *seed = bpf_map_lookup_elem(&weir_pair_seed, &zero);

	return seed ? *seed : 0;
}

/* Multiply and fold (the finalizer of SplitMix64), of one side of a tuple. */
WEIR_INLINE __u64 weir_pair_side(const union weir_address *address, __u16 port, __u8 protocol, __u64 seed)
{
	__u64 hash = address->half[0] ^ seed;

	hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ull;
	hash ^= address->half[1];
	hash = (hash ^ hash >> 29) * 0x94d049bb133111ebull;
	hash ^= (__u32)port << 8 | protocol;
	hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ull;
	return hash ^ hash >> 29;
}

WEIR_INLINE __u64 weir_pair_both(__u64 source, __u64 destination)
{
	const __u64 hash = (source ^ source >> 31) * 0x94d049bb133111ebull + destination;

	return hash ^ hash >> 32;
}

/* The lower half of a hash says the set, its upper twelve bits tell the flow. */
WEIR_INLINE __u32 weir_pair_set(__u64 hash, __u32 sets)
{
	return (hash & 0xffffffff) * sets >> 32;
}

/* Never 0, so that a word is 0 of nobody's entry only. */
WEIR_INLINE __u32 weir_pair_tag(__u64 hash)
{
	const __u32 tag = hash >> 52;

	return tag + !tag;
}

WEIR_INLINE __u32 weir_pair_word(__u32 tag, __u64 expires)
{
	return tag << 20 | (expires >> WEIR_PAIR_STEP & WEIR_PAIR_MOMENT);
}

/* A bit for each word of the tag. */
WEIR_INLINE __u32 weir_pair_alike(const __u32 *word, __u32 tag)
{
	__u64 alike = 0;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < WEIR_PAIR_PLACES; i++) {
		__u64 differs;

		weir_opaque(word);
		differs = (word[i] >> 20) ^ tag;
		weir_opaque(differs);
		alike |= (differs - 1) >> 63 << i;
		weir_opaque(alike);
	}
	return alike;
}

/* A place that is nobody's, or whose entry expires first, or expired longest ago. */
WEIR_INLINE __u32 weir_pair_oldest(const __u32 *word, __u64 now)
{
	const __u32 from = (now >> WEIR_PAIR_STEP) - (WEIR_PAIR_MOMENT + 1) / 2;
	__u64 oldest = ~0ull >> 1;
	__u32 place;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < WEIR_PAIR_PLACES; i++) {
		__s64 earlier, below;

		weir_opaque(word);
		earlier = word[i];
		below = -earlier;
		weir_opaque(below);
		earlier = (((earlier - from) & WEIR_PAIR_MOMENT & below >> 63) << 4 | i) - oldest;
		weir_opaque(earlier);
		oldest += earlier & earlier >> 63;
	}
	place = oldest & 15;
	weir_opaque(place);
	return place;
}

/*
 * The number of the lowest bit of sixteen that is set (by a de Bruijn sequence). Whoever asks whether there is such a place
 * is to ask for less than so many: where the compiler knows that 15 is the most it asks for another than 15, of which the
 * verifier of Linux 6.1 learns nothing.
 */
WEIR_INLINE __u32 weir_pair_lowest(__u32 bits)
{
	__u32 place = 0xcd7ea84fb6935210ull >> (((bits & -bits) * 0x09afu >> 12 & 15) * 4) & 15;

	weir_opaque(place);
	return place;
}

#endif
