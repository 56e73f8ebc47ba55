/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_MEMORY_SOCKET_H
#define WEIR_MEMORY_SOCKET_H

#include "../include/weir/types.h"

/* A socket of the node's: there are those that somebody puts into the table. */
struct weir_node_socket {
	union weir_address local, remote; /* no remote port: takes any; zero local address: at any */
	__u16 local_port, remote_port;    /* big endian */
	__u8 family, protocol;
	__u8 state; /* BPF_TCP_*; 0: an empty place */
	__u8 pad;
};
_Static_assert(sizeof(struct weir_node_socket) == 40, "");

#define WEIR_NODE_SOCKET_MOST 16

extern struct weir_node_socket weir_node_socket_table[WEIR_NODE_SOCKET_MOST];

#endif
