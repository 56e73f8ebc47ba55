/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The program of frames under a test run with repeats, which hands the same frame in each time: these wrappers first put
 * its headers back as they were, and may let it come from another client each time. `bench_restore_*` do only that, so
 * that its cost can be told apart.
 */
#include "../programs/xdp.h"

#define BENCH_HEADERS 80

/* Clients to rotate through: a power of two; 1 leaves the frame alone. */
const volatile __u32 bench_flows = 1;
/* The frame's first bytes. */
const volatile __u8 bench_headers[BENCH_HEADERS];

static __u32 turn;

/* The client's port is the turn's lower half; the end of its address is that of the frame, and the upper half more. */
WEIR_INLINE int restore(struct weir_frame *frame, int family)
{
	const volatile __u64 *from = (const volatile __u64 *)bench_headers;
	void *data = weir_packet_start(frame);
	__u64 *to = data;

	if (data + BENCH_HEADERS > weir_packet_end(frame))
		return -1;
#pragma clang loop unroll(full)
	for (int i = 0; i < (family == 4 ? 7 : 10); i++)
		to[i] = from[i];
	if (bench_flows > 1) {
		const __u32 now = turn++ & (bench_flows - 1);

		*(__u16 *)(data + (family == 4 ? 34 : 54)) = weir_be16(now);
		if (bench_flows > 65536) {
			__u16 *end = data + (family == 4 ? 28 : 36);

			*end = weir_be16(weir_be16(*end) + (now >> 16));
		}
	}
	return 0;
}

SEC("xdp")
int bench_empty(struct weir_frame *frame)
{
	(void)frame;
	return XDP_PASS;
}

#define BENCH(family)                                                                                             \
	SEC("xdp") int bench_restore_##family(struct weir_frame *frame)                                           \
	{                                                                                                         \
		return restore(frame, family) ? XDP_ABORTED : XDP_PASS;                                           \
	}                                                                                                         \
	SEC("xdp") int bench_frame_##family(struct weir_frame *frame)                                             \
	{                                                                                                         \
		if (restore(frame, family))                                                                       \
			return XDP_ABORTED;                                                                       \
		return weir_xdp_run(frame);                                                                       \
	}

BENCH(4)
BENCH(6)

char weir_license[] SEC("license") = "Dual BSD/GPL";
