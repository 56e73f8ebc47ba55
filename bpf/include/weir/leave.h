/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Pods' packets at the node's devices. Those that leave the cluster get an address of the node's, and what comes back for
 * it is made one for the pod before anything else looks at it: policy and conntrack know the pod alone.
 */
#ifndef WEIR_LEAVE_H
#define WEIR_LEAVE_H

#include "device.h"
#include "nodes_own.h"
#include "rewrite_error.h"

WEIR_INLINE int weir_is_pod(const struct weir_peer *peer)
{
	return peer && peer->identity != WEIR_IDENTITY_HOST && peer->identity != WEIR_IDENTITY_REMOTE_NODE &&
	       peer->identity != WEIR_IDENTITY_API_SERVER;
}

/* Does the half rewrite packets that leave by a device, or come back by it? */
WEIR_INLINE int weir_nat_is_at_device(const struct weir_nat *half, int is_reply)
{
	return half->is_reply == is_reply &&
	       (half->kind == WEIR_NAT_MASQUERADE || half->kind == WEIR_NAT_EGRESS_GATEWAY);
}

WEIR_NAT_OPENER(weir_nat_open_leaving, weir_is_nodes_own)

/* How a packet leaves. */
struct weir_exit {
	union weir_address address;
	__u32 kind; /* enum weir_nat_kind; 0: as it is */
	__u32 pad;
};

WEIR_APART int weir_is_unmasked(const struct weir_packet *packet)
{
	struct weir_prefix6 prefix = {};

	if (packet->family == 4) {
		prefix.length = 32;
		__builtin_memcpy(prefix.address, &packet->destination, 4);
		return bpf_map_lookup_elem(&weir_unmasked4, &prefix) != 0;
	}
	prefix.length = 128;
	__builtin_memcpy(prefix.address, &packet->destination, 16);
	return bpf_map_lookup_elem(&weir_unmasked6, &prefix) != 0;
}

/* The address that the device masquerades with: 0, or the drop reason. */
WEIR_APART int weir_exit_masqueraded(struct weir_skb *skb, const struct weir_packet *packet, struct weir_exit *exit)
{
	const __u32 ifindex = skb->ifindex;
	const struct weir_masquerade *device = bpf_map_lookup_elem(&weir_masquerade, &ifindex);

	/* No device of the node's own. */
	if (!device)
		return WEIR_PASSED;
	if (packet->family == 4)
		__builtin_memcpy(&exit->address, device->ipv4, 4);
	else
		__builtin_memcpy(&exit->address, device->ipv6, 16);
	if (!(exit->address.half[0] | exit->address.half[1]))
		return WEIR_NO_EGRESS_ADDRESS;
	exit->kind = WEIR_NAT_MASQUERADE;
	return WEIR_PASSED;
}

/* How a pod's packet that has no pair is to leave. 0, or the drop reason. `exit` must be zero. */
WEIR_APART int weir_exit_of(struct weir_skb *skb, const struct weir_packet *packet, int is_local, struct weir_exit *exit)
{
	const struct weir_leaving *leaving = weir_leaving_now();
	const __u32 family = packet->family == 4 ? WEIR_MASQUERADE_4 : WEIR_MASQUERADE_6;
	struct weir_ct *entry = weir_ct_live(packet);
	const struct weir_egress *rule = 0;

	if (!leaving || weir_answers(packet, entry))
		return WEIR_PASSED;
	if (leaving->rules)
		rule = weir_egress_rule(packet);
	if (rule) {
		switch (rule->action) {
		case WEIR_EGRESS_STEER:
			/* One that isn't marked left its pod before the policy came: it would show the pod's address. */
			return (skb->mark & WEIR_MARK_MASK) == WEIR_MARK_STEERED ? WEIR_PASSED : WEIR_NO_GATEWAY;
		case WEIR_EGRESS_TRANSLATE:
			__builtin_memcpy(&exit->address, rule->address, 16);
			exit->kind = WEIR_NAT_EGRESS_GATEWAY;
			return WEIR_PASSED;
		case WEIR_EGRESS_NO_GATEWAY:
			return WEIR_NO_GATEWAY;
		case WEIR_EGRESS_NO_ADDRESS:
			return WEIR_NO_EGRESS_ADDRESS;
		}
	}
	/* What was steered before the policy went is the gateway's affair. */
	if (!is_local || !(leaving->masquerades & family) || (skb->mark & WEIR_MARK_MASK) == WEIR_MARK_STEERED ||
	    (entry && (entry->flags & WEIR_CT_UNMASKED)))
		return WEIR_PASSED;
	if (weir_is_unmasked(packet)) {
		if (entry)
			entry->flags |= WEIR_CT_UNMASKED;
		return WEIR_PASSED;
	}
	return weir_exit_masqueraded(skb, packet, exit);
}

/* By a pair that there is: 1 when the packet has become what it says. */
WEIR_APART int weir_nat_follow(struct weir_packet *packet, const struct weir_tuple *before, int is_reply)
{
	const __u64 now = weir_now();
	struct weir_tuple after;
	struct weir_nat *half = weir_nat_find(before, WEIR_PAIR_BY_BOTH, &after);

	if (!half || !weir_nat_is_at_device(half, is_reply) || now >= half->expires ||
	    weir_nat_touch(half, before, &after, packet->seen, now))
		return 0;
	weir_packet_become(packet, &after);
	return 1;
}

/* By a new pair. 0, or the drop reason. */
WEIR_APART int weir_nat_leave_by(struct weir_skb *skb, struct weir_packet *packet, const struct weir_tuple *before,
				 const struct weir_exit *exit)
{
	const __u64 now = weir_now();
	struct weir_tuple after = *before;
	struct weir_nat is = {.kind = exit->kind};
	int reason;

	after.source = exit->address;
	weir_nat_begin(&is, packet, now);
	reason = weir_nat_open_leaving(skb, before, &after, &is, now);
	if (!reason)
		weir_packet_become(packet, &after);
	return reason;
}

/* A pod's packet of a flow. 0, or the drop reason. */
WEIR_APART int weir_leave_flow(struct weir_skb *skb, struct weir_packet *packet, int is_local)
{
	struct weir_exit exit = {};
	struct weir_tuple before;
	int reason;

	weir_tuple_of(&before, packet);
	if (!weir_nat_follow(packet, &before, 0)) {
		reason = weir_exit_of(skb, packet, is_local, &exit);
		if (reason || !exit.kind)
			return reason;
		reason = weir_nat_leave_by(skb, packet, &before, &exit);
		if (reason)
			return reason;
	}
	return weir_rewrite(skb, packet, &before);
}

/*
 * An error about what came back, from the pod, or from the node on its way there: whom it is for knows neither the pod's
 * address nor its port. *found tells whether there is a pair. 0, or the drop reason.
 */
WEIR_APART int weir_leave_error(struct weir_skb *skb, struct weir_packet *packet, int *found)
{
	struct weir_packet quoted = {};
	struct weir_tuple was, flow, after;
	const struct weir_nat *half;
	int reason = weir_parse_quoted(skb, packet, &quoted);

	*found = 0;
	if (reason)
		return WEIR_PASSED;
	weir_tuple_of(&was, &quoted);
	flow = was;
	flow.source = was.destination;
	flow.source_port = was.destination_port;
	flow.destination = was.source;
	flow.destination_port = was.source_port;
	half = weir_nat_find(&flow, WEIR_PAIR_BY_BOTH, &after);
	if (!half || !weir_nat_is_at_device(half, 0) || weir_now() >= half->expires)
		return WEIR_PASSED;
	*found = 1;
	quoted.destination = after.source;
	quoted.destination_port = after.source_port;
	reason = weir_rewrite_quoted(skb, packet, &quoted, &was);
	if (reason || !weir_same_address(&packet->source, &flow.source))
		return reason;
	weir_tuple_of(&was, packet);
	packet->source = after.source;
	return weir_rewrite(skb, packet, &was);
}

/* A packet of a pod's, at a device. `reason`: what is wrong with it. */
WEIR_GLOBAL int weir_pod_leaves(struct weir_skb *skb, struct weir_packet *packet, int is_local, int reason)
{
	struct weir_exit exit = {};
	int found = 0;

	if (!packet)
		return TC_ACT_SHOT;
	if (!reason && packet->kind == WEIR_KIND_FLOW) {
		reason = weir_leave_flow(skb, packet, is_local);
		return reason ? weir_drop_early(skb, packet, WEIR_EGRESS, reason) : WEIR_NEXT;
	}
	if (!reason && packet->kind == WEIR_KIND_ICMP_ERROR) {
		reason = weir_leave_error(skb, packet, &found);
		if (reason)
			return weir_drop_early(skb, packet, WEIR_EGRESS, reason);
		if (found)
			return WEIR_NEXT;
	}
	/* Neither what can't be read nor what is about nothing known shows a pod's address where it is not to be seen. */
	if (!weir_exit_of(skb, packet, is_local, &exit) && !exit.kind)
		return WEIR_NEXT;
	return weir_drop_early(skb, packet, WEIR_EGRESS, reason ? reason : WEIR_UNRELATED);
}

/* Do packets of the node's own have pairs? Set once, as it hardly ever is. */
WEIR_INLINE __u32 *weir_own_pairs_flag(void)
{
	const __u32 zero = 0;

	return bpf_map_lookup_elem(&weir_own_pairs, &zero);
}

/*
 * A packet of the node's own. No pod's flow gets a port that a socket of the node has; but a socket that comes later may
 * take a port towards somebody to whom a pod's flow has it already. Then the node's flow gets another one: the answers
 * couldn't be told apart. 0, or the drop reason.
 */
WEIR_GLOBAL int weir_own_flow(struct weir_skb *skb, struct weir_packet *packet)
{
	__u32 *has_pairs = weir_own_pairs_flag();
	struct weir_exit exit = {.kind = WEIR_NAT_MASQUERADE};
	struct weir_tuple before;
	const struct weir_nat *half;
	int is_own = 0, reason;

	if (!packet || !has_pairs || packet->backwards)
		return WEIR_PASSED;
	weir_tuple_of(&before, packet);
	if (weir_unlikely(*has_pairs) && weir_nat_follow(packet, &before, 0))
		return weir_rewrite(skb, packet, &before);
	/* A connection that is open has been so before any pod's flow could take its port. */
	if (packet->protocol == IPPROTO_TCP && (packet->seen & (WEIR_SEEN_SYN | WEIR_SEEN_ACK)) != WEIR_SEEN_SYN)
		return WEIR_PASSED;
	half = weir_nat_other(&before, &before, WEIR_PAIR_BY_BOTH, &is_own);
	if (weir_likely(!half || !weir_nat_is_at_device(half, 1) || weir_now() >= half->expires))
		return WEIR_PASSED;
	*has_pairs = 1;
	exit.address = packet->source;
	reason = weir_nat_leave_by(skb, packet, &before, &exit);
	return reason ? reason : weir_rewrite(skb, packet, &before);
}

/* The node's own error about what came back. 0, or the drop reason. */
WEIR_GLOBAL int weir_own_error(struct weir_skb *skb, struct weir_packet *packet)
{
	int found;

	return packet ? weir_leave_error(skb, packet, &found) : WEIR_INVALID_PACKET;
}

/* What the node itself sends, once policy has let it pass. */
WEIR_INLINE int weir_node_leaves(struct weir_skb *skb, struct weir_packet *packet)
{
	int reason = WEIR_PASSED;

	if (packet->kind == WEIR_KIND_ICMP_ERROR)
		reason = weir_own_error(skb, packet);
	else if (packet->kind == WEIR_KIND_FLOW && !weir_is_translated(skb))
		reason = weir_own_flow(skb, packet);
	return weir_unlikely(reason) ? weir_drop_early(skb, packet, WEIR_EGRESS, reason) : WEIR_NEXT;
}

/* An error about what has left: it quotes the node, and is for whom its pair tells. 0, or the drop reason. */
WEIR_GLOBAL int weir_error_returns(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_packet quoted = {};
	struct weir_tuple was, back, after;
	const struct weir_nat *half;

	if (!packet || weir_parse_quoted(skb, packet, &quoted))
		return WEIR_PASSED;
	weir_tuple_of(&was, &quoted);
	back = was;
	back.source = was.destination;
	back.source_port = was.destination_port;
	back.destination = was.source;
	back.destination_port = was.source_port;
	half = weir_nat_find(&back, WEIR_PAIR_BY_BOTH, &after);
	if (!half || !weir_nat_is_at_device(half, 1) || weir_now() >= half->expires)
		return WEIR_PASSED;
	quoted.source = after.destination;
	quoted.source_port = after.destination_port;
	if (weir_rewrite_quoted(skb, packet, &quoted, &was))
		return WEIR_WRITE_FAILED;
	weir_tuple_of(&was, packet);
	packet->destination = after.destination;
	return weir_rewrite(skb, packet, &was);
}

/* A packet of a flow, for the node, that may be for a pod. 0, or the drop reason. */
WEIR_GLOBAL int weir_returns(struct weir_skb *skb, struct weir_packet *packet)
{
	struct weir_tuple before;

	if (!packet)
		return WEIR_INVALID_PACKET;
	weir_tuple_of(&before, packet);
	if (!weir_nat_follow(packet, &before, 1))
		return WEIR_PASSED;
	return weir_rewrite(skb, packet, &before);
}

#endif
