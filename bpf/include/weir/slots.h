/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Which generation counter a peer that is no local endpoint uses. User space computes the same. */
#ifndef WEIR_SLOTS_H
#define WEIR_SLOTS_H

#include "tables.h"

WEIR_INLINE __u32 weir_slot_mix(__u32 hash, __u32 big_endian_word)
{
	return (hash ^ weir_be32(big_endian_word)) * 0x9e3779b1u;
}

/* IPv4 mixes its one word, IPv6 its four in order; words are read as big-endian numbers. */
WEIR_INLINE __u32 weir_remote_slot(const union weir_address *address, int family)
{
	__u32 hash = weir_slot_mix(0, address->word[0]);

	if (family == 6) {
		hash = weir_slot_mix(hash, address->word[1]);
		hash = weir_slot_mix(hash, address->word[2]);
		hash = weir_slot_mix(hash, address->word[3]);
	}
	hash ^= hash >> 16;
	return 1 + hash % (WEIR_FIRST_ENDPOINT_SLOT - 1);
}

#endif
