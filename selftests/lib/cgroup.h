/* SPDX-License-Identifier: GPL-2.0 */
/* A control group (v2) of a case's own. */
#ifndef XTCP_SELFTESTS_CGROUP_H
#define XTCP_SELFTESTS_CGROUP_H

#include "oracle.h"

/* For this process and the sockets that it makes from now on. Return: its directory. */
const char *cgroup_open(const struct xport *t);
/* Write @text to the file @file of the group at @path. */
void cgroup_put(const char *path, const char *file, const char *text);
/* The process leaves it. Return: 0, or -1 and rmdir()'s errno. */
int cgroup_close(const char *path);

#endif /* XTCP_SELFTESTS_CGROUP_H */
