/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text and back: IPv4 dotted, IPv6 compressed (RFC 5952), MACs in
 * lower case with colons. */
#ifndef NEIGHTRACK_NEIGH_TEXT_H
#define NEIGHTRACK_NEIGH_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define MAC_TEXT_BYTES 18	/* with the terminating zero */
#define IP_TEXT_BYTES 46
#define NUD_TEXT_BYTES 80

/* Write a zero-terminated text of at most *_TEXT_BYTES; return its length. */
size_t mac_to_text(const uint8_t *mac, char *text);
size_t ip_to_text(uint8_t family, const uint8_t *addr, char *text);

/* Six pairs of hexadecimal digits, either case. 0 or -EINVAL. */
int mac_from_text(const char *text, uint8_t *mac);

/* Any spelling of an address. addr: 16 bytes, zero-padded. 0 or -EINVAL. */
int ip_from_text(const char *text, uint8_t *family, uint8_t *addr);
/* Only the text that ip_to_text() gives: another spelling of the same address
 * would be another key. */
int ip_from_canonical_text(const char *text, uint8_t *family, uint8_t *addr);

/* The names of the NUD states that are set, as iproute2 writes them; "NONE" for
 * 0. The i-th of them, NULL past the last. */
const char *nud_state_name(uint16_t nud_state, unsigned int i);
/* All of them, with commas between. text: NUD_TEXT_BYTES. */
void nud_state_to_text(uint16_t nud_state, char *text);

#endif
