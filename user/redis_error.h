/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of errors that Redis answers with: the first word of each. */
#ifndef NEIGHTRACK_REDIS_ERROR_H
#define NEIGHTRACK_REDIS_ERROR_H

enum redis_error {
	REDIS_ERROR_ERR,
	REDIS_ERROR_WRONGTYPE,
	REDIS_ERROR_OOM,
	REDIS_ERROR_MISCONF,
	REDIS_ERROR_READONLY,
	REDIS_ERROR_LOADING,
	REDIS_ERROR_BUSY,
	REDIS_ERROR_NOAUTH,
	REDIS_ERROR_WRONGPASS,
	REDIS_ERROR_NOPERM,
	REDIS_ERROR_EXECABORT,
	REDIS_ERROR_MOVED,
	REDIS_ERROR_ASK,
	REDIS_ERROR_TRYAGAIN,
	REDIS_ERROR_CLUSTERDOWN,
	REDIS_ERROR_MASTERDOWN,
	REDIS_ERROR_OTHER,
	REDIS_ERRORS,
};

/* Of the text of an error, without the '-' before it. */
enum redis_error redis_error_of(const char *text);

/* In lower case, for metrics. */
const char *redis_error_name(enum redis_error error);

#endif
