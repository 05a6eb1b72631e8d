/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options, and what their texts may look like. */
#include "options_table.h"

#include <limits.h>
#include <string.h>

#include "ablation.h"
#include "listen_address.h"
#include "options.h"
#include "pattern.h"
#include "redis_address.h"

#define MAX_KEY_PREFIX 128
#define MAX_INSTANCE 32
#define MAX_USER 128

enum { FIXED, CHANGEABLE };	/* by SIGHUP */
enum { OWN, COMMON };		/* an instance's, or the daemon's and so all instances' */

static const char *check_redis(const char *text)
{
	struct redis_address address;
	const char *why = NULL;

	return redis_address_parse(&address, text, &why) < 0 ? why : NULL;
}

static const char *check_config_db(const char *text)
{
	return text[0] ? check_redis(text) : NULL;
}

const char *option_check_instance(const char *text)
{
	size_t bytes = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.-");

	if (bytes > 0 && bytes <= MAX_INSTANCE && text[bytes] == '\0' && text[0] != '.')
		return NULL;
	return "allowed are 1 to 32 of A-Z a-z 0-9 _ . - and no dot at the start";
}

static const char *check_netns(const char *text)
{
	bool is_path = text[0] == '/';

	if (strlen(text) < (is_path ? PATH_MAX : NAME_MAX) && (is_path || !strchr(text, '/')) &&
	    strcmp(text, ".") != 0 && strcmp(text, "..") != 0)
		return NULL;
	return "allowed are a name under /run/netns, an absolute path, or nothing";
}

static const char *check_patterns(const char *text)
{
	if (pattern_list_check(text) == 0)
		return NULL;
	return "allowed are shell patterns of at most 63 bytes with closed brackets";
}

static const char *check_key_prefix(const char *text)
{
	if (strlen(text) <= MAX_KEY_PREFIX)
		return NULL;
	return "allowed are at most 128 bytes";
}

static const char *check_word(const char *text)
{
	if (strlen(text) <= MAX_USER && !strpbrk(text, " \t"))
		return NULL;
	return "allowed are at most 128 bytes without blanks";
}

static const char *check_path(const char *text)
{
	if (!text[0] || (text[0] == '/' && strlen(text) < PATH_MAX))
		return NULL;
	return "allowed are an absolute path, or nothing";
}

static const char *check_metrics(const char *text)
{
	struct listen_address address;
	const char *why = NULL;

	return listen_address_parse(&address, text, &why) < 0 ? why : NULL;
}

static const char *check_without(const char *text)
{
	uint32_t mask;

	if (!ablation_parse(text, &mask))
		return NULL;
	return "allowed are, separated by commas: filter, suppression, event_loop, in_place, "
	       "interface_hash, preallocation, batching, configuration_cache";
}

const char *const option_source_names[OPTION_SOURCES] = {
	[OPTION_SOURCE_AUTO] = "auto",
	[OPTION_SOURCE_TP_BTF] = "tp_btf",
	[OPTION_SOURCE_RAW_TP] = "raw_tp",
	[OPTION_SOURCE_KPROBE] = "kprobe",
	[OPTION_SOURCE_NETLINK] = "netlink",
};

#define AT(member) offsetof(struct options, member)
#define TEXT(function, word) .check = (function), .values = (word)
#define ONE_OF(words) .values = (words)
#define PATTERNS(member, initial, text) \
	#member, OPTION_TEXT, CHANGEABLE, OWN, AT(member), initial, text, TEXT(check_patterns, "LIST")
#define BOOLEAN(member, initial, text) \
	#member, OPTION_BOOLEAN, CHANGEABLE, OWN, AT(member), initial, text, ONE_OF("no|yes")
#define COMMAND(member) #member, COMMAND_SWITCH, FIXED, COMMON, offsetof(struct command_line, member)
#define NUMBER(lowest, highest, counted) .low = (lowest), .high = (highest), .unit = (counted)

/* The order of the words in ONE_OF() is that of the enum. */
const struct option_entry option_table[] = {
	{ "redis", OPTION_TEXT, FIXED, OWN, AT(redis), "unix:///run/redis/redis-server.sock",
	  "unix:///path[?db=N], tcp://host[:port][/db] or sentinel://host[:port],.../name[/db]",
	  TEXT(check_redis, "ADDRESS") },
	{ "redis_user", OPTION_TEXT, FIXED, OWN, AT(redis_user), "",
	  "user of Redis' access control; empty: its default user", TEXT(check_word, "NAME") },
	{ "redis_password_file", OPTION_TEXT, FIXED, OWN, AT(redis_password_file), "",
	  "file whose first line is the password; empty: none is sent",
	  TEXT(check_path, "FILE") },
	{ "database_config", OPTION_TEXT, FIXED, OWN, AT(database_config), "",
	  "SONiC's database_config.json or database_global.json; redis is its APPL_DB then",
	  TEXT(check_path, "FILE") },
	{ "database_namespace", OPTION_TEXT, FIXED, OWN, AT(database_namespace), "",
	  "namespace of that file, such as asic0; empty: the host's own",
	  TEXT(check_word, "NAME") },
	{ "application", OPTION_TEXT, FIXED, OWN, AT(application), "neighsyncd",
	  "name in the databases of a SONiC switch", TEXT(option_check_instance, "NAME") },
	{ "warm_restart", OPTION_BOOLEAN, FIXED, OWN, AT(warm_restart), "no",
	  "take part in a SONiC switch's warm restarts; needs database_config",
	  ONE_OF("no|yes") },
	{ "reconcile", OPTION_CHOICE, FIXED, OWN, AT(reconcile), "timer",
	  "a warm restart ends after neighsyncd_timer, or at once", ONE_OF("timer|fast") },
	{ "restore_timeout", OPTION_NUMBER, FIXED, OWN, AT(restore_timeout_ms), "180000",
	  "ms that a warm restart waits for the kernel's neighbours to be restored",
	  NUMBER(1000, 3600000, "ms") },
	{ "config_db", OPTION_TEXT, FIXED, OWN, AT(config_db), "",
	  "SONiC's CONFIG_DB, which policy = sonic needs; empty: that of database_config",
	  TEXT(check_config_db, "ADDRESS") },
	{ "redis_timeout", OPTION_NUMBER, FIXED, OWN, AT(redis_timeout_ms), "5000",
	  "ms that Redis may take to connect, or for a reply", NUMBER(100, 600000, "ms") },
	{ "instance", OPTION_TEXT, FIXED, COMMON, AT(instance), "default",
	  "name that tells daemons on one machine apart", TEXT(option_check_instance, "NAME") },
	{ "netns", OPTION_TEXT, FIXED, OWN, AT(netns), "",
	  "network namespace; empty: the daemon's own", TEXT(check_netns, "NAME|PATH") },
	{ "netns_gone", OPTION_CHOICE, FIXED, OWN, AT(netns_gone), "end",
	  "when the network namespace is deleted", ONE_OF("end|wait") },
	{ "netns_gone_keys", OPTION_CHOICE, FIXED, OWN, AT(netns_gone_keys), "remove",
	  "and what becomes of its keys in Redis then", ONE_OF("remove|keep") },
	{ "source", OPTION_CHOICE, FIXED, COMMON, AT(source), "auto",
	  "where changes of neighbours are seen", ONE_OF("auto|tp_btf|raw_tp|kprobe|netlink") },
	{ "btf", OPTION_TEXT, FIXED, COMMON, AT(btf), "",
	  "file with the kernel's types, if it has none; empty: its own",
	  TEXT(check_path, "FILE") },
	{ "netlink_buffer", OPTION_NUMBER, FIXED, OWN, AT(netlink_buffer_bytes), "16777216",
	  "bytes that the netlink source's socket may hold", NUMBER(4096, 1u << 30, "bytes") },
	{ "netlink_no_enobufs", OPTION_BOOLEAN, FIXED, OWN, AT(netlink_no_enobufs), "no",
	  "do not even notice what that socket loses: only the audit will",
	  ONE_OF("no|yes") },
	{ "schema", OPTION_CHOICE, FIXED, OWN, AT(schema), "plain",
	  "form of the keys and values in Redis", ONE_OF("plain|sonic") },
	{ "shadow", OPTION_BOOLEAN, FIXED, OWN, AT(shadow), "no",
	  "write beside neighsyncd, to NEIGHTRACK_SHADOW_NEIGH_TABLE, to compare",
	  ONE_OF("no|yes") },
	{ "policy", OPTION_CHOICE, FIXED, OWN, AT(policy), "host",
	  "which neighbours count: a host's, or those of SONiC's neighsyncd",
	  ONE_OF("host|sonic") },
	{ PATTERNS(interfaces, "", "interfaces to watch; empty: all") },
	{ PATTERNS(ignore, "lo", "interfaces to leave out of those") },
	{ BOOLEAN(ipv4, "yes", "mirror IPv4 neighbours (ARP)") },
	{ BOOLEAN(ipv6, "yes", "mirror IPv6 neighbours (NDP)") },
	{ BOOLEAN(link_local_ipv4, "yes", "mirror the neighbours of 169.254.0.0/16") },
	{ PATTERNS(link_local_ipv6, "", "interfaces whose fe80::/10 neighbours count") },
	{ BOOLEAN(noarp, "no", "mirror NUD_NOARP entries not learned externally") },
	{ "key_prefix", OPTION_TEXT, FIXED, OWN, AT(key_prefix), "",
	  "put before every key in Redis", TEXT(check_key_prefix, "PREFIX") },
	{ "batch_size", OPTION_NUMBER, CHANGEABLE, OWN, AT(batch_size), "100",
	  "most commands sent to Redis in one flush", NUMBER(1, 10000, "commands") },
	{ "batch_timeout", OPTION_NUMBER, CHANGEABLE, OWN, AT(batch_timeout_ms), "10",
	  "ms to wait for replies before the next flush", NUMBER(0, 1000, "ms") },
	{ "moderation", OPTION_NUMBER, CHANGEABLE, COMMON, AT(moderation_us), "1000",
	  "us to rest between turns while changes come quickly", NUMBER(0, 100000, "us") },
	{ BOOLEAN(transaction, "no", "wrap each flush in MULTI and EXEC") },
	{ "audit_interval", OPTION_NUMBER, CHANGEABLE, OWN, AT(audit_interval_s), "300",
	  "s between full comparisons; 0: never", NUMBER(0, 86400, "s") },
	{ "ring_size", OPTION_POWER_OF_TWO, FIXED, COMMON, AT(ring_size_bytes), "4194304",
	  "bytes between kernel and daemon", NUMBER(4096, 1u << 30, "bytes") },
	{ "map_size", OPTION_NUMBER, FIXED, COMMON, AT(map_size), "0",
	  "neighbours that the kernel side remembers; 0: max_neighbours",
	  NUMBER(0, 1u << 24, "neighbours") },
	{ "max_neighbours", OPTION_NUMBER, FIXED, OWN, AT(max_neighbours), "131072",
	  "neighbours that are kept at most", NUMBER(16, 1u << 24, "neighbours") },
	{ "pins", OPTION_CHOICE, FIXED, COMMON, AT(pins), "keep",
	  "what becomes of the BPF programs and maps when the daemon ends",
	  ONE_OF("keep|remove") },
	{ "without", OPTION_TEXT, FIXED, COMMON, AT(without), "",
	  "parts to do without, so as to measure what they are worth",
	  TEXT(check_without, "WORDS") },
	{ "stream", OPTION_TEXT, FIXED, OWN, AT(stream), "",
	  "key of a Redis Stream that each change is appended to; empty: none",
	  TEXT(check_word, "KEY") },
	{ "stream_length", OPTION_NUMBER, FIXED, OWN, AT(stream_length), "100000",
	  "events that Redis keeps of it, about", NUMBER(1, 1u << 30, "events") },
	{ "stream_queue", OPTION_NUMBER, FIXED, OWN, AT(stream_queue), "65536",
	  "events that wait for Redis at most", NUMBER(16, 1u << 20, "events") },
	{ "mac_moves", OPTION_NUMBER, CHANGEABLE, OWN, AT(mac_moves), "5",
	  "changes of an address' MAC that are not told as moves; 0: none are",
	  NUMBER(0, 1u << 20, "changes") },
	{ "mac_moves_interval", OPTION_NUMBER, CHANGEABLE, OWN, AT(mac_moves_interval_s), "60",
	  "s in which they are counted, as are returns to a former MAC",
	  NUMBER(1, 86400, "s") },
	{ "duplicates", OPTION_NUMBER, CHANGEABLE, OWN, AT(duplicates), "3",
	  "returns to a former MAC that tell of a duplicate address; 0: none do",
	  NUMBER(0, 1u << 20, "returns") },
	{ "mac_addresses", OPTION_NUMBER, FIXED, OWN, AT(mac_addresses), "0",
	  "addresses that one MAC may have on an interface; 0: any number",
	  NUMBER(0, 1u << 20, "addresses") },
	{ "anomaly_interval", OPTION_NUMBER, CHANGEABLE, OWN, AT(anomaly_interval_s), "60",
	  "s before the same address is told of again", NUMBER(0, 86400, "s") },
	{ "anomaly_rate", OPTION_NUMBER, CHANGEABLE, OWN, AT(anomaly_rate), "100",
	  "moves, duplicates and MACs with many addresses told in a minute",
	  NUMBER(0, 1u << 20, "a minute") },
	{ "metrics", OPTION_TEXT, FIXED, COMMON, AT(metrics), "off",
	  "where metrics and health are served over HTTP: ADDRESS:PORT, unix:PATH or off",
	  TEXT(check_metrics, "ADDRESS") },
	{ "metrics_cert", OPTION_TEXT, FIXED, COMMON, AT(metrics_cert), "",
	  "certificate, PEM, to serve them by TLS; empty: plain HTTP", TEXT(check_path, "FILE") },
	{ "metrics_key", OPTION_TEXT, FIXED, COMMON, AT(metrics_key), "",
	  "private key of that certificate", TEXT(check_path, "FILE") },
	{ "metrics_client_ca", OPTION_TEXT, FIXED, COMMON, AT(metrics_client_ca), "",
	  "CA whose certificate clients must have; empty: they need none",
	  TEXT(check_path, "FILE") },
	{ "metrics_interfaces", OPTION_NUMBER, CHANGEABLE, COMMON, AT(metrics_interfaces), "64",
	  "interfaces that are told apart in the metrics", NUMBER(0, 4096, "interfaces") },
	{ "user", OPTION_TEXT, FIXED, COMMON, AT(user), "",
	  "user that the daemon becomes when all is attached; empty: it stays as started",
	  TEXT(check_word, "NAME|NUMBER") },
	{ "group", OPTION_TEXT, FIXED, COMMON, AT(group), "",
	  "and its group; empty: the user's own", TEXT(check_word, "NAME|NUMBER") },
	{ "seccomp", OPTION_CHOICE, FIXED, COMMON, AT(seccomp), "on",
	  "refuse system calls that the daemon has no use for", ONE_OF("off|on") },
	{ "log_level", OPTION_CHOICE, CHANGEABLE, COMMON, AT(log_level), "notice",
	  "least severity that is logged", ONE_OF("error|warning|notice|info|debug") },
	{ "log_format", OPTION_CHOICE, FIXED, COMMON, AT(log_format), "text",
	  "form of log lines", ONE_OF("text|json|syslog") },
	{ "syslog_socket", OPTION_TEXT, FIXED, COMMON, AT(syslog_socket), "/dev/log",
	  "where lines of log_format = syslog go", TEXT(check_path, "FILE") },

	/* not in files */
	{ "config", COMMAND_WORD, FIXED, COMMON, offsetof(struct command_line, config_file),
	  OPTIONS_DEFAULT_FILE, "configuration file", ONE_OF("FILE") },
	{ "mirror", COMMAND_WORD, FIXED, COMMON, offsetof(struct command_line, mirror),
	  "", "which [instance NAME] of that file to look at: neightrack's alone", ONE_OF("NAME") },
	{ COMMAND(check_config), NULL, "check file and flags, then exit", ONE_OF("") },
	{ COMMAND(help), NULL, "print this", ONE_OF("") },
	{ COMMAND(version), NULL, "print the version", ONE_OF("") },
};

_Static_assert(sizeof(option_table) / sizeof(option_table[0]) == OPTION_ENTRY_COUNT,
	       "OPTION_COUNT is the number of those that a file may hold");

bool option_is_common(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (!strcmp(option_table[i].name, name))
			return option_table[i].is_common;
	return false;
}

bool option_hides(const struct option_entry *entry, const char *text)
{
	return (entry->check == check_redis || entry->check == check_config_db) &&
	       strchr(text, '@');
}
