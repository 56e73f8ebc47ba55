/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Internet checksums, as the helpers of that name change them. */
#include <linux/bpf.h>

#include "calls.h"
#include "heap.h"
#include "map.h"

#define EFAULT 14
#define ENOTSUPP 524

static __u32 fold32(__u64 sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	return (__u32)((sum >> 32) + (sum & 0xffffffff));
}

static __u16 fold16(__u64 sum)
{
	__u32 folded = fold32(sum);

	folded = (folded >> 16) + (folded & 0xffff);
	return (__u16)((folded >> 16) + (folded & 0xffff));
}

/* The kernel folds what it returns to 16 bits on some machines and kernels, and to 32 on others: both mean the same. */
__s64 bpf_csum_diff(const __u32 *from, __u32 from_size, const __u32 *to, __u32 to_size, __u32 seed)
{
	__u64 sum = seed;

	if ((from_size | to_size) % 4)
		return -WEIR_EINVAL;
	for (__u32 i = 0; i < from_size / 4; i++)
		sum += (__u32)~from[i];
	for (__u32 i = 0; i < to_size / 4; i++)
		sum += to[i];
	return fold32(sum);
}

__s64 bpf_csum_update(struct weir_skb *skb, __u32 sum)
{
	(void)skb;
	(void)sum;
	return -ENOTSUPP;
}

static long replace(struct weir_skb *skb, __u32 offset, __u64 from, __u64 to, __u32 size, int keeps_zero)
{
	__u64 difference = to;
	__u16 sum;

	if (offset % 2 || offset > 0xffff || offset + 2 > skb->len)
		return -EFAULT;
	if (size == 0 && from)
		return -WEIR_EINVAL;
	if (size == 4)
		difference = (__u64)(__u32)to + (__u32)~from;
	else if (size == 2)
		difference = (__u64)(__u16)to + (__u16)~from;
	else if (size)
		return -WEIR_EINVAL;
	memcpy(&sum, skb->data + offset, sizeof(sum));
	if (keeps_zero && !sum)
		return 0;
	sum = ~fold16((__u16)~sum + (__u64)fold32(difference));
	if (keeps_zero && !sum)
		sum = 0xffff;
	return bpf_skb_store_bytes(skb, offset, &sum, sizeof(sum), 0);
}

long bpf_l3_csum_replace(struct weir_skb *skb, __u32 offset, __u64 from, __u64 to, __u64 flags)
{
	if (flags & ~(__u64)BPF_F_HDR_FIELD_MASK)
		return -WEIR_EINVAL;
	return replace(skb, offset, from, to, flags & BPF_F_HDR_FIELD_MASK, 0);
}

long bpf_l4_csum_replace(struct weir_skb *skb, __u32 offset, __u64 from, __u64 to, __u64 flags)
{
	const __u64 known = BPF_F_MARK_MANGLED_0 | BPF_F_PSEUDO_HDR | BPF_F_HDR_FIELD_MASK;

	if (flags & ~known)
		return -WEIR_EINVAL;
	return replace(skb, offset, from, to, flags & BPF_F_HDR_FIELD_MASK, (flags & BPF_F_MARK_MANGLED_0) != 0);
}
