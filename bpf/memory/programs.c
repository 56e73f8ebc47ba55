/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* The programs themselves, and the variables that user space sets before a load. */
#include "programs.h"

#include "../programs/weir.c"

#define DEFINE_CONFIG(type, name, preset) volatile type name = preset;
WEIR_CONFIGS(DEFINE_CONFIG)

#define LIST_CONFIG(type, name, preset) {#name, &name, sizeof(type)},
const struct weir_variable weir_variables[] = {WEIR_CONFIGS(LIST_CONFIG)};
const __u32 weir_variable_total = sizeof(weir_variables) / sizeof(weir_variables[0]);
