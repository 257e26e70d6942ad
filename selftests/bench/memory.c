// SPDX-License-Identifier: GPL-2.0
/* What connections and TIME-WAITs cost the kernel in memory. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"

#define SPARE_FDS	64
#define WARM		300

static long long meminfo(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "r");
	long long sum = 0, kib;
	char line[128], field[64];

	if (!f)
		fail("/proc/meminfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %lld", field, &kib) == 2 && !strcmp(field, name))
			sum = kib * 1024;
	fclose(f);
	return sum;
}

/* Add @octets to what @name holds. */
static void add(struct memory *m, const char *name, long long octets)
{
	struct cache *c;

	for (c = m->caches; c < m->caches + m->count && strcmp(c->name, name); c++)
		;
	if (c == m->caches + MEMORY_CACHES)
		fail("more than %d caches", MEMORY_CACHES);
	if (c == m->caches + m->count) {
		m->count++;
		snprintf(c->name, sizeof(c->name), "%s", name);
	}
	c->octets += octets;
}

/*
 * Objects in use with their share of the slabs they lie in, and what is too large for a slab. The
 * kernel keeps empty places for later, which are nobody's.
 */
static void add_slabs(struct memory *m)
{
	long long used, total, size, per_slab, pages, count, page = sysconf(_SC_PAGESIZE);
	long long all_pages = 0;
	FILE *f = fopen("/proc/slabinfo", "r");
	char line[512], name[64];

	if (!f)
		fail("/proc/slabinfo");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line,
			   "%63s %lld %lld %lld %lld %lld : tunables %*d %*d %*d : slabdata %*d %lld",
			   name, &used, &total, &size, &per_slab, &pages, &count) != 7)
			continue;
		add(m, name, used * pages * page / per_slab);
		all_pages += count * pages;
	}
	fclose(f);
	add(m, "larger pieces", meminfo("Slab") - all_pages * page);
}

static long long queues(const char *transport)
{
	const char *protocol = !strcmp(transport, "unix") ? "UNIX-STREAM" : transport;
	char line[256], name[64];
	FILE *f = fopen("/proc/net/protocols", "r");
	long long pages = 0, found;

	if (!f)
		fail("/proc/net/protocols");
	/* Both IP versions share one account. */
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%63s %*d %*d %lld", name, &found) == 2 &&
		    !strcasecmp(name, protocol) && found > 0)
			pages = found;
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

/* What the kernel holds now, counted to @m, or, with @sign -1, away from it. */
static void count(struct memory *m, const struct place *p, int sign)
{
	struct timespec settle = { .tv_sec = 2 };
	static struct memory now;
	int i;

	/* What is freed behind a grace period has to be gone. */
	nanosleep(&settle, NULL);
	now.count = 0;
	memset(now.caches, 0, sizeof(now.caches));
	add_slabs(&now);
	add(&now, "vmalloc", meminfo("VmallocUsed"));
	add(&now, "per CPU", meminfo("Percpu"));
	for (i = 0; i < now.count; i++) {
		add(m, now.caches[i].name, sign * now.caches[i].octets);
		m->kernel += sign * now.caches[i].octets;
	}
	m->queues += sign * queues(p->transport->name);
}

/* The table of open files grows before anything is measured. */
static void room_for(int fds)
{
	struct rlimit most = { fds + SPARE_FDS, fds + SPARE_FDS };

	if (setrlimit(RLIMIT_NOFILE, &most) || dup2(0, fds + SPARE_FDS - 1) < 0)
		fail("no room for %d descriptors", fds);
	close(fds + SPARE_FDS - 1);
}

static void byte_out(int fd)
{
	if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
		fail("send");
}

static bool byte_in(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, 0);

	if (n < 0)
		fail("recv");
	return n;
}

/* The server, in a child: answers a byte on each connection, and keeps it open or waits for its end. */
static void serve(const struct place *p, int n, bool keep, int up)
{
	int listener, fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(p->peer);
	room_for(keep ? n : 0);
	listener = place_listen(p, 0);
	if (write(up, "", 1) != 1)
		fail("pipe");
	while (n--) {
		fd = place_accept(listener);
		byte_in(fd);
		byte_out(fd);
		if (keep)
			continue;
		byte_in(fd);
		close(fd);
	}
	pause();
}

static void start(const struct place *p, int n, bool keep)
{
	int up[2];
	pid_t child;
	char c;

	if (pipe(up))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child)
		serve(p, n, keep, up[1]);
	close(up[1]);
	if (read(up[0], &c, 1) != 1)
		fail("the server did not start");
}

/* One connection, a byte each way. */
static int visit(const struct place *p)
{
	int fd = place_connect(p, 0);

	byte_out(fd);
	byte_in(fd);
	return fd;
}

void memory_idle(const struct place *p, int n, struct memory *m)
{
	int i;

	room_for(n);
	start(p, n, true);
	count(m, p, -1);
	for (i = 0; i < n; i++)
		visit(p);
	count(m, p, 1);
}

void memory_timewait(const struct place *p, int n, struct memory *m)
{
	int i;

	start(p, n + WARM, false);
	for (i = 0; i < WARM; i++)
		close(visit(p));
	count(m, p, -1);
	for (i = 0; i < n; i++)
		close(visit(p));
	count(m, p, 1);
}
