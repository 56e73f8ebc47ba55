/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* All programs in one object, so that they share its maps. */
#include "connect.h"
#include "from_device.h"
#include "from_endpoint.h"
#include "from_overlay.h"
#include "post_bind.h"
#include "recvmsg.h"
#include "sendmsg.h"
#include "sweep.h"
#include "to_device.h"
#include "to_endpoint.h"
#include "to_overlay.h"
#include "xdp.h"

SEC("tc")
int weir_from_endpoint(struct weir_skb *skb)
{
	return weir_from_endpoint_run(skb);
}

SEC("tc")
int weir_to_endpoint(struct weir_skb *skb)
{
	return weir_to_endpoint_run(skb);
}

SEC("tc")
int weir_from_device(struct weir_skb *skb)
{
	return weir_from_device_run(skb);
}

SEC("tc")
int weir_to_device(struct weir_skb *skb)
{
	return weir_to_device_run(skb);
}

SEC("tc")
int weir_from_overlay(struct weir_skb *skb)
{
	return weir_from_overlay_run(skb);
}

SEC("tc")
int weir_to_overlay(struct weir_skb *skb)
{
	return weir_to_overlay_run(skb);
}

SEC("xdp")
int weir_xdp(struct weir_frame *frame)
{
	return weir_xdp_run(frame);
}

SEC("syscall")
int weir_sweep(struct weir_sweep *result)
{
	return weir_sweep_run(result);
}

SEC("xdp")
int weir_sweep_pairs(struct weir_frame *frame)
{
	return weir_sweep_pairs_run(frame);
}

SEC("cgroup/connect4")
int weir_connect4(struct bpf_sock_addr *call)
{
	return weir_connect4_run(call);
}

SEC("cgroup/connect6")
int weir_connect6(struct bpf_sock_addr *call)
{
	return weir_connect6_run(call);
}

SEC("cgroup/sendmsg4")
int weir_sendmsg4(struct bpf_sock_addr *call)
{
	return weir_sendmsg4_run(call);
}

SEC("cgroup/sendmsg6")
int weir_sendmsg6(struct bpf_sock_addr *call)
{
	return weir_sendmsg6_run(call);
}

SEC("cgroup/recvmsg4")
int weir_recvmsg4(struct bpf_sock_addr *call)
{
	return weir_recvmsg4_run(call);
}

SEC("cgroup/recvmsg6")
int weir_recvmsg6(struct bpf_sock_addr *call)
{
	return weir_recvmsg6_run(call);
}

SEC("cgroup/getpeername4")
int weir_getpeername4(struct bpf_sock_addr *call)
{
	return weir_getpeername4_run(call);
}

SEC("cgroup/getpeername6")
int weir_getpeername6(struct bpf_sock_addr *call)
{
	return weir_getpeername6_run(call);
}

SEC("cgroup/post_bind4")
int weir_post_bind4(struct bpf_sock *socket)
{
	return weir_post_bind4_run(socket);
}

SEC("cgroup/post_bind6")
int weir_post_bind6(struct bpf_sock *socket)
{
	return weir_post_bind6_run(socket);
}

#ifdef __bpf__
char weir_license[] SEC("license") = "Dual BSD/GPL";
#endif
