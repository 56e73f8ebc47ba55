/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Frames as bytes, read and summed apart from the programs: nothing here includes anything of theirs. */
#ifndef WEIR_FUZZ_WIRE_H
#define WEIR_FUZZ_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define TCP 6
#define UDP 17
#define SCTP 132
#define ICMP 1
#define ICMP6 58

/* One end of a flow. IPv4 in the first four bytes, zeros behind; the port in host order. */
struct end {
	uint8_t address[16];
	uint16_t port;
};

struct wire {
	struct end source, destination;
	uint8_t family, protocol;
	uint8_t is_first, is_later; /* of the fragments of a packet that is in several */
	uint8_t is_error;           /* an ICMP error */
	size_t l4, end;             /* offsets into the frame; `end` is where the IP packet ends */
};

/* 0 when the frame's lengths contradict each other, or it is no IP packet. */
int wire_read(const uint8_t *frame, size_t length, struct wire *wire);
/* Is every checksum right that can be told from this frame alone? */
int wire_is_right(const uint8_t *frame, const struct wire *wire);
/*
 * What the addresses and the transport header with its data sum up to, checksum included: no rewriting changes it. It
 * tells of a first fragment what its sum, which is over all fragments, can't.
 */
uint16_t wire_rest(const uint8_t *frame, const struct wire *wire);
/* Makes the sums of a frame right. */
void wire_sum(uint8_t *frame, const struct wire *wire);

#endif
