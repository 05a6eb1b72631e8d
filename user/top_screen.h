/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of `neightrack top`, by ncurses. Nothing else knows of that library. */
#ifndef NEIGHTRACK_TOP_SCREEN_H
#define NEIGHTRACK_TOP_SCREEN_H

#include <signal.h>

#include "top_text.h"

struct top_screen;

/* Takes the terminal over. Says on stderr what failed. 0 or -errno. */
int top_screen_new(struct top_screen **screen, bool with_colours);
/* ... and gives it back. */
void top_screen_free(struct top_screen *screen);

void top_screen_draw(struct top_screen *screen, const struct top_view *view);

enum top_key {
	TOP_KEY_NONE,		/* the time is over */
	TOP_KEY_QUIT,		/* or a signal that ends it */
	TOP_KEY_LOOK,		/* now */
	TOP_KEY_DRAW,		/* the same anew: another size, other rows */
	TOP_KEY_ORDER,		/* ... or another *order */
};

/* Waits for a key, until the time (CLOCK_MONOTONIC). */
enum top_key top_screen_wait(struct top_screen *screen, uint64_t until_ns,
			     enum top_order *order);

#endif
