/* SPDX-License-Identifier: GPL-2.0 */
/* What the stress tests share: arguments, a seeded generator, counters that must pair up. */
#ifndef XTCP_SELFTESTS_STRESS_H
#define XTCP_SELFTESTS_STRESS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/xtcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/net.h"

static const struct xport stress_v4 = { "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET };
static const struct xport stress_v6 = { "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6,
					AF_INET6 };

/**
 * struct stress - how this run was asked for
 * @seed:	of every random choice; threads add their number
 * @count:	how much to do, in the test's own unit
 * @long_run:	XTCP_STRESS is set
 */
struct stress {
	uint64_t seed;
	long count;
	bool long_run;
};

/* -- random choices -------------------------------------------------------------- */

/* splitmix64: any number is a good seed, and the next one a different stream. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t x = r->state += 0x9e3779b97f4a7c15UL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9UL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebUL;
	return x ^ (x >> 31);
}

/** below() - 0 .. @n - 1 */
static inline uint32_t below(struct rng *r, uint32_t n)
{
	return (rng_next(r) >> 16) % n;
}

static inline bool one_in(struct rng *r, uint32_t n)
{
	return !below(r, n);
}

static inline void rng_fill(struct rng *r, void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = rng_next(r) >> 24;
}

#define PICK(r, array)	((array)[below(r, sizeof(array) / sizeof((array)[0]))])

/* -- the run ---------------------------------------------------------------------- */

/**
 * stress_begin() - arguments, what the test needs, the seed, the plan
 *
 * Return: -1 to go on, or the exit status to end with.
 */
static inline int stress_begin(struct stress *s, int argc, char **argv, const char *purpose,
			       const char *unit, long count, long long_count, int planned)
{
	const char *env = getenv("XTCP_STRESS");
	int i, fd;

	s->long_run = env && env[0];
	s->count = s->long_run ? long_count : count;
	if (getrandom(&s->seed, sizeof(s->seed), 0) != sizeof(s->seed))
		s->seed = now_ms();
	s->seed %= 1000000000;
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--seed") && i + 1 < argc) {
			s->seed = strtoull(argv[++i], NULL, 0);
		} else if (!strcmp(argv[i], "--count") && i + 1 < argc) {
			s->count = strtol(argv[++i], NULL, 0);
		} else {
			printf("usage: %s [--seed N] [--count N]\n\n%s\n\n"
			       "  --seed N   repeat the choices of the run that printed N\n"
			       "  --count N  number of %s (%ld; with XTCP_STRESS=1: %ld)\n\n"
			       "Needs root and the xtcp module.\n",
			       argv[0], purpose, unit, count, long_count);
			return strcmp(argv[i], "--help") && strcmp(argv[i], "-h") ? KTAP_FAIL : 0;
		}
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	fd = sock(&stress_v4);
	if (fd < 0)
		return ktap_skip_all("no XTCP sockets here: insmod xtcp.ko first");
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	ktap_begin(planned);
	ktap_note("seed %llu, %ld %s: --seed %llu --count %ld repeats it",
		  (unsigned long long)s->seed, s->count, unit, (unsigned long long)s->seed,
		  s->count);
	return -1;
}

static inline void knob(const char *name, const char *value)
{
	char path[100];

	snprintf(path, sizeof(path), "net/xtcp/%s", name);
	if (sysctl_put(path, value))
		ktap_note("cannot write %s to %s: %s", value, path, strerror(errno));
}

/** stress_netns() - a namespace of our own, where nothing lives for long */
static inline int stress_netns(void)
{
	if (unshare(CLONE_NEWNET) || net_loopback_up())
		return -1;
	knob("msl", "200");
	knob("fin_timeout", "1");
	knob("orphan_retries", "1");
	knob("synack_retries", "1");
	knob("syn_retries", "1");
	knob("invalid_ratelimit", "0");
	return 0;
}

/* -- counters --------------------------------------------------------------------- */

/** stat_get() - a line of this namespace's /proc/net/xtcp_stat; -1: not there */
static inline long stat_get(const char *name)
{
	FILE *f = fopen("/proc/net/xtcp_stat", "r");
	char key[64];
	long value, found = -1;

	if (!f)
		return -1;
	while (fscanf(f, "%63s %ld", key, &value) == 2)
		if (!strcmp(key, name))
			found = value;
	fclose(f);
	return found;
}

/* The first of the gauges that is not zero, or NULL. */
static inline const char *stat_alive(void)
{
	static const char *const gauges[] = { "SocketsNow", "RequestsNow", "TimeWaitNow",
					      "TimersNow" };
	unsigned int i;

	for (i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
		if (stat_get(gauges[i]))
			return gauges[i];
	return NULL;
}

/** stat_pair_up() - wait until all that was created is destroyed; 1 or 0 */
static inline int stat_pair_up(int seconds)
{
	long end = now_ms() + seconds * 1000L;
	const char *left;

	while ((left = stat_alive()) && now_ms() < end)
		nap_ms(50);
	ktap_note("created: %ld sockets, %ld requests, %ld TIME-WAIT; %ld timers started",
		  stat_get("SockCreated"), stat_get("ReqCreated"), stat_get("TWCreated"),
		  stat_get("TimerStarted"));
	if (left)
		ktap_note("%s is %ld after %d s", left, stat_get(left), seconds);
	return !left;
}

#endif /* XTCP_SELFTESTS_STRESS_H */
