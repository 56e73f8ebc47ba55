/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_MEMORY_PACKET_H
#define WEIR_MEMORY_PACKET_H

#include "calls.h"

/* Around each run of a program: what lies between len and capacity is out of bounds for it. */
void weir_packet_begin(struct weir_skb *skb);
void weir_packet_end_of(struct weir_skb *skb);

#endif
