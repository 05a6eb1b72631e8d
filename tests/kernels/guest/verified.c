// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints, of each of neightrack's programs that the kernel holds, its name and how many
 * instructions the verifier went through: "neigh_update=3021 neigh_timer=2972".
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	const char *space = "";
	unsigned int id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		struct bpf_prog_info info = { 0 };
		unsigned int bytes = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &bytes) && !strncmp(info.name, "neigh_", 6)) {
			printf("%s%s=%u", space, info.name, info.verified_insns);
			space = " ";
		}
		close(fd);
	}
	return 0;
}
