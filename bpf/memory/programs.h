/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_MEMORY_PROGRAMS_H
#define WEIR_MEMORY_PROGRAMS_H

#include "calls.h"

struct bpf_sock;
struct bpf_sock_addr;
struct weir_sweep;

int weir_from_endpoint(struct weir_skb *skb);
int weir_to_endpoint(struct weir_skb *skb);
int weir_from_device(struct weir_skb *skb);
int weir_to_device(struct weir_skb *skb);
int weir_xdp(struct weir_skb *frame);
int weir_from_overlay(struct weir_skb *skb);
int weir_to_overlay(struct weir_skb *skb);
int weir_sweep(struct weir_sweep *result);
int weir_sweep_pairs(struct weir_skb *frame);
int weir_connect4(struct bpf_sock_addr *call);
int weir_connect6(struct bpf_sock_addr *call);
int weir_sendmsg4(struct bpf_sock_addr *call);
int weir_sendmsg6(struct bpf_sock_addr *call);
int weir_recvmsg4(struct bpf_sock_addr *call);
int weir_recvmsg6(struct bpf_sock_addr *call);
int weir_getpeername4(struct bpf_sock_addr *call);
int weir_getpeername6(struct bpf_sock_addr *call);
int weir_post_bind4(struct bpf_sock *socket);
int weir_post_bind6(struct bpf_sock *socket);

struct weir_variable {
	const char *name;
	volatile void *at;
	__u32 size;
};

extern const struct weir_variable weir_variables[];
extern const __u32 weir_variable_total;

#endif
