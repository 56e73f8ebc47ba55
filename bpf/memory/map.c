/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The list of maps, and the helpers that go by type. */
#include <linux/bpf.h>

#include "../include/weir/config.h"
#include "../include/weir/maps.h"
#include "heap.h"
#include "calls.h"
#include "map.h"

#define TYPE_HASH weir_map_hash
#define TYPE_LRU_HASH weir_map_hash
#define TYPE_LPM_TRIE weir_map_lpm
#define TYPE_ARRAY weir_map_array
#define TYPE_PERCPU_ARRAY weir_map_array

#define DEFINE_MAP(name_, kind_, key_, value_, most_, flags_)                                                     \
	struct weir_map name_ = {#name_,         &TYPE_##kind_,    BPF_MAP_TYPE_##kind_, sizeof(key_),            \
				 sizeof(value_), most_,            flags_,               0,                       \
				 0};
#define DEFINE_RING(name_, bytes_)                                                                                \
	struct weir_map name_ = {#name_, &weir_map_ring, BPF_MAP_TYPE_RINGBUF, 0, 0, bytes_, 0, 0, 0};
/* By the socket's cookie: here a socket has no end, and its value stays. */
#define DEFINE_OWN(name_, value_)                                                                                 \
	struct weir_map name_ = {#name_, &weir_map_hash, BPF_MAP_TYPE_SK_STORAGE, 8, sizeof(value_), 65536, 0, 0, 0};
WEIR_MAPS(DEFINE_MAP, DEFINE_RING, DEFINE_OWN)

#define LIST_MAP(name_, kind_, key_, value_, most_, flags_) &name_,
#define LIST_RING(name_, bytes_) &name_,
#define LIST_OWN(name_, value_) &name_,
static struct weir_map *const maps[] = {WEIR_MAPS(LIST_MAP, LIST_RING, LIST_OWN)};

__u32 weir_map_total(void)
{
	return sizeof(maps) / sizeof(maps[0]);
}

struct weir_map *weir_map_at(__u32 index)
{
	return index < weir_map_total() ? maps[index] : 0;
}

static long remove_each(void *map, const void *key, void *value, void *context)
{
	(void)value;
	(void)context;
	((struct weir_map *)map)->type->remove(map, key);
	return 0;
}

void weir_map_clear(struct weir_map *map)
{
	const void *key;
	__u32 length;

	switch (map->kind) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_SK_STORAGE:
		map->type->each(map, remove_each, 0);
		return;
	case BPF_MAP_TYPE_RINGBUF:
		while (weir_ring_take(map, &length))
			;
		return;
	case BPF_MAP_TYPE_LPM_TRIE:
		while ((key = map->type->next(map, 0))) {
			__u8 copy[24];

			memcpy(copy, key, map->key_size);
			map->type->remove(map, copy);
		}
		return;
	default:
		weir_release(map->state);
		map->state = 0;
	}
}

void *bpf_map_lookup_elem(struct weir_map *map, const void *key)
{
	return map->type->lookup(map, key);
}

long bpf_map_update_elem(struct weir_map *map, const void *key, const void *value, __u64 flags)
{
	return map->type->update(map, key, value, flags);
}

long bpf_map_delete_elem(struct weir_map *map, const void *key)
{
	return map->type->remove(map, key);
}

long bpf_for_each_map_elem(struct weir_map *map, weir_each callback, void *context, __u64 flags)
{
	if (flags)
		return -WEIR_EINVAL;
	return map->type->each(map, callback, context);
}
