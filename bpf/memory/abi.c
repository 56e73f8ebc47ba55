/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the WebAssembly module exports; bpf/README.md describes it for callers. Everything goes through buffers inside of
 * the module's memory, so that a call has numbers for arguments only.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "../include/weir/state.h"
#include "heap.h"
#include "map.h"
#include "packet.h"
#include "programs.h"
#include "socket.h"
#include "way.h"

#define EXPORT(name) __attribute__((export_name(#name))) name
#define KEY_MOST 64
#define VALUE_MOST 2048
#define PACKET_MOST 65600

#define WEIR_ABI 5

/* In and out of weir_run. */
struct weir_run {
	__u32 length;  /* in: of the packet; out: after the program */
	__u32 linear;  /* in: bytes that direct access reaches; 0: all */
	__u32 ifindex; /* in */
	__u32 mark;    /* in, out */
	__u32 vlan;    /* in: 1 when the device took a tag off */
	__s32 result;  /* out: what the program returned */
	__u32 redirect;         /* out: 0 none, 1 bpf_redirect, 2 bpf_redirect_peer, 3 bpf_redirect_neigh; only when result says so */
	__u32 redirect_ifindex; /* out */
	__u32 redirect_flags;   /* out */
	__u32 ingress_ifindex;  /* in: of the device that the packet came in by; 0: made here */
	__u32 vlan_tci;         /* in: of that tag: its VLAN in the lower 12 bits */
	struct weir_tunnelled tunnel; /* in, out: what it came within, or is to leave within */
};

/* In and out of weir_run for a program at a socket. */
struct weir_call {
	__u64 socket_cookie; /* in */
	__u64 netns_cookie;  /* in; 1: the node's own namespace */
	__u32 family;        /* in: AF_INET, AF_INET6 */
	__u32 type;          /* in: SOCK_STREAM, SOCK_DGRAM */
	__u32 protocol;      /* in: IPPROTO_* */
	__u32 port;          /* in, out */
	__u32 address[4];    /* in, out: network order; IPv4 in the first word */
	__s32 result;        /* out: what the program returned */
	__u32 error;         /* out: errno that it gave for a refusal; 0: none */
};

static __u8 key_buffer[KEY_MOST] __attribute__((aligned(8)));
static __u8 value_buffer[VALUE_MOST] __attribute__((aligned(8)));
static __u8 packet_buffer[PACKET_MOST] __attribute__((aligned(8)));
static struct weir_run run;
static struct weir_call call;
static struct weir_sweep sweep;
static __u32 record_length;

int EXPORT(weir_abi)(void)
{
	return WEIR_ABI;
}

void *EXPORT(weir_key)(void)
{
	return key_buffer;
}

void *EXPORT(weir_value)(void)
{
	return value_buffer;
}

void *EXPORT(weir_packet)(void)
{
	return packet_buffer;
}

__u32 EXPORT(weir_packet_most)(void)
{
	return PACKET_MOST;
}

void *EXPORT(weir_context)(void)
{
	return &run;
}

void *EXPORT(weir_call_context)(void)
{
	return &call;
}

void *EXPORT(weir_sweep_result)(void)
{
	return &sweep;
}

/* The table of the node's sockets, all empty until somebody fills them. */
struct weir_node_socket *EXPORT(weir_node_sockets)(void)
{
	return weir_node_socket_table;
}

__u32 EXPORT(weir_node_socket_most)(void)
{
	return WEIR_NODE_SOCKET_MOST;
}

/* The table of the node's ways, all empty until somebody fills them. */
struct weir_way *EXPORT(weir_ways)(void)
{
	return weir_way_table;
}

__u32 EXPORT(weir_way_most)(void)
{
	return WEIR_WAY_MOST;
}

void EXPORT(weir_set_clock)(__u64 nanoseconds)
{
	weir_clock = nanoseconds;
}

__u32 EXPORT(weir_map_count)(void)
{
	return weir_map_total();
}

const char *EXPORT(weir_map_name)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->name : 0;
}

__u32 EXPORT(weir_map_kind)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->kind : 0;
}

__u32 EXPORT(weir_map_key_size)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->key_size : 0;
}

__u32 EXPORT(weir_map_value_size)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->value_size : 0;
}

__u32 EXPORT(weir_map_max_entries)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->max_entries : 0;
}

__u32 EXPORT(weir_map_flags)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->flags : 0;
}

/* Entries of a hash or LPM map now. */
__u32 EXPORT(weir_map_entries)(__u32 map)
{
	return weir_map_at(map) ? weir_map_at(map)->count : 0;
}

/* Only while the map is unused. */
int EXPORT(weir_map_resize)(__u32 map, __u32 max_entries)
{
	struct weir_map *at = weir_map_at(map);

	if (!at || !max_entries)
		return -WEIR_EINVAL;
	if (at->state)
		return -WEIR_EBUSY;
	at->max_entries = max_entries;
	return 0;
}

/* Key in weir_key(), value to weir_value(). Doesn't count as use for LRU maps only in the kernel. */
int EXPORT(weir_map_lookup)(__u32 map)
{
	struct weir_map *at = weir_map_at(map);
	const void *found = at ? bpf_map_lookup_elem(at, key_buffer) : 0;

	if (!found)
		return -WEIR_ENOENT;
	memcpy(value_buffer, found, at->value_size);
	return 0;
}

int EXPORT(weir_map_update)(__u32 map, __u32 flags)
{
	struct weir_map *at = weir_map_at(map);

	return at ? (int)bpf_map_update_elem(at, key_buffer, value_buffer, flags) : -WEIR_EINVAL;
}

int EXPORT(weir_map_delete)(__u32 map)
{
	struct weir_map *at = weir_map_at(map);

	return at ? (int)bpf_map_delete_elem(at, key_buffer) : -WEIR_EINVAL;
}

/* The key after the one in weir_key(), or the first one (`first`, or when that key is gone), to weir_key(). */
int EXPORT(weir_map_next_key)(__u32 map, int first)
{
	struct weir_map *at = weir_map_at(map);
	const void *key = at ? at->type->next(at, first ? 0 : key_buffer) : 0;

	if (!key)
		return -WEIR_ENOENT;
	memcpy(key_buffer, key, at->key_size);
	return 0;
}

/* Where the values of an array lie, each at a multiple of 8 bytes; 0 while all are zero, and for maps of other kinds. */
const void *EXPORT(weir_map_values)(__u32 map)
{
	struct weir_map *at = weir_map_at(map);

	return at && (at->kind == BPF_MAP_TYPE_ARRAY || at->kind == BPF_MAP_TYPE_PERCPU_ARRAY) ? at->state : 0;
}

/* Takes a record off a ring buffer: its address, or 0. It is there until the next call. */
const void *EXPORT(weir_ring_next)(__u32 map)
{
	struct weir_map *at = weir_map_at(map);

	return at && !at->key_size ? weir_ring_take(at, &record_length) : 0;
}

__u32 EXPORT(weir_ring_length)(void)
{
	return record_length;
}

__u32 EXPORT(weir_config_count)(void)
{
	return weir_variable_total;
}

const char *EXPORT(weir_config_name)(__u32 variable)
{
	return variable < weir_variable_total ? weir_variables[variable].name : 0;
}

__u32 EXPORT(weir_config_size)(__u32 variable)
{
	return variable < weir_variable_total ? weir_variables[variable].size : 0;
}

volatile void *EXPORT(weir_config_at)(__u32 variable)
{
	return variable < weir_variable_total ? weir_variables[variable].at : 0;
}

enum {
	PROGRAM_FROM_ENDPOINT,
	PROGRAM_TO_ENDPOINT,
	PROGRAM_SWEEP,
	PROGRAM_FROM_DEVICE,
	PROGRAM_TO_DEVICE,
	PROGRAM_CONNECT4,
	PROGRAM_CONNECT6,
	PROGRAM_SENDMSG4,
	PROGRAM_SENDMSG6,
	PROGRAM_RECVMSG4,
	PROGRAM_RECVMSG6,
	PROGRAM_GETPEERNAME4,
	PROGRAM_GETPEERNAME6,
	PROGRAM_POST_BIND4,
	PROGRAM_POST_BIND6,
	PROGRAM_XDP, PROGRAM_FROM_OVERLAY, PROGRAM_TO_OVERLAY, PROGRAM_SWEEP_PAIRS,
	PROGRAMS,
};

static const char *const program_names[PROGRAMS] = {
	"weir_from_endpoint", "weir_to_endpoint", "weir_sweep", "weir_from_device", "weir_to_device", "weir_connect4",
	"weir_connect6", "weir_sendmsg4", "weir_sendmsg6", "weir_recvmsg4", "weir_recvmsg6", "weir_getpeername4",
	"weir_getpeername6", "weir_post_bind4", "weir_post_bind6", "weir_xdp", "weir_from_overlay", "weir_to_overlay",
	"weir_sweep_pairs",
};

__u32 EXPORT(weir_program_count)(void)
{
	return PROGRAMS;
}

const char *EXPORT(weir_program_name)(__u32 program)
{
	return program < PROGRAMS ? program_names[program] : 0;
}

static int run_packet(int (*program)(struct weir_skb *), int redirected)
{
	struct weir_skb skb = {
		.data = packet_buffer,
		.len = run.length,
		.capacity = PACKET_MOST,
		.ifindex = run.ifindex,
		.ingress_ifindex = run.ingress_ifindex,
		.mark = run.mark,
		.vlan_present = run.vlan,
		.vlan_tci = run.vlan_tci,
		.tunnel = run.tunnel,
	};

	if (run.length > PACKET_MOST || run.linear > run.length)
		return -WEIR_EINVAL;
	skb.data_end = packet_buffer + (run.linear ? run.linear : run.length);
	weir_packet_begin(&skb);
	run.result = program(&skb);
	weir_packet_end_of(&skb);
	run.length = skb.len;
	run.mark = skb.mark;
	run.tunnel = skb.tunnel;
	run.redirect = run.result == redirected ? skb.redirect : WEIR_REDIRECT_NONE;
	run.redirect_ifindex = skb.redirect_ifindex;
	run.redirect_flags = skb.redirect_flags;
	return 0;
}

static void begin_call(void)
{
	weir_caller.socket_cookie = call.socket_cookie;
	weir_caller.netns_cookie = call.netns_cookie;
	weir_caller.error = 0;
}

static int run_call(int (*program)(struct bpf_sock_addr *))
{
	struct bpf_sock_addr at = {
		.user_family = call.family,
		.user_port = weir_be16(call.port),
		.family = call.family,
		.type = call.type,
		.protocol = call.protocol,
	};

	begin_call();
	at.user_ip4 = call.address[0];
	memcpy(at.user_ip6, call.address, sizeof(at.user_ip6));
	call.result = program(&at);
	call.error = weir_caller.error;
	call.port = weir_be16(at.user_port);
	memcpy(call.address, at.user_ip6, sizeof(at.user_ip6));
	if (call.family == 2)
		call.address[0] = at.user_ip4;
	return 0;
}

static int run_bind(int (*program)(struct bpf_sock *))
{
	struct bpf_sock socket = {
		.family = call.family,
		.type = call.type,
		.protocol = call.protocol,
		.src_ip4 = call.address[0],
		.src_port = call.port,
	};

	begin_call();
	memcpy(socket.src_ip6, call.address, sizeof(socket.src_ip6));
	call.result = program(&socket);
	call.error = weir_caller.error;
	return 0;
}

static int (*const packet_programs[PROGRAMS])(struct weir_skb *) = {
	[PROGRAM_FROM_ENDPOINT] = weir_from_endpoint, [PROGRAM_TO_ENDPOINT] = weir_to_endpoint,
	[PROGRAM_FROM_DEVICE] = weir_from_device,     [PROGRAM_TO_DEVICE] = weir_to_device,
	[PROGRAM_XDP] = weir_xdp,                     [PROGRAM_SWEEP_PAIRS] = weir_sweep_pairs,
	[PROGRAM_FROM_OVERLAY] = weir_from_overlay,   [PROGRAM_TO_OVERLAY] = weir_to_overlay,
};

static int (*const call_programs[PROGRAMS])(struct bpf_sock_addr *) = {
	[PROGRAM_CONNECT4] = weir_connect4,         [PROGRAM_CONNECT6] = weir_connect6,
	[PROGRAM_SENDMSG4] = weir_sendmsg4,         [PROGRAM_SENDMSG6] = weir_sendmsg6,
	[PROGRAM_RECVMSG4] = weir_recvmsg4,         [PROGRAM_RECVMSG6] = weir_recvmsg6,
	[PROGRAM_GETPEERNAME4] = weir_getpeername4, [PROGRAM_GETPEERNAME6] = weir_getpeername6,
};

/* 0, or -EINVAL when there is no such program or the packet doesn't fit. */
int EXPORT(weir_run)(__u32 program)
{
	if (program >= PROGRAMS)
		return -WEIR_EINVAL;
	if (packet_programs[program])
		return run_packet(packet_programs[program], program == PROGRAM_XDP ? XDP_REDIRECT : TC_ACT_REDIRECT);
	if (call_programs[program])
		return run_call(call_programs[program]);
	if (program != PROGRAM_SWEEP)
		return run_bind(program == PROGRAM_POST_BIND4 ? weir_post_bind4 : weir_post_bind6);
	run.result = weir_sweep(&sweep);
	return 0;
}
