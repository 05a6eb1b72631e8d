/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SONiC's files of databases. A good one gives addresses that can be used; a bad one
 * gives one sentence, and changes nothing. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "redis_address.h"
#include "sonic_databases.h"

static void check_good(const struct sonic_databases *databases)
{
	for (int i = 0; i < SONIC_DATABASES; i++) {
		const struct sonic_database *database = &databases->databases[i];
		struct redis_address address;
		const char *why = NULL;

		EXPECT(!redis_address_parse(&address, database->address, &why));
		EXPECT(address.database == database->id && address.host_count == 1);
		EXPECT(address.kind != REDIS_SENTINEL);
		EXPECT(database->separator > ' ');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* the first byte says whether a namespace is asked for */
	const char *name_space = size && data[0] & 1 ? "asic0" : "";
	struct sonic_databases databases, untouched;
	char path[64], why[SONIC_WHY_BYTES] = "";
	int fd = memfd_create("databases", MFD_CLOEXEC);

	EXPECT(fd >= 0 && (!size || write(fd, data + 1, size - 1) == (ssize_t)size - 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(&databases, 0x5a, sizeof(databases));
	untouched = databases;
	if (sonic_databases_read(&databases, path, name_space, why)) {
		EXPECT(!memcmp(&databases, &untouched, sizeof(databases)));
		EXPECT(strstr(why, ": ") && memchr(why, '\0', sizeof(why)));
	} else {
		EXPECT(!why[0]);
		check_good(&databases);
	}
	close(fd);
	return 0;
}
