/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* From a service's address to a backend. */
#ifndef WEIR_SELECT_H
#define WEIR_SELECT_H

#include "clock.h"
#include "port.h"

/* Where something is sent to. */
struct weir_target {
	union weir_address address;
	__u16 port; /* big endian */
	__u8 protocol;
	__u8 family; /* 4, 6 */
};

WEIR_INLINE struct weir_frontend *weir_frontend_of(const struct weir_target *target, __u32 scope)
{
	const __u16 port = weir_be16(target->port);

	if (target->family == 4) {
		struct weir_frontend4_key key = {.port = port, .protocol = target->protocol, .scope = scope};

		if (scope != WEIR_ANY_ADDRESS)
			__builtin_memcpy(key.address, &target->address, 4);
		return bpf_map_lookup_elem(&weir_frontends4, &key);
	} else {
		struct weir_frontend6_key key = {.port = port, .protocol = target->protocol, .scope = scope};

		if (scope != WEIR_ANY_ADDRESS)
			__builtin_memcpy(key.address, &target->address, 16);
		return bpf_map_lookup_elem(&weir_frontends6, &key);
	}
}

WEIR_INLINE int weir_is_any(const struct weir_target *target)
{
	return !(target->address.half[0] | target->address.half[1]);
}

/* Loopback, or the address that stands for it where a connection goes to. */
WEIR_INLINE int weir_is_own(const struct weir_target *target)
{
	const union weir_address *address = &target->address;

	if (target->family == 4)
		return address->byte[0] == 127 || !address->word[0];
	return !address->half[0] && !address->word[2] && (address->word[3] & ~weir_be32(1)) == 0;
}

WEIR_INLINE __u32 weir_slot(__u32 number)
{
	const __u32 line = number / WEIR_SLOTS;
	const struct weir_slots *slots = bpf_map_lookup_elem(&weir_slots, &line);

	return slots ? slots->backend[number % WEIR_SLOTS] : 0xffffffff;
}

/* The backend's address and port to `to`, whose family it has; 0 when there is no such backend. */
WEIR_INLINE int weir_backend_at(__u32 index, struct weir_target *to)
{
	if (to->family == 4) {
		const struct weir_backend4 *backend = bpf_map_lookup_elem(&weir_backends4, &index);

		if (!backend || !backend->port || backend->protocol != to->protocol)
			return 0;
		__builtin_memset(&to->address, 0, sizeof(to->address));
		__builtin_memcpy(&to->address, backend->address, 4);
		to->port = weir_be16(backend->port);
	} else {
		const struct weir_backend6 *backend = bpf_map_lookup_elem(&weir_backends6, &index);

		if (!backend || !backend->port || backend->protocol != to->protocol)
			return 0;
		__builtin_memcpy(&to->address, backend->address, 16);
		to->port = weir_be16(backend->port);
	}
	return 1;
}

/* Halvings that find any of so many members as there can be backends. */
#define WEIR_MEMBER_STEPS 20

/* Rare, and as a function of its own verified once. Its steps have no branches, which would be as many ways as steps. */
WEIR_GLOBAL int weir_is_member(__u32 at, __u32 count, __u32 backend)
{
	for (int step = 0; step < WEIR_MEMBER_STEPS && count > 1; step++) {
		const __u32 half = count / 2;
		/* All ones where the slot's number is not above. */
		const __u64 up = ((__u64)weir_slot(at + half) - backend - 1) >> 32;

		at += half & (__u32)up;
		count -= half;
	}
	return count == 1 && weir_slot(at) == backend;
}

/* The backend at a slot of the frontend's, as weir_choose_of says. */
WEIR_INLINE int weir_choose_any(const struct weir_frontend *frontend, int beneath, __u32 number, struct weir_target *to,
				__u32 *index)
{
	const __u32 count = beneath ? frontend->beneath : frontend->count;

	if (!count)
		return 0;
	*index = weir_slot((beneath ? frontend->beneath_first : frontend->first) + number % count);
	return weir_backend_at(*index, to);
}

/* With affinity: the backend's index, or -1. Few have it: apart, so that the others' callers don't hold its key. */
WEIR_APART __s64 weir_choose_lately(const struct weir_frontend *frontend, int beneath, __u64 client, __u32 number,
				    struct weir_target *to)
{
	const __u64 now = weir_now();
	__u32 index = 0;
	struct weir_affinity_key key = {
		.client = client,
		.address = to->address,
		.port = to->port,
		.protocol = to->protocol,
		.family = to->family,
	};
	const struct weir_affinity *last = bpf_map_lookup_elem(&weir_affinities, &key);
	struct weir_affinity chosen = {.used = now};

	if (last && now - last->used < frontend->affinity * WEIR_SECOND &&
	    weir_is_member(beneath ? frontend->beneath_first : frontend->members_first,
			   beneath ? frontend->beneath : frontend->members, last->backend) &&
	    weir_backend_at(last->backend, to))
		index = last->backend;
	else if (!weir_choose_any(frontend, beneath, number, to, &index))
		return -1;
	chosen.backend = index;
	bpf_map_update_elem(&weir_affinities, &key, &chosen, BPF_ANY);
	return index;
}

/*
 * A backend for a new connection of the client: any, as often as its weight says, or the one that it had lately where the
 * frontend has affinity. `to` is the service's address, and becomes the backend's. `frontend` must have slots; `number` says
 * which one is taken, so that a hash of the client's ends gives the same backend on every node. 0 when the backend that the
 * frontend named has gone meanwhile. `beneath`: of what a redirect lies over, as its own backends find it.
 */
WEIR_INLINE int weir_choose_of(const struct weir_frontend *frontend, int beneath, __u64 client, __u32 number,
			       struct weir_target *to, __u32 *index)
{
	if (weir_unlikely(frontend->affinity != 0)) {
		const __s64 chosen = weir_choose_lately(frontend, beneath, client, number, to);

		*index = chosen;
		return chosen >= 0;
	}
	return weir_choose_any(frontend, beneath, number, to, index);
}

WEIR_INLINE int weir_choose(const struct weir_frontend *frontend, __u64 client, __u32 number, struct weir_target *to,
			    __u32 *index)
{
	return weir_choose_of(frontend, 0, client, number, to, index);
}

/* Whether the sender is in one of the blocks that the frontend is for. */
WEIR_APART int weir_is_in_ranges(__u32 ranges, const union weir_address *address, int family)
{
	if (family == 4) {
		struct weir_range4 key = {.length = 64, .ranges = ranges};

		__builtin_memcpy(key.address, address, 4);
		return bpf_map_lookup_elem(&weir_ranges4, &key) != 0;
	} else {
		struct weir_range6 key = {.length = 160, .ranges = ranges};

		__builtin_memcpy(key.address, address, 16);
		return bpf_map_lookup_elem(&weir_ranges6, &key) != 0;
	}
}

/* Who has affinity: an address, told from the numbers that stand for the callers at sockets. */
WEIR_INLINE __u64 weir_affinity_client(const union weir_address *address)
{
	return (address->half[0] * 0x9e3779b97f4a7c15ull ^ address->half[1]) | 1ull << 63;
}

#endif
