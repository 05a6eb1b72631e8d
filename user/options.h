/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user asked for: the options of the daemon and of the tool, from the
 * configuration file and the command line, checked before anything is started.
 *
 * One table (options_table.c) declares each option once: name, type, bounds, unit,
 * default, help, and whether a running daemon can take a new value. Parsing,
 * --help and the tests of the documentation follow from it.
 */
#ifndef NEIGHTRACK_OPTIONS_H
#define NEIGHTRACK_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "sonic_databases.h"

#define OPTIONS_DEFAULT_FILE "/etc/neightrack/neightrackd.conf"
#define OPTIONS_INSTANCES 16u		/* [instance NAME] sections, at most */
#define OPTIONS_MIRROR_BYTES 33		/* the longest NAME, with its end */
#define OPTIONS_CLIENT_NAME_BYTES 96

/* Behind the first one in the order in which they are tried. */
/* Put before key_prefix by the option shadow. */
#define OPTIONS_SHADOW_PREFIX "NEIGHTRACK_SHADOW_"

enum option_source {
	OPTION_SOURCE_AUTO,
	OPTION_SOURCE_TP_BTF,
	OPTION_SOURCE_RAW_TP,
	OPTION_SOURCE_KPROBE,
	OPTION_SOURCE_NETLINK,
	OPTION_SOURCES,
};

/* The words for them. */
extern const char *const option_source_names[OPTION_SOURCES];

enum option_netns_gone {
	OPTION_NETNS_GONE_END,
	OPTION_NETNS_GONE_WAIT,
};

enum option_netns_gone_keys {
	OPTION_NETNS_GONE_REMOVE,
	OPTION_NETNS_GONE_KEEP,
};

enum option_pins {
	OPTION_PINS_KEEP,
	OPTION_PINS_REMOVE,
};

enum option_reconcile {
	OPTION_RECONCILE_TIMER,
	OPTION_RECONCILE_FAST,
};

enum option_schema {
	OPTION_SCHEMA_PLAIN,		/* in the order of enum schema_kind */
	OPTION_SCHEMA_SONIC,
};

enum option_seccomp {
	OPTION_SECCOMP_OFF,
	OPTION_SECCOMP_ON,
};

enum option_policy {
	OPTION_POLICY_HOST,
	OPTION_POLICY_SONIC,
};

/* Strings are owned by the struct (options_free). */
struct options {
	/* whose section of the file holds for these, with its NAME; "" = no instance's */
	char mirror[OPTIONS_MIRROR_BYTES];
	uint32_t slot;			/* the place of that section among those of the file */
	char *redis;			/* an address, checked by redis_address_parse() */
	char *redis_user;
	char *redis_password_file;	/* absolute path; "" = no password */
	char *database_config;		/* absolute path; "" = none */
	char *database_namespace;	/* in that file; "" = the host's own */
	struct sonic_databases databases;	/* of that file; else their separators alone */
	char *config_db;		/* an address; "" = there is none */
	uint32_t redis_timeout_ms;	/* for a connection to stand, and for a reply */
	char *application;		/* its name in the switch's databases */
	bool warm_restart;		/* as SONiC's applications do; needs database_config */
	enum option_reconcile reconcile;
	uint32_t restore_timeout_ms;	/* for the kernel's neighbours to be restored */
	char *instance;			/* [A-Za-z0-9_.-]{1,32}, not starting with a dot */
	char *netns;			/* name under /run/netns, or a path; "" = the daemon's own */
	enum option_netns_gone netns_gone;
	enum option_netns_gone_keys netns_gone_keys;
	enum option_source source;
	char *btf;			/* absolute path; "" = the kernel's own */
	uint32_t netlink_buffer_bytes;
	bool netlink_no_enobufs;
	enum option_schema schema;
	bool shadow;			/* beside the original, in a plain table of its own */
	enum option_policy policy;
	char *interfaces;		/* patterns, see pattern.h; "" = all */
	char *ignore;			/* patterns; default "lo" */
	bool ipv4;
	bool ipv6;
	bool link_local_ipv4;
	char *link_local_ipv6;		/* patterns of interfaces whose fe80::/10 neighbours count; "" = none */
	bool noarp;
	char *key_prefix;
	uint32_t batch_size;		/* commands a flush */
	uint32_t batch_timeout_ms;
	uint32_t moderation_us;		/* rest while changes come quickly; 0 = none */
	bool transaction;
	uint32_t audit_interval_s;	/* 0 = never */
	uint32_t ring_size_bytes;	/* a power of two, at least a page */
	uint32_t map_size;		/* neighbours; 0 = max_neighbours */
	uint32_t max_neighbours;
	char *without;			/* words, see ablation.h; "" = nothing is missing */
	enum option_pins pins;		/* what becomes of them when the daemon ends */
	char *stream;			/* key of a Redis Stream for changes; "" = none */
	uint32_t stream_length;		/* events that Redis keeps, about */
	uint32_t stream_queue;		/* events that wait here, at most */
	uint32_t mac_moves;		/* of one address that are too many; 0 = not watched */
	uint32_t mac_moves_interval_s;	/* in which they are counted, as are duplicates */
	uint32_t duplicates;		/* returns to a former MAC; 0 = not watched */
	uint32_t mac_addresses;		/* that one MAC may have; 0 = not watched */
	uint32_t anomaly_interval_s;	/* before the same address is told of again */
	uint32_t anomaly_rate;		/* that are told in a minute */
	char *metrics;			/* an address, checked by listen_address_parse() */
	char *metrics_cert;		/* absolute paths; "" = none */
	char *metrics_key;
	char *metrics_client_ca;
	uint32_t metrics_interfaces;	/* that have a label of their own, at most */
	char *user;			/* to become; "" = stay as started */
	char *group;			/* "" = the user's own */
	enum option_seccomp seccomp;
	enum log_level log_level;
	enum log_format log_format;
	char *syslog_socket;		/* for LOG_FORMAT_SYSLOG */
};

/* The instances that a file has sections for, in their order. */
struct option_instances {
	unsigned int count;
	char names[OPTIONS_INSTANCES][OPTIONS_MIRROR_BYTES];
};

/* What else a command line can ask for. */
struct command_line {
	const char *config_file;	/* NULL: OPTIONS_DEFAULT_FILE if it exists */
	const char *mirror;		/* NULL: none is chosen */
	struct option_instances instances;	/* of the file that was read */
	bool check_config;
	bool help;
	bool version;
	int first_operand;		/* index in argv of the first word that is no option */
};

/* Fills in the defaults. Returns 0 or -ENOMEM. */
int options_init(struct options *options);
void options_free(struct options *options);

/*
 * Reads an INI file over what `options` holds: section [neightrackd] and, over that,
 * [instance NAME] if options->mirror is NAME. *instances, unless it is NULL, is filled in.
 * On failure prints one line `file:line: what is wrong, what is allowed` to
 * `errors`, and returns -EINVAL or the negative errno of opening the file;
 * `options` then hold part of the file and are good for options_free() alone.
 */
int options_read_file(struct options *options, const char *path,
		      struct option_instances *instances, FILE *errors);

/* Their names, for people; "none" without any. */
char *option_instances_text(const struct option_instances *instances,
			    char text[OPTIONS_INSTANCES * OPTIONS_MIRROR_BYTES]);

/*
 * Reads --name value, --name=value and, for booleans, --name yes|no, or --name alone
 * before another flag or at the end; overrides
 * what the file said, whatever the order. Loads the configuration file first
 * (the default one may be missing, one named by --config may not), and then
 * database_config, if there is one, which says what `redis` is, and config_db if that
 * is not set.
 * A file may have sections of instances: then line->instances has them, and it is
 * options->mirror, which --mirror sets, that chooses one. While none is chosen, what one
 * option means for others is not looked at, as that is each instance's business.
 * Stops at the first operand. Returns 0 or -EINVAL after one line to `errors`;
 * `options` are then good for options_free() alone. With --help or --version
 * the file is not read and `options` stay as they are.
 */
int options_parse(struct options *options, struct command_line *line, int argc, char **argv,
		  FILE *errors);

/* What a connection for these is called where its Redis lists clients. */
void options_client_name(const struct options *options, const char *suffix,
			 char name[OPTIONS_CLIENT_NAME_BYTES]);

/* Prints one aligned line an option: name, value, default, help. */
void options_print_help(FILE *out);

/*
 * Takes over from `fresh` what a running daemon can change, and says through
 * `say` (a sentence for each) what differs but cannot be changed at run time.
 * Returns the number of options that were changed.
 */
int options_take_over(struct options *running, struct options *fresh,
		      void (*say)(void *context, const char *name), void *context);

/* For tests of the documentation: name of the i-th option, NULL past the end. */
const char *options_name(unsigned int i);

#endif
