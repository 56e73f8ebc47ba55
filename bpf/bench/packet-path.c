/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The endpoint program under a test run with repeats, which hands the same packet in each time: these wrappers first put
 * the packet back as it was (addresses on the link, TTL) and may take another source port each time. `bench_restore_*` do
 * only that, so that its cost can be told apart.
 */
#ifdef BENCH_COUNTED
#include "counted.h"
#endif
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

/*
 * What one call of a map costs, on the entries that the packet meets: each of these makes BENCH_CALLS of them. Their keys
 * come from user space, so that the compiler knows nothing of them.
 */
#define BENCH_CALLS 8
const volatile __u32 bench_address;  /* of the receiver, as it lies in memory */
const volatile __u32 bench_subject;  /* of the receiver */
const volatile __u32 bench_class;    /* of the sender */
const volatile __u32 bench_row;      /* chunk of the row of that cell */
const volatile __u32 bench_slot;     /* of the receiver */
__u64 bench_sum;

#define BENCH_LOOKUP(title, map, key_type, make_key)                                                              \
	SEC("tc") int bench_lookup_##title(struct weir_skb *skb)                                                  \
	{                                                                                                         \
		__u64 sum = 0;                                                                                    \
		int i;                                                                                            \
		if (restore(skb, 4))                                                                              \
			return TC_ACT_SHOT;                                                                       \
		_Pragma("clang loop unroll(full)") for (i = 0; i < BENCH_CALLS; i++) {                            \
			key_type key = make_key;                                                                  \
			const __u32 *found = bpf_map_lookup_elem(&map, &key);                                     \
			if (found)                                                                                \
				sum += *found;                                                                    \
		}                                                                                                 \
		bench_sum = sum;                                                                                  \
		return TC_ACT_OK;                                                                                 \
	}

BENCH_LOOKUP(addr4, weir_addr4, __u32, bench_address)
BENCH_LOOKUP(endpoints, weir_endpoints, __u32, bench_slot)
BENCH_LOOKUP(rows, weir_rows, __u32, bench_row)
BENCH_LOOKUP(counters, weir_counters, __u32, WEIR_PASSED)
BENCH_LOOKUP(tallies, weir_tallies, __u32, WEIR_TALLY_FLOWS_OPENED)
BENCH_LOOKUP(budgets, weir_budgets, __u32, 0)
BENCH_LOOKUP(pair_seed, weir_pair_seed, __u32, 0)
BENCH_LOOKUP(pair_scratch, weir_pair_scratch, __u32, 0)
#define BENCH_CELL {.subject = bench_subject, .direction = WEIR_INGRESS, .peer_class = bench_class}
BENCH_LOOKUP(cells, weir_cells, struct weir_cell_key, BENCH_CELL)
#define BENCH_PREFIX {.length = 32, .address = {203, 0, 113, 7}}
BENCH_LOOKUP(pfx4, weir_pfx4, struct weir_prefix4, BENCH_PREFIX)
#define BENCH_FRONTEND {.address = {203, 0, 113, 7}, .port = 80, .protocol = 6, .scope = WEIR_INTERNAL}
BENCH_LOOKUP(frontends4, weir_frontends4, struct weir_frontend4_key, BENCH_FRONTEND)

/* Of a flow that isn't rewritten, to an address that is no service's. */
SEC("tc")
int bench_lookup_nat4(struct weir_skb *skb)
{
	__u64 sum = 0;

	if (restore(skb, 4))
		return TC_ACT_SHOT;
#pragma clang loop unroll(full)
	for (int i = 0; i < BENCH_CALLS; i++) {
		const struct weir_tuple tuple = {
			.source.word[0] = bench_address,
			.destination.word[0] = bench_address,
			.destination_port = 80,
			.family = 4,
			.protocol = 6,
		};

		sum += weir_nat_look(&tuple, WEIR_PAIR_BY_DESTINATION);
	}
	bench_sum = sum;
	return TC_ACT_OK;
}

WEIR_INLINE int flow_key(struct weir_skb *skb, union weir_ct_key *key)
{
	struct weir_packet packet = {};

	if (restore(skb, 4) || weir_parse(skb, &packet))
		return -1;
	weir_ct_key_of(key, &packet, weir_side(&packet));
	return 0;
}

/* The key's making alone, to be taken off the ones below. */
SEC("tc")
int bench_flow_key(struct weir_skb *skb)
{
	union weir_ct_key key = {};

	if (flow_key(skb, &key))
		return TC_ACT_SHOT;
	bench_sum = key.v4.address[0] ^ key.v4.port[0] ^ key.v4.port[1];
	return TC_ACT_OK;
}

SEC("tc")
int bench_lookup_ct4(struct weir_skb *skb)
{
	union weir_ct_key key = {};
	const struct weir_ct *found;

	if (flow_key(skb, &key))
		return TC_ACT_SHOT;
	found = bpf_map_lookup_elem(&weir_ct4, &key);
	if (found)
		bench_sum = found->generation;
	return TC_ACT_OK;
}

/* Puts in what isn't there and takes it out again. */
SEC("tc")
int bench_insert_ct4(struct weir_skb *skb)
{
	union weir_ct_key key = {};
	struct weir_ct entry = {};

	if (flow_key(skb, &key))
		return TC_ACT_SHOT;
	bpf_map_delete_elem(&weir_ct4, &key);
	bpf_map_update_elem(&weir_ct4, &key, &entry, BPF_ANY);
	return TC_ACT_OK;
}

SEC("tc")
int bench_delete_ct4(struct weir_skb *skb)
{
	union weir_ct_key key = {};

	if (flow_key(skb, &key))
		return TC_ACT_SHOT;
	bpf_map_delete_elem(&weir_ct4, &key);
	return TC_ACT_OK;
}

char weir_license[] SEC("license") = "Dual BSD/GPL";
