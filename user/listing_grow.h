/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For those who fill a listing. */
#ifndef NEIGHTRACK_LISTING_GROW_H
#define NEIGHTRACK_LISTING_GROW_H

#include "listing.h"

/* A new row, all zero, at the end. NULL: no memory. */
struct listing_row *listing_add(struct listing *listing);

/* Remembers a key that is no neighbour's. 0 or -ENOMEM. */
int listing_add_foreign(struct listing *listing, const char *key);

#endif
