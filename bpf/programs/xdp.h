/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Frames that come to the node's devices: XDP. Those of services are led to backends here where that is all there is to
 * do: established flows, and new ones whose way is known. Everything else passes on as it came, and weir_from_device
 * does it, with what the stack knows.
 */
#ifndef WEIR_XDP_H
#define WEIR_XDP_H

#include "../include/weir/quick_keep.h"
#include "../include/weir/tunnel.h"

WEIR_APART int weir_frame_refresh(struct weir_frame *frame, struct weir_nat *half, const struct weir_tuple *before,
				  const struct weir_tuple *after, __u64 now)
{
	struct weir_hop_to hop = {};

	weir_find_hop(frame, after, frame->ingress_ifindex, &hop);
	if (hop.ifindex) {
		weir_keep_hop(half, &hop, now);
		weir_nat_save(half, before, after, now);
	}
	return 0;
}

WEIR_INLINE int weir_frame_sent(const struct weir_frame *frame, const struct weir_nat *half)
{
	return half->hop_ifindex == frame->ingress_ifindex ? XDP_TX : weir_frame_send(half->hop_ifindex);
}

/* Where the device takes no frames, or nobody knows the neighbour, traffic control sends it. */
WEIR_INLINE int weir_frame_may_leave(const struct weir_frame *frame, const struct weir_nat *half, __u64 now)
{
	return weir_likely(weir_hop_is_known(half, now) &&
			   (half->hop_ifindex == frame->ingress_ifindex || weir_takes_frames(half->hop_ifindex)));
}

/* One that grows on its way. */
WEIR_INLINE int weir_frame_grows(const struct weir_nat *half, __u8 protocol, __u8 seen)
{
	return weir_direct_return && (weir_ipip ? half->kind == WEIR_NAT_FORWARDED && !half->is_reply
						: weir_tells(half, protocol, seen));
}

WEIR_INLINE int weir_frame_go(struct weir_frame *frame, struct weir_nat *half, const struct weir_tuple *before,
			      const struct weir_tuple *after, __u8 seen, __u64 now)
{
	const int goes_on = weir_goes_on(half, before, after);

	if (goes_on) {
		if (weir_unlikely(!weir_hop_is_known(half, now)))
			weir_frame_refresh(frame, half, before, after, now);
		if (!weir_frame_may_leave(frame, half, now))
			return XDP_PASS;
	}
	if (weir_unlikely(weir_nat_touch(half, before, after, seen, now)))
		return XDP_PASS;
	if (weir_unlikely(weir_frame_rewrite(frame, before->family, before, half, after, goes_on) != WEIR_FRAME_DONE))
		return XDP_PASS;
	if (seen == WEIR_SEEN_ACK)
		weir_quick_keep(before, after, half, goes_on);
	return goes_on ? weir_frame_sent(frame, half) : XDP_PASS;
}

WEIR_INLINE int weir_frame_northern(struct weir_frame *frame, struct weir_nat *half, const struct weir_tuple *before,
				    const struct weir_tuple *after, __u8 seen, __u64 now)
{
	if (!weir_is_northern_kind(half))
		return weir_quick_leave(before);
	if (weir_frame_grows(half, before->protocol, seen))
		return XDP_PASS;
	/* A connection whose backend has gone is ended by traffic control's program. */
	if (!half->is_reply && weir_unlikely(!weir_backend_is(half, after)))
		return XDP_PASS;
	return weir_frame_go(frame, half, before, after, seen, now);
}

/* No XDP_…: there is no pair, and a service may be where the frame goes to; … there is one now. */
#define WEIR_FRAME_OPENS -2
#define WEIR_FRAME_OPENED -3

/* What comes so although a tunnel would bring it is refused by traffic control. */
WEIR_INLINE int weir_is_out_of_tunnel(const struct weir_tuple *before)
{
	return weir_tunnel_port && weir_is_anothers_pod(&before->source, before->family);
}

/* What a frame is and becomes, in its caller's hands while a pair is looked for, opened, and gone by. */
struct weir_frame_is {
	struct weir_tuple before, after;
	__u64 now;
	__u8 seen;
	__u8 pad[7];
};

/* Of a frame that no entry was found for. */
WEIR_APART int weir_frame_long(struct weir_frame *frame, struct weir_frame_is *is)
{
	const __u64 now = weir_now();
	struct weir_nat *half;
	__u8 seen = 0;
	__u32 may;

	if (!weir_frame_parse(frame, &is->before, &seen))
		return XDP_PASS;
	if (weir_unlikely(seen & WEIR_SEEN_SYN))
		weir_quick_forget(&is->before);
	may = weir_is_northern(is->before.protocol, is->before.destination_port);
	half = weir_nat_find_here(&is->before, weir_northern_where(may), &is->after);
	if (half && (now >= half->expires || weir_nat_reopens(seen, half)))
		half = 0;
	if (!half && may & WEIR_MAY_BE_SERVICE) {
		is->now = now;
		is->seen = seen;
		return WEIR_FRAME_OPENS;
	}
	if (half && weir_is_out_of_tunnel(&is->before))
		return XDP_PASS;
	if (half)
		return weir_frame_northern(frame, half, &is->before, &is->after, seen, now);
	return weir_quick_leave(&is->before);
}

/* Beside the long way and not within it, as a path's stack hasn't room for both. */
WEIR_INLINE int weir_frame_open(struct weir_frame *frame, struct weir_frame_is *is)
{
	int result;

	if (weir_is_out_of_tunnel(&is->before))
		return XDP_PASS;
	is->after.family = is->before.family;
	is->after.protocol = is->before.protocol;
	result = weir_north_open(frame, &is->before, &is->after, weir_arrival(frame->ingress_ifindex, is->seen), is->now);
	if (result == WEIR_NORTH_READY)
		return WEIR_FRAME_OPENED;
	return result == WEIR_NORTH_NONE ? weir_quick_leave(&is->before) : XDP_PASS;
}

/* The first frame of a pair goes by what was written last. */
WEIR_INLINE int weir_frame_first(struct weir_frame *frame, const struct weir_frame_is *is)
{
	const struct weir_nat *half = weir_nat_written();
	int goes_on;

	if (!half || weir_frame_grows(half, is->before.protocol, is->seen))
		return XDP_PASS;
	goes_on = weir_goes_on(half, &is->before, &is->after);
	if (goes_on && !weir_frame_may_leave(frame, half, is->now))
		return XDP_PASS;
	if (weir_unlikely(weir_frame_rewrite(frame, is->before.family, &is->before, half, &is->after, goes_on) !=
			  WEIR_FRAME_DONE))
		return XDP_PASS;
	return goes_on ? weir_frame_sent(frame, half) : XDP_PASS;
}

WEIR_INLINE int weir_xdp_run(struct weir_frame *frame)
{
	struct weir_frame_is is = {};
	int done = weir_quick_run(frame);

	if (weir_likely(done != WEIR_QUICK_NOT))
		return done;
	done = weir_frame_long(frame, &is);
	if (done == WEIR_FRAME_OPENS)
		done = weir_frame_open(frame, &is);
	return done == WEIR_FRAME_OPENED ? weir_frame_first(frame, &is) : done;
}

#endif
