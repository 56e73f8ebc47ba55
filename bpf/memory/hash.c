/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Hash maps, and LRU ones: the entry that no lookup or update has touched for longest goes when the map is full. (The
 * kernel's LRU is approximate and evicts in batches; both never refuse an update.)
 */
#include <linux/bpf.h>

#include "heap.h"
#include "map.h"

struct node {
	struct node *next;           /* in the bucket */
	struct node *newer, *older;  /* by last use */
	__u32 hash;
	__u32 pad;
};

struct table {
	struct node **buckets;
	__u32 mask;
	struct node *newest, *oldest;
};

static __u32 padded(__u32 length)
{
	return (length + 7) & ~7u;
}

static void *key_of(const struct node *node)
{
	return (void *)(node + 1);
}

static void *value_of(const struct weir_map *map, const struct node *node)
{
	return (__u8 *)(node + 1) + padded(map->key_size);
}

static __u32 hash_of(const __u8 *key, __u32 length)
{
	__u32 hash = 2166136261u;

	for (__u32 i = 0; i < length; i++)
		hash = (hash ^ key[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static struct table *table_of(struct weir_map *map)
{
	struct table *table = map->state;

	if (table)
		return table;
	table = weir_allocate(sizeof(*table));
	if (!table)
		return 0;
	table->mask = 63;
	table->buckets = weir_allocate((table->mask + 1) * sizeof(*table->buckets));
	if (!table->buckets) {
		weir_release(table);
		return 0;
	}
	map->state = table;
	return table;
}

static struct node *find(struct weir_map *map, struct table *table, const void *key, __u32 hash)
{
	struct node *node;

	for (node = table->buckets[hash & table->mask]; node; node = node->next)
		if (node->hash == hash && !memcmp(key_of(node), key, map->key_size))
			return node;
	return 0;
}

static void unlink_use(struct table *table, struct node *node)
{
	*(node->newer ? &node->newer->older : &table->newest) = node->older;
	*(node->older ? &node->older->newer : &table->oldest) = node->newer;
}

static void link_newest(struct table *table, struct node *node)
{
	node->newer = 0;
	node->older = table->newest;
	*(table->newest ? &table->newest->newer : &table->oldest) = node;
	table->newest = node;
}

static void use(struct weir_map *map, struct table *table, struct node *node)
{
	if (map->kind != BPF_MAP_TYPE_LRU_HASH || table->newest == node)
		return;
	unlink_use(table, node);
	link_newest(table, node);
}

static void drop(struct weir_map *map, struct table *table, struct node *node)
{
	struct node **link = &table->buckets[node->hash & table->mask];

	while (*link != node)
		link = &(*link)->next;
	*link = node->next;
	unlink_use(table, node);
	weir_release(node);
	map->count--;
}

/* Keeps chains short; when there is no memory for more buckets they only get longer. */
static void widen(struct table *table)
{
	const __u32 mask = table->mask * 2 + 1;
	struct node **buckets = weir_allocate((weir_size)(mask + 1) * sizeof(*buckets));

	if (!buckets)
		return;
	for (__u32 i = 0; i <= table->mask; i++) {
		struct node *node = table->buckets[i], *next;

		for (; node; node = next) {
			next = node->next;
			node->next = buckets[node->hash & mask];
			buckets[node->hash & mask] = node;
		}
	}
	weir_release(table->buckets);
	table->buckets = buckets;
	table->mask = mask;
}

static void *lookup(struct weir_map *map, const void *key)
{
	struct table *table = table_of(map);
	struct node *node = table ? find(map, table, key, hash_of(key, map->key_size)) : 0;

	if (!node)
		return 0;
	use(map, table, node);
	return value_of(map, node);
}

static long update(struct weir_map *map, const void *key, const void *value, __u64 flags)
{
	struct table *table = table_of(map);
	const __u32 hash = hash_of(key, map->key_size);
	struct node *node;

	if (flags > BPF_EXIST)
		return -WEIR_EINVAL;
	if (!table)
		return -WEIR_ENOMEM;
	node = find(map, table, key, hash);
	if (node && flags == BPF_NOEXIST)
		return -WEIR_EEXIST;
	if (!node && flags == BPF_EXIST)
		return -WEIR_ENOENT;
	if (node) {
		memcpy(value_of(map, node), value, map->value_size);
		use(map, table, node);
		return 0;
	}
	if (map->count >= map->max_entries) {
		if (map->kind != BPF_MAP_TYPE_LRU_HASH)
			return -WEIR_E2BIG;
		drop(map, table, table->oldest);
	}
	node = weir_allocate(sizeof(*node) + padded(map->key_size) + map->value_size);
	if (!node)
		return -WEIR_ENOMEM;
	node->hash = hash;
	memcpy(key_of(node), key, map->key_size);
	memcpy(value_of(map, node), value, map->value_size);
	if (map->count > table->mask)
		widen(table);
	node->next = table->buckets[hash & table->mask];
	table->buckets[hash & table->mask] = node;
	link_newest(table, node);
	map->count++;
	return 0;
}

static long remove_key(struct weir_map *map, const void *key)
{
	struct table *table = table_of(map);
	struct node *node = table ? find(map, table, key, hash_of(key, map->key_size)) : 0;

	if (!node)
		return -WEIR_ENOENT;
	drop(map, table, node);
	return 0;
}

static const void *next(struct weir_map *map, const void *key)
{
	struct table *table = table_of(map);
	struct node *node;
	__u32 bucket = 0;

	if (!table)
		return 0;
	node = key ? find(map, table, key, hash_of(key, map->key_size)) : 0;
	if (node) {
		if (node->next)
			return key_of(node->next);
		bucket = (node->hash & table->mask) + 1;
	}
	for (; bucket <= table->mask; bucket++)
		if (table->buckets[bucket])
			return key_of(table->buckets[bucket]);
	return 0;
}

/* The callback may remove the entry that it is called with. */
static long each(struct weir_map *map, weir_each callback, void *context)
{
	struct table *table = table_of(map);
	struct node *node, *after;
	long done = 0;

	for (__u32 i = 0; table && i <= table->mask; i++) {
		for (node = table->buckets[i]; node; node = after) {
			after = node->next;
			done++;
			if (callback(map, key_of(node), value_of(map, node), context))
				return done;
		}
	}
	return done;
}

const struct weir_map_type weir_map_hash = {lookup, update, remove_key, next, each};
