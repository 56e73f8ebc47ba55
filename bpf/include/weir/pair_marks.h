/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What a set says of its entries in its first line (struct weir_pair_marks): which may be a flow's, and which goes first. All
 * of them are asked at once, as lanes of 64-bit numbers, without a branch: of fifteen one by one the verifier would walk all
 * ways, and each packet of a new flow all steps.
 */
#ifndef WEIR_PAIR_MARKS_H
#define WEIR_PAIR_MARKS_H

#include "conntrack.h"

#define WEIR_BYTES(x) ((x) * 0x0101010101010101ull)
#define WEIR_LANES(x) ((x) * 0x0001000100010001ull)
/* Free in each lane of moments, so that what is taken off one never borrows of the next. */
#define WEIR_LANE_TOP WEIR_LANES(0x8000ull)

/* How far ahead a moment may be; what is further is taken for long past. */
#define WEIR_PAIR_AHEAD 0x2000
_Static_assert((WEIR_PAIR_AHEAD - 1ull) << WEIR_PAIR_STEP > WEIR_TIMEOUT_ESTABLISHED * WEIR_SECOND, "");

/* Keeps the compiler from what it knows of a number. */
#define weir_opaque(x) __asm__ volatile("" : "+r"(x))

/* Never 0, so that a tag is 0 of nobody's entry only. */
WEIR_INLINE __u64 weir_pair_tag(__u64 hash)
{
	const __u64 tag = hash >> 56;

	return tag + !tag;
}

/* Bit 7 of each byte that is 0, and maybe of one of 1 above it. */
WEIR_INLINE __u64 weir_zero_bytes(__u64 bytes)
{
	return (bytes - WEIR_BYTES(1)) & ~bytes & WEIR_BYTES(0x80);
}

/*
 * Bits for the places that have the tag, and maybe for others: that of place n is 8 (n % 8) + n / 8. Nobody's have 0; what is
 * no place is left out.
 */
WEIR_INLINE __u64 weir_pair_alike(const struct weir_pair_marks *marks, __u64 tag)
{
	const __u64 all = WEIR_BYTES(tag);
	const __u64 lower = weir_zero_bytes(marks->tags[0] ^ all), upper = weir_zero_bytes(marks->tags[1] ^ all);

	return lower >> 7 | (upper & ~0ull >> 8) >> 6;
}

/* A place for the lowest of those bits: such a multiple of it has a number of its own in its upper four bits. */
WEIR_INLINE __u32 weir_pair_lowest(__u64 alike)
{
	__u32 place = 0x7fb65a4ed329c180ull >> ((alike & -alike) * 0x0820506898b8c0f0ull >> 60) * 4 & 15;

	weir_opaque(place);
	return place;
}

/* The lesser of each two lanes, which are less than 0x8000. */
WEIR_INLINE __u64 weir_lanes_least(__u64 a, __u64 b)
{
	__u64 is_b = ((a | WEIR_LANE_TOP) - b) & WEIR_LANE_TOP;

	is_b -= is_b >> 15;
	return a ^ ((a ^ b) & is_b);
}

/* The top of each lane that isn't the other's, of lanes less than 0x8000. */
WEIR_INLINE __u64 weir_lanes_differ(__u64 a, __u64 b)
{
	return (((a ^ b) | WEIR_LANE_TOP) - WEIR_LANES(1)) & WEIR_LANE_TOP;
}

/* Whose entry expires first, or expired longest ago. Among several that by chance, so that none has to go always. */
WEIR_INLINE __u32 weir_pair_oldest(const struct weir_pair_marks *marks, __u64 now, __u64 chance)
{
	const __u64 from = WEIR_LANES(((now >> WEIR_PAIR_STEP) + WEIR_PAIR_AHEAD) & WEIR_PAIR_MOMENT);
	const __u64 a = ((marks->moments[0] | WEIR_LANE_TOP) - from) & ~WEIR_LANE_TOP;
	const __u64 b = ((marks->moments[1] | WEIR_LANE_TOP) - from) & ~WEIR_LANE_TOP;
	const __u64 c = ((marks->moments[2] | WEIR_LANE_TOP) - from) & ~WEIR_LANE_TOP;
	/* The last lane is no place. */
	const __u64 d = (((marks->moments[3] | WEIR_LANE_TOP) - from) & ~WEIR_LANE_TOP) | 0x7fffull << 48;
	__u64 least = weir_lanes_least(weir_lanes_least(a, b), weir_lanes_least(c, d)), first;
	__u32 place;

	least = weir_lanes_least(least, least >> 32);
	least = WEIR_LANES(weir_lanes_least(least, least >> 16) & 0x7fff);
	/* That of place n is bit 16 (n % 4) + 12 + n / 4. */
	first = weir_lanes_differ(a, least) >> 3 | weir_lanes_differ(b, least) >> 2 | weir_lanes_differ(c, least) >> 1 |
		weir_lanes_differ(d, least) | 1ull << 63;
	first ^= WEIR_LANES(0xf000ull);
	chance &= 63;
	first = first >> chance | first << (-chance & 63);
	first &= -first;
	first = first << chance | first >> (-chance & 63);
	place = 0x37dba21fe96c5840ull >> (first * 0x8009a00ae00full >> 60) * 4 & 15;
	weir_opaque(place);
	return place;
}

/* A place for an entry that is new: nobody's, if there is one. */
WEIR_INLINE __u32 weir_pair_room(const struct weir_pair_marks *marks, __u64 now, __u64 chance)
{
	const __u64 free = weir_pair_alike(marks, 0);

	return free ? weir_pair_lowest(free) : weir_pair_oldest(marks, now, chance);
}

WEIR_INLINE void weir_pair_tell(struct weir_pair_marks *marks, __u32 place, __u64 tag)
{
	const __u32 bit = (place & 7) * 8;
	__u64 *tags = &marks->tags[place >> 3 & 1];

	*tags = (*tags & ~(0xffull << bit)) | tag << bit;
}

WEIR_INLINE void weir_pair_expires(struct weir_pair_marks *marks, __u32 place, __u64 expires)
{
	const __u32 bit = (place & 3) * 16;
	__u64 *moments = &marks->moments[place >> 2 & 3];

	*moments = (*moments & ~(0xffffull << bit)) | (expires >> WEIR_PAIR_STEP & WEIR_PAIR_MOMENT) << bit;
}

WEIR_INLINE int weir_pair_is_somebodys(const struct weir_pair_marks *marks, __u32 place)
{
	return (marks->tags[place >> 3 & 1] >> (place & 7) * 8 & 0xff) != 0;
}

#endif
