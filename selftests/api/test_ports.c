// SPDX-License-Identifier: GPL-2.0
/* Who may have which port: conflicts, ephemeral ports, exhaustion; like TCP. */
#define _GNU_SOURCE
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

#define REUSE	1	/* SO_REUSEADDR */
#define RPORT	2	/* SO_REUSEPORT */
#define ONLY6	4	/* IPV6_V6ONLY */
#define LISTEN	8	/* listen() after bind() */

/* The same transport with IPv4 addresses. */
static struct xport as_v4(const struct xport *t)
{
	struct xport v4 = *t;

	v4.on = ON_V4;
	v4.domain = t->xtcp ? AF_XTCP : AF_INET;
	v4.protocol = 0;
	v4.family = AF_INET;
	return v4;
}

static int prepare(const struct xport *t, int how)
{
	int s = NEED(sock(t));

	if (how & REUSE)
		NEED(set_int(s, SOL_SOCKET, SO_REUSEADDR, 1));
	if (how & RPORT)
		NEED(set_int(s, SOL_SOCKET, SO_REUSEPORT, 1));
	if (how & ONLY6)
		NEED(set_int(s, IPPROTO_IPV6, IPV6_V6ONLY, 1));
	return s;
}

static const char *outcome(int s, struct addr a, int how)
{
	if (sock_bind(s, a))
		return strerrorname_np(errno);
	if (how & LISTEN && listen(s, 1))
		return errno == EADDRINUSE ? "listen EADDRINUSE" : "listen fails";
	return "ok";
}

static void conflict_matrix(const struct xport *t)
{
	static const int how[] = { 0, REUSE, LISTEN, REUSE | LISTEN, RPORT, RPORT | LISTEN,
				   REUSE | RPORT };
	struct addr place[3] = {
		addr_any(t, 7700), addr_loopback(t, 7700),
		addr_text(t, "127.0.0.2", "::2", 7700),
	};
	static const char *const label[3] = { "any", "loopback", "other" };
	size_t a, b, i, k;

	NEED(t->on == ON_V6 ? system("ip -6 addr add ::2/128 dev lo nodad") : 0);
	for (a = 0; a < 3; a++)
	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++)
	for (b = 0; b < 3; b++)
	for (k = 0; k < sizeof(how) / sizeof(how[0]); k++) {
		int s1 = prepare(t, how[i]), s2 = prepare(t, how[k]);
		char name[100];

		if (strcmp(outcome(s1, place[a], how[i]), "ok"))
			NEED(-1);
		snprintf(name, sizeof(name), "%s%s%s%s, then %s%s%s%s", label[a],
			 how[i] & REUSE ? " reuse" : "", how[i] & RPORT ? " reuseport" : "",
			 how[i] & LISTEN ? " listening" : "", label[b],
			 how[k] & REUSE ? " reuse" : "", how[k] & RPORT ? " reuseport" : "",
			 how[k] & LISTEN ? " listening" : "");
		oracle_text(name, "%s", outcome(s2, place[b], how[k]));
		close(s1);
		close(s2);
	}
	/* The corners, in so many words. */
	a = NEED(prepare(t, 0));
	b = NEED(prepare(t, 0));
	TEXT_IS(outcome(a, place[1], 0), "ok");
	TEXT_IS(outcome(b, place[2], 0), "ok");
	TEXT_IS(outcome(prepare(t, REUSE), place[0], 0), "EADDRINUSE");
	close(a);
	close(b);
	a = NEED(prepare(t, REUSE));
	b = NEED(prepare(t, REUSE));
	TEXT_IS(outcome(a, place[0], LISTEN), "ok");
	TEXT_IS(outcome(b, place[1], 0), "EADDRINUSE");
	close(a);
	close(b);
}

/* IPv4 and IPv6 sockets on one port number. */
static void family_matrix(const struct xport *t)
{
	static const int how[] = { 0, REUSE, LISTEN };
	struct xport v4 = as_v4(t), mapped = *t;
	size_t a, b, i, k;

	mapped.on = ON_MAPPED;
	for (a = 0; a < 6; a++)
	for (b = 0; b < 6; b++)
	for (i = 0; i < 3; i++)
	for (k = 0; k < 3; k++) {
		struct addr place[6] = {
			addr_any(t, 7800), addr_any(t, 7800), addr_loopback(t, 7800),
			addr_any(&v4, 7800), addr_loopback(&v4, 7800),
			addr_loopback(&mapped, 7800),
		};
		static const char *const label[6] = { "[::]", "[::] v6only", "[::1]", "0.0.0.0",
						      "127.0.0.1", "::ffff:127.0.0.1" };
		int s1 = prepare(a == 3 || a == 4 ? &v4 : t, how[i] | (a == 1 ? ONLY6 : 0));
		int s2 = prepare(b == 3 || b == 4 ? &v4 : t, how[k] | (b == 1 ? ONLY6 : 0));
		char name[100];

		snprintf(name, sizeof(name), "%s%s%s, then %s%s%s", label[a],
			 how[i] & REUSE ? " reuse" : "", how[i] & LISTEN ? " listening" : "",
			 label[b], how[k] & REUSE ? " reuse" : "",
			 how[k] & LISTEN ? " listening" : "");
		if (strcmp(outcome(s1, place[a], how[i]), "ok"))
			NEED(-1);
		oracle_text(name, "%s", outcome(s2, place[b], how[k]));
		close(s1);
		close(s2);
	}
	a = NEED(prepare(t, 0));
	b = NEED(prepare(&v4, 0));
	TEXT_IS(outcome(a, addr_any(t, 7801), LISTEN), "ok");
	TEXT_IS(outcome(b, addr_any(&v4, 7801), LISTEN), "EADDRINUSE");
	close(a);
	close(b);
}

static void ephemeral_bind(const struct xport *t)
{
	int s[10], i, k, distinct = 0, extra;
	struct addr a, b;

	NEED(sysctl_put("net/ipv4/ip_local_port_range", "41000 41009"));
	for (i = 0; i < 10; i++) {
		s[i] = NEED(sock(t));
		IS(sock_bind(s[i], addr_loopback(t, 0)), 0);
		a = addr_local(s[i]);
		TRUE(addr_port(&a) >= 41000 && addr_port(&a) <= 41009);
		for (k = 0; k < i; k++) {
			b = addr_local(s[k]);
			if (addr_port(&a) == addr_port(&b))
				break;
		}
		distinct += k == i;
	}
	IS(distinct, 10);
	extra = NEED(sock(t));
	IS(sock_bind(extra, addr_loopback(t, 0)), -EADDRINUSE);
	/* Ports outside the range are there for those who name them. */
	IS(sock_bind(extra, addr_loopback(t, 41010)), 0);
	close(extra);
	extra = NEED(sock(t));
	SAW(listen(extra, 1));
	/* One given back is found again. */
	close(s[3]);
	IS(sock_bind(extra, addr_loopback(t, 0)), 0);
	close(extra);
	for (i = 0; i < 10; i++)
		close(s[i]);
}

static void ephemeral_reserved(const struct xport *t)
{
	struct addr a;
	int i, s;

	NEED(sysctl_put("net/ipv4/ip_local_port_range", "41000 41003"));
	NEED(sysctl_put("net/ipv4/ip_local_reserved_ports", "41000-41001,41003"));
	for (i = 0; i < 8; i++) {
		s = NEED(sock(t));
		IS(sock_bind(s, addr_loopback(t, 0)), 0);
		a = addr_local(s);
		IS(addr_port(&a), 41002);
		close(s);
	}
	/* Reserved from chance, not from those who ask. */
	s = NEED(sock(t));
	IS(sock_bind(s, addr_loopback(t, 41001)), 0);
	close(s);
}

static void ephemeral_connect(const struct xport *t)
{
	int l1 = NEED(sock_listener(t, 7900, 32)), l2 = NEED(sock_listener(t, 7901, 32));
	int c[8], i, extra, seen[8] = { 0 }, distinct = 0;
	struct addr a;

	NEED(sysctl_put("net/ipv4/ip_local_port_range", "42000 42007"));
	for (i = 0; i < 8; i++) {
		c[i] = NEED(sock(t));
		IS(sock_connect(c[i], addr_loopback(t, 7900)), 0);
		a = addr_local(c[i]);
		TRUE(addr_port(&a) >= 42000 && addr_port(&a) <= 42007);
		if (addr_port(&a) >= 42000 && addr_port(&a) <= 42007)
			distinct += !seen[addr_port(&a) - 42000]++;
	}
	IS(distinct, 8);
	extra = NEED(sock(t));
	IS(sock_connect(extra, addr_loopback(t, 7900)), -EADDRNOTAVAIL);
	SAW(so_error(extra));
	a = addr_local(extra);
	SAW(addr_port(&a));
	/* A port is taken for one destination only. */
	IS(sock_connect(extra, addr_loopback(t, 7901)), 0);
	a = addr_local(extra);
	TRUE(addr_port(&a) >= 42000 && addr_port(&a) <= 42007);
	close(extra);
	/* bind() without SO_REUSEADDR wants a port nobody has. */
	extra = NEED(sock(t));
	IS(sock_bind(extra, addr_loopback(t, 0)), -EADDRINUSE);
	close(extra);
	extra = NEED(sock(t));
	NEED(set_int(extra, SOL_SOCKET, SO_REUSEADDR, 1));
	SAW(sock_bind(extra, addr_loopback(t, 0)));
	close(extra);
	extra = NEED(sock(t));
	NEED(set_int(extra, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1));
	IS(sock_bind(extra, addr_loopback(t, 0)), 0);
	IS(sock_connect(extra, addr_loopback(t, 7901)), 0);
	close(extra);
	for (i = 0; i < 8; i++)
		close(c[i]);
	close(l1);
	close(l2);
}

/* The same pair of addresses and ports cannot be connected twice. */
static void same_tuple(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7902, 8)), c1, c2;

	c1 = NEED(prepare(t, REUSE));
	c2 = NEED(prepare(t, REUSE));
	IS(sock_bind(c1, addr_loopback(t, 7903)), 0);
	IS(sock_bind(c2, addr_loopback(t, 7903)), 0);
	IS(sock_connect(c1, addr_loopback(t, 7902)), 0);
	IS(sock_connect(c2, addr_loopback(t, 7902)), -EADDRNOTAVAIL);
	/* A bound port that listens elsewhere is still free to call out. */
	close(c2);
	c2 = NEED(prepare(t, REUSE));
	SAW(sock_bind(c2, addr_any(t, 7903)));
	SAW(listen(c2, 1));
	close(c1);
	close(c2);
	close(l);
}

/* Several listeners share a port; each connection goes to one of them. */
static void reuseport_group(const struct xport *t)
{
	int l[3], c[30], i, n, got = 0;

	for (i = 0; i < 3; i++) {
		l[i] = NEED(prepare(t, RPORT));
		IS(sock_bind(l[i], addr_loopback(t, 7910)), 0);
		IS(listen(l[i], 64), 0);
		NEED(set_nonblock(l[i], true));
	}
	i = NEED(prepare(t, 0));
	IS(sock_bind(i, addr_loopback(t, 7910)), -EADDRINUSE);
	close(i);
	for (i = 0; i < 30; i++) {
		c[i] = NEED(sock(t));
		NEED(sock_connect(c[i], addr_loopback(t, 7910)));
	}
	nap_ms(50);
	for (i = 0; i < 3; i++)
		while ((n = accept(l[i], NULL, NULL)) >= 0) {
			close(n);
			got++;
		}
	IS(got, 30);
	for (i = 0; i < 30; i++)
		close(c[i]);
	for (i = 0; i < 3; i++)
		close(l[i]);
}

/* Listeners on the wildcard and on an address: the closer one is asked. */
static void closest_listener(const struct xport *t)
{
	int any = NEED(prepare(t, RPORT)), exact = NEED(prepare(t, RPORT)), c = NEED(sock(t));

	IS(sock_bind(any, addr_any(t, 7911)), 0);
	IS(listen(any, 4), 0);
	IS(sock_bind(exact, addr_loopback(t, 7911)), 0);
	IS(listen(exact, 4), 0);
	IS(sock_connect(c, addr_loopback(t, 7911)), 0);
	EV_IS(ready_within(exact, POLLIN, 1000), POLLIN);
	EV_IS(ready(any, POLLIN), 0);
	close(exact);
	close(c);
	c = NEED(sock(t));
	IS(sock_connect(c, addr_loopback(t, 7911)), 0);
	EV_IS(ready_within(any, POLLIN, 1000), POLLIN);
	close(c);
	close(any);
}

static const struct oracle_case cases[] = {
	CASE("two sockets, one port", conflict_matrix, ON_BOTH, 440),
	CASE("IPv4 and IPv6 on one port", family_matrix, ON_V6, 320),
	CASE("ephemeral ports of bind", ephemeral_bind, ON_ALL, 25),
	CASE("ip_local_reserved_ports", ephemeral_reserved, ON_BOTH, 17),
	CASE("ephemeral ports of connect", ephemeral_connect, ON_ALL, 26),
	CASE("one tuple, one connection", same_tuple, ON_BOTH, 6),
	CASE("SO_REUSEPORT", reuseport_group, ON_BOTH, 8),
	CASE("the closest listener", closest_listener, ON_BOTH, 9),
};

ORACLE_MAIN("Ports: conflicts, ephemeral ports and exhaustion compared with TCP", cases)
