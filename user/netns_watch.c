/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inotify on the folder of the name, so that nothing runs while nothing happens;
 * /proc, where processes' namespaces are, has none, and is looked at every second. A daemon
 * that has given up its privileges may not look there, but hears when the process ends. */
#include "netns_watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "netns.h"

#define LOOK_NS NS_PER_S

struct netns_watch {
	struct loop *loop;
	struct loop_watch events;
	struct loop_timer look;
	void (*gone)(void *context);
	void *context;
	uint32_t inum;
	char path[PATH_MAX];
};

static void tell(struct netns_watch *watch)
{
	if (!watch->gone)
		return;
	watch->gone(watch->context);
	watch->gone = NULL;
}

static void look(struct netns_watch *watch)
{
	struct stat status;

	if (stat(watch->path, &status) ? errno != EACCES && errno != EPERM :
					 (uint32_t)status.st_ino != watch->inum)
		tell(watch);
}

static void on_look(void *context)
{
	struct netns_watch *watch = context;

	look(watch);
	if (watch->gone)
		loop_timer_arm(&watch->look, LOOK_NS);
}

static void on_event(void *context, uint32_t epoll_events)
{
	struct netns_watch *watch = context;
	_Alignas(struct inotify_event) char events[4096];

	(void)epoll_events;
	/* which name it was does not matter: a look tells */
	while (read(watch->events.fd, events, sizeof(events)) > 0)
		;
	look(watch);
}

static void on_process_ended(void *context, uint32_t epoll_events)
{
	struct netns_watch *watch = context;

	(void)epoll_events;
	loop_remove(watch->loop, &watch->events);
	tell(watch);
}

/* Looking is all that is left where the kernel (before 5.3) has no such descriptors, or
 * the path is not that of one process. */
static int watch_process(struct netns_watch *watch)
{
	int pid;

	loop_timer_arm(&watch->look, LOOK_NS);
	if (sscanf(watch->path, "/proc/%d/ns/net", &pid) != 1)
		return 0;
	watch->events.ready = on_process_ended;
	watch->events.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return watch->events.fd < 0 ? 0 : loop_add(watch->loop, &watch->events, EPOLLIN);
}

static int watch_folder(struct netns_watch *watch)
{
	char path[PATH_MAX];

	memcpy(path, watch->path, sizeof(path));
	watch->events.fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->events.fd < 0 ||
	    inotify_add_watch(watch->events.fd, dirname(path),
			      IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF) < 0)
		return -errno;
	return loop_add(watch->loop, &watch->events, EPOLLIN);
}

int netns_watch_new(struct netns_watch **result, struct loop *loop, const char *netns,
		    uint32_t inum, void (*gone)(void *context), void *context)
{
	struct netns_watch *watch = calloc(1, sizeof(*watch));
	int error;

	if (!watch)
		return -ENOMEM;
	*watch = (struct netns_watch){ .loop = loop, .gone = gone, .context = context,
				       .inum = inum };
	watch->events = (struct loop_watch){ .fd = -1, .ready = on_event, .context = watch };
	loop_timer_init(loop, &watch->look, on_look, watch);
	error = netns_path(netns, watch->path, sizeof(watch->path));
	if (!error)
		error = strncmp(watch->path, "/proc/", 6) ? watch_folder(watch) :
							    watch_process(watch);
	if (error) {
		netns_watch_free(watch);
		return error;
	}
	*result = watch;
	return 0;
}

void netns_watch_free(struct netns_watch *watch)
{
	if (!watch)
		return;
	loop_timer_remove(watch->loop, &watch->look);
	if (watch->events.fd >= 0) {
		loop_remove(watch->loop, &watch->events);
		close(watch->events.fd);
	}
	free(watch);
}
