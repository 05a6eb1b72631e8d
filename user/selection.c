/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "selection.h"

#include <errno.h>
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "neigh_text.h"
#include "neightrack/record.h"

static unsigned int address_bits(uint8_t family)
{
	return family == NEIGHTRACK_FAMILY_IPV6 ? 128 : 32;
}

static int take_address(struct selection *selection, const char *text)
{
	char address[IP_TEXT_BYTES], *end;
	size_t bytes = strcspn(text, "/");
	unsigned int most;

	if (bytes >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, bytes);
	address[bytes] = '\0';
	if (ip_from_text(address, &selection->family, selection->addr))
		return -EINVAL;
	most = address_bits(selection->family);
	selection->bits = most;
	if (!text[bytes])
		return 0;
	selection->bits = (unsigned int)strtoul(text + bytes + 1, &end, 10);
	return end == text + bytes + 1 || *end || text[bytes + 1] == '-' ||
	       selection->bits > most ? -EINVAL : 0;
}

static bool begins(const char *word, const char *beginning)
{
	return word && !strncmp(word, beginning, strlen(beginning));
}

int selection_read(struct selection *selection, const struct command_arguments *arguments,
		   const char *command, const char *word, bool *has_word)
{
	*selection = (struct selection){ .ipv4 = !arguments->ipv6_only || arguments->ipv4_only,
					 .ipv6 = !arguments->ipv4_only || arguments->ipv6_only };
	for (int i = 0; i < arguments->count; i++) {
		const char *text = arguments->words[i];

		if (!selection->family && !take_address(selection, text))
			continue;
		if (begins("dev", text) && i + 1 < arguments->count) {
			selection->device = arguments->words[++i];
			continue;
		}
		if (begins(word, text)) {
			*has_word = true;
			continue;
		}
		fprintf(stderr, "neightrack %s: '%s': allowed are %s%sdev NAME, ADDRESS or "
			"ADDRESS/LENGTH\n", command, text, word ? word : "", word ? ", " : "");
		return -EINVAL;
	}
	return 0;
}

bool selection_is_address(const struct selection *selection)
{
	return selection->family && selection->bits == address_bits(selection->family);
}

static bool is_within(const struct selection *selection, const uint8_t *addr)
{
	unsigned int bytes = selection->bits / 8, bits = selection->bits % 8;

	if (memcmp(selection->addr, addr, bytes))
		return false;
	return !bits || !((selection->addr[bytes] ^ addr[bytes]) >> (8 - bits));
}

bool selection_has(const struct selection *selection, const char *interface, uint8_t family,
		   const uint8_t *addr)
{
	if (selection->device && strcmp(selection->device, interface))
		return false;
	if (!(family == NEIGHTRACK_FAMILY_IPV6 ? selection->ipv6 : selection->ipv4))
		return false;
	return !selection->family ||
	       (selection->family == family && is_within(selection, addr));
}
