/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a packet to a verdict by the tables, and from an allowed one to a conntrack entry. */
#ifndef WEIR_JUDGE_H
#define WEIR_JUDGE_H

#include "conntrack.h"
#include "events.h"
#include "rows.h"

/* Who an address is. A peer that is no local endpoint gets the slot of its generation. 0 when no table knows it. */
WEIR_GLOBAL int weir_resolve(const union weir_address *address, int family, struct weir_peer *peer)
{
	/* The shorter key of IPv4 begins like it. A key on the stack, as verifiers before 6.3 take none from an argument. */
	struct weir_prefix6 prefix = {};
	const struct weir_peer *found;

	if (!address || !peer)
		return 0;
	if (family == 4) {
		prefix.length = 32;
		__builtin_memcpy(prefix.address, address, 4);
		found = bpf_map_lookup_elem(&weir_addr4, prefix.address);
		if (!found)
			found = bpf_map_lookup_elem(&weir_pfx4, &prefix);
	} else {
		prefix.length = 128;
		__builtin_memcpy(prefix.address, address, 16);
		found = bpf_map_lookup_elem(&weir_addr6, prefix.address);
		if (!found)
			found = bpf_map_lookup_elem(&weir_pfx6, &prefix);
	}
	if (found)
		*peer = *found;
	else
		*peer = (struct weir_peer){};
	if (!peer->slot)
		peer->slot = weir_remote_slot(address, family);
	return found != 0;
}

/* Who an address is that is known exactly: a pod or a node. */
WEIR_INLINE const struct weir_peer *weir_exact(const union weir_address *address, int family)
{
	if (family == 4)
		return bpf_map_lookup_elem(&weir_addr4, address);
	return bpf_map_lookup_elem(&weir_addr6, address);
}

/* The same where the address came as an argument of a global function. */
WEIR_APART const struct weir_peer *weir_exact_copied(const union weir_address *address, int family)
{
	const union weir_address key = *address;

	return weir_exact(&key, family);
}

WEIR_INLINE __u32 weir_generation(__u32 slot)
{
	const struct weir_endpoint *endpoint = weir_endpoint_at(&slot);

	return endpoint ? endpoint->generation : 0;
}

/*
 * Both ends of a packet. Generations come before classes: a change that comes in between is then one that the entry
 * doesn't know, and the next packet is judged again. Slots come before generations, so the addresses are looked up twice.
 */
WEIR_INLINE void weir_resolve_flow(const struct weir_packet *packet, struct weir_flow *flow)
{
	__u32 slots;

	weir_resolve(&packet->source, packet->family, &flow->source);
	weir_resolve(&packet->destination, packet->family, &flow->destination);
	slots = flow->source.slot ^ flow->destination.slot << 16;
	flow->generation = weir_generation(flow->source.slot) + weir_generation(flow->destination.slot);
	weir_resolve(&packet->source, packet->family, &flow->source);
	weir_resolve(&packet->destination, packet->family, &flow->destination);
	/* The address has just moved to another slot: a sum that no packet will meet. */
	if (weir_unlikely(slots != (flow->source.slot ^ flow->destination.slot << 16)))
		flow->generation--;
	flow->side = weir_side(packet);
}

/* 0 when allowed, else the drop reason; `flow->direction` tells whose policy denied. */
WEIR_INLINE __u32 weir_decide(struct weir_flow *flow, const struct weir_peer *client, const struct weir_peer *server,
			      __u32 key)
{
	__u32 word;

	if (client->subject) {
		word = weir_cell_verdict(client->subject, WEIR_EGRESS, server->peer_class, key);
		if ((word & 0xff) != WEIR_ALLOW) {
			flow->direction = WEIR_EGRESS;
			goto denied;
		}
	}
	if (server->subject) {
		word = weir_cell_verdict(server->subject, WEIR_INGRESS, client->peer_class, key);
		if ((word & 0xff) != WEIR_ALLOW) {
			flow->direction = WEIR_INGRESS;
			goto denied;
		}
	}
	return WEIR_PASSED;
denied:
	word = word >> 8 & 0xff;
	return word ? word : WEIR_POLICY_DENIED;
}

/*
 * Judges the flow of a packet by its originator's direction and records it. Without an entry the sender is the
 * originator, also of a TCP packet that isn't a SYN: a flow whose entry was evicted goes on with the next packet of the
 * side that opened it. Returns 0 or the drop reason.
 */
WEIR_GLOBAL int weir_admit(struct weir_skb *skb, const struct weir_packet *packet, struct weir_flow *flow)
{
	const __u64 now = weir_now();
	union weir_ct_key ct_key = {};
	const struct weir_ct *old;
	struct weir_ct entry = {};
	__u32 side, key, reason;
	int known, was_cut;

	if (!packet || !flow)
		return WEIR_INVALID_PACKET;
	side = flow->side & 1;
	weir_ct_key_of(&ct_key, packet, side);
	old = weir_ct_lookup(&ct_key, packet->family);
	known = old && now < old->expires && !weir_reopens(packet, old, side);
	if (known) {
		entry.originator = old->originator & 1;
		entry.seen[0] = old->seen[0];
		entry.seen[1] = old->seen[1];
		flow->flags |= old->flags;
	} else {
		entry.originator = packet->backwards ? side ^ 1 : side;
	}
	flow->is_reply = entry.originator != side;

	key = (__u32)packet->protocol << 16;
	if (flow->is_reply)
		reason = weir_decide(flow, &flow->destination, &flow->source, key | weir_be16(packet->source_port));
	else
		reason = weir_decide(flow, &flow->source, &flow->destination, key | weir_be16(packet->destination_port));
	/* One who calls back from the port of a live flow is refused alone; the flow was and is allowed. */
	if (reason && !known)
		return reason;
	entry.generation = flow->generation;
	if (side) {
		entry.slot[0] = flow->destination.slot;
		entry.slot[1] = flow->source.slot;
		entry.seen[1] |= packet->seen;
	} else {
		entry.slot[0] = flow->source.slot;
		entry.slot[1] = flow->destination.slot;
		entry.seen[0] |= packet->seen;
	}
	entry.flags = flow->flags;
	entry.cut = reason;
	entry.timeout = reason ? WEIR_TIMEOUT_CUT : weir_timeout(packet->protocol, entry.seen[0], entry.seen[1]);
	entry.expires = now + entry.timeout * WEIR_SECOND;
	if (reason) {
		was_cut = old->cut != 0;
		if (packet->family == 4)
			bpf_map_update_elem(&weir_ct4, &ct_key, &entry, BPF_ANY);
		else
			bpf_map_update_elem(&weir_ct6, &ct_key, &entry, BPF_ANY);
		if (!was_cut)
			weir_tally_up(WEIR_TALLY_FLOWS_CUT);
		return reason;
	}
	if (packet->family == 4 ? bpf_map_update_elem(&weir_ct4, &ct_key, &entry, BPF_ANY)
				: bpf_map_update_elem(&weir_ct6, &ct_key, &entry, BPF_ANY))
		return WEIR_CONNTRACK_FULL;
	if (known) {
		weir_tally_up(WEIR_TALLY_FLOWS_REJUDGED);
	} else {
		weir_tally_up(WEIR_TALLY_FLOWS_OPENED);
		weir_emit(skb, packet, flow, WEIR_EVENT_VERDICT, WEIR_PASSED);
	}
	return WEIR_PASSED;
}

#endif
