/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of neighbours, whatever it came from. */
#include "listing_grow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void listing_free(struct listing *listing)
{
	for (size_t i = 0; i < listing->foreign_count; i++)
		free(listing->foreign[i]);
	free(listing->foreign);
	free(listing->rows);
	*listing = (struct listing){ 0 };
}

int listing_compare(const void *a, const void *b)
{
	const struct listing_row *left = a, *right = b;
	int order = strcmp(left->interface, right->interface);

	if (!order)
		order = left->family - right->family;
	return order ? order : memcmp(left->addr, right->addr, sizeof(left->addr));
}

void listing_sort(struct listing *listing)
{
	if (listing->count)
		qsort(listing->rows, listing->count, sizeof(*listing->rows), listing_compare);
}

const struct listing_row *listing_find(const struct listing *listing,
				       const struct listing_row *row)
{
	return listing->count ? bsearch(row, listing->rows, listing->count,
					sizeof(*listing->rows), listing_compare) : NULL;
}

struct listing_row *listing_add(struct listing *listing)
{
	struct listing_row *row;

	if (listing->count == listing->size) {
		size_t size = listing->size ? listing->size * 2 : 256;
		struct listing_row *rows = realloc(listing->rows, size * sizeof(*rows));

		if (!rows)
			return NULL;
		listing->rows = rows;
		listing->size = size;
	}
	row = &listing->rows[listing->count++];
	memset(row, 0, sizeof(*row));
	return row;
}

int listing_add_foreign(struct listing *listing, const char *key)
{
	char **foreign = realloc(listing->foreign,
				 (listing->foreign_count + 1) * sizeof(*foreign));
	char *copy = strdup(key);

	if (foreign)
		listing->foreign = foreign;
	if (!foreign || !copy) {
		free(copy);
		return -ENOMEM;
	}
	foreign[listing->foreign_count++] = copy;
	return 0;
}
