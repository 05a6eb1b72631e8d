/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that changed their MAC lie in a table of sets, four places each, of which
 * the one that changed longest ago is used anew. An address that moves often is never
 * that one, unless thousands do; then those are counted as forgotten.
 */
#include "anomalies.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "mac_count.h"

#define SETS 1024u
#define WAYS 4u
#define WINDOW_NS (60 * NS_PER_S)	/* of anomaly_rate, which is a minute's */

struct address {
	char interface[IFNAMSIZ];	/* "": a free place */
	uint8_t addr[16];
	uint8_t family;
	uint8_t former_mac[6];		/* what it had before the one before this */
	bool has_former;
	uint32_t moves;			/* in the interval that began at since_ns */
	uint32_t returns;		/* ... of these: to the former MAC */
	uint64_t since_ns;
	uint64_t last_ns;
	uint64_t told_ns[2];		/* of ANOMALY_MAC_MOVES, ANOMALY_DUPLICATE; 0: never */
};

struct anomalies {
	const struct options *options;
	void (*found)(void *context, const struct anomaly *anomaly);
	void *context;
	struct mac_count *macs;		/* NULL: mac_addresses is 0 */
	struct anomaly_stats stats;
	uint64_t window_ns;		/* when the minute of anomaly_rate began */
	uint32_t told;			/* in it */
	uint64_t seed;
	struct address addresses[SETS][WAYS];
};

const char *anomaly_name(enum anomaly_kind kind)
{
	static const char *const names[ANOMALY_KINDS] = {
		[ANOMALY_MAC_MOVES] = "mac_moves",
		[ANOMALY_DUPLICATE] = "duplicate",
		[ANOMALY_MANY_ADDRESSES] = "many_addresses",
	};

	return names[kind];
}

struct anomalies *anomalies_new(const struct options *options,
				void (*found)(void *context, const struct anomaly *anomaly),
				void *context)
{
	struct anomalies *anomalies = calloc(1, sizeof(*anomalies));

	if (!anomalies)
		return NULL;
	anomalies->options = options;
	anomalies->found = found;
	anomalies->context = context;
	if (options->mac_addresses)
		anomalies->macs = mac_count_new();
	if ((options->mac_addresses && !anomalies->macs) ||
	    getrandom(&anomalies->seed, sizeof(anomalies->seed), 0) < 0) {
		anomalies_free(anomalies);
		return NULL;
	}
	return anomalies;
}

void anomalies_free(struct anomalies *anomalies)
{
	if (!anomalies)
		return;
	mac_count_free(anomalies->macs);
	free(anomalies);
}

const struct anomaly_stats *anomalies_stats(const struct anomalies *anomalies)
{
	return &anomalies->stats;
}

/* All together: at most anomaly_rate a minute. Returns whether it was told. */
static bool tell(struct anomalies *anomalies, const struct anomaly *anomaly, uint64_t now_ns)
{
	if (!anomalies->window_ns || now_ns - anomalies->window_ns >= WINDOW_NS) {
		anomalies->window_ns = now_ns;
		anomalies->told = 0;
	}
	if (anomalies->told >= anomalies->options->anomaly_rate) {
		anomalies->stats.held_back++;
		return false;
	}
	anomalies->told++;
	anomalies->stats.found[anomaly->kind]++;
	anomalies->found(anomalies->context, anomaly);
	return true;
}

static struct address *set_of(struct anomalies *anomalies, const struct interface *interface,
			      const uint8_t *addr)
{
	uint64_t words[4];
	unsigned __int128 product;
	uint64_t hash = anomalies->seed;

	memcpy(words, interface->name, sizeof(interface->name));
	memcpy(words + 2, addr, 16);
	for (size_t i = 0; i < 4; i++) {
		product = (unsigned __int128)(hash ^ words[i]) * (anomalies->seed | 1);
		hash = (uint64_t)product ^ (uint64_t)(product >> 64);
	}
	return anomalies->addresses[hash % SETS];
}

/* What is remembered of the address, if anything; else the place for it. */
static struct address *recall(struct anomalies *anomalies, const struct interface *interface,
			      uint8_t family, const uint8_t *addr)
{
	struct address *set = set_of(anomalies, interface, addr);
	struct address *oldest = set;

	for (unsigned int i = 0; i < WAYS; i++) {
		if (set[i].family == family && !memcmp(set[i].addr, addr, sizeof(set[i].addr)) &&
		    !memcmp(set[i].interface, interface->name, sizeof(set[i].interface)))
			return &set[i];
		if (set[i].last_ns < oldest->last_ns)
			oldest = &set[i];
	}
	anomalies->stats.forgotten += oldest->interface[0] != '\0';
	*oldest = (struct address){ .family = family };
	memcpy(oldest->interface, interface->name, sizeof(oldest->interface));
	memcpy(oldest->addr, addr, sizeof(oldest->addr));
	return oldest;
}

/* Once in anomaly_interval for each address. */
static void tell_of_address(struct anomalies *anomalies, struct address *address,
			    const struct anomaly *anomaly, uint64_t now_ns)
{
	uint64_t *told_ns = &address->told_ns[anomaly->kind];

	if (*told_ns && now_ns - *told_ns < anomalies->options->anomaly_interval_s * NS_PER_S)
		anomalies->stats.held_back++;
	else if (tell(anomalies, anomaly, now_ns))
		*told_ns = now_ns;
}

static void watch_address(struct anomalies *anomalies, const struct interface *interface,
			  uint8_t family, const uint8_t *addr, const uint8_t *old_mac,
			  const uint8_t *mac, uint64_t now_ns)
{
	const struct options *options = anomalies->options;
	struct address *address = recall(anomalies, interface, family, addr);
	struct anomaly anomaly = { .interface = interface->name, .family = family, .addr = addr,
				   .mac = mac, .old_mac = old_mac };
	bool returns = address->has_former && !memcmp(address->former_mac, mac, 6);

	if (now_ns - address->since_ns >= options->mac_moves_interval_s * NS_PER_S) {
		address->since_ns = now_ns;
		address->moves = 0;
		address->returns = 0;
	}
	address->last_ns = now_ns;
	address->moves++;
	address->returns += returns;
	address->has_former = true;
	memcpy(address->former_mac, old_mac, sizeof(address->former_mac));

	if (options->mac_moves && address->moves > options->mac_moves) {
		anomaly.kind = ANOMALY_MAC_MOVES;
		anomaly.count = address->moves;
		tell_of_address(anomalies, address, &anomaly, now_ns);
	}
	if (options->duplicates && returns && address->returns >= options->duplicates) {
		anomaly.kind = ANOMALY_DUPLICATE;
		anomaly.count = address->returns;
		tell_of_address(anomalies, address, &anomaly, now_ns);
	}
}

static void add_address(struct anomalies *anomalies, const struct interface *interface,
			const uint8_t *mac, uint64_t now_ns)
{
	struct mac_addresses *known = mac_count_add(anomalies->macs, interface, mac);
	struct anomaly anomaly = { .kind = ANOMALY_MANY_ADDRESSES, .interface = interface->name,
				   .mac = mac };

	if (!known || known->was_told || known->addresses <= anomalies->options->mac_addresses)
		return;
	anomaly.count = known->addresses;
	/* when that is held back, the next address will tell */
	if (tell(anomalies, &anomaly, now_ns)) {
		known->was_told = true;
		anomalies->stats.crowded_macs++;
	}
}

/* One that hovers about the limit is told once: it must have half as many to be
 * told again. */
static void remove_address(struct anomalies *anomalies, const struct interface *interface,
			   const uint8_t *mac)
{
	uint32_t limit = anomalies->options->mac_addresses;
	struct mac_addresses *left = mac_count_remove(anomalies->macs, interface, mac);

	if (left && left->was_told && left->addresses <= limit / 2) {
		left->was_told = false;
		anomalies->stats.crowded_macs--;
	}
}

void anomalies_change(struct anomalies *anomalies, const struct interface *interface,
		      uint8_t family, const uint8_t *addr, const uint8_t *old_mac,
		      const uint8_t *mac, uint64_t now_ns)
{
	if (anomalies->macs && old_mac)
		remove_address(anomalies, interface, old_mac);
	if (anomalies->macs && mac)
		add_address(anomalies, interface, mac, now_ns);
	if (!old_mac || !mac)
		return;
	anomalies->stats.mac_changes++;
	if (anomalies->options->mac_moves || anomalies->options->duplicates)
		watch_address(anomalies, interface, family, addr, old_mac, mac, now_ns);
}
