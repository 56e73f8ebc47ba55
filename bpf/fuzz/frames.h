/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_FUZZ_FRAMES_H
#define WEIR_FUZZ_FRAMES_H

#include <stddef.h>

#include <linux/types.h>

/* Bytes of the input, zeros when it is at its end. */
struct input {
	const __u8 *at;
	size_t left;
};

__u8 take(struct input *input);

/* The link address of a pod, or of the host's side of its interface. */
void mac_of(int pod, int host, __u8 mac[6]);

/*
 * Writes a frame for the interface of pod `at`, from the pod or for it; or for the node's device (`at` is the node), from
 * outside or out. Returns its length.
 */
size_t make_frame(struct input *input, __u8 *frame, int at, int from);

#endif
