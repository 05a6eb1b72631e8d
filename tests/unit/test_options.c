/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/options.c: the values that are taken, and the one line that an error gives. */
#include <sys/mman.h>

#include "options_fixture.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static void a_file_sets_every_option(void **state)
{
	const struct options *options = options_of(state);

	assert_file_good(state, "# comment\n\n[neightrackd]\n"
			 "redis = tcp://[::1]:6380/1\ninstance = blue.1\nnetns = /run/netns/a\n"
			 "source = tp_btf\nschema = plain\ninterfaces = Ethernet*, Vlan*\n"
			 "ignore =\nipv4 = no\nipv6 = no\nlink_local_ipv4 = no\n"
			 "link_local_ipv6 = Vlan1000\nnoarp = yes\nkey_prefix = a:\n"
			 "batch_size = 1\nbatch_timeout = 0\ntransaction = yes\n"
			 "audit_interval = 0\nring_size = 4096\nmax_neighbours = 16\n"
			 "map_size = 8\nnetlink_buffer = 1M\nnetlink_no_enobufs = no\n"
			 "netns_gone = wait\nnetns_gone_keys = keep\nredis_user = me\n"
			 "redis_password_file = /etc/p\nredis_timeout = 2s\n"
			 "metrics = 127.0.0.1:9732\nmetrics_cert = /c\nmetrics_key = /k\n"
			 "metrics_client_ca = /ca\nmetrics_interfaces = 7\n"
			 "stream = s\nstream_length = 8\nstream_queue = 16\nmac_moves = 9\n"
			 "mac_moves_interval = 1h\nduplicates = 10\nmac_addresses = 11\n"
			 "anomaly_interval = 12s\nanomaly_rate = 13\n"
			 "log_level = debug\nlog_format = json ; the collector wants it\n");
	assert_string_equal(options->redis, "tcp://[::1]:6380/1");
	assert_string_equal(options->instance, "blue.1");
	assert_string_equal(options->netns, "/run/netns/a");
	assert_int_equal(options->source, OPTION_SOURCE_TP_BTF);
	assert_string_equal(options->interfaces, "Ethernet*, Vlan*");
	assert_string_equal(options->ignore, "");
	assert_false(options->ipv4 || options->ipv6 || options->link_local_ipv4);
	assert_string_equal(options->link_local_ipv6, "Vlan1000");
	assert_true(options->noarp && options->transaction);
	assert_string_equal(options->key_prefix, "a:");
	assert_int_equal(options->batch_size, 1);
	assert_int_equal(options->batch_timeout_ms, 0);
	assert_int_equal(options->audit_interval_s, 0);
	assert_int_equal(options->ring_size_bytes, 4096);
	assert_int_equal(options->max_neighbours, 16);
	assert_int_equal(options->map_size, 8);
	assert_int_equal(options->netlink_buffer_bytes, 1 << 20);
	assert_int_equal(options->netns_gone, OPTION_NETNS_GONE_WAIT);
	assert_int_equal(options->netns_gone_keys, OPTION_NETNS_GONE_KEEP);
	assert_string_equal(options->redis_user, "me");
	assert_string_equal(options->redis_password_file, "/etc/p");
	assert_int_equal(options->redis_timeout_ms, 2000);
	assert_string_equal(options->metrics, "127.0.0.1:9732");
	assert_string_equal(options->metrics_cert, "/c");
	assert_string_equal(options->metrics_key, "/k");
	assert_string_equal(options->metrics_client_ca, "/ca");
	assert_int_equal(options->metrics_interfaces, 7);
	assert_string_equal(options->stream, "s");
	assert_int_equal(options->stream_length, 8);
	assert_int_equal(options->stream_queue, 16);
	assert_int_equal(options->mac_moves, 9);
	assert_int_equal(options->mac_moves_interval_s, 3600);
	assert_int_equal(options->duplicates, 10);
	assert_int_equal(options->mac_addresses, 11);
	assert_int_equal(options->anomaly_interval_s, 12);
	assert_int_equal(options->anomaly_rate, 13);
	assert_int_equal(options->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(options->log_format, LOG_FORMAT_JSON);
}

static void the_words_of_a_choice_follow_its_enum(void **state)
{
	static const char *const levels[] = { "error", "warning", "notice", "info", "debug" };

	for (unsigned int i = 0; i < ARRAY_SIZE(levels); i++) {
		assert_int_equal(parse(state, "--log-level", levels[i]), 0);
		assert_int_equal(options_of(state)->log_level, i);
	}
}

static void a_number_may_carry_its_unit(void **state)
{
	struct options *options = options_of(state);

	assert_int_equal(parse(state, "--batch-timeout=20ms", "--audit-interval=5min",
			       "--ring-size=4M"), 0);
	assert_int_equal(options->batch_timeout_ms, 20);
	assert_int_equal(options->audit_interval_s, 300);
	assert_int_equal(options->ring_size_bytes, 4 << 20);
	assert_int_equal(parse(state, "--batch-timeout=1 s", "--audit-interval=24h"), 0);
	assert_int_equal(options->batch_timeout_ms, 1000);
	assert_int_equal(options->audit_interval_s, 86400);
}

static void an_unknown_key_names_its_file_and_line(void **state)
{
	char expected[2048] = ":4: unknown key 'batchsize'; allowed: ";

	for (unsigned int i = 0; options_name(i); i++) {
		strcat(expected, i ? ", " : "");
		strcat(expected, options_name(i));
	}
	assert_file_refused(state, "[neightrackd]\n\n# comment\nbatchsize = 1\n", expected);
}

static void a_stream_among_the_neighbours_is_refused(void **state)
{
	assert_int_equal(parse(state, "--stream", "a:NEIGH_TABLE:s", "--key-prefix", "a:"), -EINVAL);
	assert_error(state, "stream = a:NEIGH_TABLE:s: keys that begin with a:NEIGH_TABLE, "
		     "or that with a _ before it, are neighbours; allowed is any other");
	assert_int_equal(parse(state, "--stream", "_NEIGH_TABLE:x", "--key-prefix", ""), -EINVAL);
	errors_of(state);
	assert_int_equal(parse(state, "--stream", "CHANGES:NEIGH_TABLE"), 0);
}

static void half_of_what_tls_needs_is_refused(void **state)
{
	assert_int_equal(parse(state, "--metrics-cert", "/c"), -EINVAL);
	assert_error(state, "metrics_cert = /c with metrics_key = : TLS needs both");
	assert_int_equal(parse(state, "--metrics-cert", "/c", "--metrics-key", "/k"), 0);
}

static void certificates_of_clients_need_tls(void **state)
{
	assert_int_equal(parse(state, "--metrics-client-ca", "/ca"), -EINVAL);
	assert_error(state, "metrics_client_ca = /ca without metrics_cert: clients show "
		     "certificates by TLS alone");
}

static void a_command_is_no_key(void **state)
{
	assert_int_equal(read_bytes(state, "[neightrackd]\nhelp = yes\n", 25), -EINVAL);
	assert_non_null(strstr(errors_of(state), ":2: unknown key 'help'; allowed: "));
}

static void every_wrong_value_is_refused(void **state)
{
	static const struct {
		const char *name;
		const char *why;
		const char *values[9];
	} cases[] = {
		{ "batch_size", "allowed are 1 to 10000 commands",
		  { "0", "10001", "-1", "+1", "", "10ms", "0x10", "1.5", "18446744073709551617" } },
		{ "moderation", "allowed are 0 to 100000 us", { "-1", "100001", "101ms", "1s" } },
		{ "batch_timeout", "allowed are 0 to 1000 ms",
		  { "1001", "2s", "1min", "18446744073709551617 ms" } },
		{ "audit_interval", "allowed are 0 to 86400 s",
		  { "86401", "4294967296min", "10ms", "25h" } },
		{ "ring_size", "allowed are powers of two from 4096 to 1073741824 bytes",
		  { "0", "2048", "4095", "5000", "3M", "2G", "4Mb", "4194304s" } },
		{ "max_neighbours", "allowed are 16 to 16777216 neighbours", { "15", "16777217" } },
		{ "ipv4", "allowed are no|yes", { "", "true", "1", "ye", "yess", "no|yes" } },
		{ "source", "allowed are auto|tp_btf|raw_tp|kprobe|netlink", { "tp", "auto|tp_btf", "Auto" } },
		{ "schema", "allowed are plain|sonic", { "Sonic" } },
		{ "log_level", "allowed are error|warning|notice|info|debug", { "Debug", "5" } },
		{ "log_format", "allowed are text|json|syslog", { "xml" } },
		{ "redis", "allowed are unix:///path[?db=N], tcp://", { "/r.sock", "" } },
		{ "redis", "the port is a number from 1 to 65535", { "tcp://a:0" } },
		{ "instance", "allowed are 1 to 32 of A-Z a-z 0-9 _ . - and no dot at the start",
		  { "", ".a", "a/b", "a b", "123456789012345678901234567890123" } },
		{ "redis_user", "allowed are at most 128 bytes", { "a b" } },
		{ "redis_password_file", "allowed are an absolute path", { "secret" } },
		{ "redis_timeout", "allowed are 100 to 600000 ms", { "99", "11min" } },
		{ "metrics", "allowed are off, an address and a port", { "on", ":9732", "" } },
		{ "metrics_key", "allowed are an absolute path", { "key.pem" } },
		{ "metrics_interfaces", "allowed are 0 to 4096 interfaces", { "4097" } },
		{ "pins", "allowed are keep|remove", { "", "yes" } },
		{ "user", "allowed are at most 128 bytes", { "a b" } },
		{ "seccomp", "allowed are off|on", { "", "yes", "log" } },
		{ "without", "allowed are, separated by commas: filter, suppression",
		  { "no-such", "filter,", ",filter", "filter suppression", "filte", "filters" } },
		{ "netns_gone", "allowed are end|wait", { "", "keep" } },
		{ "netns", "allowed are a name under /run/netns", { "a/b", ".", ".." } },
		{ "interfaces", "allowed are shell patterns", { "eth[0", "! lo" } },
		{ "key_prefix", "no control character is allowed", { "a\nb", "\x7f" } },
	};
	char word[128], expected[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(cases[i].values) && cases[i].values[j]; j++) {
			snprintf(word, sizeof(word), "--%s=%s", cases[i].name, cases[i].values[j]);
			if (parse(state, word) != -EINVAL)
				fail_msg("'%s' was not refused", word);
			snprintf(expected, sizeof(expected), ": %s", cases[i].why);
			if (!strstr(errors_of(state), expected))
				fail_msg("'%s': no '%s'", word, expected);
		}
	}
}

static void a_key_prefix_has_at_most_128_bytes(void **state)
{
	char prefix[130] = "";

	memset(prefix, 'k', 129);
	assert_int_equal(parse(state, "--key-prefix", prefix), -EINVAL);
	prefix[128] = '\0';
	assert_int_equal(parse(state, "--key-prefix", prefix), 0);
}

static void a_wrong_value_leaves_the_option_as_it_was(void **state)
{
	assert_int_equal(parse(state, "--redis", "nonsense"), -EINVAL);
	assert_string_equal(options_of(state)->redis, "unix:///run/redis/redis-server.sock");
	assert_int_equal(parse(state, "--batch-size", "0"), -EINVAL);
	assert_int_equal(options_of(state)->batch_size, 100);
}

static void losses_may_go_unseen_only_with_an_audit(void **state)
{
	assert_int_equal(parse(state, "--netlink-no-enobufs=yes"), 0);
	assert_int_equal(parse(state, "--netlink-no-enobufs=yes", "--audit-interval=0"), -EINVAL);
	assert_non_null(strstr(errors_of(state), "allowed is an audit_interval above 0"));
}

static void redis_is_taken_from_the_database_config(void **state)
{
	static const char text[] =
		"{ \"INSTANCES\": { \"redis\": { \"unix_socket_path\": \"/switch\" } }, "
		"\"DATABASES\": { "
		"\"APPL_DB\": { \"id\": 0, \"separator\": \":\", \"instance\": \"redis\" }, "
		"\"CONFIG_DB\": { \"id\": 4, \"separator\": \"|\", \"instance\": \"redis\" }, "
		"\"STATE_DB\": { \"id\": 6, \"separator\": \"|\", \"instance\": \"redis\" } } }";
	int fd = memfd_create("databases", MFD_CLOEXEC);
	char flag[64];

	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	snprintf(flag, sizeof(flag), "--database-config=/proc/self/fd/%d", fd);
	assert_int_equal(parse(state, flag, "--redis=tcp://a"), 0);
	assert_string_equal(options_of(state)->redis, "unix:///switch?db=0");
	assert_int_equal(options_of(state)->databases.databases[SONIC_CONFIG_DB].id, 4);
	assert_string_equal(options_of(state)->config_db, "unix:///switch?db=4");
	assert_int_equal(parse(state, flag, "--config-db=tcp://b/4"), 0);
	assert_string_equal(options_of(state)->config_db, "tcp://b/4");
	assert_int_equal(parse(state, flag, "--database-namespace=asic0"), -EINVAL);
	assert_non_null(strstr(errors_of(state), "so no namespace 'asic0'"));
	close(fd);
}

static void a_database_config_that_is_not_there_is_refused(void **state)
{
	assert_int_equal(parse(state, "--database-config=/nonexistent"), -EINVAL);
	assert_error(state, "/nonexistent: cannot read: No such file or directory");
	assert_int_equal(parse(state, "--database-config=", "--database-namespace=a"), -EINVAL);
	assert_non_null(strstr(errors_of(state), "database_config, which is not set"));
}

static void the_policy_of_a_switch_needs_its_config_db(void **state)
{
	assert_int_equal(parse(state, "--policy=sonic"), -EINVAL);
	assert_non_null(strstr(errors_of(state), "config_db or database_config must say"));
	assert_int_equal(parse(state, "--policy=sonic", "--config-db=unix:///a?db=4"), 0);
	assert_int_equal(options_of(state)->policy, OPTION_POLICY_SONIC);
	assert_int_equal(options_of(state)->databases.databases[SONIC_CONFIG_DB].separator, '|');
}

/* Other values than the defaults, of all options that can change while the daemon runs */
#define CHANGEABLE_WORDS \
	"--interfaces=a", "--ignore=b", "--ipv4=no", "--ipv6=no", "--link-local-ipv4=no", \
	"--link-local-ipv6=c", "--noarp=yes", "--batch-size=1", "--batch-timeout=1", \
	"--transaction=yes", "--audit-interval=1", "--log-level=debug"

/* ... and of those that cannot */
#define FIXED_WORDS \
	"--redis=tcp://a", "--instance=b", "--netns=c", "--source=tp_btf", "--key-prefix=d", \
	"--ring-size=4K", "--map-size=1", "--max-neighbours=16", "--log-format=json", \
	"--redis-user=e", "--redis-password-file=/f", "--redis-timeout=1s", \
	"--netns-gone=wait", "--netns-gone-keys=keep", "--netlink-buffer=1M", \
	"--netlink-no-enobufs=yes", "--schema=sonic", "--policy=sonic", "--config-db=tcp://g", \
	"--btf=/g"

static void a_shadow_writes_plainly_to_another_table_and_restarts_nothing(void **state)
{
	assert_int_equal(parse(state, "--schema=sonic", "--warm-restart=yes", "--key-prefix=p:",
			       "--shadow"), 0);
	assert_int_equal(options_of(state)->schema, OPTION_SCHEMA_PLAIN);
	assert_string_equal(options_of(state)->key_prefix, "NEIGHTRACK_SHADOW_p:");
	assert_false(options_of(state)->warm_restart);
}

static void remember(void *names, const char *name)
{
	strcat(names, name);
	strcat(names, " ");
}

static int take_over(struct options *running, void **state, char names[512])
{
	names[0] = '\0';
	return options_take_over(running, options_of(state), remember, names);
}

static void take_over_changes_what_a_running_daemon_can_change(void **state)
{
	struct options running;
	char names[512];

	assert_int_equal(options_init(&running), 0);
	assert_int_equal(parse(state, CHANGEABLE_WORDS), 0);
	assert_int_equal(take_over(&running, state, names), 12);
	assert_string_equal(names, "");
	assert_string_equal(running.link_local_ipv6, "c");
	assert_false(running.ipv4);
	assert_int_equal(running.audit_interval_s, 1);
	assert_int_equal(running.log_level, LOG_LEVEL_DEBUG);
	options_free(&running);
}

static void take_over_reports_what_needs_a_restart(void **state)
{
	struct options running;
	char names[512];

	assert_int_equal(options_init(&running), 0);
	assert_int_equal(parse(state, FIXED_WORDS), 0);
	assert_int_equal(take_over(&running, state, names), 0);
	assert_string_equal(names, "redis redis_user redis_password_file config_db "
			    "redis_timeout instance "
			    "netns netns_gone netns_gone_keys source btf netlink_buffer "
			    "netlink_no_enobufs schema policy key_prefix ring_size map_size max_neighbours "
			    "log_format ");
	assert_string_equal(running.instance, "default");
	options_free(&running);
}

/* How many lines `# name = value` text has; they lose their "# ". */
static int uncomment(char *text, const char *name)
{
	char line[64];
	int found = 0;

	snprintf(line, sizeof(line), "\n# %s =", name);
	for (char *at = strstr(text, line); at; at = strstr(at, line), found++)
		memcpy(at + 1, "  ", 2);
	return found;
}

static void the_example_file_shows_every_option_with_its_default(void **state)
{
	const char *folder = getenv("SRCDIR");
	struct options defaults;
	char path[4096], text[16384] = "", names[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/docs/neightrackd.conf.example", folder ? folder : ".");
	file = fopen(path, "r");
	assert_non_null(file);
	assert_in_range(fread(text, 1, sizeof(text) - 1, file), 1, sizeof(text) - 2);
	fclose(file);
	assert_int_equal(parse(state, CHANGEABLE_WORDS, FIXED_WORDS), 0);
	for (unsigned int i = 0; options_name(i); i++) {
		if (uncomment(text, options_name(i)) != 1)
			fail_msg("not one line '# %s = value'", options_name(i));
	}
	assert_file_good(state, text);
	assert_int_equal(options_init(&defaults), 0);
	assert_int_equal(take_over(&defaults, state, names), 0);
	assert_string_equal(names, "");
	options_free(&defaults);
}

static void help_has_every_option_in_a_line_of_its_own(void **state)
{
	char *help = NULL, flag[64];
	size_t bytes = 0;
	FILE *out = open_memstream(&help, &bytes);

	(void)state;
	assert_non_null(out);
	options_print_help(out);
	fclose(out);
	for (unsigned int i = 0; options_name(i); i++) {
		snprintf(flag, sizeof(flag), "%s  --%s ", i ? "\n" : "", options_name(i));
		for (char *at = strchr(flag, '_'); at; at = strchr(at, '_'))
			*at = '-';
		if (!strstr(help, flag))
			fail_msg("'%s' is missing in:\n%s", flag, help);
	}
	assert_non_null(strstr(help, "--check-config "));
	free(help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		option_test(a_file_sets_every_option),
		option_test(the_words_of_a_choice_follow_its_enum),
		option_test(a_number_may_carry_its_unit),
		option_test(an_unknown_key_names_its_file_and_line),
		option_test(a_stream_among_the_neighbours_is_refused),
		option_test(half_of_what_tls_needs_is_refused),
		option_test(certificates_of_clients_need_tls),
		option_test(a_command_is_no_key),
		option_test(every_wrong_value_is_refused),
		option_test(a_key_prefix_has_at_most_128_bytes),
		option_test(a_wrong_value_leaves_the_option_as_it_was),
		option_test(losses_may_go_unseen_only_with_an_audit),
		option_test(redis_is_taken_from_the_database_config),
		option_test(a_database_config_that_is_not_there_is_refused),
		option_test(the_policy_of_a_switch_needs_its_config_db),
		option_test(take_over_changes_what_a_running_daemon_can_change),
		option_test(take_over_reports_what_needs_a_restart),
		option_test(a_shadow_writes_plainly_to_another_table_and_restarts_nothing),
		option_test(the_example_file_shows_every_option_with_its_default),
		option_test(help_has_every_option_in_a_line_of_its_own),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
