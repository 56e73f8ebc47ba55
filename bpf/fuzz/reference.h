/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What the fuzzer holds the programs to, written apart from them: who may send what to whom in the fuzzer's world, which
 * flows were opened, and a reader of packets of its own.
 */
#ifndef WEIR_FUZZ_REFERENCE_H
#define WEIR_FUZZ_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

enum pod {
	POD_A,
	POD_B,
	POD_C,
	PODS,
	OUTSIDE = PODS,
	NODE,
	PARTIES,
};

/* What the client's policy says, and what the server's. `port` as policy judges it: ICMP's is type << 8 | code. */
int reference_calls(enum pod client, enum pod server, uint8_t protocol, uint16_t port);
int reference_takes(enum pod client, enum pod server, uint8_t protocol, uint16_t port);

struct tuple {
	uint8_t source[16], destination[16];
	uint8_t family, protocol;
	uint16_t source_port, destination_port; /* host order; ICMP queries as conntrack has them */
	int is_fragment;                        /* not the first one: ports unknown */
	int is_icmp_error;
	int is_link_business;                   /* ARP, neighbour discovery, group membership */
	size_t quoted;                          /* offset of the packet that an error quotes */
};

/* 0 when `length` bytes at `packet` (from the IP header on) can't be read. */
int reference_read(const uint8_t *packet, size_t length, int is_quoted, struct tuple *tuple);

enum pod reference_owner(const uint8_t address[16], uint8_t family);
void reference_address(enum pod pod, uint8_t family, uint8_t address[16]);

void reference_forget(void);
/* May a packet of this tuple pass? Remembers the flow that it opens. */
int reference_may_pass(const struct tuple *tuple);
/* Is this flow, in either direction, one that was opened? */
int reference_is_open(const struct tuple *tuple);

/*
 * A flow that bears the node's address without being the node's own, or by a later fragment any between its ends; and whether
 * one is, in either direction.
 */
void reference_lend(const struct tuple *tuple);
int reference_is_lent(const struct tuple *tuple);

/* Is the Internet checksum over these bytes right? */
int reference_sums(const uint8_t *bytes, size_t length, uint32_t start);

#endif
