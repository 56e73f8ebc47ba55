/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The programs at a device under a test run with repeats, which hands the same packet in each time: these wrappers first
 * put its headers back as they were. `bench_restore` does only that, so that its cost can be told apart.
 */
#include "../programs/from_device.h"
#include "../programs/to_device.h"

/* Ethernet, IPv6 and TCP at most: a multiple of eight bytes from the frame's start. */
#define BENCH_HEADERS 72

const volatile __u64 bench_frame[BENCH_HEADERS / 8];

WEIR_INLINE int restore(struct weir_skb *skb)
{
	__u64 *data = weir_packet_start(skb);

	if ((void *)data + BENCH_HEADERS > weir_packet_end(skb))
		return -1;
	_Pragma("clang loop unroll(full)") for (int i = 0; i < BENCH_HEADERS / 8; i++) data[i] = bench_frame[i];
	return 0;
}

SEC("tc")
int bench_restore(struct weir_skb *skb)
{
	return restore(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int bench_out(struct weir_skb *skb)
{
	return restore(skb) ? TC_ACT_SHOT : weir_to_device_run(skb);
}

SEC("tc")
int bench_in(struct weir_skb *skb)
{
	return restore(skb) ? TC_ACT_SHOT : weir_from_device_run(skb);
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
