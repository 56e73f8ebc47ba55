/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Every map, once. MAP(name, kind, key, value, most entries, flags), RING(name, bytes) and OWN(name, value), a value that
 * belongs to a socket, are expanded by port.h to BTF-defined maps for the kernel, and by the memory runtime to its own.
 *
 * Policy tables aren't preallocated: their memory follows use, and a replaced value stays readable for those who hold it.
 *
 * Of pairs the numbers are of sets. BPF_F_MMAPABLE begins an array at a page, so that entries are whole cache lines.
 */
#ifndef WEIR_MAPS_H
#define WEIR_MAPS_H

#include "leaving.h"
#include "pairs.h"
#include "quick.h"
#include "services.h"
#include "sockets.h"
#include "state.h"
#include "tables.h"
#include "tunnels.h"

#define WEIR_MAPS(MAP, RING, OWN)                                                                                 \
	MAP(weir_addr4, HASH, struct weir_address4, struct weir_peer, 131072, BPF_F_NO_PREALLOC)                  \
	MAP(weir_addr6, HASH, struct weir_address6, struct weir_peer, 131072, BPF_F_NO_PREALLOC)                  \
	MAP(weir_pfx4, LPM_TRIE, struct weir_prefix4, struct weir_peer, 65536, BPF_F_NO_PREALLOC)                 \
	MAP(weir_pfx6, LPM_TRIE, struct weir_prefix6, struct weir_peer, 65536, BPF_F_NO_PREALLOC)                 \
	MAP(weir_endpoints, ARRAY, __u32, struct weir_endpoint, WEIR_ENDPOINT_SLOTS, 0)                           \
	MAP(weir_devices, HASH, __u32, __u32, WEIR_ENDPOINT_SLOTS, BPF_F_NO_PREALLOC)                             \
	MAP(weir_cells, HASH, struct weir_cell_key, struct weir_cell, 262144, BPF_F_NO_PREALLOC)                  \
	MAP(weir_rows, ARRAY, __u32, struct weir_row_chunk, 65536, 0)                                             \
	MAP(weir_ct4, LRU_HASH, struct weir_ct4_key, struct weir_ct, 262144, 0)                                   \
	MAP(weir_ct6, LRU_HASH, struct weir_ct6_key, struct weir_ct, 131072, 0)                                   \
	MAP(weir_frag4, LRU_HASH, struct weir_frag4_key, struct weir_frag, 8192, 0)                               \
	MAP(weir_frag6, LRU_HASH, struct weir_frag6_key, struct weir_frag, 8192, 0)                               \
	MAP(weir_nat4, ARRAY, __u32, struct weir_pairs4, 32768, BPF_F_MMAPABLE)                                   \
	MAP(weir_nat6, ARRAY, __u32, struct weir_pairs6, 16384, BPF_F_MMAPABLE)                                   \
	MAP(weir_pair_seed, ARRAY, __u32, __u64, 1, 0)                                                            \
	MAP(weir_quick4, ARRAY, __u32, struct weir_quick4, 131072, BPF_F_MMAPABLE)                                \
	MAP(weir_quick6, ARRAY, __u32, struct weir_quick6, 65536, BPF_F_MMAPABLE)                                 \
	MAP(weir_quick_tags4, ARRAY, __u32, struct weir_quick_tags, 16384, 0)                                     \
	MAP(weir_quick_tags6, ARRAY, __u32, struct weir_quick_tags, 8192, 0)                                      \
	MAP(weir_pair_scratch, PERCPU_ARRAY, __u32, struct weir_pair_scratch, 1, 0)                               \
	MAP(weir_counters, PERCPU_ARRAY, __u32, struct weir_counter, WEIR_REASONS, 0)                             \
	MAP(weir_tallies, PERCPU_ARRAY, __u32, __u64, WEIR_TALLIES, 0)                                            \
	MAP(weir_budgets, PERCPU_ARRAY, __u32, struct weir_budget, 1, 0)                                          \
	MAP(weir_frontends4, HASH, struct weir_frontend4_key, struct weir_frontend, 65536, BPF_F_NO_PREALLOC)     \
	MAP(weir_frontends6, HASH, struct weir_frontend6_key, struct weir_frontend, 65536, BPF_F_NO_PREALLOC)     \
	MAP(weir_ranges4, LPM_TRIE, struct weir_range4, __u32, 65536, BPF_F_NO_PREALLOC)                          \
	MAP(weir_ranges6, LPM_TRIE, struct weir_range6, __u32, 65536, BPF_F_NO_PREALLOC)                          \
	MAP(weir_slots, ARRAY, __u32, struct weir_slots, 524288, BPF_F_MMAPABLE)                                  \
	MAP(weir_backends4, ARRAY, __u32, struct weir_backend4, 131072, 0)                                        \
	MAP(weir_backends6, ARRAY, __u32, struct weir_backend6, 131072, 0)                                        \
	MAP(weir_ports, ARRAY, __u32, struct weir_ports, WEIR_PORT_WORDS, 0)                                      \
	MAP(weir_own, HASH, __u32, struct weir_own, 256, BPF_F_NO_PREALLOC)                                       \
	MAP(weir_affinities, LRU_HASH, struct weir_affinity_key, struct weir_affinity, 65536, 0)                  \
	MAP(weir_datagrams, LRU_HASH, struct weir_datagram_key, struct weir_datagram, 65536, 0)                   \
	MAP(weir_own_pairs, ARRAY, __u32, __u32, 1, 0)                                                            \
	MAP(weir_leaving, ARRAY, __u32, struct weir_leaving, 1, 0)                                                \
	MAP(weir_masquerade, HASH, __u32, struct weir_masquerade, 1024, BPF_F_NO_PREALLOC)                        \
	MAP(weir_unmasked4, LPM_TRIE, struct weir_prefix4, __u32, 16384, BPF_F_NO_PREALLOC)                       \
	MAP(weir_unmasked6, LPM_TRIE, struct weir_prefix6, __u32, 16384, BPF_F_NO_PREALLOC)                       \
	MAP(weir_egress4, LPM_TRIE, struct weir_egress4_key, struct weir_egress, 65536, BPF_F_NO_PREALLOC)        \
	MAP(weir_egress6, LPM_TRIE, struct weir_egress6_key, struct weir_egress, 65536, BPF_F_NO_PREALLOC)        \
	MAP(weir_connections, LRU_HASH, __u64, struct weir_connection, 131072, 0)                                 \
	MAP(weir_tunnels4, LPM_TRIE, struct weir_prefix4, struct weir_tunnel, 65536, BPF_F_NO_PREALLOC)           \
	MAP(weir_tunnels6, LPM_TRIE, struct weir_prefix6, struct weir_tunnel, 65536, BPF_F_NO_PREALLOC)           \
	MAP(weir_marks, HASH, __u32, struct weir_mark, 65536, BPF_F_NO_PREALLOC)                                  \
	MAP(weir_fellows, HASH, struct weir_mark, struct weir_fellow, 65536, BPF_F_NO_PREALLOC)                   \
	OWN(weir_sockets, struct weir_socket)                                                                     \
	RING(weir_events, 1048576)

#endif
