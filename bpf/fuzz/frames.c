/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Frames out of the fuzzer's bytes: mostly well-formed, so that they get past the parsers. */
#include <string.h>

#include "frames.h"
#include "reference.h"

void mac_of(int pod, int host, __u8 mac[6])
{
	memcpy(mac, (__u8[]){2, 0, 0, 0, (__u8)pod, (__u8)host}, 6);
}

__u8 take(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->at++;
}

static void put16(__u8 *at, unsigned value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static void sum_header(__u8 *ip, size_t length)
{
	__u32 sum = 0;

	put16(ip + 10, 0);
	for (size_t i = 0; i < length; i += 2)
		sum += (__u32)ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~sum & 0xffff);
}

static size_t make_l4(struct input *input, __u8 *at, __u8 protocol, int family)
{
	static const unsigned ports[] = {80, 53, 4000, 8080, 81, 8090, 443, 4001};
	const __u8 choice = take(input);

	memset(at, 0, 28);
	put16(at, ports[choice & 7]);
	put16(at + 2, ports[choice >> 3 & 7]);
	switch (protocol) {
	case 6:
		at[12] = 0x50;
		at[13] = take(input);
		return 24;
	case 17:
		put16(at + 4, 8 + 4);
		return 12;
	case 132:
		at[12] = take(input) & 15;
		return 16;
	default:
		at[0] = take(input);
		at[1] = choice >> 6;
		if (choice & 1)
			at[0] = family == 4 ? (choice & 2 ? 0 : 8) : (choice & 2 ? 129 : 128);
		put16(at + 4, take(input) & 3);
		return family == 6 && at[0] == 135 ? 24 + 8 : 16;
	}
}

static size_t make_ip(struct input *input, __u8 *ip, int source, int destination, int depth);

static size_t make_payload(struct input *input, __u8 *at, __u8 protocol, int family, int source, int destination, int depth)
{
	const size_t length = make_l4(input, at, protocol, family);

	/* An error quotes a packet the other way round. */
	if (!depth && ((protocol == 1 && at[0] == 3) || (protocol == 58 && at[0] && at[0] < 5)))
		return 8 + make_ip(input, at + 8, destination, source, 1);
	if (protocol == 58 && at[0] == 135) {
		reference_address(destination, 6, at + 8);
		at[24] = 1;
		at[25] = 1;
	}
	return length;
}

static size_t make_ip(struct input *input, __u8 *ip, int source, int destination, int depth)
{
	static const __u8 protocols[] = {6, 17, 1, 58, 132, 6, 47, 2};
	const __u8 shape = take(input), more = take(input);
	const int family = shape & 1 ? 6 : 4;
	__u8 protocol = protocols[shape >> 1 & 7];
	__u8 address[16];
	size_t header = 20, payload;

	if (protocol == 1 || protocol == 58)
		protocol = family == 4 ? 1 : 58;
	if (family == 4) {
		memset(ip, 0, 60);
		header = 20 + (size_t)(shape & 0x80 ? (more & 3) * 4 : 0);
		ip[0] = 0x40 | header / 4;
		ip[8] = shape & 0x40 ? more : 64;
		ip[9] = protocol;
		put16(ip + 4, more & 1);
		if (shape & 0x20)
			put16(ip + 6, (more & 0x80 ? 0x2000 : 0) | (more >> 2 & 3));
		reference_address(source, 4, address);
		memcpy(ip + 12, address, 4);
		reference_address(destination, 4, address);
		memcpy(ip + 16, address, 4);
		payload = make_payload(input, ip + header, protocol, family, source, destination, depth);
		put16(ip + 2, header + payload);
		sum_header(ip, header);
		return header + payload;
	}
	header = 40;
	memset(ip, 0, header + 32);
	ip[0] = 0x60;
	ip[6] = protocol;
	ip[7] = shape & 0x40 ? more : protocol == 58 ? 255 : 64;
	reference_address(source, 6, ip + 8);
	reference_address(destination, 6, ip + 24);
	if (shape & 0x20) {
		static const __u8 kinds[] = {0, 43, 44, 51, 60, 135, 44, 44};

		ip[6] = kinds[more & 7];
		ip[40] = protocol;
		if (ip[6] == 44)
			put16(ip + 42, (more >> 3 & 1) | (more >> 4 & 3) << 3);
		header += ip[6] == 51 ? 12 : 8;
		if (ip[6] == 51)
			ip[41] = 1;
		ip[47] = more >> 6;
	}
	payload = make_payload(input, ip + header, protocol, family, source, destination, depth);
	put16(ip + 4, header - 40 + payload);
	return header + payload;
}

size_t make_frame(struct input *input, __u8 *frame, int at, int from)
{
	const __u8 ends = take(input);
	int source = ends & 3, destination = ends >> 2 & 3;
	size_t length;

	if (source == OUTSIDE && (ends & 0x10))
		source = NODE;
	if (destination == OUTSIDE && (ends & 0x20))
		destination = NODE;
	/* Mostly the one whose interface this is. */
	if (!(ends & 0x40)) {
		if (from != (at == NODE))
			source = at;
		else
			destination = at;
	}
	mac_of(at, from, frame);
	mac_of(at, !from, frame + 6);
	length = 14 + make_ip(input, frame + 14, source, destination, 0);
	put16(frame + 12, frame[14] >> 4 == 4 ? 0x0800 : 0x86dd);
	if (ends & 0x80) {
		/* Spoil some bytes, or cut. */
		const __u8 how = take(input);

		if (how & 1)
			length = length * (how >> 1) / 128;
		else
			frame[12 + how % (length - 12)] ^= take(input);
	}
	return length;
}
