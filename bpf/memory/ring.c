/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The ring buffer: records in order of reservation, and as much room as the kernel's ring of that size has.
 */
#include "heap.h"
#include "calls.h"
#include "map.h"

struct record {
	struct record *next;
	__u32 length;
	__u32 ready;
};

struct ring {
	struct record *first, *last;
	struct record *taken; /* handed out, freed by the next take */
	__u32 used;
};

/* A record has a header of eight bytes and is padded to eight, in the kernel too. */
static __u32 room(__u32 length)
{
	return (length + 8 + 7) & ~7u;
}

static void *lookup(struct weir_map *map, const void *key)
{
	(void)map;
	(void)key;
	return 0;
}

static long update(struct weir_map *map, const void *key, const void *value, __u64 flags)
{
	(void)map;
	(void)key;
	(void)value;
	(void)flags;
	return -WEIR_EINVAL;
}

static long remove_key(struct weir_map *map, const void *key)
{
	(void)map;
	(void)key;
	return -WEIR_EINVAL;
}

static const void *next(struct weir_map *map, const void *key)
{
	(void)map;
	(void)key;
	return 0;
}

static long each(struct weir_map *map, weir_each callback, void *context)
{
	(void)map;
	(void)callback;
	(void)context;
	return -WEIR_EINVAL;
}

const struct weir_map_type weir_map_ring = {lookup, update, remove_key, next, each};

void *bpf_ringbuf_reserve(struct weir_map *map, __u64 size, __u64 flags)
{
	struct ring *ring = map->state;
	struct record *record;

	(void)flags;
	if (!ring)
		ring = map->state = weir_allocate(sizeof(*ring));
	if (!ring || size > map->max_entries || ring->used + room(size) > map->max_entries - 1)
		return 0;
	record = weir_allocate(sizeof(*record) + size);
	if (!record)
		return 0;
	record->length = size;
	*(ring->last ? &ring->last->next : &ring->first) = record;
	ring->last = record;
	ring->used += room(size);
	return record + 1;
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	(void)flags;
	((struct record *)data - 1)->ready = 1;
}

__u64 bpf_ringbuf_query(struct weir_map *map, __u64 what)
{
	const struct ring *ring = map->state;

	(void)what;
	return ring ? ring->used : 0;
}

const void *weir_ring_take(struct weir_map *map, __u32 *length)
{
	struct ring *ring = map->state;
	struct record *record;

	if (!ring)
		return 0;
	weir_release(ring->taken);
	ring->taken = 0;
	record = ring->first;
	if (!record || !record->ready)
		return 0;
	ring->first = record->next;
	if (!ring->first)
		ring->last = 0;
	ring->used -= room(record->length);
	ring->taken = record;
	*length = record->length;
	return record + 1;
}
