/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Few sets of pairs, so that flows push each other out, and so that they are emptied fast. */
#ifndef FUZZ_PAIRS_H
#define FUZZ_PAIRS_H

#include <string.h>

#include "../memory/map.h"
#include "../memory/programs.h"
#include "world.h"

#define PAIR_SETS 2

static inline void pairs_limit(void)
{
	const __u32 sets = PAIR_SETS;
	__u32 limited = 0;

	for (__u32 i = 0; i < weir_variable_total; i++)
		if (!strcmp(weir_variables[i].name, "weir_nat4_sets") || !strcmp(weir_variables[i].name, "weir_nat6_sets")) {
			memcpy((void *)weir_variables[i].at, &sets, sizeof(sets));
			limited++;
		}
	CHECK(limited == 2);
}

static inline void pairs_forget(void)
{
	for (__u32 i = 0; i < weir_map_total(); i++) {
		struct weir_map *map = weir_map_at(i);

		if (strcmp(map->name, "weir_nat4") && strcmp(map->name, "weir_nat6"))
			continue;
		for (__u32 set = 0; set < PAIR_SETS; set++)
			memset(bpf_map_lookup_elem(map, &set), 0, map->value_size);
	}
}

#endif
