// SPDX-License-Identifier: GPL-2.0
/* Makes and removes control groups. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"

#define ROOT "/sys/fs/cgroup"

void cgroup_put(const char *path, const char *file, const char *text)
{
	char name[200];
	int fd;

	snprintf(name, sizeof(name), "%s/%s", path, file);
	fd = NEED(open(name, O_WRONLY));
	NEED(write(fd, text, strlen(text)));
	close(fd);
}

const char *cgroup_open(const struct xport *t)
{
	static char path[100];

	NEED(access(ROOT "/cgroup.subtree_control", W_OK));
	cgroup_put(ROOT, "cgroup.subtree_control", "+memory");
	snprintf(path, sizeof(path), ROOT "/xtcp-%s-%d", t->label, getpid());
	NEED(mkdir(path, 0755));
	cgroup_put(path, "cgroup.procs", "0");
	return path;
}

int cgroup_close(const char *path)
{
	cgroup_put(ROOT, "cgroup.procs", "0");
	/* Sockets that are still being freed hold it without using it. */
	return rmdir(path);
}
