/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "reference.h"

#include <string.h>

#define TCP 6
#define UDP 17
#define ICMP 1
#define ICMP6 58
#define SCTP 132

static int is_service(uint8_t protocol, uint16_t port)
{
	return (protocol == TCP && port == 80) || (protocol == UDP && port == 53) || (protocol == ICMP && port == 0x0800) ||
	       (protocol == ICMP6 && port == 0x8000) || (protocol == TCP && port >= 8080 && port <= 8089);
}

/* a and b call everyone, c nobody. The node calls services, b none at all. */
int reference_calls(enum pod client, enum pod server, uint8_t protocol, uint16_t port)
{
	if (client == NODE)
		return server != POD_B && is_service(protocol, port);
	return client != POD_C;
}

/* a takes services; b takes services of a; c takes everything. The node takes services of a and from outside. */
int reference_takes(enum pod client, enum pod server, uint8_t protocol, uint16_t port)
{
	if (server == POD_A)
		return is_service(protocol, port);
	if (server == POD_B)
		return client == POD_A && is_service(protocol, port);
	if (server == NODE)
		return (client == OUTSIDE || client == POD_A) && is_service(protocol, port);
	return 1;
}

void reference_address(enum pod pod, uint8_t family, uint8_t address[16])
{
	memset(address, 0, 16);
	if (family == 4) {
		memcpy(address, (uint8_t[]){10, 0, 1, (uint8_t)(1 + pod)}, 4);
		return;
	}
	address[0] = 0xfd;
	address[15] = (uint8_t)(1 + pod);
}

enum pod reference_owner(const uint8_t address[16], uint8_t family)
{
	uint8_t own[16];

	for (int pod = 0; pod < PARTIES; pod++) {
		if (pod == OUTSIDE)
			continue;
		reference_address(pod, family, own);
		if (!memcmp(own, address, family == 4 ? 4 : 16))
			return pod;
	}
	return OUTSIDE;
}

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static int read_icmp(const uint8_t *l4, struct tuple *tuple, size_t quoted)
{
	const uint8_t type = l4[0];
	const uint16_t id = be16(l4 + 4);
	static const uint8_t questions4[] = {8, 13, 15, 17}, answers4[] = {0, 14, 16, 18};

	tuple->source_port = 0;
	tuple->destination_port = (uint16_t)(type << 8 | l4[1]);
	if (tuple->family == 4) {
		for (int i = 0; i < 4; i++) {
			if (type == questions4[i])
				tuple->source_port = id;
			if (type == answers4[i]) {
				tuple->source_port = (uint16_t)(questions4[i] << 8);
				tuple->destination_port = id;
			}
		}
		tuple->is_icmp_error = type == 3 || type == 4 || type == 11 || type == 12;
	} else {
		if (type == 128)
			tuple->source_port = id;
		if (type == 129) {
			tuple->source_port = 128 << 8;
			tuple->destination_port = id;
		}
		tuple->is_icmp_error = type < 128;
		tuple->is_link_business = (type >= 130 && type <= 137) || type == 143;
	}
	tuple->quoted = quoted;
	return 1;
}

static int read_l4(const uint8_t *packet, size_t length, size_t at, struct tuple *tuple)
{
	tuple->source_port = tuple->destination_port = 0;
	if (tuple->family == 4 && tuple->protocol == 2) {
		tuple->is_link_business = 1;
		return 1;
	}
	if ((tuple->family == 4 && tuple->protocol == ICMP) || (tuple->family == 6 && tuple->protocol == ICMP6))
		return at + 8 <= length && read_icmp(packet + at, tuple, at + 8);
	if (tuple->protocol != TCP && tuple->protocol != UDP && tuple->protocol != SCTP)
		return 1;
	if (at + 8 > length)
		return 0;
	tuple->source_port = be16(packet + at);
	tuple->destination_port = be16(packet + at + 2);
	return 1;
}

int reference_read(const uint8_t *packet, size_t length, int is_quoted, struct tuple *tuple)
{
	size_t at;
	uint8_t next;

	(void)is_quoted;
	memset(tuple, 0, sizeof(*tuple));
	if (length < 20)
		return 0;
	tuple->family = packet[0] >> 4;
	if (tuple->family == 4) {
		memcpy(tuple->source, packet + 12, 4);
		memcpy(tuple->destination, packet + 16, 4);
		tuple->protocol = packet[9];
		tuple->is_fragment = (be16(packet + 6) & 0x1fff) != 0;
		return tuple->is_fragment || read_l4(packet, length, (size_t)(packet[0] & 15) * 4, tuple);
	}
	if (tuple->family != 6 || length < 40)
		return 0;
	memcpy(tuple->source, packet + 8, 16);
	memcpy(tuple->destination, packet + 24, 16);
	next = packet[6];
	for (at = 40; next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135;) {
		if (at + 8 > length)
			return 0;
		if (next == 44 && (be16(packet + at + 2) & 0xfff8)) {
			tuple->is_fragment = 1;
			return 1;
		}
		const size_t step = next == 44 ? 8 : next == 51 ? (packet[at + 1] + 2u) * 4 : (packet[at + 1] + 1u) * 8;

		next = packet[at];
		at += step;
	}
	tuple->protocol = next;
	return read_l4(packet, length, at, tuple);
}

#define FLOWS 512
static struct tuple flows[FLOWS], lent[FLOWS];
static int flow_count, lent_count;

void reference_forget(void)
{
	flow_count = lent_count = 0;
}

static struct tuple turned(const struct tuple *tuple)
{
	struct tuple other = *tuple;

	memcpy(other.source, tuple->destination, 16);
	memcpy(other.destination, tuple->source, 16);
	other.source_port = tuple->destination_port;
	other.destination_port = tuple->source_port;
	return other;
}

static int is_same(const struct tuple *one, const struct tuple *other)
{
	return one->family == other->family && one->protocol == other->protocol && one->source_port == other->source_port &&
	       one->destination_port == other->destination_port && !memcmp(one->source, other->source, 16) &&
	       !memcmp(one->destination, other->destination, 16);
}

static int was_opened(const struct tuple *tuple)
{
	for (int i = 0; i < flow_count; i++)
		if (is_same(&flows[i], tuple))
			return 1;
	return 0;
}

int reference_is_open(const struct tuple *tuple)
{
	const struct tuple other = turned(tuple);

	return was_opened(tuple) || was_opened(&other);
}

static int allows(const struct tuple *tuple)
{
	const enum pod client = reference_owner(tuple->source, tuple->family);
	const enum pod server = reference_owner(tuple->destination, tuple->family);

	return reference_calls(client, server, tuple->protocol, tuple->destination_port) &&
	       reference_takes(client, server, tuple->protocol, tuple->destination_port);
}

static int is_answer(const struct tuple *tuple)
{
	if (tuple->family == 4 && tuple->protocol == ICMP)
		return tuple->source_port == 0x0800 || tuple->source_port == 0x0d00 || tuple->source_port == 0x0f00 ||
		       tuple->source_port == 0x1100;
	return tuple->family == 6 && tuple->protocol == ICMP6 && tuple->source_port == 0x8000;
}

static void remember(const struct tuple *tuple)
{
	if (flow_count < FLOWS)
		flows[flow_count++] = *tuple;
}

static int is_between(const struct tuple *one, const struct tuple *other)
{
	return one->family == other->family && one->protocol == other->protocol &&
	       !memcmp(one->source, other->source, 16) && !memcmp(one->destination, other->destination, 16);
}

/* A fragment that isn't the first bears no ports; the programs have them of the first one, which may have come another way. */
static int was_lent(const struct tuple *tuple)
{
	for (int i = 0; i < lent_count; i++)
		if (lent[i].is_fragment ? is_between(&lent[i], tuple) : is_same(&lent[i], tuple))
			return 1;
	return 0;
}

void reference_lend(const struct tuple *tuple)
{
	const struct tuple other = turned(tuple);

	if (lent_count < FLOWS)
		lent[lent_count++] = is_answer(tuple) ? other : *tuple;
}

int reference_is_lent(const struct tuple *tuple)
{
	const struct tuple other = turned(tuple);

	return was_lent(tuple) || was_lent(&other);
}

int reference_may_pass(const struct tuple *tuple)
{
	const struct tuple other = turned(tuple);

	if (!memcmp(tuple->source, tuple->destination, 16))
		return 1;
	/* An answer by nature belongs to the question, which needn't have been seen. */
	if (is_answer(tuple) && allows(&other)) {
		remember(&other);
		return 1;
	}
	if (allows(tuple)) {
		remember(tuple);
		return 1;
	}
	/* Whatever opened it, as long as the side that it speaks for might have. */
	return allows(&other) && (was_opened(&other) || was_lent(&other));
}

int reference_sums(const uint8_t *bytes, size_t length, uint32_t start)
{
	uint64_t sum = start;

	for (size_t i = 0; i < length; i++)
		sum += i % 2 ? bytes[i] : (uint64_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}
