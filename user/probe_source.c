/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources, by trying each: to load tells more than any list of what it needs. The
 * programs are attached for as long as that takes, and for network namespace 0, which does
 * not exist: they count events and pass none on. Nothing is pinned.
 */
#include "probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "netlink.h"
#include "netns.h"
#include "programs.h"

#define SMALLEST_MAP 16u

struct failure {
	char what[96];
	int error;
};

static void note(void *context, const char *what, int error)
{
	struct failure *failure = context;

	snprintf(failure->what, sizeof(failure->what), "%s", what);
	failure->error = error;
}

static bool try_programs(const struct probe *probe, enum option_source kind,
			 struct failure *failure)
{
	const struct pins none = { .lock_fd = -1 };
	const struct programs_config config = {
		.kind = kind,
		.btf = probe->options->btf,
		.pins = &none,
		.instances = 1,
		.ring_size_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
		.map_size = SMALLEST_MAP,
		.complain = note,
		.context = failure,
	};
	struct programs programs;
	int error;

	programs_init(&programs);
	error = programs_open(&programs, &config);
	if (!error)
		error = programs_attach(&programs, &config);
	programs_close(&programs);
	if (error && !failure->error)
		note(failure, "load the BPF programs", error);
	return !error;
}

static bool check_programs(struct probe *probe, enum option_source kind)
{
	struct failure failure = { .error = 0 };
	char why[MACHINE_WHY_BYTES];

	if (try_programs(probe, kind, &failure)) {
		probe_add(probe, option_source_names[kind], PROBE_GOOD, NULL,
			  "loads and attaches");
		return true;
	}
	machine_explain(&probe->machine, kind, probe->options->btf, failure.error, why);
	probe_add(probe, option_source_names[kind], PROBE_LESS, why, "cannot %s: %s", failure.what,
		  strerror(-failure.error));
	return false;
}

/* All sources need it, for dumps. */
static bool check_netlink(struct probe *probe)
{
	const char *netns = probe->options->netns;
	int netns_fd = netns_open(netns), on = 1;
	struct netlink_socket socket;
	int error = netns_fd < 0 ? netns_fd : netlink_open(&socket, netns_fd, 0);

	if (netns_fd >= 0)
		close(netns_fd);
	if (error) {
		probe_add(probe, "netlink", PROBE_BAD, error == -EPERM ?
			  "CAP_SYS_ADMIN, to enter the network namespace" :
			  "ip netns list shows the named ones", "no socket in network namespace "
			  "%s: %s", netns[0] ? netns : "of this process", strerror(-error));
		return false;
	}
	probe_add(probe, "netlink", PROBE_GOOD, NULL, "a socket in network namespace %s",
		  netns[0] ? netns : "of this process");
	if (mnl_socket_setsockopt(socket.socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on)))
		probe_add(probe, "strict checking", PROBE_LESS, "a kernel of 4.20 or later",
			  "netlink does not know it");
	else
		probe_add(probe, "strict checking", PROBE_GOOD, NULL, "netlink knows it");
	netlink_close(&socket);
	return true;
}

void probe_sources(struct probe *probe)
{
	enum option_source asked = probe->options->source;
	bool has_netlink = check_netlink(probe);

	for (unsigned int i = OPTION_SOURCE_TP_BTF; i < OPTION_SOURCE_NETLINK; i++) {
		bool is_good = check_programs(probe, (enum option_source)i);

		if (is_good && has_netlink && probe->source == OPTION_SOURCE_AUTO &&
		    (asked == OPTION_SOURCE_AUTO || asked == i))
			probe->source = (enum option_source)i;
	}
	if (has_netlink && probe->source == OPTION_SOURCE_AUTO &&
	    (asked == OPTION_SOURCE_AUTO || asked == OPTION_SOURCE_NETLINK))
		probe->source = OPTION_SOURCE_NETLINK;
	if (probe->source != OPTION_SOURCE_AUTO)
		probe_add(probe, "source", PROBE_GOOD, NULL, "%s, %s",
			  option_source_names[probe->source], asked == OPTION_SOURCE_AUTO ?
			  "the best that there is here" : "as --source says");
	else
		probe_add(probe, "source", PROBE_BAD, has_netlink ? "--source auto" :
			  "the network namespace must be there", "%s cannot be had",
			  asked == OPTION_SOURCE_AUTO ? "one" : option_source_names[asked]);
}
