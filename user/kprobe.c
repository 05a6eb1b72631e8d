/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * By perf_event_open() and not by libbpf's bpf_program__attach_kprobe(), which needs the
 * object that the program was loaded from: programs that a daemon has left pinned have none.
 */
#include "kprobe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TYPE_FILE "/sys/bus/event_source/devices/kprobe/type"

/* The number that this kernel has given to kprobes, as a type of events. */
static int read_type(uint32_t *type)
{
	FILE *file = fopen(TYPE_FILE, "re");
	int error = file ? 0 : -errno;

	if (file && fscanf(file, "%u", type) != 1)
		error = -EINVAL;
	if (file)
		fclose(file);
	return error;
}

bool kprobe_is_there(void)
{
	return !access(TYPE_FILE, R_OK);
}

int kprobe_open(const char *function, int program)
{
	struct perf_event_attr attributes = {
		.size = sizeof(attributes),
		.kprobe_func = (uint64_t)(uintptr_t)function,
	};
	int error, fd;

	error = read_type(&attributes.type);
	if (error)
		return error;
	/* of all processes: the CPU is that of the event, the probe fires on each */
	fd = (int)syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, program) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}
