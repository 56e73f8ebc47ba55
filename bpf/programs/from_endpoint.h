/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that leave a pod: tc ingress at the host side of its veth. */
#ifndef WEIR_FROM_ENDPOINT_H
#define WEIR_FROM_ENDPOINT_H

#include "../include/weir/neighbour.h"
#include "../include/weir/parse.h"
#include "../include/weir/pod_error.h"
#include "../include/weir/refuse.h"
#include "../include/weir/steer.h"

/* What a packet that may leave needs to go on. */
struct weir_way {
	__u32 slot;     /* of who it is for */
	__u8 is_paired; /* a pair rewrites the flow */
	__u8 is_answer; /* and this packet where it is delivered */
	__u8 pad[2];
};

/* A new flow, one whose verdict may have changed, or one that may not be. 0 when the packet may leave. */
WEIR_APART int weir_from_endpoint_admit(struct weir_skb *skb, const struct weir_packet *packet, struct weir_way *way)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS, .flags = way->is_paired ? WEIR_CT_AT_POD : 0};
	int reason;

	weir_resolve_flow(packet, &flow);
	reason = weir_forged(skb, flow.source.slot);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	way->slot = flow.destination.slot;
	if (!weir_endpoint_at(&way->slot))
		return weir_drop(skb, packet, &flow, WEIR_NO_POLICY);
	if (weir_to_itself(packet))
		return 0;
	reason = weir_admit(skb, packet, &flow);
	if (reason)
		return weir_drop(skb, packet, &flow, reason);
	way->is_answer = flow.is_reply && (flow.flags & WEIR_CT_AT_POD);
	return 0;
}

/* On its way, when policy has nothing against it. An answer that the stack delivers is rewritten there. */
WEIR_APART int weir_from_endpoint_go(struct weir_skb *skb, struct weir_packet *packet, const struct weir_way *way)
{
	const struct weir_endpoint *to = weir_endpoint_at(&way->slot);
	int reason;

	if (!to)
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_NO_POLICY);
	if (way->is_answer && weir_is_handed_over(way->slot, to)) {
		reason = weir_nat_answer(skb, packet);
		if (reason)
			return weir_drop_early(skb, packet, WEIR_EGRESS, reason);
	}
	return weir_forward(skb, packet, way->slot, to);
}

/* As for packets that no pair rewrites: 1 when there is an entry whose verdict holds. */
WEIR_APART int weir_from_endpoint_holds(struct weir_skb *skb, const struct weir_packet *packet, struct weir_way *way)
{
	const __u32 side = weir_side(packet) & 1;
	struct weir_ct *entry = weir_ct_find(packet, side);
	const struct weir_endpoint *from, *to;
	const __u64 now = weir_now();

	if (!entry || entry->cut || now >= entry->expires || weir_reopens(packet, entry, side))
		return 0;
	from = weir_endpoint_at(&entry->slot[side]);
	to = weir_endpoint_at(&entry->slot[side ^ 1]);
	if (!from || !to || from->generation + to->generation != entry->generation || from->ifindex != skb->ifindex ||
	    !weir_source_mac_is(skb, from))
		return 0;
	if (weir_unlikely(!(entry->flags & WEIR_CT_AT_POD)))
		entry->flags |= WEIR_CT_AT_POD;
	weir_ct_touch(entry, side, packet, now);
	way->slot = entry->slot[side ^ 1];
	return 1;
}

/* A pod reaches itself: no policy asked, no flow to remember but the pair. */
WEIR_APART int weir_from_endpoint_turn(struct weir_skb *skb, const struct weir_packet *packet, struct weir_tuple *was,
				       struct weir_way *way)
{
	struct weir_flow flow = {.direction = WEIR_EGRESS};
	int reason;

	weir_resolve(&was->source, packet->family, &flow.source);
	way->slot = flow.source.slot;
	reason = weir_forged(skb, way->slot);
	return reason ? weir_drop(skb, packet, &flow, reason) : 0;
}

/* What weir_from_endpoint_translated returns for a packet that is to be refused in the service's name. */
#define WEIR_REFUSED (-2)

/*
 * A pair for a packet that has none, where its destination asks for one: a service's address, or a backend whose tuple a
 * service's flow has taken. The kind of the pair, 0 for none, below zero a drop reason or WEIR_REFUSED.
 */
WEIR_GLOBAL int weir_from_endpoint_enter(struct weir_skb *skb, struct weir_packet *packet, const struct weir_tuple *was,
					 int is_taken)
{
	struct weir_target to = {};
	const struct weir_peer *peer;
	__u32 backend = 0;
	int entry, reason;

	if (!packet || !was)
		return -WEIR_INVALID_PACKET;
	entry = is_taken ? WEIR_ENTRY_PAIRED : weir_service_choose(was, &to, &backend);
	if (weir_likely(entry == WEIR_ENTRY_NONE))
		return 0;
	peer = weir_exact_copied(&was->source, was->family);
	reason = weir_forged(skb, peer ? peer->slot : 0);
	if (reason)
		return -reason;
	if (entry < 0)
		return entry;
	if (entry == WEIR_ENTRY_REFUSED)
		return -WEIR_UNSERVED;
	return is_taken ? weir_direct_open(packet, was) : weir_service_open(packet, was, &to, backend);
}

/* A pair whose backend has gone. A stream is over; all else, and a stream that begins, goes to another backend. */
WEIR_INLINE int weir_from_endpoint_bereft(struct weir_skb *skb, struct weir_packet *packet, const struct weir_tuple *was)
{
	const struct weir_peer *peer = weir_exact(&was->source, was->family);
	const int reason = weir_forged(skb, peer ? peer->slot : 0);

	if (reason)
		return -reason;
	weir_nat_forget(packet, was);
	weir_packet_become(packet, was);
	if (packet->protocol == IPPROTO_TCP && (packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) != WEIR_SEEN_SYN)
		return -WEIR_UNSERVED;
	return weir_from_endpoint_enter(skb, packet, was, 0);
}

/* Does a SYN of this pair ask for another one? The last stream is over. */
WEIR_INLINE int weir_nat_is_over(const struct weir_nat *half, const struct weir_packet *packet)
{
	return (packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) == WEIR_SEEN_SYN && !half->is_reply &&
	       ((half->seen[0] | half->seen[1]) & (WEIR_SEEN_FIN | WEIR_SEEN_RST));
}

/*
 * A packet that is for nobody as it is, for all that conntrack knows; with `is_taken`, whose tuple is that of another flow
 * of the pod's. *was becomes what it was, *packet what it is to be.
 */
WEIR_APART int weir_from_endpoint_unknown(struct weir_skb *skb, struct weir_packet *packet, struct weir_tuple *was,
					  int is_taken)
{
	const __u8 backwards = packet->backwards;
	struct weir_nat *half = weir_nat_leave(packet, was);
	struct weir_way way = {};
	int kind, result = 0;

	if (!half) {
		way.is_paired = packet->backwards != backwards;
		kind = way.is_paired ? 0 : weir_from_endpoint_enter(skb, packet, was, is_taken);
	} else if (weir_unlikely(!weir_backend_stays(half, packet) || weir_nat_is_over(half, packet))) {
		kind = weir_from_endpoint_bereft(skb, packet, was);
		half = 0;
	} else {
		kind = half->kind;
	}
	if (kind == -WEIR_UNSERVED)
		return WEIR_REFUSED;
	if (kind < 0)
		return weir_drop_early(skb, packet, WEIR_EGRESS, -kind);
	if (kind)
		way.is_paired = 1;
	if (kind == WEIR_NAT_HAIRPIN)
		result = weir_from_endpoint_turn(skb, packet, was, &way);
	else if (!kind || !weir_from_endpoint_holds(skb, packet, &way))
		result = weir_from_endpoint_admit(skb, packet, &way);
	if (result)
		return result;
	if (half && weir_nat_keep(half, packet, was))
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_UNRELATED);
	if (kind) {
		result = weir_rewrite(skb, packet, was);
		if (result)
			return weir_drop_early(skb, packet, WEIR_EGRESS, result);
	}
	return weir_from_endpoint_go(skb, packet, &way);
}

/* The answer of nobody. What can't be answered is dropped. */
WEIR_APART int weir_from_endpoint_refused(struct weir_skb *skb, const struct weir_packet *packet)
{
	weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_UNSERVED);
	if (packet->protocol == IPPROTO_TCP ? weir_reset(skb, packet) : weir_unreachable(skb, packet))
		return TC_ACT_SHOT;
	/* Past the program that judges what reaches the pod: it knows of no flow that this could belong to. */
	return weir_redirect_peer ? bpf_redirect_peer(skb->ifindex, 0) : bpf_redirect(skb->ifindex, 0);
}

/* Is the tuple of what a pod sends, as it is, that of its flow to a service once that is rewritten? */
WEIR_APART int weir_is_taken(const struct weir_packet *packet)
{
	struct weir_tuple tuple, to;
	const struct weir_nat *half;

	weir_tuple_of(&tuple, packet);
	half = weir_nat_find(&tuple, WEIR_PAIR_BY_SOURCE, &to);
	if (half && half->kind == WEIR_NAT_DIRECT && !half->is_reply && weir_now() < half->expires)
		return 1;
	tuple.source = packet->destination;
	tuple.destination = packet->source;
	tuple.source_port = packet->destination_port;
	tuple.destination_port = packet->source_port;
	half = weir_nat_find(&tuple, WEIR_PAIR_BY_DESTINATION, &to);
	return half && weir_nat_reaches_pod(half) && weir_now() < half->expires;
}

WEIR_INLINE int weir_from_endpoint_translated(struct weir_skb *skb, struct weir_packet *packet, int is_taken)
{
	struct weir_tuple was;
	const int result = weir_from_endpoint_unknown(skb, packet, &was, is_taken);

	return weir_unlikely(result == WEIR_REFUSED) ? weir_from_endpoint_refused(skb, packet) : result;
}

/* One whose entry says that its verdict may have changed, or that it may not be. */
WEIR_APART int weir_from_endpoint_judged(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_way way = {};
	const int result = weir_from_endpoint_admit(skb, packet, &way);

	return result ? result : weir_from_endpoint_go(skb, packet, &way);
}

/* What weir_from_endpoint_paired returns for a packet of a flow that needs a pair of its own. */
#define WEIR_TAKEN (-4)

/*
 * An entry that holds, of a flow that a pair rewrites. Who opened the flow sends to the service, not to the backend: what
 * goes there from the same port is another flow, unless the pair is gone.
 */
WEIR_APART int weir_from_endpoint_paired(struct weir_skb *skb, struct weir_packet *packet, struct weir_ct *entry)
{
	const __u32 side = weir_side(packet) & 1;
	struct weir_way way = {};

	if (entry->originator != side) {
		way.is_answer = 1;
	} else if (weir_is_taken(packet)) {
		return WEIR_TAKEN;
	} else {
		entry->flags &= ~WEIR_CT_AT_POD;
	}
	weir_ct_touch(entry, side, packet, weir_now());
	way.slot = entry->slot[side ^ 1];
	return weir_from_endpoint_go(skb, packet, &way);
}

WEIR_INLINE int weir_from_endpoint_error(struct weir_skb *skb, struct weir_packet *packet)
{
	const int turned = weir_error_leaves(skb, packet);
	const struct weir_endpoint *to;
	__u32 slot = 0;
	int result;

	if (turned < 0)
		return weir_drop_early(skb, packet, WEIR_EGRESS, -turned);
	if (turned) {
		const struct weir_peer *peer = weir_exact(&packet->destination, packet->family);

		slot = peer ? peer->slot : 0;
	} else {
		result = weir_error_from_endpoint(skb, packet, &slot);
		if (result)
			return result;
	}
	to = weir_endpoint_at(&slot);
	if (!to)
		return weir_drop_early(skb, packet, WEIR_EGRESS, WEIR_UNRELATED);
	if (!turned && weir_is_handed_over(slot, to)) {
		result = weir_error_reaches(skb, packet);
		if (result)
			return weir_drop_early(skb, packet, WEIR_EGRESS, result);
	}
	return weir_forward(skb, packet, slot, to);
}

WEIR_INLINE int weir_from_endpoint_rare(struct weir_skb *skb, struct weir_packet *packet, __u32 reason)
{
	if (reason)
		return weir_drop_early(skb, packet, WEIR_EGRESS, reason);
	switch (packet->kind) {
	case WEIR_KIND_ARP:
		return weir_arp_from_endpoint(skb, packet);
	case WEIR_KIND_NEIGHBOUR:
		return weir_neighbour_from_endpoint(skb, packet);
	case WEIR_KIND_MEMBERSHIP:
		return weir_drop_silently(skb, WEIR_CHATTER, WEIR_EGRESS);
	default:
		return weir_from_endpoint_error(skb, packet);
	}
}

WEIR_INLINE int weir_from_endpoint_pass(struct weir_skb *skb, struct weir_packet *packet)
{
	const int reason = weir_parse(skb, packet);
	struct weir_endpoint *from, *to;
	struct weir_ct *entry;
	__u32 side;
	__u64 now;

	if (weir_unlikely(reason || packet->kind != WEIR_KIND_FLOW))
		return weir_from_endpoint_rare(skb, packet, reason);
	side = weir_side(packet);
	entry = weir_ct_find(packet, side);
	now = weir_now();
	if (weir_unlikely(!entry || entry->cut || now >= entry->expires || weir_reopens(packet, entry, side)))
		return weir_from_endpoint_translated(skb, packet, 0);
	from = weir_endpoint_at(&entry->slot[side & 1]);
	to = weir_endpoint_at(&entry->slot[(side & 1) ^ 1]);
	if (weir_unlikely(!from || !to || from->generation + to->generation != entry->generation))
		return weir_from_endpoint_judged(skb, packet);
	/* The entry says whose address the source is; the interface must be that pod's. */
	if (weir_unlikely(from->ifindex != skb->ifindex || !weir_source_mac_is(skb, from)))
		return weir_from_endpoint_judged(skb, packet);
	if (weir_unlikely(entry->flags & WEIR_CT_AT_POD)) {
		const int result = weir_from_endpoint_paired(skb, packet, entry);

		return result == WEIR_TAKEN ? weir_from_endpoint_translated(skb, packet, 1) : result;
	}
	weir_ct_touch(entry, side, packet, now);
	return weir_forward(skb, packet, entry->slot[(side & 1) ^ 1], to);
}

WEIR_INLINE int weir_from_endpoint_run(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	const int result = weir_from_endpoint_pass(skb, &packet);

	return weir_unlikely(result == WEIR_ASK_POLICY) ? weir_steer(skb, &packet) : result;
}

#endif
