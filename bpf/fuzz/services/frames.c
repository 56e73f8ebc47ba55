/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "frames.h"

#include <string.h>

#include "tables.h"

#define LINK 14

__u8 take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static void put16(__u8 *at, unsigned value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

/* What direct return tells, of the public address: believed or not. */
static void put_told(__u8 *at, int family, unsigned port)
{
	uint8_t address[16];

	party_address(PUBLIC, family, address);
	if (family == 4) {
		at[0] = 0x9a;
		at[1] = 8;
		put16(at + 2, port);
		memcpy(at + 4, address, 4);
		return;
	}
	at[1] = 2;
	at[2] = 0x1b;
	at[3] = 20;
	memcpy(at + 4, address, 16);
	put16(at + 20, port);
}

enum shape {
	IS_FRAGMENT = 1,
	IS_LATER = 2,
	HAS_OPTIONS = 4,
	TELLS = 8,
	IS_SPOILED = 16,
	HAS_NO_SUM = 32,
};

static size_t put_ip(__u8 *ip, const struct wire *ends, __u8 shape, unsigned told)
{
	const size_t option = shape & TELLS ? (ends->family == 4 ? 8 : 24) : ends->family == 4 ? 4 : 8;
	size_t header = ends->family == 4 ? 20 : 40;

	memset(ip, 0, 80);
	if (ends->family == 4) {
		ip[8] = 64;
		ip[9] = ends->protocol;
		put16(ip + 4, 7);
		if (shape & IS_FRAGMENT)
			put16(ip + 6, shape & IS_LATER ? 1 : 0x2000);
		memcpy(ip + 12, ends->source.address, 4);
		memcpy(ip + 16, ends->destination.address, 4);
		if (shape & HAS_OPTIONS) {
			memset(ip + 20, 1, option);
			if (shape & TELLS)
				put_told(ip + 20, 4, told);
			header += option;
		}
		ip[0] = (__u8)(0x40 | header / 4);
		return header;
	}
	ip[0] = 0x60;
	ip[6] = ends->protocol;
	ip[7] = 64;
	memcpy(ip + 8, ends->source.address, 16);
	memcpy(ip + 24, ends->destination.address, 16);
	if (shape & HAS_OPTIONS) {
		ip[6] = 60;
		ip[40] = ends->protocol;
		ip[42] = 1;
		ip[43] = 4;
		if (shape & TELLS)
			put_told(ip + 40, 6, told);
		header += option;
	}
	if (shape & IS_FRAGMENT) {
		ip[shape & HAS_OPTIONS ? 40 : 6] = 44;
		ip[header] = ends->protocol;
		put16(ip + header + 2, shape & IS_LATER ? 8 : 1);
		put16(ip + header + 6, 7);
		header += 8;
	}
	return header;
}

static void finish(struct frame *frame, int family, size_t header, size_t payload)
{
	struct wire wire;

	put16(frame->bytes + 12, family == 4 ? 0x0800 : 0x86dd);
	put16(frame->bytes + LINK + (family == 4 ? 2 : 4), (unsigned)(family == 4 ? header + payload : header - 40 + payload));
	frame->length = LINK + header + payload;
	if (wire_read(frame->bytes, frame->length, &wire))
		wire_sum(frame->bytes, &wire);
}

void frame_make(struct input *input, struct frame *frame, const struct wire *ends)
{
	static const __u8 flags[] = {0x02, 0x10, 0x18, 0x11, 0x04, 0x12, 0x10, 0x02};
	const __u8 shape = take(input), more = take(input);
	const unsigned told[] = {80, 53, 70, 30080};
	const size_t header = put_ip(frame->bytes + LINK, ends, shape & 0x80 ? shape : 0, told[more >> 6]);
	__u8 *l4 = frame->bytes + LINK + header;
	const size_t size = ends->protocol == TCP ? 20 : ends->protocol == UDP ? 8 : 12, data = more & 31;

	memset(l4, more, size + data);
	put16(l4, ends->source.port);
	put16(l4 + 2, ends->destination.port);
	if (ends->protocol == TCP) {
		l4[12] = 0x50;
		l4[13] = flags[more >> 5];
	} else if (ends->protocol == UDP) {
		put16(l4 + 4, (unsigned)(8 + data));
	} else {
		l4[12] = more & 15;
	}
	finish(frame, ends->family, header, size + data);
	if ((shape & 0x80) && (shape & HAS_NO_SUM) && ends->protocol == UDP)
		put16(l4 + 6, 0);
	if ((shape & 0x80) && (shape & IS_SPOILED))
		frame->bytes[12 + take(input) % (frame->length - 12)] ^= take(input);
}

void frame_error(struct input *input, struct frame *frame, const struct frame *about, const struct wire *ends)
{
	const __u8 how = take(input);
	const size_t header = put_ip(frame->bytes + LINK, ends, 0, 0);
	size_t quoted = about->length - LINK;
	__u8 *icmp = frame->bytes + LINK + header;

	if (quoted > 40u + (how & 63))
		quoted = 40u + (how & 63);
	memset(icmp, 0, 8);
	if (ends->family == 4) {
		icmp[0] = how & 0x80 ? 11 : 3;
		icmp[1] = how & 0x80 ? 0 : how & 0x40 ? 4 : 3;
	} else {
		icmp[0] = how & 0x80 ? 3 : how & 0x40 ? 2 : 1;
	}
	put16(icmp + 6, icmp[0] < 4 ? 1400 : 0);
	memcpy(icmp + 8, about->bytes + LINK, quoted);
	finish(frame, ends->family, header, 8 + quoted);
}

void frame_wrap(struct frame *frame, int family, const uint8_t source[16], const uint8_t destination[16], uint16_t port)
{
	const size_t header = family == 4 ? 20 : 40, inner = frame->length - LINK;
	struct wire ends = {.family = (uint8_t)family, .protocol = family == 4 ? 4 : 41};

	if (frame->length + header > MOST)
		return;
	memcpy(ends.source.address, source, 16);
	memcpy(ends.destination.address, destination, 16);
	memmove(frame->bytes + LINK + header, frame->bytes + LINK, inner);
	/* It clears as much as the longest header takes. */
	{
		__u8 start[80];

		put_ip(start, &ends, 0, 0);
		memcpy(frame->bytes + LINK, start, header);
	}
	if (family == 4) {
		put16(frame->bytes + LINK + 4, port);
		put16(frame->bytes + LINK + 6, 0x4000);
	} else {
		put16(frame->bytes + LINK + 2, port);
	}
	finish(frame, family, header, inner);
}
