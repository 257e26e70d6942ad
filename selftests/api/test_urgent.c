// SPDX-License-Identifier: GPL-2.0
/* Urgent data (RFC 6093): MSG_OOB, SO_OOBINLINE, the mark, SIGURG; like TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/sockios.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static volatile sig_atomic_t urgs, ios;

static void on_urg(int sig)
{
	(void)sig;
	urgs++;
}

static void on_io(int sig)
{
	(void)sig;
	ios++;
}

/* 1 at the mark, 0 before it, -1 and errno. */
static int at_mark(int fd)
{
	int mark = -1;

	if (ioctl(fd, SIOCATMARK, &mark))
		return -1;
	return mark;
}

/* One recv() of at most @len bytes, shown as text. */
static const char *text(int fd, size_t len, int flags)
{
	static char buf[128];
	ssize_t n = recv(fd, buf, len, flags);

	if (n < 0)
		return strerrorname_np(errno);
	buf[n] = '\0';
	return buf;
}

static void mark_basic(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	IS(at_mark(p.s), 0);
	IS(recv(p.s, &x, 1, MSG_OOB), -EINVAL);
	IS(recv(p.s, &x, 1, MSG_OOB | MSG_DONTWAIT), -EINVAL);
	IS(send(p.c, "abc", 3, 0), 3);
	IS(send(p.c, "DEF", 3, MSG_OOB), 3);
	IS(send(p.c, "ghi", 3, 0), 3);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	nap_ms(50);
	EV_IS(ready(p.s, POLLIN | POLLPRI | POLLRDHUP | POLLRDBAND), POLLIN | POLLPRI);
	/* Only the last byte is urgent; a read stops before it. */
	IS(at_mark(p.s), 0);
	TEXT_IS(text(p.s, 100, 0), "abcDE");
	IS(at_mark(p.s), 1);
	TEXT_IS(text(p.s, 1, MSG_OOB | MSG_PEEK), "F");
	TEXT_IS(text(p.s, 1, MSG_OOB), "F");
	/* It is there once. */
	IS(recv(p.s, &x, 1, MSG_OOB), -EINVAL);
	EV(ready(p.s, POLLIN | POLLPRI));
	IS(at_mark(p.s), 1);
	TEXT_IS(text(p.s, 100, 0), "ghi");
	IS(at_mark(p.s), 0);
	EV_IS(ready(p.s, POLLIN | POLLPRI), 0);
	pair_close(&p);
}

static void urgent_unread(const struct xport *t)
{
	struct pair p = pair_open(t);

	/* Reading on drops the byte that nobody fetched. */
	IS(send(p.c, "one", 3, MSG_OOB), 3);
	IS(send(p.c, "two", 3, 0), 3);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	nap_ms(50);
	TEXT_IS(text(p.s, 100, 0), "on");
	TEXT_IS(text(p.s, 100, 0), "two");
	SAW(at_mark(p.s));
	TEXT_IS(text(p.s, 1, MSG_OOB), "EINVAL");

	/* A read over the mark in one call, byte by byte, and peeking. */
	IS(send(p.c, "XYZ", 3, MSG_OOB), 3);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	IS(send(p.c, "rest", 4, 0), 4);
	nap_ms(50);
	TEXT_IS(text(p.s, 100, MSG_PEEK), "XY");
	TEXT_IS(text(p.s, 1, 0), "X");
	IS(at_mark(p.s), 0);
	TEXT_IS(text(p.s, 1, 0), "Y");
	IS(at_mark(p.s), 1);
	SAW(recv(p.s, (char[8]){ 0 }, 8, MSG_PEEK));
	TEXT_IS(text(p.s, 4, MSG_WAITALL), "rest");
	pair_close(&p);
}

static void inline_urgent(const struct xport *t)
{
	struct pair p = pair_open(t);

	IS(get_int(p.s, SOL_SOCKET, SO_OOBINLINE), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	IS(get_int(p.s, SOL_SOCKET, SO_OOBINLINE), 1);
	IS(send(p.c, "abc", 3, 0), 3);
	IS(send(p.c, "D", 1, MSG_OOB), 1);
	IS(send(p.c, "ef", 2, 0), 2);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	nap_ms(50);
	TEXT_IS(text(p.s, 1, MSG_OOB), "EINVAL");
	TEXT_IS(text(p.s, 100, 0), "abc");
	IS(at_mark(p.s), 1);
	EV(ready(p.s, POLLIN | POLLPRI));
	TEXT_IS(text(p.s, 100, 0), "Def");
	IS(at_mark(p.s), 0);
	EV_IS(ready(p.s, POLLIN | POLLPRI), 0);

	/* Switched while the byte is there. */
	IS(send(p.c, "U", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	SAW(set_int(p.s, SOL_SOCKET, SO_OOBINLINE, 0));
	oracle_text("OOB after leaving inline", "%s", text(p.s, 1, MSG_OOB));
	IS(send(p.c, "V", 1, 0), 1);
	nap_ms(50);
	oracle_text("then", "%s", text(p.s, 100, 0));
	pair_close(&p);
}

/* New urgent data while the old one waits: the old byte becomes data. */
static void urgent_twice(const struct xport *t)
{
	struct pair p = pair_open(t);

	IS(send(p.c, "a", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	IS(send(p.c, "b", 1, MSG_OOB), 1);
	nap_ms(50);
	oracle_text("first OOB read", "%s", text(p.s, 1, MSG_OOB));
	oracle_text("second OOB read", "%s", text(p.s, 1, MSG_OOB));
	oracle_text("in the stream", "%s", text(p.s, 100, MSG_DONTWAIT));
	SAW(at_mark(p.s));

	IS(send(p.c, "12", 2, 0), 2);
	IS(send(p.c, "3", 1, MSG_OOB), 1);
	IS(send(p.c, "45", 2, 0), 2);
	IS(send(p.c, "6", 1, MSG_OOB), 1);
	IS(send(p.c, "7", 1, 0), 1);
	nap_ms(100);
	oracle_text("third OOB read", "%s", text(p.s, 1, MSG_OOB));
	oracle_text("stream", "%s", text(p.s, 100, MSG_DONTWAIT));
	oracle_text("stream after the mark", "%s", text(p.s, 100, MSG_DONTWAIT));
	pair_close(&p);
}

static void urgent_not_there_yet(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;
	long sent;

	/* The window is shut: the pointer arrives, the byte does not. */
	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 1 << 20), 0);
	sent = fill_send(p.c);
	TRUE(sent > 0);
	SAW(send(p.c, "U", 1, MSG_OOB | MSG_DONTWAIT));
	IS(recv(p.s, &x, 1, MSG_OOB | MSG_DONTWAIT) < 0, 1);
	IS(at_mark(p.s), 0);
	pair_close(&p);
}

static void urgent_end(const struct xport *t)
{
	struct pair p = pair_open(t);

	IS(send(p.c, "xy", 2, MSG_OOB), 2);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 2000), POLLRDHUP);
	TEXT_IS(text(p.s, 10, 0), "x");
	EV(ready(p.s, POLLIN | POLLPRI | POLLRDHUP));
	TEXT_IS(text(p.s, 1, MSG_OOB), "y");
	TEXT_IS(text(p.s, 10, 0), "");
	/* After the end of the stream. */
	oracle_text("OOB after the end", "%s", text(p.s, 1, MSG_OOB));
	oracle_text("data after the end", "%s", text(p.s, 1, 0));
	pair_close(&p);
}

static void recv_oob_flags(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[8];
	struct iovec iov = { buf, 8 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	IS(send(p.c, "u", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	iov.iov_len = 0;
	IS(recvmsg(p.s, &m, MSG_OOB | MSG_PEEK), 0);
	IS(m.msg_flags, MSG_OOB | MSG_TRUNC);
	iov.iov_len = 8;
	IS(recvmsg(p.s, &m, MSG_OOB), 1);
	IS(m.msg_flags, MSG_OOB);
	IS(buf[0], 'u');
	IS(send(p.c, "", 0, MSG_OOB), 0);
	EV(ready_within(p.s, POLLPRI, 50));
	pair_close(&p);
}

static void signals(const struct xport *t)
{
	struct sigaction urg = { .sa_handler = on_urg }, io = { .sa_handler = on_io };
	struct pair p = pair_open(t);
	struct f_owner_ex owner;
	int pid;

	sigaction(SIGURG, &urg, NULL);
	sigaction(SIGIO, &io, NULL);
	IS(fcntl(p.s, F_GETOWN), 0);
	IS(send(p.c, "a", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLPRI);
	/* Nobody owns the socket yet. */
	IS(urgs, 0);
	IS(fcntl(p.s, F_SETOWN, getpid()), 0);
	IS(fcntl(p.s, F_GETOWN) - getpid(), 0);
	IS(send(p.c, "b", 1, MSG_OOB), 1);
	for (pid = 0; pid < 100 && !urgs; pid++)
		nap_ms(10);
	IS(urgs, 1);
	/* SIOCSPGRP is the same with another name. */
	pid = -1;
	IS(ioctl(p.s, SIOCGPGRP, &pid), 0);
	IS(pid - getpid(), 0);
	pid = 0;
	IS(ioctl(p.s, SIOCSPGRP, &pid), 0);
	IS(send(p.c, "c", 1, MSG_OOB), 1);
	nap_ms(100);
	IS(urgs, 1);
	owner.type = F_OWNER_PID;
	owner.pid = getpid();
	IS(fcntl(p.s, F_SETOWN_EX, &owner), 0);
	IS(ios, 0);
	IS(fcntl(p.s, F_SETFL, O_ASYNC), 0);
	IS(send(p.c, "d", 1, 0), 1);
	for (pid = 0; pid < 100 && !ios; pid++)
		nap_ms(10);
	TRUE(ios > 0);
	IS(urgs, 1);
	pair_close(&p);
}

/* select()'s third set and EPOLLPRI mean urgent data. */
static void exceptional(const struct xport *t)
{
	struct epoll_event ev = { .events = EPOLLPRI };
	struct timeval tv = { 0 };
	struct pair p = pair_open(t);
	int ep = NEED(epoll_create1(0));
	fd_set in, ex;

	IS(epoll_ctl(ep, EPOLL_CTL_ADD, p.s, &ev), 0);
	IS(epoll_wait(ep, &ev, 1, 0), 0);
	IS(send(p.c, "u", 1, MSG_OOB), 1);
	IS(epoll_wait(ep, &ev, 1, 2000), 1);
	EV_IS(ev.events, POLLPRI);
	FD_ZERO(&in);
	FD_ZERO(&ex);
	FD_SET(p.s, &in);
	FD_SET(p.s, &ex);
	IS(select(p.s + 1, &in, NULL, &ex, &tv), 1);
	IS(FD_ISSET(p.s, &in), 0);
	IS(!!FD_ISSET(p.s, &ex), 1);
	TEXT_IS(text(p.s, 1, MSG_OOB), "u");
	FD_ZERO(&ex);
	FD_SET(p.s, &ex);
	SAW(select(p.s + 1, NULL, NULL, &ex, &tv));
	close(ep);
	pair_close(&p);
}

/* Urgent data amid a large stream in both directions. */
static void urgent_in_stream(const struct xport *t)
{
	static char out[300000], in[300001];
	struct pair p = pair_open(t);
	long got = 0, n;

	pattern_fill(out, sizeof(out), 0, 2);
	if (!fork()) {
		send(p.c, out, 200000, 0);
		send(p.c, "!", 1, MSG_OOB);
		send(p.c, out + 200000, 100000, 0);
		shutdown(p.c, SHUT_WR);
		_exit(0);
	}
	while (got < 200000) {
		n = recv(p.s, in + got, sizeof(in) - got, 0);
		if (n <= 0)
			break;
		got += n;
	}
	/* The read stops exactly at the mark. */
	IS(got, 200000);
	EV_IS(ready_within(p.s, POLLPRI, 5000), POLLPRI);
	IS(at_mark(p.s), 1);
	TEXT_IS(text(p.s, 1, MSG_OOB), "!");
	IS(recv(p.s, in + got, 100000, MSG_WAITALL), 100000);
	IS(pattern_check(in, 300000, 0, 2), 0);
	TEXT_IS(text(p.s, 1, 0), "");
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("the mark and MSG_OOB", mark_basic, ON_ALL, 19),
	CASE("urgent byte that nobody reads", urgent_unread, ON_BOTH, 16),
	CASE("SO_OOBINLINE", inline_urgent, ON_BOTH, 18),
	CASE("urgent data twice", urgent_twice, ON_BOTH, 14),
	CASE("urgent data behind a shut window", urgent_not_there_yet, ON_BOTH, 5),
	CASE("urgent data, then the end", urgent_end, ON_BOTH, 9),
	CASE("recvmsg with MSG_OOB", recv_oob_flags, ON_BOTH, 9),
	CASE("SIGURG and SIGIO", signals, ON_BOTH, 18),
	CASE("select and epoll", exceptional, ON_BOTH, 10),
	CASE("urgent data amid a stream", urgent_in_stream, ON_BOTH, 7),
};

ORACLE_MAIN("Urgent data compared with TCP", cases)
