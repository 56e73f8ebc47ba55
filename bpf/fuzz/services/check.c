/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "check.h"

#include <string.h>

#include "../world.h"
#include "tables.h"

#define LINK 14
#define SENT 512

static struct wire sent[SENT];
static size_t sent_count;

void check_begin(void)
{
	sent_count = 0;
}

static int same_address(const struct end *a, const struct end *b)
{
	return !memcmp(a->address, b->address, 16);
}

static int same(const struct end *a, const struct end *b)
{
	return same_address(a, b) && a->port == b->port;
}

static int is_wrapped(const struct wire *wire)
{
	return wire->protocol == (wire->family == 4 ? 4 : 41);
}

/* The packet within, as a frame. */
static void unwrap(const struct frame *frame, const struct wire *wire, struct frame *inner)
{
	memcpy(inner->bytes, frame->bytes, LINK);
	inner->length = LINK + wire->end - wire->l4;
	memcpy(inner->bytes + LINK, frame->bytes + wire->l4, wire->end - wire->l4);
}

static void remember(const struct wire *wire)
{
	if (sent_count < SENT)
		sent[sent_count++] = *wire;
}

/* What the frame says that it was sent to, in the header of direct return that it has. */
static int told(const struct frame *frame, struct wire *wire)
{
	const __u8 *option = frame->bytes + LINK + (wire->family == 4 ? 20 : 40);

	if (wire->is_later || (wire->family == 4 ? wire->l4 != LINK + 28 || option[0] != 0x9a
						 : wire->l4 < LINK + 64 || option[2] != 0x1b))
		return 0;
	memcpy(wire->destination.address, option + 4, wire->family == 4 ? 4 : 16);
	option += wire->family == 4 ? 2 : 20;
	wire->destination.port = (uint16_t)(option[0] << 8 | option[1]);
	return 1;
}

void check_sent(const struct frame *frame)
{
	struct frame inner;
	struct wire wire;

	if (!wire_read(frame->bytes, frame->length, &wire))
		return;
	remember(&wire);
	if (told(frame, &wire))
		remember(&wire);
	if (!is_wrapped(&wire))
		return;
	unwrap(frame, &wire, &inner);
	if (wire_read(inner.bytes, inner.length, &wire))
		remember(&wire);
}

/* Did the receiver send something to what this says to come from? */
static int is_answer(const struct wire *wire, int by_ports)
{
	for (size_t i = 0; i < sent_count; i++) {
		if (sent[i].family != wire->family || !same_address(&sent[i].source, &wire->destination) ||
		    !same_address(&sent[i].destination, &wire->source))
			continue;
		if (!by_ports || (sent[i].protocol == wire->protocol && same(&sent[i].source, &wire->destination) &&
				  same(&sent[i].destination, &wire->source)))
			return 1;
	}
	/* More were sent than are remembered. */
	return sent_count == SENT;
}

static int is_party(const struct end *end, int family, enum party party)
{
	return party_of(end->address, family) == party;
}

/* Was the packet led to a backend, and under no other name than its own, the node's, or that of what it was sent to? */
static int is_led(const struct wire *before, const struct wire *after, int by_ports)
{
	if (!same_address(&after->source, &before->source) && !same_address(&after->source, &before->destination) &&
	    !is_party(&after->source, after->family, NODE))
		return 0;
	if (same(&after->destination, &before->destination))
		return 1;
	return by_ports ? is_backend(&after->destination, after->family, after->protocol)
			: is_backend_address(after->destination.address, after->family);
}

static size_t transport_size(const struct wire *wire)
{
	return wire->protocol == TCP ? 20 : wire->protocol == UDP ? 8 : 12;
}

static void check_data(const struct frame *before, const struct wire *was, const struct frame *after, const struct wire *is)
{
	const size_t size = was->is_later ? 0 : transport_size(was);

	CHECK(was->end - was->l4 == is->end - is->l4);
	CHECK(was->is_first == is->is_first && was->is_later == is->is_later);
	CHECK(!memcmp(before->bytes + was->l4 + size, after->bytes + is->l4 + size, was->end - was->l4 - size));
	if (was->is_first && (was->protocol == TCP || (was->protocol == UDP && (before->bytes[was->l4 + 6] || before->bytes[was->l4 + 7]))))
		CHECK(wire_rest(before->bytes, was) == wire_rest(after->bytes, is));
}

/* What a header of direct return says is what the packet was sent to. */
static void check_told(const struct wire *was, const struct frame *after, const struct wire *is)
{
	const __u8 *option = after->bytes + LINK + (is->family == 4 ? 20 : 40);
	const size_t address = is->family == 4 ? 4 : 16;

	if (is->l4 - was->l4 != (is->family == 4 ? 8u : 24u))
		return;
	CHECK(!memcmp(option + 4, was->destination.address, address));
	option += is->family == 4 ? 2 : 20;
	CHECK((option[0] << 8 | option[1]) == was->destination.port || was->is_later);
}

static void check_wrapped(const struct frame *before, const struct wire *was, const struct frame *after, const struct wire *is)
{
	struct frame inner;
	struct wire within;

	CHECK(is_party(&is->source, is->family, NODE));
	CHECK(is_backend_address(is->destination.address, is->family));
	unwrap(after, is, &inner);
	CHECK(wire_read(inner.bytes, inner.length, &within) && wire_is_right(inner.bytes, &within));
	CHECK(same(&within.source, &was->source) && same(&within.destination, &was->destination));
	CHECK(within.l4 == was->l4 && within.end == was->end);
	CHECK(!memcmp(inner.bytes + within.l4, before->bytes + was->l4, was->end - was->l4));
}

void check_step(const struct frame *before, const struct frame *after)
{
	struct wire was, is, within;
	struct frame inner;
	int is_told = 0;

	if (!wire_read(before->bytes, before->length, &was) || !wire_is_right(before->bytes, &was))
		return;
	if (is_wrapped(&was)) {
		unwrap(before, &was, &inner);
		if (!wire_read(inner.bytes, inner.length, &within) || !wire_is_right(inner.bytes, &within))
			return;
	}
	CHECK(wire_read(after->bytes, after->length, &is));
	CHECK(wire_is_right(after->bytes, &is));
	if (!is_wrapped(&was) && is_wrapped(&is)) {
		check_wrapped(before, &was, after, &is);
		return;
	}
	if (is_wrapped(&was) && !is_wrapped(&is)) {
		/* Another node's word is taken for the backend that it has chosen. */
		is_told = same_address(&is.destination, &was.destination);
		before = &inner;
		was = within;
	}
	/* Refused: an answer in the name of who it was for, or the node's own about the way. */
	if ((same_address(&is.source, &was.destination) || is_party(&is.source, is.family, NODE)) &&
	    same_address(&is.destination, &was.source) && (is.is_error || is.protocol == TCP) &&
	    !(was.protocol == is.protocol && is.end - is.l4 == was.end - was.l4))
		return;
	if (was.protocol == TCP && same_address(&is.source, &was.destination) && same_address(&is.destination, &was.source) &&
	    after->bytes[is.l4 + 13] & 4)
		return;
	CHECK(was.protocol == is.protocol && was.family == is.family);
	if (was.protocol == TCP || was.protocol == UDP || was.protocol == SCTP) {
		check_data(before, &was, after, &is);
		check_told(&was, after, &is);
	}
	if (same(&was.source, &is.source) && same(&was.destination, &is.destination))
		return;
	CHECK(is_led(&was, &is, !was.is_error && !was.is_later) || is_answer(&is, !was.is_error && !was.is_later) ||
	      (is_told && same(&was.source, &is.source)));
}
