/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "heap.h"

#ifdef __wasm__

#define WEIR_PAGE 65536
#define WEIR_CLASSES 32

/* In front of each block: its size class, a power of two of the whole. Freed blocks of a class form a list. */
struct weir_block {
	__u32 class;
	__u32 pad;
};

struct weir_free {
	struct weir_free *next;
};

extern __u8 __heap_base;

static weir_size top;
static struct weir_free *lists[WEIR_CLASSES];

void *memcpy(void *to, const void *from, weir_size length)
{
	__builtin_memcpy(to, from, length);
	return to;
}

void *memset(void *to, int byte, weir_size length)
{
	__builtin_memset(to, byte, length);
	return to;
}

int memcmp(const void *one, const void *other, weir_size length)
{
	const __u8 *a = one, *b = other;

	for (weir_size i = 0; i < length; i++)
		if (a[i] != b[i])
			return a[i] - b[i];
	return 0;
}

static void *grow(weir_size length)
{
	weir_size block, end;

	if (!top)
		top = ((weir_size)&__heap_base + 15) & ~(weir_size)15;
	block = top;
	end = block + length;
	if (end < block)
		return 0;
	if (end > __builtin_wasm_memory_size(0) * (weir_size)WEIR_PAGE) {
		const weir_size missing = end - __builtin_wasm_memory_size(0) * (weir_size)WEIR_PAGE;
		const weir_size pages = (missing + WEIR_PAGE - 1) / WEIR_PAGE;

		if (__builtin_wasm_memory_grow(0, pages) == (weir_size)-1)
			return 0;
	}
	top = end;
	return (void *)block;
}

void *weir_allocate(weir_size length)
{
	const weir_size whole = length + sizeof(struct weir_block);
	struct weir_block *block;
	__u32 class = 4;

	while (class < WEIR_CLASSES - 1 && ((weir_size)1 << class) < whole)
		class++;
	if (((weir_size)1 << class) < whole)
		return 0;
	if (lists[class]) {
		struct weir_free *reused = lists[class];

		lists[class] = reused->next;
		block = (struct weir_block *)reused - 1;
		__builtin_memset(reused, 0, ((weir_size)1 << class) - sizeof(*block));
		return reused;
	}
	block = grow((weir_size)1 << class);
	if (!block)
		return 0;
	block->class = class;
	return block + 1;
}

void weir_release(void *released)
{
	struct weir_block *block = released;
	struct weir_free *entry = released;

	if (!released)
		return;
	block--;
	entry->next = lists[block->class];
	lists[block->class] = entry;
}

#else

typedef int weir_heap_is_of_libc;

#endif
