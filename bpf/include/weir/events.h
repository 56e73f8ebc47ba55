/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Records for user space, at a bounded rate; what is left out or lost is counted. */
#ifndef WEIR_EVENTS_H
#define WEIR_EVENTS_H

#include "clock.h"
#include "counters.h"
#include "packet.h"

/*
 * User space looks at the ring every few milliseconds. To wake it for each event would cost a new flow more than its
 * verdict does; it is woken when so much waits that the ring could fill before it looks.
 */
#define WEIR_EVENTS_WAITING_MOST 65536

WEIR_INLINE __u64 weir_event_wakeup(void)
{
	const __u64 waiting = bpf_ringbuf_query(&weir_events, BPF_RB_AVAIL_DATA) - WEIR_EVENTS_WAITING_MOST;

	/* Once on the way up, not for each one beyond: nobody may be there to be woken. */
	return waiting < 2 * sizeof(struct weir_event) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* The two ends of a packet as the tables know them, and what was decided. Zero where nothing is known. */
struct weir_flow {
	struct weir_peer source, destination;
	__u32 generation; /* sum over both slots, read before the classes */
	__u32 side;       /* of the sender */
	__u8 direction;   /* which direction's policy denied */
	__u8 is_reply;
	__u8 flags; /* WEIR_CT_* that the flow's entry has, or is to get */
	__u8 pad;
};

/* Takes a token of this CPU's bucket; a full bucket holds a second's worth. */
WEIR_INLINE int weir_event_allowed(__u64 now)
{
	const __u32 zero = 0, rate = weir_events_per_second;
	struct weir_budget *budget = bpf_map_lookup_elem(&weir_budgets, &zero);
	__u64 passed, tokens;

	if (!budget || !rate)
		return 0;
	passed = now - budget->filled;
	if (passed >= WEIR_SECOND) {
		tokens = rate;
		budget->filled = now;
	} else {
		const __u64 gained = passed * rate / WEIR_SECOND;

		tokens = budget->tokens;
		if (gained) {
			tokens += gained;
			if (tokens > rate)
				tokens = rate;
			/* Only as far as whole tokens were gained: the rest of the time still counts. */
			budget->filled += gained * WEIR_SECOND / rate;
		}
	}
	if (!tokens) {
		budget->tokens = 0;
		return 0;
	}
	budget->tokens = tokens - 1;
	return 1;
}

/* A function of its own, as its prototype is what brings struct weir_event into the object's BTF. */
WEIR_APART int weir_event_ports(struct weir_event *event, const struct weir_packet *packet)
{
	if ((packet->family == 4 && packet->protocol == IPPROTO_ICMP) ||
	    (packet->family == 6 && packet->protocol == WEIR_ICMP6)) {
		event->icmp_type = packet->icmp_type;
		event->icmp_code = packet->icmp_code;
		return 0;
	}
	event->source_port = weir_be16(packet->source_port);
	event->destination_port = weir_be16(packet->destination_port);
	return 0;
}

WEIR_GLOBAL int weir_emit(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_flow *flow, __u32 kind,
			 __u32 reason)
{
	const __u64 now = weir_now();
	struct weir_event *event;

	if (!packet || !flow)
		return 0;
	if (!weir_event_allowed(now)) {
		weir_tally_up(WEIR_TALLY_EVENTS_SUPPRESSED);
		return 0;
	}
	event = bpf_ringbuf_reserve(&weir_events, sizeof(*event), 0);
	if (!event) {
		weir_tally_up(WEIR_TALLY_EVENTS_LOST);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = now;
	event->kind = kind;
	event->verdict = reason == WEIR_PASSED ? WEIR_ALLOW : WEIR_DENY;
	event->reason = reason;
	event->direction = flow->direction;
	event->family = packet->family;
	event->protocol = packet->protocol;
	event->tcp_flags = packet->tcp_flags;
	event->is_reply = flow->is_reply;
	event->ethertype = weir_be16(packet->ethertype);
	__builtin_memcpy(event->source, &packet->source, sizeof(event->source));
	__builtin_memcpy(event->destination, &packet->destination, sizeof(event->destination));
	weir_event_ports(event, packet);
	event->source_identity = flow->source.identity;
	event->destination_identity = flow->destination.identity;
	event->source_slot = flow->source.slot;
	event->destination_slot = flow->destination.slot;
	event->ifindex = skb->ifindex;
	event->length = skb->len;
	bpf_ringbuf_submit(event, weir_event_wakeup());
	return 0;
}

/* The end of every packet that doesn't pass. */
WEIR_GLOBAL int weir_drop(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_flow *flow,
			 __u32 reason)
{
	if (!packet || !flow)
		return TC_ACT_SHOT;
	weir_count(skb, reason & (WEIR_REASONS - 1), flow->direction);
	weir_emit(skb, packet, flow, WEIR_EVENT_DROP, reason);
	return TC_ACT_SHOT;
}

/* A drop before anything is known of the two ends. */
WEIR_APART int weir_drop_early(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction, __u32 reason)
{
	const struct weir_flow flow = {.direction = direction};

	return weir_drop(skb, packet, &flow, reason);
}

WEIR_APART int weir_trace_packet(struct weir_skb *skb, const struct weir_packet *packet, __u32 direction)
{
	const struct weir_flow flow = {.direction = direction};

	return weir_emit(skb, packet, &flow, WEIR_EVENT_TRACE, WEIR_PASSED);
}

/* For what comes in floods and means nothing: counted, not told. */
WEIR_INLINE int weir_drop_silently(struct weir_skb *skb, __u32 reason, __u32 direction)
{
	weir_count(skb, reason, direction);
	return TC_ACT_SHOT;
}

#endif
