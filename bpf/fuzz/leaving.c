/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Packets that leave the node. */
#include "leaving.h"

#include <string.h>

#include "../include/weir/leaving.h"
#include "../memory/calls.h"
#include "frames.h"
#include "reference.h"
#include "world.h"

int is_leaving;

static void put_rule(int pod, __u32 action)
{
	struct weir_egress4_key four = {.length = 32};
	struct weir_egress6_key six = {.length = 128};
	struct weir_egress rule = {.action = action};
	__u8 address[16];

	memcpy(rule.address, "\x0a\x09\x08\x07", 4);
	reference_address(pod, 4, address);
	memcpy(four.source, address, 4);
	put("weir_egress4", &four, &rule);
	reference_address(pod, 6, address);
	memcpy(six.source, address, 16);
	put("weir_egress6", &six, &rule);
}

void leave(int on)
{
	const struct weir_leaving leaving = {.masquerades = on ? 3 : 0, .rules = on};
	const __u32 zero = 0, ifindex = DEVICE_IFINDEX;
	struct weir_masquerade device = {};
	__u8 address[16];

	reference_address(NODE, 4, address);
	memcpy(device.ipv4, address, 4);
	reference_address(NODE, 6, address);
	memcpy(device.ipv6, address, 16);
	put("weir_masquerade", &ifindex, &device);
	put_rule(1, WEIR_EGRESS_STEER);
	put_rule(2, WEIR_EGRESS_NO_GATEWAY);
	put("weir_leaving", &zero, &leaving);
	put("weir_own_pairs", &zero, &zero);
	is_leaving = on;
}

void check_translated(const __u8 *before, const struct weir_skb *skb, size_t length)
{
	const size_t header = length < 34 ? 0 : (size_t)(before[14] & 15) * 4;

	CHECK(skb->len == length);
	CHECK(!memcmp(before, skb->data, length < 14 ? length : 14));
	if (length < 34 || before[12] != 0x08 || before[13] != 0x00 || before[14] >> 4 != 4 || header < 20)
		return;
	if (14 + header <= length && reference_sums(before + 14, header, 0))
		CHECK(reference_sums(skb->data + 14, header, 0));
}
