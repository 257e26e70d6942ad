// SPDX-License-Identifier: GPL-2.0
/*
 * One bulk transfer between two network namespaces, over TCP or XTCP: the same calls for both.
 *
 * A child listens in one namespace and reads; the parent connects from the other and writes. Both
 * know what the octets must be, so each one that arrives is compared. The time runs from
 * connect(), or from the arrival of octet --skip, to the arrival of the last one. The result is a line of JSON.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/tcp.h>
#include <linux/xtcp.h>

#include "net.h"
#include "sha256.h"
#include "tool.h"

/* What is sent repeats after a prime number of octets, so that no shift goes unseen. */
#define PERIOD		262139
#define MOST_SLICES	4096

static const struct xport transports[] = {
	{ "tcp4", false, ON_V4, AF_INET, 0, AF_INET },
	{ "tcp6", false, ON_V6, AF_INET6, 0, AF_INET6 },
	{ "xtcp4", true, ON_V4, AF_XTCP, XTCPPROTO_XTCP, AF_INET },
	{ "xtcp6", true, ON_V6, AF_XTCP, XTCPPROTO_XTCP6, AF_INET6 },
};

static struct {
	const struct xport *transport;
	const char *to, *cong, *from_ns, *to_ns;
	long long octets, skip;
	double seconds, limit;
	int port, buffer, watch_ms, slice_ms;
	size_t chunk;
	unsigned int seed;
	bool sum;
} opt = {
	.transport = transports, .cong = "cubic", .octets = -1, .limit = 3600, .port = 5001,
	.chunk = 65536, .seed = 1,
};

/**
 * struct received - what the child found out, in memory that both see
 * @octets:	how many came
 * @wrong:	number of the first that was not as sent, counted from 1; 0: none
 * @first_ns:	when the first came
 * @last_ns:	when the last came
 * @skipped:	octets of the start that the goodput leaves out
 * @skip_ns:	when the last of those came
 * @gap_ns:	longest time between two reads that brought something
 * @slices:	octets in each slice of time since the first
 * @sum:	SHA-256
 */
struct received {
	long long octets, wrong, first_ns, last_ns, skipped, skip_ns, gap_ns;
	long long slices[MOST_SLICES];
	char sum[65];
};

/* What TCP_INFO said at worst while it was watched. */
static struct {
	int fd;
	bool stop;
	unsigned int backoff, rto_us, rtt_us;
} watch;

static int transport_socket(void)
{
	int fd = sock(opt.transport), on = 1;

	if (fd < 0)
		fail("socket: no %s here", opt.transport->label);
	if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, opt.cong, strlen(opt.cong)))
		fail("%s does not know the congestion control %s", opt.transport->label, opt.cong);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (opt.buffer) {
		set_int(fd, SOL_SOCKET, SO_SNDBUF, opt.buffer);
		set_int(fd, SOL_SOCKET, SO_RCVBUF, opt.buffer);
	}
	return fd;
}

static unsigned char *pattern(void)
{
	unsigned char *p = malloc(PERIOD + opt.chunk);
	size_t at;

	if (!p)
		fail("no memory for a chunk of %zu octets", opt.chunk);
	pattern_fill(p, PERIOD, 0, opt.seed);
	for (at = 0; at < opt.chunk; at++)
		p[PERIOD + at] = p[at % PERIOD];
	return p;
}

static void note_arrival(struct received *r, ssize_t n, long long prev_ns)
{
	long long now = now_ns(), slice;

	if (!r->octets)
		r->first_ns = now;
	else if (now - prev_ns > r->gap_ns)
		r->gap_ns = now - prev_ns;
	if (opt.slice_ms) {
		slice = (now - r->first_ns) / (opt.slice_ms * 1000000LL);
		if (slice < MOST_SLICES)
			r->slices[slice] += n;
	}
	r->last_ns = now;
	r->octets += n;
	if (opt.skip && !r->skipped && r->octets >= opt.skip) {
		r->skipped = r->octets;
		r->skip_ns = now;
	}
}

static void receive(int fd, struct received *r)
{
	const unsigned char *want = pattern();
	unsigned char *buf = malloc(opt.chunk);
	struct sha256 sum;
	ssize_t n;

	sha256_start(&sum);
	while ((n = recv(fd, buf, opt.chunk, 0)) > 0) {
		if (!r->wrong && memcmp(buf, want + r->octets % PERIOD, n))
			r->wrong = r->octets + 1;
		if (opt.sum)
			sha256_add(&sum, buf, n);
		note_arrival(r, n, r->last_ns);
	}
	if (n < 0)
		fail("recv after %lld octets", r->octets);
	sha256_end(&sum, r->sum);
}

/* The child: @ready tells that it listens, @done that all has come, @go lets it end. */
static void receiver(struct received *r, int ready, int done, int go)
{
	struct addr at;
	int fd, conn;
	char c = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	enter(opt.to_ns);
	fd = transport_socket();
	at = addr_text(opt.transport, opt.to, opt.to, opt.port);
	if (sock_bind(fd, at) || listen(fd, 1))
		fail("cannot listen at %s port %d", opt.to, opt.port);
	if (write(ready, &c, 1) != 1)
		fail("pipe");
	conn = accept(fd, NULL, NULL);
	if (conn < 0)
		fail("accept");
	receive(conn, r);
	if (write(done, &c, 1) != 1 || read(go, &c, 1) < 0)
		fail("pipe");
	exit(0);
}

static void get_info(int fd, struct tcp_info *info)
{
	socklen_t len = sizeof(*info);

	memset(info, 0, len);
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len))
		fail("TCP_INFO");
}

/* Nothing here may block: the connection does not make progress. */
static void gave_up(int sig)
{
	struct tcp_info i;
	char text[300];
	int n;

	get_info(watch.fd, &i);
	n = snprintf(text, sizeof(text),
		     "xfer: not done after %.0f s: state %u ca_state %u unacked %u lost %u retrans %u sacked %u backoff %u rto %u us cwnd %u notsent %u\n",
		     opt.limit, i.tcpi_state, i.tcpi_ca_state, i.tcpi_unacked, i.tcpi_lost,
		     i.tcpi_retrans, i.tcpi_sacked, i.tcpi_backoff, i.tcpi_rto, i.tcpi_snd_cwnd,
		     i.tcpi_notsent_bytes);
	if (write(2, text, n) != n)
		_exit(2);
	_exit(3);
}

static void *watcher(void *unused)
{
	struct tcp_info i;

	while (!__atomic_load_n(&watch.stop, __ATOMIC_RELAXED)) {
		get_info(watch.fd, &i);
		if (i.tcpi_backoff > watch.backoff)
			watch.backoff = i.tcpi_backoff;
		if (i.tcpi_rto > watch.rto_us)
			watch.rto_us = i.tcpi_rto;
		if (i.tcpi_rtt > watch.rtt_us)
			watch.rtt_us = i.tcpi_rtt;
		nap_ms(opt.watch_ms);
	}
	return NULL;
}

/* Returns how many octets went into the socket. */
static long long transmit(int fd, struct sha256 *sum)
{
	long long end = opt.seconds ? now_ns() + (long long)(opt.seconds * 1e9) : 0, at = 0;
	const unsigned char *p = pattern();

	while (end ? now_ns() < end : at < opt.octets) {
		size_t n = opt.chunk;
		ssize_t sent;

		if (!end && opt.octets - at < (long long)n)
			n = opt.octets - at;
		sent = send(fd, p + at % PERIOD, n, MSG_NOSIGNAL);
		if (sent < 0)
			fail("send after %lld octets", at);
		if (opt.sum)
			sha256_add(sum, p + at % PERIOD, sent);
		at += sent;
	}
	return at;
}

static void report(const struct received *r, const struct tcp_info *i, long long start_ns,
		   long long open_ns, const char *sum)
{
	double seconds = (r->last_ns - start_ns) / 1e9;
	double counted = (r->last_ns - (r->skipped ? r->skip_ns : start_ns)) / 1e9;
	int s, last = MOST_SLICES - 1;

	printf("{\"transport\": \"%s\", \"cong\": \"%s\", \"octets\": %lld, \"seconds\": %.6f, ",
	       opt.transport->label, opt.cong, r->octets, seconds);
	printf("\"goodput\": %.1f, \"open\": %.6f, \"gap\": %.6f, ", (r->octets - r->skipped) / counted,
	       (open_ns - start_ns) / 1e9, r->gap_ns / 1e9);
	printf("\"retrans\": %u, \"octets_retrans\": %llu, \"data_segs\": %u, \"segs_in\": %u, ",
	       i->tcpi_total_retrans, (unsigned long long)i->tcpi_bytes_retrans,
	       i->tcpi_data_segs_out, i->tcpi_segs_in);
	printf("\"min_rtt\": %u, \"srtt\": %u, \"cwnd\": %u, \"ssthresh\": %u, \"mss\": %u, \"reordering\": %u",
	       i->tcpi_min_rtt, i->tcpi_rtt, i->tcpi_snd_cwnd, i->tcpi_snd_ssthresh,
	       i->tcpi_snd_mss, i->tcpi_reordering);
	if (opt.watch_ms)
		printf(", \"max_backoff\": %u, \"max_rto\": %u, \"max_srtt\": %u",
		       watch.backoff, watch.rto_us, watch.rtt_us);
	if (opt.sum)
		printf(", \"sha256_sent\": \"%s\", \"sha256\": \"%s\"", sum, r->sum);
	if (opt.slice_ms) {
		while (last > 0 && !r->slices[last])
			last--;
		printf(", \"first\": %.6f, \"slices\": [", r->first_ns / 1e9);
		for (s = 0; s <= last; s++)
			printf("%s%lld", s ? ", " : "", r->slices[s]);
		putchar(']');
	}
	puts("}");
}

static int run(void)
{
	int ready[2], done[2], go[2], fd, status;
	struct itimerspec limit = { 0 };
	long long start_ns, open_ns, sent;
	struct tcp_info info;
	pthread_t thread;
	struct sha256 sum;
	struct received *r;
	char text[65], c;
	timer_t timer;
	pid_t child;

	r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r == MAP_FAILED || pipe(ready) || pipe(done) || pipe(go))
		fail("cannot prepare");
	child = fork();
	if (child < 0)
		fail("fork");
	if (!child) {
		close(ready[0]);
		close(done[0]);
		close(go[1]);
		receiver(r, ready[1], done[1], go[0]);
	}
	close(ready[1]);
	close(done[1]);
	close(go[0]);
	enter(opt.from_ns);
	sha256_start(&sum);
	fd = transport_socket();
	watch.fd = fd;
	if (read(ready[0], &c, 1) != 1)
		fail("the receiver did not start");
	signal(SIGALRM, gave_up);
	limit.it_value.tv_sec = (time_t)opt.limit;
	limit.it_value.tv_nsec = (long)((opt.limit - (time_t)opt.limit) * 1e9);
	if (timer_create(CLOCK_MONOTONIC, NULL, &timer) || timer_settime(timer, 0, &limit, NULL))
		fail("timer");

	start_ns = now_ns();
	if (sock_connect(fd, addr_text(opt.transport, opt.to, opt.to, opt.port)))
		fail("connect to %s port %d", opt.to, opt.port);
	open_ns = now_ns();
	if (opt.watch_ms && pthread_create(&thread, NULL, watcher, NULL))
		fail("thread");
	sent = transmit(fd, &sum);
	if (shutdown(fd, SHUT_WR))
		fail("shutdown");
	if (read(done[0], &c, 1) != 1)
		fail("the receiver ended early");
	if (opt.watch_ms) {
		__atomic_store_n(&watch.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
	}
	get_info(fd, &info);
	sha256_end(&sum, text);
	close(go[1]);
	if (waitpid(child, &status, 0) != child || status)
		fail("the receiver failed");
	report(r, &info, start_ns, open_ns, text);
	errno = EBADMSG;
	if (r->wrong)
		fail("octet %lld is not what was sent", r->wrong);
	if (r->octets != sent)
		fail("%lld octets arrived of %lld", r->octets, sent);
	if (opt.sum && strcmp(text, r->sum))
		fail("SHA-256 differs");
	return 0;
}

static void usage(void)
{
	puts("usage: xfer --to ADDRESS [OPTION...]\n"
	     "\n"
	     "Send octets over one connection between two namespaces, compare each of them, and print a\n"
	     "line of JSON: time from connect() to the last octet, octets a second, what TCP_INFO says.\n"
	     "\n"
	     "  --transport NAME  tcp4 (default), tcp6, xtcp4, xtcp6\n"
	     "  --to ADDRESS      where the receiver listens\n"
	     "  --port N          and at which port (default 5001)\n"
	     "  --from-ns NAME    network namespace of the sender (default: this one)\n"
	     "  --to-ns NAME      and of the receiver\n"
	     "  --cong NAME       congestion control (default cubic)\n"
	     "  --octets N        send so many; or\n"
	     "  --seconds S       send for so long\n"
	     "  --skip N          the goodput leaves out so many octets and their time (default 0: none)\n"
	     "  --limit S         give up after S seconds and show TCP_INFO, status 3 (default 3600)\n"
	     "  --buffer N        SO_SNDBUF and SO_RCVBUF (default: what the system does by itself)\n"
	     "  --chunk N         octets in each send() and recv() (default 65536)\n"
	     "  --seed N          other octets\n"
	     "  --sum             SHA-256 of both sides, too\n"
	     "  --slices MS       octets that arrived in each slice of so many milliseconds\n"
	     "  --watch MS        look at TCP_INFO so often for the longest time-out");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "transport", 1, NULL, 't' }, { "to", 1, NULL, 'a' }, { "port", 1, NULL, 'p' },
		{ "from-ns", 1, NULL, 'f' }, { "to-ns", 1, NULL, 'n' }, { "cong", 1, NULL, 'c' },
		{ "octets", 1, NULL, 'o' }, { "seconds", 1, NULL, 's' }, { "limit", 1, NULL, 'l' },
		{ "buffer", 1, NULL, 'b' }, { "chunk", 1, NULL, 'k' }, { "seed", 1, NULL, 'e' },
		{ "sum", 0, NULL, 'S' }, { "skip", 1, NULL, 'x' }, { "slices", 1, NULL, 'i' }, { "watch", 1, NULL, 'w' },
		{ "help", 0, NULL, 'h' }, { 0 },
	};
	size_t i, n = sizeof(transports) / sizeof(transports[0]);
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			for (i = 0; i < n && strcmp(optarg, transports[i].label); i++)
				;
			errno = EINVAL;
			if (i == n)
				fail("no transport %s", optarg);
			opt.transport = transports + i;
			break;
		case 'a':
			opt.to = optarg;
			break;
		case 'p':
			opt.port = atoi(optarg);
			break;
		case 'f':
			opt.from_ns = optarg;
			break;
		case 'n':
			opt.to_ns = optarg;
			break;
		case 'c':
			opt.cong = optarg;
			break;
		case 'o':
			opt.octets = atoll(optarg);
			break;
		case 's':
			opt.seconds = atof(optarg);
			break;
		case 'l':
			opt.limit = atof(optarg);
			break;
		case 'b':
			opt.buffer = atoi(optarg);
			break;
		case 'k':
			opt.chunk = atol(optarg);
			break;
		case 'e':
			opt.seed = atoi(optarg);
			break;
		case 'x':
			opt.skip = atoll(optarg);
			break;
		case 'S':
			opt.sum = true;
			break;
		case 'i':
			opt.slice_ms = atoi(optarg);
			break;
		case 'w':
			opt.watch_ms = atoi(optarg);
			break;
		case 'h':
			usage();
			return 0;
		default:
			return 2;
		}
	}
	errno = EINVAL;
	if (!opt.to || optind < argc || (opt.octets < 0 && opt.seconds <= 0) || !opt.chunk)
		fail("needs --to and one of --octets and --seconds (try --help)");
	return run();
}
