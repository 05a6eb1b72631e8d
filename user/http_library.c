/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "http_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "log.h"

/* The interface that the header tells of. GnuTLS is found by way of it, too. */
#define LIBRARY "libmicrohttpd.so.12"

static int find(void *handle, const char *name, void *function)
{
	void *address = dlsym(handle, name);

	/* ISO C has no conversion from an object's pointer to a function's; POSIX has this */
	memcpy(function, &address, sizeof(address));
	return address ? 0 : -ELIBACC;
}

int http_library_load(struct http_library *library)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	int error = handle ? 0 : -ELIBACC;

#define FIND(name) error = error ? error : find(handle, #name, &library->name);
	HTTP_LIBRARY_FUNCTIONS(FIND)
#undef FIND
	if (error)
		log_error("metrics: cannot load " LIBRARY ": %s (install libmicrohttpd, or set "
			  "metrics = off)", dlerror());
	return error;
}
