// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers that grow by themselves: transfers over long paths between two namespaces, once over
 * TCP and once over XTCP, and what both ends' buffers and clocks say afterwards.
 *
 * Both run with Reno and without loss, so that nothing but the two buffers and the doubling
 * of the congestion window decides how long a transfer takes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/tcp.h>
#include <linux/xtcp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/ktap.h"
#include "../lib/net.h"

#define KIB (1L << 10)
#define MIB (1L << 20)

enum { PORT = 8400, PIECE = 64 * 1024, SEED = 4 };

/* What one end has to say; the receiving end sends it to the other through a pipe. */
struct report {
	int buf_before, buf_after;	/* SO_RCVBUF or SO_SNDBUF */
	long bytes;
	long wrong;			/* the first wrong octet, counted from 1; 0: none */
	struct tcp_info info;
};

struct scene {
	const char *name;
	int rtt;			/* ms */
	long bytes;
	const char *timestamps;		/* net.xtcp.timestamps */
	const char *moderate;		/* net.xtcp.moderate_rcvbuf */
	int sndbuf, rcvbuf;		/* SO_SNDBUF, SO_RCVBUF; 0: untouched */
	bool grows_r, grows_s;		/* the receiver's and the sender's buffer */
	bool ahead;			/* the buffers never hold back this transfer */
};

static const struct scene scenes[] = {
	{ "100 ms", 100, 3 * MIB, "1", "1", 0, 0, true, true, true },
	{ "300 ms", 300, 3 * MIB, "1", "1", 0, 0, true, true, true },
	{ "300 ms, no timestamps", 300, 3 * MIB, "0", "1", 0, 0, true, true, true },
	{ "SO_RCVBUF", 20, MIB, "1", "1", 0, 100000, false, true, false },
	{ "SO_SNDBUF", 20, MIB, "1", "1", 50000, 0, true, false, false },
	{ "moderate_rcvbuf 0", 20, MIB, "1", "0", 0, 0, false, true, false },
};

#define SCENES (sizeof(scenes) / sizeof(scenes[0]))

static const struct xport xports[] = {
	{ "xtcp4", true, ON_V4, AF_XTCP, 0, AF_INET },
	{ "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 },
	{ "tcp4", false, ON_V4, AF_INET, 0, AF_INET },
	{ "tcp6", false, ON_V6, AF_INET6, 0, AF_INET6 },
};

#define XPORTS (sizeof(xports) / sizeof(xports[0]))

static bool get_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return !getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len);
}

/* Both namespaces are made alike. */
static bool prepare(const struct scene *s, const struct xport *t, const char *dev,
		    const char *v4, const char *v6)
{
	return net_run("ip addr add %s dev %s %s && ip link set %s up",
		       t->on == ON_V4 ? v4 : v6, dev, t->on == ON_V4 ? "" : "nodad", dev) &&
	       net_run("ethtool -K %s tso off gso off gro off >/dev/null", dev) &&
	       net_run("tc qdisc add dev %s root netem delay %dus limit 100000", dev,
		       s->rtt * 500) &&
	       !sysctl_transport(t, "congestion_control", "reno") &&
	       !sysctl_transport(t, "timestamps", s->timestamps) &&
	       !sysctl_transport(t, "moderate_rcvbuf", s->moderate);
}

static bool receive(int fd, struct report *r)
{
	static unsigned char buf[PIECE];
	ssize_t n;

	r->buf_before = get_int(fd, SOL_SOCKET, SO_RCVBUF);
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		if (!r->wrong)
			r->wrong = pattern_check(buf, n, r->bytes, SEED);
		r->bytes += n;
	}
	r->buf_after = get_int(fd, SOL_SOCKET, SO_RCVBUF);
	return !n && get_info(fd, &r->info);
}

/* The receiving end. It is forked before the link exists: its namespace has its number. */
static int serve(const struct scene *s, const struct xport *t, int in, int out)
{
	struct addr a = addr_text(t, "10.84.0.2", "fd84::2", PORT);
	struct report r = { 0 };
	int l, fd, one = 1;
	char x = 'r';

	if (unshare(CLONE_NEWNET) || net_loopback_up())
		return 1;
	if (write(out, &x, 1) != 1 || read(in, &x, 1) != 1)
		return 1;
	if (!prepare(s, t, "vb", "10.84.0.2/24", "fd84::2/64"))
		return 1;
	l = sock(t);
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (s->rcvbuf)
		set_int(l, SOL_SOCKET, SO_RCVBUF, s->rcvbuf);
	if (l < 0 || sock_bind(l, a) || listen(l, 1) || write(out, &x, 1) != 1)
		return 1;
	fd = accept(l, NULL, NULL);
	if (fd < 0 || !receive(fd, &r))
		return 1;
	close(fd);
	close(l);
	return write(out, &r, sizeof(r)) != sizeof(r);
}

/* Sends it all and waits for the peer's end. Return: milliseconds, -1 if it failed. */
static long deliver(const struct scene *s, const struct xport *t, struct report *r)
{
	static unsigned char buf[PIECE];
	long start = now_ms();
	int fd = sock(t);

	if (s->sndbuf)
		set_int(fd, SOL_SOCKET, SO_SNDBUF, s->sndbuf);
	if (sock_connect(fd, addr_text(t, "10.84.0.2", "fd84::2", PORT)))
		return -1;
	r->buf_before = get_int(fd, SOL_SOCKET, SO_SNDBUF);
	while (r->bytes < s->bytes) {
		long len = s->bytes - r->bytes < PIECE ? s->bytes - r->bytes : PIECE;

		pattern_fill(buf, len, r->bytes, SEED);
		if (send(fd, buf, len, MSG_NOSIGNAL) != len)
			return -1;
		r->bytes += len;
	}
	r->buf_after = get_int(fd, SOL_SOCKET, SO_SNDBUF);
	shutdown(fd, SHUT_WR);
	if (recv(fd, buf, 1, 0) || !get_info(fd, &r->info))
		return -1;
	start = now_ms() - start;
	close(fd);
	return start;
}

static bool check(bool good, const char *what, long a, long b)
{
	if (!good)
		ktap_note("%s: %ld, %ld", what, a, b);
	return good;
}

/* What must hold for TCP too, so that the test is known to be right. */
static bool judge(const struct scene *s, const struct xport *t, long ms, const struct report *snd,
		  const struct report *rcv)
{
	const struct tcp_info *i = &snd->info;
	long rtt_us = s->rtt * 1000L, waited = i->tcpi_rwnd_limited + i->tcpi_sndbuf_limited;
	bool good = true;

	good &= check(!rcv->wrong && rcv->bytes == s->bytes, "first wrong octet, octets", rcv->wrong,
		      rcv->bytes);
	good &= check(s->grows_r == (rcv->buf_after > rcv->buf_before), "receive buffer",
		      rcv->buf_before, rcv->buf_after);
	good &= check(s->grows_s == (snd->buf_after > snd->buf_before), "send buffer",
		      snd->buf_before, snd->buf_after);
	if (s->rcvbuf)
		good &= check(rcv->buf_after == 2 * s->rcvbuf, "SO_RCVBUF", s->rcvbuf,
			      rcv->buf_after);
	if (s->sndbuf)
		good &= check(snd->buf_after == 2 * s->sndbuf, "SO_SNDBUF", s->sndbuf,
			      snd->buf_after);
	/* Where computing takes longer than the path, times are that machine's. */
	if (slow_kernel())
		return good;
	/*
	 * A small buffer is what the time goes for, and the sender says which one. TCP does not
	 * where the last octets that fit are no full segment and stay unsent.
	 */
	if (!s->grows_r)
		/* XTCP spreads a window over most of the round trip, and waits only for the rest. */
		good &= check(i->tcpi_rwnd_limited > (t->xtcp ? 0 : i->tcpi_busy_time / 4),
			      "rwnd_limited, busy", i->tcpi_rwnd_limited, i->tcpi_busy_time);
	if (!s->grows_s && t->xtcp)
		good &= check((long)i->tcpi_sndbuf_limited > rtt_us &&
			      i->tcpi_sndbuf_limited > i->tcpi_rwnd_limited,
			      "sndbuf_limited, rwnd_limited", i->tcpi_sndbuf_limited,
			      i->tcpi_rwnd_limited);
	good &= check((long)i->tcpi_busy_time <= ms * 1000 + 20000 && waited <= (long)i->tcpi_busy_time,
		      "busy, waited", i->tcpi_busy_time, waited);
	good &= check(rcv->info.tcpi_rcv_rtt > rtt_us * 3 / 4, "rcv_rtt, rtt",
		      rcv->info.tcpi_rcv_rtt, rtt_us);
	good &= check(rcv->info.tcpi_rcv_space > 0 && rcv->info.tcpi_rcv_ssthresh > 0,
		      "rcv_space, rcv_ssthresh", rcv->info.tcpi_rcv_space,
		      rcv->info.tcpi_rcv_ssthresh);
	if (s->ahead && t->xtcp) {
		good &= check(rcv->info.tcpi_rcv_rtt < rtt_us * 3, "rcv_rtt, rtt",
			      rcv->info.tcpi_rcv_rtt, rtt_us);
		good &= check(waited < rtt_us / 2, "limited by buffers, rtt", waited, rtt_us);
	}
	return good;
}

static bool play(const struct scene *s, const struct xport *t)
{
	struct report snd = { 0 }, rcv = { 0 };
	int to[2], from[2], pid, status = -1;
	bool good = false;
	long ms;
	char x;

	if (unshare(CLONE_NEWNET) || net_loopback_up() || pipe(to) || pipe(from))
		return false;
	pid = fork();
	if (!pid)
		_exit(serve(s, t, to[0], from[1]));
	close(from[1]);
	if (read(from[0], &x, 1) == 1 &&
	    net_run("ip link add va type veth peer name vb netns %d", pid) &&
	    prepare(s, t, "va", "10.84.0.1/24", "fd84::1/64") &&
	    write(to[1], &x, 1) == 1 && read(from[0], &x, 1) == 1) {
		ms = deliver(s, t, &snd);
		if (ms < 0)
			ktap_note("%s: %s", t->label, strerror(errno));
		else if (read(from[0], &rcv, sizeof(rcv)) == sizeof(rcv)) {
			ktap_note("%s, %s: %ld ms; rwnd_limited %lld ms, sndbuf_limited %lld ms; rcvbuf %d -> %d, "
				  "sndbuf %d -> %d, rcv_rtt %u us, rcv_space %u, snd_wnd %u",
				  t->label, s->name, ms, (long long)snd.info.tcpi_rwnd_limited / 1000,
				  (long long)snd.info.tcpi_sndbuf_limited / 1000, rcv.buf_before,
				  rcv.buf_after, snd.buf_before, snd.buf_after, rcv.info.tcpi_rcv_rtt,
				  rcv.info.tcpi_rcv_space, snd.info.tcpi_snd_wnd);
			good = judge(s, t, ms, &snd, &rcv);
		}
	}
	if (!good)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return good && !status;
}

/* A scene has a process of its own, and so its namespaces end with it. */
static bool play_apart(const struct scene *s, const struct xport *t)
{
	int status, pid = fork();

	if (!pid)
		_exit(!play(s, t));
	waitpid(pid, &status, 0);
	return !status;
}

/* Reno may be a module, and only the initial namespace loads one for its sake. */
static void load_reno(void)
{
	static const char name[] = "net/ipv4/tcp_congestion_control";
	char before[32];
	bool known = !sysctl_get(name, before, sizeof(before));

	sysctl_put(name, "reno");
	if (known)
		sysctl_put(name, before);
}

/* The sanitizer kernel takes ten times as long: not the longest paths there. */
static bool is_played(const struct scene *s)
{
	return !slow_kernel() || s->rtt < 300;
}

static void usage(const char *prog)
{
	printf("usage: %s [--rtt MS --mib N]\n\n"
	       "Transfers over long paths between two namespaces, over XTCP and over TCP, and\n"
	       "looks at how their buffers grow. Needs root, the xtcp module, netem and ethtool.\n\n"
	       "  --rtt MS --mib N  only measure: N MiB over a path of MS ms, no expectations\n",
	       prog);
}

int main(int argc, char **argv)
{
	struct scene own = { "measured", 0, 0, "1", "1", 0, 0, true, true, false };
	size_t i, x, all, played = 0;
	int fd;

	for (i = 1; i < (size_t)argc; i++) {
		if (!strcmp(argv[i], "--rtt") && i + 1 < (size_t)argc) {
			own.rtt = atoi(argv[++i]);
		} else if (!strcmp(argv[i], "--mib") && i + 1 < (size_t)argc) {
			own.bytes = atol(argv[++i]) * MIB;
		} else {
			usage(argv[0]);
			return strcmp(argv[i], "--help") && strcmp(argv[i], "-h");
		}
	}
	if (geteuid())
		return ktap_skip_all("needs root: run it with sudo or inside `make shell`");
	fd = socket(AF_XTCP, SOCK_STREAM, 0);
	if (fd < 0)
		return ktap_skip_all("no XTCP sockets here: insmod xtcp.ko first");
	close(fd);
	load_reno();

	if (own.rtt && own.bytes) {
		ktap_begin(XPORTS);
		for (x = 0; x < XPORTS; x++)
			ktap_result(play_apart(&own, &xports[x]), "%s", xports[x].label);
		return ktap_end();
	}
	/* Nor TCP, the second half, which nothing there looks at. */
	all = slow_kernel() ? XPORTS / 2 : XPORTS;
	for (i = 0; i < SCENES; i++)
		played += is_played(&scenes[i]);
	ktap_begin(all * played);
	for (i = 0; i < SCENES; i++)
		for (x = 0; x < all && is_played(&scenes[i]); x++)
			ktap_result(play_apart(&scenes[i], &xports[x]), "%s over %s", scenes[i].name,
				    xports[x].label);
	return ktap_end();
}
