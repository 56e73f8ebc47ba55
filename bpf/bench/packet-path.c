/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The endpoint program under a test run with repeats, which hands the same packet in each time: these wrappers first put
 * the packet back as it was (addresses on the link, TTL) and may take another source port each time. `bench_restore_*` do
 * only that, so that its cost can be told apart.
 */
#include "../programs/from_endpoint.h"

/* Flows to rotate through: a power of two; 1 leaves the ports alone. */
const volatile __u32 bench_flows = 1;
/* The frame's first twelve bytes. */
const volatile __u8 bench_macs[12];
const volatile __u32 bench_check; /* the IPv4 header's sum at TTL 64, as it lies in memory */

static __u32 turn;

WEIR_INLINE int restore(struct weir_skb *skb, int family)
{
	void *data = weir_packet_start(skb);
	__u16 *port = data + (family == 4 ? 34 : 54);

	if (data + 74 > weir_packet_end(skb))
		return -1;
	*(__u32 *)data = *(const volatile __u32 *)bench_macs;
	*(__u32 *)(data + 4) = *(const volatile __u32 *)(bench_macs + 4);
	*(__u32 *)(data + 8) = *(const volatile __u32 *)(bench_macs + 8);
	if (family == 4) {
		struct iphdr *ip = data + ETH_HLEN;

		ip->ttl = 64;
		ip->check = bench_check;
	} else {
		struct ipv6hdr *ip = data + ETH_HLEN;

		ip->hop_limit = 64;
	}
	if (bench_flows > 1)
		*port = weir_be16(turn++ & (bench_flows - 1));
	return 0;
}

SEC("tc")
int bench_empty(struct weir_skb *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

SEC("tc")
int bench_restore_4(struct weir_skb *skb)
{
	return restore(skb, 4) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int bench_restore_6(struct weir_skb *skb)
{
	return restore(skb, 6) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int bench_packet_4(struct weir_skb *skb)
{
	if (restore(skb, 4))
		return TC_ACT_SHOT;
	return weir_from_endpoint_run(skb);
}

SEC("tc")
int bench_packet_6(struct weir_skb *skb)
{
	if (restore(skb, 6))
		return TC_ACT_SHOT;
	return weir_from_endpoint_run(skb);
}

/* As above, and the flow is forgotten each time: what a new flow costs, with the cost of forgetting. */
WEIR_INLINE void forget(struct weir_skb *skb)
{
	struct weir_packet packet = {};
	union weir_ct_key key = {};

	if (weir_parse(skb, &packet))
		return;
	weir_ct_key_of(&key, &packet, weir_side(&packet));
	bpf_map_delete_elem(&weir_ct4, &key);
}

SEC("tc")
int bench_forget_4(struct weir_skb *skb)
{
	if (restore(skb, 4))
		return TC_ACT_SHOT;
	forget(skb);
	return TC_ACT_OK;
}

SEC("tc")
int bench_new_4(struct weir_skb *skb)
{
	if (restore(skb, 4))
		return TC_ACT_SHOT;
	forget(skb);
	return weir_from_endpoint_run(skb);
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
