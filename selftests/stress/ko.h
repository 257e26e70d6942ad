/* SPDX-License-Identifier: GPL-2.0 */
/* Loading and unloading kernel modules without a program of its own for each time. */
#ifndef XTCP_SELFTESTS_KO_H
#define XTCP_SELFTESTS_KO_H

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/net.h"

/** ko_load() - 0, or -1 and errno */
static inline int ko_load(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), ret, err;

	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, "", 0);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

/** ko_delete() - one try; EAGAIN where it is in use */
static inline int ko_delete(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK);
}

/** ko_unload() - what was closed may hold the module for a while yet */
static inline int ko_unload(const char *name, int seconds)
{
	long end = now_ms() + seconds * 1000L;
	int ret;

	for (;;) {
		ret = ko_delete(name);
		if (!ret || (errno != EAGAIN && errno != EBUSY) || now_ms() > end)
			return ret;
		nap_ms(20);
	}
}

#endif /* XTCP_SELFTESTS_KO_H */
