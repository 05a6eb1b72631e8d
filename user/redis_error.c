/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "redis_error.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *word;
	const char *name;
} errors[REDIS_ERRORS] = {
	[REDIS_ERROR_ERR] = { "ERR", "err" },
	[REDIS_ERROR_WRONGTYPE] = { "WRONGTYPE", "wrongtype" },
	[REDIS_ERROR_OOM] = { "OOM", "oom" },
	[REDIS_ERROR_MISCONF] = { "MISCONF", "misconf" },
	[REDIS_ERROR_READONLY] = { "READONLY", "readonly" },
	[REDIS_ERROR_LOADING] = { "LOADING", "loading" },
	[REDIS_ERROR_BUSY] = { "BUSY", "busy" },
	[REDIS_ERROR_NOAUTH] = { "NOAUTH", "noauth" },
	[REDIS_ERROR_WRONGPASS] = { "WRONGPASS", "wrongpass" },
	[REDIS_ERROR_NOPERM] = { "NOPERM", "noperm" },
	[REDIS_ERROR_EXECABORT] = { "EXECABORT", "execabort" },
	[REDIS_ERROR_MOVED] = { "MOVED", "moved" },
	[REDIS_ERROR_ASK] = { "ASK", "ask" },
	[REDIS_ERROR_TRYAGAIN] = { "TRYAGAIN", "tryagain" },
	[REDIS_ERROR_CLUSTERDOWN] = { "CLUSTERDOWN", "clusterdown" },
	[REDIS_ERROR_MASTERDOWN] = { "MASTERDOWN", "masterdown" },
	[REDIS_ERROR_OTHER] = { "", "other" },
};

enum redis_error redis_error_of(const char *text)
{
	size_t bytes = strcspn(text, " ");

	for (unsigned int i = 0; i < REDIS_ERROR_OTHER; i++)
		if (strlen(errors[i].word) == bytes && !memcmp(errors[i].word, text, bytes))
			return (enum redis_error)i;
	return REDIS_ERROR_OTHER;
}

const char *redis_error_name(enum redis_error error)
{
	return errors[error].name;
}
