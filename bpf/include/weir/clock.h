/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include "port.h"

#define WEIR_SECOND 1000000000ull

/* Nanoseconds of the monotonic clock; all expiry and event times are of it. */
WEIR_INLINE __u64 weir_now(void)
{
	if (weir_coarse_clock)
		return bpf_ktime_get_coarse_ns();
	return bpf_ktime_get_ns();
}

#endif
