/* SPDX-License-Identifier: GPL-2.0-or-later */
/* functions, as it defines macros of common words otherwise */
#define NCURSES_NOMACROS
#include "top_screen.h"

#include <errno.h>
#include <ncurses.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

#define BAD_PAIR 1	/* of colours */

struct top_screen {
	SCREEN *terminal;
	int signals;
	sigset_t former_mask;
	size_t first_row;	/* that is shown */
	size_t rows;		/* of the last drawing */
	bool has_colours;
};

static const struct {
	int key;
	enum top_order order;
} order_keys[] = {
	{ 'c', TOP_BY_CHANGES }, { 'm', TOP_BY_MOVES }, { 'l', TOP_BY_LAST },
	{ 'a', TOP_BY_ADDRESS },
};

/* The terminal must be given back whatever ends this. */
static int catch_signals(struct top_screen *screen)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, &screen->former_mask))
		return -errno;
	screen->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return screen->signals < 0 ? -errno : 0;
}

static int take_terminal(struct top_screen *screen, bool with_colours)
{
	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
		log_error("top needs a terminal; -b prints lines instead");
		return -ENOTTY;
	}
	screen->terminal = newterm(NULL, stdout, stdin);
	if (!screen->terminal) {
		log_error("top cannot use this terminal, TERM=%s; -b prints lines instead",
			  getenv("TERM") ? getenv("TERM") : "");
		return -ENOTTY;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	if (with_colours && has_colors() && start_color() == OK) {
		use_default_colors();
		screen->has_colours = init_pair(BAD_PAIR, COLOR_RED, -1) == OK;
	}
	return 0;
}

int top_screen_new(struct top_screen **result, bool with_colours)
{
	struct top_screen *screen = calloc(1, sizeof(*screen));
	int error;

	if (!screen)
		return -ENOMEM;
	screen->signals = -1;
	sigprocmask(SIG_BLOCK, NULL, &screen->former_mask);
	error = catch_signals(screen);
	if (!error)
		error = take_terminal(screen, with_colours);
	if (error) {
		top_screen_free(screen);
		return error;
	}
	*result = screen;
	return 0;
}

void top_screen_free(struct top_screen *screen)
{
	if (!screen)
		return;
	if (screen->terminal) {
		endwin();
		delscreen(screen->terminal);
	}
	if (screen->signals >= 0)
		close(screen->signals);
	sigprocmask(SIG_SETMASK, &screen->former_mask, NULL);
	free(screen);
}

static void draw_line(const struct top_screen *screen, int y, const struct top_line *line,
		      attr_t attributes)
{
	if (line->is_bad)
		attributes |= A_BOLD;
	attr_set(attributes, line->is_bad && screen->has_colours ? BAD_PAIR : 0, NULL);
	/* no further than the edge: the cursor would go on below it */
	mvaddnstr(y, 0, line->text, COLS);
	if (attributes & A_REVERSE)
		for (int x = (int)strlen(line->text); x < COLS; x++)
			addch(' ');
	attr_set(A_NORMAL, 0, NULL);
}

void top_screen_draw(struct top_screen *screen, const struct top_view *view)
{
	struct top_line head[TOP_HEAD_LINES], line;
	int y = 0;

	screen->rows = view->count;
	if (screen->first_row >= view->count)
		screen->first_row = view->count ? view->count - 1 : 0;
	erase();
	top_head(view, head);
	for (; y < TOP_HEAD_LINES && y < LINES; y++)
		draw_line(screen, y, &head[y], y ? A_NORMAL : A_BOLD);
	if (y < LINES) {
		top_titles(view, &line);
		draw_line(screen, y++, &line, A_REVERSE);
	}
	for (size_t i = screen->first_row; i < view->count && y < LINES; i++) {
		top_row_line(view, &view->rows[i], &line);
		draw_line(screen, y++, &line, A_NORMAL);
	}
	refresh();
}

static void move_rows(struct top_screen *screen, long rows)
{
	if (rows < 0 && screen->first_row < (size_t)-rows)
		screen->first_row = 0;
	else
		screen->first_row += (size_t)rows;
	if (screen->first_row >= screen->rows)
		screen->first_row = screen->rows ? screen->rows - 1 : 0;
}

static enum top_key take_key(struct top_screen *screen, int key, enum top_order *order)
{
	long page = LINES > TOP_HEAD_LINES + 2 ? LINES - TOP_HEAD_LINES - 1 : 1;

	for (size_t i = 0; i < sizeof(order_keys) / sizeof(order_keys[0]); i++) {
		if (order_keys[i].key != key)
			continue;
		*order = order_keys[i].order;
		screen->first_row = 0;
		return TOP_KEY_ORDER;
	}
	switch (key) {
	case 'q':
		return TOP_KEY_QUIT;
	case ' ':
		return TOP_KEY_LOOK;
	case KEY_DOWN:
	case KEY_UP:
		move_rows(screen, key == KEY_DOWN ? 1 : -1);
		return TOP_KEY_DRAW;
	case KEY_NPAGE:
	case KEY_PPAGE:
		move_rows(screen, key == KEY_NPAGE ? page : -page);
		return TOP_KEY_DRAW;
	case KEY_RESIZE:
		return TOP_KEY_DRAW;
	default:
		return TOP_KEY_NONE;
	}
}

enum top_key top_screen_wait(struct top_screen *screen, uint64_t until_ns,
			     enum top_order *order)
{
	while (true) {
		struct pollfd waiting[] = { { .fd = STDIN_FILENO, .events = POLLIN },
					    { .fd = screen->signals, .events = POLLIN } };
		uint64_t now_ns = clock_now_ns();
		int key = getch(), wait_ms;
		enum top_key result;

		if (key != ERR) {
			result = take_key(screen, key, order);
			if (result != TOP_KEY_NONE)
				return result;
			continue;
		}
		if (now_ns >= until_ns)
			return TOP_KEY_NONE;
		wait_ms = (int)((until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
		/* SIGWINCH, which ncurses handles, interrupts it: getch() tells */
		if (poll(waiting, 2, wait_ms) < 0 && errno != EINTR)
			return TOP_KEY_QUIT;
		if (waiting[1].revents) {
			struct signalfd_siginfo info;

			/* taken, or it would be delivered once signals are let in again */
			while (read(screen->signals, &info, sizeof(info)) > 0)
				;
			return TOP_KEY_QUIT;
		}
		if (waiting[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return TOP_KEY_QUIT;
	}
}
