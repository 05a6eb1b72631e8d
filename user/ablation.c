/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ablation.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const struct {
	const char *word;
	enum ablation ablation;
} words_known[] = {
	{ "filter", ABLATION_FILTER },
	{ "suppression", ABLATION_SUPPRESSION },
	{ "event_loop", ABLATION_EVENT_LOOP },
	{ "in_place", ABLATION_IN_PLACE },
	{ "interface_hash", ABLATION_INTERFACE_HASH },
	{ "preallocation", ABLATION_PREALLOCATION },
	{ "batching", ABLATION_BATCHING },
	{ "configuration_cache", ABLATION_CONFIGURATION_CACHE },
};

#define WORDS (sizeof(words_known) / sizeof(*words_known))

int ablation_parse(const char *words, uint32_t *mask)
{
	*mask = 0;
	while (*words) {
		size_t bytes = strcspn(words, ","), i = 0;

		while (i < WORDS && (strncmp(words_known[i].word, words, bytes) != 0 ||
				     words_known[i].word[bytes]))
			i++;
		if (i == WORDS)
			return -EINVAL;
		*mask |= (uint32_t)words_known[i].ablation;
		words += bytes;
		if (*words && !*++words)
			return -EINVAL;	/* a comma, and nothing behind it */
	}
	return 0;
}
