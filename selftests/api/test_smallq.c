// SPDX-License-Identifier: GPL-2.0
/*
 * What a bulk connection leaves in the queue of a slow device: little, and that is never idle.
 *
 * The loopback with a token bucket in front is that device; its other end reads as fast as it can.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

enum {
	RATE_KBIT = 20000,
	SECONDS = 2,
	/* Two super-segments with all that holds them, and one that the bucket has cut. */
	MOST = 3 * 66000,
};

static char buf[65536];

/* Octets that wait in the loopback's queue. */
static long backlog(void)
{
	FILE *f = popen("tc -s qdisc show dev lo", "r");
	char line[300], unit = 0;
	double n = 0;

	while (f && fgets(line, sizeof(line), f)) {
		const char *at = strstr(line, "backlog ");

		if (at && sscanf(at, "backlog %lf%c", &n, &unit) == 2)
			break;
	}
	if (f)
		pclose(f);
	return n * (unit == 'K' ? 1000 : unit == 'M' ? 1000000 : 1);
}

static void slow_device(void)
{
	NEED(net_run("ip link set lo mtu 1500 && ethtool -K lo tso off gso off && "
		     "tc qdisc add dev lo root tbf rate %dkbit burst 20000 limit 8000000",
		     RATE_KBIT) ? 0 : -1);
}

/* A process that writes to @p until it is killed, and one that reads and counts into @pipe. */
static pid_t writer_start(const struct pair *p)
{
	pid_t pid = fork();

	if (pid)
		return NEED(pid);
	while (send(p->c, buf, sizeof(buf), MSG_NOSIGNAL) > 0)
		;
	_exit(0);
}

/* Read for @ms from each of @n connections. Return: octets of the one that got least. */
static long read_for(struct pair *p, int n, int ms, long *sum)
{
	long then = now_ms(), got[2] = { 0, 0 }, least;
	int i;

	while (now_ms() - then < ms)
		for (i = 0; i < n; i++) {
			long len;

			if (!ready_within(p[i].s, POLLIN, 1))
				continue;
			len = recv(p[i].s, buf, sizeof(buf), MSG_DONTWAIT);
			got[i] += len > 0 ? len : 0;
		}
	least = n == 2 && got[1] < got[0] ? got[1] : got[0];
	*sum = got[0] + got[1];
	return least;
}

static void writers_end(pid_t *pids, struct pair *p, int n)
{
	while (n--) {
		kill(pids[n], SIGKILL);
		waitpid(pids[n], NULL, 0);
		set_linger(p[n].c, 1, 0);
		pair_close(&p[n]);
	}
}

/* The time for it is long past slow start's end. */
static void stream(const struct xport *t, int n)
{
	long deepest = 0, now, sum, least, i, full = RATE_KBIT / 8 * 1000 / 1460 * 1400L * SECONDS;
	struct pair p[2];
	pid_t pids[2];

	for (i = 0; i < n; i++)
		p[i] = pair_open(t);
	slow_device();
	for (i = 0; i < n; i++)
		pids[i] = writer_start(&p[i]);
	read_for(p, n, 1500, &sum);
	/* On a machine that is busy otherwise it takes a while to see the queue filled. */
	for (i = 0; i < 10 || (!deepest && !slow_kernel() && i < 300); i++) {
		read_for(p, n, 30, &sum);
		now = backlog();
		deepest = now > deepest ? now : deepest;
	}
	least = read_for(p, n, SECONDS * 1000, &sum);
	oracle_text("in the queue", "%s", deepest < n * MOST ? "little" : "much");
	/* A kernel slower than the device may never fill its queue. */
	TRUE(slow_kernel() || deepest > 0);
	if (deepest >= n * MOST)
		fprintf(stderr, "# %s: %ld octets in the queue\n", t->label, deepest);
	TRUE(deepest < n * MOST);
	TRUE(slow_kernel() || sum > full / 10 * 8);
	TRUE(least > full / 10 / n);
	writers_end(pids, p, n);
}

static void one_stream(const struct xport *t)
{
	stream(t, 1);
}

static void two_streams(const struct xport *t)
{
	stream(t, 2);
}

/* Without a word of anybody's the last octets go, too, whatever closes before they do. */
static void closed_meanwhile(const struct xport *t)
{
	enum { SIZE = 600000 };
	struct pair p = pair_open(t);
	long got = 0, n, i;
	pid_t pid;

	slow_device();
	pid = NEED(fork());
	if (!pid) {
		for (i = 0; i < SIZE; i += 60000) {
			pattern_fill(buf, 60000, i, 1);
			if (send(p.c, buf, 60000, MSG_NOSIGNAL) != 60000)
				_exit(1);
		}
		close(p.c);
		_exit(0);
	}
	close(p.c);
	while ((n = recv(p.s, buf, sizeof(buf), 0)) > 0) {
		if (pattern_check(buf, n, got, 1))
			break;
		got += n;
	}
	IS(n, 0);
	IS(got, SIZE);
	IS(waitpid(pid, NULL, 0) == pid, 1);
	close(p.s);
	close(p.l);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("one stream", one_stream, ON_BOTH, 5, 120),
	CASE_SECONDS("two streams share", two_streams, ON_V4, 5, 120),
	CASE_SECONDS("closed while the queue is full", closed_meanwhile, ON_BOTH, 3, 60),
};

ORACLE_MAIN("small queues in front of a slow device", cases)
