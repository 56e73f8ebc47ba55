// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Maps of several kinds, variables, and programs that show what reached them. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

enum color {
	RED = 1,
	BLUE = 7,
};

struct flow_key {
	__u32 address;
	__u16 port;
	__u8 protocol;
	__u8 pad;
};

struct flow_value {
	__u64 packets;
	__u32 low : 5, high : 27;
	enum color color;
	__u8 mac[6];
	__u16 pad;
	__s32 balance;
	_Bool known;
	__u8 pad2[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} runs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct inner_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner_map);
} outer SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} jumps SEC(".maps");

const volatile __u32 answer = 42;
const volatile __s16 small = -1;
__u64 counter = 5;

static __always_inline void count(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&runs, &slot);
	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("tc")
int tc_answer(struct __sk_buff *skb)
{
	count(0);
	return answer;
}

/* TC_ACT_UNSPEC: whatever comes next decides. */
SEC("tc")
int tc_count_and_continue(struct __sk_buff *skb)
{
	count(1);
	return -1;
}

SEC("tc")
int tc_drop(struct __sk_buff *skb)
{
	count(2);
	return TC_ACT_SHOT;
}

SEC("tc")
int tc_mark(struct __sk_buff *skb)
{
	skb->mark += 1;
	return small;
}

SEC("tc")
int tc_jump(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jumps, 1);
	return 1000;
}

SEC("xdp")
int xdp_swap_first(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u8 first;

	if (data + 2 > end)
		return XDP_ABORTED;
	first = data[0];
	data[0] = data[1];
	data[1] = first;
	count(3);
	return XDP_PASS;
}

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("cgroup/connect4")
int refuse_connect4(struct bpf_sock_addr *ctx)
{
	return 0;
}

SEC("cgroup/connect4")
int allow_connect4(struct bpf_sock_addr *ctx)
{
	count(3);
	return 1;
}

/* Writes `records` records, numbered from `first`; how many found no room comes back. */
struct emit_args {
	__u32 records;
	__u32 first;
	__u32 refused;
	__u32 sum;
};

struct record {
	__u32 number;
	__u32 pad[15];
};

/* Globals: the verifier doesn't follow their values, so the loop's states converge. */
__u32 emit_first;
__u32 emit_refused;

static long emit_one(__u32 index, void *unused)
{
	struct record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (!record) {
		emit_refused++;
		return 0;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->number = emit_first + index;
	bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("syscall")
int emit(struct emit_args *ctx)
{
	emit_first = ctx->first;
	emit_refused = 0;
	bpf_loop(ctx->records, emit_one, NULL, 0);
	ctx->refused = emit_refused;
	ctx->sum = ctx->records + ctx->first;
	return emit_refused ? 1 : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
