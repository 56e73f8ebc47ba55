/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * From a pod's packet for a service's address to a pair that leads to a backend: the one that the packet's tuple comes to
 * in the frontend's table, the same one as long as the table stays; or the client's own with affinity.
 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include "pod_nat.h"
#include "select.h"

/* What becomes of a pod's packet where it leaves the pod, and its sender is who it says. Below zero: a drop reason. */
enum weir_entry {
	WEIR_ENTRY_NONE,     /* no service's */
	WEIR_ENTRY_PAIRED,   /* has a pair now */
	WEIR_ENTRY_REFUSED,  /* nobody serves there */
};

/* Whether a flow that no pair rewrites, or rewrites elsewhere, has the tuple. */
WEIR_GLOBAL int weir_is_direct(const struct weir_tuple *tuple)
{
	struct weir_packet packet = {};
	const struct weir_ct *entry;

	if (!tuple)
		return 1;
	weir_packet_become(&packet, tuple);
	packet.family = tuple->family;
	packet.protocol = tuple->protocol;
	entry = weir_ct_find(&packet, weir_side(&packet) & 1);
	return entry && weir_now() < entry->expires && !entry->cut && !(entry->flags & WEIR_CT_AT_POD) &&
	       !((entry->seen[0] | entry->seen[1]) & (WEIR_SEEN_FIN | WEIR_SEEN_RST));
}

#define WEIR_IS_DIRECT(context, tuple) weir_is_direct(tuple)
WEIR_NAT_OPENER(weir_nat_open_at_pod, WEIR_IS_DIRECT)

/* A new flow of a pod's to the frontend. *packet becomes what the pair makes of it. */
WEIR_GLOBAL int weir_service_open(struct weir_packet *packet, const struct weir_tuple *before, struct weir_target *to,
				  __u32 backend)
{
	const __u64 now = weir_now();
	struct weir_nat is = {.kind = WEIR_NAT_SERVICE, .backend = backend};
	struct weir_tuple after;
	int reason;

	if (!packet || !before || !to)
		return -WEIR_INVALID_PACKET;
	after = *before;
	after.destination = to->address;
	after.destination_port = to->port;
	if (weir_same_address(&after.destination, &after.source)) {
		/* A pod would take a packet from itself for forged, or keep the answer. The service is nobody else. */
		is.kind = WEIR_NAT_HAIRPIN;
		after.source = before->destination;
	}
	weir_nat_begin(&is, packet, now);
	reason = weir_nat_open_at_pod(0, before, &after, &is, now);
	if (reason)
		return -reason;
	weir_packet_become(packet, &after);
	return is.kind;
}

/* How a frontend that isn't the same for everybody is for the sender: as it is, as beneath, or as WEIR_ENTRY_NONE. */
enum weir_face {
	WEIR_FACE_OPEN,
	WEIR_FACE_BENEATH,
	WEIR_FACE_NONE,
	WEIR_FACE_CLOSED,
};

/* Apart, for the stack's sake. */
WEIR_APART int weir_face_for(const struct weir_frontend *frontend, const struct weir_tuple *before)
{
	const int is_in = weir_is_in_ranges(frontend->ranges, &before->source, before->family);

	if ((frontend->flags & WEIR_SOURCE_RANGES) && !is_in)
		return WEIR_FACE_CLOSED;
	if (!(frontend->flags & WEIR_SPARES_BACKENDS) || !is_in)
		return WEIR_FACE_OPEN;
	return frontend->flags & WEIR_LEAVES_BACKENDS ? WEIR_FACE_NONE : WEIR_FACE_BENEATH;
}

/* A service's packet: the backend that it is to go to. */
WEIR_GLOBAL int weir_service_choose(const struct weir_tuple *before, struct weir_target *to, __u32 *backend)
{
	if (!before || !to || !backend)
		return WEIR_ENTRY_NONE;
	/* Once more if the backend went between the lookups: the frontend that led there has flipped before that. */
#pragma clang loop unroll(disable)
	for (int round = 0; round < 2; round++) {
		const struct weir_frontend *frontend;
		int face = WEIR_FACE_OPEN;

		to->address = before->destination;
		to->port = before->destination_port;
		to->protocol = before->protocol;
		to->family = before->family;
		frontend = weir_frontend_of(to, WEIR_INTERNAL);
		if (!frontend)
			return WEIR_ENTRY_NONE;
		if (weir_unlikely(frontend->flags & (WEIR_SOURCE_RANGES | WEIR_SPARES_BACKENDS)))
			face = weir_face_for(frontend, before);
		if (weir_unlikely(face > WEIR_FACE_BENEATH))
			return face == WEIR_FACE_NONE ? WEIR_ENTRY_NONE : -WEIR_OUT_OF_RANGES;
		if (!(face ? frontend->beneath : frontend->count))
			return WEIR_ENTRY_REFUSED;
		if (weir_choose_of(frontend, face, weir_affinity_client(&before->source), weir_tuple_hash(before, 0), to,
				   backend))
			return WEIR_ENTRY_PAIRED;
	}
	return WEIR_ENTRY_REFUSED;
}

/*
 * A packet of a pod that goes to a backend itself, whose tuple a service's flow of the pod's has: it gets another source
 * port. *packet becomes that.
 */
WEIR_GLOBAL int weir_direct_open(struct weir_packet *packet, const struct weir_tuple *before)
{
	const __u64 now = weir_now();
	struct weir_nat is = {.kind = WEIR_NAT_DIRECT};
	struct weir_tuple after;
	int reason;

	if (!packet || !before)
		return -WEIR_INVALID_PACKET;
	after = *before;
	weir_nat_begin(&is, packet, now);
	reason = weir_nat_open_at_pod(0, before, &after, &is, now);
	if (reason)
		return -reason;
	weir_packet_become(packet, &after);
	return is.kind;
}

/* Is the backend of the pair still the one that its packets go to? A pair to no backend of a service's is its own. */
WEIR_INLINE int weir_backend_stays(const struct weir_nat *half, const struct weir_packet *packet)
{
	struct weir_target to = {.family = packet->family, .protocol = packet->protocol};

	if (half->kind == WEIR_NAT_DIRECT || half->is_reply)
		return 1;
	return weir_backend_at(half->backend, &to) && to.port == packet->destination_port &&
	       weir_same_address(&to.address, &packet->destination);
}

#endif
