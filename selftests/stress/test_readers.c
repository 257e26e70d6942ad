// SPDX-License-Identifier: GPL-2.0
/*
 * Readers that take no lock: poll, ioctls, /proc, options and sysctls looked at and changed
 * from other threads while two connections carry data both ways and lose some of it. Every
 * octet arrives, and nobody is told a number that cannot be.
 */
#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "stress.h"

enum { CONNS = 2, FLOWS = 2 * CONNS, WATCHERS = 3 };

/* More than any buffer here may hold: an answer above it is a difference gone wrong. */
#define TOO_MUCH	(64L << 20)

/* One direction of one connection. */
struct flow {
	int from, to;
	unsigned int seed;
	long octets, sent, received;
	bool wrong;
	struct rng rng[2];
};

static struct pair pairs[CONNS];
static struct flow flows[FLOWS];
static _Atomic bool over;
static _Atomic long looks;
static _Atomic int bad_line;	/* of the first look that saw what cannot be */
static _Atomic long bad_value;

/* -- the data --------------------------------------------------------------------------- */

static void *write_flow(void *arg)
{
	struct flow *f = arg;
	char buf[16000];

	while (f->sent < f->octets) {
		/* Mostly small: many segments for each octet, and many moments to look at. */
		long n = 1 + below(&f->rng[0], one_in(&f->rng[0], 20) ? sizeof(buf) : 1500);
		int flags = MSG_NOSIGNAL;

		if (n > f->octets - f->sent)
			n = f->octets - f->sent;
		pattern_fill(buf, n, f->sent, f->seed);
		/* Urgent octets stay in line, so the pattern does not miss them. */
		if (one_in(&f->rng[0], 50))
			flags |= MSG_OOB;
		else if (one_in(&f->rng[0], 8))
			flags |= MSG_MORE;
		n = send(f->from, buf, n, flags);
		if (n <= 0)
			break;
		f->sent += n;
	}
	shutdown(f->from, SHUT_WR);
	return NULL;
}

static void *read_flow(void *arg)
{
	struct flow *f = arg;
	char buf[30000];
	ssize_t n;

	while ((n = recv(f->to, buf, 1 + below(&f->rng[1], one_in(&f->rng[1], 8) ?
						       sizeof(buf) : 3000), 0)) > 0) {
		if (pattern_check(buf, n, f->received, f->seed))
			f->wrong = true;
		f->received += n;
		/* Now and then too slow: windows close, and open again. */
		if (one_in(&f->rng[1], 2000))
			nap_ms(below(&f->rng[1], 20));
	}
	return NULL;
}

/* One end hears nothing for some milliseconds: retransmissions and what they change. */
static void *spoil(void *arg)
{
	struct sock_filter drop_all[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog drop = { 1, drop_all };
	struct rng *rng = arg;

	while (!over) {
		struct flow *f = &flows[below(rng, FLOWS)];

		nap_ms(100 + below(rng, 300));
		setsockopt(f->to, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop));
		nap_ms(1 + below(rng, 8));
		set_int(f->to, SOL_SOCKET, SO_DETACH_FILTER, 0);
	}
	return NULL;
}

/* -- those who look --------------------------------------------------------------------- */

static void expect_below(long value, long most, int line)
{
	looks++;
	if ((value < 0 || value > most) && !bad_line) {
		bad_value = value;
		bad_line = line;
	}
}

#define SANE(value)	expect_below(value, TOO_MUCH, __LINE__)

static void look_by_ioctl(int fd)
{
	static const int calls[] = { SIOCOUTQ, SIOCOUTQNSD };
	unsigned int i;
	int value;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!ioctl(fd, calls[i], &value))
			SANE(value);
	if (!ioctl(fd, SIOCATMARK, &value))
		expect_below(value, 1, __LINE__);
}

static void look_by_poll(int fd, int epoll_fd)
{
	struct epoll_event e[FLOWS];

	expect_below(ready(fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP) & (POLLERR | POLLNVAL), 0,
		     __LINE__);
	expect_below(epoll_wait(epoll_fd, e, FLOWS, 0), FLOWS, __LINE__);
}

static void look_at_options(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	int value;

	if (!getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len)) {
		expect_below(info.tcpi_state, TCP_CLOSING, __LINE__);
		SANE((long)info.tcpi_unacked * info.tcpi_snd_mss);
		SANE(info.tcpi_rto);
	}
	if (!ioctl(fd, SIOCINQ, &value))
		SANE(value);
	SANE(get_int(fd, SOL_SOCKET, SO_RCVBUF));
	expect_below(so_error(fd), 0, __LINE__);
}

static void look_at_proc(const struct xport *t)
{
	FILE *f = fopen(proc_table(t), "r");
	unsigned int state, tx, rx;
	char line[300];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d: %*s %*s %x %x:%x", &state, &tx, &rx) != 3)
			continue;
		expect_below(state, TCP_CLOSING, __LINE__);
		SANE(tx);
		SANE(rx);
	}
	if (f)
		fclose(f);
	SANE(stat_get("SocketsNow"));
}

/* Nothing here may harm the data; all of it is read while segments are handled. */
static void change_something(struct rng *rng, int fd)
{
	static const char *const knobs[][2] = {
		{ "rmem", "4096 131072 6291456" }, { "rmem", "4096 60000 1000000" },
		{ "wmem", "4096 65536 4194304" }, { "wmem", "4096 16384 600000" },
		{ "slow_start_after_idle", "0" }, { "slow_start_after_idle", "1" },
		{ "keepalive_time", "1" }, { "keepalive_time", "7200" },
		{ "stdurg", "0" }, { "window_scaling", "1" }, { "retries2", "15" },
	};
	const char *const *k = PICK(rng, knobs);

	switch (below(rng, 7)) {
	case 0:
		knob(k[0], k[1]);
		break;
	case 1:
		set_int(fd, SOL_SOCKET, SO_RCVLOWAT, 1 + below(rng, 1000));
		break;
	case 2:
		set_int(fd, SOL_SOCKET, SO_RCVBUF, 20000 + below(rng, 300000));
		break;
	case 3:
		set_int(fd, SOL_SOCKET, SO_SNDBUF, 20000 + below(rng, 300000));
		break;
	case 4:
		set_int(fd, SOL_TCP, TCP_NODELAY, below(rng, 2));
		break;
	case 5:
		set_int(fd, SOL_SOCKET, SO_KEEPALIVE, below(rng, 2));
		break;
	default:
		set_int(fd, SOL_TCP, TCP_QUICKACK, below(rng, 2));
	}
}

static void *watch(void *arg)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLET };
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), i;
	struct rng *rng = arg;

	for (i = 0; i < FLOWS; i++)
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, flows[i].from, &e);
	while (!over) {
		int fd = flows[below(rng, FLOWS)].from;

		/* What takes no lock disturbs nobody: most looks are of that kind. */
		for (i = below(rng, 40); i; i--) {
			look_by_ioctl(fd);
			look_by_poll(fd, epoll_fd);
		}
		switch (below(rng, 6)) {
		case 0:
			look_at_options(fd);
			break;
		case 1:
			change_something(rng, fd);
			break;
		default:
			look_at_proc(one_in(rng, 2) ? &stress_v4 : &stress_v6);
		}
	}
	close(epoll_fd);
	return NULL;
}

/* -- the run ---------------------------------------------------------------------------- */

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
	if (pthread_create(thread, NULL, run, arg))
		_exit(KTAP_FAIL);
}

static void make_flows(const struct stress *s)
{
	int i;

	for (i = 0; i < CONNS; i++) {
		struct pair *p = &pairs[i];

		*p = pair_open(i ? &stress_v6 : &stress_v4);
		set_int(p->c, SOL_SOCKET, SO_OOBINLINE, 1);
		set_int(p->s, SOL_SOCKET, SO_OOBINLINE, 1);
		flows[2 * i].from = flows[2 * i + 1].to = p->c;
		flows[2 * i].to = flows[2 * i + 1].from = p->s;
	}
	for (i = 0; i < FLOWS; i++) {
		struct flow *f = &flows[i];

		f->seed = s->seed + i;
		f->rng[0].state = s->seed + 10 + i;
		f->rng[1].state = s->seed + 20 + i;
		f->octets = s->count * 1024;
	}
}

static bool arrived(const struct flow *f)
{
	if (f->wrong || f->sent != f->octets || f->received != f->octets)
		ktap_note("%ld octets of %ld sent, %ld received%s", f->sent, f->octets,
			  f->received, f->wrong ? ", wrong ones among them" : "");
	return !f->wrong && f->sent == f->octets && f->received == f->octets;
}

int main(int argc, char **argv)
{
	pthread_t carrier[2 * FLOWS], other[WATCHERS + 1];
	struct rng rng[WATCHERS + 1];
	struct stress s;
	int i, ret;

	ret = stress_begin(&s, argc, argv,
			   "Looks at sockets in every way that takes no lock while they carry data.",
			   "KiB each way over each connection", 4096, 200000, CONNS + 2);
	if (ret >= 0)
		return ret;
	alarm(s.long_run ? 3600 : 800);
	if (stress_netns())
		return KTAP_FAIL;
	make_flows(&s);
	for (i = 0; i <= WATCHERS; i++)
		rng[i].state = s.seed + 100 + i;
	start(&other[0], spoil, &rng[0]);
	for (i = 1; i <= WATCHERS; i++)
		start(&other[i], watch, &rng[i]);
	for (i = 0; i < FLOWS; i++) {
		start(&carrier[2 * i], write_flow, &flows[i]);
		start(&carrier[2 * i + 1], read_flow, &flows[i]);
	}
	for (i = 0; i < 2 * FLOWS; i++)
		pthread_join(carrier[i], NULL);
	over = true;
	for (i = 0; i <= WATCHERS; i++)
		pthread_join(other[i], NULL);

	for (i = 0; i < CONNS; i++) {
		bool there = arrived(&flows[2 * i]), back = arrived(&flows[2 * i + 1]);

		ktap_result(there && back, "every octet arrives, both ways, over %s",
			    i ? stress_v6.label : stress_v4.label);
		pair_close(&pairs[i]);
	}
	if (bad_line)
		ktap_note("what line %d looked at was %ld", bad_line, bad_value);
	ktap_note("%ld numbers were looked at, %ld segments came again", looks,
		  stat_get("RetransSegs"));
	ktap_result(!bad_line && looks, "nobody is told what cannot be");
	ktap_result(stat_pair_up(60), "everything created is destroyed");
	return ktap_end();
}
