// SPDX-License-Identifier: GPL-2.0
/* 2,000 connections at once, every byte of each compared; like TCP. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* TIME-WAIT of the first must not be over before the last has come there. */
#define CONNECTIONS	(slow_kernel() ? 500 : ALL)

enum { ALL = 2000, MOST = 6000 };

/* Different for each connection and direction, to notice any mixture. */
static int length_of(int i, int direction)
{
	return 1 + i % 37 * 150 + direction * 100;
}

static void raise_limits(void)
{
	struct rlimit r = { 3 * CONNECTIONS, 3 * CONNECTIONS };

	NEED(setrlimit(RLIMIT_NOFILE, &r));
	NEED(sysctl_put("net/core/somaxconn", "4096"));
}

/* Sends the pattern of connection @i; 1 if all of it was taken. */
static int send_pattern(int fd, int i, int direction)
{
	static char buf[MOST];
	int len = length_of(i, direction);

	pattern_fill(buf, len, 0, 2 * i + direction);
	return send(fd, buf, len, 0) == len;
}

/* Reads it at the other end up to the end of the stream; 1 if all is right. */
static int recv_pattern(int fd, int i, int direction)
{
	static char buf[MOST];
	int len = length_of(i, direction);

	return recv(fd, buf, sizeof(buf), MSG_WAITALL) == len &&
	       !pattern_check(buf, len, 0, 2 * i + direction);
}

static void at_once(const struct xport *t)
{
	static int c[ALL], s[ALL];
	int l, i, k, matched = 0, good = 0;
	static struct { int port, index; } by_port[65536];

	raise_limits();
	l = NEED(sock_listener(t, 8200, 4096));
	for (i = 0; i < CONNECTIONS; i++) {
		struct addr a;

		c[i] = NEED(sock(t));
		NEED(sock_connect(c[i], addr_loopback(t, 8200)));
		a = addr_local(c[i]);
		by_port[addr_port(&a)].port = addr_port(&a);
		by_port[addr_port(&a)].index = i;
	}
	IS(proc_count(t, -1, 8200, TCP_ESTABLISHED), CONNECTIONS);
	/* Accepted in any order: the port tells which is which. */
	for (k = 0; k < CONNECTIONS; k++) {
		struct addr a = { .len = sizeof(a.ss) };
		int fd = NEED(accept(l, &a.sa, &a.len));

		i = by_port[addr_port(&a)].index;
		if (by_port[addr_port(&a)].port && !s[i]) {
			s[i] = fd;
			matched++;
		}
	}
	IS(matched, CONNECTIONS);
	/* All of them have data in both directions before anything is read. */
	for (i = 0; i < CONNECTIONS; i++)
		good += send_pattern(c[i], i, 0) + send_pattern(s[i], i, 1);
	IS(good, 2 * CONNECTIONS);
	for (i = 0; i < CONNECTIONS; i++) {
		NEED(shutdown(c[i], SHUT_WR));
		NEED(shutdown(s[i], SHUT_WR));
	}
	good = 0;
	for (i = CONNECTIONS - 1; i >= 0; i--)
		good += recv_pattern(s[i], i, 0) + recv_pattern(c[i], i, 1);
	IS(good, 2 * CONNECTIONS);
	for (i = 0; i < CONNECTIONS; i++) {
		close(c[i]);
		close(s[i]);
	}
	IS(proc_becomes(t, -1, 8200, TCP_ESTABLISHED, 0), 0);
	IS(proc_becomes(t, -1, 8200, TCP_TIME_WAIT, CONNECTIONS), CONNECTIONS);
	close(l);
}

/* The same number one after the other, as quickly as it goes. */
static void in_a_row(const struct xport *t)
{
	int l, i, good = 0;

	raise_limits();
	l = NEED(sock_listener(t, 8201, 16));
	for (i = 0; i < CONNECTIONS / 2; i++) {
		int c = NEED(sock(t)), s;

		NEED(sock_connect(c, addr_loopback(t, 8201)));
		good += send_pattern(c, i, 0);
		NEED(shutdown(c, SHUT_WR));
		s = NEED(accept(l, NULL, NULL));
		good += recv_pattern(s, i, 0);
		good += send_pattern(s, i, 1);
		close(s);
		good += recv_pattern(c, i, 1);
		close(c);
	}
	IS(good, 2 * CONNECTIONS);
	close(l);
}

/* How many wait for accept(), at last. */
static int waiting_becomes(int l, int want, int ms)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	long end = now_ms() + ms;

	do {
		NEED(getsockopt(l, IPPROTO_TCP, TCP_INFO, &info, &len));
		if ((int)info.tcpi_unacked == want)
			break;
		nap_ms(20);
	} while (now_ms() < end);
	return info.tcpi_unacked;
}

/* Connections that all arrive before the first accept(), reset all together. */
static void reset_together(const struct xport *t)
{
	enum { SOME = 300 };
	/* A SYN that a slow machine's own queue drops comes again after 1, 3 and 7 s. */
	const int patience = slow_kernel() ? 20000 : 5000;
	static int c[SOME];
	int l, i, got = 0, reset = 0;

	raise_limits();
	l = NEED(sock_listener(t, 8202, SOME));
	for (i = 0; i < SOME; i++) {
		c[i] = NEED(sock_flags(t, SOCK_NONBLOCK));
		sock_connect(c[i], addr_loopback(t, 8202));
	}
	for (i = 0; i < SOME; i++)
		got += ready_within(c[i], POLLOUT, patience) == POLLOUT;
	IS(got, SOME);
	/* A client knows of its connection before the listener does. */
	IS(waiting_becomes(l, SOME, patience), SOME);
	close(l);
	for (i = 0; i < SOME; i++) {
		ready_within(c[i], POLLIN, patience);
		reset += so_error(c[i]) && errno == ECONNRESET;
		close(c[i]);
	}
	IS(reset, SOME);
	IS(proc_becomes(t, -1, 8202, -1, 0), 0);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("2,000 connections at once (500 in slow kernels)", at_once, ON_BOTH, 6, 120),
	CASE_SECONDS("1,000 connections in a row (250 in slow kernels)", in_a_row, ON_BOTH, 1, 120),
	CASE("300 reset together", reset_together, ON_BOTH, 3),
};

ORACLE_MAIN("Thousands of connections, every byte compared, over XTCP and TCP", cases)
