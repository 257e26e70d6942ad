// SPDX-License-Identifier: GPL-2.0
/* Options at SOL_SOCKET, SOL_IP and SOL_IPV6, compared with TCP. */
#define _GNU_SOURCE
#include <asm/socket.h>
#include <limits.h>
#include <linux/net_tstamp.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "../lib/bpf.h"
#include "../lib/net.h"
#include "../lib/oracle.h"

static void *volatile bad = (void *)8;
static volatile int minus_one = -1;

struct option {
	int level;
	int name;
	const char *label;
};

#define SOCKET(name) { SOL_SOCKET, name, #name }
#define IPOPT(name) { IPPROTO_IP, name, #name }
#define IP6OPT(name) { IPPROTO_IPV6, name, #name }

/* Options whose value is one int. */
static const struct option options[] = {
	SOCKET(SO_DEBUG), SOCKET(SO_REUSEADDR), SOCKET(SO_DONTROUTE), SOCKET(SO_BROADCAST),
	SOCKET(SO_KEEPALIVE), SOCKET(SO_OOBINLINE), SOCKET(SO_NO_CHECK), SOCKET(SO_PRIORITY),
	SOCKET(SO_REUSEPORT), SOCKET(SO_PASSCRED), SOCKET(SO_TIMESTAMP),
	SOCKET(SO_TIMESTAMPNS), SOCKET(SO_MARK), SOCKET(SO_RXQ_OVFL), SOCKET(SO_WIFI_STATUS),
	SOCKET(SO_NOFCS), SOCKET(SO_LOCK_FILTER),
	SOCKET(SO_SELECT_ERR_QUEUE), SOCKET(SO_BUSY_POLL), SOCKET(SO_MAX_PACING_RATE),
	SOCKET(SO_INCOMING_CPU), SOCKET(SO_INCOMING_NAPI_ID), SOCKET(SO_MEMINFO),
	SOCKET(SO_BUF_LOCK), SOCKET(SO_RCVLOWAT), SOCKET(SO_SNDLOWAT), SOCKET(SO_TYPE),
	SOCKET(SO_DOMAIN), SOCKET(SO_ACCEPTCONN), SOCKET(SO_ERROR), SOCKET(SO_PASSSEC),
	SOCKET(SO_PREFER_BUSY_POLL), SOCKET(SO_TXREHASH), SOCKET(SO_CNX_ADVICE),
	SOCKET(SO_RESERVE_MEM), SOCKET(SO_RCVBUFFORCE), SOCKET(SO_SNDBUFFORCE),
	IPOPT(IP_TOS), IPOPT(IP_TTL), IPOPT(IP_MTU_DISCOVER), IPOPT(IP_RECVERR),
	IPOPT(IP_FREEBIND), IPOPT(IP_MINTTL), IPOPT(IP_TRANSPARENT),
	IPOPT(IP_BIND_ADDRESS_NO_PORT), IPOPT(IP_MTU), IPOPT(IP_PKTINFO), IPOPT(IP_HDRINCL),
	IPOPT(IP_NODEFRAG), IPOPT(IP_UNICAST_IF), IPOPT(IP_MULTICAST_TTL), IPOPT(999),
	IP6OPT(IPV6_V6ONLY), IP6OPT(IPV6_UNICAST_HOPS), IP6OPT(IPV6_TCLASS),
	IP6OPT(IPV6_MTU_DISCOVER), IP6OPT(IPV6_RECVERR), IP6OPT(IPV6_DONTFRAG),
	IP6OPT(IPV6_FREEBIND), IP6OPT(IPV6_TRANSPARENT), IP6OPT(IPV6_MINHOPCOUNT),
	IP6OPT(IPV6_MTU), IP6OPT(IPV6_AUTOFLOWLABEL), IP6OPT(IPV6_MULTICAST_HOPS),
	IP6OPT(IPV6_RECVPKTINFO), IP6OPT(999),
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

static void int_options(const struct xport *t)
{
	static const int value[] = { -2, -1, 0, 1, 2, 6, 64, 255, 256, 4660 };
	size_t i, k;

	for (i = 0; i < OPTIONS; i++) {
		const struct option *o = &options[i];
		int s = NEED(sock(t)), got, err;

		got = get_int(s, o->level, o->name);
		err = errno;
		oracle_text(o->label, "default %d %s", got, got == -1 ? strerrorname_np(err) : "");
		for (k = 0; k < sizeof(value) / sizeof(value[0]); k++) {
			int ret = set_int(s, o->level, o->name, value[k]);

			err = errno;
			oracle_text(o->label, "set %d: %s, then %d", value[k],
				    ret ? strerrorname_np(err) : "ok",
				    get_int(s, o->level, o->name));
		}
		close(s);
	}
	IS(1, 1);
}

/* The second number of net.ipv4.tcp_NAME or net.xtcp.NAME. */
static int sysctl_second(const struct xport *t, const char *name)
{
	char path[96], text[64];
	int value = -1;

	snprintf(path, sizeof(path), "%s%s", t->xtcp ? "net/xtcp/" : "net/ipv4/tcp_", name);
	NEED(sysctl_get(path, text, sizeof(text)));
	NEED(sscanf(text, "%*d %d", &value) == 1 ? 0 : -1);
	return value;
}

static void buffers(const struct xport *t)
{
	static const int value[] = { -1, 0, 1, 1000, 4096, 65536, 100000, 1 << 20, 64 << 20,
				     INT_MAX };
	int s = NEED(sock(t));
	size_t i;

	/* The defaults are the sysctls' second numbers, which differ on purpose. */
	IS(get_int(s, SOL_SOCKET, SO_SNDBUF) - sysctl_second(t, "wmem"), 0);
	IS(get_int(s, SOL_SOCKET, SO_RCVBUF) - sysctl_second(t, "rmem"), 0);
	for (i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		oracle_text("value", "%d", value[i]);
		SAW(set_int(s, SOL_SOCKET, SO_SNDBUF, value[i]));
		SAW(get_int(s, SOL_SOCKET, SO_SNDBUF));
		SAW(set_int(s, SOL_SOCKET, SO_RCVBUF, value[i]));
		SAW(get_int(s, SOL_SOCKET, SO_RCVBUF));
	}
	/* Doubled, for the bookkeeping. */
	IS(set_int(s, SOL_SOCKET, SO_SNDBUF, 50000), 0);
	IS(get_int(s, SOL_SOCKET, SO_SNDBUF), 100000);
	IS(set_int(s, SOL_SOCKET, SO_RCVBUF, 50000), 0);
	IS(get_int(s, SOL_SOCKET, SO_RCVBUF), 100000);
	close(s);
}

static void lengths(const struct xport *t)
{
	static const struct option some[] = {
		SOCKET(SO_REUSEADDR), SOCKET(SO_KEEPALIVE), SOCKET(SO_SNDBUF),
		SOCKET(SO_RCVLOWAT), SOCKET(SO_LINGER), SOCKET(SO_RCVTIMEO),
		SOCKET(SO_OOBINLINE), IPOPT(IP_TOS), IPOPT(IP_TTL), IP6OPT(IPV6_V6ONLY),
	};
	char buf[128];
	int s = NEED(sock(t));
	socklen_t len;
	size_t i;

	for (i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		const struct option *o = &some[i];

		oracle_text("option", "%s", o->label);
		memset(buf, 0, sizeof(buf));
		SAW(setsockopt(s, o->level, o->name, buf, 0));
		SAW(setsockopt(s, o->level, o->name, buf, 1));
		SAW(setsockopt(s, o->level, o->name, buf, 3));
		SAW(setsockopt(s, o->level, o->name, buf, 7));
		SAW(setsockopt(s, o->level, o->name, buf, 128));
		IS(setsockopt(s, o->level, o->name, buf, minus_one), -EINVAL);
		SAW(setsockopt(s, o->level, o->name, bad, 16));
		len = 0;
		SAW(getsockopt(s, o->level, o->name, buf, &len));
		SAW(len);
		len = 1;
		SAW(getsockopt(s, o->level, o->name, buf, &len));
		SAW(len);
		len = sizeof(buf);
		SAW(getsockopt(s, o->level, o->name, buf, &len));
		SAW(len);
		len = -1;
		SAW(getsockopt(s, o->level, o->name, buf, &len));
		len = 16;
		SAW(getsockopt(s, o->level, o->name, bad, &len));
		SAW(getsockopt(s, o->level, o->name, buf, NULL));
	}
	close(s);
}

static void struct_options(const struct xport *t)
{
	struct timeval tv = { .tv_sec = 3, .tv_usec = 250000 };
	struct linger l = { 1, 7 };
	struct ucred cred;
	char name[16];
	struct pair p = pair_open(t);
	socklen_t len = sizeof(tv);
	int s = NEED(sock(t));

	IS(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	memset(&tv, 0, sizeof(tv));
	IS(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	oracle_text("SO_RCVTIMEO", "%ld %ld", tv.tv_sec, tv.tv_usec);
	IS(len, sizeof(tv));
	tv.tv_usec = 1000000;
	IS(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), -EDOM);
	tv.tv_sec = -1;
	tv.tv_usec = 0;
	SAW(setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));

	IS(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	memset(&l, 0, sizeof(l));
	len = sizeof(l);
	IS(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	IS(l.l_onoff, 1);
	IS(l.l_linger, 7);
	l.l_linger = -1;
	SAW(setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	SAW(getsockopt(s, SOL_SOCKET, SO_LINGER, &l, &len));
	SAW(l.l_linger > 1000);

	len = sizeof(cred);
	SAW(getsockopt(p.c, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	len = sizeof(name);
	SAW(getsockopt(p.c, SOL_SOCKET, SO_PEERNAME, name, &len));
	len = sizeof(name);
	IS(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0);
	IS(getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, name, &len), 0);
	TEXT_IS(name, "lo");
	IS(setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0);
	len = 8;
	SAW(getsockopt(s, SOL_SOCKET, SO_COOKIE, name, &len));
	len = 4;
	SAW(getsockopt(s, SOL_SOCKET, 9999, name, &len));
	SAW(setsockopt(s, SOL_SOCKET, 9999, name, 4));

	/* The kernel allows these by protocol number; 253 is not on its list. */
	BY_DESIGN(t, set_int(s, SOL_SOCKET, SO_ZEROCOPY, 1), 0, -EOPNOTSUPP);
	close(s);
	pair_close(&p);
}

/* A socket filter sees the segment; one that drops all stops the connection. */
static void filters(const struct xport *t)
{
	struct pair p = pair_open(t);
	char x;

	IS(filter_verdict(p.s, SO_ATTACH_FILTER, 0xffffffff), 0);
	IS(send(p.c, "a", 1, 0), 1);
	IS(recv(p.s, &x, 1, 0), 1);
	IS(filter_verdict(p.s, SO_ATTACH_FILTER, 0), 0);
	IS(send(p.c, "b", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 150), 0);
	IS(set_int(p.s, SOL_SOCKET, SO_DETACH_FILTER, 0), 0);
	/* The retransmission gets through. */
	EV_IS(ready_within(p.s, POLLIN, 5000), POLLIN);
	IS(recv(p.s, &x, 1, 0), 1);
	IS(x, 'b');
	SAW(set_int(p.s, SOL_SOCKET, SO_DETACH_FILTER, 0));
	pair_close(&p);
}

static void inherited(const struct xport *t)
{
	static const struct option from_listener[] = {
		SOCKET(SO_KEEPALIVE), SOCKET(SO_OOBINLINE), SOCKET(SO_REUSEADDR),
		SOCKET(SO_SNDBUF), SOCKET(SO_RCVBUF), SOCKET(SO_RCVLOWAT), SOCKET(SO_PRIORITY),
		SOCKET(SO_MARK), SOCKET(SO_DONTROUTE), SOCKET(SO_ACCEPTCONN), SOCKET(SO_TYPE),
		SOCKET(SO_DOMAIN), SOCKET(SO_REUSEPORT), IPOPT(IP_TTL), IPOPT(IP_TOS),
		IPOPT(IP_FREEBIND), IP6OPT(IPV6_UNICAST_HOPS), IP6OPT(IPV6_TCLASS),
		IP6OPT(IPV6_V6ONLY),
	};
	struct timeval tv = { .tv_sec = 5 };
	struct linger l = { 1, 3 };
	int fd = NEED(sock(t)), c = NEED(sock(t)), a;
	socklen_t len;
	size_t i;

	IS(set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	IS(set_int(fd, SOL_SOCKET, SO_OOBINLINE, 1), 0);
	IS(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	IS(set_int(fd, SOL_SOCKET, SO_SNDBUF, 40000), 0);
	IS(set_int(fd, SOL_SOCKET, SO_RCVBUF, 50000), 0);
	IS(set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 3), 0);
	IS(set_int(fd, SOL_SOCKET, SO_PRIORITY, 2), 0);
	IS(set_int(fd, SOL_SOCKET, SO_MARK, 9), 0);
	IS(set_int(fd, IPPROTO_IP, IP_TTL, 33), 0);
	IS(set_int(fd, IPPROTO_IP, IP_TOS, 0x10), 0);
	if (t->family == AF_INET6) {
		IS(set_int(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44), 0);
		IS(set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, 0x20), 0);
	}
	IS(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0);
	IS(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	IS(sock_bind(fd, addr_loopback(t, 7600)), 0);
	IS(listen(fd, 2), 0);
	IS(sock_connect(c, addr_loopback(t, 7600)), 0);
	a = NEED(accept(fd, NULL, NULL));
	for (i = 0; i < sizeof(from_listener) / sizeof(from_listener[0]); i++) {
		oracle_text("accepted socket", "%s", from_listener[i].label);
		SAW(get_int(a, from_listener[i].level, from_listener[i].name));
	}
	IS(get_int(a, SOL_SOCKET, SO_KEEPALIVE), 1);
	IS(get_int(a, SOL_SOCKET, SO_ACCEPTCONN), 0);
	IS(get_int(a, SOL_SOCKET, SO_DOMAIN), t->family);
	BY_DESIGN(t, get_int(a, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, IPPROTO_XTCP);
	len = sizeof(l);
	IS(getsockopt(a, SOL_SOCKET, SO_LINGER, &l, &len), 0);
	IS(l.l_linger, 3);
	memset(&tv, 0, sizeof(tv));
	len = sizeof(tv);
	IS(getsockopt(a, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	IS(tv.tv_sec, 5);
	close(a);
	close(c);
	close(fd);
}

/* IP options that need a connection. */
static void ip_of_connection(const struct xport *t)
{
	struct pair p = pair_open(t);
	int level = t->family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
	int mtu = t->family == AF_INET ? IP_MTU : IPV6_MTU;

	SAW(get_int(p.c, level, mtu));
	SAW(get_int(p.c, IPPROTO_IP, IP_MTU_DISCOVER));
	IS(set_int(p.c, IPPROTO_IP, IP_TOS, 0x1f), 0);
	/* The two ECN bits belong to the transport. */
	SAW(get_int(p.c, IPPROTO_IP, IP_TOS));
	IS(set_int(p.c, IPPROTO_IP, IP_TTL, 5), 0);
	IS(send(p.c, "x", 1, 0), 1);
	IS(recv(p.s, (char[1]){ 0 }, 1, 0), 1);
	SAW(set_int(p.c, IPPROTO_IP, IP_HDRINCL, 1));
	if (t->family == AF_INET6) {
		SAW(set_int(p.c, IPPROTO_IPV6, IPV6_V6ONLY, 1));
		SAW(set_int(p.c, IPPROTO_IPV6, IPV6_TCLASS, 0x23));
		SAW(get_int(p.c, IPPROTO_IPV6, IPV6_TCLASS));
	}
	/* A smaller TTL than asked for: segments are dropped, not answered. */
	IS(set_int(p.s, t->on == ON_V6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   t->on == ON_V6 ? IPV6_MINHOPCOUNT : IP_MINTTL, 65), 0);
	IS(send(p.c, "y", 1, 0), 1);
	EV_IS(ready_within(p.s, POLLIN, 150), 0);
	IS(set_int(p.s, t->on == ON_V6 ? IPPROTO_IPV6 : IPPROTO_IP,
		   t->on == ON_V6 ? IPV6_MINHOPCOUNT : IP_MINTTL, 0), 0);
	EV_IS(ready_within(p.s, POLLIN, 5000), POLLIN);
	pair_close(&p);
}

static const struct oracle_case cases[] = {
	CASE("options of one int", int_options, ON_BOTH, 700),
	CASE("SO_SNDBUF and SO_RCVBUF", buffers, ON_BOTH, 50),
	CASE("lengths and pointers", lengths, ON_BOTH, 150),
	CASE("options of a struct", struct_options, ON_BOTH, 20),
	CASE("socket filters", filters, ON_BOTH, 11),
	CASE("inherited from the listener", inherited, ON_BOTH, 60),
	CASE("IP options of a connection", ip_of_connection, ON_ALL, 12),
};

ORACLE_MAIN("Options at SOL_SOCKET, SOL_IP and SOL_IPV6 compared with TCP", cases)
