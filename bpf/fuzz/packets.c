/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Sequences of packets through the programs. Each packet lies in a block of exactly its length, so that the sanitizer sees
 * a byte too far; what passes must be allowed by the reference, and what changes must be what a hop changes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/weir/state.h"
#include "../include/weir/tables.h"
#include "../memory/map.h"
#include "../memory/packet.h"
#include "../memory/programs.h"
#include "frames.h"
#include "leaving.h"
#include "pairs.h"
#include "reference.h"
#include "world.h"

#define MARK 0x05700000u
#define SECOND 1000000000ull
#define MOST 400

static struct weir_map *map_called(const char *name)
{
	for (__u32 i = 0; i < weir_map_total(); i++)
		if (!strcmp(weir_map_at(i)->name, name))
			return weir_map_at(i);
	abort();
}

void put(const char *map, const void *key, const void *value)
{
	CHECK(!bpf_map_update_elem(map_called(map), key, value, 0));
}

#define IFINDEX(pod) (100 + (pod))
#define SLOT(pod) (256u + (pod))
#define SUBJECT(pod) (1u + (pod))
#define CLASS(pod) (10u + (pod))

/* A row by asking the reference at every key where it may change its mind. */
static void put_row(__u32 first, int (*rule)(enum pod, enum pod, uint8_t, uint16_t), int client, int server)
{
	static const __u32 keys[] = {0,
				     1 << 16 | 0x0800,
				     1 << 16 | 0x0801,
				     6 << 16 | 80,
				     6 << 16 | 81,
				     6 << 16 | 8080,
				     6 << 16 | 8090,
				     17 << 16 | 53,
				     17 << 16 | 54,
				     58 << 16 | 0x8000,
				     58 << 16 | 0x8001};
	struct weir_row_chunk chunk;

	memset(&chunk, 0xff, sizeof(chunk));
	for (__u32 i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		chunk.key[i] = keys[i];
		chunk.verdict[i] = rule(client, server, keys[i] >> 16, keys[i] & 0xffff) ? WEIR_ALLOW : WEIR_DENY;
	}
	put("weir_rows", &first, &chunk);
}

static void put_cell(__u32 subject, __u32 direction, __u32 peer_class, __u32 first)
{
	const struct weir_cell_key key = {.subject = subject, .direction = direction, .peer_class = peer_class};
	const struct weir_cell cell = {.first = first, .chunks = 1};

	put("weir_cells", &key, &cell);
}

/* Both directions of a party's policy: a cell for every peer but the outside, which has the default. */
static void put_subject(int party)
{
	for (int peer = 0; peer < PARTIES; peer++) {
		const __u32 first = 20 + (__u32)(party * PARTIES + peer) * 2;
		const __u32 peer_class = peer == OUTSIDE ? 0 : CLASS((__u32)peer);

		put_row(first, reference_calls, party, peer);
		put_cell(SUBJECT((__u32)party), WEIR_EGRESS, peer_class, first);
		put_row(first + 1, reference_takes, peer, party);
		put_cell(SUBJECT((__u32)party), WEIR_INGRESS, peer_class, first + 1);
	}
}

static void put_address(int party, __u32 identity, __u32 slot)
{
	const struct weir_peer peer = {
		.identity = identity, .peer_class = CLASS((__u32)party), .subject = SUBJECT((__u32)party), .slot = slot};
	__u8 address[16];

	reference_address(party, 4, address);
	put("weir_addr4", address, &peer);
	reference_address(party, 6, address);
	put("weir_addr6", address, &peer);
	put_subject(party);
}

static void fill(void)
{
	const struct weir_prefix4 all4 = {};
	const struct weir_prefix6 all6 = {};
	const struct weir_peer world = {.identity = 2, .peer_class = 20};

	put("weir_pfx4", &all4, &world);
	put("weir_pfx6", &all6, &world);
	for (int pod = 0; pod < PODS; pod++) {
		struct weir_endpoint endpoint = {.generation = 1, .ifindex = IFINDEX(pod)};
		const __u32 slot = SLOT(pod), ifindex = IFINDEX(pod);

		mac_of(pod, 0, endpoint.pod_mac);
		mac_of(pod, 1, endpoint.host_mac);
		put("weir_endpoints", &slot, &endpoint);
		put("weir_devices", &ifindex, &slot);
		put_address(pod, 300, slot);
	}
	put_address(NODE, WEIR_IDENTITY_HOST, 0);
}

static int is_unchanged(const __u8 *before, const struct weir_skb *skb, size_t length)
{
	return skb->len == length && !memcmp(before, skb->data, length);
}

/* One hop: link addresses, the TTL and the sum over it; nothing else. */
static void check_hop(const __u8 *before, const struct weir_skb *skb, size_t length)
{
	const __u8 *after = skb->data;
	const int family = before[14] >> 4;
	const size_t header = (size_t)(before[14] & 15) * 4;

	CHECK(skb->len == length);
	if (family == 4) {
		CHECK(after[22] == before[22] - 1 && before[22] > 1);
		CHECK(!memcmp(before + 14, after + 14, 8) && after[23] == before[23]);
		CHECK(!memcmp(before + 26, after + 26, length - 26));
		if (14 + header <= length && reference_sums(before + 14, header, 0))
			CHECK(reference_sums(after + 14, header, 0));
	} else {
		CHECK(after[21] == before[21] - 1 && before[21] > 1);
		CHECK(!memcmp(before + 14, after + 14, 7) && !memcmp(before + 22, after + 22, length - 22));
	}
}

static void check_answer(const struct weir_skb *skb)
{
	const __u8 *frame = skb->data;

	if (frame[12] == 0x08 && frame[13] == 0x06)
		return;
	CHECK(skb->len == 86 && frame[20] == 58 && frame[54] == 136);
	CHECK(reference_sums(frame + 22, 32 + 32, 58 + 32));
}

static void check_passed(const __u8 *before, size_t length, const struct weir_skb *skb, int result, int at, int from)
{
	struct tuple tuple;

	if (length >= 14 && before[12] == 0x08 && before[13] == 0x06) {
		CHECK(result == 0 || skb->redirect == WEIR_REDIRECT_DEVICE);
		return;
	}
	CHECK(reference_read(before + 14, length - 14, 0, &tuple));
	CHECK(!(before[12] == 0x08) == (tuple.family == 6));
	if (tuple.is_link_business && !tuple.is_fragment) {
		CHECK(result == 0 || skb->redirect == WEIR_REDIRECT_DEVICE);
		return;
	}
	if (from)
		CHECK((int)reference_owner(tuple.source, tuple.family) == at);
	else
		CHECK((int)reference_owner(tuple.destination, tuple.family) == at);
	if (tuple.is_fragment)
		return;
	if (tuple.is_icmp_error) {
		struct tuple quoted;

		CHECK(reference_read(before + 14 + tuple.quoted, length - 14 - tuple.quoted, 1, &quoted));
		CHECK(!memcmp(quoted.source, tuple.destination, 16));
		CHECK(reference_is_open(&quoted));
		return;
	}
	CHECK(reference_may_pass(&tuple));
	if (skb->redirect == WEIR_REDIRECT_PEER)
		CHECK(skb->redirect_ifindex == (__u32)IFINDEX(reference_owner(tuple.destination, tuple.family)));
}

/* Who speaks for the node or with it at its device is held to the same rules; all others only to be who they say. */
static void check_at_device(const __u8 *frame, size_t length, int from, int forwarded)
{
	const int family = length < 34 ? 0 : frame[14] >> 4;
	struct tuple tuple, quoted;
	int is_readable;

	if (!(family == 4 && frame[12] == 0x08 && frame[13] == 0x00 && (frame[14] & 15) >= 5) &&
	    !(family == 6 && frame[12] == 0x86 && frame[13] == 0xdd && length >= 54))
		return;
	is_readable = reference_read(frame + 14, length - 14, 0, &tuple);
	if (from) {
		CHECK(tuple.is_link_business || reference_owner(tuple.source, tuple.family) == OUTSIDE);
		if (reference_owner(tuple.destination, tuple.family) != NODE)
			return;
	} else if (reference_owner(tuple.source, tuple.family) != NODE) {
		return;
	}
	CHECK(is_readable);
	if (!tuple.is_link_business && tuple.is_fragment && !from && forwarded)
		reference_lend(&tuple);
	if (tuple.is_link_business || tuple.is_fragment)
		return;
	if (tuple.is_icmp_error) {
		CHECK(reference_read(frame + 14 + tuple.quoted, length - 14 - tuple.quoted, 1, &quoted));
		CHECK(!memcmp(quoted.source, tuple.destination, 16));
		CHECK(reference_is_open(&quoted) || reference_is_lent(&quoted) ||
		      (!from && reference_owner(quoted.destination, quoted.family) != NODE));
		return;
	}
	if (!from && forwarded)
		reference_lend(&tuple);
	CHECK(reference_is_lent(&tuple) || reference_may_pass(&tuple));
}

static void run_at_device(const __u8 *frame, size_t length, int from, int forwarded, __u32 linear)
{
	struct weir_skb skb = {
		.data = malloc(length ? length : 1),
		.len = (__u32)length,
		.capacity = (__u32)length,
		.ifindex = DEVICE_IFINDEX,
		.ingress_ifindex = from ? DEVICE_IFINDEX : forwarded ? IFINDEX(0) : 0,
	};
	int result;

	CHECK(skb.data);
	memcpy(skb.data, frame, length);
	skb.data_end = skb.data + (linear < length ? linear : length);
	weir_packet_begin(&skb);
	result = from ? weir_from_device(&skb) : weir_to_device(&skb);
	weir_packet_end_of(&skb);
	CHECK(result == -1 || result == 2);
	if (is_leaving)
		check_translated(frame, &skb, length);
	else
		CHECK(is_unchanged(frame, &skb, length));
	if (result == -1 && !is_leaving)
		check_at_device(frame, length, from, forwarded);
	free(skb.data);
}

static void run_packet(const __u8 *frame, size_t length, int at, int from, int marked, __u32 linear)
{
	const size_t room = length < 86 ? 86 : length;
	struct weir_skb skb = {
		.data = malloc(room),
		.len = (__u32)length,
		.capacity = (__u32)room,
		.ifindex = IFINDEX(at),
		.mark = marked ? MARK : 0,
	};
	int result;

	CHECK(skb.data);
	memcpy(skb.data, frame, length);
	skb.data_end = skb.data + (linear < length ? linear : length);
	weir_packet_begin(&skb);
	result = from ? weir_from_endpoint(&skb) : weir_to_endpoint(&skb);
	weir_packet_end_of(&skb);
	CHECK(result == 0 || result == 2 || (result == 7 && from));
	if (result == 0)
		CHECK(is_unchanged(frame, &skb, length));
	if (result == 7 && skb.redirect == WEIR_REDIRECT_PEER)
		check_hop(frame, &skb, length);
	if (result == 7 && skb.redirect == WEIR_REDIRECT_DEVICE)
		check_answer(&skb);
	if (result != 2)
		check_passed(frame, length, &skb, result, at, from);
	free(skb.data);
}

static void drain(void)
{
	const struct weir_event *event;
	__u32 length;

	while ((event = weir_ring_take(map_called("weir_events"), &length))) {
		CHECK(length == sizeof(*event));
		CHECK(event->kind == WEIR_EVENT_VERDICT || event->kind == WEIR_EVENT_DROP);
		CHECK((event->reason == 0) == (event->verdict == WEIR_ALLOW));
	}
}

static void touch(int pod)
{
	const __u32 slot = SLOT(pod);
	struct weir_endpoint *endpoint = bpf_map_lookup_elem(map_called("weir_endpoints"), &slot);

	endpoint->generation++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const states[] = {"weir_ct4", "weir_ct6", "weir_frag4", "weir_frag6", "weir_budgets"};
	static int is_filled;
	struct input input = {data, size};

	if (!is_filled) {
		fill();
		pairs_limit();
		is_filled = 1;
	}
	weir_clock = 1000 * SECOND;
	reference_forget();
	leave(0);
	while (input.left) {
		const __u8 op = take(&input);
		const int at = (op >> 4 & 3) == PODS ? NODE : op >> 4 & 3, from = op & 1;
		__u8 frame[MOST + 128] = {};
		size_t length;

		switch (op >> 1 & 7) {
		case 0: /* bytes as they come */
			length = take(&input);
			if (length > input.left)
				length = input.left;
			memcpy(frame, input.at, length);
			input.at += length;
			input.left -= length;
			break;
		case 1:
			weir_clock += (__u64)take(&input) * SECOND;
			continue;
		case 2: {
			struct weir_sweep swept;

			weir_sweep(&swept);
			continue;
		}
		case 3:
			if (at == NODE)
				leave(from);
			else
				touch(at);
			continue;
		default:
			length = make_frame(&input, frame, at, from);
		}
		if (at == NODE)
			run_at_device(frame, length, from, op >> 6 & 1, op & 0x80 ? take(&input) : MOST);
		else
			run_packet(frame, length, at, from, op >> 6 & 1, op & 0x80 ? take(&input) : MOST);
		drain();
	}
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		weir_map_clear(map_called(states[i]));
	pairs_forget();
	return 0;
}
