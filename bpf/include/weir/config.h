/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What user space sets before the load. In the kernel these are constants (.rodata), so the verifier removes the paths
 * that they turn off.
 */
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include "types.h"

/* CONFIG(type, name, default) */
#define WEIR_CONFIGS(CONFIG)                                                                                      \
	/* events per second and CPU, with a second's worth of burst; 0: none */                                  \
	CONFIG(__u32, weir_events_per_second, 1000)                                                               \
	/* 1: a packet that passes makes an event too */                                                          \
	CONFIG(__u8, weir_trace, 0)                                                                               \
	/* 1: the kernel has bpf_ktime_get_coarse_ns (5.11); millisecond steps are fine for timeouts */           \
	CONFIG(__u8, weir_coarse_clock, 0)                                                                        \
	/* 1: the kernel has bpf_redirect_peer (5.10) and pods are attached by veth */                            \
	CONFIG(__u8, weir_redirect_peer, 1)                                                                       \
	/* ports that are given to flows whose own is taken */                                                    \
	CONFIG(__u16, weir_nat_first_port, 1024)                                                                  \
	CONFIG(__u16, weir_nat_last_port, 65535)                                                                  \
	/* sets of weir_nat4, weir_nat6 */                                                                         \
	CONFIG(__u32, weir_nat4_sets, 32768)                                                                      \
	CONFIG(__u32, weir_nat6_sets, 16384)                                                                      \
	/* makes the order in which they are tried this node's own */                                            \
	CONFIG(__u32, weir_nat_seed, 0)                                                                           \
	/* 1: frames may come to XDP whose sums a device was to make that they never met */                      \
	CONFIG(__u8, weir_xdp_unfinished, 1)                                                                      \
	/* entries that a CPU has in weir_quick4, weir_quick6: a power of two from 8 on, or 0 for none */         \
	CONFIG(__u32, weir_quick4_each, 16384)                                                                    \
	CONFIG(__u32, weir_quick6_each, 8192)                                                                     \
	/* ticks of bpf_jiffies64 that an entry of these holds: a second of the kernel */                          \
	CONFIG(__u32, weir_quick_ticks, 100)                                                                      \
	/* backends of other nodes answer clients by themselves: 1 those of TCP, 2 of UDP */                       \
	CONFIG(__u8, weir_direct_return, 0)                                                                       \
	/* 1: what they have to know comes within packets from node to node, in place of options */              \
	CONFIG(__u8, weir_ipip, 0)                                                                                \
	/* UDP port of the tunnels between nodes, host order; 0: there are none */                               \
	CONFIG(__u16, weir_tunnel_port, 0)                                                                        \
	/* 1: they are of Geneve, 0: of VXLAN */                                                                  \
	CONFIG(__u8, weir_geneve, 0)                                                                              \
	/* 1: the kernel lets programs say from which address a tunnel's packet comes (5.19) */                   \
	CONFIG(__u8, weir_tunnel_source, 1)                                                                       \
	/* 1: the kernel has bpf_set_retval (5.18), by which a refused call gets an error that says why */       \
	CONFIG(__u8, weir_set_retval, 0)

#endif
