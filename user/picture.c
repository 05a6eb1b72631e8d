/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says, put into the table. */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "neightrack/policy.h"
#include "pattern.h"

struct picture {
	const struct options *options;
	const struct switch_config *switch_config;	/* NULL: none */
	struct interface_set *interfaces;
	struct neigh_table *table;
	struct source *source;
	uint32_t policy;
	bool dumping;
	bool in_doubt;			/* after a rename: a dump must tell */
	uint32_t highest_ifindex;	/* that a link ever had */
	uint64_t dump_start_ns;
	uint64_t left_out;
};

/* EVPN has no bit: see policy.h. */
uint32_t picture_policy(const struct options *options, const struct switch_config *switch_config)
{
	uint32_t policy;

	policy = (options->ipv4 ? NEIGH_POLICY_IPV4 : 0) | (options->ipv6 ? NEIGH_POLICY_IPV6 : 0) |
	       (options->link_local_ipv4 ? NEIGH_POLICY_LINK_LOCAL_IPV4 : 0) |
	       (options->noarp ? NEIGH_POLICY_NOARP : 0);
	if (options->policy != OPTION_POLICY_SONIC)
		return policy;
	policy |= NEIGH_POLICY_SONIC;
	if (!switch_config || !switch_config->dual_tor)
		return policy;
	return (policy | NEIGH_POLICY_DUAL_TOR) & ~NEIGH_POLICY_LINK_LOCAL_IPV4;
}

bool picture_ignores(const struct options *options, const char *interface)
{
	if (options->interfaces[0] && !pattern_list_matches(options->interfaces, interface))
		return true;
	return pattern_list_matches(options->ignore, interface);
}

uint32_t picture_interface_flags(const struct options *options,
				 const struct switch_config *switch_config, const char *interface)
{
	uint32_t flags = 0;

	if (picture_ignores(options, interface))
		flags |= NEIGH_INTERFACE_IGNORED;
	if (pattern_list_matches(options->link_local_ipv6, interface) ||
	    (switch_config && switch_config_has_link_local(switch_config, interface)))
		flags |= NEIGH_INTERFACE_LINK_LOCAL;
	return flags;
}

struct picture *picture_new(const struct options *options,
			    const struct switch_config *switch_config,
			    struct interface_set *interfaces, struct neigh_table *table,
			    struct source *source)
{
	struct picture *picture = calloc(1, sizeof(*picture));

	if (!picture)
		return NULL;
	*picture = (struct picture){ .options = options, .switch_config = switch_config,
				     .interfaces = interfaces, .table = table, .source = source,
				     .policy = picture_policy(options, switch_config) };
	return picture;
}

uint64_t picture_left_out(const struct picture *picture)
{
	return picture->left_out;
}

void picture_free(struct picture *picture)
{
	free(picture);
}

void picture_key(const struct neigh_entry *entry, struct neigh_key *key)
{
	*key = (struct neigh_key){ .ifindex = entry->interface->ifindex, .family = entry->family };
	memcpy(key->addr, entry->addr, sizeof(key->addr));
}

bool picture_wants(struct picture *picture, const struct neigh_key *key)
{
	const struct interface *interface = interface_by_index(picture->interfaces, key->ifindex);
	const struct neigh_entry *entry = NULL;

	if (interface)
		entry = neigh_table_find(picture->table, interface, key->family, key->addr);
	return entry && (entry->wanted || entry->held);
}

/* A neighbour that is not wanted yet is to be: is there no room for it, or, if it has
 * no entry, for one beside those that are on their way out of Redis? */
static bool leave_out(struct picture *picture, const struct neigh_entry *entry)
{
	static struct log_limit limit = { .burst = 1, .interval_ms = 60000 };

	if (!neigh_table_is_full(picture->table) &&
	    (entry || !neigh_table_is_crowded(picture->table)))
		return false;
	picture->left_out++;
	log_message_limited(&limit, MESSAGE_LIMIT_REACHED, "max_neighbours = %u are kept: further "
			    "ones are left out of Redis until others go",
			    picture->options->max_neighbours);
	return true;
}

/* The entry of a neighbour that is to be published; NULL with errno ENOSPC if the
 * table is full, or ENOMEM. */
static struct neigh_entry *get_wanted(struct picture *picture, struct interface *interface,
				      const struct neigh_key *key)
{
	struct neigh_entry *entry = neigh_table_find(picture->table, interface, key->family,
						     key->addr);

	if (entry && entry->wanted)
		return entry;
	if (leave_out(picture, entry)) {
		errno = ENOSPC;
		return NULL;
	}
	errno = ENOMEM;
	return entry ? entry :
	       neigh_table_get(picture->table, interface, key->family, key->addr);
}

void picture_expect_record(const struct picture *picture, const struct neigh_record *record,
			   bool again)
{
	const struct neigh_key *key = &record->key;
	const struct interface *interface = interface_by_index(picture->interfaces, key->ifindex);

	if (interface)
		neigh_table_expect(picture->table, interface, key->family, key->addr, again);
}

int picture_apply_record(struct picture *picture, const struct neigh_record *record)
{
	const struct neigh_key *key = &record->key;
	bool set = record->kind == NEIGH_RECORD_SET;
	/* a neighbour that is gone matters if it was known, or if a dump that is
	 * under way may still tell of it */
	bool make = set || picture->dumping;
	struct interface *interface;
	struct neigh_entry *entry = NULL;

	interface = make ? interface_get_by_index(picture->interfaces, key->ifindex) :
			   interface_by_index(picture->interfaces, key->ifindex);
	if (!interface)
		return make ? -ENOMEM : 0;
	/* records from before the kernel side was told of the interface */
	if (neigh_policy_key(picture->policy, interface->kernel_flags, key) != NEIGH_PUBLISH) {
		interface_put(picture->interfaces, interface);	/* it may be a new one */
		return 0;
	}
	if (set) {
		entry = get_wanted(picture, interface, key);
		if (!entry) {
			int error = errno == ENOSPC ? 0 : -ENOMEM;

			interface_put(picture->interfaces, interface);
			return error;
		}
	} else {
		entry = make ? neigh_table_get(picture->table, interface, key->family, key->addr) :
			       neigh_table_find(picture->table, interface, key->family, key->addr);
		/* a crowded table takes up nothing that the dump may tell of, either */
		if (!entry)
			return make && !neigh_table_is_crowded(picture->table) ? -ENOMEM : 0;
	}
	if (record->time_ns < entry->observed_ns)
		return 0;
	entry->record_time_ns = record->time_ns;
	if (picture->dumping)
		neigh_table_remember(entry);
	entry->is_news = true;
	return neigh_table_want(picture->table, entry, set ? record->mac : NULL);
}

/* Takes out what the policy does not let in any more. */
static void judge_entries(struct picture *picture, struct interface *interface)
{
	struct neigh_entry *entry = interface->entries;

	while (entry) {
		struct neigh_entry *next = entry->next_of_interface;
		struct neigh_key key;

		picture_key(entry, &key);
		if (neigh_policy_key(picture->policy, interface->kernel_flags, &key) !=
		    NEIGH_PUBLISH)
			neigh_table_want(picture->table, entry, NULL);
		entry = next;
	}
}

/* Judges an interface by its name, and tells the kernel side. */
static void judge_interface(struct picture *picture, struct interface *interface)
{
	int error;

	interface->kernel_flags = picture_interface_flags(picture->options, picture->switch_config,
							  interface->name);
	interface->ignored = interface->kernel_flags & NEIGH_INTERFACE_IGNORED;
	error = source_set_interface(picture->source, interface->ifindex, interface->name,
				     interface->kernel_flags);
	if (error)
		log_debug("interface %s: cannot tell the kernel side: %s", interface->name,
			  strerror(-error));
	judge_entries(picture, interface);
}

/* The interface of `from` has another name now: its neighbours go to `to`. */
static void move_entries(struct picture *picture, struct interface *from, struct interface *to)
{
	picture->in_doubt |= neigh_table_move(picture->table, from, to);
}

/* No link has this name any more. Its ifindex, nameless, keeps the neighbours
 * until the link's new name is told. */
static void detach_name(struct picture *picture, struct interface *interface)
{
	uint32_t ifindex = interface->ifindex;
	struct interface *nameless;

	interface->master_ifindex = 0;
	interface_set_index(picture->interfaces, interface, 0);
	if (interface->entries) {
		nameless = interface_get_by_index(picture->interfaces, ifindex);
		if (nameless) {
			move_entries(picture, interface, nameless);
			interface_put(picture->interfaces, nameless);	/* none may be wanted */
		}
	}
	interface_put(picture->interfaces, interface);
}

/* The object of a name that no ifindex has: it is taken from its former owner,
 * who was renamed or deleted, which is told later or was lost. */
static struct interface *free_name(struct picture *picture, const char *name)
{
	struct interface *named = interface_by_name(picture->interfaces, name);

	if (named && named->ifindex)
		detach_name(picture, named);
	named = interface_get_by_name(picture->interfaces, name);
	if (!named)
		log_error("no memory for interface %s", name);
	return named;
}

bool picture_link(struct picture *picture, uint32_t ifindex, const char *name,
		  uint32_t master_ifindex)
{
	struct interface *known = interface_by_index(picture->interfaces, ifindex);
	uint32_t flags_before = NEIGH_INTERFACE_UNKNOWN;
	struct interface *named;

	if (known && !strcmp(known->name, name)) {
		known->seen = true;
		known->master_ifindex = master_ifindex;
		return false;
	}
	/* The kernel counts upwards. An ifindex that comes again had a life before,
	 * and records of the new one may have been taken for the old one's, which
	 * went with it. */
	picture->in_doubt = ifindex <= picture->highest_ifindex && !(known && known->name[0]);
	if (ifindex > picture->highest_ifindex)
		picture->highest_ifindex = ifindex;
	named = free_name(picture, name);
	if (!named)
		return false;
	known = interface_by_index(picture->interfaces, ifindex);
	if (known)
		interface_set_index(picture->interfaces, known, 0);
	interface_set_index(picture->interfaces, named, ifindex);
	named->seen = true;
	named->master_ifindex = master_ifindex;
	if (known) {
		if (known->name[0])
			flags_before = known->kernel_flags;
		log_info("interface %u: %s%sis %s now", ifindex, known->name,
			 known->name[0] ? " " : "", name);
		move_entries(picture, known, named);
		interface_put(picture->interfaces, known);
	}
	judge_interface(picture, named);
	/* what was filtered under the old name may count under the new one */
	return picture->in_doubt || flags_before & NEIGH_INTERFACE_IGNORED ||
	       (named->kernel_flags & ~flags_before & NEIGH_INTERFACE_LINK_LOCAL);
}

static void remove_link(struct picture *picture, struct interface *interface)
{
	uint32_t ifindex = interface->ifindex;

	source_forget_interface(picture->source, ifindex);
	neigh_table_clear(picture->table, interface);
	interface->master_ifindex = 0;
	interface_set_index(picture->interfaces, interface, 0);
	interface_put(picture->interfaces, interface);
}

void picture_link_gone(struct picture *picture, uint32_t ifindex)
{
	struct interface *interface = interface_by_index(picture->interfaces, ifindex);

	if (interface)
		remove_link(picture, interface);
}

static void mark_unseen(void *context, struct interface *interface)
{
	(void)context;
	interface->seen = false;
}

void picture_begin_links(struct picture *picture)
{
	interface_for_each(picture->interfaces, mark_unseen, NULL);
}

static void remove_if_unseen(void *context, struct interface *interface)
{
	if (interface->ifindex && !interface->seen)
		remove_link(context, interface);
}

void picture_end_links(struct picture *picture)
{
	interface_for_each(picture->interfaces, remove_if_unseen, picture);
}

static void remove_if_linked(void *context, struct interface *interface)
{
	if (interface->ifindex)
		remove_link(context, interface);
}

void picture_clear(struct picture *picture)
{
	interface_for_each(picture->interfaces, remove_if_linked, picture);
}

static void review_interface(void *context, struct interface *interface)
{
	if (interface->ifindex && interface->name[0])
		judge_interface(context, interface);
}

void picture_review(struct picture *picture)
{
	picture->policy = picture_policy(picture->options, picture->switch_config);
	source_set_policy(picture->source, picture->policy);
	interface_for_each(picture->interfaces, review_interface, picture);
}

void picture_begin_dump(struct picture *picture, uint64_t start_ns)
{
	picture->dumping = true;
	picture->dump_start_ns = start_ns;
}

const uint8_t *picture_judge(struct picture *picture, const struct neigh_observation *observation)
{
	static const uint8_t unresolved[NEIGH_MAC_BYTES];
	const struct interface *interface = interface_by_index(picture->interfaces,
							       observation->key.ifindex);
	uint32_t flags = interface ? interface->kernel_flags : NEIGH_INTERFACE_UNKNOWN;

	if (neigh_policy_key(picture->policy, flags, &observation->key) != NEIGH_PUBLISH)
		return NULL;
	switch (neigh_policy_state(picture->policy, observation->nud_state, observation->ntf_flags,
				   observation->lladdr_bytes, observation->mac)) {
	case NEIGH_PUBLISH:
		return observation->mac;
	case NEIGH_PUBLISH_UNRESOLVED:
		return unresolved;
	default:
		return NULL;
	}
}

struct neigh_entry *picture_place(struct picture *picture,
				  const struct neigh_observation *observation,
				  const uint8_t **mac)
{
	const struct neigh_key *key = &observation->key;
	struct interface *interface;
	struct neigh_entry *entry;

	*mac = picture_judge(picture, observation);
	interface = *mac ? interface_get_by_index(picture->interfaces, key->ifindex) :
			   interface_by_index(picture->interfaces, key->ifindex);
	if (!interface || interface->ignored)
		return NULL;
	entry = *mac ? get_wanted(picture, interface, key) :
		       neigh_table_find(picture->table, interface, key->family, key->addr);
	if (!entry)
		return NULL;
	entry->seen_in_dump = true;
	return entry->record_time_ns > picture->dump_start_ns ? NULL : entry;
}

bool picture_observe(struct picture *picture, struct neigh_entry *entry, const uint8_t *mac,
		     uint64_t start_ns)
{
	if (entry->record_time_ns > start_ns)
		return false;
	/* many may have been found to be missing while there was room for one */
	if (mac && !entry->wanted && leave_out(picture, entry))
		mac = NULL;
	entry->observed_ns = start_ns;
	/* so that a record that is older than this, but comes later, finds it */
	if (picture->dumping)
		neigh_table_remember(entry);
	return neigh_table_want(picture->table, entry, mac);
}

static void stop_remembering(void *context, struct neigh_entry *entry)
{
	struct picture *picture = context;

	entry->seen_in_dump = false;
	neigh_table_no_longer_remember(picture->table, entry);
}

void picture_end_dump(struct picture *picture)
{
	picture->dumping = false;
	neigh_table_for_each(picture->table, stop_remembering, picture);
}
