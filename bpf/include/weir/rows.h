/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The verdict of a cell: subject, direction and peer class give a row, protocol and port a step in it. */
#ifndef WEIR_ROWS_H
#define WEIR_ROWS_H

#include "port.h"
#include "reasons.h"

#define WEIR_NO_POLICY_WORD (WEIR_DENY | WEIR_NO_POLICY << 8)

WEIR_INLINE const struct weir_row_chunk *weir_chunk(__u32 index)
{
	return bpf_map_lookup_elem(&weir_rows, &index);
}

/* The last step whose key isn't above `key`; the first step's key is 0, so there always is one. */
WEIR_INLINE __u32 weir_step_verdict(const struct weir_row_chunk *chunk, __u32 key)
{
	__u32 at = 0;

	at += (chunk->key[8] <= key) * 8;
	at += (chunk->key[at + 4] <= key) * 4;
	at += (chunk->key[at + 2] <= key) * 2;
	at += (chunk->key[at + 1] <= key) * 1;
	return chunk->verdict[at & (WEIR_STEPS - 1)];
}

WEIR_INLINE __u32 weir_row_verdict(const struct weir_cell *cell, __u32 key)
{
	const struct weir_row_chunk *chunk;
	__u32 low = cell->first, count = cell->chunks;
	int step;

	/* Halves `count` from at most WEIR_CHUNKS_MOST down to 1. */
#pragma clang loop unroll(disable)
	for (step = 0; step < 12 && count > 1; step++) {
		const __u32 half = count / 2;

		chunk = weir_chunk(low + half);
		if (!chunk)
			return WEIR_NO_POLICY_WORD;
		if (chunk->key[0] <= key) {
			low += half;
			count -= half;
		} else {
			count = half;
		}
	}
	if (count != 1)
		return WEIR_NO_POLICY_WORD;
	chunk = weir_chunk(low);
	if (!chunk)
		return WEIR_NO_POLICY_WORD;
	return weir_step_verdict(chunk, key);
}

/* A verdict word. Fails closed: a subject without a cell is one whose policy isn't known. */
WEIR_GLOBAL __u32 weir_cell_verdict(__u32 subject, __u32 direction, __u32 peer_class, __u32 key)
{
	struct weir_cell_key cell_key = {.subject = subject};
	const struct weir_cell *cell;

	/* No table knows the peer, not even the widest prefix: they aren't filled yet. */
	if (!peer_class)
		return WEIR_NO_POLICY_WORD;
	cell_key.direction = direction;
	cell_key.peer_class = peer_class;
	cell = bpf_map_lookup_elem(&weir_cells, &cell_key);
	if (!cell) {
		cell_key.peer_class = 0;
		cell = bpf_map_lookup_elem(&weir_cells, &cell_key);
	}
	if (!cell)
		return WEIR_NO_POLICY_WORD;
	return weir_row_verdict(cell, key);
}

#endif
