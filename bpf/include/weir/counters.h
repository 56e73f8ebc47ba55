/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_COUNTERS_H
#define WEIR_COUNTERS_H

#include "port.h"
#include "reasons.h"

WEIR_INLINE void weir_count(struct weir_skb *skb, __u32 reason, __u32 direction)
{
	struct weir_counter *counter = bpf_map_lookup_elem(&weir_counters, &reason);

	if (weir_likely(counter != 0)) {
		counter->packets[direction & 1]++;
		counter->bytes[direction & 1] += skb->len;
	}
}

/* A packet that goes from one local pod straight to another leaves the one and reaches the other. */
WEIR_INLINE void weir_count_both(struct weir_skb *skb)
{
	const __u32 reason = WEIR_PASSED;
	struct weir_counter *counter = bpf_map_lookup_elem(&weir_counters, &reason);

	if (weir_likely(counter != 0)) {
		const __u32 length = skb->len;

		counter->packets[WEIR_EGRESS]++;
		counter->packets[WEIR_INGRESS]++;
		counter->bytes[WEIR_EGRESS] += length;
		counter->bytes[WEIR_INGRESS] += length;
	}
}

WEIR_INLINE void weir_tally_up(__u32 index)
{
	__u64 *tally = bpf_map_lookup_elem(&weir_tallies, &index);

	if (tally)
		(*tally)++;
}

#endif
