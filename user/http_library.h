/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmicrohttpd, loaded when metrics are served and not before: it brings GnuTLS and all
 * that GnuTLS needs, nine libraries and 2.4 MB of resident memory, which a daemon without
 * metrics has no use for.
 */
#ifndef NEIGHTRACK_HTTP_LIBRARY_H
#define NEIGHTRACK_HTTP_LIBRARY_H

#include <gnutls/gnutls.h>
#include <microhttpd.h>

#define HTTP_LIBRARY_FUNCTIONS(X)						\
	X(MHD_add_connection)							\
	X(MHD_add_response_header)						\
	X(MHD_create_response_from_buffer)					\
	X(MHD_destroy_response)							\
	X(MHD_get_connection_info)						\
	X(MHD_get_daemon_info)							\
	X(MHD_get_timeout)							\
	X(MHD_is_feature_supported)						\
	X(MHD_lookup_connection_value)						\
	X(MHD_queue_response)							\
	X(MHD_run)								\
	X(MHD_start_daemon)							\
	X(MHD_stop_daemon)							\
	X(gnutls_certificate_verify_peers2)					\
	X(gnutls_global_deinit)							\
	X(gnutls_global_init)

struct http_library {
#define HTTP_LIBRARY_MEMBER(name) typeof(name) *name;
	HTTP_LIBRARY_FUNCTIONS(HTTP_LIBRARY_MEMBER)
#undef HTTP_LIBRARY_MEMBER
};

/* Returns 0, or -ELIBACC, said in the log, if there is none that has all of them. What
 * was loaded stays until the process ends. */
int http_library_load(struct http_library *library);

#endif
