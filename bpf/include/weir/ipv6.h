/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* IPv6 with extension headers and fragments, at any offset. */
#ifndef WEIR_IPV6_H
#define WEIR_IPV6_H

#include <linux/ipv6.h>

#include "fragments.h"

#define WEIR_EXTENSIONS_MOST 8

#define WEIR_NEXT_HOP_BY_HOP 0
#define WEIR_NEXT_ROUTING 43
#define WEIR_NEXT_FRAGMENT 44
#define WEIR_NEXT_AUTHENTICATION 51
#define WEIR_NEXT_DESTINATION 60
#define WEIR_NEXT_MOBILITY 135

WEIR_INLINE int weir_parse6(struct weir_skb *skb, __u32 at, struct weir_packet *packet, int quoted)
{
	struct ipv6hdr ip;
	struct weir_frag6_key key = {};
	struct {
		__u8 next, length;
		__u16 offset; /* the fragment header's offset and flags, big endian */
		__u32 id;
	} extension;
	__u32 l4 = at + sizeof(ip);
	__u8 next;
	int first = 0, step, reason;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return WEIR_INVALID_PACKET;
	if (ip.version != 6)
		return WEIR_INVALID_PACKET;
	packet->family = 6;
	__builtin_memcpy(&packet->source, &ip.saddr, sizeof(packet->source));
	__builtin_memcpy(&packet->destination, &ip.daddr, sizeof(packet->destination));
	next = ip.nexthdr;

#pragma clang loop unroll(disable)
	for (step = 0; step < WEIR_EXTENSIONS_MOST; step++) {
		if (next != WEIR_NEXT_HOP_BY_HOP && next != WEIR_NEXT_ROUTING && next != WEIR_NEXT_DESTINATION &&
		    next != WEIR_NEXT_MOBILITY && next != WEIR_NEXT_AUTHENTICATION && next != WEIR_NEXT_FRAGMENT)
			break;
		packet->protocol = next;
		/* Every extension header is a multiple of eight bytes (but for AH, of four and at least twelve). */
		if (bpf_skb_load_bytes(skb, l4, &extension, sizeof(extension)))
			return WEIR_BAD_EXTENSION_HEADER;
		if (next == WEIR_NEXT_FRAGMENT) {
			const __u16 offset = weir_be16(extension.offset);

			key.source = packet->source;
			key.destination = packet->destination;
			key.id = extension.id;
			key.ifindex = skb->ifindex;
			if (offset & 0xfff8) {
				if (quoted)
					return WEIR_TRUNCATED_L4;
				/* The next header is the first fragment's to say; TCP's flags stay as judged. */
				reason = weir_fragment_resume(packet, bpf_map_lookup_elem(&weir_frag6, &key));
				if (!reason && packet->protocol == IPPROTO_TCP && (offset & 0xfff8) == 8)
					return WEIR_INVALID_PACKET;
				return reason;
			}
			first = offset & 1;
			l4 += 8;
		} else if (next == WEIR_NEXT_AUTHENTICATION) {
			l4 += (extension.length + 2) << 2;
		} else {
			l4 += (extension.length + 1) << 3;
		}
		next = extension.next;
	}
	if (step == WEIR_EXTENSIONS_MOST)
		return WEIR_BAD_EXTENSION_HEADER;

	packet->protocol = next;
	packet->l4 = l4;
	reason = weir_parse_l4(skb, packet, quoted);
	if (!reason && !quoted && first) {
		const struct weir_frag value = weir_fragment_of(packet);

		bpf_map_update_elem(&weir_frag6, &key, &value, BPF_ANY);
	}
	return reason;
}

#endif
