/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities are of a thread: all of this must happen while there is one alone. */
#include "privileges.h"

#include <bpf/bpf.h>
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "redis_address.h"

#define TRIALS 12
#define BIT(capability) (1ull << (capability))

/* What must be possible later. */
struct trial {
	const char *option;
	char path[sizeof(((struct redis_host *)0)->name)];
	int mode;			/* of access(2) */
	bool is_vital;
	const char *hint;
};

/* Shared with the child. */
struct outcome {
	int errors[TRIALS];		/* errno of each */
	int become_error;		/* -errno */
	bool maps_are_refused;
};

static bool waits(const struct privileges *privileges, const struct options *options)
{
	(void)privileges;
	return options->netns[0] && options->netns_gone == OPTION_NETNS_GONE_WAIT;
}

static bool waits_below_proc(const struct privileges *privileges, const struct options *options)
{
	return waits(privileges, options) && !strncmp(options->netns, "/proc/", strlen("/proc/"));
}

static bool stays_root(const struct privileges *privileges, const struct options *options)
{
	(void)options;
	return privileges->uid == 0;
}

/* What outlives the start, if it was held then. CAP_BPF may be added by the trial. */
static const struct {
	unsigned int capability;
	bool (*is_needed)(const struct privileges *privileges, const struct options *options);
} needs[] = {
	{ CAP_SYS_ADMIN, waits },	/* to enter the next namespace */
	{ CAP_NET_ADMIN, waits },	/* for receive buffers beyond net.core.rmem_max */
	{ CAP_SYS_PTRACE, waits_below_proc },	/* to open a namespace of another's process */
	{ CAP_DAC_OVERRIDE, stays_root },	/* files and sockets of others, as before */
};

static int to_number(const char *text, uint32_t *number)
{
	char *end;
	unsigned long value;

	if (!strspn(text, "0123456789"))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	/* the largest one stands for "no change" in the system calls */
	if (*end || errno || value >= UINT32_MAX)
		return -EINVAL;
	*number = (uint32_t)value;
	return 0;
}

static int find_user(struct privileges *privileges, const char *name)
{
	const struct passwd *entry;
	uint32_t number;

	errno = 0;
	entry = getpwnam(name);
	if (!entry && !to_number(name, &number)) {
		entry = getpwuid(number);
		/* one without an entry has no group either: that of the daemon stays */
		privileges->uid = number;
	} else if (!entry) {
		log_error("user = %s: %s", name, errno ? strerror(errno) :
			  "there is no such user: adduser --system makes one");
		return errno ? -errno : -ENOENT;
	}
	if (entry) {
		privileges->uid = entry->pw_uid;
		privileges->gid = entry->pw_gid;
	}
	return 0;
}

static int find_group(struct privileges *privileges, const char *name)
{
	const struct group *entry;
	uint32_t number;

	errno = 0;
	entry = getgrnam(name);
	if (entry) {
		privileges->gid = entry->gr_gid;
	} else if (!to_number(name, &number)) {
		privileges->gid = number;
	} else {
		log_error("group = %s: %s", name, errno ? strerror(errno) :
			  "there is no such group: addgroup --system makes one");
		return errno ? -errno : -ENOENT;
	}
	return 0;
}

int privileges_find(struct privileges *privileges, const struct options *options)
{
	int error = 0;

	*privileges = (struct privileges){ .uid = geteuid(), .gid = getegid() };
	if (options->user[0])
		error = find_user(privileges, options->user);
	if (!error && options->group[0])
		error = find_group(privileges, options->group);
	/* of root the groups go too, even if it is to be itself */
	privileges->changes_ids = privileges->uid != geteuid() || privileges->gid != getegid() ||
				  (geteuid() == 0 && (options->user[0] || options->group[0]));
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (needs[i].is_needed(privileges, options))
			privileges->kept |= BIT(needs[i].capability);
	return error;
}

/* Says nothing: the child has nobody to tell. */
static int become(const struct privileges *privileges)
{
	capng_flags_t flags = CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_AMBIENT;
	uint64_t kept = 0;
	int result;

	capng_get_caps_process();
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		if (privileges->kept & BIT(i) && capng_have_capability(CAPNG_PERMITTED, i))
			kept |= BIT(i);
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		flags |= CAPNG_CLEAR_BOUNDING;
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++)
		if (kept & BIT(i))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
	errno = 0;
	if (privileges->changes_ids) {
		result = capng_change_id((int)privileges->uid, (int)privileges->gid, flags);
	} else {
		if (flags & CAPNG_CLEAR_BOUNDING) {
			capng_clear(CAPNG_SELECT_BOUNDS);
			capng_apply(CAPNG_SELECT_BOUNDS);
		}
		result = capng_apply(CAPNG_SELECT_CAPS);
	}
	if (result)
		return errno ? -errno : -EPERM;
	/* without a capability that can be inherited there is none that is ambient */
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}

static void add_trial(struct trial *trials, size_t *count, const char *option, const char *path,
		      int mode, bool is_vital, const char *hint)
{
	struct trial *trial = &trials[*count];

	if (!path || !path[0] || *count == TRIALS || strlen(path) >= sizeof(trial->path))
		return;
	*trial = (struct trial){ .option = option, .mode = mode, .is_vital = is_vital,
				 .hint = hint };
	memcpy(trial->path, path, strlen(path) + 1);
	(*count)++;
}

static void add_redis(struct trial *trials, size_t *count, const char *option, const char *text)
{
	struct redis_address address;
	const char *why;

	if (text[0] && !redis_address_parse(&address, text, &why) && address.kind == REDIS_UNIX)
		add_trial(trials, count, option, address.hosts[0].name, R_OK | W_OK, true,
			  "connect to it: give the group of that socket as group, or let the "
			  "user in by Redis' unixsocketperm");
}

static size_t list_trials(struct trial *trials, const struct options *options,
			  const char *config_file)
{
	const char *at_reload = "read it, so a SIGHUP will change nothing: chgrp it to the group "
				"of the daemon, and chmod 640";
	const struct sonic_database *databases = options->databases.databases;
	size_t count = 0;

	add_redis(trials, &count, "redis", options->redis);
	if (options->policy == OPTION_POLICY_SONIC)
		add_redis(trials, &count, "config_db", options->config_db);
	if (options->warm_restart) {
		add_redis(trials, &count, "STATE_DB", databases[SONIC_STATE_DB].address);
		add_redis(trials, &count, "CONFIG_DB", databases[SONIC_CONFIG_DB].address);
	}
	add_trial(trials, &count, "redis_password_file", options->redis_password_file, R_OK, true,
		  "read it, which it does at each connect: chgrp it to the group of the daemon, "
		  "and chmod 640");
	add_trial(trials, &count, "config", config_file, R_OK, false, at_reload);
	add_trial(trials, &count, "database_config", options->database_config, R_OK, false,
		  at_reload);
	if (options->log_format == LOG_FORMAT_SYSLOG)
		add_trial(trials, &count, "syslog_socket", options->syslog_socket, W_OK, false,
			  "write to it: lines will go to stderr");
	return count;
}

static void try_all(const struct privileges *privileges, const struct trial *trials, size_t count,
		    struct outcome *outcome)
{
	uint32_t key = 0, value;

	outcome->become_error = become(privileges);
	for (size_t i = 0; !outcome->become_error && i < count; i++)
		if (access(trials[i].path, trials[i].mode))
			outcome->errors[i] = errno;
	/* kernels before 5.19 with unprivileged_bpf_disabled refuse it whatever the map */
	outcome->maps_are_refused = bpf_map_lookup_elem(-1, &key, &value) && errno == EPERM;
}

static int judge(struct privileges *privileges, const struct options *options,
		 const struct trial *trials, size_t count, const struct outcome *outcome)
{
	int error = outcome->become_error;

	if (error) {
		if (privileges->changes_ids)
			log_error("cannot become user %u in group %u: %s (needs root, or "
				  "CAP_SETUID and CAP_SETGID)", privileges->uid, privileges->gid,
				  strerror(-error));
		else
			log_error("cannot give up capabilities: %s (a filter of whoever started "
				  "this must allow capset)", strerror(-error));
		return error;
	}
	for (size_t i = 0; i < count; i++) {
		/* what is not there yet may come, and then be right */
		if (outcome->errors[i] != EACCES)
			continue;
		log_line(trials[i].is_vital ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
			 "%s: %s: user %s (%u, group %u) may not %s", trials[i].option,
			 trials[i].path, options->user, privileges->uid, privileges->gid,
			 trials[i].hint);
		if (trials[i].is_vital)
			error = -EACCES;
	}
	if (outcome->maps_are_refused && options->source != OPTION_SOURCE_NETLINK)
		privileges->kept |= BIT(CAP_BPF);
	return error;
}

int privileges_prepare(struct privileges *privileges, const struct options *options,
		       const char *config_file)
{
	struct trial trials[TRIALS];
	size_t count = list_trials(trials, options, config_file);
	struct outcome *outcome;
	int error = privileges_find(privileges, options);
	int status;
	pid_t child;

	if (error)
		return error;
	outcome = mmap(NULL, sizeof(*outcome), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (outcome == MAP_FAILED)
		return -errno;
	/* a user that does not change may what it may, and will be told at the first use */
	if (!privileges->changes_ids)
		count = 0;
	child = fork();
	if (child == 0) {
		try_all(privileges, trials, count, outcome);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		error = -errno;
		log_error("cannot try out user %s in a process: %s", options->user,
			  strerror(-error));
	} else {
		error = judge(privileges, options, trials, count, outcome);
	}
	munmap(outcome, sizeof(*outcome));
	return error;
}

int privileges_drop(const struct privileges *privileges)
{
	char *names = NULL;
	int error = become(privileges);

	if (error) {
		log_error("cannot become user %u in group %u without privileges: %s",
			  privileges->uid, privileges->gid, strerror(-error));
		return error;
	}
	if (capng_get_caps_process() == 0)
		names = capng_print_caps_text(CAPNG_PRINT_BUFFER, CAPNG_PERMITTED);
	log_notice("from here on user %u, group %u, capabilities: %s", geteuid(), getegid(),
		   names ? names : "unknown");
	free(names);
	return 0;
}
