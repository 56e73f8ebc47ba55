/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The fuzzer's services: who there is, what leads where, and what of it changes. */
#ifndef WEIR_FUZZ_TABLES_H
#define WEIR_FUZZ_TABLES_H

#include <linux/types.h>

#include "wire.h"

enum party {
	CLIENT,
	STRANGER,
	POD_A,
	POD_B,
	FAR_A, /* pods of another node */
	FAR_B,
	NODE,
	OTHER_NODE,
	PUBLIC,  /* a load balancer's address */
	CLUSTER, /* a cluster address */
	PARTIES,
};

#define DEVICE 50
#define INTERFACE(pod) (100u + (pod))
/* Backends of each protocol: both pods here, both there. */
#define EACH 4
#define BACKENDS (3 * EACH)
/* What XDP remembers of flows: few, so that they push each other out. */
#define QUICK_ENTRIES 8

void party_address(enum party party, int family, uint8_t address[16]);
/* PARTIES: nobody's. */
enum party party_of(const uint8_t address[16], int family);
void pod_macs(enum party pod, uint8_t macs[12]);

/* Everything as it is at the start of an input. */
void tables_fill(void);
/* Takes a backend out of the tables, or puts it in again. */
void tables_toggle(unsigned backend, int family);
/* The way between nodes: no neighbour known, a small MTU, or as at the start. */
void tables_way(unsigned how);
/* Who answers clients of other nodes' backends: `mode` 0..3 by protocol, `ipip` within other packets. */
void tables_mode(unsigned mode, int ipip);

int is_backend(const struct end *end, int family, int protocol);
int is_backend_address(const uint8_t address[16], int family);

#endif
