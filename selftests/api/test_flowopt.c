// SPDX-License-Identifier: GPL-2.0
/*
 * What the options about the flow of data do, compared with TCP: TCP_INQ, SO_PEEK_OFF,
 * TCP_NOTSENT_LOWAT, TCP_WINDOW_CLAMP, TCP_DEFER_ACCEPT, SO_MAX_PACING_RATE. Their values are
 * test_tcpopt's and test_sockopt's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define LOWAT 4096
#define NONE 12345

/* Read up to @len octets. Return: what TCP_INQ said, NONE without a message of its kind. */
static int read_inq(int fd, size_t len, int flags)
{
	char buf[256], control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	int inq = NONE;

	SAW(recvmsg(fd, &msg, flags));
	SAW(msg.msg_flags);
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_level == IPPROTO_TCP && c->cmsg_type == TCP_CM_INQ)
		memcpy(&inq, CMSG_DATA(c), sizeof(inq));
	return inq;
}

static void inq(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[100] = "";
	struct iovec iov = { buf, 10 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	IS(send(p.c, buf, 100, 0), 100);
	EV_IS(ready_within(p.s, POLLIN, 1000), POLLIN);
	IS(read_inq(p.s, 10, 0), NONE);
	IS(set_int(p.s, IPPROTO_TCP, TCP_INQ, 1), 0);
	IS(read_inq(p.s, 10, MSG_PEEK), 90);
	IS(read_inq(p.s, 10, 0), 80);
	/* No room for it: the octets come, and MSG_CTRUNC. */
	IS(recvmsg(p.s, &msg, 0), 10);
	SAW(msg.msg_flags);
	IS(read_inq(p.s, 200, 0), 0);
	IS(read_inq(p.s, 200, MSG_DONTWAIT), NONE);
	IS(send(p.c, buf, 5, 0), 5);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 1000), POLLRDHUP);
	/* The end of the stream is something to read, too. */
	IS(read_inq(p.s, 5, 0), 1);
	IS(read_inq(p.s, 5, 0), 1);
	IS(set_int(p.s, IPPROTO_TCP, TCP_INQ, 0), 0);
	IS(read_inq(p.s, 5, 0), NONE);
	pair_close(&p);
}

static int unsent(int fd)
{
	int octets = -1;

	NEED(ioctl(fd, SIOCOUTQNSD, &octets));
	return octets;
}

/* A reader that does not read, a writer that fills what it may. Return: octets unsent then. */
static int fill(struct pair *p)
{
	NEED(set_nonblock(p->c, true));
	NEED(set_nonblock(p->s, true));
	NEED(set_int(p->c, SOL_SOCKET, SO_SNDBUF, 200000));
	TRUE(fill_send(p->c) > 0);
	return unsent(p->c);
}

static void notsent_lowat(const struct xport *t)
{
	struct pair p = pair_open(t), q = pair_open(t);
	int most;

	NEED(set_int(p.c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, LOWAT));
	most = fill(&p);
	/* A buffer that was begun is filled: at most that much more. */
	TRUE(most >= LOWAT && most < LOWAT + 65536);
	EV_IS(ready(p.c, POLLOUT), 0);
	IS(send(p.c, "x", 1, 0), -EAGAIN);
	TRUE(fill(&q) > 2 * LOWAT + 65536);
	/* All that the reader takes makes room; half of it unsent is enough to write again. */
	while (unsent(p.c) >= LOWAT / 2) {
		drain(p.s);
		nap_ms(10);
	}
	EV_IS(ready_within(p.c, POLLOUT, 1000), POLLOUT);
	/* Gone: the buffer alone bounds it. */
	fill(&p);
	IS(set_int(p.c, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0), 0);
	TRUE(fill_send(p.c) > 0);
	TRUE(unsent(p.c) > 2 * LOWAT + 65536);
	pair_close(&p);
	pair_close(&q);
}

static int offered(int fd)
{
	struct tcp_info i = { 0 };
	socklen_t len = sizeof(i);

	NEED(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len));
	return i.tcpi_snd_wnd;
}

static void window_clamp(const struct xport *t)
{
	int l = NEED(sock(t)), c = NEED(sock(t)), a;
	char buf[5000] = "";
	int most = 0, i;

	IS(set_int(l, IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000), 0);
	/* A buffer that grows by itself takes TCP's clamp along; XTCP's holds. */
	IS(set_int(l, SOL_SOCKET, SO_RCVBUF, 100000), 0);
	IS(sock_bind(l, addr_loopback(t, 7600)), 0);
	IS(listen(l, 1), 0);
	IS(sock_connect(c, addr_loopback(t, 7600)), 0);
	a = NEED(accept(l, NULL, NULL));
	for (i = 0; i < 100; i++) {
		IS(send(c, buf, sizeof(buf), 0), sizeof(buf));
		IS(recv(a, buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
		if (offered(c) > most)
			most = offered(c);
	}
	TRUE(most > 10000 && most <= 20000);
	/* The other way nothing bounds it. */
	TRUE(offered(a) > 20000);
	IS(get_int(a, IPPROTO_TCP, TCP_WINDOW_CLAMP), 20000);
	IS(set_int(a, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0), -EINVAL);
	IS(set_int(c, IPPROTO_TCP, TCP_WINDOW_CLAMP, 1), 0);
	SAW(get_int(c, IPPROTO_TCP, TCP_WINDOW_CLAMP));
	close(a);
	close(c);
	close(l);
}

static void defer_accept(const struct xport *t)
{
	int l = NEED(sock(t)), c = NEED(sock(t)), d = NEED(sock(t)), a;
	char x = 0;

	IS(set_int(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), 0);
	IS(sock_bind(l, addr_loopback(t, 7601)), 0);
	IS(listen(l, 4), 0);
	IS(sock_connect(c, addr_loopback(t, 7601)), 0);
	EV_IS(ready_within(l, POLLIN, 200), 0);
	IS(send(c, "x", 1, 0), 1);
	EV_IS(ready_within(l, POLLIN, 500), POLLIN);
	a = NEED(accept(l, NULL, NULL));
	IS(recv(a, &x, 1, MSG_DONTWAIT), 1);
	close(a);
	close(c);
	/* Who says nothing comes in when the time is over. */
	IS(sock_connect(d, addr_loopback(t, 7601)), 0);
	EV_IS(ready_within(l, POLLIN, 200), 0);
	EV_IS(ready_within(l, POLLIN, 5000), POLLIN);
	a = NEED(accept(l, NULL, NULL));
	IS(recv(a, &x, 1, MSG_DONTWAIT), -EAGAIN);
	close(a);
	close(d);
	close(l);
}

/* TCP before 6.9 knows no SO_PEEK_OFF: there XTCP is held to what it does since. */
#define PEEKS(known, expr, want) \
	((known) ? IS(expr, want) : (oracle_ret_is(__LINE__, #expr, want, -(want), want), (want)))

/* Look at up to @len octets. Return: how many, and above them the first. */
static long look(int fd, size_t len, int flags)
{
	char buf[100] = "";
	long n = recv(fd, buf, len, flags);

	return n < 0 ? -1 : n + 1000 * buf[0];
}

static int begin(int fd, int at)
{
	return set_int(fd, SOL_SOCKET, SO_PEEK_OFF, at);
}

static int where(int fd)
{
	return get_int(fd, SOL_SOCKET, SO_PEEK_OFF);
}

static void peek_off(const struct xport *t)
{
	struct pair p = pair_open(t);
	bool known = !begin(p.s, 0), refused = errno == EOPNOTSUPP;
	const int peek = MSG_PEEK | MSG_DONTWAIT;

	TRUE(known || (refused && !t->xtcp));
	IS(send(p.c, "0123456789", 10, 0), 10);
	EV_IS(ready_within(p.s, POLLIN, 1000), POLLIN);
	PEEKS(known, look(p.s, 3, peek), 3 + 1000 * '0');
	PEEKS(known, look(p.s, 3, peek), 3 + 1000 * '3');
	PEEKS(known, where(p.s), 6);
	/* What is read moves it too, as far as there is. */
	PEEKS(known, look(p.s, 4, 0), 4 + 1000 * '0');
	PEEKS(known, where(p.s), 2);
	PEEKS(known, look(p.s, 2, peek), 2 + 1000 * '6');
	PEEKS(known, begin(p.s, -1), 0);
	PEEKS(known, look(p.s, 2, peek), 2 + 1000 * '4');
	PEEKS(known, look(p.s, 2, peek), 2 + 1000 * '4');
	PEEKS(known, where(p.s) == -1, 1);
	PEEKS(known, begin(p.s, 2), 0);
	PEEKS(known, look(p.s, 100, peek), 4 + 1000 * '6');
	PEEKS(known, look(p.s, 100, peek), -EAGAIN);
	PEEKS(known, send(p.c, "ab", 2, 0), 2);
	PEEKS(known, look(p.s, 100, MSG_PEEK), 2 + 1000 * 'a');
	PEEKS(known, shutdown(p.c, SHUT_WR), 0);
	PEEKS(known, look(p.s, 100, MSG_PEEK), 0);
	/* Reading less than it is ahead, then more. */
	PEEKS(known, look(p.s, 1, 0), 1 + 1000 * '4');
	PEEKS(known, where(p.s), 7);
	PEEKS(known, look(p.s, 100, 0), 7 + 1000 * '5');
	PEEKS(known, where(p.s), 0);
	PEEKS(known, look(p.s, 100, 0), 0);
	pair_close(&p);
}

/* How long 150 segments take that may leave at 100 of them each second, or at any rate. */
static long paced_ms(const struct xport *t, int rate)
{
	int port = rate ? 7602 : 7603;
	int l = NEED(sock_listener(t, port, 1)), c = NEED(sock(t)), a;
	static char buf[150000];
	long start;

	NEED(set_int(c, IPPROTO_TCP, TCP_MAXSEG, 1000));
	if (rate)
		IS(set_int(c, SOL_SOCKET, SO_MAX_PACING_RATE, rate), 0);
	NEED(sock_connect(c, addr_loopback(t, port)));
	a = NEED(accept(l, NULL, NULL));
	start = now_ms();
	IS(send(c, buf, sizeof(buf), 0), sizeof(buf));
	IS(recv(a, buf, sizeof(buf), MSG_WAITALL), sizeof(buf));
	close(a);
	close(c);
	close(l);
	return now_ms() - start;
}

static void max_pacing(const struct xport *t)
{
	long free = paced_ms(t, 0), bound = paced_ms(t, 100000);

	/* Over so short a path a burst of 64 KB may go at once, and nothing waits for the last. */
	TRUE(bound > 500);
	TRUE(bound < 10000);
	TRUE(slow_kernel() || free < bound);
}

static const struct oracle_case cases[] = {
	CASE("TCP_INQ", inq, ON_BOTH, 30),
	CASE("SO_PEEK_OFF", peek_off, ON_BOTH, 24),
	CASE("TCP_NOTSENT_LOWAT", notsent_lowat, ON_BOTH, 10),
	CASE("TCP_WINDOW_CLAMP", window_clamp, ON_BOTH, 200),
	CASE("TCP_DEFER_ACCEPT", defer_accept, ON_BOTH, 12),
	CASE("SO_MAX_PACING_RATE", max_pacing, ON_BOTH, 8),
};

ORACLE_MAIN("Options about the flow of data compared with TCP", cases)
