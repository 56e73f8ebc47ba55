/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Frames for services out of the fuzzer's bytes, with sums that are right unless a byte was spoiled. */
#ifndef WEIR_FUZZ_SERVICE_FRAMES_H
#define WEIR_FUZZ_SERVICE_FRAMES_H

#include <linux/types.h>

#include "wire.h"

#define MOST 700

struct input {
	const __u8 *at;
	size_t left;
};

/* The next byte; 0 behind the last one. */
__u8 take(struct input *input);

struct frame {
	__u8 bytes[MOST];
	size_t length;
};

/* A frame with these ends, of the family and protocol of `ends`. */
void frame_make(struct input *input, struct frame *frame, const struct wire *ends);
/* An ICMP error to the sender of `about`, from `from`. */
void frame_error(struct input *input, struct frame *frame, const struct frame *about, const struct wire *ends);
/* The frame within a packet from `source` to `destination`, which says that its backend serves at `port`. */
void frame_wrap(struct frame *frame, int family, const uint8_t source[16], const uint8_t destination[16], uint16_t port);

#endif
