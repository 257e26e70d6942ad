// SPDX-License-Identifier: GPL-2.0
/*
 * Time stamps of data, compared with TCP: SO_TIMESTAMP, SO_TIMESTAMPNS and SO_TIMESTAMPING,
 * what was received and what was sent.
 *
 * The kernel stamps packets while any socket wants it, and begins a moment after the first
 * one asks: each case has a socket that asks from its beginning on.
 */
#define _GNU_SOURCE
#include <time.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/* Both layouts of struct timeval and friends have 64-bit members here. */
#define STAMP_OLD	29
#define STAMPNS_OLD	35
#define STAMPING_OLD	37
#define STAMP_NEW	63
#define STAMPNS_NEW	64
#define STAMPING_NEW	65
#define NS		1000000000LL

#define RX		(SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE)
#define TX_ALL		(SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE | \
			 SOF_TIMESTAMPING_TX_ACK)
#define TX_IDS		(SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_OPT_ID | \
			 SOF_TIMESTAMPING_OPT_TSONLY)
#ifndef SOF_TIMESTAMPING_OPT_STATS
#define SOF_TIMESTAMPING_OPT_STATS (1 << 12)
#endif

/* Makes the kernel stamp everything, until the process ends. */
static void stamps_on(void)
{
	int fd = NEED(socket(AF_INET, SOCK_DGRAM, 0));

	NEED(set_int(fd, SOL_SOCKET, STAMP_OLD, 1));
	nap_ms(200);
}

static long long wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * NS + ts.tv_nsec;
}

/* The stamp in @c, in ns; of SO_TIMESTAMPING the first. 0 if there is none in it. */
static long long stamp_in(const struct cmsghdr *c)
{
	long long v[2];

	memcpy(v, CMSG_DATA(c), sizeof(v));
	switch (c->cmsg_type) {
	case STAMP_OLD:
	case STAMP_NEW:
		return v[0] * NS + v[1] * 1000;
	default:
		return v[0] * NS + v[1];
	}
}

/*
 * Read up to @len octets and record the control messages. Return: the last stamp among
 * them, which must lie between @from and now; 0 without one.
 */
static long long read_stamped(int fd, size_t len, int flags, size_t room, long long from)
{
	char buf[4096], control[512];
	struct iovec iov = { buf, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = room,
	};
	long long at = 0;
	struct cmsghdr *c;

	if (SAW(recvmsg(fd, &msg, flags)) < 0)
		return 0;
	SAW(msg.msg_flags);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		static const char zero[32];

		oracle_text("control", "level %d type %d length %zu", c->cmsg_level,
			    c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_len < CMSG_LEN(16))
			continue;
		at = stamp_in(c);
		/* Microseconds are cut off. */
		TRUE(at >= from - 1000 && at <= wall_ns());
		if (c->cmsg_len == CMSG_LEN(48))
			IS(memcmp(CMSG_DATA(c) + 16, zero, 32), 0);
	}
	return at;
}

/* One octet to @p.s. Return: the time before that. */
static long long one_octet(struct pair *p)
{
	long long before = wall_ns();

	IS(send(p->c, "x", 1, 0), 1);
	EV_IS(ready_within(p->s, POLLIN, 1000), POLLIN);
	return before;
}

static void receive_kinds(const struct xport *t)
{
	static const struct { int name, value; } options[] = {
		{ STAMP_OLD, 1 }, { STAMP_NEW, 1 }, { STAMPNS_OLD, 1 }, { STAMPNS_NEW, 1 },
		{ STAMP_OLD, 0 }, { STAMPING_OLD, RX }, { STAMPING_NEW, RX },
		{ STAMPING_OLD, SOF_TIMESTAMPING_RX_SOFTWARE },
		{ STAMPING_OLD, SOF_TIMESTAMPING_SOFTWARE },
		{ STAMPING_OLD, SOF_TIMESTAMPING_RAW_HARDWARE | SOF_TIMESTAMPING_RX_HARDWARE },
		{ STAMPING_OLD, 1 << 30 }, { STAMPING_OLD, 0 },
	};
	struct pair p = pair_open(t);
	size_t i;

	stamps_on();
	read_stamped(p.s, 1, 0, 512, one_octet(&p));
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		SAW(set_int(p.s, SOL_SOCKET, options[i].name, options[i].value));
		SAW(get_int(p.s, SOL_SOCKET, options[i].name));
		read_stamped(p.s, 1, 0, 512, one_octet(&p));
	}
	/* Both kinds at once, and the message of TCP_INQ behind them. */
	IS(set_int(p.s, SOL_SOCKET, STAMPNS_OLD, 1), 0);
	IS(set_int(p.s, SOL_SOCKET, STAMPING_OLD, RX), 0);
	IS(set_int(p.s, IPPROTO_TCP, TCP_INQ, 1), 0);
	TRUE(read_stamped(p.s, 1, 0, 512, one_octet(&p)));
	/* No room for all of it, for a part, for any. */
	read_stamped(p.s, 1, 0, 100, one_octet(&p));
	read_stamped(p.s, 1, 0, 32, one_octet(&p));
	read_stamped(p.s, 1, 0, 20, one_octet(&p));
	read_stamped(p.s, 1, 0, 0, one_octet(&p));
	pair_close(&p);
}

/* Which stamp a read has that takes more, or less, than one segment brought. */
static void receive_which(const struct xport *t)
{
	struct pair p = pair_open(t);
	long long first, second;

	stamps_on();
	IS(set_int(p.s, SOL_SOCKET, STAMPNS_NEW, 1), 0);
	first = one_octet(&p);
	nap_ms(50);
	second = wall_ns();
	IS(send(p.c, "yz", 2, 0), 2);
	nap_ms(100);
	IS(read_stamped(p.s, 3, MSG_PEEK, 512, first) >= second, 1);
	IS(read_stamped(p.s, 3, 0, 512, first) >= second, 1);

	first = one_octet(&p);
	/* Nothing is taken, thrown away, or out of band. */
	IS(!!read_stamped(p.s, 0, 0, 512, first), 1);
	IS(!!read_stamped(p.s, 1, MSG_TRUNC, 512, first), 1);
	IS(send(p.c, "u", 1, MSG_OOB), 1);
	EV_IS(ready_within(p.s, POLLPRI, 1000), POLLPRI);
	IS(!!read_stamped(p.s, 1, MSG_OOB, 512, first), 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLRDHUP, 1000), POLLRDHUP);
	SAW(!!read_stamped(p.s, 10, 0, 512, first));
	SAW(!!read_stamped(p.s, 10, 0, 512, first));
	pair_close(&p);
}

/* Many small segments for a reader who comes late: they are packed, the time stays. */
static void receive_packed(const struct xport *t)
{
	struct pair p = pair_open(t);
	long long first = 0, last = 0, at;
	bool whole = true;
	char buf[4096];
	int i;

	stamps_on();
	IS(set_int(p.s, SOL_SOCKET, STAMPNS_OLD, 1), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_RCVBUF, 20000), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	NEED(set_nonblock(p.c, true));
	for (i = 0; i < 5000; i++) {
		if (send(p.c, "x", 1, 0) != 1)
			break;
		if (i % 100 == 0)
			nap_ms(1);
	}
	nap_ms(50);
	/* No stamp goes back in time, and none is missing. */
	for (;;) {
		char control[64];
		struct iovec iov = { buf, 7 };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };

		if (recvmsg(p.s, &msg, MSG_DONTWAIT) <= 0)
			break;
		if (!CMSG_FIRSTHDR(&msg)) {
			whole = false;
			break;
		}
		at = stamp_in(CMSG_FIRSTHDR(&msg));
		whole &= at >= last;
		first = first ?: at;
		last = at;
	}
	/* TCP loses the stamps of what it packs. */
	TRUE(!t->xtcp || (whole && last > first && counter(t, "RcvCollapsed") > 0));
	pair_close(&p);
}

/* What a listener asked for holds for what it accepts. */
static void inherited(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7710, 4)), c = NEED(sock(t)), i;
	static const int names[] = { STAMP_OLD, STAMPNS_NEW, STAMPING_NEW };
	struct pair p = { .l = -1, .c = c };

	stamps_on();
	for (i = 0; i < 3; i++) {
		IS(set_int(l, SOL_SOCKET, names[i], i == 2 ? RX : 1), 0);
		p.c = NEED(sock(t));
		IS(sock_connect(p.c, addr_loopback(t, 7710)), 0);
		p.s = NEED(accept(l, NULL, NULL));
		SAW(get_int(p.s, SOL_SOCKET, names[i]));
		IS(!!read_stamped(p.s, 1, 0, 512, one_octet(&p)), 1);
		close(p.s);
		close(p.c);
	}
	close(c);
	close(l);
}

/* -- what was sent ------------------------------------------------------------ */

/*
 * Read one report and record it. Return: its kind, SCM_TSTAMP_*, and its number in *@id; -1
 * and EAGAIN if none comes.
 */
static int report(int fd, long long from, unsigned int *id)
{
	char buf[4096], control[512];
	struct iovec iov = { buf, sizeof(buf) };
	struct addr name;
	struct msghdr msg = {
		.msg_name = &name.ss,
		.msg_namelen = sizeof(name.ss),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct sock_extended_err ee = { 0 };
	struct cmsghdr *c;
	long n;

	ready_within(fd, 0, 300);
	n = recvmsg(fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT);
	if (n < 0)
		return -1;
	oracle_text("report", "payload %ld flags %#x name %u", n, msg.msg_flags, msg.msg_namelen);
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		oracle_text("control", "level %d type %d length %zu", c->cmsg_level,
			    c->cmsg_type, c->cmsg_len - CMSG_LEN(0));
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_len == CMSG_LEN(48))
			TRUE(stamp_in(c) >= from && stamp_in(c) <= wall_ns());
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		    (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
			memcpy(&ee, CMSG_DATA(c), sizeof(ee));
	}
	oracle_text("it", "errno %u origin %u type %u code %u kind %u number %u", ee.ee_errno,
		    ee.ee_origin, ee.ee_type, ee.ee_code, ee.ee_info, ee.ee_data);
	*id = ee.ee_data;
	return ee.ee_info;
}

/* Send @len octets and read the @reports that follow, which are about octet @id. */
static void sent(struct pair *p, size_t len, int reports, unsigned int id)
{
	static char buf[500000];
	long long before = wall_ns();
	unsigned int got = 0;
	size_t done = 0;

	IS(send(p->c, buf, len, 0), len);
	while (done < len)
		done += NEED(recv(p->s, buf, sizeof(buf), 0));
	while (reports--) {
		TRUE(report(p->c, before, &got) >= 0);
		IS(got, id);
	}
	/* Those were all. */
	nap_ms(20);
	EV(ready(p->c, POLLIN | POLLOUT));
}

static void sent_kinds(const struct xport *t)
{
	struct pair p = pair_open(t);
	static const int kinds[] = {
		SOF_TIMESTAMPING_TX_SCHED, SOF_TIMESTAMPING_TX_SOFTWARE,
		SOF_TIMESTAMPING_TX_ACK, TX_ALL,
	};
	unsigned int next = 0;
	size_t i;

	/* Before the option counts nothing. */
	sent(&p, 77, 0, 0);
	nap_ms(50);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, kinds[i] | TX_IDS), 0);
		sent(&p, 100, kinds[i] == TX_ALL ? 3 : 1, next + 99);
		next += 100;
	}
	sent(&p, 1, 3, next);
	IS(so_error(p.c), 0);
	/* Reports only for whom they are made. */
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_IDS), 0);
	sent(&p, 10, 0, 0);
	/* Without the wish to be told, the report has no stamp. */
	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW,
		   (TX_IDS | TX_ALL) & ~SOF_TIMESTAMPING_SOFTWARE), 0);
	sent(&p, 10, 3, next + 20);
	/* Without numbers; and numbers that begin anew. */
	nap_ms(50);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW, SOF_TIMESTAMPING_SOFTWARE | TX_ALL |
		   SOF_TIMESTAMPING_OPT_TSONLY), 0);
	sent(&p, 10, 3, 0);
	nap_ms(50);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW, TX_ALL | TX_IDS), 0);
	sent(&p, 10, 3, 9);
	/* An end without data. */
	IS(shutdown(p.c, SHUT_WR), 0);
	nap_ms(50);
	EV(ready(p.c, POLLOUT));
	pair_close(&p);
}

/* The packet comes with the report. */
static void sent_payload(const struct xport *t)
{
	struct pair p = pair_open(t);

	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW, SOF_TIMESTAMPING_SOFTWARE | TX_ALL |
		   SOF_TIMESTAMPING_OPT_ID), 0);
	sent(&p, 100, 3, 99);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW, SOF_TIMESTAMPING_SOFTWARE | TX_ALL |
		   SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_CMSG), 0);
	if (t->on != ON_V6)
		IS(set_int(p.c, IPPROTO_IP, IP_PKTINFO, 1), 0);
	if (t->on != ON_V4)
		IS(set_int(p.c, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1), 0);
	sent(&p, 100, 3, 199);
	pair_close(&p);
}

/* More than a segment, than a buffer, and cut by the kernel in front of the device. */
static void sent_much(const struct xport *t)
{
	struct pair p = pair_open(t);

	IS(set_int(p.c, SOL_SOCKET, SO_SNDBUF, 2000000), 0);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_NEW, TX_ALL | TX_IDS), 0);
	sent(&p, 100000, 3, 99999);
	sent(&p, 400000, 3, 499999);
	TRUE(net_run("ethtool -K lo tso off >/dev/null"));
	sent(&p, 400000, 3, 899999);
	sent(&p, 1, 3, 900000);
	pair_close(&p);
}

/* The wishes of one call. */
static long send_asking(int fd, unsigned int flags, size_t size)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr head;
	} control = { .head = {
		.cmsg_len = CMSG_LEN(size),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = STAMPING_OLD,
	} };
	char buf[10] = "";
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.head), &flags, sizeof(flags));
	return sendmsg(fd, &msg, 0);
}

static void sent_by_call(const struct xport *t)
{
	long long before = wall_ns();
	struct pair p = pair_open(t);
	unsigned int id;

	/* Nobody is told without the option. */
	IS(send_asking(p.c, SOF_TIMESTAMPING_TX_ACK, 4), 10);
	SAW(report(p.c, before, &id));
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_IDS), 0);
	IS(send_asking(p.c, SOF_TIMESTAMPING_TX_ACK, 4), 10);
	IS(report(p.c, before, &id), SCM_TSTAMP_ACK);
	IS(send(p.c, "x", 1, 0), 1);
	IS(send_asking(p.c, 0, 4), 10);
	IS(report(p.c, before, &id), -EAGAIN);
	IS(send_asking(p.c, SOF_TIMESTAMPING_TX_SOFTWARE, 4), 10);
	IS(report(p.c, before, &id), SCM_TSTAMP_SND);
	IS(id, 30);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_IDS | TX_ALL), 0);
	IS(send_asking(p.c, SOF_TIMESTAMPING_TX_SCHED, 4), 10);
	IS(report(p.c, before, &id), SCM_TSTAMP_SCHED);
	IS(report(p.c, before, &id), -EAGAIN);
	IS(send_asking(p.c, SOF_TIMESTAMPING_OPT_ID, 4), -EINVAL);
	IS(send_asking(p.c, SOF_TIMESTAMPING_TX_SCHED, 2), -EINVAL);
	pair_close(&p);
}

/* Several calls in one buffer: the last one's octet. */
static void sent_corked(const struct xport *t)
{
	struct pair p = pair_open(t);
	long long before = wall_ns();
	unsigned int id = 0;

	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_IDS | SOF_TIMESTAMPING_TX_ACK), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_CORK, 1), 0);
	IS(send(p.c, "abc", 3, 0), 3);
	IS(send(p.c, "def", 3, 0), 3);
	IS(set_int(p.c, IPPROTO_TCP, TCP_CORK, 0), 0);
	IS(report(p.c, before, &id), SCM_TSTAMP_ACK);
	IS(id, 5);
	IS(report(p.c, before, &id), -EAGAIN);
	pair_close(&p);
}

/* Nobody reads the reports: they fill the receive buffer, and go with the socket. */
static void unread(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x[64];
	int i;

	IS(set_int(p.c, SOL_SOCKET, SO_RCVBUF, 20000), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_IDS | TX_ALL), 0);
	for (i = 0; i < 300; i++) {
		NEED(send(p.c, "x", 1, 0));
		NEED(recv(p.s, x, sizeof(x), 0));
	}
	EV_IS(ready_within(p.c, 0, 100), POLLERR);
	/* Data does not need that room. */
	IS(send(p.s, "hello", 5, 0), 5);
	/* The reports are an event for every poll(): it cannot be asked to wait for data. */
	for (i = 0; i < 100 && !(ready(p.c, POLLIN) & POLLIN); i++)
		nap_ms(5);
	EV(ready(p.c, POLLIN));
	close(p.c);
	IS(recv(p.s, x, sizeof(x), 0) <= 0, 1);
	close(p.s);
	close(p.l);
}

static void refused(const struct xport *t)
{
	int fd = NEED(sock(t));
	struct pair p = pair_open(t);

	/* XTCP counts from the first octet then: the core asks it nothing here. */
	BY_DESIGN(t, set_int(fd, SOL_SOCKET, STAMPING_OLD, TX_ALL | TX_IDS), -EINVAL, 0);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, TX_ALL | SOF_TIMESTAMPING_OPT_STATS),
	   -EINVAL);
	IS(set_int(p.c, SOL_SOCKET, STAMPING_OLD, 1 << 30), -EINVAL);
	close(fd);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("kinds of receive stamps", receive_kinds, ON_ALL, 60),
	CASE("which one a read has", receive_which, ON_ALL, 20),
	CASE("packed segments keep theirs", receive_packed, ON_BOTH, 4),
	CASE("inherited from the listener", inherited, ON_ALL, 15),
	CASE("kinds of transmit stamps", sent_kinds, ON_ALL, 60),
	CASE("the packet with the report", sent_payload, ON_ALL, 20),
	CASE("many octets at once", sent_much, ON_BOTH, 40),
	CASE("asked for by one call", sent_by_call, ON_BOTH, 20),
	CASE("several calls in one segment", sent_corked, ON_BOTH, 8),
	CASE("reports that nobody reads", unread, ON_BOTH, 5),
	CASE("what is refused", refused, ON_BOTH, 3),
};

ORACLE_MAIN("Time stamps of data compared with TCP", cases)
