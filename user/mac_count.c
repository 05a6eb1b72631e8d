/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing, linear; what is removed makes those behind it move up. */
#include "mac_count.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_PLACES 256u

struct mac_count {
	struct mac_addresses *places;
	size_t place_count;		/* a power of two */
	size_t used;
	uint64_t seed;
};

struct mac_count *mac_count_new(void)
{
	struct mac_count *count = calloc(1, sizeof(*count));

	if (!count)
		return NULL;
	count->places = calloc(FIRST_PLACES, sizeof(*count->places));
	if (!count->places || getrandom(&count->seed, sizeof(count->seed), 0) < 0) {
		mac_count_free(count);
		return NULL;
	}
	count->place_count = FIRST_PLACES;
	return count;
}

void mac_count_free(struct mac_count *count)
{
	if (!count)
		return;
	free(count->places);
	free(count);
}

size_t mac_count_size(const struct mac_count *count)
{
	return count->used;
}

static size_t home_of(const struct mac_count *count, const void *interface, const uint8_t *mac)
{
	uint64_t word = 0;
	unsigned __int128 product;

	memcpy(&word, mac, 6);
	word ^= (uint64_t)(uintptr_t)interface << 16;
	product = (unsigned __int128)(word ^ count->seed) * (count->seed | 1);
	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (count->place_count - 1);
}

/* Where it is, or would be. */
static struct mac_addresses *find(const struct mac_count *count, const void *interface,
				  const uint8_t *mac)
{
	size_t i = home_of(count, interface, mac);

	while (count->places[i].interface &&
	       (count->places[i].interface != interface ||
		memcmp(count->places[i].mac, mac, sizeof(count->places[i].mac))))
		i = (i + 1) & (count->place_count - 1);
	return &count->places[i];
}

static bool grow(struct mac_count *count)
{
	struct mac_addresses *old = count->places;
	size_t old_count = count->place_count;
	struct mac_addresses *places = calloc(old_count * 2, sizeof(*places));

	if (!places)
		return false;
	count->places = places;
	count->place_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++)
		if (old[i].interface)
			*find(count, old[i].interface, old[i].mac) = old[i];
	free(old);
	return true;
}

struct mac_addresses *mac_count_add(struct mac_count *count, const void *interface,
				    const uint8_t *mac)
{
	struct mac_addresses *place = find(count, interface, mac);

	if (!place->interface) {
		if (count->used >= count->place_count / 2) {
			if (!grow(count))
				return NULL;
			place = find(count, interface, mac);
		}
		*place = (struct mac_addresses){ .interface = interface };
		memcpy(place->mac, mac, sizeof(place->mac));
		count->used++;
	}
	place->addresses++;
	return place;
}

static void free_place(struct mac_count *count, size_t hole)
{
	size_t mask = count->place_count - 1;

	for (size_t i = (hole + 1) & mask; count->places[i].interface; i = (i + 1) & mask) {
		size_t home = home_of(count, count->places[i].interface, count->places[i].mac);

		/* one that is at home behind the hole stays */
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		count->places[hole] = count->places[i];
		hole = i;
	}
	count->places[hole] = (struct mac_addresses){ 0 };
	count->used--;
}

struct mac_addresses *mac_count_remove(struct mac_count *count, const void *interface,
				       const uint8_t *mac)
{
	struct mac_addresses *place = find(count, interface, mac);

	if (!place->interface)
		return NULL;
	if (--place->addresses)
		return place;
	free_place(count, (size_t)(place - count->places));
	return NULL;
}
