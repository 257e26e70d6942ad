// SPDX-License-Identifier: GPL-2.0
/* connect() and accept() in every way they can go, compared with TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static void on_alarm(int sig)
{
	(void)sig;
}

/* SIGALRM interrupts what blocks, once, after @ms; without SA_RESTART. */
static void alarm_ms(int ms, int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval it = { .it_value.tv_usec = ms * 1000 };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

/*
 * A listener that answers no further SYN: its queue is full, so that a
 * connect() to it stays in SYN-SENT until accept() makes room.
 */
static int full_listener(const struct xport *t, int port, int *filler)
{
	int l = NEED(sock_listener(t, port, 0));

	*filler = NEED(sock(t));
	NEED(sock_connect(*filler, addr_loopback(t, port)));
	return l;
}

static void connect_blocking(const struct xport *t)
{
	struct addr a = addr_loopback(t, 5000);
	int l = NEED(sock_listener(t, 5000, 4)), c = NEED(sock(t)), s;

	IS(connect(-1, &a.sa, a.len), -EBADF);
	IS(connect(c, NULL, a.len), -EFAULT);
	IS(connect(c, &a.sa, 1), -EINVAL);
	IS(connect(c, &a.sa, 0), -EINVAL);
	IS(connect(c, &a.sa, -1), -EINVAL);
	IS(connect(c, &a.sa, a.len - 5), -EINVAL);
	a.sa.sa_family = AF_UNIX;
	IS(sock_connect(c, a), -EAFNOSUPPORT);
	a = addr_loopback(t, 5000);
	IS(sock_connect(c, a), 0);
	IS(sock_connect(c, a), -EISCONN);
	IS(set_nonblock(c, true), 0);
	IS(sock_connect(c, a), -EISCONN);
	s = IS(accept(l, NULL, NULL) >= 0, 1);
	IS(so_error(c), 0);
	IS(get_int(l, SOL_SOCKET, SO_ERROR), 0);
	EV_IS(ready(c, POLLIN | POLLOUT | POLLRDHUP), POLLOUT);
	close(c);
	close(l);
	(void)s;
}

static void connect_nonblock(const struct xport *t)
{
	int l = NEED(sock_listener(t, 5001, 4)), c = NEED(sock_flags(t, SOCK_NONBLOCK));
	struct addr a;

	IS(sock_connect(c, addr_loopback(t, 5001)), -EINPROGRESS);
	EV_IS(ready_within(c, POLLOUT, 5000), POLLOUT);
	IS(so_error(c), 0);
	/* The first call after success reports it, the second refuses. */
	IS(sock_connect(c, addr_loopback(t, 5001)), 0);
	IS(sock_connect(c, addr_loopback(t, 5001)), -EISCONN);
	a.len = sizeof(a.ss);
	IS(getpeername(c, &a.sa, &a.len), 0);
	close(c);
	close(l);
}

static void connect_pending(const struct xport *t)
{
	int filler, l = full_listener(t, 5002, &filler);
	int c = NEED(sock_flags(t, SOCK_NONBLOCK));
	struct addr a;
	char x;

	IS(sock_connect(c, addr_loopback(t, 5002)), -EINPROGRESS);
	IS(sock_connect(c, addr_loopback(t, 5002)), -EALREADY);
	EV_IS(ready(c, POLLIN | POLLOUT | POLLRDHUP), 0);
	IS(so_error(c), 0);
	IS(send(c, "x", 1, MSG_NOSIGNAL), -EAGAIN);
	SAW(recv(c, &x, 1, 0));
	a.len = sizeof(a.ss);
	IS(getpeername(c, &a.sa, &a.len), -ENOTCONN);
	a = addr_local(c);
	TRUE(addr_port(&a) > 0);
	oracle_text("name in SYN-SENT", "%s", addr_show(&a));
	IS(listen(c, 1), -EINVAL);
	IS(sock_bind(c, addr_loopback(t, 5003)), -EINVAL);
	IS(proc_count(t, addr_port(&a), 5002, 2), 1);
	/* Room in the queue: the SYN sent again after a second is answered. */
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(ready_within(c, POLLOUT, 5000), POLLOUT);
	IS(so_error(c), 0);
	IS(sock_connect(c, addr_loopback(t, 5002)), 0);
	close(c);
	close(filler);
	close(l);
}

static void connect_pending_shutdown(const struct xport *t)
{
	int filler, l = full_listener(t, 5004, &filler);
	int c = NEED(sock_flags(t, SOCK_NONBLOCK));

	IS(sock_connect(c, addr_loopback(t, 5004)), -EINPROGRESS);
	SAW(shutdown(c, SHUT_RDWR));
	EV(ready_within(c, POLLIN | POLLOUT | POLLRDHUP, 100));
	SAW(so_error(c));
	SAW(sock_connect(c, addr_loopback(t, 5004)));
	close(c);

	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	IS(sock_connect(c, addr_loopback(t, 5004)), -EINPROGRESS);
	SAW(shutdown(c, SHUT_WR));
	EV(ready_within(c, POLLIN | POLLOUT | POLLRDHUP, 100));
	close(c);
	close(filler);
	close(l);
}

static void connect_interrupted(const struct xport *t)
{
	int filler, l = full_listener(t, 5005, &filler);
	int c = NEED(sock(t));

	alarm_ms(150, 0);
	IS(sock_connect(c, addr_loopback(t, 5005)), -EINTR);
	/* It goes on by itself. */
	IS(set_nonblock(c, true), 0);
	IS(sock_connect(c, addr_loopback(t, 5005)), -EALREADY);
	IS(accept(l, NULL, NULL) >= 0, 1);
	EV_IS(ready_within(c, POLLOUT, 5000), POLLOUT);
	IS(so_error(c), 0);
	IS(sock_connect(c, addr_loopback(t, 5005)), 0);
	IS(sock_connect(c, addr_loopback(t, 5005)), -EISCONN);
	close(c);
	close(filler);
	close(l);
}

static void connect_timeout(const struct xport *t)
{
	struct timeval tv = { .tv_usec = 200000 };
	int filler, l = full_listener(t, 5006, &filler);
	int c = NEED(sock(t));
	long start;

	/* SO_SNDTIMEO bounds connect(): EINPROGRESS, as if it did not block. */
	IS(setsockopt(c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)), 0);
	start = now_ms();
	IS(sock_connect(c, addr_loopback(t, 5006)), -EINPROGRESS);
	TRUE(now_ms() - start >= 30);
	IS(sock_connect(c, addr_loopback(t, 5006)), -EALREADY);
	close(c);
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	/* SYNCNT 1: two SYNs, one and two seconds of patience. */
	IS(set_int(c, IPPROTO_TCP, TCP_SYNCNT, 1), 0);
	start = now_ms();
	IS(sock_connect(c, addr_loopback(t, 5006)), -EINPROGRESS);
	EV_IS(ready_within(c, POLLIN | POLLOUT | POLLRDHUP, 10000),
	      POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	TRUE(now_ms() - start >= 1000 && now_ms() - start < 20000);
	IS(so_error(c), -ETIMEDOUT);
	IS(so_error(c), 0);
	close(c);
	close(filler);
	close(l);
}

static void connect_refused(const struct xport *t)
{
	struct addr a;
	int c = NEED(sock(t)), l;

	IS(sock_connect(c, addr_loopback(t, 5007)), -ECONNREFUSED);
	IS(so_error(c), 0);
	EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
	a = addr_local(c);
	oracle_text("name after ECONNREFUSED", "%s %s", addr_show(&a),
		    addr_port(&a) ? "with a port" : "without a port");
	SAW(send(c, "x", 1, MSG_NOSIGNAL));
	/* The same socket may try again. */
	l = NEED(sock_listener(t, 5007, 4));
	IS(sock_connect(c, addr_loopback(t, 5007)), 0);
	close(c);
	close(l);

	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	EV(ready_within(c, POLLIN | POLLOUT | POLLRDHUP, 2000));
	IS(so_error(c), -ECONNREFUSED);
	IS(so_error(c), 0);
	EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
	close(c);

	/* The error reaches whatever call comes first, once. */
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	EV(ready_within(c, POLLIN, 2000));
	SAW(send(c, "x", 1, MSG_NOSIGNAL));
	SAW(send(c, "x", 1, MSG_NOSIGNAL));
	close(c);
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	EV(ready_within(c, POLLIN, 2000));
	SAW(recv(c, &a, 1, 0));
	SAW(recv(c, &a, 1, 0));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	close(c);
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	EV(ready_within(c, POLLIN, 2000));
	SAW(sock_connect(c, addr_loopback(t, 5008)));
	close(c);

	/* Bound first: the port stays with the socket. */
	c = NEED(sock(t));
	IS(sock_bind(c, addr_loopback(t, 5009)), 0);
	IS(sock_connect(c, addr_loopback(t, 5008)), -ECONNREFUSED);
	a = addr_local(c);
	oracle_text("bound name after ECONNREFUSED", "%s port %d", addr_show(&a), addr_port(&a));
	close(c);
}

static void connect_nowhere(const struct xport *t)
{
	static const char *const v4[] = { "192.0.2.1", "255.255.255.255", "224.0.0.1",
					  "0.0.0.0", "127.255.255.255" };
	static const char *const v6[] = { "2001:db8::1", "ff02::1", "ff0e::1", "::",
					  "fe80::1" };
	struct addr a;
	size_t i;
	int c;

	for (i = 0; i < 5; i++) {
		c = NEED(sock(t));
		oracle_text("destination", "%s", t->on == ON_V6 ? v6[i] : v4[i]);
		SAW(sock_connect(c, addr_text(t, v4[i], v6[i], 5010)));
		SAW(so_error(c));
		a = addr_local(c);
		oracle_text("name after it", "%s %s", addr_show(&a),
			    addr_port(&a) ? "with a port" : "without a port");
		EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
		close(c);
	}
	c = NEED(sock(t));
	IS(sock_connect(c, addr_text(t, "192.0.2.1", "2001:db8::1", 5010)), -ENETUNREACH);
	IS(sock_connect(c, addr_loopback(t, 0)), -ECONNREFUSED);
	/* The wildcard means this host. */
	close(c);
	i = NEED(sock_listener(t, 5011, 1));
	c = NEED(sock(t));
	IS(sock_connect(c, addr_any(t, 5011)), t->on == ON_MAPPED ? -ECONNREFUSED : 0);
	a = addr_peer(c);
	oracle_text("peer reached through the wildcard", "%s", addr_show(&a));
	close(c);
	close(i);
}

static void connect_self(const struct xport *t)
{
	struct addr a = addr_loopback(t, 5012), b;
	int c = NEED(sock(t));
	char buf[8] = "";

	/* Simultaneous open with itself, RFC 9293 figure 7. */
	IS(sock_bind(c, a), 0);
	IS(sock_connect(c, a), 0);
	b = addr_peer(c);
	IS(addr_port(&b), 5012);
	IS(send(c, "myself", 6, 0), 6);
	IS(recv(c, buf, 6, MSG_WAITALL), 6);
	TEXT_IS(buf, "myself");
	EV_IS(ready(c, POLLIN | POLLOUT | POLLRDHUP), POLLOUT);
	IS(shutdown(c, SHUT_WR), 0);
	IS(recv(c, buf, 1, 0), 0);
	EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
	IS(close(c), 0);
}

static void connect_unspec(const struct xport *t)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct addr a;
	struct pair p;
	char x;
	int c;

	c = NEED(sock(t));
	IS(connect(c, &none, sizeof(none)), 0);
	close(c);

	p = pair_open(t);
	IS(connect(p.c, &none, sizeof(none)), 0);
	a.len = sizeof(a.ss);
	IS(getpeername(p.c, &a.sa, &a.len), -ENOTCONN);
	a = addr_local(p.c);
	oracle_text("name after the disconnect", "%s %s", addr_show(&a),
		    addr_port(&a) ? "with a port" : "without a port");
	EV_IS(ready_within(p.s, POLLIN | POLLRDHUP, 2000),
	      POLLIN | POLLERR | POLLHUP | POLLRDHUP);
	IS(recv(p.s, &x, 1, 0), -ECONNRESET);
	/* Its own doing, but the error says that the connection was reset. */
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -ECONNRESET);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	EV(ready(p.c, POLLIN | POLLOUT | POLLRDHUP));
	IS(so_error(p.c), 0);
	/* The socket is as good as new. */
	IS(sock_connect(p.c, p.at), 0);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), 1);
	close(p.s);
	p.s = NEED(accept(p.l, NULL, NULL));
	IS(recv(p.s, &x, 1, 0), 1);
	pair_close(&p);

	/* A bound port survives, a listener ends. */
	c = NEED(sock(t));
	IS(sock_bind(c, addr_loopback(t, 5013)), 0);
	IS(listen(c, 2), 0);
	IS(connect(c, &none, sizeof(none)), 0);
	IS(get_int(c, SOL_SOCKET, SO_ACCEPTCONN), 0);
	a = addr_local(c);
	oracle_text("listener's name after the disconnect", "%s port %d", addr_show(&a),
		    addr_port(&a));
	IS(accept(c, NULL, NULL), -EINVAL);
	close(c);

	/* Unfinished connect() */
	c = NEED(sock_flags(t, SOCK_NONBLOCK));
	p.l = full_listener(t, 5014, &p.s);
	IS(sock_connect(c, addr_loopback(t, 5014)), -EINPROGRESS);
	IS(connect(c, &none, sizeof(none)), 0);
	EV(ready(c, POLLIN | POLLOUT | POLLRDHUP));
	SAW(so_error(c));
	close(c);
}

static void accept_calls(const struct xport *t)
{
	int l = NEED(sock_listener(t, 5020, 4)), c = NEED(sock(t)), s;
	struct timeval tv = { .tv_usec = 200000 };
	struct addr a, b;
	long start;

	IS(accept(-1, NULL, NULL), -EBADF);
	IS(accept(c, NULL, NULL), -EINVAL);
	IS(set_nonblock(l, true), 0);
	IS(accept(l, NULL, NULL), -EAGAIN);
	IS(accept4(l, NULL, NULL, 0x8000000), -EINVAL);
	IS(set_nonblock(l, false), 0);
	IS(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	start = now_ms();
	IS(accept(l, NULL, NULL), -EAGAIN);
	TRUE(now_ms() - start >= 30);
	alarm_ms(50, 0);
	IS(accept(l, NULL, NULL), -EINTR);

	IS(sock_connect(c, addr_loopback(t, 5020)), 0);
	EV_IS(ready_within(l, POLLIN | POLLOUT | POLLRDHUP, 2000), POLLIN);
	a.len = sizeof(a.ss);
	s = accept(l, &a.sa, &a.len);
	TRUE(s >= 0);
	b = addr_local(c);
	IS(addr_port(&a) - addr_port(&b), 0);
	oracle_text("accepted from", "%s", addr_show(&a));
	/* O_NONBLOCK and FD_CLOEXEC are never inherited, only asked for. */
	IS(fcntl(s, F_GETFL) & O_NONBLOCK, 0);
	IS(fcntl(s, F_GETFD) & FD_CLOEXEC, 0);
	IS(accept(s, NULL, NULL), -EINVAL);
	EV_IS(ready(l, POLLIN), 0);
	close(c);
	close(s);

	IS(set_nonblock(l, true), 0);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5020)), 0);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	TRUE(s >= 0);
	IS(fcntl(s, F_GETFL) & O_NONBLOCK, 0);
	IS(fcntl(s, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(c);
	close(s);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5020)), 0);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	/* A bad address costs the connection, as everywhere. */
	a.len = sizeof(a.ss);
	IS(accept(l, (void *)8, &a.len), -EFAULT);
	EV(ready_within(c, POLLIN | POLLRDHUP, 1000));
	IS(accept(l, NULL, NULL), -EAGAIN);
	close(c);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5020)), 0);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	a.len = 3;
	s = accept4(l, &a.sa, &a.len, SOCK_NONBLOCK);
	TRUE(s >= 0);
	IS(a.len, t->family == AF_INET ? sizeof(a.in) : sizeof(a.in6));
	IS(fcntl(s, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(c);
	close(s);
	close(l);
}

static void accept_dead(const struct xport *t)
{
	struct linger hard = { .l_onoff = 1 };
	int l = NEED(sock_listener(t, 5021, 4)), c, s;
	struct addr a;
	char buf[8] = "";

	/* Data and end are there before accept(). */
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5021)), 0);
	IS(send(c, "early", 5, 0), 5);
	close(c);
	s = accept(l, NULL, NULL);
	TRUE(s >= 0);
	/* One after the other, on a slow machine. */
	EV_IS(ready_within(s, POLLRDHUP, 2000), POLLRDHUP);
	EV_IS(ready(s, POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	IS(recv(s, buf, 5, MSG_WAITALL), 5);
	TEXT_IS(buf, "early");
	IS(recv(s, buf, 1, 0), 0);
	close(s);

	/* Reset before accept(): it is still handed out. */
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5021)), 0);
	EV_IS(ready_within(l, POLLIN, 2000), POLLIN);
	IS(setsockopt(c, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	close(c);
	nap_ms(50);
	EV_IS(ready(l, POLLIN), POLLIN);
	a.len = sizeof(a.ss);
	s = accept(l, &a.sa, &a.len);
	TRUE(s >= 0);
	oracle_text("reset peer", "%s", addr_show(&a));
	EV(ready_within(s, POLLIN | POLLOUT | POLLRDHUP, 2000));
	SAW(recv(s, buf, 1, 0));
	SAW(recv(s, buf, 1, 0));
	close(s);
	close(l);
}

/* How many connections a queue of a given length takes, without accept(). */
static void backlog_overflow(const struct xport *t)
{
	static const int backlog[] = { 0, 1, 3 };
	int c[8], l, n;
	size_t i;

	for (i = 0; i < 3; i++) {
		int established = 0, accepted = 0;

		l = NEED(sock_listener(t, 5030 + i, backlog[i]));
		for (n = 0; n < 6; n++) {
			c[n] = NEED(sock_flags(t, SOCK_NONBLOCK));
			IS(sock_connect(c[n], addr_loopback(t, 5030 + i)), -EINPROGRESS);
			if (!(ready_within(c[n], POLLOUT, 300) & POLLOUT))
				continue;
			/* The next one must find it in the queue. */
			established++;
			proc_becomes(t, 5030 + i, -1, 1, established);
		}
		oracle_text("listen()", "backlog %d", backlog[i]);
		IS(established, backlog[i] + 1);
		SAW(proc_count(t, 5030 + i, -1, 1));
		/* The others follow when they send their SYN again. */
		IS(set_nonblock(l, true), 0);
		while (accepted < 6 && ready_within(l, POLLIN, 12000)) {
			int s = accept(l, NULL, NULL);

			if (s >= 0)
				accepted++;
			close(s);
		}
		IS(accepted, 6);
		close(l);
		for (n = 0; n < 6; n++)
			close(c[n]);
	}
}

/* Connections nobody accepted are reset when the listener closes. */
static void close_listener(const struct xport *t)
{
	int l = NEED(sock_listener(t, 5040, 4)), c = NEED(sock(t));
	char x;

	IS(sock_connect(c, addr_loopback(t, 5040)), 0);
	IS(send(c, "x", 1, 0), 1);
	close(l);
	/* It can write all along: what comes is the end. */
	ready_within(c, POLLRDHUP, 10000);
	EV_IS(ready(c, POLLIN | POLLOUT | POLLRDHUP),
	      POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP);
	IS(recv(c, &x, 1, 0), -ECONNRESET);
	IS(recv(c, &x, 1, 0), 0);
	IS(send(c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	close(c);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 5040)), -ECONNREFUSED);
	close(c);
}

static const struct oracle_case cases[] = {
	CASE("connect, blocking", connect_blocking, ON_ALL, 14),
	CASE("connect, non-blocking", connect_nonblock, ON_ALL, 6),
	CASE("connect while the listener does not answer", connect_pending, ON_ALL, 15),
	CASE("shutdown in SYN-SENT", connect_pending_shutdown, ON_BOTH, 8),
	CASE("connect interrupted by a signal", connect_interrupted, ON_BOTH, 8),
	CASE("connect with SO_SNDTIMEO and TCP_SYNCNT", connect_timeout, ON_BOTH, 10),
	CASE("connect refused", connect_refused, ON_ALL, 25),
	CASE("connect to places that cannot answer", connect_nowhere, ON_ALL, 25),
	CASE("connect to itself", connect_self, ON_ALL, 9),
	CASE("connect to AF_UNSPEC", connect_unspec, ON_ALL, 20),
	CASE("accept and accept4", accept_calls, ON_ALL, 35),
	CASE("accept what is already closed or reset", accept_dead, ON_ALL, 15),
	CASE_SECONDS("backlog overflow", backlog_overflow, ON_BOTH, 25, 90),
	CASE("close a listener with connections in its queue", close_listener, ON_ALL, 7),
};

ORACLE_MAIN("connect() and accept() in every way they can go, compared with TCP", cases)
