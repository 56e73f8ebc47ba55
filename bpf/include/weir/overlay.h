/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets within packets between nodes, at the one device that puts them in and takes them out. */
#ifndef WEIR_OVERLAY_H
#define WEIR_OVERLAY_H

#include "device.h"
#include "judge.h"
#include "pod_nat.h"
#include "tunnel.h"

/* First byte of an inner frame's source address: locally administered, and never the overlay device's own. */
#define WEIR_TAGGED 0x06
/*
 * Geneve has room for what nodes tell each other: the tag is in an option, of a class for experiments, which is the only one.
 * Of a fixed size, so that user space knows how much fits.
 */
struct weir_tag_option {
	__u16 class; /* big endian */
	__u8 type;   /* without the bit that makes it critical */
	__u8 words;  /* that follow */
	__u8 tag[5];
	__u8 pad[3];
};
_Static_assert(sizeof(struct weir_tag_option) == 12, "");

#define WEIR_TAG_CLASS 0xff57
#define WEIR_TAG_TYPE 0x01

/* Identities below are reserved ones, the same on every node. */
#define WEIR_FIRST_VNI 256

/* As bpf.h has it; memory knows no tunnel's options. */
#define WEIR_TUNNEL_HOPS 64

/* Who sends, as other nodes know him. Whose mark isn't known yet goes without: he is judged by his address alone. */
WEIR_INLINE void weir_mark_of(const struct weir_packet *packet, struct weir_mark *mark)
{
	const struct weir_peer *peer = weir_exact(&packet->source, packet->family);
	const struct weir_mark *found;
	__u32 identity;

	if (!peer) {
		mark->vni = WEIR_IDENTITY_WORLD;
	} else if (peer->identity < WEIR_FIRST_VNI) {
		mark->vni = peer->identity == WEIR_IDENTITY_HOST ? WEIR_IDENTITY_REMOTE_NODE : peer->identity;
	} else {
		identity = peer->identity;
		found = bpf_map_lookup_elem(&weir_marks, &identity);
		if (found)
			*mark = *found;
	}
}

/* 0, or the drop reason. */
WEIR_APART int weir_tag_put(struct weir_skb *skb, const struct weir_mark *mark)
{
	struct weir_tag_option option = {
		.class = weir_be16(WEIR_TAG_CLASS), .type = WEIR_TAG_TYPE, .words = sizeof(option) / 4 - 1};

	__builtin_memcpy(option.tag, mark->tag, sizeof(option.tag));
	return bpf_skb_set_tunnel_opt(skb, &option, sizeof(option)) ? WEIR_NO_TUNNEL : WEIR_PASSED;
}

/* 0, or the drop reason. */
WEIR_APART int weir_tag_read(struct weir_skb *skb, struct weir_mark *mark)
{
	struct weir_tag_option option = {};

	if (bpf_skb_get_tunnel_opt(skb, &option, sizeof(option)) != sizeof(option) ||
	    option.class != weir_be16(WEIR_TAG_CLASS) || option.type != WEIR_TAG_TYPE ||
	    (option.words & 0x1f) != sizeof(option) / 4 - 1)
		return WEIR_BAD_OPTION;
	__builtin_memcpy(mark->tag, option.tag, sizeof(mark->tag));
	return WEIR_PASSED;
}

/* The tunnel's key as kernels before 5.19 know it, which take no longer one. */
#define WEIR_KEY_BYTES __builtin_offsetof(struct bpf_tunnel_key, local_ipv4)

/* From which address: the one that other nodes know this one by, whatever the way to them would have. */
WEIR_INLINE void weir_tunnel_begins(struct weir_skb *skb, int family, struct bpf_tunnel_key *key)
{
	const __u32 ifindex = skb->ifindex;
	const struct weir_own *own = bpf_map_lookup_elem(&weir_own, &ifindex);
	__u32 word;

	if (!own)
		return;
	if (family == 4) {
		__builtin_memcpy(&word, own->four, 4);
		key->local_ipv4 = weir_be32(word);
	} else {
		__builtin_memcpy(key->local_ipv6, own->six, 16);
	}
}

/* Where the tunnel ends and what it carries. 0, or the drop reason. */
WEIR_APART int weir_encapsulate(struct weir_skb *skb, const struct weir_packet *packet, const struct weir_tunnel *to)
{
	struct bpf_tunnel_key key = {.tunnel_ttl = WEIR_TUNNEL_HOPS};
	struct weir_mark mark = {};
	__u8 source[6] = {WEIR_TAGGED};
	__u64 flags = BPF_F_DONT_FRAGMENT;

	weir_mark_of(packet, &mark);
	key.tunnel_id = mark.vni;
	if (to->family == 4) {
		__u32 word;

		__builtin_memcpy(&word, to->address, 4);
		key.remote_ipv4 = weir_be32(word);
		flags |= BPF_F_ZERO_CSUM_TX;
	} else {
		__builtin_memcpy(key.remote_ipv6, to->address, 16);
		flags |= BPF_F_TUNINFO_IPV6;
	}
	if (!weir_geneve)
		__builtin_memcpy(source + 1, mark.tag, sizeof(mark.tag));
	if (bpf_skb_store_bytes(skb, ETH_ALEN, source, sizeof(source), 0))
		return WEIR_WRITE_FAILED;
	if (weir_tunnel_source)
		weir_tunnel_begins(skb, to->family, &key);
	if (bpf_skb_set_tunnel_key(skb, &key, weir_tunnel_source ? sizeof(key) : WEIR_KEY_BYTES, flags))
		return WEIR_NO_TUNNEL;
	return weir_geneve ? weir_tag_put(skb, &mark) : WEIR_PASSED;
}

/* The tunnel's key, of either family; the family, or 0 for what came out of none. */
WEIR_APART int weir_tunnel_key(struct weir_skb *skb, struct bpf_tunnel_key *key)
{
	if (!bpf_skb_get_tunnel_key(skb, key, WEIR_KEY_BYTES, 0))
		return 4;
	return bpf_skb_get_tunnel_key(skb, key, WEIR_KEY_BYTES, BPF_F_TUNINFO_IPV6) ? 0 : 6;
}

/* Who has sent the outer packet: the family of his address, or 0 for what came out of no tunnel. */
WEIR_APART int weir_outer_sender(struct weir_skb *skb, union weir_address *outer)
{
	struct bpf_tunnel_key key = {};
	const int family = weir_tunnel_key(skb, &key);

	*outer = (union weir_address){};
	if (family == 4)
		outer->word[0] = weir_be32(key.remote_ipv4);
	else if (family == 6)
		__builtin_memcpy(outer, key.remote_ipv6, 16);
	return family;
}

/* What the sender's node says of him. 0, or the drop reason. */
WEIR_APART int weir_carried_mark(struct weir_skb *skb, struct weir_mark *mark)
{
	struct bpf_tunnel_key key = {};

	if (!weir_tunnel_key(skb, &key))
		return WEIR_NO_TUNNEL_KEY;
	mark->vni = key.tunnel_id;
	if (weir_geneve)
		return weir_tag_read(skb, mark);
	if (bpf_skb_load_bytes(skb, ETH_ALEN + 1, mark->tag, sizeof(mark->tag)))
		return WEIR_INVALID_PACKET;
	return WEIR_PASSED;
}

WEIR_INLINE int weir_is_address(const __u8 *bytes, const union weir_address *address)
{
	union weir_address other;

	__builtin_memcpy(&other, bytes, 16);
	return !((other.half[0] ^ address->half[0]) | (other.half[1] ^ address->half[1]));
}

/*
 * May the node at the outer address speak for the inner source? For its own pods and itself; for nobody of another node,
 * nor of this one; for those outside, whose packets it passes on. 0, or the drop reason; *is_pod: for a pod of its own.
 */
WEIR_APART int weir_speaks_for(const struct weir_packet *packet, const union weir_address *outer, int family, int *is_pod)
{
	const struct weir_tunnel *sender = weir_tunnel_to(outer, family);
	const struct weir_tunnel *owner;
	const struct weir_peer *peer;
	union weir_address node = {};

	if (!sender || !sender->is_node)
		return WEIR_UNKNOWN_SENDER;
	__builtin_memcpy(&node, sender->address, 16);
	owner = weir_tunnel_to(&packet->source, packet->family);
	if (owner) {
		*is_pod = !owner->is_node;
		return weir_is_address(owner->address, &node) ? WEIR_PASSED : WEIR_BAD_SOURCE;
	}
	*is_pod = 0;
	peer = weir_exact(&packet->source, packet->family);
	return peer ? WEIR_BAD_SOURCE : WEIR_PASSED;
}

/* The peer that a mark stands for. 0 when nobody of the kind is known here. `peer` stays as it is then. */
WEIR_APART int weir_resolve_mark(const struct weir_mark *mark, int family, struct weir_peer *peer)
{
	const struct weir_mark key = *mark;
	const struct weir_fellow *fellow = bpf_map_lookup_elem(&weir_fellows, &key);
	union weir_address address = {};
	const struct weir_peer *found;

	if (!fellow)
		return 0;
	if (family == 4)
		__builtin_memcpy(&address, fellow->ipv4, 4);
	else
		__builtin_memcpy(&address, fellow->ipv6, 16);
	found = weir_exact(&address, family);
	if (!found)
		return 0;
	/* His class, and nothing else that is his: no subject, and the slot of the address that this is about. */
	peer->identity = found->identity;
	peer->peer_class = found->peer_class;
	return 1;
}

#endif
