/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Maps over linear memory. Results are those of bpf(2): 0 or a negative errno.
 */
#ifndef WEIR_MEMORY_MAP_H
#define WEIR_MEMORY_MAP_H

#include "../include/weir/types.h"

#define WEIR_ENOENT 2
#define WEIR_E2BIG 7
#define WEIR_ENOMEM 12
#define WEIR_EBUSY 16
#define WEIR_EEXIST 17
#define WEIR_EINVAL 22
#define WEIR_ENOSPC 28

typedef long (*weir_each)(void *, const void *, void *, void *);

struct weir_map;

/* What a map type can do. `next`: the key after *key, or the first one when key is null or not there. */
struct weir_map_type {
	void *(*lookup)(struct weir_map *map, const void *key);
	long (*update)(struct weir_map *map, const void *key, const void *value, __u64 flags);
	long (*remove)(struct weir_map *map, const void *key);
	const void *(*next)(struct weir_map *map, const void *key);
	long (*each)(struct weir_map *map, weir_each callback, void *context);
};

struct weir_map {
	const char *name;
	const struct weir_map_type *type;
	__u32 kind; /* enum bpf_map_type */
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u32 count;
	void *state; /* the type's own; made at first use */
};

extern const struct weir_map_type weir_map_hash, weir_map_lpm, weir_map_array, weir_map_ring;

__u32 weir_map_total(void);
struct weir_map *weir_map_at(__u32 index);
/* Frees everything that the map holds. */
void weir_map_clear(struct weir_map *map);

/* The next record of a ring, or null; it is valid until the call after. */
const void *weir_ring_take(struct weir_map *ring, __u32 *length);

#endif
