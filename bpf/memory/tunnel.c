/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Tunnels: what a device in collect-metadata mode keeps beside a packet. */
#include <linux/bpf.h>

#include "calls.h"
#include "heap.h"
#include "map.h"

/* That of kernels before 5.19, and today's. */
static int is_key_size(__u32 size)
{
	return size == __builtin_offsetof(struct bpf_tunnel_key, local_ipv4) || size == sizeof(struct bpf_tunnel_key);
}

long bpf_skb_get_tunnel_key(struct weir_skb *skb, struct bpf_tunnel_key *key, __u32 size, __u64 flags)
{
	const __u32 family = flags & BPF_F_TUNINFO_IPV6 ? 6 : 4;

	memset(key, 0, size);
	if (flags & ~(__u64)BPF_F_TUNINFO_IPV6 || !is_key_size(size))
		return -WEIR_EINVAL;
	if (skb->tunnel.family != family)
		return -WEIR_EINVAL;
	key->tunnel_id = skb->tunnel.id;
	if (family == 4)
		key->remote_ipv4 = weir_be32(skb->tunnel.address[0]);
	else
		memcpy(key->remote_ipv6, skb->tunnel.address, 16);
	return 0;
}

long bpf_skb_set_tunnel_key(struct weir_skb *skb, struct bpf_tunnel_key *key, __u32 size, __u64 flags)
{
	const __u64 known = BPF_F_TUNINFO_IPV6 | BPF_F_ZERO_CSUM_TX | BPF_F_DONT_FRAGMENT;

	if (flags & ~known || !is_key_size(size) || key->tunnel_id >> 24)
		return -WEIR_EINVAL;
	memset(&skb->tunnel, 0, sizeof(skb->tunnel));
	skb->tunnel.family = flags & BPF_F_TUNINFO_IPV6 ? 6 : 4;
	skb->tunnel.id = key->tunnel_id;
	if (skb->tunnel.family == 4)
		skb->tunnel.address[0] = weir_be32(key->remote_ipv4);
	else
		memcpy(skb->tunnel.address, key->remote_ipv6, 16);
	if (size == sizeof(*key))
		memcpy(skb->tunnel.source, key->local_ipv6, 16);
	if (skb->tunnel.family == 4)
		skb->tunnel.source[0] = weir_be32(skb->tunnel.source[0]);
	return 0;
}

long bpf_skb_get_tunnel_opt(struct weir_skb *skb, void *option, __u32 size)
{
	const __u32 bytes = skb->tunnel.option_bytes;

	memset(option, 0, size);
	if (!skb->tunnel.family || !bytes)
		return -WEIR_ENOENT;
	if (size < bytes || bytes > sizeof(skb->tunnel.option))
		return -WEIR_ENOMEM;
	memcpy(option, skb->tunnel.option, bytes);
	return bytes;
}

long bpf_skb_set_tunnel_opt(struct weir_skb *skb, void *option, __u32 size)
{
	if (!skb->tunnel.family || size % 4)
		return -WEIR_EINVAL;
	if (size > sizeof(skb->tunnel.option))
		return -WEIR_ENOMEM;
	memcpy(skb->tunnel.option, option, size);
	skb->tunnel.option_bytes = size;
	return 0;
}
