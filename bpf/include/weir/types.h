/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What every other header stands on: integers, byte order, attributes. */
#ifndef WEIR_TYPES_H
#define WEIR_TYPES_H

#include <linux/types.h>

#define WEIR_INLINE static inline __attribute__((always_inline, unused))
/* A function of its own in BPF too: keeps rare paths out of the instruction cache lines of the frequent one. */
#define WEIR_APART static __attribute__((noinline, unused))

/*
 * Global in BPF: the verifier checks the function once, for any arguments, and knows nothing of what it left in memory. That
 * cuts its work from 230,000 instructions to 12,000. Pointers may be null for all it knows (and need Linux 5.12).
 */
#ifdef __bpf__
#define WEIR_GLOBAL __attribute__((noinline))
#else
#define WEIR_GLOBAL static __attribute__((noinline, unused))
#endif

#define weir_likely(x) __builtin_expect(!!(x), 1)
#define weir_unlikely(x) __builtin_expect(!!(x), 0)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define weir_be16(x) ((__u16)__builtin_bswap16((__u16)(x)))
#define weir_be32(x) ((__u32)__builtin_bswap32((__u32)(x)))
#else
#define weir_be16(x) ((__u16)(x))
#define weir_be32(x) ((__u32)(x))
#endif

/* An address of either family; IPv4 in the first four bytes, the rest zero. Network order. */
union weir_address {
	__u8 byte[16];
	__u32 word[4];
	__u64 half[2];
};
_Static_assert(sizeof(union weir_address) == 16, "");

/* Flags of bpf_skb_adjust_room since 6.3, which older headers don't name. */
#define WEIR_ROOM_DECAP4 (1ull << 7)
#define WEIR_ROOM_DECAP6 (1ull << 8)

#endif
