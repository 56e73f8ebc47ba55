/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The pairs of pairs.h: found, made, kept alive, made whole. Whatever packets against a flow are found by is written first,
 * and only where no other flow has it: that it could be written is what says that the port is free. A set that is full
 * forgets what expires first; the half that is left brings the other one back, with the same port, when a packet of its
 * direction renews it.
 */
#ifndef WEIR_NAT_H
#define WEIR_NAT_H

#include "counters.h"
#include "pair_look.h"
#include "pair_put.h"

/* How many other ports are tried for a flow whose own is taken. */
#define WEIR_NAT_TRIES 32

WEIR_INLINE void weir_tuple_of(struct weir_tuple *tuple, const struct weir_packet *packet)
{
	tuple->source = packet->source;
	tuple->destination = packet->destination;
	tuple->source_port = packet->source_port;
	tuple->destination_port = packet->destination_port;
	tuple->family = packet->family;
	tuple->protocol = packet->protocol;
	tuple->pad[0] = tuple->pad[1] = 0;
}

/* What the packet is once it is rewritten. Its place and kind stay. */
WEIR_INLINE void weir_packet_become(struct weir_packet *packet, const struct weir_tuple *tuple)
{
	packet->source = tuple->source;
	packet->destination = tuple->destination;
	packet->source_port = tuple->source_port;
	packet->destination_port = tuple->destination_port;
}

/* Mixes all of a tuple; the same on every node. */
WEIR_INLINE __u32 weir_tuple_hash(const struct weir_tuple *tuple, __u32 seed)
{
	__u64 hash = tuple->source.half[0] ^ seed;

	/* Multiply and fold (the finalizer of SplitMix64), word by word. */
	hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ull;
	hash ^= tuple->destination.half[0];
	hash = (hash ^ hash >> 29) * 0x94d049bb133111ebull;
	if (tuple->family == 6) {
		hash ^= tuple->source.half[1];
		hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ull;
		hash ^= tuple->destination.half[1];
		hash = (hash ^ hash >> 29) * 0x94d049bb133111ebull;
	}
	hash ^= (__u64)tuple->source_port << 32 | (__u32)tuple->destination_port << 16 | tuple->protocol;
	hash = (hash ^ hash >> 32) * 0xbf58476d1ce4e5b9ull;
	hash = (hash ^ hash >> 29) * 0x94d049bb133111ebull;
	return hash >> 32;
}

/* The CPU's own: what was found or written last, until something else is. */
WEIR_INLINE struct weir_pair_scratch *weir_pair_scratch_now(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&weir_pair_scratch, &zero);
}

/* Looks for the half for packets of the tuple in the set of a hash. */
WEIR_INLINE int weir_nat_look_by(const struct weir_tuple *tuple, __u64 hash)
{
	struct weir_pair_scratch *scratch = weir_pair_scratch_now();

	if (!tuple || !scratch)
		return 0;
	scratch->after.family = tuple->family;
	scratch->after.protocol = tuple->protocol;
	return tuple->family == 4 ? weir_pair_look4(scratch, tuple, hash) : weir_pair_look6(scratch, tuple, hash);
}

/* Looks for the half for packets of the tuple, in the sets of enum weir_pair_where named. 1 when it is in the CPU's hands. */
WEIR_GLOBAL int weir_nat_look(const struct weir_tuple *tuple, __u32 where)
{
	__u64 seed, source = 0, destination = 0, hash;

	if (!tuple)
		return 0;
	seed = weir_pair_seed_now();
	if (where & (WEIR_PAIR_BY_SOURCE | WEIR_PAIR_BY_BOTH))
		source = weir_pair_side(&tuple->source, tuple->source_port, tuple->protocol, seed);
	if (where & (WEIR_PAIR_BY_DESTINATION | WEIR_PAIR_BY_BOTH))
		destination = weir_pair_side(&tuple->destination, tuple->destination_port, tuple->protocol, seed);
#pragma clang loop unroll(disable)
	for (__u32 by = WEIR_PAIR_BY_SOURCE; by <= WEIR_PAIR_BY_BOTH; by <<= 1) {
		if (!(where & by))
			continue;
		hash = by == WEIR_PAIR_BY_SOURCE	? source
		       : by == WEIR_PAIR_BY_DESTINATION ? destination
							: weir_pair_both(source, destination);
		if (weir_nat_look_by(tuple, hash))
			return 1;
	}
	return 0;
}

/*
 * The half for packets of the tuple, expired or not, and what they become: the family of that in any case. It is a copy, there
 * until another one is looked for or written. Within its caller, of whom each frame of a new flow asks.
 */
WEIR_INLINE struct weir_nat *weir_nat_find_here(const struct weir_tuple *tuple, __u32 where, struct weir_tuple *after)
{
	struct weir_pair_scratch *scratch;

	after->family = tuple->family;
	after->protocol = tuple->protocol;
	after->pad[0] = after->pad[1] = 0;
	if (!weir_nat_look(tuple, where))
		return 0;
	scratch = weir_pair_scratch_now();
	if (!scratch)
		return 0;
	after->source = scratch->after.source;
	after->destination = scratch->after.destination;
	after->source_port = scratch->after.source_port;
	after->destination_port = scratch->after.destination_port;
	return &scratch->found;
}

/* The same for everybody else, with less of the caller's stack. */
WEIR_APART struct weir_nat *weir_nat_find(const struct weir_tuple *tuple, __u32 where, struct weir_tuple *after)
{
	return weir_nat_find_here(tuple, where, after);
}

/*
 * The half for packets against `after`, expired or not. *is_own: it makes them packets against `before`, so that it is
 * the other half of the one that makes `after` of `before`.
 */
WEIR_APART struct weir_nat *weir_nat_other(const struct weir_tuple *before, const struct weir_tuple *after, __u32 where,
					   int *is_own)
{
	struct weir_pair_scratch *scratch = weir_pair_scratch_now();

	if (!scratch)
		return 0;
	scratch->after.source = after->destination;
	scratch->after.destination = after->source;
	scratch->after.source_port = after->destination_port;
	scratch->after.destination_port = after->source_port;
	scratch->after.family = after->family;
	scratch->after.protocol = after->protocol;
	if (!weir_nat_look(&scratch->after, where))
		return 0;
	*is_own = weir_same_address(&scratch->after.source, &before->destination) &&
		  weir_same_address(&scratch->after.destination, &before->source) &&
		  scratch->after.source_port == before->destination_port &&
		  scratch->after.destination_port == before->source_port;
	return &scratch->found;
}

/*
 * Where the entry for a half is written, of packets of `before` that become `after`. A pod's socket may send to anybody, and
 * many clients' flows may bear one port of the node's: those go by all that they are.
 */
WEIR_INLINE __u32 weir_pair_where(const struct weir_nat *is, const struct weir_tuple *before, const struct weir_tuple *after)
{
	if (is->kind == WEIR_NAT_MASQUERADE || is->kind == WEIR_NAT_EGRESS_GATEWAY)
		return WEIR_PAIR_BY_BOTH;
	if (!is->is_reply)
		return WEIR_PAIR_BY_SOURCE;
	return is->kind == WEIR_NAT_NODE_PORT && !weir_same_address(&before->source, &after->source)
		       ? WEIR_PAIR_BY_BOTH
		       : WEIR_PAIR_BY_DESTINATION;
}

/*
 * Puts a half or a whole pair together in the CPU's hands, as enum weir_pair_how says: of packets of `before`, to become
 * `after`, or of those against `after`. Outside of the stack, of which a path has 512 bytes.
 */
WEIR_INLINE void weir_nat_prepare(struct weir_pair_scratch *scratch, const struct weir_tuple *before,
				  const struct weir_tuple *after, const struct weir_nat *is, __u32 how)
{
	const int reversed = how == WEIR_PAIR_REPLY || how == WEIR_PAIR_RENEW;
	__u64 seed, hash, other;
	__u32 where;

	weir_pair_address(scratch, before, after, reversed);
	weir_pair_fill(&scratch->entry.v4.is, is, before->protocol, how);
	where = weir_pair_where(is, before, after);
	seed = weir_pair_seed_now();
	hash = reversed ? weir_pair_side(&after->destination, after->destination_port, before->protocol, seed)
			: weir_pair_side(&before->source, before->source_port, before->protocol, seed);
	if (where != WEIR_PAIR_BY_SOURCE) {
		other = reversed ? weir_pair_side(&after->source, after->source_port, before->protocol, seed)
				 : weir_pair_side(&before->destination, before->destination_port, before->protocol, seed);
		hash = where == WEIR_PAIR_BY_BOTH ? weir_pair_both(hash, other) : other;
	}
	scratch->hash = hash;
	scratch->how = how;
	scratch->family = before->family;
	if (!reversed) {
		if (is != &scratch->found)
			scratch->found = *is;
		scratch->found.is_whole = how == WEIR_PAIR_WHOLE;
	}
}

/*
 * Writes a half or a whole pair, as enum weir_pair_how and weir_pair_put4 say. Apart for the verifier, who then goes through it
 * once.
 */
WEIR_GLOBAL int weir_nat_write(const struct weir_tuple *before, const struct weir_tuple *after, struct weir_nat *is,
			       __u32 how, __u64 now)
{
	struct weir_pair_scratch *scratch = weir_pair_scratch_now();

	if (!before || !after || !is || !scratch)
		return WEIR_PAIR_TAKEN;
	weir_nat_prepare(scratch, before, after, is, how);
	return scratch->family == 4 ? weir_pair_put4(scratch, now) : weir_pair_put6(scratch, now);
}

/* The half that this program wrote last for the packets that open a flow: to be read until it writes or looks for another. */
WEIR_INLINE struct weir_nat *weir_nat_written(void)
{
	struct weir_pair_scratch *scratch = weir_pair_scratch_now();

	return scratch ? &scratch->found : 0;
}

/* Writes a half that was found back. 0, or -1 where its entry is another's by now. */
WEIR_GLOBAL int weir_nat_save(struct weir_nat *half, const struct weir_tuple *before, const struct weir_tuple *after,
			      __u64 now)
{
	if (!half || !before || !after)
		return -1;
	return before->family == 4 ? weir_pair_save4(half, before, after, now) : weir_pair_save6(half, before, after, now);
}

/* Ends the half for packets of the tuple, where there is one. */
WEIR_APART int weir_nat_remove(const struct weir_tuple *tuple, __u32 where)
{
	struct weir_pair_scratch *scratch = weir_pair_scratch_now();

	if (!scratch || !weir_nat_look(tuple, where))
		return -1;
	return weir_nat_save(&scratch->found, tuple, &scratch->after, 0);
}

/* Is the sender what he was? Then packets of both directions know him. */
WEIR_INLINE int weir_nat_is_whole(const struct weir_tuple *before, const struct weir_tuple *after, __u32 kind)
{
	return before->source_port == after->source_port && weir_same_address(&before->source, &after->source) &&
	       kind != WEIR_NAT_MASQUERADE && kind != WEIR_NAT_EGRESS_GATEWAY;
}

/*
 * Takes the tuple of the packets that come back, if it is free: nobody's, or of a flow that has expired. What was this very
 * flow's is written anew.
 */
WEIR_INLINE int weir_nat_claim(const struct weir_tuple *before, const struct weir_tuple *after, struct weir_nat *is,
			      __u64 now)
{
	is->is_whole = weir_nat_is_whole(before, after, is->kind);
	is->is_reply = !is->is_whole;
	return !weir_nat_write(before, after, is, is->is_whole ? WEIR_PAIR_WHOLE : WEIR_PAIR_REPLY, now);
}

/* All of a pair of one who has what packets that come back are found by. */
WEIR_INLINE int weir_nat_complete(const struct weir_tuple *before, const struct weir_tuple *after, struct weir_nat *is,
				 __u64 now)
{
	is->is_reply = 0;
	if (!is->is_whole && weir_nat_write(before, after, is, WEIR_PAIR_FORWARD, now))
		return WEIR_NAT_EXHAUSTED;
	weir_tally_up(WEIR_TALLY_NAT_OPENED);
	return WEIR_PASSED;
}

/* The port to try after so many others, big endian. */
WEIR_INLINE __u16 weir_nat_port(const struct weir_tuple *before, __u32 try)
{
	const __u32 first = weir_nat_first_port, last = weir_nat_last_port;
	const __u32 count = last >= first ? last - first + 1 : 1;

	return weir_be16(first + (weir_tuple_hash(before, weir_nat_seed) + try) % count);
}

/*
 * Makes the pair of a flow: packets of `before` become `after`, whose source port is changed to another one where the
 * packets that come back couldn't be told from others'. `is` says kind, backend and frontend, and the times. 0, or the
 * drop reason. The source port of an ICMP query is its id; that of its answer isn't a port: only askers open pairs.
 *
 * `is_taken(context, after)`: whether something else than a pair has the tuple.
 */
#define WEIR_NAT_OPENER(name, is_taken)                                                                           \
	WEIR_INLINE int name(void *context, const struct weir_tuple *before, struct weir_tuple *after,             \
			    struct weir_nat *is, __u64 now)                                                       \
	{                                                                                                         \
		(void)context;                                                                                    \
		if (!before || !after || !is)                                                                     \
			return WEIR_NAT_EXHAUSTED;                                                                \
		_Pragma("clang loop unroll(disable)") for (__u32 try = 0; try <= WEIR_NAT_TRIES; try++)           \
		{                                                                                                 \
			if (try) {                                                                                \
				weir_tally_up(WEIR_TALLY_NAT_COLLISIONS);                                         \
				after->source_port = weir_nat_port(before, try);                                  \
			}                                                                                         \
			if (!is_taken(context, after) && weir_nat_claim(before, after, is, now))                  \
				return weir_nat_complete(before, after, is, now);                                 \
		}                                                                                                 \
		weir_tally_up(WEIR_TALLY_NAT_EXHAUSTED);                                                          \
		return WEIR_NAT_EXHAUSTED;                                                                        \
	}

/* Times and bits of a pair whose first packet shows `seen`. */
WEIR_INLINE void weir_nat_begin_with(struct weir_nat *is, __u8 protocol, __u8 seen, __u64 now)
{
	is->seen[0] = seen;
	is->timeout = weir_timeout(protocol, seen, 0);
	is->expires = now + is->timeout * WEIR_SECOND;
}

WEIR_INLINE void weir_nat_begin(struct weir_nat *is, const struct weir_packet *packet, __u64 now)
{
	weir_nat_begin_with(is, packet->protocol, packet->seen, now);
}

/* Renews the half and, where it is another entry, its other half. 0, or -1 when that isn't this one's any more. */
WEIR_GLOBAL int weir_nat_renew(struct weir_nat *half, const struct weir_tuple *before, const struct weir_tuple *after,
			       __u64 now)
{
	struct weir_nat is;
	int result;

	/* What is another flow's by now doesn't matter to this packet, which goes by a copy. */
	if (!half || !before || !after || weir_nat_save(half, before, after, now) || half->is_whole)
		return 0;
	is = *half;
	is.is_reply = !half->is_reply;
	result = weir_nat_write(before, after, &is, WEIR_PAIR_RENEW, now);
	if (!result)
		weir_tally_up(WEIR_TALLY_NAT_REBUILT);
	return result < 0 ? -1 : 0;
}

/*
 * A packet of `before` was seen, which becomes `after` by this half. Renews all of the pair when something changes. 0, or -1
 * when the other half isn't this one's any more: then this one is removed, and the flow has no pair.
 */
WEIR_INLINE int weir_nat_touch(struct weir_nat *half, const struct weir_tuple *before, const struct weir_tuple *after,
			       __u8 packet_seen, __u64 now)
{
	const __u32 side = half->is_reply & 1;
	const __u8 seen = side ? half->seen[1] : half->seen[0];
	__u64 expires;

	if (weir_unlikely((seen | packet_seen) != seen)) {
		if (side)
			half->seen[1] = seen | packet_seen;
		else
			half->seen[0] = seen | packet_seen;
		half->timeout = weir_timeout(before->protocol, half->seen[0], half->seen[1]);
		expires = now + half->timeout * WEIR_SECOND;
	} else {
		expires = now + half->timeout * WEIR_SECOND;
		if ((__s64)(expires - half->expires) < (__s64)WEIR_SECOND)
			return 0;
	}
	half->expires = expires;
	if (weir_likely(!weir_nat_renew(half, before, after, now)))
		return 0;
	weir_nat_save(half, before, after, 0);
	return -1;
}

#endif
