// SPDX-License-Identifier: GPL-2.0
/* TIME-WAIT as programs meet it: listed, in the way of bind and connect; like TCP. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

/*
 * A connection from port @cport to port @sport that has ended; the side that
 * closed first, and so is in TIME-WAIT, is the server's if @server_first.
 */
static void make_time_wait(const struct xport *t, int l, int cport, int sport,
			   bool server_first)
{
	int c = NEED(sock(t)), s;
	char x;

	NEED(set_int(c, SOL_SOCKET, SO_REUSEADDR, 1));
	NEED(sock_bind(c, addr_loopback(t, cport)));
	NEED(sock_connect(c, addr_loopback(t, sport)));
	s = NEED(accept(l, NULL, NULL));
	if (server_first) {
		close(s);
		NEED(recv(c, &x, 1, 0));
		close(c);
		IS(proc_becomes(t, sport, cport, TCP_TIME_WAIT, 1), 1);
		IS(proc_count(t, cport, sport, -1), 0);
	} else {
		close(c);
		NEED(recv(s, &x, 1, 0));
		close(s);
		IS(proc_becomes(t, cport, sport, TCP_TIME_WAIT, 1), 1);
		IS(proc_count(t, sport, cport, -1), 0);
	}
}

/* On loopback newer kernels reuse a TIME-WAIT after a second; not here. */
static void no_early_reuse(const struct xport *t)
{
	if (!t->xtcp)
		NEED(sysctl_put("net/ipv4/tcp_tw_reuse", "0"));
	else
		sysctl_put("net/xtcp/tw_reuse", "0");
}

static void client_side(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8000, 4)), s, ret = EADDRNOTAVAIL;

	no_early_reuse(t);
	make_time_wait(t, l, 8001, 8000, false);
	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 8001)), -EADDRINUSE);
	IS(sock_bind(s, addr_any(t, 8001)), -EADDRINUSE);
	IS(set_int(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(s, addr_loopback(t, 8001)), 0);
	/*
	 * The tuple itself is still taken. Newer kernels forget to look for TCP
	 * where the port has one owner only, so TCP is no oracle here.
	 */
	if (t->xtcp)
		ret = sock_connect(s, addr_loopback(t, 8000)) ? errno : 0;
	IS(ret, EADDRNOTAVAIL);
	close(s);
	/* Another destination is fine. */
	s = NEED(sock(t));
	IS(set_int(s, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(s, addr_loopback(t, 8001)), 0);
	IS(listen(s, 1), 0);
	close(s);
	IS(proc_count(t, 8001, 8000, TCP_TIME_WAIT), 1);
	close(l);
}

static void server_side(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8010, 4)), s, c;

	make_time_wait(t, l, 8011, 8010, true);
	close(l);
	/* The restarted server, without and with SO_REUSEADDR. */
	l = NEED(sock(t));
	IS(sock_bind(l, addr_loopback(t, 8010)), -EADDRINUSE);
	IS(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	SAW(sock_bind(l, addr_loopback(t, 8010)));
	close(l);
	l = NEED(sock(t));
	IS(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	SAW(sock_bind(l, addr_any(t, 8010)));
	SAW(listen(l, 4));
	c = NEED(sock(t));
	SAW(sock_connect(c, addr_loopback(t, 8010)));
	s = NEED(set_nonblock(l, true));
	s = accept(l, NULL, NULL);
	SAW(s >= 0);
	close(s);
	close(c);
	close(l);
}

static void server_side_reuse(const struct xport *t)
{
	int l = NEED(sock(t)), c, s;
	char x;

	IS(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(l, addr_loopback(t, 8020)), 0);
	IS(listen(l, 4), 0);
	make_time_wait(t, l, 8021, 8020, true);
	close(l);
	l = NEED(sock(t));
	IS(set_int(l, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(l, addr_loopback(t, 8020)), 0);
	IS(listen(l, 4), 0);
	/* A new SYN on the old tuple ends TIME-WAIT, RFC 9293 3.6.1. */
	c = NEED(sock(t));
	IS(set_int(c, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(sock_bind(c, addr_loopback(t, 8021)), 0);
	IS(sock_connect(c, addr_loopback(t, 8020)), 0);
	s = NEED(accept(l, NULL, NULL));
	IS(proc_count(t, 8020, 8021, TCP_TIME_WAIT), 0);
	IS(proc_count(t, 8020, 8021, TCP_ESTABLISHED), 1);
	IS(send(c, "n", 1, 0), 1);
	IS(recv(s, &x, 1, 0), 1);
	IS(x, 'n');
	close(c);
	close(s);
	close(l);
}

static void no_time_wait(const struct xport *t)
{
	struct pair p = pair_open(t);
	int port = addr_port(&p.at);
	char x;

	/* The passive closer has none, and neither has who was reset. */
	close(p.c);
	IS(recv(p.s, &x, 1, 0), 0);
	close(p.s);
	IS(proc_becomes(t, -1, port, TCP_TIME_WAIT, 1), 1);
	IS(proc_count(t, port, -1, TCP_TIME_WAIT), 0);
	p.c = NEED(sock(t));
	NEED(sock_connect(p.c, p.at));
	p.s = NEED(accept(p.l, NULL, NULL));
	set_linger(p.c, 1, 0);
	close(p.c);
	close(p.s);
	nap_ms(50);
	IS(proc_count(t, -1, port, TCP_TIME_WAIT), 1);
	close(p.l);
}

static void many(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8030, 64)), i, c, s;
	char x;

	for (i = 0; i < 200; i++) {
		c = NEED(sock(t));
		NEED(sock_connect(c, addr_loopback(t, 8030)));
		s = NEED(accept(l, NULL, NULL));
		close(c);
		NEED(recv(s, &x, 1, 0));
		close(s);
	}
	/* TCP may reuse a port in TIME-WAIT on loopback (tcp_tw_reuse): 195 were seen once. */
	TRUE(proc_becomes(t, -1, 8030, TCP_TIME_WAIT, 200) >= (t->xtcp ? 200 : 180));
	IS(proc_count(t, 8030, -1, TCP_TIME_WAIT), 0);
	IS(proc_count(t, 8030, -1, TCP_LISTEN), 1);
	close(l);
}

/* TCP's 60 s are compiled in; XTCP's are net.xtcp.msl, which is its point. */
static void tunable(const struct xport *t)
{
	int l = NEED(sock_listener(t, 8040, 4)), s;
	long start;

	if (t->xtcp)
		NEED(sysctl_put("net/xtcp/msl", "500"));
	start = now_ms();
	make_time_wait(t, l, 8041, 8040, false);
	BY_DESIGN(t, proc_becomes(t, 8041, 8040, TCP_TIME_WAIT, 0), 1, 0);
	TRUE(now_ms() - start >= 300);
	s = NEED(sock(t));
	BY_DESIGN(t, sock_bind(s, addr_loopback(t, 8041)), -EADDRINUSE, 0);
	close(s);
	close(l);
}

static const struct oracle_case cases[] = {
	CASE("TIME-WAIT at the client", client_side, ON_ALL, 11),
	CASE("TIME-WAIT at the server", server_side, ON_ALL, 9),
	CASE("a new connection on the tuple in TIME-WAIT", server_side_reuse, ON_ALL, 15),
	CASE("closes without TIME-WAIT", no_time_wait, ON_ALL, 4),
	CASE("200 of them", many, ON_BOTH, 3),
	CASE("net.xtcp.msl", tunable, ON_BOTH, 5),
};

ORACLE_MAIN("TIME-WAIT as programs meet it, compared with TCP", cases)
