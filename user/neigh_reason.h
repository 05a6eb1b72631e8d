/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words for why the policy leaves a neighbour out. */
#ifndef NEIGHTRACK_NEIGH_REASON_H
#define NEIGHTRACK_NEIGH_REASON_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "neightrack/record.h"
#include "options.h"

/* One word, for keys and labels; "" for NEIGH_PUBLISH. */
const char *neigh_reason_name(enum neigh_reason reason);

/* What is so of the neighbour, behind "it". */
const char *neigh_reason_words(enum neigh_reason reason);

/* The option that causes it, as it is set, such as "noarp = no"; "" if none does. text:
 * NEIGH_REASON_BYTES. is_dual_tor: as the switch's configuration says. */
#define NEIGH_REASON_BYTES 300
void neigh_reason_option(enum neigh_reason reason, const struct options *options,
			 bool is_dual_tor, const char *interface, uint8_t family, char *text);

#endif
