/* SPDX-License-Identifier: GPL-2.0 */
/* Failing allocations on purpose: the kernel's fault injection, by rate and by number. */
#ifndef XTCP_SELFTESTS_FAULTS_H
#define XTCP_SELFTESTS_FAULTS_H

#include <sys/syscall.h>
#include <sys/wait.h>

#include "stress.h"

#define FAULTS_DEBUGFS	"/sys/kernel/debug/"
#define FAULTS_MANY	1000000000L

static const char *const fault_kinds[] = { "failslab", "fail_page_alloc" };

static inline int fault_put(const char *kind, const char *name, long value)
{
	char path[100], text[24];
	int fd, n, good;

	snprintf(path, sizeof(path), FAULTS_DEBUGFS "%s/%s", kind, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = snprintf(text, sizeof(text), "%ld", value);
	good = write(fd, text, n) == n;
	close(fd);
	return good ? 0 : -1;
}

static inline long fault_left(const char *kind)
{
	char path[100];
	long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), FAULTS_DEBUGFS "%s/times", kind);
	f = fopen(path, "r");
	if (f && fscanf(f, "%ld", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	return value;
}

/** faults_possible() - false on kernels without fault injection */
static inline bool faults_possible(void)
{
	return !access(FAULTS_DEBUGFS "failslab/probability", W_OK) &&
	       !access(FAULTS_DEBUGFS "fail_page_alloc/probability", W_OK) &&
	       !access("/proc/thread-self/fail-nth", W_OK);
}

/**
 * faults_on() - let @percent of allocations fail from now on
 * @tasks:	false: those that must not sleep, in any context, so also where segments and
 *		timers are worked on; true: all that processes with make-it-fail ask for
 */
static inline void faults_on(int percent, bool tasks)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fault_put(fault_kinds[i], "verbose", 0);
		fault_put(fault_kinds[i], "interval", 1);
		fault_put(fault_kinds[i], "space", 0);
		fault_put(fault_kinds[i], "times", FAULTS_MANY);
		/* Pages that a sleeping process wants may be its own: not to be refused. */
		fault_put(fault_kinds[i], "ignore-gfp-wait", i || !tasks);
		fault_put(fault_kinds[i], "task-filter", tasks);
	}
	fault_put("fail_page_alloc", "min-order", 0);
	fault_put("failslab", "probability", percent);
	fault_put("fail_page_alloc", "probability", percent);
}

/** faults_off() - and the number of allocations that failed since faults_on() */
static inline long faults_off(void)
{
	long hit = 0;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fault_put(fault_kinds[i], "probability", 0);
		hit += FAULTS_MANY - fault_left(fault_kinds[i]);
		fault_put(fault_kinds[i], "task-filter", 0);
		fault_put(fault_kinds[i], "ignore-gfp-wait", 1);
	}
	return hit;
}

/* Tried again and again: with the faults on, opening the file may be what fails. */
static inline void faults_for_me(bool on)
{
	int i, fd, good = 0;

	for (i = 0; i < 1000 && !good; i++) {
		fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
		good = fd >= 0 && write(fd, on ? "1" : "0", 1) == 1;
		close(fd);
	}
	if (!good)
		ktap_note("/proc/self/make-it-fail: %s", strerror(errno));
}

/* -- one after the other ------------------------------------------------------------ */

static int nth_fd = -1;

/** nth_begin() - from now on this thread's allocations can be failed by number */
static inline int nth_begin(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fault_put(fault_kinds[i], "verbose", 0);
		fault_put(fault_kinds[i], "probability", 0);
		fault_put(fault_kinds[i], "ignore-gfp-wait", 0);
	}
	fault_put("fail_page_alloc", "ignore-gfp-highmem", 0);
	fault_put("fail_page_alloc", "min-order", 0);
	/* Copies from and to user memory are counted and fail as well. */
	fault_put("fail_usercopy", "verbose", 0);
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd < 0 ? -1 : 0;
}

/** nth_end() - as it was before */
static inline void nth_end(void)
{
	close(nth_fd);
	fault_put("failslab", "ignore-gfp-wait", 1);
	fault_put("fail_page_alloc", "ignore-gfp-wait", 1);
	fault_put("fail_page_alloc", "ignore-gfp-highmem", 1);
}

/** nth_arm() - the @n-th allocation of this thread fails, once */
static inline void nth_arm(long n)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%ld", n);

	if (write(nth_fd, text, len) != len)
		ktap_note("fail-nth: %s", strerror(errno));
}

/** nth_disarm() - what is left of nth_arm()'s number; 0: it has failed */
static inline long nth_disarm(void)
{
	int err = errno;
	char text[24] = "";
	long left = 0;

	if (pread(nth_fd, text, sizeof(text) - 1, 0) > 0)
		left = strtol(text, NULL, 0);
	/* It may be this very write that is made to fail; then there is nothing to stop. */
	if (pwrite(nth_fd, "0", 1, 0) != 1 && pwrite(nth_fd, "0", 1, 0) != 1)
		ktap_note("fail-nth does not stop: %s", strerror(errno));
	errno = err;
	return left;
}

/* Runs @act in a child with its n-th allocation failing. Return: left, or -1: it failed. */
static inline long in_child(int (*act)(void), long n, int *err)
{
	int channel[2], status;
	long left = -1;
	pid_t pid;

	if (pipe(channel))
		return -1;
	pid = fork();
	if (!pid) {
		long result[2];

		if (nth_begin())
			_exit(1);
		nth_arm(n);
		result[1] = act() ? errno : 0;
		result[0] = nth_disarm();
		_exit(write(channel[1], result, sizeof(result)) != sizeof(result));
	}
	close(channel[1]);
	waitpid(pid, &status, 0);
	if (!status) {
		long result[2];

		if (read(channel[0], result, sizeof(result)) == sizeof(result)) {
			left = result[0];
			*err = result[1];
		}
	}
	close(channel[0]);
	return left;
}

#endif /* XTCP_SELFTESTS_FAULTS_H */
