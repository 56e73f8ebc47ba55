/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The pairs of pairs.h: found, made, kept alive, made whole. The reply half is written first and only where there is none:
 * that it could be written is what says that the port is free. The tables forget what is longest unused when they are
 * full; the half that is left brings the other one back, with the same port, when a packet of its direction renews it.
 */
#ifndef WEIR_NAT_H
#define WEIR_NAT_H

#include "conntrack.h"
#include "counters.h"

/* How many other ports are tried for a flow whose own is taken. */
#define WEIR_NAT_TRIES 32

/* A packet's addresses and ports, as struct weir_packet has them. */
struct weir_tuple {
	union weir_address source, destination;
	__u16 source_port, destination_port;
	__u8 family, protocol;
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_tuple) == 40, "");

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

WEIR_INLINE int weir_same_address(const union weir_address *a, const union weir_address *b)
{
	return !((a->half[0] ^ b->half[0]) | (a->half[1] ^ b->half[1]));
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

union weir_nat_key {
	struct weir_nat4_key v4;
	struct weir_nat6_key v6;
};

union weir_nat_value {
	struct weir_nat4 v4;
	struct weir_nat6 v6;
};

/* `key` must be zero. `reverse`: of a packet that goes against the tuple. */
WEIR_INLINE void weir_nat_key_of(union weir_nat_key *key, const struct weir_tuple *tuple, int reverse)
{
	const union weir_address *source = reverse ? &tuple->destination : &tuple->source;
	const union weir_address *destination = reverse ? &tuple->source : &tuple->destination;
	const __u16 source_port = reverse ? tuple->destination_port : tuple->source_port;
	const __u16 destination_port = reverse ? tuple->source_port : tuple->destination_port;

	if (tuple->family == 4) {
		key->v4.source = source->word[0];
		key->v4.destination = destination->word[0];
		key->v4.source_port = source_port;
		key->v4.destination_port = destination_port;
		key->v4.protocol = tuple->protocol;
		return;
	}
	key->v6.source = *source;
	key->v6.destination = *destination;
	key->v6.source_port = source_port;
	key->v6.destination_port = destination_port;
	key->v6.protocol = tuple->protocol;
}

/* The half for packets of the tuple, expired or not, and what they become. */
WEIR_APART struct weir_nat *weir_nat_find(const struct weir_tuple *tuple, struct weir_tuple *after)
{
	union weir_nat_key key = {};
	struct weir_nat *half;

	weir_nat_key_of(&key, tuple, 0);
	after->family = tuple->family;
	after->protocol = tuple->protocol;
	after->pad[0] = after->pad[1] = 0;
	if (tuple->family == 4) {
		struct weir_nat4 *four = bpf_map_lookup_elem(&weir_nat4, &key);

		if (!four)
			return 0;
		after->source = (union weir_address){.word = {four->source}};
		after->destination = (union weir_address){.word = {four->destination}};
		half = &four->is;
	} else {
		struct weir_nat6 *six = bpf_map_lookup_elem(&weir_nat6, &key);

		if (!six)
			return 0;
		after->source = six->source;
		after->destination = six->destination;
		half = &six->is;
	}
	after->source_port = half->source_port;
	after->destination_port = half->destination_port;
	return half;
}

/*
 * The half for packets against `after`, expired or not. *is_own: it makes them packets against `before`, so that it is
 * the other half of the one that makes `after` of `before`.
 */
WEIR_APART struct weir_nat *weir_nat_other(const struct weir_tuple *before, const struct weir_tuple *after, int *is_own)
{
	union weir_nat_key key = {};
	struct weir_nat *half;

	weir_nat_key_of(&key, after, 1);
	if (after->family == 4) {
		struct weir_nat4 *four = bpf_map_lookup_elem(&weir_nat4, &key);

		if (!four)
			return 0;
		*is_own = four->source == before->destination.word[0] && four->destination == before->source.word[0];
		half = &four->is;
	} else {
		struct weir_nat6 *six = bpf_map_lookup_elem(&weir_nat6, &key);

		if (!six)
			return 0;
		*is_own = weir_same_address(&six->source, &before->destination) &&
			  weir_same_address(&six->destination, &before->source);
		half = &six->is;
	}
	*is_own &= half->source_port == before->destination_port && half->destination_port == before->source_port;
	return half;
}

/*
 * Writes a half: for packets of `key`, to become `value`, both as they are or both reversed. 0 or a negative errno. The
 * value is put together outside of the stack, of which a path has 512 bytes and a value takes a fifth.
 */
WEIR_GLOBAL int weir_nat_write(const struct weir_tuple *key, const struct weir_tuple *value, const struct weir_nat *is,
			       int reverse, __u64 flags)
{
	const __u32 zero = 0;
	union weir_nat_value *half = bpf_map_lookup_elem(&weir_nat_scratch, &zero);
	union weir_nat_key at = {};

	if (!key || !value || !is || !half)
		return -1;
	weir_nat_key_of(&at, key, reverse);
	half->v4.is = *is;
	/* The next hop is that of the packets that open the flow; answers may leave by another device. */
	if (reverse)
		half->v4.is.hop_until = 0;
	half->v4.is.source_port = reverse ? value->destination_port : value->source_port;
	half->v4.is.destination_port = reverse ? value->source_port : value->destination_port;
	if (key->family == 4) {
		half->v4.source = reverse ? value->destination.word[0] : value->source.word[0];
		half->v4.destination = reverse ? value->source.word[0] : value->destination.word[0];
		__builtin_memset(half->v4.pad, 0, sizeof(half->v4.pad));
		return bpf_map_update_elem(&weir_nat4, &at, half, flags);
	}
	half->v6.source = reverse ? value->destination : value->source;
	half->v6.destination = reverse ? value->source : value->destination;
	return bpf_map_update_elem(&weir_nat6, &at, half, flags);
}

/* The half that this program wrote last, as it is in the table: to be read until it writes another one. */
WEIR_INLINE const struct weir_nat *weir_nat_written(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&weir_nat_scratch, &zero);
}

WEIR_GLOBAL int weir_nat_remove(const struct weir_tuple *tuple, int reverse)
{
	union weir_nat_key key = {};

	if (!tuple)
		return -1;
	weir_nat_key_of(&key, tuple, reverse);
	return tuple->family == 4 ? bpf_map_delete_elem(&weir_nat4, &key) : bpf_map_delete_elem(&weir_nat6, &key);
}

/*
 * Takes the tuple of the packets that come back, if it is free: nobody's, or of a flow that has expired. A half that was
 * this very flow's is written anew. Two that find the same expired half at once may both take it: the one that loses
 * finds that its reply half isn't its own when it is renewed, and is made anew.
 */
WEIR_GLOBAL int weir_nat_claim(const struct weir_tuple *before, const struct weir_tuple *after, struct weir_nat *is,
			       __u64 now)
{
	const struct weir_nat *old;
	int is_own = 0;

	if (!before || !after || !is)
		return 0;
	is->is_reply = 1;
	if (!weir_nat_write(after, before, is, 1, BPF_NOEXIST))
		return 1;
	old = weir_nat_other(before, after, &is_own);
	if (old && now < old->expires && !(old->is_reply && is_own))
		return 0;
	return !weir_nat_write(after, before, is, 1, BPF_ANY);
}

/* Both halves of one who has a reply half. */
WEIR_GLOBAL int weir_nat_complete(const struct weir_tuple *before, const struct weir_tuple *after, struct weir_nat *is)
{
	if (!before || !after || !is)
		return WEIR_NAT_EXHAUSTED;
	is->is_reply = 0;
	if (weir_nat_write(before, after, is, 0, BPF_ANY)) {
		weir_nat_remove(after, 1);
		return WEIR_NAT_EXHAUSTED;
	}
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
	WEIR_APART int name(void *context, const struct weir_tuple *before, struct weir_tuple *after,             \
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
				return weir_nat_complete(before, after, is);                                      \
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

WEIR_APART int weir_nat_renew(struct weir_nat *half, const struct weir_tuple *before, const struct weir_tuple *after)
{
	int is_own = 0;
	struct weir_nat *other = weir_nat_other(before, after, &is_own);
	struct weir_nat is;

	if (!other) {
		is = *half;
		is.is_reply = !half->is_reply;
		weir_tally_up(WEIR_TALLY_NAT_REBUILT);
		return weir_nat_write(after, before, &is, 1, BPF_NOEXIST);
	}
	if (!is_own || other->is_reply == half->is_reply)
		return -1;
	other->seen[0] = half->seen[0];
	other->seen[1] = half->seen[1];
	other->timeout = half->timeout;
	other->expires = half->expires;
	return 0;
}

/*
 * A packet of `before` was seen, which becomes `after` by this half. Renews both halves when something changes. 0, or -1
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
	if (weir_likely(!weir_nat_renew(half, before, after)))
		return 0;
	weir_nat_remove(before, 0);
	return -1;
}

#endif
