/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Entries of pairs.h in their sets: looked for, written, kept. Whatever is read of an entry or written to it is so under the
 * lock of its set, with its key compared there, and what is found is a copy: nobody goes by an entry that is another flow's
 * by now. Tags are read without: who finds none alike has looked a moment earlier.
 */
#ifndef WEIR_PAIR_SETS_H
#define WEIR_PAIR_SETS_H

#include "pair_marks.h"

/*
 * In which set the entry for packets of a tuple is. By one side of it alone where the other one isn't the same in both
 * directions, and this one doesn't have many flows. By all of it where one socket may have any number of them.
 */
enum weir_pair_where {
	WEIR_PAIR_BY_SOURCE = 1,
	WEIR_PAIR_BY_DESTINATION = 2,
	WEIR_PAIR_BY_BOTH = 4,
};

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

/* The lower half of a hash says the set; pair_marks.h uses the rest. */
WEIR_INLINE __u32 weir_pair_set(__u64 hash, __u32 sets)
{
	return (hash & 0xffffffff) * sets >> 32;
}

#endif
