/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines: each is put together in one buffer on the stack and leaves with
 * one write(2), so that lines of several writers on one pipe never mix, and
 * logging neither allocates nor holds anything back when the process dies.
 *
 * Names and addresses in messages come from the network: whatever is not
 * printable UTF-8 is replaced or escaped, so that nobody can forge a line.
 */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LOG_LINE_BYTES 2048
#define LOG_TAIL_BYTES 72		/* room kept for what stands behind the message */
#define LOG_ID_BYTES sizeof(" [NT999]")
#define LOG_CUT "..."
#define SYSLOG_FACILITY_USER (1 << 3)	/* LOG_USER of <syslog.h>, whose names clash */

_Static_assert(LOG_LINE_BYTES <= PIPE_BUF, "a ready pipe takes a line without waiting");

static const struct {
	const char *name;
	const char *text_prefix;
	int priority;			/* syslog(3), which journald reads from <N> */
} log_levels[] = {
	[LOG_LEVEL_ERROR] = { "error", "error: ", 3 },
	[LOG_LEVEL_WARNING] = { "warning", "warning: ", 4 },
	[LOG_LEVEL_NOTICE] = { "notice", "", 5 },
	[LOG_LEVEL_INFO] = { "info", "", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", "debug: ", 7 },
};

static struct {
	const char *program;
	enum log_format format;
	bool to_journal;
	struct log_subject own;		/* of the process as a whole */
	struct log_subject *subject;	/* NULL: that */
	const char *syslog_path;
	const char *journal_path;
	int datagram_fd;		/* for either */
	uint32_t lost_lines;		/* that found no room */
} log_context = {
	.program = "neightrack",
	.own = { .name = "", .level = LOG_LEVEL_NOTICE },
	.journal_path = "/run/systemd/journal/socket",
	.datagram_fd = -1,
};

struct log_buffer {
	char bytes[LOG_LINE_BYTES];
	size_t used;
};

#define LOG_MESSAGE_LEVEL(name, number, level) \
	case MESSAGE_##name: \
		return LOG_LEVEL_##level;
static enum log_level level_of(enum log_message message)
{
	switch (message) {
	LOG_MESSAGES(LOG_MESSAGE_LEVEL)
	case MESSAGE_NONE:
		break;
	}
	return LOG_LEVEL_NOTICE;
}
#undef LOG_MESSAGE_LEVEL

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char expected[64];
	struct stat status;

	/* the variable is inherited by children whose stderr went elsewhere */
	if (!stream || fstat(STDERR_FILENO, &status) < 0)
		return false;
	snprintf(expected, sizeof(expected), "%ju:%ju", (uintmax_t)status.st_dev,
		 (uintmax_t)status.st_ino);
	return strcmp(stream, expected) == 0;
}

void log_setup(const char *program, enum log_level level, enum log_format format)
{
	log_context.program = program;
	log_context.own.level = level;
	log_context.format = format;
	log_context.to_journal = format != LOG_FORMAT_SYSLOG && stderr_is_journal();
}

void log_set_syslog(const char *path)
{
	log_context.syslog_path = path;
}

void log_set_journal(const char *path)
{
	log_context.journal_path = path;
}

static struct log_subject *subject(void)
{
	return log_context.subject ? log_context.subject : &log_context.own;
}

void log_set_output(enum log_output output)
{
	subject()->output = output;
}

void log_set_level(enum log_level level)
{
	subject()->level = level;
}

void log_subject_init(struct log_subject *made, const char *name)
{
	*made = log_context.own;
	made->name = name;
}

void log_tell_of(struct log_subject *told)
{
	log_context.subject = told;
}

struct log_subject *log_subject(void)
{
	return log_context.subject;
}

/*
 * Length of the valid UTF-8 sequence at text, 0 if there is none. *code is its
 * character, or the byte itself. Reads no further than the first wrong byte.
 */
static size_t utf8_decode(const unsigned char *text, uint32_t *code)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length;

	*code = text[0];
	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf)
		length = 2;
	else if (text[0] >= 0xe0 && text[0] <= 0xef)
		length = 3;
	else if (text[0] >= 0xf0 && text[0] <= 0xf4)
		length = 4;
	else
		return 0;

	*code &= 0x7fu >> length;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (text[i] & 0x3fu);
	}
	if (*code < lowest[length] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return length;
}

/* Writes one character as it may stand in the line; returns its length in out. */
static size_t encode(const unsigned char *text, size_t length, uint32_t code, char out[8])
{
	bool json = log_context.format == LOG_FORMAT_JSON;
	bool control = code < 0x20 || (code >= 0x7f && code <= 0x9f);

	if (length == 0 || control) {
		if (json)
			return (size_t)snprintf(out, 8, "\\u%04x",
						length ? (unsigned int)code & 0xff : 0xfffdu);
		out[0] = '?';
		return 1;
	}
	if (json && (code == '"' || code == '\\')) {
		out[0] = '\\';
		out[1] = (char)code;
		return 2;
	}
	memcpy(out, text, length);
	return length;
}

/* Appends text, encoded; false if it had to be cut to stay below limit. */
static bool put_encoded(struct log_buffer *line, const char *text, size_t limit)
{
	const unsigned char *at = (const unsigned char *)text;
	char out[8];
	uint32_t code;

	while (*at) {
		size_t length = utf8_decode(at, &code);
		size_t encoded = encode(at, length, code, out);

		if (line->used + encoded > limit)
			return false;
		memcpy(line->bytes + line->used, out, encoded);
		line->used += encoded;
		at += length ? length : 1;
	}
	return true;
}

/* Appends what needs no encoding. */
static void put(struct log_buffer *line, const char *text)
{
	size_t bytes = strlen(text);

	if (bytes > sizeof(line->bytes) - line->used)
		bytes = sizeof(line->bytes) - line->used;
	memcpy(line->bytes + line->used, text, bytes);
	line->used += bytes;
}

static void put_time(struct log_buffer *line)
{
	struct timespec now = { 0 };
	struct tm utc = { 0 };
	char text[32];
	size_t bytes;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	bytes = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + bytes, sizeof(text) - bytes, ".%03dZ", (int)(now.tv_nsec / 1000000));
	put(line, text);
}

/* As syslog(3) of a program without openlog() has it, and the ":- " before the function
 * that SONiC's logger puts there: its collectors and test suites look for it. */
static void put_syslog_head(struct log_buffer *line, enum log_level level)
{
	struct timespec now = { 0 };
	struct tm local = { 0 };
	char text[80], date[32];

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(date, sizeof(date), "%b %e %H:%M:%S", &local);
	snprintf(text, sizeof(text), "<%d>%s ", SYSLOG_FACILITY_USER | log_levels[level].priority,
		 date);
	if (subject()->output == LOG_OUTPUT_SYSLOG)
		put(line, text);
	put_encoded(line, log_context.program, LOG_LINE_BYTES / 4);
	snprintf(text, sizeof(text), "[%d]: :- neightrack: ", (int)getpid());
	put(line, text);
}

/* Of several, which one the message is about. */
static void put_subject(struct log_buffer *line)
{
	const char *name = subject()->name;
	bool json = log_context.format == LOG_FORMAT_JSON;

	if (!name[0])
		return;
	if (json)
		put(line, "\"mirror\":\"");
	put_encoded(line, name, LOG_LINE_BYTES / 2);
	put(line, json ? "\"," : ": ");
}

/* By the journal's own protocol, a line a field; the message is the last. */
static void put_journal_head(struct log_buffer *line, enum log_level level,
			     enum log_message message)
{
	char text[128];

	snprintf(text, sizeof(text), "PRIORITY=%d\nSYSLOG_IDENTIFIER=", log_levels[level].priority);
	put(line, text);
	put_encoded(line, log_context.program, LOG_LINE_BYTES / 4);
	if (message) {
		snprintf(text, sizeof(text), "\nNEIGHTRACK_MESSAGE=NT%03d\nMESSAGE_ID="
			 "1e89719d0fc24aef8a254ca875db%04d", message, message);
		put(line, text);
	}
	if (subject()->name[0]) {
		put(line, "\nNEIGHTRACK_MIRROR=");
		put_encoded(line, subject()->name, LOG_LINE_BYTES / 4);
	}
	put(line, "\nMESSAGE=");
	put_subject(line);
}

/* Lines of JSON have their fields already. */
static bool has_journal_fields(void)
{
	return log_context.to_journal && log_context.format == LOG_FORMAT_TEXT &&
	       log_context.journal_path;
}

/* What stands before the message. */
static void put_head(struct log_buffer *line, enum log_level level, enum log_message message)
{
	size_t limit = LOG_LINE_BYTES / 4;
	char text[32];

	if (log_context.to_journal) {
		snprintf(text, sizeof(text), "<%d>", log_levels[level].priority);
		put(line, text);
	}
	if (log_context.format == LOG_FORMAT_JSON) {
		put(line, "{\"time\":\"");
		put_time(line);
		put(line, "\",\"level\":\"");
		put(line, log_levels[level].name);
		put(line, "\",\"program\":\"");
		put_encoded(line, log_context.program, limit);
		if (message) {
			snprintf(text, sizeof(text), "\",\"id\":\"NT%03d", message);
			put(line, text);
		}
		put(line, "\",");
		put_subject(line);
		put(line, "\"message\":\"");
		return;
	}
	if (log_context.format == LOG_FORMAT_SYSLOG) {
		put_syslog_head(line, level);
		put_subject(line);
		return;
	}
	put_encoded(line, log_context.program, limit);
	put(line, ": ");
	/* the journal has the priority apart */
	if (!log_context.to_journal)
		put(line, log_levels[level].text_prefix);
	put_subject(line);
}

/* What stands behind it. In SONiC's syslog each word is as its programs write it. */
static void put_tail(struct log_buffer *line, enum log_message message)
{
	char text[LOG_ID_BYTES];

	if (message && log_context.format == LOG_FORMAT_TEXT) {
		snprintf(text, sizeof(text), " [NT%03d]", message % 1000);
		put(line, text);
	}
	put(line, log_context.format == LOG_FORMAT_JSON ? "\"}\n" : "\n");
}

static bool sends_to_syslog(void)
{
	return log_context.format == LOG_FORMAT_SYSLOG &&
	       subject()->output == LOG_OUTPUT_SYSLOG && log_context.syslog_path;
}

/* The address goes with each line, as whoever listens there may be started anew. */
static int send_datagram(const char *path, const char *bytes, size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (log_context.datagram_fd < 0)
		log_context.datagram_fd = socket(AF_UNIX,
						 SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (log_context.datagram_fd < 0 ||
	    sendto(log_context.datagram_fd, bytes, count, MSG_NOSIGNAL,
		   (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/*
 * Never waits: whoever should read the log may stand still, and the mirror must
 * not. A pipe that is ready takes PIPE_BUF bytes without waiting (pipe(7)).
 */
static bool write_unless_full(const struct log_buffer *line)
{
	bool to_stdout = log_context.format == LOG_FORMAT_SYSLOG &&
			 subject()->output == LOG_OUTPUT_STDOUT;
	struct pollfd out = { .fd = to_stdout ? STDOUT_FILENO : STDERR_FILENO,
			      .events = POLLOUT };
	ssize_t written;

	if (sends_to_syslog()) {
		int error = send_datagram(log_context.syslog_path, line->bytes,
					  line->used - 1);	/* without the newline */

		/* one that is too busy is no reason to write elsewhere */
		if (!error || error == -EAGAIN)
			return !error;
	}
	if (poll(&out, 1, 0) == 0)
		return false;
	/* there is nobody left to tell of a failure */
	written = write(out.fd, line->bytes, line->used);
	(void)written;
	return true;
}

static void write_out(const struct log_buffer *line)
{
	struct log_buffer report = { .used = 0 };
	char text[80];

	if (log_context.lost_lines) {
		snprintf(text, sizeof(text), "%" PRIu32 " lines are missing here: nobody took them",
			 log_context.lost_lines);
		put_head(&report, LOG_LEVEL_WARNING, MESSAGE_LINES_LOST);
		put(&report, text);
		put_tail(&report, MESSAGE_LINES_LOST);
		if (write_unless_full(&report))
			log_context.lost_lines = 0;
	}
	if (!write_unless_full(line))
		log_context.lost_lines++;
}

static void put_text(struct log_buffer *line, const char *text, bool is_whole, const char *note,
		     enum log_message message)
{
	if (!put_encoded(line, text, sizeof(line->bytes) - LOG_TAIL_BYTES) || !is_whole)
		put(line, LOG_CUT);
	put(line, note);
	put_tail(line, message);
}

/* note: plain ASCII that is never cut off, whatever the text. */
static void __attribute__((format(printf, 4, 0)))
write_line(enum log_level level, enum log_message message, const char *note, const char *format,
	   va_list arguments)
{
	struct log_buffer line = { .used = 0 };
	char text[LOG_LINE_BYTES];
	int saved_errno = errno;
	bool is_sent = false;
	int length;

	length = vsnprintf(text, sizeof(text), format, arguments);
	if (length < 0)
		snprintf(text, sizeof(text), "cannot format the message: %s", format);
	if (has_journal_fields()) {
		put_journal_head(&line, level, message);
		put_text(&line, text, length < (int)sizeof(text), note, message);
		is_sent = !send_datagram(log_context.journal_path, line.bytes, line.used);
		line.used = 0;
	}
	/* a journal that is too busy, or not there, may take it as it takes any output */
	if (!is_sent) {
		put_head(&line, level, message);
		put_text(&line, text, length < (int)sizeof(text), note, message);
		write_out(&line);
	}
	errno = saved_errno;
}

void log_line(enum log_level level, const char *format, ...)
{
	va_list arguments;

	if (level > subject()->level)
		return;
	va_start(arguments, format);
	write_line(level, MESSAGE_NONE, "", format, arguments);
	va_end(arguments);
}

void log_message(enum log_message message, const char *format, ...)
{
	enum log_level level = level_of(message);
	va_list arguments;

	if (level > subject()->level)
		return;
	va_start(arguments, format);
	write_line(level, message, "", format, arguments);
	va_end(arguments);
}

/* Whether one more line may pass now; counts it either way. */
static bool limit_passes(struct log_limit *limit)
{
	struct timespec now = { 0 };
	uint64_t now_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	if (now_ms - limit->interval_started_ms >= limit->interval_ms) {
		limit->interval_started_ms = now_ms;
		limit->passed = 0;
	}
	if (limit->passed >= limit->burst) {
		if (limit->held_back < UINT32_MAX)
			limit->held_back++;
		return false;
	}
	limit->passed++;
	return true;
}

static void __attribute__((format(printf, 4, 0)))
write_limited(struct log_limit *limit, enum log_level level, enum log_message message,
	      const char *format, va_list arguments)
{
	char note[LOG_TAIL_BYTES - sizeof(LOG_CUT) - LOG_ID_BYTES - sizeof("\"}\n")] = "";

	if (level > subject()->level || !limit_passes(limit))
		return;
	if (limit->held_back > 0)
		snprintf(note, sizeof(note), " (%" PRIu32 " lines like this held back)",
			 limit->held_back);
	limit->held_back = 0;
	write_line(level, message, note, format, arguments);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_limited(limit, level, MESSAGE_NONE, format, arguments);
	va_end(arguments);
}

void log_message_limited(struct log_limit *limit, enum log_message message, const char *format,
			 ...)
{
	va_list arguments;

	va_start(arguments, format);
	write_limited(limit, level_of(message), message, format, arguments);
	va_end(arguments);
}
