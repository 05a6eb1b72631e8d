/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a warm restart is about to change, line by line, in the words that the test
 * suites of SONiC look for in syslog: cache-state:NEW, :DELETE or :STALE, and the family.
 */
#ifndef NEIGHTRACK_RECONCILIATION_H
#define NEIGHTRACK_RECONCILIATION_H

#include "neigh_table.h"

/* Redis' table was read back, and nothing is written yet. */
void reconciliation_log(struct neigh_table *table);

#endif
