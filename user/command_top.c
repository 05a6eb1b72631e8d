/* SPDX-License-Identifier: GPL-2.0-or-later */
/* neightrack top: two looks, what happened between them, and again. */
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "output.h"
#include "top_screen.h"

struct top {
	const struct options *options;
	const struct command_arguments *arguments;
	struct selection selection;
	struct top_sample samples[2];
	struct top_sample *before, *now;
	enum top_order order;
	struct top_screen *screen;	/* NULL: lines */
	uint32_t rounds;		/* done */
};

static void look(struct top *top)
{
	struct top_sample *oldest = top->before;

	top->before = top->now;
	top->now = oldest;
	top_sample_take(top->now, top->options, &top->selection);
}

static void print_lines(const struct top *top, const struct top_view *view)
{
	const struct command_arguments *arguments = top->arguments;
	struct top_line head[TOP_HEAD_LINES], line;

	if (top->rounds)
		putchar('\n');
	top_head(view, head);
	for (int i = 0; i < TOP_HEAD_LINES; i++) {
		output_text(arguments, head[i].is_bad ? PAINT_BAD : PAINT_NONE, 0, head[i].text);
		putchar('\n');
	}
	top_titles(view, &line);
	output_text(arguments, PAINT_TITLE, 0, line.text);
	putchar('\n');
	for (size_t i = 0; i < view->count; i++) {
		top_row_line(view, &view->rows[i], &line);
		output_text(arguments, line.is_bad ? PAINT_BAD : PAINT_NONE, 0, line.text);
		putchar('\n');
	}
}

/* Returns 0 or -errno. */
static int show(struct top *top)
{
	struct top_view view = { .options = top->options, .before = top->before,
				 .now = top->now, .order = top->order,
				 .count = top->now->neighbours.count,
				 .interval_s = top->arguments->interval_s };
	struct top_row *rows = NULL;
	int error = top_rows(&rows, top->before, top->now, top->order);

	if (error)
		return error;
	view.rows = rows;
	top_measure(&view);
	if (top->screen)
		top_screen_draw(top->screen, &view);
	else if (top->arguments->json)
		output_json(top->arguments, top_to_json(&view));
	else
		print_lines(top, &view);
	if (!top->screen && fflush(stdout))
		error = -errno;
	free(rows);
	return error;
}

/* Until the next round is due. Returns 0, or 1: it ends; or -errno. */
static int wait_for_round(struct top *top)
{
	uint64_t until_ns = top->now->time_ns + top->arguments->interval_s * NS_PER_S;
	const struct timespec until = { .tv_sec = (time_t)(until_ns / NS_PER_S),
					.tv_nsec = (long)(until_ns % NS_PER_S) };
	int error = 0;

	if (!top->screen)
		return -clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	while (!error) {
		switch (top_screen_wait(top->screen, until_ns, &top->order)) {
		case TOP_KEY_QUIT:
			return 1;
		case TOP_KEY_DRAW:
		case TOP_KEY_ORDER:
			error = show(top);
			break;
		default:
			return 0;
		}
	}
	return error;
}

static int run(struct top *top)
{
	uint32_t rounds = top->arguments->rounds;
	int error = 0;

	while (!error) {
		look(top);
		error = show(top);
		top->rounds++;
		if (rounds && top->rounds >= rounds)
			break;
		if (!error)
			error = wait_for_round(top);
	}
	return error < 0 ? error : 0;
}

int command_top(const struct options *options, const struct command_arguments *arguments)
{
	struct top top = { .options = options, .arguments = arguments };
	bool has_something;
	int error = 0;

	if (selection_read(&top.selection, arguments, "top", NULL, NULL))
		return COMMAND_FAILED;
	top.before = &top.samples[0];
	top.now = &top.samples[1];
	if (!arguments->batch && !arguments->json)
		error = top_screen_new(&top.screen, arguments->colour);
	if (!error)
		error = run(&top);
	top_screen_free(top.screen);
	has_something = top.now->has_maps || top.now->has_metrics;
	top_sample_free(&top.samples[0]);
	top_sample_free(&top.samples[1]);
	if (error == -EPIPE)
		return COMMAND_OK;
	if (error && error != -ENOTTY)
		log_error("top: %s", strerror(-error));
	return error || !has_something ? COMMAND_FAILED : COMMAND_OK;
}
