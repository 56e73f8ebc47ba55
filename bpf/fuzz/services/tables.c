/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#include "../pairs.h"
#include "tables.h"

#include <stdlib.h>
#include <string.h>

#include "../../include/weir/config.h"
#include "../../include/weir/services.h"
#include "../../include/weir/tables.h"
#include "../../memory/calls.h"
#include "../../memory/map.h"
#include "../../memory/programs.h"
#include "../../memory/way.h"
#include "../world.h"

static const int protocols[] = {TCP, UDP, SCTP};
static const uint16_t served[] = {80, 53, 70}, serves[] = {8080, 5353, 7000};
static __u8 is_gone[2][BACKENDS];

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

static void set(const char *name, __u32 value)
{
	for (__u32 i = 0; i < weir_variable_total; i++)
		if (!strcmp(weir_variables[i].name, name)) {
			memcpy((void *)weir_variables[i].at, &value, weir_variables[i].size);
			return;
		}
	abort();
}

void party_address(enum party party, int family, uint8_t address[16])
{
	memset(address, 0, 16);
	if (family == 4) {
		memcpy(address, (uint8_t[]){10, 0, (uint8_t)party, 1}, 4);
		return;
	}
	address[0] = 0xfd;
	address[13] = (uint8_t)party;
	address[15] = 1;
}

enum party party_of(const uint8_t address[16], int family)
{
	uint8_t own[16];

	for (int party = 0; party < PARTIES; party++) {
		party_address(party, family, own);
		if (!memcmp(own, address, 16))
			return party;
	}
	return PARTIES;
}

void pod_macs(enum party pod, uint8_t macs[12])
{
	memcpy(macs, (uint8_t[]){2, 0, 0, 0, (uint8_t)pod, 1, 2, 0, 0, 0, (uint8_t)pod, 2}, 12);
}

static enum party backend_party(unsigned backend)
{
	return POD_A + backend % EACH;
}

static void put_backend(unsigned backend, int family)
{
	const __u32 index = backend;
	const int is_there = !is_gone[family == 6][backend];
	const __u16 port = is_there ? serves[backend / EACH] : 0;
	const __u8 protocol = is_there ? (__u8)protocols[backend / EACH] : 0;
	uint8_t address[16] = {};

	if (is_there)
		party_address(backend_party(backend), family, address);
	if (family == 4) {
		struct weir_backend4 value = {.port = port, .protocol = protocol};

		memcpy(value.address, address, 4);
		put("weir_backends4", &index, &value);
	} else {
		struct weir_backend6 value = {.port = port, .protocol = protocol};

		memcpy(value.address, address, 16);
		put("weir_backends6", &index, &value);
	}
}

static void put_frontend(enum party at, uint16_t port, int protocol, __u8 scope, const struct weir_frontend *value)
{
	struct weir_frontend4_key four = {.port = port, .protocol = (__u8)protocol, .scope = scope};
	struct weir_frontend6_key six = {.port = port, .protocol = (__u8)protocol, .scope = scope};
	uint8_t address[16];

	party_address(at, 4, address);
	if (scope != WEIR_ANY_ADDRESS)
		memcpy(four.address, address, 4);
	put("weir_frontends4", &four, value);
	party_address(at, 6, address);
	if (scope != WEIR_ANY_ADDRESS)
		memcpy(six.address, address, 16);
	put("weir_frontends6", &six, value);
}

static void put_ports(int kind, uint16_t port)
{
	const __u32 index = (__u32)kind * 1024 + port / 64, any = WEIR_PORT_ANY;
	const struct weir_ports *old = bpf_map_lookup_elem(map_called("weir_ports"), &index);
	const struct weir_ports bits = {.bits = old->bits | 1ull << port % 64}, some = {.bits = 1};

	put("weir_ports", &index, &bits);
	put("weir_ports", &any, &some);
}

static void put_services(void)
{
	struct weir_frontend none = {}, sticky = {.count = EACH, .members = EACH, .affinity = 30},
			     local = {.count = 2, .flags = WEIR_LOCAL_ONLY},
			     ranged = {.count = EACH, .flags = WEIR_SOURCE_RANGES, .ranges = 1};
	struct weir_range4 range4 = {.length = 64, .ranges = 1};
	struct weir_range6 range6 = {.length = 160, .ranges = 1};
	const __u32 one = 1;
	uint8_t address[16];

	for (unsigned kind = 0; kind < 3; kind++) {
		const struct weir_frontend all = {.first = kind * WEIR_SLOTS, .count = EACH};
		struct weir_frontend node_port = all;
		struct weir_slots line = {};
		const __u32 index = kind;

		for (unsigned i = 0; i < EACH; i++)
			line.backend[i] = kind * EACH + i;
		put("weir_slots", &index, &line);
		put_frontend(PUBLIC, served[kind], protocols[kind], WEIR_EXTERNAL, &all);
		put_frontend(PUBLIC, served[kind], protocols[kind], WEIR_INTERNAL, &all);
		put_frontend(CLUSTER, served[kind], protocols[kind], WEIR_INTERNAL, &all);
		node_port.flags = WEIR_NODE_PORT;
		put_frontend(NODE, 30080, protocols[kind], WEIR_EXTERNAL, &node_port);
		put_frontend(NODE, 30080, protocols[kind], WEIR_INTERNAL, &node_port);
		put_frontend(NODE, 30080, protocols[kind], WEIR_ANY_ADDRESS, &node_port);
		put_ports((int)kind, served[kind]);
		put_ports((int)kind, 30080);
	}
	put_frontend(PUBLIC, 81, TCP, WEIR_EXTERNAL, &none);
	put_frontend(PUBLIC, 81, TCP, WEIR_INTERNAL, &none);
	put_frontend(PUBLIC, 82, TCP, WEIR_EXTERNAL, &sticky);
	put_frontend(PUBLIC, 82, TCP, WEIR_INTERNAL, &sticky);
	put_frontend(PUBLIC, 83, TCP, WEIR_EXTERNAL, &local);
	put_frontend(PUBLIC, 84, TCP, WEIR_EXTERNAL, &ranged);
	for (uint16_t port = 81; port <= 84; port++)
		put_ports(0, port);
	party_address(CLIENT, 4, address);
	memcpy(range4.address, address, 4);
	put("weir_ranges4", &range4, &one);
	party_address(CLIENT, 6, address);
	memcpy(range6.address, address, 16);
	put("weir_ranges6", &range6, &one);
}

/* Policy allows everything: it has a fuzzer of its own. */
static void put_policy(void)
{
	struct weir_row_chunk chunk;
	const struct weir_cell cell = {.first = 0, .chunks = 1};
	const __u32 zero = 0;

	memset(&chunk, 0xff, sizeof(chunk));
	chunk.key[0] = 0;
	chunk.verdict[0] = WEIR_ALLOW;
	put("weir_rows", &zero, &chunk);
	for (__u32 i = 0; i < 4; i++) {
		const struct weir_cell_key key = {.subject = i / 2, .direction = i & 1, .peer_class = 0};

		put("weir_cells", &key, &cell);
	}
}

static void put_parties(void)
{
	const struct weir_prefix4 all4 = {};
	const struct weir_prefix6 all6 = {};
	const struct weir_peer world = {.identity = 2, .peer_class = 20};

	put("weir_pfx4", &all4, &world);
	put("weir_pfx6", &all6, &world);
	for (int party = POD_A; party <= OTHER_NODE; party++) {
		const int is_here = party == POD_A || party == POD_B;
		const struct weir_peer peer = {
			.identity = party == NODE ? 1 : party == OTHER_NODE ? 6 : 300,
			.peer_class = 10,
			.subject = is_here,
			.slot = is_here ? WEIR_FIRST_ENDPOINT_SLOT + (__u32)party : 0,
		};
		uint8_t address[16];

		party_address(party, 4, address);
		put("weir_addr4", address, &peer);
		party_address(party, 6, address);
		put("weir_addr6", address, &peer);
		if (is_here) {
			struct weir_endpoint endpoint = {.generation = 1, .ifindex = INTERFACE((__u32)party)};
			const __u32 ifindex = endpoint.ifindex;

			pod_macs(party, endpoint.pod_mac);
			put("weir_endpoints", &peer.slot, &endpoint);
			put("weir_devices", &ifindex, &peer.slot);
		}
	}
}

static void put_node(void)
{
	const __u32 ifindex = DEVICE;
	struct weir_own own = {.takes_frames = 1};
	uint8_t address[16];

	party_address(NODE, 4, address);
	memcpy(own.four, address, 4);
	party_address(NODE, 6, address);
	memcpy(own.six, address, 16);
	put("weir_own", &ifindex, &own);
}

void tables_way(unsigned how)
{
	for (int i = 0; i < 2; i++)
		weir_way_table[i] = (struct weir_way){
			.ifindex = DEVICE,
			.mtu = how == 2 ? 100 : 1500,
			.macs = {2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 9, 8},
			.family = i ? 6 : 4,
			.has_neighbour = how != 1,
		};
}

void tables_mode(unsigned mode, int ipip)
{
	set("weir_direct_return", mode);
	set("weir_ipip", (__u32)ipip);
}

void tables_toggle(unsigned backend, int family)
{
	is_gone[family == 6][backend] ^= 1;
	put_backend(backend, family);
}

void tables_fill(void)
{
	static int is_filled;

	if (!is_filled) {
		put_policy();
		put_parties();
		put_services();
		put_node();
		set("weir_xdp_unfinished", 0);
		set("weir_quick4_each", QUICK_ENTRIES);
		set("weir_quick6_each", QUICK_ENTRIES);
		pairs_limit();
		is_filled = 1;
	}
	memset(is_gone, 0, sizeof(is_gone));
	for (unsigned backend = 0; backend < BACKENDS; backend++)
		for (int family = 4; family <= 6; family += 2)
			put_backend(backend, family);
	tables_way(0);
	tables_mode(0, 0);
}

int is_backend(const struct end *end, int family, int protocol)
{
	for (unsigned backend = 0; backend < BACKENDS; backend++) {
		uint8_t address[16];

		party_address(backend_party(backend), family, address);
		if (!is_gone[family == 6][backend] && protocols[backend / EACH] == protocol &&
		    serves[backend / EACH] == end->port && !memcmp(address, end->address, 16))
			return 1;
	}
	return 0;
}

int is_backend_address(const uint8_t address[16], int family)
{
	const enum party party = party_of(address, family);

	return party >= POD_A && party <= FAR_B;
}
