/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* IPv4 with options and fragments, at any offset: the packet's own header or one quoted by an ICMP error. */
#ifndef WEIR_IPV4_H
#define WEIR_IPV4_H

#include <linux/ip.h>

#include "fragments.h"

#define WEIR_IP4_DONT 0x4000
#define WEIR_IP4_MORE 0x2000
#define WEIR_IP4_OFFSET 0x1fff

WEIR_INLINE int weir_parse4(struct weir_skb *skb, __u32 at, struct weir_packet *packet, int quoted)
{
	struct iphdr ip;
	struct weir_frag4_key key = {};
	__u16 fragment;
	int reason;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return WEIR_INVALID_PACKET;
	if (ip.version != 4 || ip.ihl < 5)
		return WEIR_INVALID_PACKET;
	packet->family = 4;
	packet->protocol = ip.protocol;
	packet->source.word[0] = ip.saddr;
	packet->destination.word[0] = ip.daddr;

	fragment = weir_be16(ip.frag_off);
	key.source = ip.saddr;
	key.destination = ip.daddr;
	key.id = ip.id;
	key.protocol = ip.protocol;
	key.ifindex = skb->ifindex;
	if (fragment & WEIR_IP4_OFFSET) {
		if (quoted)
			return WEIR_TRUNCATED_L4;
		/* A fragment at 8 could overwrite the flags of the TCP header that was judged (RFC 1858). */
		if (ip.protocol == IPPROTO_TCP && (fragment & WEIR_IP4_OFFSET) == 1)
			return WEIR_INVALID_PACKET;
		return weir_fragment_resume(packet, bpf_map_lookup_elem(&weir_frag4, &key));
	}
	packet->l4 = at + ip.ihl * 4;
	reason = weir_parse_l4(skb, packet, quoted);
	if (!reason && !quoted && (fragment & WEIR_IP4_MORE)) {
		const struct weir_frag value = weir_fragment_of(packet);

		/* What can't be remembered only costs the later fragments, which are dropped then. */
		bpf_map_update_elem(&weir_frag4, &key, &value, BPF_ANY);
	}
	return reason;
}

#endif
