/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Flows to services: what clients outside and pods send, what backends answer, errors about both, while backends come and
 * go. Each frame lies in a block of its own with the room that a device leaves, so that the sanitizer sees a byte too far.
 */
#include <stdlib.h>
#include <string.h>

#include "../../include/weir/quick.h"
#include "../../include/weir/state.h"
#include "../../memory/map.h"
#include "../../memory/packet.h"
#include "../../memory/programs.h"
#include "../pairs.h"
#include "../world.h"
#include "check.h"
#include "tables.h"

#define ROOM 64
#define SECOND 1000000000ull

enum { PASSED = 0, DROPPED = 2, REDIRECTED = 7, GOES_ON = -1 };
enum { XDP_DROPPED = 1, XDP_PASSED = 2 };

/* What went out last, and where: at which pod, or NODE for the device. */
static struct frame last;
static enum party last_at;

struct step {
	int (*program)(struct weir_skb *);
	__u32 ifindex, ingress_ifindex;
};

/* Runs a program over the frame, which becomes what the program makes of it. */
static int run(struct step step, struct frame *frame, __u32 *redirect, __u32 *to)
{
	struct frame before = *frame;
	struct weir_skb skb = {
		.len = (__u32)frame->length,
		.capacity = (__u32)frame->length + ROOM,
		.ifindex = step.ifindex,
		.ingress_ifindex = step.ingress_ifindex,
	};
	int result;

	skb.data = malloc(skb.capacity);
	CHECK(skb.data);
	memcpy(skb.data, frame->bytes, frame->length);
	skb.data_end = skb.data + skb.len;
	weir_packet_begin(&skb);
	result = step.program(&skb);
	weir_packet_end_of(&skb);
	CHECK(skb.len <= MOST);
	frame->length = skb.len;
	memcpy(frame->bytes, skb.data, skb.len);
	*redirect = skb.redirect;
	*to = skb.redirect_ifindex;
	free(skb.data);
	if (result != (step.program == weir_xdp ? XDP_DROPPED : DROPPED))
		check_step(&before, frame);
	return result;
}

static enum party receiver(const struct frame *frame)
{
	struct wire wire;

	return wire_read(frame->bytes, frame->length, &wire) ? party_of(wire.destination.address, wire.family) : PARTIES;
}

static void went(const struct frame *frame, enum party at)
{
	last = *frame;
	last_at = at;
}

/* From the stack to whoever it is for. */
static void route(struct frame *frame, __u32 from)
{
	const enum party to = receiver(frame);
	__u32 redirect, ifindex;
	int result;

	if (to == POD_A || to == POD_B) {
		result = run((struct step){weir_to_endpoint, INTERFACE(to), 0}, frame, &redirect, &ifindex);
		if (result == PASSED || result == GOES_ON)
			went(frame, to);
		return;
	}
	if (to == NODE || to == PARTIES)
		return;
	result = run((struct step){weir_to_device, DEVICE, from}, frame, &redirect, &ifindex);
	if (result != DROPPED)
		went(frame, NODE);
}

static void comes_by_device(struct frame *frame, int by_xdp)
{
	__u32 redirect, ifindex;
	int result;

	if (by_xdp) {
		result = run((struct step){weir_xdp, DEVICE, DEVICE}, frame, &redirect, &ifindex);
		if (result != XDP_PASSED) {
			if (result != XDP_DROPPED)
				went(frame, NODE);
			return;
		}
	}
	result = run((struct step){weir_from_device, DEVICE, DEVICE}, frame, &redirect, &ifindex);
	if (result == REDIRECTED)
		went(frame, NODE);
	else if (result != DROPPED)
		route(frame, DEVICE);
}

static void comes_from_pod(struct frame *frame, enum party pod)
{
	__u32 redirect, ifindex;
	uint8_t macs[12];
	int result;

	pod_macs(pod, macs);
	memcpy(frame->bytes, macs + 6, 6);
	memcpy(frame->bytes + 6, macs, 6);
	result = run((struct step){weir_from_endpoint, INTERFACE(pod), 0}, frame, &redirect, &ifindex);
	if (result == REDIRECTED && redirect == WEIR_REDIRECT_PEER && ifindex >= INTERFACE(POD_A))
		went(frame, (enum party)(ifindex - INTERFACE(0)));
	else if (result == PASSED || result == GOES_ON)
		route(frame, INTERFACE(pod));
}

static void comes(struct frame *frame, enum party at, int by_xdp)
{
	check_sent(frame);
	if (at == POD_A || at == POD_B)
		comes_from_pod(frame, at);
	else
		comes_by_device(frame, by_xdp);
}

static void set_end(struct end *end, enum party party, int family, uint16_t port)
{
	party_address(party, family, end->address);
	end->port = port;
}

static void call(struct input *input, __u8 op)
{
	static const enum party callers[] = {CLIENT, CLIENT, STRANGER, POD_A, POD_B, CLIENT, POD_A, OTHER_NODE};
	static const enum party called[] = {PUBLIC, PUBLIC, NODE, CLUSTER, PUBLIC, POD_A, FAR_A, NODE};
	static const uint16_t ports[3][8] = {{80, 81, 82, 83, 84, 30080, 8080, 80},
					     {53, 53, 53, 30080, 30080, 5353, 53, 54},
					     {70, 70, 70, 30080, 30080, 7000, 70, 71}};
	static const uint16_t own[] = {4000, 4001, 30000, 1024};
	const __u8 who = take(input), what = take(input), kind = what >> 6 == 3 ? 0 : what >> 6;
	const enum party from = callers[who & 7];
	struct wire ends = {.family = op & 0x80 ? 6 : 4, .protocol = (uint8_t[]){TCP, UDP, SCTP}[kind]};
	struct frame frame = {};

	set_end(&ends.source, from, ends.family, own[who >> 6]);
	set_end(&ends.destination, called[who >> 3 & 7], ends.family, ports[kind][what & 7]);
	frame_make(input, &frame, &ends);
	if ((op & 0x30) == 0x30) {
		uint8_t outer[2][16];

		party_address(OTHER_NODE, ends.family, outer[0]);
		party_address(what & 8 ? POD_A : POD_B, ends.family, outer[1]);
		frame_wrap(&frame, ends.family, outer[0], outer[1], what & 16 ? 8080 : 5353);
	}
	comes(&frame, from, op & 0x40);
}

/* Whoever got the last frame answers it, or says that it couldn't be taken. */
static void answer(struct input *input, __u8 op, int is_error)
{
	struct frame frame = {};
	struct wire wire, ends;

	if (!last.length || !wire_read(last.bytes, last.length, &wire))
		return;
	ends = wire;
	ends.source = wire.destination;
	ends.destination = wire.source;
	if (!is_error) {
		if (wire.protocol != TCP && wire.protocol != UDP && wire.protocol != SCTP)
			return;
		frame_make(input, &frame, &ends);
	} else {
		ends.protocol = wire.family == 4 ? ICMP : ICMP6;
		frame_error(input, &frame, &last, &ends);
	}
	comes(&frame, last_at, op & 0x40);
}

/* Of the arrays that frames write the entries that there are for them: the whole of one takes longer than an input. */
static void forget_quick(struct weir_map *map, __u32 count)
{
	for (__u32 i = 0; i < count; i++)
		memset(bpf_map_lookup_elem(map, &i), 0, map->value_size);
}

/* What flows have left behind. */
static void forget(void)
{
	static const char *const states[] = {"weir_ct4",   "weir_ct6",     "weir_frag4",     "weir_frag6",
					     "weir_budgets", "weir_affinities", "weir_own_pairs"};
	__u32 length;

	pairs_forget();
	for (__u32 i = 0; i < weir_map_total(); i++) {
		struct weir_map *map = weir_map_at(i);

		if (!strcmp(map->name, "weir_quick4") || !strcmp(map->name, "weir_quick6"))
			forget_quick(map, QUICK_ENTRIES);
		if (!strcmp(map->name, "weir_quick_tags4") || !strcmp(map->name, "weir_quick_tags6"))
			forget_quick(map, QUICK_ENTRIES / WEIR_QUICK_SET);
		while (!strcmp(map->name, "weir_events") && weir_ring_take(map, &length))
			;
		for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++)
			if (!strcmp(map->name, states[k]))
				weir_map_clear(map);
	}
}

static void sweep_pairs(void)
{
	for (__u32 family = 4; family <= 6; family += 2) {
		struct weir_pair_sweep asked = {.family = family};
		struct weir_skb frame = {.data = (__u8 *)&asked, .data_end = (__u8 *)(&asked + 1)};

		CHECK(weir_sweep_pairs(&frame) == XDP_PASSED);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	tables_fill();
	check_begin();
	weir_clock = 1000 * SECOND;
	last.length = 0;
	while (input.left) {
		const __u8 op = take(&input);

		switch (op & 7) {
		case 0:
			weir_clock += (__u64)take(&input) * (SECOND / 4);
			break;
		case 1: {
			const __u8 which = take(&input);

			if (which & 0x80)
				tables_mode(which & 3, which >> 2 & 1);
			else if (which & 0x40)
				tables_way(which & 3);
			else
				tables_toggle((which & 31) % BACKENDS, which & 0x20 ? 6 : 4);
			break;
		}
		case 2: {
			struct weir_sweep swept;

			weir_sweep(&swept);
			sweep_pairs();
			break;
		}
		case 3:
			answer(&input, op, op & 8);
			break;
		default:
			call(&input, op);
		}
	}
	forget();
	return 0;
}
