/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The portable binary loads nothing: libmicrohttpd is in it. */
#include "http_library.h"

int http_library_load(struct http_library *library)
{
#define TAKE(name) library->name = name;
	HTTP_LIBRARY_FUNCTIONS(TAKE)
#undef TAKE
	return 0;
}
