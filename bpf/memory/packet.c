/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets, redirects and the clock. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "heap.h"
#include "calls.h"
#include "map.h"
#include "packet.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(start, length) ASAN_POISON_MEMORY_REGION(start, length)
#define UNPOISON(start, length) ASAN_UNPOISON_MEMORY_REGION(start, length)
#endif
#endif
#ifndef POISON
#define POISON(start, length) ((void)(start))
#define UNPOISON(start, length) ((void)(start))
#endif

__u64 weir_clock;

/* The packet that the redirect helpers, which get no context, are called for. */
static struct weir_skb *current;

void weir_packet_begin(struct weir_skb *skb)
{
	current = skb;
	skb->redirect = WEIR_REDIRECT_NONE;
	skb->redirect_ifindex = 0;
	skb->redirect_flags = 0;
	POISON(skb->data + skb->len, skb->capacity - skb->len);
}

void weir_packet_end_of(struct weir_skb *skb)
{
	UNPOISON(skb->data + skb->len, skb->capacity - skb->len);
	current = 0;
}

__u64 bpf_ktime_get_ns(void)
{
	return weir_clock;
}

__u64 bpf_jiffies64(void)
{
	return weir_clock / 4000000;
}

__u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

__u64 bpf_ktime_get_coarse_ns(void)
{
	return weir_clock;
}

long bpf_skb_load_bytes(const struct weir_skb *skb, __u32 offset, void *to, __u32 length)
{
	if (offset > skb->len || length > skb->len - offset) {
		memset(to, 0, length);
		return -14;
	}
	memcpy(to, skb->data + offset, length);
	return 0;
}

long bpf_skb_store_bytes(struct weir_skb *skb, __u32 offset, const void *from, __u32 length, __u64 flags)
{
	if (flags)
		return -WEIR_EINVAL;
	if (offset > skb->len || length > skb->len - offset)
		return -14;
	memcpy(skb->data + offset, from, length);
	if (skb->data_end < skb->data + offset + length)
		skb->data_end = skb->data + offset + length;
	return 0;
}

long bpf_skb_pull_data(struct weir_skb *skb, __u32 length)
{
	if (length > skb->len)
		return -WEIR_ENOMEM;
	if (skb->data_end < skb->data + length)
		skb->data_end = skb->data + length;
	return 0;
}

long bpf_skb_change_tail(struct weir_skb *skb, __u32 length, __u64 flags)
{
	if (flags || length > skb->capacity)
		return -WEIR_EINVAL;
	UNPOISON(skb->data, skb->capacity);
	if (length > skb->len)
		memset(skb->data + skb->len, 0, length - skb->len);
	skb->len = length;
	POISON(skb->data + length, skb->capacity - length);
	skb->data_end = skb->data + length;
	return 0;
}

static void move(__u8 *to, const __u8 *from, __u32 length)
{
	if (to < from)
		for (__u32 i = 0; i < length; i++)
			to[i] = from[i];
	else
		for (__u32 i = length; i > 0; i--)
			to[i - 1] = from[i - 1];
}

long bpf_skb_adjust_room(struct weir_skb *skb, __s32 difference, __u32 mode, __u64 flags)
{
	/* Behind the network header, or in front of it. */
	const __u32 network = skb->len > 12 && skb->data[12] == 0x86 ? 14 + 40 : 14 + 20;
	const __u32 header = mode == BPF_ADJ_ROOM_MAC ? 14 : network;
	const __u64 known = BPF_F_ADJ_ROOM_FIXED_GSO |
			    (mode == BPF_ADJ_ROOM_MAC ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 |
							WEIR_ROOM_DECAP4 | WEIR_ROOM_DECAP6
						      : 0);
	const __u32 less = difference < 0 ? -difference : 0, length = skb->len + difference;

	if (mode > BPF_ADJ_ROOM_MAC || flags & ~known || skb->len < header + less ||
	    length > skb->capacity)
		return -WEIR_EINVAL;
	UNPOISON(skb->data, skb->capacity);
	move(skb->data + header + difference + less, skb->data + header + less, skb->len - header - less);
	if (difference > 0)
		memset(skb->data + header, 0, difference);
	skb->len = length;
	POISON(skb->data + length, skb->capacity - length);
	skb->data_end = skb->data + length;
	return 0;
}

static long redirect(__u32 kind, __u32 ifindex, __u64 flags)
{
	current->redirect = kind;
	current->redirect_ifindex = ifindex;
	current->redirect_flags = (__u32)flags;
	return TC_ACT_REDIRECT;
}

long bpf_redirect(__u32 ifindex, __u64 flags)
{
	return flags & ~1ull ? TC_ACT_SHOT : redirect(WEIR_REDIRECT_DEVICE, ifindex, flags);
}

long bpf_redirect_peer(__u32 ifindex, __u64 flags)
{
	return flags ? TC_ACT_SHOT : redirect(WEIR_REDIRECT_PEER, ifindex, flags);
}

long bpf_redirect_neigh(__u32 ifindex, struct bpf_redir_neigh *next, int size, __u64 flags)
{
	return flags || size != (next ? (int)sizeof(*next) : 0) ? TC_ACT_SHOT : redirect(WEIR_REDIRECT_NEIGH, ifindex, 0);
}
