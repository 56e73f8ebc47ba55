/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "wire.h"

#include <string.h>

#define LINK 14

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *bytes, size_t length, uint32_t sum)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		sum += be16(bytes + i);
	if (length & 1)
		sum += (uint32_t)bytes[length - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static int read4(const uint8_t *ip, size_t length, struct wire *wire)
{
	const size_t header = (size_t)(ip[0] & 15) * 4, total = length < 20 ? 0 : be16(ip + 2);

	if (length < 20 || header < 20 || total < header || total > length)
		return 0;
	wire->family = 4;
	wire->protocol = ip[9];
	wire->is_later = (be16(ip + 6) & 0x1fff) != 0;
	wire->is_first = !wire->is_later && (be16(ip + 6) & 0x2000);
	memcpy(wire->source.address, ip + 12, 4);
	memcpy(wire->destination.address, ip + 16, 4);
	wire->l4 = LINK + header;
	wire->end = LINK + total;
	return 1;
}

static int read6(const uint8_t *ip, size_t length, struct wire *wire)
{
	size_t at = 40;
	uint8_t next;

	if (length < 40 || 40u + be16(ip + 4) > length)
		return 0;
	wire->family = 6;
	wire->end = LINK + 40 + be16(ip + 4);
	memcpy(wire->source.address, ip + 8, 16);
	memcpy(wire->destination.address, ip + 24, 16);
	for (next = ip[6]; next == 0 || next == 43 || next == 44 || next == 60;) {
		const uint8_t *extension = ip + at;

		/* Of a packet with a routing header the sum is over the last of the addresses that it lists. */
		if (LINK + at + 8 > wire->end || next == 43)
			return 0;
		if (next == 44) {
			wire->is_later = (be16(extension + 2) & 0xfff8) != 0;
			wire->is_first = !wire->is_later && (extension[3] & 1);
		}
		at += next == 44 ? 8 : 8 + (size_t)extension[1] * 8;
		next = extension[0];
		if (wire->is_later)
			break;
	}
	wire->protocol = next;
	wire->l4 = LINK + at;
	return wire->l4 <= wire->end;
}

int wire_read(const uint8_t *frame, size_t length, struct wire *wire)
{
	memset(wire, 0, sizeof(*wire));
	if (length < LINK + 20)
		return 0;
	if (be16(frame + 12) == 0x0800 && frame[LINK] >> 4 == 4) {
		if (!read4(frame + LINK, length - LINK, wire))
			return 0;
	} else if (be16(frame + 12) == 0x86dd && frame[LINK] >> 4 == 6) {
		if (!read6(frame + LINK, length - LINK, wire))
			return 0;
	} else {
		return 0;
	}
	if (wire->is_later)
		return 1;
	if (wire->protocol == TCP || wire->protocol == UDP || wire->protocol == SCTP) {
		if (wire->l4 + (wire->protocol == TCP ? 20 : wire->protocol == UDP ? 8 : 12) > wire->end)
			return 0;
		wire->source.port = be16(frame + wire->l4);
		wire->destination.port = be16(frame + wire->l4 + 2);
	} else if (wire->protocol == (wire->family == 4 ? ICMP : ICMP6)) {
		if (wire->l4 + 8 > wire->end)
			return 0;
		wire->is_error = wire->family == 6 ? frame[wire->l4] < 128
						   : frame[wire->l4] == 3 || frame[wire->l4] == 11 || frame[wire->l4] == 12;
	}
	return 1;
}

static uint32_t pseudo_sum(const struct wire *wire, uint32_t sum)
{
	sum = sum_of(wire->source.address, 16, sum);
	return sum_of(wire->destination.address, 16, sum);
}

static uint32_t l4_sum(const uint8_t *frame, const struct wire *wire)
{
	const size_t length = wire->end - wire->l4;

	if (wire->protocol == ICMP)
		return sum_of(frame + wire->l4, length, 0);
	return sum_of(frame + wire->l4, length, pseudo_sum(wire, (uint32_t)length + wire->protocol));
}

/* RFC 9260, appendix A, a bit at a time. */
static uint32_t crc_of(const uint8_t *bytes, size_t length)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < length; i++) {
		crc ^= i >= 8 && i < 12 ? 0 : bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Where the sum of the transport header lies; 0 where there is none of the Internet's kind. */
static size_t sum_at(const struct wire *wire)
{
	switch (wire->protocol) {
	case TCP:
		return wire->l4 + 16;
	case UDP:
		return wire->l4 + 6;
	case ICMP:
	case ICMP6:
		return wire->l4 + 2;
	default:
		return 0;
	}
}

int wire_is_right(const uint8_t *frame, const struct wire *wire)
{
	const uint8_t *l4 = frame + wire->l4;

	if (wire->family == 4 && sum_of(frame + LINK, (size_t)(frame[LINK] & 15) * 4, 0) != 0xffff)
		return 0;
	if (wire->is_first || wire->is_later)
		return 1;
	if (wire->protocol == UDP && !be16(l4 + 6))
		return wire->family == 4;
	if (wire->protocol == SCTP) {
		const uint32_t crc = crc_of(l4, wire->end - wire->l4);

		return l4[8] == (uint8_t)crc && l4[9] == (uint8_t)(crc >> 8) && l4[10] == (uint8_t)(crc >> 16) &&
		       l4[11] == (uint8_t)(crc >> 24);
	}
	return !sum_at(wire) || l4_sum(frame, wire) == 0xffff;
}

uint16_t wire_rest(const uint8_t *frame, const struct wire *wire)
{
	const uint32_t sum = sum_of(frame + wire->l4, wire->end - wire->l4, pseudo_sum(wire, 0));

	return (uint16_t)(sum == 0xffff ? 0 : sum);
}

void wire_sum(uint8_t *frame, const struct wire *wire)
{
	const size_t at = sum_at(wire), header = (size_t)(frame[LINK] & 15) * 4;

	if (wire->family == 4) {
		put16(frame + LINK + 10, 0);
		put16(frame + LINK + 10, (uint16_t)~sum_of(frame + LINK, header, 0));
	}
	if (wire->is_later)
		return;
	if (wire->protocol == SCTP) {
		const uint32_t crc = crc_of(frame + wire->l4, wire->end - wire->l4);

		for (int i = 0; i < 4; i++)
			frame[wire->l4 + 8 + i] = (uint8_t)(crc >> 8 * i);
	} else if (at) {
		uint16_t sum;

		put16(frame + at, 0);
		sum = (uint16_t)~l4_sum(frame, wire);
		put16(frame + at, wire->protocol == UDP && !sum ? 0xffff : sum);
	}
}
