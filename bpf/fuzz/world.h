/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the parts of the fuzz target share: a check that ends the run, and the maps by name. */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                                          \
	do {                                                                                                      \
		if (!(condition)) {                                                                               \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                                  \
		}                                                                                                 \
	} while (0)

#define DEVICE_IFINDEX 50

void put(const char *map, const void *key, const void *value);

#endif
