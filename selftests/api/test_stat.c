// SPDX-License-Identifier: GPL-2.0
/* The counters of /proc/net/xtcp_stat count what TCP's of the same name count. */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* The counter once it is @want, or what it is after two seconds. */
static long counts(const struct xport *t, const char *name, long want)
{
	long value = counter(t, name);
	int i;

	for (i = 0; i < 200 && value != want; i++) {
		nap_ms(10);
		value = counter(t, name);
	}
	return value;
}

static void nothing_yet(const struct xport *t)
{
	static const char *const name[] = {
		"ActiveOpens", "PassiveOpens", "AttemptFails", "EstabResets", "InSegs",
		"OutSegs", "RetransSegs", "InErrs", "OutRsts", "InCsumErrors",
		"ListenOverflows", "ListenDrops", "AbortOnData", "AbortOnClose",
		"AbortOnTimeout", "AbortOnLinger", "KeepAlive", "TW", "DelayedACKs",
		"BacklogDrop", "MemoryPressures",
	};
	size_t i;

	/* Each namespace counts its own, and all of these exist. */
	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		oracle_text("counter", "%s", name[i]);
		IS(counter(t, name[i]), 0);
	}
}

static void opens(const struct xport *t)
{
	struct pair p = pair_open(t);
	int c = NEED(sock(t));

	IS(counts(t, "ActiveOpens", 1), 1);
	IS(counts(t, "PassiveOpens", 1), 1);
	IS(counter(t, "AttemptFails"), 0);
	IS(counter(t, "OutRsts"), 0);
	IS(sock_connect(c, addr_loopback(t, 1)), -ECONNREFUSED);
	IS(counts(t, "ActiveOpens", 2), 2);
	IS(counts(t, "AttemptFails", 1), 1);
	IS(counts(t, "OutRsts", 1), 1);
	IS(counter(t, "EstabResets"), 0);
	IS(counter(t, "RetransSegs"), 0);
	IS(counter(t, "InErrs"), 0);
	IS(send(p.c, "x", 1, 0), 1);
	TRUE(counter(t, "InSegs") >= 5 && counter(t, "InSegs") < 20);
	TRUE(counter(t, "OutSegs") >= 4 && counter(t, "OutSegs") < 20);
	close(c);
	pair_close(&p);
}

static void aborts(const struct xport *t)
{
	struct pair p = pair_open(t);

	set_linger(p.c, 1, 0);
	close(p.c);
	EV(ready_within(p.s, POLLRDHUP, 2000));
	IS(counts(t, "AbortOnData", 1), 1);
	IS(counts(t, "OutRsts", 1), 1);
	IS(counts(t, "EstabResets", 2), 2);
	close(p.s);

	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	IS(send(p.c, "unread", 6, 0), 6);
	EV(ready_within(p.s, POLLIN, 2000));
	close(p.s);
	EV(ready_within(p.c, POLLRDHUP, 2000));
	IS(counts(t, "AbortOnClose", 1), 1);
	IS(counter(t, "AbortOnData"), 1);
	SAW(counts(t, "EstabResets", 4));
	IS(counter(t, "OutRsts"), 2);
	close(p.c);
	close(p.l);
}

static void overflow(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8600, 1)), c[5], i;

	for (i = 0; i < 5; i++) {
		c[i] = NEED(sock_flags(t, SOCK_NONBLOCK));
		sock_connect(c[i], addr_loopback(t, 8600));
	}
	nap_ms(100);
	TRUE(counter(t, "ListenOverflows") >= 3);
	TRUE(counter(t, "ListenDrops") >= counter(t, "ListenOverflows"));
	IS(counter(t, "PassiveOpens"), 2);
	for (i = 0; i < 5; i++)
		close(c[i]);
	close(l);
}

static void timers(const struct xport *t)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	struct pair p = pair_open(t), q = pair_open(t);

	NEED(set_int(p.c, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	NEED(set_int(p.c, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	NEED(set_int(p.c, IPPROTO_TCP, TCP_KEEPCNT, 2));
	NEED(set_int(p.c, SOL_SOCKET, SO_KEEPALIVE, 1));
	NEED(setsockopt(p.s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	NEED(setsockopt(q.s, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	NEED(set_int(q.c, IPPROTO_TCP, TCP_USER_TIMEOUT, 900));
	IS(send(q.c, "unheard", 7, 0), 7);
	EV_IS(ready_within(q.c, POLLRDHUP, 15000), POLLERR | POLLHUP | POLLRDHUP);
	IS(so_error(q.c), -ETIMEDOUT);
	EV_IS(ready_within(p.c, POLLRDHUP, 15000), POLLERR | POLLHUP | POLLRDHUP);
	IS(so_error(p.c), -ETIMEDOUT);
	IS(counter(t, "KeepAlive"), 2);
	IS(counter(t, "AbortOnTimeout"), 2);
	TRUE(counter(t, "RetransSegs") >= 1 && counter(t, "RetransSegs") < 20);
	/* The deaf would send their FIN again and again after the end of this. */
	set_linger(p.s, 1, 0);
	set_linger(q.s, 1, 0);
	pair_close(&p);
	pair_close(&q);
}

/* XTCP only, and so the numbers for TCP are made up: what began has ended. */
static void pairs(const struct xport *t)
{
	static const char *const pair[][2] = {
		{ "SockCreated", "SockDestroyed" }, { "ReqCreated", "ReqDestroyed" },
		{ "TWCreated", "TWDestroyed" }, { "TimerStarted", "TimerEnded" },
	};
	size_t i;
	int k;

	if (t->xtcp)
		NEED(sysctl_put("net/xtcp/msl", "200"));
	for (k = 0; k < 30; k++) {
		struct pair p = pair_open(t);

		if (k % 3 == 0)
			set_linger(p.c, 1, 0);
		if (k % 3 == 1)
			shutdown(p.s, SHUT_WR);
		send(p.c, "x", 1, MSG_NOSIGNAL);
		pair_close(&p);
	}
	nap_ms(1500);
	for (i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		long made = t->xtcp ? counter(t, pair[i][0]) : 1;
		long left = made - (t->xtcp ? counter(t, pair[i][1]) : 1);

		oracle_text("pair", "%s", pair[i][0]);
		TRUE(made > 0);
		IS(left, 0);
	}
}

static const struct oracle_case cases[] = {
	CASE("a new namespace has counted nothing", nothing_yet, ON_BOTH, 42),
	CASE("opening", opens, ON_BOTH, 13),
	CASE("aborting", aborts, ON_BOTH, 11),
	CASE("a full accept queue", overflow, ON_BOTH, 3),
	CASE("time-outs", timers, ON_BOTH, 8),
	CASE("what was created was destroyed", pairs, ON_BOTH, 12),
};

ORACLE_MAIN("The counters of /proc/net/xtcp_stat compared with TCP's", cases)
