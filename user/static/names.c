/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host names and users in the portable binary: by what glibc has within (files and DNS).
 * /etc/nsswitch.conf may name modules of the machine's own glibc, which need not be the
 * version that this binary holds: loading one could do anything.
 */
#include <nss.h>

__attribute__((constructor)) static void look_up_names_within(void)
{
	__nss_configure_lookup("hosts", "files dns");
	__nss_configure_lookup("passwd", "files");
	__nss_configure_lookup("group", "files");
}
