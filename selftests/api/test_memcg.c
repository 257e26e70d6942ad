// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of sockets is charged to the control group that they belong to, and given back,
 * compared with TCP: "sock" of memory.stat, by sockets that connected and by accepted ones.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/cgroup.h"
#include "../lib/net.h"
#include "../lib/oracle.h"

/* The statistics of a group are summed up every two seconds. */
#define SETTLE_MS 8000

/* Octets that the group's sockets hold. */
static long held(const char *path)
{
	char name[200], line[200];
	long octets = -1;
	FILE *f;

	snprintf(name, sizeof(name), "%s/memory.stat", path);
	f = fopen(name, "r");
	NEED(f ? 0 : -1);
	while (octets < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, "sock ", 5))
			octets = atol(line + 5);
	fclose(f);
	return octets;
}

/* held() once it is at least @low and at most @high, or after a while. */
static long held_becomes(const char *path, long low, long high)
{
	long end = now_ms() + SETTLE_MS, now;

	do {
		now = held(path);
		if (now >= low && now <= high)
			break;
		nap_ms(50);
	} while (now_ms() < end);
	return now;
}

/* What is not read and not acknowledged is charged; what is, is not. */
static void charged(const struct xport *t)
{
	const char *path = cgroup_open(t);
	struct pair p = pair_open(t);
	long sent;

	sent = fill_send(p.c);
	TRUE(sent > 100000);
	TRUE(held_becomes(path, sent, 64 << 20) >= sent);
	IS(drain(p.s) - sent, 0);
	pair_close(&p);
	IS(held_becomes(path, 0, 0), 0);
	IS(cgroup_close(path), 0);
}

/* One end in the group, the other outside: each pays for its own queue. */
static void one_end(const struct xport *t, bool accepted)
{
	int l = NEED(sock_listener(t, 7840, 4)), c = NEED(sock(t)), in, out;
	const char *path;
	long sent;

	/* The listener, and so what it accepts, or the connecting one is made within. */
	if (accepted)
		close(l);
	else
		close(c);
	path = cgroup_open(t);
	if (accepted)
		l = NEED(sock_listener(t, 7841, 4));
	else
		c = NEED(sock(t));
	if (accepted) {
		NEED(sock_connect(c, addr_loopback(t, 7841)));
		in = NEED(accept(l, NULL, NULL));
		out = c;
	} else {
		NEED(sock_connect(c, addr_loopback(t, 7840)));
		out = NEED(accept(l, NULL, NULL));
		in = c;
	}
	/* What the group's end has to send. */
	sent = fill_send(in);
	TRUE(held_becomes(path, 50000, 64 << 20) >= 50000);
	IS(drain(out) - sent, 0);
	/* What it does not read. */
	NEED(held_becomes(path, 0, 200000));
	sent = fill_send(out);
	TRUE(held_becomes(path, 50000, 64 << 20) >= 50000);
	IS(drain(in) - sent, 0);
	close(in);
	close(out);
	close(l);
	IS(held_becomes(path, 0, 0), 0);
	IS(cgroup_close(path), 0);
}

static void connecting_end(const struct xport *t)
{
	one_end(t, false);
}

static void accepting_end(const struct xport *t)
{
	one_end(t, true);
}

/* A group without memory stops its writer early; the connection lives on. */
static void limited(const struct xport *t)
{
	const char *path = cgroup_open(t);
	struct pair p = pair_open(t);
	static char big[1 << 20];
	long sent = 0, got = 0, n;

	cgroup_put(path, "memory.max", "8M");
	NEED(set_nonblock(p.c, true));
	while (sent < 16 << 20) {
		n = send(p.c, big, sizeof(big), MSG_DONTWAIT);
		if (n > 0)
			sent += n;
		got += n = drain(p.s);
		if (!n)
			break;
	}
	IS(got - sent, 0);
	TRUE(sent >= 16 << 20);
	pair_close(&p);
	IS(held_becomes(path, 0, 0), 0);
	IS(cgroup_close(path), 0);
}

/* SO_RESERVE_MEM charges beforehand, and again gives back. */
static void reserved(const struct xport *t)
{
	const char *path = cgroup_open(t);
	int s = NEED(sock(t));

	IS(set_int(s, SOL_SOCKET, SO_RESERVE_MEM, 1 << 20), 0);
	IS(get_int(s, SOL_SOCKET, SO_RESERVE_MEM), 1 << 20);
	TRUE(held_becomes(path, 1 << 20, 2 << 20) >= 1 << 20);
	IS(set_int(s, SOL_SOCKET, SO_RESERVE_MEM, 1 << 16), 0);
	TRUE(held_becomes(path, 1 << 16, 1 << 18) <= 1 << 18);
	close(s);
	IS(held_becomes(path, 0, 0), 0);
	IS(cgroup_close(path), 0);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("both ends", charged, ON_BOTH, 5, 60),
	CASE_SECONDS("the end that connects", connecting_end, ON_BOTH, 6, 60),
	CASE_SECONDS("the end that accepts", accepting_end, ON_BOTH, 6, 60),
	CASE_SECONDS("SO_RESERVE_MEM", reserved, ON_BOTH, 7, 60),
	CASE_SECONDS("a group with little memory", limited, ON_BOTH, 4, 60),
};

ORACLE_MAIN("Socket memory of control groups compared with TCP", cases)
