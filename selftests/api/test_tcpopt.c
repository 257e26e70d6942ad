// SPDX-License-Identifier: GPL-2.0
/* Options at level SOL_TCP (which is SOL_XTCP there), compared with TCP. */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/tcp.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/net.h"
#include "../lib/oracle.h"

static void *volatile bad = (void *)8;
static volatile int minus_one = -1;

/* <linux/tcp.h> has the newer fields of tcp_info, but not these. */
enum { TCP_ESTABLISHED = 1, TCP_CLOSE = 7, TCP_LISTEN = 10 };

struct option {
	int name;
	const char *label;
	int good;		/* a value inside its range */
};

static const struct option options[] = {
	{ TCP_NODELAY, "NODELAY", 1 },
	{ TCP_MAXSEG, "MAXSEG", 1000 },
	{ TCP_CORK, "CORK", 1 },
	{ TCP_KEEPIDLE, "KEEPIDLE", 30 },
	{ TCP_KEEPINTVL, "KEEPINTVL", 7 },
	{ TCP_KEEPCNT, "KEEPCNT", 4 },
	{ TCP_SYNCNT, "SYNCNT", 3 },
	{ TCP_LINGER2, "LINGER2", 9 },
	{ TCP_QUICKACK, "QUICKACK", 0 },
	{ TCP_USER_TIMEOUT, "USER_TIMEOUT", 12345 },
	{ TCP_DEFER_ACCEPT, "DEFER_ACCEPT", 3 },
	{ TCP_WINDOW_CLAMP, "WINDOW_CLAMP", 20000 },
	{ TCP_NOTSENT_LOWAT, "NOTSENT_LOWAT", 4096 },
	{ TCP_INQ, "INQ", 1 },
};

#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* The level under test: both names of it must be the same thing for XTCP. */
static int level(const struct xport *t, bool own)
{
	return t->xtcp && own ? SOL_XTCP : IPPROTO_TCP;
}

static void defaults(const struct xport *t)
{
	int s = NEED(sock(t));
	size_t i;

	/* XTCP tries longer on purpose: RFC 9293 MUST-23 wants three minutes. */
	BY_DESIGN(t, get_int(s, IPPROTO_TCP, TCP_SYNCNT), 6, 7);
	NEED(sysctl_transport(t, "syn_retries", "6"));
	for (i = 0; i < OPTIONS; i++) {
		oracle_text("option", "%s", options[i].label);
		SAW(get_int(s, IPPROTO_TCP, options[i].name));
		IS(get_int(s, IPPROTO_TCP, options[i].name) -
		   get_int(s, level(t, true), options[i].name), 0);
	}
	IS(get_int(s, IPPROTO_TCP, TCP_NODELAY), 0);
	IS(get_int(s, IPPROTO_TCP, TCP_MAXSEG), 536);
	IS(get_int(s, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
	IS(get_int(s, IPPROTO_TCP, TCP_KEEPINTVL), 75);
	IS(get_int(s, IPPROTO_TCP, TCP_KEEPCNT), 9);
	IS(get_int(s, IPPROTO_TCP, TCP_SYNCNT), 6);
	IS(get_int(s, IPPROTO_TCP, TCP_LINGER2), 60);
	IS(get_int(s, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
	close(s);
}

/* What a value reads back as, for every value around every edge. */
static void ranges(const struct xport *t)
{
	static const int value[] = { INT_MIN, -2, -1, 0, 1, 2, 47, 48, 87, 88, 100, 119, 120,
				     121, 127, 128, 255, 256, 1460, 32767, 32768, 65535,
				     65536, 100000, INT_MAX };
	size_t i, k;

	NEED(sysctl_transport(t, "syn_retries", "6"));
	for (i = 0; i < OPTIONS; i++) {
		for (k = 0; k < sizeof(value) / sizeof(value[0]); k++) {
			int s = NEED(sock(t)), ret, err;

			ret = set_int(s, level(t, k & 1), options[i].name, value[k]);
			err = errno;
			oracle_text(options[i].label, "set %d: %s, then %d", value[k],
				    ret ? strerrorname_np(err) : "ok",
				    get_int(s, level(t, k & 1), options[i].name));
			close(s);
		}
	}
	IS(set_int(-1, IPPROTO_TCP, TCP_NODELAY, 1), -EBADF);
}

static void round_trip(const struct xport *t)
{
	struct pair p = pair_open(t);
	int l = NEED(sock_listener(t, 0, 1)), s = NEED(sock(t));
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		/* Before, in and after a connection, and on a listener. */
		int name = options[i].name, good = options[i].good;

		oracle_text("option", "%s", options[i].label);
		IS(set_int(s, level(t, true), name, good), 0);
		IS(get_int(s, IPPROTO_TCP, name), good);
		SAW(set_int(p.c, IPPROTO_TCP, name, good));
		/* The MSS of a connection depends on its device and options. */
		if (name != TCP_MAXSEG)
			SAW(get_int(p.c, level(t, true), name));
		SAW(set_int(l, IPPROTO_TCP, name, good));
		SAW(get_int(l, IPPROTO_TCP, name));
	}
	IS(shutdown(p.s, SHUT_RDWR), 0);
	IS(shutdown(p.c, SHUT_RDWR), 0);
	IS(state_becomes(p.c, TCP_CLOSE), TCP_CLOSE);
	for (i = 0; i < OPTIONS; i++) {
		oracle_text("option after the end", "%s", options[i].label);
		SAW(set_int(p.c, IPPROTO_TCP, options[i].name, options[i].good));
		if (options[i].name != TCP_MAXSEG)
			SAW(get_int(p.c, IPPROTO_TCP, options[i].name));
	}
	close(s);
	close(l);
	pair_close(&p);
}

static void lengths(const struct xport *t)
{
	char buf[64];
	int s = NEED(sock(t));
	socklen_t len;
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		int name = options[i].name;
		int own = level(t, i & 1);

		oracle_text("option", "%s", options[i].label);
		memset(buf, 0, sizeof(buf));
		buf[0] = 100;
		IS(setsockopt(s, own, name, buf, 0), -EINVAL);
		IS(setsockopt(s, own, name, buf, 1), -EINVAL);
		IS(setsockopt(s, own, name, buf, 3), -EINVAL);
		IS(setsockopt(s, own, name, buf, minus_one), -EINVAL);
		SAW(setsockopt(s, own, name, buf, 64));
		IS(setsockopt(s, own, name, bad, 4), -EFAULT);
		IS(setsockopt(s, own, name, NULL, 4), -EFAULT);

		len = 64;
		memset(buf, 0x55, sizeof(buf));
		IS(getsockopt(s, own, name, buf, &len), 0);
		IS(len, 4);
		IS(buf[4], 0x55);
		len = 1;
		memset(buf, 0x55, sizeof(buf));
		IS(getsockopt(s, own, name, buf, &len), 0);
		IS(len, 1);
		IS(buf[1], 0x55);
		len = 0;
		SAW(getsockopt(s, own, name, buf, &len));
		len = -1;
		IS(getsockopt(s, own, name, buf, &len), -EINVAL);
		len = 4;
		IS(getsockopt(s, own, name, bad, &len), -EFAULT);
		IS(getsockopt(s, own, name, buf, NULL), -EFAULT);
		IS(getsockopt(s, own, name, buf, bad), -EFAULT);
	}
	close(s);
}

static void unknown(const struct xport *t)
{
	static const int name[] = { 0, -1, 97, 127, 200, 1000, 65536 };
	int s = NEED(sock(t)), v = 1;
	char buf[256];
	socklen_t len;
	size_t i;

	for (i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		oracle_text("option", "%d", name[i]);
		len = sizeof(v);
		IS(setsockopt(s, level(t, true), name[i], &v, sizeof(v)), -ENOPROTOOPT);
		IS(getsockopt(s, level(t, true), name[i], &v, &len), -ENOPROTOOPT);
	}
	/* A read-only option, a write-only one, and other protocols' levels. */
	memset(buf, 0, sizeof(buf));
	IS(setsockopt(s, IPPROTO_TCP, TCP_INFO, buf, sizeof(buf)), -ENOPROTOOPT);
	SAW(set_int(s, IPPROTO_UDP, 1, 1));
	SAW(get_int(s, IPPROTO_UDP, 1));
	SAW(set_int(s, 9999, 1, 1));
	SAW(get_int(s, 9999, 1));
	SAW(set_int(s, -1, 1, 1));
	SAW(set_int(s, IPPROTO_SCTP, 1, 1));
	/* TCP knows the level of XTCP as little as any other. */
	BY_DESIGN(t, set_int(s, SOL_XTCP, 1, 1), -ENOPROTOOPT, 0);
	close(s);
}

static void congestion(const struct xport *t)
{
	int s = NEED(sock(t)), l, c, a;
	char buf[32];
	socklen_t len;

	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	len = sizeof(buf);
	memset(buf, 0x55, sizeof(buf));
	IS(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, buf, &len), 0);
	IS(len, 16);
	TEXT_IS(buf, "reno");
	len = 3;
	memset(buf, 0x55, sizeof(buf));
	IS(getsockopt(s, level(t, true), TCP_CONGESTION, buf, &len), 0);
	IS(len, 3);
	TRUE(!memcmp(buf, "ren\x55", 4));
	IS(setsockopt(s, level(t, true), TCP_CONGESTION, "reno\0junk", 9), 0);
	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6), -ENOENT);
	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "averyveryverylongnameindeed", 27),
	   -ENOENT);
	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "", 0), -EINVAL);
	SAW(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "\0", 1));
	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, bad, 4), -EFAULT);
	IS(setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", minus_one), -EINVAL);
	len = sizeof(buf);
	IS(getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, bad, &len), -EFAULT);
	close(s);

	/* A connection takes it from its listener. */
	l = NEED(sock(t));
	NEED(setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	NEED(sock_bind(l, addr_loopback(t, 7500)));
	NEED(listen(l, 1));
	c = NEED(sock(t));
	NEED(sock_connect(c, addr_loopback(t, 7500)));
	a = NEED(accept(l, NULL, NULL));
	len = sizeof(buf);
	IS(getsockopt(a, IPPROTO_TCP, TCP_CONGESTION, buf, &len), 0);
	TEXT_IS(buf, "reno");
	IS(setsockopt(c, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	IS(send(c, "x", 1, 0), 1);
	IS(recv(a, buf, 1, 0), 1);
	close(a);
	close(c);
	close(l);
}

static void info(const struct xport *t)
{
	struct pair p = pair_open(t);
	struct tcp_info i;
	char big[1024];
	socklen_t len;
	int s = NEED(sock(t));

	memset(&i, 0, sizeof(i));
	len = sizeof(i);
	IS(getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	IS(i.tcpi_state, TCP_CLOSE);
	SAW(i.tcpi_options);
	SAW(i.tcpi_snd_mss);
	SAW(i.tcpi_rto);
	SAW(i.tcpi_snd_cwnd);
	len = sizeof(i);
	IS(getsockopt(p.l, level(t, true), TCP_INFO, &i, &len), 0);
	IS(i.tcpi_state, TCP_LISTEN);
	/* For a listener these two mean its queue and its limit. */
	IS(i.tcpi_unacked, 0);
	IS(i.tcpi_sacked, 8);

	IS(send(p.c, big, 1000, 0), 1000);
	IS(recv(p.s, big, 1000, MSG_WAITALL), 1000);
	nap_ms(100);
	memset(&i, 0, sizeof(i));
	len = sizeof(i);
	IS(getsockopt(p.c, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	/* The kernel's struct grows with its version, XTCP fills what it knows. */
	TRUE(len >= offsetof(struct tcp_info, tcpi_delivery_rate));
	IS(i.tcpi_state, TCP_ESTABLISHED);
	IS(i.tcpi_ca_state, TCP_CA_Open);
	IS(i.tcpi_retransmits, 0);
	IS(i.tcpi_probes, 0);
	IS(i.tcpi_backoff, 0);
	IS(i.tcpi_options & TCPI_OPT_WSCALE, TCPI_OPT_WSCALE);
	TRUE(i.tcpi_snd_wscale > 0 && i.tcpi_rcv_wscale > 0);
	TRUE(i.tcpi_rto >= 200000 && i.tcpi_rto < 2000000);
	TRUE(i.tcpi_snd_mss > 30000);
	TRUE(i.tcpi_rcv_mss >= 536 && i.tcpi_rcv_mss <= 65536);
	IS(i.tcpi_unacked, 0);
	IS(i.tcpi_lost, 0);
	IS(i.tcpi_retrans, 0);
	SAW(i.tcpi_pmtu);
	TRUE(i.tcpi_advmss > 60000 && i.tcpi_advmss <= 65495);
	/* TCP's may be none so early, or a long one, where the kernel is slow. */
	TRUE(!t->xtcp || (i.tcpi_rtt > 0 && i.tcpi_rtt < 1000000));
	/* RFC 6928 counts octets as well, so that huge segments are fewer than 10. */
	TRUE(i.tcpi_snd_cwnd >= 2);
	SAW(i.tcpi_snd_ssthresh);
	IS(i.tcpi_total_retrans, 0);
	/* TCP counts its SYN. */
	TRUE(i.tcpi_bytes_acked == 1000 || i.tcpi_bytes_acked == 1001);
	IS(i.tcpi_bytes_received, 0);
	TRUE(i.tcpi_segs_out >= 3 && i.tcpi_segs_out < 10);
	TRUE(i.tcpi_segs_in >= 2 && i.tcpi_segs_in < 10);
	IS(i.tcpi_data_segs_out, 1);
	IS(i.tcpi_bytes_sent, 1000);
	IS(i.tcpi_bytes_retrans, 0);
	TRUE(i.tcpi_last_data_sent >= 90 && i.tcpi_last_data_sent < 5000);

	len = sizeof(i);
	IS(getsockopt(p.s, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	IS(i.tcpi_bytes_received, 1000);
	IS(i.tcpi_data_segs_in, 1);
	TRUE(i.tcpi_ato > 0);
	IS(i.tcpi_reordering, 3);
	SAW(i.tcpi_advmss);
	IS(i.tcpi_bytes_acked, 0);
	IS(i.tcpi_delivery_rate_app_limited, 1);

	/* A short buffer is filled as far as it goes. */
	memset(big, 0x55, sizeof(big));
	len = 1;
	IS(getsockopt(p.c, IPPROTO_TCP, TCP_INFO, big, &len), 0);
	IS(len, 1);
	IS(big[0], TCP_ESTABLISHED);
	IS(big[1], 0x55);
	len = sizeof(big);
	IS(getsockopt(p.c, IPPROTO_TCP, TCP_INFO, big, &len), 0);
	TRUE(len < sizeof(big) && big[len] == 0x55);
	len = -1;
	IS(getsockopt(p.c, IPPROTO_TCP, TCP_INFO, big, &len), -EINVAL);
	close(s);
	pair_close(&p);
}

static void inherited(const struct xport *t)
{
	int l = NEED(sock(t)), c = NEED(sock(t)), a;
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		IS(set_int(l, IPPROTO_TCP, options[i].name, options[i].good), 0);
	IS(sock_bind(l, addr_loopback(t, 7501)), 0);
	IS(listen(l, 1), 0);
	IS(sock_connect(c, addr_loopback(t, 7501)), 0);
	a = NEED(accept(l, NULL, NULL));
	for (i = 0; i < OPTIONS; i++) {
		oracle_text("inherited", "%s", options[i].label);
		/* Whether it acknowledges at once is the connection's own affair. */
		if (options[i].name != TCP_QUICKACK && options[i].name != TCP_MAXSEG)
			SAW(get_int(a, IPPROTO_TCP, options[i].name));
	}
	IS(get_int(a, IPPROTO_TCP, TCP_NODELAY), 1);
	IS(get_int(a, IPPROTO_TCP, TCP_KEEPIDLE), 30);
	IS(get_int(a, IPPROTO_TCP, TCP_USER_TIMEOUT), 12345);
	close(a);
	close(c);
	close(l);
}

/* MAXSEG bounds what is sent and what is announced to the peer. */
static void maxseg_effect(const struct xport *t)
{
	int l = NEED(sock_listener(t, 7502, 1)), c = NEED(sock(t)), a;
	struct tcp_info i;
	socklen_t len = sizeof(i);

	IS(set_int(c, IPPROTO_TCP, TCP_MAXSEG, 1000), 0);
	IS(sock_connect(c, addr_loopback(t, 7502)), 0);
	a = NEED(accept(l, NULL, NULL));
	SAW(get_int(c, IPPROTO_TCP, TCP_MAXSEG));
	SAW(get_int(a, IPPROTO_TCP, TCP_MAXSEG));
	IS(getsockopt(a, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	SAW(i.tcpi_snd_mss);
	IS(send(a, (char[5000]){ 1 }, 5000, 0), 5000);
	IS(recv(c, (char[5000]){ 1 }, 5000, MSG_WAITALL), 5000);
	nap_ms(100);
	len = sizeof(i);
	IS(getsockopt(a, IPPROTO_TCP, TCP_INFO, &i, &len), 0);
	SAW(i.tcpi_data_segs_out);
	close(a);
	close(c);
	close(l);
}

/* Dead peer, seen by keepalive and by USER_TIMEOUT: nobody answers on lo. */
static void dead_peer(const struct xport *t)
{
	struct pair p = pair_open(t), q = pair_open(t);
	long start;

	IS(set_int(p.c, IPPROTO_TCP, TCP_KEEPIDLE, 1), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_KEEPINTVL, 1), 0);
	IS(set_int(p.c, IPPROTO_TCP, TCP_KEEPCNT, 2), 0);
	IS(set_int(p.c, SOL_SOCKET, SO_KEEPALIVE, 1), 0);
	IS(set_int(q.c, IPPROTO_TCP, TCP_USER_TIMEOUT, 1500), 0);
	/* A peer that answers keeps it alive. */
	EV_IS(ready_within(p.c, POLLIN, 2500), 0);
	/* The only wire is cut. */
	NEED(net_loopback_down());
	start = now_ms();
	IS(send(q.c, "x", 1, 0), 1);
	EV_IS(ready_within(p.c, POLLRDHUP, 15000), POLLERR | POLLHUP | POLLRDHUP);
	SAW(so_error(p.c));
	EV_IS(ready_within(q.c, POLLRDHUP, 15000), POLLERR | POLLHUP | POLLRDHUP);
	SAW(so_error(q.c));
	TRUE(now_ms() - start < 12000);
	/* With the wire back the other ends learn it too, and nothing stays behind. */
	NEED(net_loopback_up());
	pair_close(&p);
	pair_close(&q);
}

static const struct oracle_case cases[] = {
	CASE("defaults", defaults, ON_BOTH, 35),
	CASE("ranges", ranges, ON_BOTH, 250),
	CASE("round trips in every state", round_trip, ON_BOTH, 80),
	CASE("lengths and pointers", lengths, ON_BOTH, 180),
	CASE("unknown options and levels", unknown, ON_BOTH, 25),
	CASE("TCP_CONGESTION", congestion, ON_BOTH, 20),
	CASE("TCP_INFO", info, ON_ALL, 50),
	CASE("inherited from the listener", inherited, ON_BOTH, 28),
	CASE("what TCP_MAXSEG does", maxseg_effect, ON_BOTH, 9),
	CASE("keepalive and TCP_USER_TIMEOUT", dead_peer, ON_BOTH, 11),
};

ORACLE_MAIN("Options at level SOL_TCP compared with TCP", cases)
