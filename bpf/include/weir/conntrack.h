/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Flows that were allowed. An established packet costs one lookup here and one load per side of its endpoint, whose
 * generations tell whether the verdict still holds.
 *
 * Timeouts (seconds of silence): TCP and SCTP 60 until both sides have acknowledged, 8000 then, 300 when one side has
 * finished, 10 when both have or either reset; ICMP 60; everything else 60, and 180 once it was answered. A cut flow is
 * remembered for 180, longer than TCP waits between two repetitions.
 */
#ifndef WEIR_CONNTRACK_H
#define WEIR_CONNTRACK_H

#include "clock.h"
#include "packet.h"
#include "slots.h"

#define WEIR_TIMEOUT_OPENING 60
#define WEIR_TIMEOUT_ESTABLISHED 8000
#define WEIR_TIMEOUT_HALF_CLOSED 300
#define WEIR_TIMEOUT_CLOSING 10
#define WEIR_TIMEOUT_ICMP 60
#define WEIR_TIMEOUT_ASKED 60
#define WEIR_TIMEOUT_ANSWERED 180
#define WEIR_TIMEOUT_CUT 180

/* The side of the sender. */
WEIR_INLINE __u32 weir_side(const struct weir_packet *packet)
{
	if (packet->family == 4)
		return packet->source.word[0] > packet->destination.word[0];
	if (packet->source.half[0] != packet->destination.half[0])
		return packet->source.half[0] > packet->destination.half[0];
	return packet->source.half[1] > packet->destination.half[1];
}

WEIR_INLINE int weir_to_itself(const struct weir_packet *packet)
{
	return packet->source.half[0] == packet->destination.half[0] &&
	       packet->source.half[1] == packet->destination.half[1];
}

union weir_ct_key {
	struct weir_ct4_key v4;
	struct weir_ct6_key v6;
};

/* `key` must be zero. */
WEIR_INLINE void weir_ct_key_of(union weir_ct_key *key, const struct weir_packet *packet, __u32 side)
{
	const __u16 port0 = side ? packet->destination_port : packet->source_port;
	const __u16 port1 = side ? packet->source_port : packet->destination_port;

	if (packet->family == 4) {
		key->v4.address[0] = side ? packet->destination.word[0] : packet->source.word[0];
		key->v4.address[1] = side ? packet->source.word[0] : packet->destination.word[0];
		key->v4.port[0] = port0;
		key->v4.port[1] = port1;
		key->v4.protocol = packet->protocol;
		return;
	}
	if (side) {
		key->v6.address[0] = packet->destination;
		key->v6.address[1] = packet->source;
	} else {
		key->v6.address[0] = packet->source;
		key->v6.address[1] = packet->destination;
	}
	key->v6.port[0] = port0;
	key->v6.port[1] = port1;
	key->v6.protocol = packet->protocol;
}

WEIR_INLINE struct weir_ct *weir_ct_lookup(const union weir_ct_key *key, int family)
{
	if (family == 4)
		return bpf_map_lookup_elem(&weir_ct4, key);
	return bpf_map_lookup_elem(&weir_ct6, key);
}

WEIR_INLINE struct weir_ct *weir_ct_find(const struct weir_packet *packet, __u32 side)
{
	union weir_ct_key key = {};

	weir_ct_key_of(&key, packet, side);
	return weir_ct_lookup(&key, packet->family);
}

WEIR_INLINE __u16 weir_timeout(__u8 protocol, __u8 seen0, __u8 seen1)
{
	const __u8 either = seen0 | seen1, both = seen0 & seen1;

	switch (protocol) {
	case IPPROTO_TCP:
	case IPPROTO_SCTP:
		if ((either & WEIR_SEEN_RST) || (both & WEIR_SEEN_FIN))
			return WEIR_TIMEOUT_CLOSING;
		if (either & WEIR_SEEN_FIN)
			return WEIR_TIMEOUT_HALF_CLOSED;
		return both & WEIR_SEEN_ACK ? WEIR_TIMEOUT_ESTABLISHED : WEIR_TIMEOUT_OPENING;
	case IPPROTO_ICMP:
	case WEIR_ICMP6:
		return WEIR_TIMEOUT_ICMP;
	default:
		return both ? WEIR_TIMEOUT_ANSWERED : WEIR_TIMEOUT_ASKED;
	}
}

/*
 * Does this packet open a flow of its own although there is an entry? Ports are used again after a close, and the side
 * that was called may itself call from the port that it was called at.
 */
WEIR_INLINE int weir_reopens(const struct weir_packet *packet, const struct weir_ct *entry, __u32 side)
{
	if (weir_likely((packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) != WEIR_SEEN_SYN))
		return 0;
	return entry->originator != side || ((entry->seen[0] | entry->seen[1]) & (WEIR_SEEN_FIN | WEIR_SEEN_RST));
}

/* Writes only what has changed: an entry that both directions use on two CPUs stays shared in their caches. */
WEIR_INLINE void weir_ct_touch(struct weir_ct *entry, __u32 side, const struct weir_packet *packet, __u64 now)
{
	const __u8 seen = entry->seen[side & 1];
	__u64 expires;

	if (weir_unlikely((seen | packet->seen) != seen)) {
		entry->seen[side & 1] = seen | packet->seen;
		entry->timeout = weir_timeout(packet->protocol, entry->seen[0], entry->seen[1]);
		entry->expires = now + entry->timeout * WEIR_SECOND;
		return;
	}
	expires = now + entry->timeout * WEIR_SECOND;
	if ((__s64)(expires - entry->expires) >= (__s64)WEIR_SECOND)
		entry->expires = expires;
}

WEIR_INLINE struct weir_endpoint *weir_endpoint_at(const __u32 *slot)
{
	return bpf_map_lookup_elem(&weir_endpoints, slot);
}

#endif
