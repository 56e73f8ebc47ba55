/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What changed bytes do to SCTP's checksum, a CRC32c over the whole packet. A CRC is linear: the difference of two
 * packets' sums is the CRC, started from zero, of their difference. That is zero but for the changed bytes, so that the
 * payload need not be read: bytes of zero only multiply the remainder by a power of x.
 */
#ifndef WEIR_CRC32C_H
#define WEIR_CRC32C_H

#include "types.h"

/* Castagnoli's polynomial, lowest bit first. */
#define WEIR_CRC32C 0x82f63b78u

/* Of two remainders, bit 31 being x^0. */
WEIR_INLINE __u32 weir_crc_product(__u32 a, __u32 b)
{
	__u32 product = 0;

#pragma clang loop unroll(disable)
	for (int bit = 0; bit < 32; bit++) {
		product ^= b & -(a >> 31);
		a <<= 1;
		b = b >> 1 ^ (WEIR_CRC32C & -(b & 1));
	}
	return product;
}

/*
 * By what the sum of a packet changes whose first four bytes change by `changed` (exclusive or, as a number of the
 * machine's order read from the packet) and whose length is `length`. Little-endian numbers, as the sum itself is sent.
 */
WEIR_GLOBAL __u32 weir_crc_difference(__u32 changed, __u32 length)
{
	__u32 power = 0x00800000; /* x^8, a byte of zeros; squared for each bit of the length */
	__u32 rest = changed;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	rest = __builtin_bswap32(rest);
#endif
#pragma clang loop unroll(disable)
	for (int bit = 0; bit < 17 && length; bit++, length >>= 1) {
		if (length & 1)
			rest = weir_crc_product(rest, power);
		power = weir_crc_product(power, power);
	}
	return rest;
}

#endif
