/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/sonic_databases.c: what its files mean, and what is said of broken ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sonic_databases.h"

#define INSTANCE "\"INSTANCES\": { \"redis\": { \"hostname\": \"127.0.0.1\", \"port\": 6379, " \
		 "\"unix_socket_path\": \"/run/redis/redis.sock\", " \
		 "\"persistence_for_warm_boot\": \"yes\" } }"
#define DATABASE(name, id, separator) "\"" name "\": { \"id\": " id ", \"separator\": \"" \
				      separator "\", \"instance\": \"redis\" }"
#define DATABASES "\"DATABASES\": { " DATABASE("APPL_DB", "0", ":") ", " \
		  DATABASE("CONFIG_DB", "4", "|") ", " DATABASE("STATE_DB", "6", "|") ", " \
		  DATABASE("SNMP_OVERLAY_DB", "7", "|") " }"
#define GOOD "{ " INSTANCE ", " DATABASES ", \"VERSION\": \"1.0\" }"
/* CONFIG_DB and STATE_DB as they should be, one of APPL_DB */
#define WITH_APPL_DB(appl_db) \
	"{ " INSTANCE ", \"DATABASES\": { \"APPL_DB\": " appl_db ", " \
	DATABASE("CONFIG_DB", "4", "|") ", " DATABASE("STATE_DB", "6", "|") " } }"
#define WITH_INSTANCE(instance) \
	"{ \"INSTANCES\": { \"redis\": " instance " }, " DATABASES " }"

struct fixture {
	char folder[64];
	char path[128];		/* of the file that write_file() wrote last */
	char why[SONIC_WHY_BYTES];
	struct sonic_databases databases;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (!fixture)
		return -1;
	strcpy(fixture->folder, "/tmp/neightrack-databases-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;
	char command[128];
	int status;

	snprintf(command, sizeof(command), "rm -r %s", fixture->folder);
	status = system(command);
	free(fixture);
	return status;
}

static void write_bytes(struct fixture *fixture, const char *name, const char *bytes, size_t count)
{
	FILE *file;

	snprintf(fixture->path, sizeof(fixture->path), "%s/%s", fixture->folder, name);
	file = fopen(fixture->path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

static void write_file(struct fixture *fixture, const char *name, const char *text)
{
	write_bytes(fixture, name, text, strlen(text));
}

static int read_it(struct fixture *fixture, const char *name_space)
{
	fixture->why[0] = '\0';
	return sonic_databases_read(&fixture->databases, fixture->path, name_space, fixture->why);
}

static void assert_database(const struct fixture *fixture, enum sonic_database_name name,
			    const char *address, uint32_t id, char separator)
{
	const struct sonic_database *database = &fixture->databases.databases[name];

	assert_string_equal(database->address, address);
	assert_int_equal(database->id, id);
	assert_int_equal(database->separator, separator);
}

/* Refused with `path: what`, and nothing has changed. */
static void assert_refused(struct fixture *fixture, const char *name_space, const char *what)
{
	struct sonic_databases untouched;

	memset(&fixture->databases, 0x5a, sizeof(fixture->databases));
	untouched = fixture->databases;
	if (!read_it(fixture, name_space))
		fail_msg("it was not refused for: %s", what);
	if (strncmp(fixture->why, fixture->folder, strlen(fixture->folder)) ||
	    !strstr(fixture->why, what))
		fail_msg("the error is '%s', and not '%s'", fixture->why, what);
	assert_memory_equal(&fixture->databases, &untouched, sizeof(untouched));
}

static void assert_text_refused(void **state, const char *text, const char *what)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_config.json", text);
	assert_refused(fixture, "", what);
	assert_memory_equal(fixture->why, fixture->path, strlen(fixture->path));
}

static void the_unix_socket_comes_first(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_config.json", GOOD);
	assert_int_equal(read_it(fixture, ""), 0);
	assert_database(fixture, SONIC_APPL_DB, "unix:///run/redis/redis.sock?db=0", 0, ':');
	assert_database(fixture, SONIC_CONFIG_DB, "unix:///run/redis/redis.sock?db=4", 4, '|');
	assert_database(fixture, SONIC_STATE_DB, "unix:///run/redis/redis.sock?db=6", 6, '|');
}

static void without_a_unix_socket_it_is_tcp(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_config.json",
		   WITH_INSTANCE("{ \"hostname\": \"10.0.0.1\", \"port\": 6380 }"));
	assert_int_equal(read_it(fixture, ""), 0);
	assert_database(fixture, SONIC_CONFIG_DB, "tcp://10.0.0.1:6380/4", 4, '|');
	write_file(fixture, "database_config.json",
		   WITH_INSTANCE("{ \"hostname\": \"fd00::1\", \"port\": 6380, "
				 "\"unix_socket_path\": \"\" }"));
	assert_int_equal(read_it(fixture, ""), 0);
	assert_database(fixture, SONIC_APPL_DB, "tcp://[fd00::1]:6380/0", 0, ':');
}

static void databases_may_have_instances_of_their_own(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_config.json",
		   "{ \"INSTANCES\": { \"redis\": { \"unix_socket_path\": \"/a/b\" }, "
		   "\"redis2\": { \"unix_socket_path\": \"/a/c\" } }, \"DATABASES\": { "
		   DATABASE("APPL_DB", "0", ":") ", " DATABASE("CONFIG_DB", "4", "|") ", "
		   "\"STATE_DB\": { \"id\": 9, \"separator\": \"+\", \"instance\": \"redis2\" } } }");
	assert_int_equal(read_it(fixture, ""), 0);
	assert_database(fixture, SONIC_APPL_DB, "unix:///a/b?db=0", 0, ':');
	assert_database(fixture, SONIC_STATE_DB, "unix:///a/c?db=9", 9, '+');
}

static const char global[] =
	"{ \"INCLUDES\": [ { \"include\": \"host/database_config.json\" }, "
	"{ \"container_name\": \"dpu0\", \"include\": \"/nonexistent/dpu\" }, "
	"{ \"namespace\": \"asic0\", \"include\": \"../%s/asic0.json\" }, "
	"{ \"namespace\": \"asic1\", \"include\": \"%s/asic1.json\" }, "
	"{ \"namespace\": \"asic2\", \"include\": \"gone.json\" }, "
	"{ \"namespace\": \"asic3\", \"include\": \"broken.json\" }, "
	"{ \"namespace\": \"asic4\", \"include\": \"a\" }, "
	"{ \"namespace\": \"asic4\", \"include\": \"b\" }, "
	"{ \"namespace\": \"asic5\", \"include\": 5 }, { \"namespace\": 6 }, 7 ] }";

static void write_global(struct fixture *fixture)
{
	char text[1024], folder[160];

	snprintf(folder, sizeof(folder), "%s/host", fixture->folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	write_file(fixture, "host/database_config.json", GOOD);
	write_file(fixture, "asic0.json", WITH_INSTANCE("{ \"unix_socket_path\": \"/asic0\" }"));
	write_file(fixture, "asic1.json", WITH_INSTANCE("{ \"unix_socket_path\": \"/asic1\" }"));
	write_file(fixture, "broken.json", "{");
	snprintf(text, sizeof(text), global, strrchr(fixture->folder, '/') + 1, fixture->folder);
	write_file(fixture, "database_global.json", text);
}

static void each_namespace_has_its_file_relative_to_the_global_one(void **state)
{
	struct fixture *fixture = *state;

	write_global(fixture);
	assert_int_equal(read_it(fixture, "asic0"), 0);
	assert_database(fixture, SONIC_APPL_DB, "unix:///asic0?db=0", 0, ':');
	assert_int_equal(read_it(fixture, "asic1"), 0);
	assert_database(fixture, SONIC_APPL_DB, "unix:///asic1?db=0", 0, ':');
	assert_int_equal(read_it(fixture, ""), 0);
	assert_database(fixture, SONIC_APPL_DB, "unix:///run/redis/redis.sock?db=0", 0, ':');
}

static void a_mistake_in_a_global_file_is_told(void **state)
{
	struct fixture *fixture = *state;

	write_global(fixture);
	assert_refused(fixture, "asic9", "no namespace 'asic9' among its INCLUDES");
	assert_refused(fixture, "asic2", "gone.json: cannot read: No such file or directory");
	assert_refused(fixture, "asic3", "broken.json: this is no JSON: it ends too early");
	assert_refused(fixture, "asic4", "INCLUDES has the namespace 'asic4' twice");
	assert_refused(fixture, "asic5", "include of the namespace 'asic5' is no path");
	write_file(fixture, "database_global.json", "{ \"INCLUDES\": {} }");
	assert_refused(fixture, "", "no namespace '' among its INCLUDES");
}

static void a_namespace_needs_the_global_file(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_config.json", GOOD);
	assert_refused(fixture, "asic0", "it has no INCLUDES, so no namespace 'asic0'");
}

/* One global file that includes itself must not be followed for ever. */
static void a_file_that_includes_itself_is_refused(void **state)
{
	struct fixture *fixture = *state;

	write_file(fixture, "database_global.json",
		   "{ \"INCLUDES\": [ { \"include\": \"database_global.json\" } ] }");
	assert_refused(fixture, "", "it has no DATABASES");
}

static void what_is_no_json_is_refused(void **state)
{
	assert_text_refused(state, "", "this is no JSON: it ends too early");
	assert_text_refused(state, "{ \"INSTANCES\": ", "this is no JSON: it ends too early");
	assert_text_refused(state, "INSTANCES", "this is no JSON: ");
	assert_text_refused(state, GOOD " x", "this is no JSON: ");
	assert_text_refused(state, "{ \"a\": \"\xff\" }", "this is no JSON: ");
	assert_text_refused(state, "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]",
			    "this is no JSON: ");
	assert_text_refused(state, "[]", "a JSON object was expected");
	assert_text_refused(state, "\"text\"", "a JSON object was expected");
}

static void a_document_without_its_parts_is_refused(void **state)
{
	assert_text_refused(state, "{}", "it has no DATABASES");
	assert_text_refused(state, "{ " DATABASES " }", "it has no INSTANCES");
	assert_text_refused(state, "{ \"INSTANCES\": [], " DATABASES " }", "it has no INSTANCES");
	assert_text_refused(state, "{ " INSTANCE ", \"DATABASES\": {} }",
			    "DATABASES has no APPL_DB");
	assert_text_refused(state, "{ \"INSTANCES\": { \"other\": {} }, " DATABASES " }",
			    "INSTANCES has no redis, which APPL_DB names");
}

static void a_database_that_cannot_be_used_is_refused(void **state)
{
	assert_text_refused(state, WITH_APPL_DB("7"), "DATABASES has no APPL_DB");
	assert_text_refused(state, WITH_APPL_DB("{}"), "APPL_DB: id is no number");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": -1 }"), "APPL_DB: id is no number");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": \"0\" }"), "APPL_DB: id is no number");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 65536 }"), "APPL_DB: id is no number");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 99999999999999999999 }"),
			    "APPL_DB: id is no number");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 0 }"), "separator is no single");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 0, \"separator\": \"\" }"),
			    "separator is no single");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 0, \"separator\": \"::\" }"),
			    "separator is no single");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 0, \"separator\": \"*\" }"),
			    "separator is no single");
	assert_text_refused(state, WITH_APPL_DB("{ \"id\": 0, \"separator\": \":\" }"),
			    "APPL_DB: instance is no text");
}

static void an_instance_that_cannot_be_reached_is_refused(void **state)
{
	assert_text_refused(state, WITH_INSTANCE("{}"), "neither unix_socket_path nor hostname");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a\" }"), "neither");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a\", \"port\": 0 }"), "neither");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a\", \"port\": 65536 }"),
			    "neither");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a b\", \"port\": 1 }"),
			    "allowed are a host name");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a,b\", \"port\": 1 }"),
			    "not the address of one host");
	assert_text_refused(state, WITH_INSTANCE("{ \"hostname\": \"a:1\", \"port\": 1 }"),
			    "allowed are a host name");
	assert_text_refused(state, WITH_INSTANCE("{ \"unix_socket_path\": 1 }"), "is no text");
	assert_text_refused(state, WITH_INSTANCE("{ \"unix_socket_path\": \"/a\\u0000b\" }"),
			    "is no text");
	assert_text_refused(state, WITH_INSTANCE("{ \"unix_socket_path\": \"relative\" }"),
			    "allowed is an absolute path");
	assert_text_refused(state, WITH_INSTANCE("{ \"unix_socket_path\": \"/a?db=3\" }"), "?db=N");
	assert_text_refused(state, WITH_INSTANCE("{ \"unix_socket_path\": \"/a\\n\" }"),
			    "control characters");
}

static void what_is_no_file_is_refused(void **state)
{
	struct fixture *fixture = *state;

	snprintf(fixture->path, sizeof(fixture->path), "%s/missing", fixture->folder);
	assert_refused(fixture, "", "missing: cannot read: No such file or directory");
	snprintf(fixture->path, sizeof(fixture->path), "%s/fifo", fixture->folder);
	assert_int_equal(mkfifo(fixture->path, 0600), 0);
	assert_refused(fixture, "", "fifo: cannot read: it is no regular file");
	snprintf(fixture->path, sizeof(fixture->path), "%s", fixture->folder);
	assert_refused(fixture, "", "it is no regular file");
}

static void a_huge_file_is_refused(void **state)
{
	struct fixture *fixture = *state;
	size_t size = 2 << 20;
	char *blanks = malloc(size);

	assert_non_null(blanks);
	memset(blanks, ' ', size);
	write_bytes(fixture, "database_config.json", blanks, size);
	free(blanks);
	assert_refused(fixture, "", "allowed are less than");
}

#define databases_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		databases_test(the_unix_socket_comes_first),
		databases_test(without_a_unix_socket_it_is_tcp),
		databases_test(databases_may_have_instances_of_their_own),
		databases_test(each_namespace_has_its_file_relative_to_the_global_one),
		databases_test(a_mistake_in_a_global_file_is_told),
		databases_test(a_namespace_needs_the_global_file),
		databases_test(a_file_that_includes_itself_is_refused),
		databases_test(what_is_no_json_is_refused),
		databases_test(a_document_without_its_parts_is_refused),
		databases_test(a_database_that_cannot_be_used_is_refused),
		databases_test(an_instance_that_cannot_be_reached_is_refused),
		databases_test(what_is_no_file_is_refused),
		databases_test(a_huge_file_is_refused),
	};

	return cmocka_run_group_tests_name("sonic_databases", tests, NULL, NULL);
}
