/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Longest prefix match: a hash of (length, masked address), asked once per length in use, longest first.
 */
#include <linux/bpf.h>

#include "heap.h"
#include "map.h"

/* Two IPv6 addresses. */
#define LONGEST 256
#define KEY_MOST (4 + LONGEST / 8)

struct prefixes {
	struct weir_map exact;
	__u32 of_length[LONGEST + 1];
};

static __u32 bits(const struct weir_map *map)
{
	return (map->key_size - 4) * 8;
}

/* Host bits count for nothing. */
static void masked(const struct weir_map *map, __u8 *to, const void *key, __u32 length)
{
	const __u32 whole = length / 8;

	memset(to, 0, KEY_MOST);
	memcpy(to, &length, 4);
	memcpy(to + 4, (const __u8 *)key + 4, whole);
	if (length % 8)
		to[4 + whole] = ((const __u8 *)key)[4 + whole] & (__u8)(0xff00 >> length % 8);
	(void)map;
}

static struct prefixes *prefixes_of(struct weir_map *map)
{
	struct prefixes *prefixes = map->state;

	if (prefixes)
		return prefixes;
	prefixes = weir_allocate(sizeof(*prefixes));
	if (!prefixes)
		return 0;
	prefixes->exact.type = &weir_map_hash;
	prefixes->exact.kind = BPF_MAP_TYPE_HASH;
	prefixes->exact.key_size = map->key_size;
	prefixes->exact.value_size = map->value_size;
	prefixes->exact.max_entries = map->max_entries;
	map->state = prefixes;
	return prefixes;
}

static __u32 length_of(const void *key)
{
	__u32 length;

	memcpy(&length, key, 4);
	return length;
}

static void *lookup(struct weir_map *map, const void *key)
{
	struct prefixes *prefixes = prefixes_of(map);
	__u32 length = length_of(key);
	__u8 exact[KEY_MOST];

	if (!prefixes || length > bits(map))
		return 0;
	for (;; length--) {
		if (prefixes->of_length[length]) {
			void *found;

			masked(map, exact, key, length);
			found = weir_map_hash.lookup(&prefixes->exact, exact);
			if (found)
				return found;
		}
		if (!length)
			return 0;
	}
}

static long update(struct weir_map *map, const void *key, const void *value, __u64 flags)
{
	struct prefixes *prefixes = prefixes_of(map);
	const __u32 length = length_of(key);
	__u8 exact[KEY_MOST];
	long result;

	if (length > bits(map))
		return -WEIR_EINVAL;
	if (!prefixes)
		return -WEIR_ENOMEM;
	masked(map, exact, key, length);
	result = weir_map_hash.update(&prefixes->exact, exact, value, flags);
	if (result == -WEIR_E2BIG)
		return -WEIR_ENOSPC;
	if (!result && prefixes->exact.count != map->count) {
		map->count = prefixes->exact.count;
		prefixes->of_length[length]++;
	}
	return result;
}

static long remove_key(struct weir_map *map, const void *key)
{
	struct prefixes *prefixes = prefixes_of(map);
	const __u32 length = length_of(key);
	__u8 exact[KEY_MOST];
	long result;

	if (length > bits(map))
		return -WEIR_EINVAL;
	if (!prefixes)
		return -WEIR_ENOENT;
	masked(map, exact, key, length);
	result = weir_map_hash.remove(&prefixes->exact, exact);
	if (!result) {
		map->count--;
		prefixes->of_length[length]--;
	}
	return result;
}

static const void *next(struct weir_map *map, const void *key)
{
	struct prefixes *prefixes = prefixes_of(map);
	__u8 exact[KEY_MOST];

	if (!prefixes)
		return 0;
	if (key && length_of(key) <= bits(map)) {
		masked(map, exact, key, length_of(key));
		key = exact;
	} else {
		key = 0;
	}
	return weir_map_hash.next(&prefixes->exact, key);
}

static long each(struct weir_map *map, weir_each callback, void *context)
{
	(void)map;
	(void)callback;
	(void)context;
	return -WEIR_EINVAL;
}

const struct weir_map_type weir_map_lpm = {lookup, update, remove_key, next, each};
