/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text. The forward way is on the hot path, so it is by hand for
 * MACs and IPv4; IPv6 compression is the C library's. */
#include "neigh_text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <linux/types.h>
#include "neightrack/policy.h"

static const char hex[] = "0123456789abcdef";

size_t mac_to_text(const uint8_t *mac, char *text)
{
	char *at = text;

	for (int i = 0; i < NEIGH_MAC_BYTES; i++) {
		if (i)
			*at++ = ':';
		*at++ = hex[mac[i] >> 4];
		*at++ = hex[mac[i] & 15];
	}
	*at = '\0';
	return (size_t)(at - text);
}

static char *put_octet(char *at, uint8_t octet)
{
	if (octet >= 100)
		*at++ = (char)('0' + octet / 100);
	if (octet >= 10)
		*at++ = (char)('0' + octet / 10 % 10);
	*at++ = (char)('0' + octet % 10);
	return at;
}

size_t ip_to_text(uint8_t family, const uint8_t *addr, char *text)
{
	char *at = text;

	if (family != NEIGHTRACK_FAMILY_IPV4) {
		inet_ntop(AF_INET6, addr, text, IP_TEXT_BYTES);
		return strlen(text);
	}
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_octet(at, addr[i]);
	}
	*at = '\0';
	return (size_t)(at - text);
}

static int digit(char c)
{
	const char *at = c ? strchr(hex, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - hex) : -1;
}

int mac_from_text(const char *text, uint8_t *mac)
{
	for (int i = 0; i < NEIGH_MAC_BYTES; i++) {
		int high = digit(text[0]);
		int low = high < 0 ? -1 : digit(text[1]);

		if (low < 0 || text[2] != (i < NEIGH_MAC_BYTES - 1 ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (uint8_t)(high << 4 | low);
		text += 3;
	}
	return 0;
}

int ip_from_text(const char *text, uint8_t *family, uint8_t *addr)
{
	uint8_t family_of_text = strchr(text, ':') ? NEIGHTRACK_FAMILY_IPV6 :
						     NEIGHTRACK_FAMILY_IPV4;

	memset(addr, 0, 16);
	if (inet_pton(family_of_text, text, addr) != 1)
		return -EINVAL;
	*family = family_of_text;
	return 0;
}

int ip_from_canonical_text(const char *text, uint8_t *family, uint8_t *addr)
{
	char canonical[IP_TEXT_BYTES];

	if (ip_from_text(text, family, addr))
		return -EINVAL;
	ip_to_text(*family, addr, canonical);
	return strcmp(canonical, text) ? -EINVAL : 0;
}

const char *nud_state_name(uint16_t nud_state, unsigned int i)
{
	static const char *const names[] = { "INCOMPLETE", "REACHABLE", "STALE", "DELAY",
					     "PROBE", "FAILED", "NOARP", "PERMANENT" };

	if (!nud_state)
		return i ? NULL : "NONE";
	for (unsigned int bit = 0; bit < sizeof(names) / sizeof(*names); bit++)
		if (nud_state & (1u << bit) && !i--)
			return names[bit];
	return NULL;
}

void nud_state_to_text(uint16_t nud_state, char *text)
{
	const char *name;

	for (unsigned int i = 0; (name = nud_state_name(nud_state, i)); i++) {
		if (i)
			*text++ = ',';
		text = stpcpy(text, name);
	}
}
