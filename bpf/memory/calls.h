/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the programs call outside the kernel: the same helpers, by the same names, over linear memory. One CPU, one thread.
 */
#ifndef WEIR_MEMORY_CALLS_H
#define WEIR_MEMORY_CALLS_H

#include "../include/weir/types.h"

struct bpf_sock;
struct bpf_spin_lock;
struct weir_map;
struct bpf_sock_tuple;
struct bpf_fib_lookup;
struct bpf_redir_neigh;
struct bpf_tunnel_key;

enum weir_redirect_kind {
	WEIR_REDIRECT_NONE,
	WEIR_REDIRECT_DEVICE, /* bpf_redirect */
	WEIR_REDIRECT_PEER,   /* bpf_redirect_peer */
	WEIR_REDIRECT_NEIGH,  /* bpf_redirect_neigh */
};

/* The programs' context. `data_end` ends the linear part; the rest, up to len, is reached by helpers only. */
struct weir_skb {
	__u8 *data;
	__u8 *data_end;
	__u32 len;
	__u32 capacity;
	__u32 ifindex;
	__u32 ingress_ifindex; /* 0: made here */
	__u32 mark;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 gso_size;
	__u32 redirect; /* enum weir_redirect_kind, of the last redirect helper called */
	__u32 redirect_ifindex;
	__u32 redirect_flags;
	struct weir_tunnelled {
		__u32 family; /* of the outer packet; 0: it is in none */
		__u32 id;
		__u32 address[4]; /* of who sent it, or is to get it: network order; IPv4 in the first word */
		__u32 option_bytes; /* 0: none */
		__u32 option[3];
		__u32 source[4]; /* of who sends it, as `address`; 0: whatever the way to there has */
	} tunnel;
};

extern __u64 weir_clock;

/* Who calls a socket's program. */
struct weir_caller {
	__u64 socket_cookie;
	__u64 netns_cookie; /* 1: the node's own namespace */
	__u32 error;        /* out: what bpf_set_retval made of a refusal */
	__u32 random;       /* state of bpf_get_prandom_u32; never 0 */
};
extern struct weir_caller weir_caller;

/* One CPU: nobody to wait for. */
static inline void bpf_spin_lock(struct bpf_spin_lock *lock)
{
	(void)lock;
}

static inline void bpf_spin_unlock(struct bpf_spin_lock *lock)
{
	(void)lock;
}

__u64 bpf_ktime_get_ns(void);
__u64 bpf_ktime_get_coarse_ns(void);
/* Of a kernel with 250 ticks a second. */
__u64 bpf_jiffies64(void);
__u32 bpf_get_smp_processor_id(void);
void *bpf_map_lookup_elem(struct weir_map *map, const void *key);
long bpf_map_update_elem(struct weir_map *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(struct weir_map *map, const void *key);
long bpf_for_each_map_elem(struct weir_map *map, long (*callback)(void *, const void *, void *, void *), void *context,
			   __u64 flags);
void *bpf_ringbuf_reserve(struct weir_map *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
/* Bytes that wait, whatever is asked for. */
__u64 bpf_ringbuf_query(struct weir_map *ring, __u64 what);
long bpf_skb_load_bytes(const struct weir_skb *skb, __u32 offset, void *to, __u32 length);
long bpf_skb_store_bytes(struct weir_skb *skb, __u32 offset, const void *from, __u32 length, __u64 flags);
long bpf_skb_pull_data(struct weir_skb *skb, __u32 length);
/* BPF_ADJ_ROOM_NET only: room behind an IP header without options or extensions. */
long bpf_skb_adjust_room(struct weir_skb *skb, __s32 difference, __u32 mode, __u64 flags);
long bpf_skb_change_tail(struct weir_skb *skb, __u32 length, __u64 flags);
/* No packet here has a sum that a device has made or has yet to make. */
long bpf_l3_csum_replace(struct weir_skb *skb, __u32 offset, __u64 from, __u64 to, __u64 flags);
long bpf_l4_csum_replace(struct weir_skb *skb, __u32 offset, __u64 from, __u64 to, __u64 flags);
__s64 bpf_csum_diff(const __u32 *from, __u32 from_size, const __u32 *to, __u32 to_size, __u32 seed);
__s64 bpf_csum_update(struct weir_skb *skb, __u32 sum);
/* Of the sockets in the table of socket.h. */
struct bpf_sock *bpf_sk_lookup_tcp(void *context, struct bpf_sock_tuple *tuple, __u32 size, __u64 netns, __u64 flags);
struct bpf_sock *bpf_sk_lookup_udp(void *context, struct bpf_sock_tuple *tuple, __u32 size, __u64 netns, __u64 flags);
long bpf_sk_release(void *socket);
__u64 bpf_get_socket_cookie(const void *context);
__u64 bpf_get_netns_cookie(const void *context);
__u32 bpf_get_prandom_u32(void);
long bpf_set_retval(int error);
/* The caller's value, whatever socket is named. */
void *bpf_sk_storage_get(struct weir_map *map, struct bpf_sock *socket, const void *value, __u64 flags);
long bpf_redirect(__u32 ifindex, __u64 flags);
long bpf_redirect_peer(__u32 ifindex, __u64 flags);
long bpf_redirect_neigh(__u32 ifindex, struct bpf_redir_neigh *next, int size, __u64 flags);
/* Both know the outer address, its family and the tunnel's number. */
long bpf_skb_get_tunnel_key(struct weir_skb *skb, struct bpf_tunnel_key *key, __u32 size, __u64 flags);
long bpf_skb_set_tunnel_key(struct weir_skb *skb, struct bpf_tunnel_key *key, __u32 size, __u64 flags);
/* Options of 12 bytes at most. */
long bpf_skb_get_tunnel_opt(struct weir_skb *skb, void *option, __u32 size);
long bpf_skb_set_tunnel_opt(struct weir_skb *skb, void *option, __u32 size);
/* By the table of way.h. */
long bpf_fib_lookup(void *context, struct bpf_fib_lookup *asked, int size, __u32 flags);

#endif
