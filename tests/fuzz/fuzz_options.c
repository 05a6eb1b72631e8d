/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files. A good one gives options that can be used; a bad one gives
 * one printable line, and options that can be freed. */
#include <ctype.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "options.h"
#include "pattern.h"
#include "redis_address.h"

static void check_good(const struct options *options)
{
	struct redis_address address;
	const char *why;

	EXPECT(!redis_address_parse(&address, options->redis, &why));
	EXPECT(!pattern_list_check(options->interfaces) && !pattern_list_check(options->ignore));
	EXPECT(options->batch_size >= 1 && options->batch_size <= 10000);
	EXPECT(!(options->ring_size_bytes & (options->ring_size_bytes - 1)));
	EXPECT(strlen(options->instance) <= 32 && !strchr(options->instance, '/'));
}

static void check_complaint(const char *text, size_t bytes)
{
	EXPECT(bytes > 1 && text[bytes - 1] == '\n');
	for (size_t i = 0; i + 1 < bytes; i++)
		EXPECT((unsigned char)text[i] >= ' ' && text[i] != 0x7f);
}

/* name: whose section is to be read; "" = nobody's. */
static int read_as(const char *path, const char *name, struct option_instances *instances)
{
	struct options options;
	char *text = NULL;
	size_t bytes;
	FILE *errors = open_memstream(&text, &bytes);
	int error;

	EXPECT(errors && !options_init(&options));
	snprintf(options.mirror, sizeof(options.mirror), "%s", name);
	error = options_read_file(&options, path, instances, errors);
	fclose(errors);
	if (error)
		check_complaint(text, bytes);
	else
		check_good(&options);
	options_free(&options);
	free(text);
	return error;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct option_instances instances, again;
	char path[64];
	int fd = memfd_create("options", MFD_CLOEXEC);

	EXPECT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!read_as(path, "", &instances)) {
		EXPECT(instances.count <= OPTIONS_INSTANCES);
		/* what is good for all is good for each */
		for (unsigned int i = 0; i < instances.count; i++)
			EXPECT(!read_as(path, instances.names[i], &again) &&
			       again.count == instances.count);
	}
	close(fd);
	return 0;
}
