/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which neighbours a sub-command is asked for: -4, -6, dev NAME, an address or a prefix. */
#ifndef NEIGHTRACK_SELECTION_H
#define NEIGHTRACK_SELECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "command.h"

struct selection {
	const char *device;	/* NULL: all */
	bool ipv4;
	bool ipv6;
	uint8_t family;		/* of addr; 0: all addresses */
	uint8_t addr[16];
	unsigned int bits;	/* of addr that count */
};

/*
 * Reads the words behind a sub-command. word: one that may stand among them, NULL: none,
 * and *has_word whether it does. Says on stderr what is wrong. 0 or -EINVAL.
 */
int selection_read(struct selection *selection, const struct command_arguments *arguments,
		   const char *command, const char *word, bool *has_word);

/* Whether one address is asked for. */
bool selection_is_address(const struct selection *selection);

bool selection_has(const struct selection *selection, const char *interface, uint8_t family,
		   const uint8_t *addr);

#endif
