/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines to stderr: text or JSON; to systemd's journal with fields, or with its
 * <N> prefix, when stderr is the journal; and rate-limited where the network or Redis can trigger them.
 * Or as SONiC's programs write them, to syslog.
 */
#ifndef NEIGHTRACK_LOG_H
#define NEIGHTRACK_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "log_message.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_TEXT,
	LOG_FORMAT_JSON,
	LOG_FORMAT_SYSLOG,
};

/* Where lines go that have the format of syslog. */
enum log_output {
	LOG_OUTPUT_SYSLOG,	/* or stderr, while nobody listens there */
	LOG_OUTPUT_STDOUT,
	LOG_OUTPUT_STDERR,
};

/* program: the word before each line, e.g. "neightrackd"; must outlive the log. */
void log_setup(const char *program, enum log_level level, enum log_format format);
void log_set_level(enum log_level level);
/* path: the datagram socket of the system's log, /dev/log as a rule; must outlive the
 * log. Of use with LOG_FORMAT_SYSLOG alone. */
void log_set_syslog(const char *path);
void log_set_output(enum log_output output);

/* Where the journal takes lines with fields of their own, if stderr is the journal; must
 * outlive the log. */
void log_set_journal(const char *path);

/*
 * What several are told of in one log: its lines begin with its name. A subject has a
 * level and an output of its own, which log_set_level() and log_set_output() set while
 * it is the one that is told of.
 */
struct log_subject {
	const char *name;
	enum log_level level;
	enum log_output output;
};

/* As the process' own has been set so far. name must outlive the subject. */
void log_subject_init(struct log_subject *subject, const char *name);
/* NULL: of the process as a whole. */
void log_tell_of(struct log_subject *subject);
struct log_subject *log_subject(void);

/* message is one sentence without a newline; control characters in it are replaced. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same of a line that has a number, and its level. */
void log_message(enum log_message message, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/*
 * One kind of line that outsiders can cause: at most `burst` lines in
 * `interval_ms`; the next line that passes tells how many were held back.
 * Zero-initialise the last three members.
 */
struct log_limit {
	uint32_t burst;
	uint32_t interval_ms;
	uint64_t interval_started_ms;
	uint32_t passed;
	uint32_t held_back;
};

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void log_message_limited(struct log_limit *limit, enum log_message message, const char *format,
			 ...) __attribute__((format(printf, 3, 4)));

#endif
