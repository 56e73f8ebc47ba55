/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef FUZZ_LEAVING_H
#define FUZZ_LEAVING_H

#include <stddef.h>

#include "../include/weir/types.h"

struct weir_skb;

/* Pods' packets leave by the device under the node's address, pod 1's by another node, pod 2's not at all; or as they are. */
extern int is_leaving;
void leave(int on);

/* Whatever becomes of a packet that leaves or comes back: its length stays, and a sum that was right is right. */
void check_translated(const __u8 *before, const struct weir_skb *skb, size_t length);

#endif
