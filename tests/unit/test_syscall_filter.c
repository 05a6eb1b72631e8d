/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of user/syscall_filter.c: each loads it in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netdb.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../user/log.h"
#include "../../user/syscall_filter.h"

enum {
	SUCCEEDED = 0,		/* else an errno */
	NO_FILTER = 255,
};

/* errno of a call below the filter, 0 if it succeeded; -signal if it ended the process. */
static int below_filter(int (*call)(void), bool starts_again)
{
	pid_t child;
	int status;

	/* qemu-user has no filters; tests/kernels loads them on kernels of its machines */
	if (prctl(PR_GET_SECCOMP) < 0)
		skip();
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		log_setup("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall_filter_load(starts_again))
			_exit(NO_FILTER);
		errno = 0;
		_exit(call() < 0 ? errno : SUCCEEDED);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status))
		return -WTERMSIG(status);
	assert_int_not_equal(WEXITSTATUS(status), NO_FILTER);
	return WEXITSTATUS(status);
}

static int enter_user_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static int mount_something(void)
{
	return (int)syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}

static void what_is_not_allowed_fails_with_enosys(void **state)
{
	(void)state;
	assert_int_equal(below_filter(enter_user_namespace, false), ENOSYS);
	assert_int_equal(below_filter(mount_something, false), ENOSYS);
	assert_int_equal(below_filter(enter_user_namespace, true), ENOSYS);
}

static int open_to_read(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void files_are_opened_to_be_read(void **state)
{
	(void)state;
	assert_int_equal(below_filter(open_to_read, false), SUCCEEDED);
}

/* Sanitizers start programs and write files, so their builds may: instrument_calls. */
#ifndef NEIGHTRACK_INSTRUMENTED
static int execute(void)
{
	char *const words[] = { (char *)(uintptr_t)"true", NULL };

	return execv("/bin/true", words);
}

static void to_start_a_program_ends_the_process(void **state)
{
	(void)state;
	assert_int_equal(below_filter(execute, false), -SIGSYS);
	assert_int_equal(below_filter(execute, true), -SIGSYS);
}

static int fork_once(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	return child;
}

static void there_is_no_second_process(void **state)
{
	(void)state;
	assert_int_equal(below_filter(fork_once, false), ENOSYS);
}

static int open_to_write(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static int open_to_make(void)
{
	/* it is a folder, and would be EISDIR */
	return open("/tmp", O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
}

static void files_are_not_opened_to_be_written(void **state)
{
	(void)state;
	assert_int_equal(below_filter(open_to_write, false), ENOSYS);
	assert_int_equal(below_filter(open_to_make, false), ENOSYS);
	assert_int_equal(below_filter(open_to_write, true), SUCCEEDED);
}
#endif

static int open_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}

static int open_inet_socket(void)
{
	return socket(AF_INET6, SOCK_STREAM, 0);
}

static void sockets_are_of_the_families_that_are_used(void **state)
{
	(void)state;
	assert_int_equal(below_filter(open_packet_socket, false), ENOSYS);
	assert_int_equal(below_filter(open_inet_socket, false), SUCCEEDED);
}

static int load_program(void)
{
	union bpf_attr attributes = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
}

static int look_up(void)
{
	union bpf_attr attributes = { .map_fd = (uint32_t)-1 };

	return (int)syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attributes, sizeof(attributes));
}

static void maps_can_be_used_and_programs_not_loaded(void **state)
{
	(void)state;
	assert_int_equal(below_filter(load_program, false), ENOSYS);
	assert_int_not_equal(below_filter(look_up, false), ENOSYS);
	assert_int_not_equal(below_filter(load_program, true), ENOSYS);
}

static int enter_network_namespace(void)
{
	return setns(-1, CLONE_NEWNET);
}

static void only_a_daemon_that_starts_again_enters_namespaces(void **state)
{
	(void)state;
	assert_int_equal(below_filter(enter_network_namespace, false), ENOSYS);
	assert_int_equal(below_filter(enter_network_namespace, true), EBADF);
}

/* In a thread of glibc's, as user/resolver.c does. */
static int resolve(void)
{
	struct gaicb request = { .ar_name = "localhost", .ar_service = "1" };
	struct gaicb *list[] = { &request };
	const struct gaicb *const awaited[] = { &request };
	const struct timespec limit = { .tv_sec = 30 };

	if (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL))
		return -1;
	while (gai_error(&request) == EAI_INPROGRESS)
		if (gai_suspend(awaited, 1, &limit) == EAI_AGAIN)
			break;
	errno = EIO;
	return gai_error(&request) ? -1 : 0;
}

static void names_are_resolved(void **state)
{
	(void)state;
	assert_int_equal(below_filter(resolve, false), SUCCEEDED);
}

static int give_up(void)
{
	abort();
}

static void an_abort_is_an_abort(void **state)
{
	(void)state;
	assert_int_equal(below_filter(give_up, false), -SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_allowed_fails_with_enosys),
		cmocka_unit_test(files_are_opened_to_be_read),
#ifndef NEIGHTRACK_INSTRUMENTED
		cmocka_unit_test(to_start_a_program_ends_the_process),
		cmocka_unit_test(there_is_no_second_process),
		cmocka_unit_test(files_are_not_opened_to_be_written),
#endif
		cmocka_unit_test(sockets_are_of_the_families_that_are_used),
		cmocka_unit_test(maps_can_be_used_and_programs_not_loaded),
		cmocka_unit_test(only_a_daemon_that_starts_again_enters_namespaces),
		cmocka_unit_test(names_are_resolved),
		cmocka_unit_test(an_abort_is_an_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
