/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 *   database_config.json                       database_global.json
 *   { "INSTANCES": { "redis": {                { "INCLUDES": [
 *       "hostname": "127.0.0.1",                   { "include": "database_config.json" },
 *       "port": 6379,                              { "namespace": "asic0",
 *       "unix_socket_path": "/..." } },              "include": "../../redis0/..." } ] }
 *     "DATABASES": { "APPL_DB": {
 *       "id": 0, "separator": ":",
 *       "instance": "redis" } } }
 *
 * What else is in them is of no concern here. Nothing of a file that has a mistake
 * is used: half a switch is worse than an error at start.
 */
#include "sonic_databases.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "redis_address.h"

#define MOST_FILE_BYTES (1 << 20)
#define MOST_DEPTH 16
#define MAX_DATABASE 65535

/* A file that is being read. */
struct document {
	const char *path;
	char *why;
	json_object *root;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct document *document, int error, const char *format, ...)
{
	va_list arguments;
	int used = snprintf(document->why, SONIC_WHY_BYTES, "%s: ", document->path);

	if (used < 0 || used >= SONIC_WHY_BYTES)
		return error;
	va_start(arguments, format);
	vsnprintf(document->why + used, SONIC_WHY_BYTES - (size_t)used, format, arguments);
	va_end(arguments);
	return error;
}

/* Returns the number of bytes, which fit, or -errno with why. */
static ssize_t read_bytes(const struct document *document, char *bytes, size_t size)
{
	/* what is no file could be waited for without end */
	int fd = open(document->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t used = 0;
	struct stat status;
	ssize_t count = 1;

	if (fd < 0 || fstat(fd, &status) < 0) {
		count = refuse(document, -errno, "cannot read: %s", strerror(errno));
	} else if (!S_ISREG(status.st_mode)) {
		count = refuse(document, -EINVAL, "cannot read: it is no regular file");
	} else {
		while (count > 0 && used < size) {
			count = read(fd, bytes + used, size - used);
			used += count > 0 ? (size_t)count : 0;
		}
		if (count < 0)
			count = refuse(document, -errno, "cannot read: %s", strerror(errno));
		else if (used == size)
			count = refuse(document, -EFBIG, "allowed are less than %zu bytes", size);
	}
	if (fd >= 0)
		close(fd);
	return count < 0 ? count : (ssize_t)used;
}

static int parse(struct document *document, const char *bytes, size_t count)
{
	struct json_tokener *tokener = json_tokener_new_ex(MOST_DEPTH);
	enum json_tokener_error error;

	if (!tokener)
		return refuse(document, -ENOMEM, "no memory");
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	document->root = json_tokener_parse_ex(tokener, bytes, (int)count);
	error = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	/* the end of a document that is no object or array may still be to come */
	if (error == json_tokener_continue)
		return refuse(document, -EINVAL, "this is no JSON: it ends too early");
	if (error != json_tokener_success)
		return refuse(document, -EINVAL, "this is no JSON: %s",
			      json_tokener_error_desc(error));
	if (!json_object_is_type(document->root, json_type_object))
		return refuse(document, -EINVAL, "a JSON object was expected");
	return 0;
}

static int open_document(struct document *document)
{
	char *bytes = malloc(MOST_FILE_BYTES);
	ssize_t count;
	int error;

	if (!bytes)
		return refuse(document, -ENOMEM, "no memory");
	count = read_bytes(document, bytes, MOST_FILE_BYTES);
	error = count < 0 ? (int)count : parse(document, bytes, (size_t)count);
	free(bytes);
	return error;
}

static void close_document(struct document *document)
{
	json_object_put(document->root);
	document->root = NULL;
}

/* A member of that type; NULL if there is none, or one of another type. */
static json_object *member(json_object *object, const char *name, enum json_type type)
{
	json_object *value = NULL;

	if (!json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

/* A text without zero bytes; NULL if there is none. */
static const char *text_of(json_object *object, const char *name)
{
	json_object *value = member(object, name, json_type_string);
	const char *text = value ? json_object_get_string(value) : NULL;

	return text && strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* A number from low to high; -1 if there is none. */
static int64_t number_of(json_object *object, const char *name, int64_t low, int64_t high)
{
	json_object *value = member(object, name, json_type_int);
	int64_t number = value ? json_object_get_int64(value) : -1;

	return number >= low && number <= high ? number : -1;
}

/* The instance's address with this database, in our own form. */
static int write_address(const struct document *document, json_object *instance,
			 const char *name, struct sonic_database *database)
{
	const char *path = text_of(instance, "unix_socket_path");
	const char *host = text_of(instance, "hostname");
	int64_t port = number_of(instance, "port", 1, UINT16_MAX);
	const char *why = NULL;
	struct redis_address address;
	int length;

	if (json_object_object_get_ex(instance, "unix_socket_path", NULL) && !path)
		return refuse(document, -EINVAL, "INSTANCES: %s: unix_socket_path is no text", name);
	if (path && path[0]) {
		length = snprintf(database->address, sizeof(database->address), "unix://%s?db=%u",
				  path, database->id);
	} else if (host && host[0] && port > 0) {
		bool is_ipv6 = strchr(host, ':');

		length = snprintf(database->address, sizeof(database->address),
				  "tcp://%s%s%s:%u/%u", is_ipv6 ? "[" : "", host,
				  is_ipv6 ? "]" : "", (unsigned int)port, database->id);
	} else {
		return refuse(document, -EINVAL, "INSTANCES: %s has neither unix_socket_path nor "
			      "hostname and port (1 to 65535)", name);
	}
	if (length < 0 || (size_t)length >= sizeof(database->address))
		return refuse(document, -EINVAL, "INSTANCES: %s: its address is too long", name);
	/* that it is one host, too, and not a list of them */
	if (redis_address_parse(&address, database->address, &why))
		return refuse(document, -EINVAL, "INSTANCES: %s: %s", name, why);
	if (address.host_count != 1 || address.database != database->id)
		return refuse(document, -EINVAL, "INSTANCES: %s: it is not the address of one host",
			      name);
	return 0;
}

static int read_database(const struct document *document, const char *name,
			 struct sonic_database *database)
{
	json_object *all = member(document->root, "DATABASES", json_type_object);
	json_object *instances = member(document->root, "INSTANCES", json_type_object);
	json_object *object = all ? member(all, name, json_type_object) : NULL;
	const char *separator, *instance_name;
	json_object *instance;
	int64_t id;

	if (!all || !instances)
		return refuse(document, -EINVAL, "it has no %s", all ? "INSTANCES" : "DATABASES");
	if (!object)
		return refuse(document, -EINVAL, "DATABASES has no %s", name);
	id = number_of(object, "id", 0, MAX_DATABASE);
	if (id < 0)
		return refuse(document, -EINVAL, "%s: id is no number from 0 to %d", name,
			      MAX_DATABASE);
	separator = text_of(object, "separator");
	/* it stands in patterns */
	if (!separator || strlen(separator) != 1 || separator[0] <= ' ' || separator[0] == 0x7f ||
	    strchr("*?[]\\", separator[0]))
		return refuse(document, -EINVAL, "%s: separator is no single character other than "
			      "* ? [ ] \\", name);
	instance_name = text_of(object, "instance");
	if (!instance_name)
		return refuse(document, -EINVAL, "%s: instance is no text", name);
	instance = member(instances, instance_name, json_type_object);
	if (!instance)
		return refuse(document, -EINVAL, "INSTANCES has no %s, which %s names",
			      instance_name, name);
	database->id = (uint32_t)id;
	database->separator = separator[0];
	return write_address(document, instance, instance_name, database);
}

static int read_databases(const struct document *document, struct sonic_databases *databases)
{
	static const char *const names[SONIC_DATABASES] = {
		[SONIC_APPL_DB] = "APPL_DB",
		[SONIC_CONFIG_DB] = "CONFIG_DB",
		[SONIC_STATE_DB] = "STATE_DB",
	};
	struct sonic_databases read = { 0 };
	int error = 0;

	for (int i = 0; i < SONIC_DATABASES && !error; i++)
		error = read_database(document, names[i], &read.databases[i]);
	if (!error)
		*databases = read;
	return error;
}

/* Containers have files of their own, which are not those of a namespace. */
static bool is_of_namespace(json_object *entry, const char *name_space)
{
	const char *name = text_of(entry, "namespace");

	if (json_object_object_get_ex(entry, "container_name", NULL))
		return false;
	return name ? !strcmp(name, name_space) :
	       !name_space[0] && !json_object_object_get_ex(entry, "namespace", NULL);
}

/* The include of the namespace, relative to the folder of the file that names it. */
static int find_include(const struct document *document, const char *name_space,
			char path[PATH_MAX])
{
	json_object *includes = member(document->root, "INCLUDES", json_type_array);
	const char *include = NULL;
	const char *slash = strrchr(document->path, '/');
	int folder_bytes = slash ? (int)(slash - document->path) + 1 : 0;
	size_t count = includes ? json_object_array_length(includes) : 0;
	int length;

	for (size_t i = 0; i < count; i++) {
		json_object *entry = json_object_array_get_idx(includes, i);

		if (!json_object_is_type(entry, json_type_object) ||
		    !is_of_namespace(entry, name_space))
			continue;
		if (include)
			return refuse(document, -EINVAL, "INCLUDES has the namespace '%s' twice",
				      name_space);
		include = text_of(entry, "include");
		if (!include || !include[0])
			return refuse(document, -EINVAL, "INCLUDES: include of the namespace '%s' "
				      "is no path", name_space);
	}
	if (!include)
		return refuse(document, -ENOENT, "it has no namespace '%s' among its INCLUDES",
			      name_space);
	length = snprintf(path, PATH_MAX, "%.*s%s", include[0] == '/' ? 0 : folder_bytes,
			  document->path, include);
	return length < 0 || length >= PATH_MAX ?
	       refuse(document, -ENAMETOOLONG, "INCLUDES: a path is too long") : 0;
}

static int read_include(const struct document *global, const char *name_space,
			struct sonic_databases *databases)
{
	char path[PATH_MAX];
	struct document document = { .path = path, .why = global->why };
	int error = find_include(global, name_space, path);

	if (!error)
		error = open_document(&document);
	if (!error)
		error = read_databases(&document, databases);
	close_document(&document);
	return error;
}

int sonic_databases_read(struct sonic_databases *databases, const char *path,
			 const char *name_space, char why[SONIC_WHY_BYTES])
{
	struct document document = { .path = path, .why = why };
	int error = open_document(&document);

	if (error)
		goto out;
	if (json_object_object_get_ex(document.root, "INCLUDES", NULL))
		error = read_include(&document, name_space, databases);
	else if (name_space[0])
		error = refuse(&document, -EINVAL, "it has no INCLUDES, so no namespace '%s': name "
			       "database_global.json instead", name_space);
	else
		error = read_databases(&document, databases);
out:
	close_document(&document);
	return error;
}
