/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Memory: libc's natively (so that sanitizers see each block), free lists by size over a growing top in WebAssembly. */
#ifndef WEIR_MEMORY_HEAP_H
#define WEIR_MEMORY_HEAP_H

#include "../include/weir/types.h"

#ifdef __wasm__

typedef __SIZE_TYPE__ weir_size;
void *memcpy(void *to, const void *from, weir_size length);
void *memset(void *to, int byte, weir_size length);
int memcmp(const void *one, const void *other, weir_size length);
/* Zeroed and aligned to eight; null when memory is at its end. */
void *weir_allocate(weir_size length);
void weir_release(void *block);

#else

#include <stdlib.h>
#include <string.h>

typedef size_t weir_size;
static inline void *weir_allocate(weir_size length)
{
	return calloc(1, length);
}
static inline void weir_release(void *block)
{
	free(block);
}

#endif
#endif
