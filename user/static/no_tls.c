/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the portable binary has for GnuTLS, which Debian has as a shared library only: one
 * function that refuses. The linker is told to take it for each that libmicrohttpd and
 * http_library.c refer to; http_server.c does not begin with TLS where gnutls_global_init()
 * fails.
 */
#include <gnutls/gnutls.h>

int no_tls(void);

int no_tls(void)
{
	return GNUTLS_E_UNIMPLEMENTED_FEATURE;
}
