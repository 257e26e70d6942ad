// SPDX-License-Identifier: GPL-2.0
/*
 * xladder: one connection between two network namespaces, drawn segment by segment
 * with the state of both sides after each of them.
 *
 * This process plays both hosts: a socket, a packet watch and a list of sockets
 * stay in the namespace in which they were opened, so after two visits to each
 * host everything is steered, and timed, from one place.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "ladder.h"
#include "procnet.h"
#include "segment.h"

static const char help[] =
	"Usage: xladder [options] --a NETNS:DEVICE --b NETNS:DEVICE ADDRESS-OF-B\n"
	"Opens a connection from host A to host B, exchanges two messages, closes it, and\n"
	"draws every segment as it leaves one host and as it reaches the other, with the\n"
	"state of both sides after it. Fails if the segments or states are not those of\n"
	"RFC 9293. The path needs a delay (netem outside of the two hosts, well above --settle,\n"
	"such as 150 ms each way), or segments have passed before a state can be looked at.\n"
	"\n"
	"  -a, --a NS:DEV     host A: a namespace of 'ip netns' and its network device\n"
	"  -b, --b NS:DEV     host B\n"
	"  -p, --port PORT    B's port (default 7)\n"
	"      --settle MS    wait after a segment before the states are read (default 70)\n"
	"      --ascii        draw with ASCII characters only\n"
	TRANSPORT_HELP
	"Needs root.\n";

#define EVENTS_MAX	64
#define QUIET_S		0.30	/* longer than any delayed acknowledgment */
#define STEP_LIMIT_S	20.0

static const char request[] = "How are you?\n";
static const char answer[] = "Fine, and you?\n";

struct host {
	const char *netns, *device;
	int watch;
	struct conn_table sockets;
	int fd;				/* A: connecting; B: accepted, -1 before */
};

static struct host a, b;
static int listener = -1;
static unsigned int port = 7, port_a;
static double settle_s = 0.07;	/* a busy machine may be late, but well below the path's delay */

/* Segments seen and not yet drawn, in the order of their times. */
static struct ladder_event queue[EVENTS_MAX];
static size_t queued;
static int under_way;			/* sent and not yet arrived; -1 if seen in reverse */
static double last_event;		/* real-time clock, s */

static double real_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- the two hosts ---- */

static void parse_host(struct host *h, char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		die_usage("a host is given as NETNS:DEVICE, not '%s'", text);
	*colon = 0;
	h->netns = text;
	h->device = colon + 1;
	h->fd = -1;
}

static void enter(struct host *h)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", h->netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die_errno("no network namespace '%s' (see 'ip netns')", h->netns);
	if (setns(fd, CLONE_NEWNET))
		die_errno("cannot enter the network namespace '%s' (root?)", h->netns);
	close(fd);
	h->watch = segment_watch(h->device);
	if (!procnet_open(&h->sockets, transport.tcp, transport.af))
		die_errno("cannot read the list of %s sockets (is the module loaded?)",
			  transport_name());
}

static void nonblocking(int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		die_errno("cannot make a socket non-blocking");
}

/* What the two sides are in now, as /proc/net tells it. */
static enum conn_state state_a(void)
{
	const struct conn_row *r;

	procnet_read(&a.sockets);
	r = port_a ? procnet_find(&a.sockets, port_a, port) : NULL;
	return r ? r->state : ST_CLOSED;
}

static enum conn_state state_b(void)
{
	static bool connected;		/* from then on the listener is another socket */
	const struct conn_row *r;

	procnet_read(&b.sockets);
	r = port_a ? procnet_find(&b.sockets, port, port_a) : NULL;
	if (r) {
		connected = true;
		return r->state;
	}
	if (!connected && procnet_find(&b.sockets, port, 0))
		return ST_LISTEN;
	return ST_CLOSED;
}

/* ---- segments ---- */

static void enqueue(const struct segment *s, bool at_a)
{
	struct ladder_event e = { .seg = *s, .at_a = at_a };
	size_t i;

	if (queued == EVENTS_MAX)
		die("too many segments for one ladder");
	for (i = queued; i && queue[i - 1].seg.time > s->time; i--)
		queue[i] = queue[i - 1];
	queue[i] = e;
	queued++;
	under_way += s->outgoing ? 1 : -1;
	if (s->time > last_event)
		last_event = s->time;
}

static void collect(void)
{
	uint8_t protocol = transport.tcp ? IPPROTO_TCP : IPPROTO_XTCP;
	struct segment s;

	while (segment_next(a.watch, transport.af, protocol, port, &s))
		enqueue(&s, true);
	while (segment_next(b.watch, transport.af, protocol, port, &s))
		enqueue(&s, false);
}

/* Draw what has settled: the kernel is done with it and the next is still on its way. */
static void draw_settled(void)
{
	size_t n = 0;

	while (n < queued && real_s() - queue[n].seg.time >= settle_s) {
		ladder_draw(&queue[n], state_a(), state_b());
		n++;
	}
	queued -= n;
	memmove(queue, queue + n, queued * sizeof(queue[0]));
}

/* Run until cond() holds and the path has been silent for a while. */
static void run_until(bool (*cond)(void), const char *what)
{
	struct pollfd pfd[] = {
		{ .fd = a.watch, .events = POLLIN },
		{ .fd = b.watch, .events = POLLIN },
	};
	double limit = now_s() + STEP_LIMIT_S;

	for (;;) {
		if (poll(pfd, 2, queued ? 1 : 10) < 0 && errno != EINTR)
			die_errno("poll");
		collect();
		draw_settled();
		if (!queued && !under_way && real_s() - last_event > QUIET_S && cond())
			return;
		if (now_s() > limit)
			die("%s: not within %.0f s; A is in %s, B in %s", what, STEP_LIMIT_S,
			    state_name(state_a()), state_name(state_b()));
	}
}

/* ---- the story ---- */

static bool accepted(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return false;
		die_errno("B cannot accept the connection");
	}
	b.fd = fd;
	return true;
}

/* Reads exactly this message; false while it is not there. */
static bool got_message(int fd, const char *expected)
{
	size_t len = strlen(expected);
	char buf[64];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		die_errno("cannot receive the message");
	if ((size_t)n != len || memcmp(buf, expected, len))
		die("another message arrived than was sent");
	return true;
}

static bool request_there(void)
{
	return got_message(b.fd, request);
}

static bool answer_there(void)
{
	return got_message(a.fd, answer);
}

static bool at_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < 0)
		die_errno("the connection did not end properly");
	if (n)
		die("unexpected data");
	return true;
}

static bool b_at_end(void)
{
	return at_end(b.fd);
}

static bool a_at_end(void)
{
	return at_end(a.fd);
}

static void send_message(int fd, const char *text)
{
	if (!send_all(fd, text, strlen(text)))
		die_errno("cannot send the message");
}

static void open_hosts(const char *addr_b, struct sockaddr_storage *ss, socklen_t *len)
{
	char port_text[8];

	snprintf(port_text, sizeof(port_text), "%u", port);
	*len = demo_resolve(addr_b, port_text, false, ss);
	enter(&b);
	listener = demo_listen(addr_b, port_text, 1);
	nonblocking(listener);
	enter(&a);
	a.fd = demo_socket();
	nonblocking(a.fd);
}

static void start_connecting(const struct sockaddr_storage *ss, socklen_t len)
{
	struct sockaddr_storage self;
	socklen_t self_len = sizeof(self);

	if (connect(a.fd, (const struct sockaddr *)ss, len) && errno != EINPROGRESS)
		die_errno("A cannot connect to B");
	if (getsockname(a.fd, (struct sockaddr *)&self, &self_len))
		die_errno("getsockname");
	/* The port lies at the same place in both kinds of address. */
	port_a = ntohs(((struct sockaddr_in *)&self)->sin_port);
}

static void tell_story(const char *addr_b)
{
	struct sockaddr_storage ss;
	socklen_t len;

	open_hosts(addr_b, &ss, &len);
	ladder_begin(port, state_a(), state_b());

	ladder_section("three-way handshake: A calls connect()");
	start_connecting(&ss, len);
	run_until(accepted, "the handshake");

	ladder_section("data: A asks, B answers");
	send_message(a.fd, request);
	run_until(request_there, "A's message");
	send_message(b.fd, answer);
	run_until(answer_there, "B's message");

	ladder_section("four-way close: A finishes first, then B calls close()");
	if (shutdown(a.fd, SHUT_WR))
		die_errno("A cannot finish sending");
	run_until(b_at_end, "A's FIN");
	close(b.fd);
	run_until(a_at_end, "B's FIN");
	close(a.fd);
	close(listener);
	ladder_end();
}

int main(int argc, char **argv)
{
	enum { OPT_SETTLE = 1, OPT_ASCII };
	static const struct option longs[] = {
		{ "a", required_argument, NULL, 'a' },
		{ "b", required_argument, NULL, 'b' },
		{ "port", required_argument, NULL, 'p' },
		{ "settle", required_argument, NULL, OPT_SETTLE },
		{ "ascii", no_argument, NULL, OPT_ASCII },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	int c;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "a:b:p:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		switch (c) {
		case 'a':
			parse_host(&a, optarg);
			break;
		case 'b':
			parse_host(&b, optarg);
			break;
		case 'p':
			port = parse_port(optarg);
			break;
		case OPT_SETTLE:
			settle_s = parse_number("--settle", optarg, 1000) / 1e3;
			break;
		case OPT_ASCII:
			ladder_ascii();
			break;
		}
	}
	if (!a.netns || !b.netns || argc - optind != 1)
		die_usage("--a, --b and B's address are needed");
	tell_story(argv[optind]);
	return ladder_verdict() ? 0 : 1;
}
