/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Arrays, and per-CPU ones of one CPU. All entries are there from the start, zero. */
#include <linux/bpf.h>

#include "heap.h"
#include "map.h"

static __u32 stride(const struct weir_map *map)
{
	return (map->value_size + 7) & ~7u;
}

static void *lookup(struct weir_map *map, const void *key)
{
	const __u32 index = *(const __u32 *)key;

	if (index >= map->max_entries)
		return 0;
	if (!map->state)
		map->state = weir_allocate((weir_size)stride(map) * map->max_entries);
	return map->state ? (__u8 *)map->state + (weir_size)stride(map) * index : 0;
}

static long update(struct weir_map *map, const void *key, const void *value, __u64 flags)
{
	void *entry;

	if (flags > BPF_EXIST)
		return -WEIR_EINVAL;
	if (*(const __u32 *)key >= map->max_entries)
		return -WEIR_E2BIG;
	if (flags == BPF_NOEXIST)
		return -WEIR_EEXIST;
	entry = lookup(map, key);
	if (!entry)
		return -WEIR_ENOMEM;
	memcpy(entry, value, map->value_size);
	return 0;
}

static long remove_key(struct weir_map *map, const void *key)
{
	(void)map;
	(void)key;
	return -WEIR_EINVAL;
}

static const void *next(struct weir_map *map, const void *key)
{
	static __u32 found;

	found = key && *(const __u32 *)key < map->max_entries ? *(const __u32 *)key + 1 : 0;
	return found < map->max_entries ? &found : 0;
}

static long each(struct weir_map *map, weir_each callback, void *context)
{
	__u32 index;

	for (index = 0; index < map->max_entries; index++) {
		void *value = lookup(map, &index);

		if (!value || callback(map, &index, value, context))
			return index + 1;
	}
	return index;
}

const struct weir_map_type weir_map_array = {lookup, update, remove_key, next, each};
