// SPDX-License-Identifier: GPL-2.0
/*
 * Many connections: 10,000 that echo at once, 20,000 one after the other, and a range of ports
 * that TIME-WAIT uses up; like TCP, but for the time that TIME-WAIT takes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define AT_ONCE		(slow_kernel() ? 300 : 10000)
#define IN_A_ROW	(slow_kernel() ? 500 : 20000)
#define PORTS		(slow_kernel() ? 40 : 200)

enum { PORT = 8600, BACKLOG = 4096, MOST = 10000, ROUNDS = 2, EVENTS = 256, LONGEST = 400 };

/* What the server tells the client. */
struct shared {
	int accepted;
};

static void raise_limits(void)
{
	struct rlimit r = { 3 * MOST, 3 * MOST };

	NEED(setrlimit(RLIMIT_NOFILE, &r));
	NEED(sysctl_put("net/core/somaxconn", "4096"));
}

static void watch(int ep, int fd, unsigned int data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = data };

	NEED(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
}

/* Accept what is there; all of it is echoed from then on. */
static void serve_new(int ep, int l, struct shared *sh)
{
	int fd;

	while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		watch(ep, fd, fd);
		__atomic_add_fetch(&sh->accepted, 1, __ATOMIC_SEQ_CST);
	}
}

/* In a process of its own, until it is killed. */
static void serve(int l, struct shared *sh)
{
	struct epoll_event ev[EVENTS];
	int ep = NEED(epoll_create1(0)), i, n;
	char buf[LONGEST];

	NEED(set_nonblock(l, true));
	watch(ep, l, l);
	for (;;) {
		n = epoll_wait(ep, ev, EVENTS, -1);
		for (i = 0; i < n; i++) {
			int fd = ev[i].data.u32;
			ssize_t len;

			if (fd == l) {
				serve_new(ep, l, sh);
				continue;
			}
			len = recv(fd, buf, sizeof(buf), 0);
			if (len <= 0)
				close(fd);
			else
				NEED(send(fd, buf, len, MSG_NOSIGNAL) == len ? 0 : -1);
		}
	}
}

static int length_of(int i, int round)
{
	return 1 + (i * 7 + round * 31) % LONGEST;
}

/* Each connection says something else; all of them wait for their echo at once. */
static int echo_round(int ep, const int *c, int count, int round, int *missing)
{
	struct epoll_event ev[EVENTS];
	char buf[LONGEST];
	int i, n, good = 0, left = 0;
	long end = now_ms() + (slow_kernel() ? 600000 : 120000);

	for (i = 0; i < count; i++) {
		missing[i] = length_of(i, round);
		pattern_fill(buf, missing[i], 0, i + round);
		if (send(c[i], buf, missing[i], MSG_NOSIGNAL) == missing[i])
			left++;
	}
	while (left && now_ms() < end) {
		n = epoll_wait(ep, ev, EVENTS, 1000);
		while (n-- > 0) {
			int len;

			i = ev[n].data.u32;
			len = recv(c[i], buf, sizeof(buf), MSG_DONTWAIT);
			if (len <= 0 || len > missing[i] ||
			    pattern_check(buf, len, length_of(i, round) - missing[i], i + round))
				return good;
			missing[i] -= len;
			if (!missing[i]) {
				good++;
				left--;
			}
		}
	}
	return good;
}

static void at_once(const struct xport *t)
{
	static int c[MOST], missing[MOST];
	int l, i, ep, count = AT_ONCE, opened = 0;
	struct shared *sh;
	pid_t pid;

	raise_limits();
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(sh == MAP_FAILED ? -1 : 0);
	l = NEED(sock_listener(t, PORT, BACKLOG));
	pid = NEED(fork());
	if (!pid) {
		serve(l, sh);
		_exit(0);
	}
	close(l);
	ep = NEED(epoll_create1(0));
	for (i = 0; i < count; i++) {
		c[i] = NEED(sock(t));
		if (!sock_connect(c[i], addr_loopback(t, PORT)))
			opened++;
		watch(ep, c[i], i);
	}
	IS(opened == count, 1);
	for (i = 0; i < 3000 && __atomic_load_n(&sh->accepted, __ATOMIC_SEQ_CST) < count; i++)
		nap_ms(10);
	IS(sh->accepted == count, 1);
	IS(proc_count(t, -1, PORT, TCP_ESTABLISHED) == count, 1);
	for (i = 0; i < ROUNDS; i++)
		IS(echo_round(ep, c, count, i, missing) == count, 1);
	for (i = 0; i < count; i++)
		close(c[i]);
	IS(proc_becomes(t, -1, PORT, TCP_ESTABLISHED, 0), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* One connection, closed from this side first. Return: 0 or -errno of connect(). */
static int open_and_close(const struct xport *t, int l)
{
	int c = NEED(sock(t)), s, err = 0;
	char x;

	if (sock_connect(c, addr_loopback(t, PORT))) {
		err = -errno;
		close(c);
		return err;
	}
	s = NEED(accept(l, NULL, NULL));
	close(c);
	if (recv(s, &x, 1, 0))
		err = -EIO;
	close(s);
	return err;
}

/* XTCP with a thousand ports and TIME-WAIT of 2 ms, TCP with all that it has. */
static void in_a_row(const struct xport *t)
{
	int l, i, good = 0, count = IN_A_ROW;

	raise_limits();
	if (t->xtcp) {
		NEED(sysctl_put("net/xtcp/msl", "1"));
		NEED(sysctl_put("net/ipv4/ip_local_port_range", "40000 40999"));
	}
	l = NEED(sock_listener(t, PORT, 16));
	for (i = 0; i < count; i++)
		good += !open_and_close(t, l);
	IS(good == count, 1);
	close(l);
}

/* With the usual MSL each close costs a port for a minute, and then there is none. */
static void used_up(const struct xport *t)
{
	char range[32];
	int l, i, good = 0;

	snprintf(range, sizeof(range), "40000 %d", 40000 + PORTS - 1);
	NEED(sysctl_put("net/ipv4/ip_local_port_range", range));
	if (!t->xtcp)
		NEED(sysctl_put("net/ipv4/tcp_tw_reuse", "0"));
	l = NEED(sock_listener(t, PORT, 16));
	for (i = 0; i < PORTS; i++)
		good += !open_and_close(t, l);
	IS(good, PORTS);
	IS(proc_becomes(t, -1, PORT, TCP_TIME_WAIT, PORTS), PORTS);
	IS(open_and_close(t, l), -EADDRNOTAVAIL);
	/* Another destination has ports of its own. */
	close(l);
	i = NEED(sock(t));
	IS(sock_connect(i, addr_loopback(t, PORT + 1)), -ECONNREFUSED);
	close(i);
}

static const struct oracle_case cases[] = {
	CASE_SECONDS("10,000 connections echo at once (300 in slow kernels)", at_once, ON_BOTH, 6,
		     300),
	CASE_SECONDS("20,000 connections in a row (500 in slow kernels)", in_a_row, ON_BOTH, 1, 300),
	CASE_SECONDS("a range of ports used up by TIME-WAIT", used_up, ON_BOTH, 4, 60),
};

ORACLE_MAIN("Tens of thousands of connections: XTCP compared with TCP", cases)
