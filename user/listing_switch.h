/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of a switch's CONFIG_DB that the policy depends on, for the tool, which may wait. */
#ifndef NEIGHTRACK_LISTING_SWITCH_H
#define NEIGHTRACK_LISTING_SWITCH_H

#include "options.h"
#include "switch_config.h"

/* Nothing is set without policy = sonic. The caller frees *config (switch_config_free),
 * also after an error. Says on stderr what failed. 0 or -errno. */
int listing_switch_config(struct switch_config *config, const struct options *options);

#endif
