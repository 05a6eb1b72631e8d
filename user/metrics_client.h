/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's metrics, asked for by the tool over HTTP where the option metrics says
 * they are. A daemon that does not serve them, or by TLS alone, leaves them unknown, and
 * that is said.
 */
#ifndef NEIGHTRACK_METRICS_CLIENT_H
#define NEIGHTRACK_METRICS_CLIENT_H

#include <stdbool.h>

#include "options.h"

struct metrics_answer {
	char *text;		/* NULL: unknown, as `why` says */
	char why[200];
};

/* Those of the process and, of several instances, of options->mirror. Waits a second at
 * most. 0 or -errno with `why`; metrics_answer_free() is due either way. */
int metrics_fetch(struct metrics_answer *answer, const struct options *options);
void metrics_answer_free(struct metrics_answer *answer);

/* The sum of the samples of that name whose labels hold `label` (such as cause="doubt"; ""
 * for all). Returns false if there is none. */
bool metrics_value(const char *text, const char *name, const char *label, double *value);

/* The body of an answer with status 200 in the bytes of a whole HTTP response, which end with a
 * zero byte; NULL if it is something else. */
char *metrics_body(char *response);

/* Takes the samples of other mirrors out of a text. */
void metrics_keep_mirror(char *text, const char *mirror);

#endif
