/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The one seam between the programs and where they run. In the kernel: libbpf's declarations. Elsewhere: the memory
 * runtime (bpf/memory) implements the same helpers under the same names.
 */
#ifndef WEIR_PORT_H
#define WEIR_PORT_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "config.h"
#include "maps.h"

#ifdef __bpf__

#include <bpf/bpf_helpers.h>

#define weir_skb __sk_buff
/* A frame that isn't a packet of the stack's yet: the context of XDP. */
#define weir_frame xdp_md
#define weir_packet_start(skb) ((void *)(long)(skb)->data)
#define weir_packet_end(skb) ((void *)(long)(skb)->data_end)

#define WEIR_PORT_MAP(name, kind, key_type, value_type, most, flags)                                              \
	struct {                                                                                                  \
		__uint(type, BPF_MAP_TYPE_##kind);                                                                \
		__uint(max_entries, most);                                                                        \
		__uint(map_flags, flags);                                                                         \
		__type(key, key_type);                                                                            \
		__type(value, value_type);                                                                        \
	} name SEC(".maps");
#define WEIR_PORT_RING(name, bytes)                                                                               \
	struct {                                                                                                  \
		__uint(type, BPF_MAP_TYPE_RINGBUF);                                                               \
		__uint(max_entries, bytes);                                                                       \
	} name SEC(".maps");
#define WEIR_PORT_OWN(name, value_type)                                                                           \
	struct {                                                                                                  \
		__uint(type, BPF_MAP_TYPE_SK_STORAGE);                                                            \
		__uint(map_flags, BPF_F_NO_PREALLOC);                                                             \
		__type(key, int);                                                                                 \
		__type(value, value_type);                                                                        \
	} name SEC(".maps");
#define WEIR_PORT_CONFIG(type, name, preset) const volatile type name = preset;

#else

#include "../../memory/calls.h"

#define weir_packet_start(skb) ((void *)(skb)->data)
#define weir_packet_end(skb) ((void *)(skb)->data_end)
#define weir_frame weir_skb
#define SEC(name)

#define WEIR_PORT_MAP(name, kind, key_type, value_type, most, flags) extern struct weir_map name;
#define WEIR_PORT_RING(name, bytes) extern struct weir_map name;
#define WEIR_PORT_OWN(name, value_type) extern struct weir_map name;
#define WEIR_PORT_CONFIG(type, name, preset) extern volatile type name;

#endif

WEIR_MAPS(WEIR_PORT_MAP, WEIR_PORT_RING, WEIR_PORT_OWN)
WEIR_CONFIGS(WEIR_PORT_CONFIG)

#endif
