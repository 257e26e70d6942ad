/* SPDX-License-Identifier: GPL-2.0 */
/* What measuring programs share, which are no tests: the first thing that goes wrong ends them. */
#ifndef XTCP_SELFTESTS_TOOL_H
#define XTCP_SELFTESTS_TOOL_H

/* The program's name, @fmt and errno to stderr, then exit(1). */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);

/* Move this process into the namespace that `ip netns` calls @name; NULL: stay. */
void enter(const char *name);

/* CLOCK_MONOTONIC */
long long now_ns(void);

#endif /* XTCP_SELFTESTS_TOOL_H */
