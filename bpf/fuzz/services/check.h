/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What holds of every frame that a program lets go on, whatever the frame was. */
#ifndef WEIR_FUZZ_CHECK_H
#define WEIR_FUZZ_CHECK_H

#include "frames.h"

/* Forgets what was sent. */
void check_begin(void);
/* Somebody sends this. */
void check_sent(const struct frame *frame);
/* A program made `after` of `before`, and let it go on. */
void check_step(const struct frame *before, const struct frame *after);

#endif
