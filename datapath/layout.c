/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Gives BTF to types that the programs only see through pointers, for generate-layout.mjs. Never loaded. */
#include "weir/leaving.h"
#include "weir/pairs.h"
#include "weir/services.h"
#include "weir/state.h"
#include "weir/reasons.h"

struct weir_event weir_layout_event;
enum weir_event_kind weir_layout_event_kind;
enum weir_reason weir_layout_reason;
enum weir_tally weir_layout_tally;
enum weir_nat_kind weir_layout_nat_kind;
struct weir_pair_sweep weir_layout_pair_sweep;
enum weir_scope weir_layout_scope;
enum weir_frontend_flag weir_layout_frontend_flag;
enum weir_egress_action weir_layout_egress_action;
enum weir_masquerade_family weir_layout_masquerade_family;
