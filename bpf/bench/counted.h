/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Counts the calls of each map by whatever is included after this: the programs as they are, but slower. */
#ifndef WEIR_BENCH_COUNTED_H
#define WEIR_BENCH_COUNTED_H

#include "../include/weir/port.h"

#define BENCH_COUNT_OF(name, ...) __u32 name;
#define BENCH_NO_MAP(name, unused)

/* By map, in the order of maps.h. */
struct bench_calls {
	WEIR_MAPS(BENCH_COUNT_OF, BENCH_NO_MAP, BENCH_NO_MAP)
};
/* Sections of their own, so that user space finds them without looking for symbols. */
struct bench_calls bench_lookups SEC(".bss.lookups");
struct bench_calls bench_updates SEC(".bss.updates");

/* Each map has a type of its own, by which it is told apart. */
#define BENCH_IF_LOOKED_UP(name, ...)                                                                             \
	if (__builtin_types_compatible_p(typeof(*bench_map), typeof(name)))                                       \
		bench_lookups.name++;
#define BENCH_IF_UPDATED(name, ...)                                                                               \
	if (__builtin_types_compatible_p(typeof(*bench_map), typeof(name)))                                       \
		bench_updates.name++;

#define bpf_map_lookup_elem(map, key)                                                                             \
	({                                                                                                        \
		typeof(map) bench_map;                                                                            \
		(void)bench_map;                                                                                  \
		WEIR_MAPS(BENCH_IF_LOOKED_UP, BENCH_NO_MAP, BENCH_NO_MAP)                                                      \
		(bpf_map_lookup_elem)(map, key);                                                                  \
	})
#define bpf_map_update_elem(map, key, value, flags)                                                               \
	({                                                                                                        \
		typeof(map) bench_map;                                                                            \
		(void)bench_map;                                                                                  \
		WEIR_MAPS(BENCH_IF_UPDATED, BENCH_NO_MAP, BENCH_NO_MAP)                                                        \
		(bpf_map_update_elem)(map, key, value, flags);                                                    \
	})

#endif
