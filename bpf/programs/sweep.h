/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Removes what has expired, inside the kernel: user space runs it now and then and reads the counts. An entry that a
 * packet renews at the same moment may go too; its next packet is judged as a new flow's. Needs Linux 5.14. Programs of
 * this type have no coarse clock; the fine one counts from the same start.
 */
#ifndef WEIR_SWEEP_H
#define WEIR_SWEEP_H

#include "../include/weir/clock.h"

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
WEIR_SWEEPER(weir_sweep_nat4, weir_nat4, struct weir_nat)
WEIR_SWEEPER(weir_sweep_nat6, weir_nat6, struct weir_nat)

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
	WEIR_SWEEP_MAP(nat4);
	WEIR_SWEEP_MAP(nat6);
	return 0;
}

#endif
