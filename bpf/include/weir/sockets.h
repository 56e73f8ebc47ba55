/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What programs remember of sockets and their clients. Ports are big endian, as sockets have them. */
#ifndef WEIR_SOCKETS_H
#define WEIR_SOCKETS_H

#include "types.h"

/*
 * Of a socket that was connected to a service, by its cookie: TCP keeps nothing with the socket, as making and freeing
 * that would be most of what a connection to a service costs. User space finds by it what is to be closed when a backend
 * goes. `family` is that of the addresses.
 */
struct weir_connection {
	union weir_address virtual_address, backend_address;
	__u64 netns; /* cookie of the network namespace */
	__u16 virtual_port, backend_port;
	__u8 protocol;
	__u8 family; /* 4, 6 */
	__u8 pad[2];
};
_Static_assert(sizeof(struct weir_connection) == 48, "");

/*
 * Of a UDP socket whose address was translated. Goes with the socket. A socket that only sends to service addresses
 * without being connected has an empty one: what it sends to is in weir_datagrams.
 */
struct weir_socket {
	union weir_address virtual_address, backend_address;
	__u16 virtual_port, backend_port;
	__u8 connected;
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_socket) == 40, "");

/* Of a socket that isn't connected: service address → backend, and backend → service address. */
struct weir_datagram_key {
	__u64 cookie; /* of the socket */
	union weir_address address;
	__u16 port;
	__u8 family; /* 4, 6 */
	__u8 reply;  /* 1: the address is a backend's */
	__u32 pad;
};
_Static_assert(sizeof(struct weir_datagram_key) == 32, "");

struct weir_datagram {
	__u64 used; /* ns of the clock of weir_now() when last sent; of a service address only */
	union weir_address address;
	__u16 port;
	__u16 pad;
	__u32 backend; /* of a service address: the backend's index */
};
_Static_assert(sizeof(struct weir_datagram) == 32, "");

/* Which backend a client of a frontend with affinity has. */
struct weir_affinity_key {
	__u64 client; /* cookie of its network namespace */
	union weir_address address;
	__u16 port;
	__u8 protocol;
	__u8 family; /* 4, 6 */
	__u32 pad;
};
_Static_assert(sizeof(struct weir_affinity_key) == 32, "");

struct weir_affinity {
	__u64 used; /* ns of the clock of weir_now() */
	__u32 backend;
	__u32 pad;
};
_Static_assert(sizeof(struct weir_affinity) == 16, "");

#endif
