// SPDX-License-Identifier: GPL-2.0
/*
 * When memory is short (net.xtcp.mem, net.ipv4.tcp_mem): data still arrives, in both
 * directions, closed connections are given up, and all is as before when there is enough.
 *
 * The kernel adds up pages in portions of 1 MB for each processor, so a connection that nobody
 * reads first holds more than that; then the limits are set far below.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

enum { BALLAST = 4, SEED = 11, OCTETS = 512 * 1024 };

/* TCP's and XTCP's three numbers before the first case, and a file for each, to be locked. */
static char before[2][64];
static int turn[2];

static const char *mem_file(bool xtcp)
{
	return xtcp ? "net/xtcp/mem" : "net/ipv4/tcp_mem";
}

/* In the process that runs the cases, which is in the machine's own namespace. */
static __attribute__((constructor)) void mem_note(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		sysctl_get(mem_file(i), before[i], sizeof(before[i]));
		turn[i] = memfd_create(mem_file(i), 0);
	}
}

/* Also after a case that was killed. */
static __attribute__((destructor)) void mem_restore(void)
{
	int i;

	for (i = 0; i < 2; i++)
		if (before[i][0])
			sysctl_put(mem_file(i), before[i]);
}

/* The three numbers are the machine's: only its own namespace may set them. NULL: as before. */
static int mem_set(const struct xport *t, const char *value)
{
	int own = open("/proc/self/ns/net", O_RDONLY), first = open("/proc/1/ns/net", O_RDONLY);
	int ret = -1;

	if (own >= 0 && first >= 0 && !setns(first, CLONE_NEWNET)) {
		ret = sysctl_put(mem_file(t->xtcp), value ? value : before[t->xtcp]);
		if (setns(own, CLONE_NEWNET))
			ret = -1;
	}
	close(own);
	close(first);
	return ret;
}

/*
 * Begin with the machine's numbers, and alone: the kinds of addresses have one memory. The
 * lock ends with the process.
 */
static int mem_begin(const struct xport *t)
{
	char path[64];
	int fd;

	/* Opened again: the parent's descriptor would be one lock for all its children. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", turn[t->xtcp]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX))
		return -1;
	return mem_set(t, NULL);
}

/* Connections full of what nobody reads. Return: octets in them. */
static long ballast(const struct xport *t, struct pair *p)
{
	long sum = 0;
	int i;

	for (i = 0; i < BALLAST; i++) {
		p[i] = pair_open(t);
		sum += fill_send(p[i].c);
	}
	return sum;
}

static long lighten(struct pair *p)
{
	long sum = 0;
	int i;

	for (i = 0; i < BALLAST; i++) {
		sum += drain(p[i].s);
		pair_close(&p[i]);
	}
	return sum;
}

/* OCTETS each way at the same time. Return: octets that came through unharmed. */
static long exchange(struct pair *p)
{
	static unsigned char out[OCTETS], in[65536];
	long sent[2] = { 0 }, got[2] = { 0 }, end = now_ms() + 60000;
	int fd[2] = { p->c, p->s }, i;

	pattern_fill(out, sizeof(out), 0, SEED);
	while (got[0] + got[1] < 2L * OCTETS && now_ms() < end) {
		for (i = 0; i < 2; i++) {
			ssize_t n = send(fd[i], out + sent[i], OCTETS - sent[i],
					 MSG_DONTWAIT | MSG_NOSIGNAL);

			if (n > 0)
				sent[i] += n;
			else if (n < 0 && errno != EAGAIN)
				return -errno;
			n = recv(fd[i], in, sizeof(in), MSG_DONTWAIT);
			if (n > 0 && pattern_check(in, n, got[i], SEED))
				return got[i];
			if (n > 0)
				got[i] += n;
			else if (!n || errno != EAGAIN)
				return got[i];
		}
		ready_within(p->c, POLLIN, 5);
	}
	return got[0] + got[1];
}

static void both_ways(const struct xport *t)
{
	struct pair heavy[BALLAST], p, q;
	long octets, entered;

	NEED(mem_begin(t));
	p = pair_open(t);
	q = pair_open(t);
	IS(exchange(&p), 2 * OCTETS);
	octets = ballast(t, heavy);
	TRUE(octets > 2 << 20);
	IS(mem_set(t, "1 2 3"), 0);
	IS(exchange(&p), 2 * OCTETS);
	IS(exchange(&q), 2 * OCTETS);
	/* Often none: each processor has a little to give out before the limit is looked at. */
	entered = counter(t, "MemoryPressures");
	/* Enough again: the first who asks finds out. */
	IS(mem_set(t, NULL), 0);
	IS(lighten(heavy) == octets, 1);
	IS(exchange(&p), 2 * OCTETS);
	IS(counter(t, "MemoryPressures") == entered, 1);
	/* Buffers that were cut down grow again. */
	TRUE(get_int(p.c, SOL_SOCKET, SO_SNDBUF) > 60000);
	TRUE(get_int(q.c, SOL_SOCKET, SO_RCVBUF) >= 131072);
	pair_close(&p);
	pair_close(&q);
}

/* A writer beyond the limit waits or is sent away as if its own buffer were full. */
static void writer_at_the_limit(const struct xport *t)
{
	struct pair heavy[BALLAST], p;
	long octets;
	char c[4096] = { 0 };

	NEED(mem_begin(t));
	p = pair_open(t);
	octets = ballast(t, heavy);
	IS(mem_set(t, "1 2 3"), 0);
	octets = fill_send(p.c);
	TRUE(octets > 0 && octets < 1 << 20);
	IS(send(p.c, c, sizeof(c), MSG_DONTWAIT | MSG_NOSIGNAL), -EAGAIN);
	set_int(p.c, SOL_SOCKET, SO_SNDBUF, 1 << 20);
	/* Leave to write is leave to write a little. */
	IS(drain(p.s) == octets, 1);
	EV_IS(ready_within(p.c, POLLOUT, 3000) & POLLOUT, POLLOUT);
	TRUE(send(p.c, c, sizeof(c), MSG_DONTWAIT | MSG_NOSIGNAL) > 0);
	IS(mem_set(t, NULL), 0);
	lighten(heavy);
	pair_close(&p);
}

/* What is closed with much to send is given up, and its peer is told; little is sent. */
static void orphans(const struct xport *t)
{
	struct pair heavy[BALLAST], p, q;
	char c[100] = { 0 };

	NEED(mem_begin(t));
	p = pair_open(t);
	q = pair_open(t);
	ballast(t, heavy);
	IS(counter(t, "AbortOnMemory"), 0);
	TRUE(fill_send(p.c) > 100000);
	IS(send(q.c, c, sizeof(c), 0), sizeof(c));
	IS(mem_set(t, "1 2 3"), 0);
	IS(close(q.c), 0);
	IS(counter(t, "AbortOnMemory"), 0);
	IS(drain(q.s), sizeof(c));
	IS(recv(q.s, c, 1, MSG_DONTWAIT), 0);
	IS(close(p.c), 0);
	IS(counter(t, "AbortOnMemory"), 1);
	/* The reset may wait for a busy machine's softirqs. */
	EV_IS(ready_within(p.s, 0, 3000) & POLLERR, POLLERR);
	IS(so_error(p.s), -ECONNRESET);
	TRUE(drain(p.s) > 0);
	IS(mem_set(t, NULL), 0);
	lighten(heavy);
	close(p.s);
	close(p.l);
	close(q.s);
	close(q.l);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("data in both directions, and afterwards", both_ways, ON_BOTH, 11, 240),
	CASE_SECONDS("a writer at the limit", writer_at_the_limit, ON_BOTH, 6, 120),
	CASE_SECONDS("orphans", orphans, ON_BOTH, 11, 120),
};

/*
 * The limit is kept to what each processor has in hand, and buffers are larger in a kernel
 * that looks for faults: there TCP itself does not reach it as the last two want.
 */
int main(int argc, char **argv)
{
	size_t count = sizeof(cases) / sizeof(cases[0]);

	if (slow_kernel())
		count = 1;
	return oracle_main(argc, argv, "Short of memory: XTCP compared with TCP", cases, count);
}
