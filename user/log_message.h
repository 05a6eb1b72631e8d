/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log lines that somebody may want to alarm on, each with a number that stays: NT103 is
 * the same event in every release, whatever its words. docs/MESSAGES.md tells of each.
 *
 * A number is never used for another event. One that is given up moves to the end of that
 * document.
 */
#ifndef NEIGHTRACK_LOG_MESSAGE_H
#define NEIGHTRACK_LOG_MESSAGE_H

/* X(name, number, level) */
#define LOG_MESSAGES(X) \
	/* life of the daemon */ \
	X(ATTACHED, 101, NOTICE) \
	X(SNAPSHOT, 102, NOTICE) \
	X(READY, 103, NOTICE) \
	X(ENDING, 104, NOTICE) \
	X(NOT_ALL_WRITTEN, 105, WARNING) \
	X(CONFIGURATION_READ, 106, NOTICE) \
	X(CONFIGURATION_REFUSED, 107, ERROR) \
	X(OPTION_FIXED, 108, WARNING) \
	X(INSTANCE_TAKEN, 109, ERROR) \
	X(NETNS_GONE, 110, ERROR) \
	X(NETNS_AWAITED, 111, NOTICE) \
	X(LINES_LOST, 112, WARNING) \
	/* the kernel's side */ \
	X(SOURCE_SKIPPED, 201, WARNING) \
	X(SOURCE_FAILED, 202, ERROR) \
	X(NO_PINS, 203, WARNING) \
	X(MISSES_UNSEEN, 204, WARNING) \
	X(SMALL_BUFFER, 205, WARNING) \
	X(RESYNC, 206, NOTICE) \
	X(KERNEL_REPAIRED, 207, WARNING) \
	X(DUMP_FAILED, 208, WARNING) \
	X(LOOK_UP_FAILED, 209, WARNING) \
	X(LINKS_LOST, 210, WARNING) \
	X(LIMIT_REACHED, 211, WARNING) \
	/* Redis */ \
	X(REDIS_AWAY, 301, WARNING) \
	X(REDIS_BACK, 302, NOTICE) \
	X(REDIS_REFUSES, 303, WARNING) \
	X(REDIS_REPAIRED, 304, WARNING) \
	X(REDIS_IS_CLUSTER, 305, ERROR) \
	X(PASSWORD_EXPOSED, 306, WARNING) \
	X(KEYS_LEFT_OUT, 307, WARNING) \
	X(STREAM_REFUSED, 308, WARNING) \
	/* neighbours that behave oddly */ \
	X(MAC_MOVES, 401, NOTICE) \
	X(DUPLICATE_ADDRESS, 402, NOTICE) \
	X(MANY_ADDRESSES, 403, NOTICE) \
	/* metrics */ \
	X(METRICS_OPEN, 501, NOTICE) \
	X(METRICS_UNREACHABLE, 502, WARNING) \
	/* a switch */ \
	X(CONFIG_DB_UNKNOWN, 601, WARNING) \
	X(CONFIG_DB_REFUSES, 602, WARNING) \
	X(NOT_RESTORED, 603, ERROR)

#define LOG_MESSAGE_NUMBER(name, number, level) MESSAGE_##name = (number),
enum log_message {
	MESSAGE_NONE,			/* a line without a number */
	LOG_MESSAGES(LOG_MESSAGE_NUMBER)
};
#undef LOG_MESSAGE_NUMBER

#endif
