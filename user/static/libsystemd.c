/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the portable binary has for libsystemd, which Debian has as a shared library only:
 * the two functions that service_manager.c calls, after sd_notify(3) and
 * sd_watchdog_enabled(3). One datagram, and two variables of the environment.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

int sd_notify(int unset_environment, const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t bytes;
	int fd, result;

	if (unset_environment || !path)
		return 0;
	if ((path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, strlen(path));
	bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		address.sun_path[0] = '\0';	/* a name without a file: unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	result = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			(const struct sockaddr *)&address, bytes) < 0 ? -errno : 1;
	close(fd);
	return result;
}

static int read_number(const char *name, uint64_t *number)
{
	const char *text = getenv(name);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno || !*text || *end ? -EINVAL : 1;
}

int sd_watchdog_enabled(int unset_environment, uint64_t *interval_us)
{
	uint64_t pid;
	int result = read_number("WATCHDOG_PID", &pid);

	/* meant for another process, which this one has inherited it from */
	if (unset_environment || result < 0 || (result > 0 && pid != (uint64_t)getpid()))
		return result < 0 ? result : 0;
	return read_number("WATCHDOG_USEC", interval_us);
}
