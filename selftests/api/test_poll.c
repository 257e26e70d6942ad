// SPDX-License-Identifier: GPL-2.0
/* poll, select and epoll, by level and by edge, in every situation; like TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define ALL_EVENTS (POLLIN | POLLPRI | POLLOUT | POLLRDHUP | POLLRDNORM | POLLRDBAND | \
		    POLLWRNORM | POLLWRBAND | POLLMSG)

/* An epoll instance that watches one socket. */
static int watch(int fd, unsigned int events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = NEED(epoll_create1(0));

	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

/* The events of one epoll_wait(), 0 if none came within @ms. */
static unsigned int edge(int ep, int ms)
{
	struct epoll_event ev = { 0 };

	return epoll_wait(ep, &ev, 1, ms) == 1 ? ev.events : 0;
}

/*
 * All events that come until nothing more does. How many wakeups there are
 * between is a matter of timing, which set of events they tell is not.
 */
static unsigned int edges(int ep, int ms)
{
	unsigned int all = 0, now;

	while ((now = edge(ep, all ? 100 : ms)))
		all |= now;
	return all;
}

static void level_unconnected(const struct xport *t)
{
	int s = NEED(sock(t)), l = NEED(sock_listener(t, 7000, 2)), c;

	EV_IS(ready(s, ALL_EVENTS), POLLOUT | POLLWRNORM | POLLHUP);
	IS(sock_bind(s, addr_loopback(t, 7001)), 0);
	EV_IS(ready(s, ALL_EVENTS), POLLOUT | POLLWRNORM | POLLHUP);
	/* Asking for nothing still tells errors and the end. */
	EV_IS(ready(s, 0), POLLHUP);
	EV_IS(ready(l, ALL_EVENTS), 0);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 7000)), 0);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	EV_IS(ready(l, ALL_EVENTS), POLLIN | POLLRDNORM);
	EV_IS(ready(l, POLLOUT), 0);
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(ready(l, ALL_EVENTS), 0);
	close(s);
	close(l);
	close(c);
}

static void level_connected(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[16];

	EV_IS(ready(p.c, ALL_EVENTS), POLLOUT | POLLWRNORM);
	EV_IS(ready(p.s, ALL_EVENTS), POLLOUT | POLLWRNORM);
	IS(send(p.c, "abc", 3, 0), 3);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	EV_IS(ready(p.s, ALL_EVENTS), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
	IS(recv(p.s, buf, 2, 0), 2);
	EV_IS(ready(p.s, POLLIN), POLLIN);
	IS(recv(p.s, buf, 2, 0), 1);
	EV_IS(ready(p.s, POLLIN), 0);

	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	EV_IS(ready(p.s, ALL_EVENTS),
	      POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP);
	EV_IS(ready(p.c, ALL_EVENTS), POLLOUT | POLLWRNORM);
	IS(shutdown(p.s, SHUT_WR), 0);
	EV_IS(ready_within(p.c, POLLIN, 2000), POLLIN | POLLHUP);
	EV_IS(ready(p.c, ALL_EVENTS),
	      POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
	EV_IS(ready_within(p.s, 0, 2000), POLLHUP);
	EV_IS(ready(p.s, ALL_EVENTS),
	      POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLHUP);
	pair_close(&p);
}

static void level_reset(const struct xport *t)
{
	struct pair p = pair_open(t);

	set_linger(p.s, 1, 0);
	close(p.s);
	EV_IS(ready_within(p.c, 0, 2000), POLLERR | POLLHUP);
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM |
	      POLLERR | POLLHUP | POLLRDHUP);
	IS(so_error(p.c), -ECONNRESET);
	/* The error is gone, the end is not. */
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM |
	      POLLHUP | POLLRDHUP);
	close(p.c);
	close(p.l);
}

static void level_buffer(const struct xport *t)
{
	struct pair p = pair_open(t);
	long sent, got = 0, n;
	char buf[4096];

	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 65536), 0);
	/* The reader's stays what it is: grown by the first read it would take the rest. */
	IS(set_int(p.s, SOL_SOCKET, SO_RCVBUF, 65536), 0);
	sent = fill_send(p.c);
	TRUE(sent > 0);
	EV_IS(ready(p.c, ALL_EVENTS), 0);
	/* One small read frees too little to be worth a wakeup. */
	n = recv(p.s, buf, 100, 0);
	IS(n, 100);
	EV_IS(ready_within(p.c, POLLOUT, 100), 0);
	got = n + drain(p.s);
	IS(got - sent, 0);
	EV_IS(ready_within(p.c, POLLOUT, 2000), POLLOUT);
	pair_close(&p);
}

static void selects(const struct xport *t)
{
	struct timeval tv = { 0 };
	struct pair p = pair_open(t);
	fd_set in, out, ex;
	int max = (p.c > p.s ? p.c : p.s) + 1;

	if (p.l >= max)
		max = p.l + 1;
	IS(send(p.c, "x", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	FD_ZERO(&in);
	FD_SET(p.c, &in);
	FD_SET(p.s, &in);
	FD_SET(p.l, &in);
	out = ex = in;
	IS(select(max, &in, &out, &ex, &tv), 3);
	TRUE(FD_ISSET(p.s, &in) && !FD_ISSET(p.c, &in) && !FD_ISSET(p.l, &in));
	TRUE(FD_ISSET(p.s, &out) && FD_ISSET(p.c, &out) && !FD_ISSET(p.l, &out));
	TRUE(!FD_ISSET(p.s, &ex) && !FD_ISSET(p.c, &ex) && !FD_ISSET(p.l, &ex));

	/* A reset makes it readable and writable, but is no exception. */
	set_linger(p.s, 1, 0);
	close(p.s);
	EV_IS(ready_within(p.c, 0, 2000), POLLERR | POLLHUP);
	FD_ZERO(&in);
	FD_SET(p.c, &in);
	out = ex = in;
	IS(select(max, &in, &out, &ex, &tv), 2);
	TRUE(FD_ISSET(p.c, &in) && FD_ISSET(p.c, &out) && !FD_ISSET(p.c, &ex));
	close(p.c);
	close(p.l);
}

static void edge_reading(const struct xport *t)
{
	struct pair p = pair_open(t);
	int ep = watch(p.s, EPOLLIN | EPOLLRDHUP | EPOLLET);
	char buf[16];

	EV_IS(edge(ep, 0), 0);
	IS(send(p.c, "ab", 2, 0), 2);
	EV_IS(edge(ep, 2000), EPOLLIN);
	/* Once for each arrival, whether it was read or not. */
	EV_IS(edge(ep, 50), 0);
	IS(recv(p.s, buf, 1, 0), 1);
	EV_IS(edge(ep, 50), 0);
	IS(send(p.c, "c", 1, 0), 1);
	EV_IS(edge(ep, 2000), EPOLLIN);
	EV_IS(edge(ep, 50), 0);
	IS(recv(p.s, buf, 16, 0), 2);
	EV_IS(edge(ep, 50), 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(edges(ep, 2000), EPOLLIN | EPOLLRDHUP);
	EV_IS(edge(ep, 50), 0);
	IS(recv(p.s, buf, 1, 0), 0);
	EV_IS(edge(ep, 50), 0);
	close(ep);
	pair_close(&p);
}

static void edge_writing(const struct xport *t)
{
	struct pair p = pair_open(t);
	int ep = watch(p.c, EPOLLOUT | EPOLLET);
	long sent;

	EV_IS(edge(ep, 0), EPOLLOUT);
	EV_IS(edge(ep, 50), 0);
	IS(send(p.c, "x", 1, 0), 1);
	SAW(recv(p.s, (char[1]){ 0 }, 1, 0));
	EV_IS(edge(ep, 50), 0);
	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 65536), 0);
	sent = fill_send(p.c);
	TRUE(sent > 0);
	edges(ep, 0);
	EV_IS(edge(ep, 50), 0);
	IS(drain(p.s) - sent, 0);
	/* Room again after a refused send: one edge at least. */
	EV_IS(edges(ep, 2000), EPOLLOUT);
	close(ep);
	pair_close(&p);
}

static void edge_listening(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7010, 8)), c1 = NEED(sock(t)), c2 = NEED(sock(t));
	int ep = watch(l, EPOLLIN | EPOLLET);

	EV_IS(edge(ep, 0), 0);
	IS(sock_connect(c1, addr_loopback(t, 7010)), 0);
	EV_IS(edge(ep, 2000), EPOLLIN);
	EV_IS(edge(ep, 50), 0);
	IS(sock_connect(c2, addr_loopback(t, 7010)), 0);
	EV_IS(edge(ep, 2000), EPOLLIN);
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(edge(ep, 50), 0);
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(edge(ep, 50), 0);
	close(c1);
	close(c2);
	close(l);
}

static void edge_connecting(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7020, 0)), filler = NEED(sock(t));
	int c = NEED(sock_flags(t, SOCK_NONBLOCK)), ep;

	ep = watch(c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	/* Before connect(): what an unconnected socket is. */
	EV_IS(edge(ep, 0), EPOLLOUT | EPOLLHUP);
	IS(sock_connect(filler, addr_loopback(t, 7020)), 0);
	IS(sock_connect(c, addr_loopback(t, 7020)), -EINPROGRESS);
	EV_IS(edge(ep, 100), 0);
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(edges(ep, 5000), EPOLLOUT);
	close(ep);
	close(c);
	close(l);

	/* Refused */
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	ep = watch(c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	EV_IS(edge(ep, 0), EPOLLOUT | EPOLLHUP);
	SAW(sock_connect(c, addr_loopback(t, 7021)));
	EV_IS(edges(ep, 2000), EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
	IS(so_error(c), -ECONNREFUSED);
	close(c);
	close(filler);
}

static void edge_reset(const struct xport *t)
{
	struct pair p = pair_open(t);
	int ep = watch(p.c, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET);

	EV_IS(edge(ep, 0), EPOLLOUT);
	set_linger(p.s, 1, 0);
	close(p.s);
	EV_IS(edges(ep, 2000), EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDHUP);
	EV_IS(edge(ep, 50), 0);
	close(p.c);
	close(p.l);
}

/* What shutdown() on the own side tells an epoll that already watches. */
static void edge_own_shutdown(const struct xport *t)
{
	struct pair p = pair_open(t);
	int ep = watch(p.c, EPOLLIN | EPOLLRDHUP | EPOLLET);
	int l = NEED(sock_listener(t, 7030, 2)), epl = watch(l, EPOLLIN | EPOLLET);

	EV_IS(edge(ep, 0), 0);
	IS(shutdown(p.c, SHUT_RD), 0);
	EV_IS(edges(ep, 2000), EPOLLIN | EPOLLRDHUP);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(edges(ep, 2000), EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	EV_IS(edge(epl, 0), 0);
	IS(shutdown(l, SHUT_RD), 0);
	EV(edges(epl, 500));
	close(l);
	pair_close(&p);
}

static void oneshot(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	int ep = watch(p.s, EPOLLIN | EPOLLONESHOT);

	IS(send(p.c, "a", 1, 0), 1);
	EV_IS(edge(ep, 2000), EPOLLIN);
	EV_IS(edge(ep, 50), 0);
	IS(send(p.c, "b", 1, 0), 1);
	EV_IS(edge(ep, 50), 0);
	IS(epoll_ctl(ep, EPOLL_CTL_MOD, p.s, &ev), 0);
	EV_IS(edge(ep, 2000), EPOLLIN);
	EV_IS(edge(ep, 50), 0);
	ev.events = EPOLLOUT | EPOLLONESHOT;
	IS(epoll_ctl(ep, EPOLL_CTL_MOD, p.s, &ev), 0);
	EV_IS(edge(ep, 2000), EPOLLOUT);
	EV_IS(edge(ep, 50), 0);
	IS(epoll_ctl(ep, EPOLL_CTL_DEL, p.s, NULL), 0);
	EV_IS(edge(ep, 50), 0);
	/* Closing a watched socket takes it out by itself. */
	ev.events = EPOLLIN;
	IS(epoll_ctl(ep, EPOLL_CTL_ADD, p.s, &ev), 0);
	close(p.s);
	EV_IS(edge(ep, 50), 0);
	close(ep);
	close(p.c);
	close(p.l);
}

/* Many bytes, reader and writer both driven by edges only: no edge is lost. */
static void edge_driven_transfer(const struct xport *t)
{
	enum { SIZE = 4 << 20 };
	static char out[SIZE], in[SIZE];
	struct pair p = pair_open(t);
	int ep = NEED(epoll_create1(0));
	struct epoll_event ev;
	long sent = 0, got = 0, n;
	bool stuck = false;

	pattern_fill(out, SIZE, 0, 5);
	NEED(set_nonblock(p.c, true));
	NEED(set_nonblock(p.s, true));
	ev.events = EPOLLOUT | EPOLLET;
	ev.data.fd = p.c;
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, p.c, &ev));
	ev.events = EPOLLIN | EPOLLET;
	ev.data.fd = p.s;
	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, p.s, &ev));
	while (got < SIZE && !stuck) {
		if (epoll_wait(ep, &ev, 1, 5000) != 1) {
			stuck = true;
		} else if (ev.data.fd == p.c) {
			while ((n = send(p.c, out + sent, SIZE - sent, 0)) > 0)
				sent += n;
		} else {
			while ((n = recv(p.s, in + got, SIZE - got, 0)) > 0)
				got += n;
		}
	}
	IS(stuck, 0);
	IS(sent, SIZE);
	IS(got, SIZE);
	IS(pattern_check(in, SIZE, 0, 5), 0);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("poll before a connection", level_unconnected, ON_ALL, 11),
	CASE("poll of a connection and its end", level_connected, ON_ALL, 18),
	CASE("poll after a reset", level_reset, ON_ALL, 4),
	CASE("poll and a full buffer", level_buffer, ON_BOTH, 7),
	CASE("select", selects, ON_BOTH, 8),
	CASE("epoll edges of a reader", edge_reading, ON_ALL, 15),
	CASE("epoll edges of a writer", edge_writing, ON_BOTH, 9),
	CASE("epoll edges of a listener", edge_listening, ON_BOTH, 10),
	CASE("epoll edges of connect", edge_connecting, ON_BOTH, 10),
	CASE("epoll edges of a reset", edge_reset, ON_BOTH, 3),
	CASE("epoll edges of the own shutdown", edge_own_shutdown, ON_BOTH, 8),
	CASE("EPOLLONESHOT", oneshot, ON_BOTH, 14),
	CASE("a transfer driven by edges", edge_driven_transfer, ON_BOTH, 4),
};

ORACLE_MAIN("poll, select and epoll compared with TCP", cases)
