/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Removes what has expired, inside the kernel: user space runs it now and then and reads the counts. An entry that a
 * packet renews at the same moment may go too; its next packet is judged as a new flow's. Needs Linux 5.14. Programs of
 * this type have no coarse clock; the fine one counts from the same start.
 */
#ifndef WEIR_SWEEP_H
#define WEIR_SWEEP_H

#include "../include/weir/pair_look.h"

struct weir_sweep_step {
	struct weir_sweep_count count;
	__u64 now;
};

#define WEIR_SWEEPER(name, map, value_type)                                                                       \
	static long name(void *unused, const void *key, void *value, void *context)                               \
	{                                                                                                         \
		struct weir_sweep_step *step = context;                                                           \
		const value_type *entry = value;                                                                  \
                                                                                                                  \
		(void)unused;                                                                                     \
		step->count.seen++;                                                                               \
		if (step->now >= entry->expires && !bpf_map_delete_elem(&map, key))                               \
			step->count.removed++;                                                                    \
		return 0;                                                                                         \
	}

WEIR_SWEEPER(weir_sweep_ct4, weir_ct4, struct weir_ct)
WEIR_SWEEPER(weir_sweep_ct6, weir_ct6, struct weir_ct)
WEIR_SWEEPER(weir_sweep_frag4, weir_frag4, struct weir_frag)
WEIR_SWEEPER(weir_sweep_frag6, weir_frag6, struct weir_frag)

/*
 * Pairs lie under locks. Programs of this type may sleep, and those may know of no such map before Linux 6.3: a program of
 * frames sweeps some sets each time that it is run, as its frame says and gets told. It is attached nowhere.
 */
#define WEIR_SWEPT_SETS 256
#define WEIR_SWEPT_AT_ONCE 16

/* A loop within a loop, each of which the verifier goes through on its own. */
WEIR_GLOBAL int weir_sweep_some(__u32 family, __u32 first, __u64 now, struct weir_sweep_count *count)
{
	if (!count)
		return -1;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WEIR_SWEPT_AT_ONCE; i++) {
		if (family == 4)
			weir_pair_sweep4(first + i, now, count);
		else
			weir_pair_sweep6(first + i, now, count);
	}
	return 0;
}

WEIR_INLINE int weir_sweep_pairs_run(struct weir_frame *frame)
{
	struct weir_pair_sweep *asked = weir_packet_start(frame);
	struct weir_sweep_count count = {};
	const __u64 now = bpf_ktime_get_ns();
	__u32 family, first;

	if ((void *)(asked + 1) > (void *)weir_packet_end(frame))
		return XDP_DROP;
	family = asked->family;
	first = asked->first;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WEIR_SWEPT_SETS / WEIR_SWEPT_AT_ONCE; i++)
		weir_sweep_some(family, first + i * WEIR_SWEPT_AT_ONCE, now, &count);
	asked = weir_packet_start(frame);
	if ((void *)(asked + 1) > (void *)weir_packet_end(frame))
		return XDP_DROP;
	asked->count = count;
	return XDP_PASS;
}

#define WEIR_SWEEP_MAP(name)                                                                                      \
	do {                                                                                                      \
		struct weir_sweep_step step = {.now = bpf_ktime_get_ns()};                                                \
                                                                                                                  \
		bpf_for_each_map_elem(&weir_##name, weir_sweep_##name, &step, 0);                                 \
		result->name.seen = step.count.seen;                                                              \
		result->name.removed = step.count.removed;                                                        \
	} while (0)

WEIR_INLINE int weir_sweep_run(struct weir_sweep *result)
{
	WEIR_SWEEP_MAP(ct4);
	WEIR_SWEEP_MAP(ct6);
	WEIR_SWEEP_MAP(frag4);
	WEIR_SWEEP_MAP(frag6);
	return 0;
}

#endif
