// SPDX-License-Identifier: GPL-2.0
/* shutdown(), close(), linger, resets and SIGPIPE, compared with TCP. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define ALL_EVENTS (POLLIN | POLLOUT | POLLRDHUP | POLLPRI)

static volatile sig_atomic_t pipes;

static void on_pipe(int sig)
{
	(void)sig;
	pipes++;
}

static void count_sigpipe(void)
{
	struct sigaction sa = { .sa_handler = on_pipe };

	sigaction(SIGPIPE, &sa, NULL);
}

static void shutdown_unconnected(const struct xport *t)
{
	int s = NEED(sock(t));

	IS(shutdown(-1, SHUT_WR), -EBADF);
	IS(shutdown(s, 3), -EINVAL);
	IS(shutdown(s, -1), -EINVAL);
	IS(shutdown(s, SHUT_RD), -ENOTCONN);
	IS(shutdown(s, SHUT_WR), -ENOTCONN);
	IS(shutdown(s, SHUT_RDWR), -ENOTCONN);
	IS(sock_bind(s, addr_loopback(t, 6000)), 0);
	IS(shutdown(s, SHUT_RDWR), -ENOTCONN);
	EV(ready(s, ALL_EVENTS));
	/* The failed calls leave their mark on a socket all the same. */
	IS(listen(s, 1), 0);
	close(s);
}

static void shutdown_write(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[8] = "";

	count_sigpipe();
	IS(state(p.c), TCP_ESTABLISHED);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready_within(p.s, POLLIN | POLLRDHUP, 2000), POLLIN | POLLRDHUP);
	IS(state_becomes(p.c, TCP_FIN_WAIT2), TCP_FIN_WAIT2);
	IS(state(p.s), TCP_CLOSE_WAIT);
	EV_IS(ready(p.c, ALL_EVENTS), POLLOUT);
	EV_IS(ready(p.s, ALL_EVENTS), POLLIN | POLLOUT | POLLRDHUP);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(send(p.c, "x", 1, 0), -EPIPE);
	IS(pipes, 1);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	IS(pipes, 1);
	SAW(send(p.c, "", 0, MSG_NOSIGNAL));
	IS(write(p.c, "x", 1), -EPIPE);
	IS(pipes, 2);
	IS(so_error(p.c), 0);

	/* The other direction goes on. */
	IS(recv(p.s, buf, 1, 0), 0);
	IS(recv(p.s, buf, 1, 0), 0);
	IS(send(p.s, "answer", 6, 0), 6);
	IS(recv(p.c, buf, 6, MSG_WAITALL), 6);
	TEXT_IS(buf, "answer");
	IS(shutdown(p.s, SHUT_WR), 0);
	IS(recv(p.c, buf, 1, 0), 0);
	IS(recv(p.c, buf, 1, 0), 0);
	IS(state_becomes(p.s, TCP_CLOSE), TCP_CLOSE);
	IS(state(p.c), TCP_CLOSE);
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	EV_IS(ready(p.s, ALL_EVENTS), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	IS(shutdown(p.s, SHUT_RDWR), -ENOTCONN);
	IS(shutdown(p.c, SHUT_RDWR), -ENOTCONN);
	IS(recv(p.s, buf, 1, 0), 0);
	IS(send(p.s, "x", 1, MSG_NOSIGNAL), -EPIPE);
	pair_close(&p);
}

static void shutdown_read(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[8] = "";

	IS(shutdown(p.c, SHUT_RD), 0);
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLOUT | POLLRDHUP);
	IS(recv(p.c, buf, 1, 0), 0);
	IS(state(p.c), TCP_ESTABLISHED);
	/* The peer is not told, and what it sends can even be read. */
	IS(send(p.s, "late", 4, 0), 4);
	nap_ms(50);
	IS(recv(p.c, buf, 8, 0), 4);
	IS(recv(p.c, buf, 8, 0), 0);
	IS(send(p.c, "still", 5, 0), 5);
	IS(recv(p.s, buf, 5, MSG_WAITALL), 5);
	IS(shutdown(p.c, SHUT_RD), 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	IS(recv(p.s, buf, 1, 0), 0);
	pair_close(&p);
}

static void shutdown_both(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[8] = "";

	IS(shutdown(p.c, SHUT_RDWR), 0);
	EV_IS(ready(p.c, ALL_EVENTS), POLLIN | POLLOUT | POLLHUP | POLLRDHUP);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	IS(recv(p.c, buf, 1, 0), 0);
	/* Nobody can read any more, so what the peer sends is answered with RST. */
	IS(send(p.s, "more", 4, MSG_NOSIGNAL), 4);
	EV_IS(ready_within(p.s, POLLPRI, 2000), POLLERR | POLLHUP);
	IS(so_error(p.s), -EPIPE);
	EV(ready(p.c, ALL_EVENTS));
	SAW(recv(p.c, buf, 4, MSG_DONTWAIT));
	SAW(recv(p.c, buf, 4, MSG_DONTWAIT));
	IS(shutdown(p.s, SHUT_RDWR), -ENOTCONN);
	IS(state(p.s), TCP_CLOSE);
	pair_close(&p);
}

/* Both sides finish at the same time: every call sees an orderly end. */
static void shutdown_crossing(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	IS(shutdown(p.c, SHUT_WR), 0);
	IS(shutdown(p.s, SHUT_WR), 0);
	IS(recv(p.c, &x, 1, 0), 0);
	IS(recv(p.s, &x, 1, 0), 0);
	IS(so_error(p.c), 0);
	IS(so_error(p.s), 0);
	IS(state_becomes(p.s, TCP_CLOSE), TCP_CLOSE);
	pair_close(&p);
}

static void close_clean(const struct xport *t)
{
	struct pair p = pair_open(t);
	int port = addr_port(&p.at);
	char x;

	IS(close(p.c), 0);
	EV_IS(ready_within(p.s, POLLIN | POLLRDHUP, 2000), POLLIN | POLLRDHUP);
	IS(state(p.s), TCP_CLOSE_WAIT);
	/* The orphan waits for the peer in FIN-WAIT-2. */
	IS(proc_becomes(t, -1, port, TCP_FIN_WAIT2, 1), 1);
	IS(recv(p.s, &x, 1, 0), 0);
	IS(close(p.s), 0);
	IS(proc_becomes(t, -1, port, TCP_TIME_WAIT, 1), 1);
	IS(proc_count(t, port, -1, TCP_TIME_WAIT), 0);
	close(p.l);
}

static void close_unread(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	count_sigpipe();
	IS(send(p.c, "unread", 6, 0), 6);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	/* RFC 2525 2.17: unread data is lost, so the peer gets a reset. */
	IS(close(p.s), 0);
	EV_IS(ready_within(p.c, POLLIN | POLLRDHUP, 2000),
	      POLLIN | POLLERR | POLLHUP | POLLRDHUP);
	IS(state(p.c), TCP_CLOSE);
	IS(recv(p.c, &x, 1, 0), -ECONNRESET);
	IS(recv(p.c, &x, 1, 0), 0);
	IS(send(p.c, "x", 1, 0), -EPIPE);
	IS(pipes, 1);
	EV(ready(p.c, ALL_EVENTS));
	close(p.c);

	/* The error goes to a writer as well, before EPIPE. */
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	IS(send(p.c, "unread", 6, 0), 6);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	close(p.s);
	EV(ready_within(p.c, POLLIN, 2000));
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -ECONNRESET);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	IS(recv(p.c, &x, 1, 0), 0);
	IS(so_error(p.c), 0);
	close(p.c);

	/* SO_ERROR takes it too. */
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	IS(send(p.c, "unread", 6, 0), 6);
	EV_IS(ready_within(p.s, POLLIN, 2000), POLLIN);
	close(p.s);
	EV(ready_within(p.c, POLLIN, 2000));
	IS(so_error(p.c), -ECONNRESET);
	IS(so_error(p.c), 0);
	IS(recv(p.c, &x, 1, 0), 0);
	close(p.c);
	close(p.l);
}

static void reset_with_data(const struct xport *t)
{
	struct pair p = pair_open(t);
	char buf[8] = "";

	/* Data that came before the reset. */
	IS(send(p.s, "before", 6, 0), 6);
	EV_IS(ready_within(p.c, POLLIN, 2000), POLLIN);
	set_linger(p.s, 1, 0);
	IS(close(p.s), 0);
	EV(ready_within(p.c, POLLRDHUP, 2000));
	SAW(recv(p.c, buf, 8, 0));
	SAW(recv(p.c, buf, 8, 0));
	SAW(recv(p.c, buf, 8, 0));
	SAW(send(p.c, "x", 1, MSG_NOSIGNAL));
	EV(ready(p.c, ALL_EVENTS));
	close(p.c);
	close(p.l);
}

static void write_after_close(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	IS(close(p.s), 0);
	EV_IS(ready_within(p.c, POLLIN | POLLRDHUP, 2000), POLLIN | POLLRDHUP);
	IS(recv(p.c, &x, 1, 0), 0);
	/* The first write is accepted, its answer is a reset. */
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), 1);
	EV_IS(ready_within(p.c, POLLPRI, 2000), POLLERR | POLLHUP);
	/* In CLOSE-WAIT a reset is a broken pipe. */
	IS(so_error(p.c), -EPIPE);
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), -EPIPE);
	IS(recv(p.c, &x, 1, 0), 0);
	close(p.c);

	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	IS(close(p.s), 0);
	EV(ready_within(p.c, POLLIN, 2000));
	IS(send(p.c, "x", 1, MSG_NOSIGNAL), 1);
	EV(ready_within(p.c, POLLPRI, 2000));
	SAW(recv(p.c, &x, 1, 0));
	SAW(recv(p.c, &x, 1, 0));
	close(p.c);
	close(p.l);
}

static void linger_zero(const struct xport *t)
{
	struct pair p = pair_open(t);
	int port = addr_port(&p.at);
	char x;

	set_linger(p.c, 1, 0);
	IS(send(p.c, "lost", 4, 0), 4);
	IS(close(p.c), 0);
	EV(ready_within(p.s, POLLRDHUP, 2000));
	SAW(recv(p.s, &x, 1, 0));
	IS(proc_count(t, -1, port, -1), 0);
	close(p.s);
	close(p.l);
}

static void linger_seconds(const struct xport *t)
{
	struct pair p = pair_open(t);
	int port = addr_port(&p.at);
	long start, took;

	/* An idle peer acknowledges the end at once: no waiting. */
	set_linger(p.c, 1, 5);
	IS(send(p.c, "gone", 4, 0), 4);
	start = now_ms();
	IS(close(p.c), 0);
	TRUE(now_ms() - start < 4000);
	close(p.s);

	/* With a full window close() waits for its time, then goes on alone. */
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	TRUE(fill_send(p.c) > 0);
	set_linger(p.c, 1, 1);
	start = now_ms();
	IS(close(p.c), 0);
	took = now_ms() - start;
	TRUE(took >= 300 && took < 10000);
	IS(proc_count(t, -1, port, TCP_FIN_WAIT1), 1);
	close(p.s);

	/* A non-blocking socket waits all the same. */
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	TRUE(fill_send(p.c) > 0);
	set_linger(p.c, 1, 1);
	set_nonblock(p.c, true);
	start = now_ms();
	IS(close(p.c), 0);
	took = now_ms() - start;
	oracle_text("non-blocking close with linger", "%s",
		    took < 300 ? "returns" : "waits");
	close(p.s);
	close(p.l);
}

/* The orphan delivers what was sent before close(), then the end. */
static void close_with_queue(const struct xport *t)
{
	struct pair p = pair_open(t);
	long sent, got;
	char x;

	sent = fill_send(p.c);
	TRUE(sent > 65536);
	IS(close(p.c), 0);
	nap_ms(50);
	got = drain(p.s);
	IS(got - sent, 0);
	IS(recv(p.s, &x, 1, 0), 0);
	IS(so_error(p.s), 0);
	close(p.s);
	close(p.l);
}

static void fin_wait2_timeout(const struct xport *t)
{
	struct pair p = pair_open(t);
	int port = addr_port(&p.at);

	/* An orphan whose peer never finishes ends by itself. */
	IS(set_int(p.c, IPPROTO_TCP, TCP_LINGER2, 1), 0);
	IS(close(p.c), 0);
	EV(ready_within(p.s, POLLIN, 2000));
	IS(proc_becomes(t, -1, port, TCP_FIN_WAIT2, 1), 1);
	nap_ms(2500);
	IS(proc_count(t, -1, port, TCP_FIN_WAIT2), 0);
	IS(proc_count(t, port, -1, TCP_CLOSE_WAIT), 1);
	/* Nobody is there any more. */
	IS(send(p.s, "x", 1, MSG_NOSIGNAL), 1);
	EV(ready_within(p.s, POLLPRI, 2000));
	close(p.s);

	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	/* Negative: no FIN-WAIT-2 at all. */
	IS(set_int(p.c, IPPROTO_TCP, TCP_LINGER2, -1), 0);
	IS(shutdown(p.c, SHUT_WR), 0);
	IS(state_becomes(p.c, TCP_FIN_WAIT2), TCP_FIN_WAIT2);
	IS(close(p.c), 0);
	EV(ready_within(p.s, POLLPRI, 2000));
	IS(proc_count(t, -1, port, TCP_FIN_WAIT2), 0);
	close(p.s);
	close(p.l);
}

static const struct oracle_case cases[] = {
	CASE("shutdown without a connection", shutdown_unconnected, ON_ALL, 9),
	CASE("shutdown for writing, half-close", shutdown_write, ON_ALL, 30),
	CASE("shutdown for reading", shutdown_read, ON_ALL, 12),
	CASE("shutdown for both", shutdown_both, ON_ALL, 9),
	CASE("both sides shut down at once", shutdown_crossing, ON_ALL, 7),
	CASE("orderly close", close_clean, ON_ALL, 8),
	CASE("close with unread data", close_unread, ON_ALL, 22),
	CASE("data, then reset", reset_with_data, ON_ALL, 9),
	CASE("write to a closed peer", write_after_close, ON_ALL, 13),
	CASE("SO_LINGER with zero", linger_zero, ON_ALL, 5),
	CASE("SO_LINGER with a time", linger_seconds, ON_BOTH, 10),
	CASE("close with a full send queue", close_with_queue, ON_ALL, 5),
	CASE("orphan in FIN-WAIT-2", fin_wait2_timeout, ON_BOTH, 12),
};

ORACLE_MAIN("shutdown(), close(), linger, resets and SIGPIPE compared with TCP", cases)
