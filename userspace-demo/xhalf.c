// SPDX-License-Identifier: GPL-2.0
/*
 * xhalf: half-close. The client asks and finishes sending; the server goes on answering
 * for a while, then finishes too. Each end prints what it does and the state it is in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "procnet.h"

static const char help[] =
	"Usage: xhalf [options] --listen PORT      the server, for one connection\n"
	"       xhalf [options] HOST PORT          the client\n"
	"The client sends its questions and finishes sending with shutdown(SHUT_WR). The\n"
	"server notices, goes on answering over the half-closed connection, and finishes.\n"
	"Both can share a terminal: the client prints on the left, the server on the right.\n"
	"Either fails if an answer is missing or a state is not that of RFC 9293.\n"
	"\n"
	"  -l, --listen       be the server\n"
	"  -n, --answers N    the server's answers after the client's end (default 5)\n"
	"  -i, --interval MS  its pause before each of them (default 500)\n"
	"      --since S      count time from S seconds of uptime, so that two ends agree\n"
	"  -t, --timeout S    give up when nothing arrives for S seconds (default 30)\n"
	TRANSPORT_HELP;

#define TEXT_COLUMNS	32
#define STATE_COLUMNS	13

static struct {
	bool listen;
	unsigned int answers, interval_ms, timeout;
} opt = { .answers = 5, .interval_ms = 500, .timeout = 30 };

static const char *const question[] = { "What is a half-close?", "Who may still send?" };

static struct conn_table sockets;
static unsigned int lport, rport;
static double start = -1;		/* uptime at time 0 of the display */
static bool failed;

static unsigned int port_of(const struct sockaddr_storage *ss)
{
	/* The port lies at the same place in both kinds of address. */
	return ntohs(((const struct sockaddr_in *)ss)->sin_port);
}

static double uptime_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void look_at(int fd)
{
	struct sockaddr_storage self, peer;
	socklen_t self_len = sizeof(self), peer_len = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *)&self, &self_len) ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len))
		die_errno("cannot learn the addresses of the connection");
	lport = port_of(&self);
	rport = port_of(&peer);
	/* A dual-stack listener's IPv4 connections are listed with IPv6 too. */
	if (!procnet_open(&sockets, transport.tcp, transport.af))
		die_errno("cannot read the list of %s sockets", transport_name());
	if (start < 0)
		start = uptime_s();
}

static enum conn_state state_now(void)
{
	const struct conn_row *r;

	procnet_read(&sockets);
	r = procnet_find(&sockets, lport, rport);
	return r ? r->state : ST_CLOSED;
}

/* One line in our half of the terminal, with our state. */
static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *fmt, ...)
{
	enum conn_state state = state_now();
	char text[128], line[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* In one write, for the other end writes to the same terminal. */
	snprintf(line, sizeof(line), "%7.2f s  %*s%s%-*s%s%s\n", uptime_s() - start,
		 opt.listen ? STATE_COLUMNS + TEXT_COLUMNS : 0, "",
		 opt.listen ? c_cyan() : c_green(), STATE_COLUMNS, state_name(state), c_off(),
		 text);
	fputs(line, stdout);
	fflush(stdout);
}

static void expect_state(enum conn_state want, const char *when)
{
	enum conn_state state = state_now();

	if (state == want)
		return;
	failed = true;
	fprintf(stderr, "%s: %s the state is %s, not %s\n", progname, when, state_name(state),
		state_name(want));
}

static void unexpected(const char *what)
{
	failed = true;
	fprintf(stderr, "%s: %s\n", progname, what);
}

/* The next line without its end; false at the end of what the peer sends. */
static bool read_line(FILE *f, char *line, int room)
{
	errno = 0;
	if (!fgets(line, room, f)) {
		if (ferror(f))
			die_errno("the connection broke");
		return false;
	}
	line[strcspn(line, "\n")] = 0;
	return true;
}

static void write_line(int fd, const char *text)
{
	char line[160];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	if (!send_all(fd, line, n))
		die_errno("cannot send");
}

static FILE *reader_of(int fd)
{
	FILE *f = fdopen(fd, "r");

	if (!f)
		die_errno("fdopen");
	return f;
}

/* ---- the server ---- */

static void serve(const char *port)
{
	int lfd = demo_listen(NULL, port, 1);
	unsigned int i, asked = 0;
	char line[160];
	FILE *in;
	char extra;
	int fd;

	demo_timeout(lfd, opt.timeout);
	fd = demo_accept(lfd);
	close(lfd);
	demo_timeout(fd, opt.timeout);
	look_at(fd);
	in = reader_of(fd);
	say("accepts");
	while (read_line(in, line, sizeof(line))) {
		say("gets \"%s\"", line);
		asked++;
	}
	say("sees the client's end (FIN)");
	expect_state(ST_CLOSE_WAIT, "after the client's FIN");
	for (i = 1; i <= opt.answers; i++) {
		sleep_s(opt.interval_ms / 1e3);
		snprintf(line, sizeof(line), "answer %u of %u", i, opt.answers);
		write_line(fd, line);
		say("sends \"%s\"", line);
		expect_state(ST_CLOSE_WAIT, "while it answers");
	}
	sleep_s(opt.interval_ms / 1e3);
	if (recv(fd, &extra, 1, 0) != 0)
		unexpected("the client's end is not the end");
	if (asked != sizeof(question) / sizeof(question[0]))
		unexpected("not every question arrived");
	fclose(in);
	say("finishes: close()");
}

/* ---- the client ---- */

static void take_answers(FILE *in)
{
	unsigned int got = 0, number, of = 0;
	char line[160];

	while (read_line(in, line, sizeof(line))) {
		say("gets \"%s\"", line);
		expect_state(ST_FIN_WAIT_2, "while answers arrive");
		if (sscanf(line, "answer %u of %u", &number, &of) != 2 || number != ++got)
			unexpected("answers are missing or out of order");
	}
	if (!got || got != of)
		unexpected("the server finished before its last answer");
}

static void ask(const char *host, const char *port)
{
	int fd = demo_connect(host, port);
	FILE *in;
	size_t i;

	demo_timeout(fd, opt.timeout);
	look_at(fd);
	in = reader_of(fd);
	say("is connected");
	for (i = 0; i < sizeof(question) / sizeof(question[0]); i++) {
		write_line(fd, question[i]);
		say("sends \"%s\"", question[i]);
	}
	if (shutdown(fd, SHUT_WR))
		die_errno("cannot finish sending");
	say("finishes: shutdown(SHUT_WR)");
	if (send(fd, "x", 1, MSG_NOSIGNAL) >= 0 || errno != EPIPE)
		unexpected("sending after shutdown(SHUT_WR) is not refused with EPIPE");
	take_answers(in);
	say("sees the server's end (FIN)");
	expect_state(ST_TIME_WAIT, "after both have finished");
	fclose(in);
}

int main(int argc, char **argv)
{
	enum { OPT_SINCE = 1 };
	static const struct option longs[] = {
		{ "listen", no_argument, NULL, 'l' },
		{ "answers", required_argument, NULL, 'n' },
		{ "interval", required_argument, NULL, 'i' },
		{ "since", required_argument, NULL, OPT_SINCE },
		{ "timeout", required_argument, NULL, 't' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	char *end;
	int c;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "ln:i:t:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		switch (c) {
		case 'l':
			opt.listen = true;
			break;
		case 'n':
			opt.answers = parse_number("--answers", optarg, 10000);
			break;
		case 'i':
			opt.interval_ms = parse_number("--interval", optarg, 60000);
			break;
		case OPT_SINCE:
			start = strtod(optarg, &end);
			if (end == optarg || *end || start < 0 || start > uptime_s())
				die_usage("--since must be an uptime of the past, not '%s'",
					  optarg);
			break;
		case 't':
			opt.timeout = parse_number("--timeout", optarg, 86400);
			break;
		}
	}
	if (argc - optind != (opt.listen ? 1 : 2))
		die_usage(opt.listen ? "PORT is needed" : "HOST and PORT are needed");
	parse_port(argv[argc - 1]);
	if (opt.listen)
		serve(argv[optind]);
	else
		ask(argv[optind], argv[optind + 1]);
	return failed;
}
