// SPDX-License-Identifier: GPL-2.0
/*
 * xtimewait: opens a connection, is the first to close it, and watches the TIME-WAIT
 * that it leaves behind in /proc/net/xtcp until it is over.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "procnet.h"

static const char help[] =
	"Usage: xtimewait [options] --listen PORT    answers connections, until killed\n"
	"       xtimewait [options] HOST PORT        connects, closes first, watches\n"
	"The side that closes first keeps the connection in TIME-WAIT for 2 MSL. This\n"
	"measures it: a countdown while the kernel lists the socket, then how long it did.\n"
	"\n"
	"  -l, --listen        be the server\n"
	"      --leave         do not watch: exit as soon as TIME-WAIT is reached\n"
	"  -e, --expect MS     fail unless TIME-WAIT lasts as long (10 % less to 50 % more)\n"
	"      --limit S       watch for S seconds at most (default 300)\n"
	"  -t, --timeout S     give up when nothing arrives for S seconds (default 30)\n"
	TRANSPORT_HELP;

#define LOOK_EVERY_S	0.005
#define BAR_CELLS	40

static struct {
	bool listen, leave;
	unsigned int expect_ms, limit, timeout;
} opt = { .limit = 300, .timeout = 30 };

/* ---- the server ---- */

static void serve(const char *port)
{
	int lfd = demo_listen(NULL, port, 16);

	for (;;) {
		int fd = demo_accept(lfd);
		char buf[256];
		ssize_t n;

		demo_timeout(fd, opt.timeout);
		while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
			if (!send_all(fd, buf, n))
				break;
		close(fd);
	}
}

/* ---- the side that closes first ---- */

static unsigned int port_of(const struct sockaddr_storage *ss)
{
	/* The port lies at the same place in both kinds of address. */
	return ntohs(((const struct sockaddr_in *)ss)->sin_port);
}

/* A short, complete conversation; returns our port. */
static unsigned int converse(const char *host, const char *port)
{
	static const char hello[] = "hello";
	struct sockaddr_storage self;
	socklen_t len = sizeof(self);
	char buf[sizeof(hello)];
	int fd = demo_connect(host, port);

	demo_timeout(fd, opt.timeout);
	if (getsockname(fd, (struct sockaddr *)&self, &len))
		die_errno("getsockname");
	if (!send_all(fd, hello, sizeof(hello)) || !recv_all(fd, buf, sizeof(buf)))
		die_errno("the connection broke");
	if (memcmp(hello, buf, sizeof(hello)))
		die("the server is no 'xtimewait --listen'");
	close(fd);
	return port_of(&self);
}

static void countdown(const struct conn_row *r, double gone)
{
	double whole = gone + r->timer_s;
	int filled = whole > 0 ? r->timer_s / whole * BAR_CELLS + 0.5 : 0;
	int i;

	printf("%s  %sTIME-WAIT%s  %s", on_terminal() ? "\r" : "", c_bold(), c_off(), c_yellow());
	for (i = 0; i < BAR_CELLS; i++) {
		if (i == filled)
			fputs(c_dim(), stdout);
		fputs(i < filled ? "█" : "░", stdout);
	}
	printf("%s  %5.1f s left  (port %u)%s", c_off(), r->timer_s, r->lport,
	       on_terminal() ? "\033[K" : "\n");
	fflush(stdout);
}

/* Wait until our socket is listed in TIME-WAIT. */
static void await_time_wait(struct conn_table *t, unsigned int lport, unsigned int rport)
{
	double limit = now_s() + opt.timeout;
	enum conn_state state = ST_CLOSED;

	while (now_s() < limit) {
		const struct conn_row *r;

		procnet_read(t);
		r = procnet_find(t, lport, rport);
		state = r ? r->state : ST_CLOSED;
		if (state == ST_TIME_WAIT)
			return;
		sleep_s(LOOK_EVERY_S);
	}
	die("port %u did not reach TIME-WAIT in %u s: it is in %s", lport, opt.timeout,
	    state_name(state));
}

/* Returns how long the socket stayed listed, or -1 if it outlived the limit. */
static double watch(struct conn_table *t, unsigned int lport, unsigned int rport)
{
	double begin = now_s(), shown = -1;
	double every = on_terminal() ? 0.1 : 1.0;

	for (;;) {
		double gone = now_s() - begin;
		const struct conn_row *r;

		procnet_read(t);
		r = procnet_find(t, lport, rport);
		if (!r)
			return now_s() - begin;
		if (r->state != ST_TIME_WAIT)
			die("port %u went from TIME-WAIT to %s", lport, state_name(r->state));
		if (r->timer != TM_TIME_WAIT)
			die("port %u is in TIME-WAIT, but timer %u is running", lport, r->timer);
		if (gone > opt.limit)
			return -1;
		if (shown < 0 || gone - shown >= every) {
			countdown(r, gone);
			shown = gone;
		}
		sleep_s(LOOK_EVERY_S);
	}
}

static bool as_expected(double lasted)
{
	double want = opt.expect_ms / 1e3;

	if (!opt.expect_ms || (lasted >= want * 0.9 && lasted <= want * 1.5))
		return true;
	fprintf(stderr, "%s: TIME-WAIT should last %.1f s\n", progname, want);
	return false;
}

static int connect_and_watch(const char *host, const char *port)
{
	unsigned int rport = parse_port(port), lport;
	struct conn_table t;
	double lasted;

	if (!procnet_open(&t, transport.tcp, transport.af))
		die_errno("cannot read the list of %s sockets (is the module loaded?)",
			  transport_name());
	lport = converse(host, port);
	await_time_wait(&t, lport, rport);
	if (opt.leave) {
		printf("  port %u has closed first and is in TIME-WAIT\n", lport);
		return 0;
	}
	lasted = watch(&t, lport, rport);
	if (on_terminal())
		putchar('\n');
	if (lasted < 0) {
		printf("  port %u is still in TIME-WAIT after %u s\n", lport, opt.limit);
		return opt.expect_ms ? 1 : 0;
	}
	printf("  port %u: TIME-WAIT lasted %.2f s\n", lport, lasted);
	return as_expected(lasted) ? 0 : 1;
}

int main(int argc, char **argv)
{
	enum { OPT_LEAVE = 1, OPT_LIMIT };
	static const struct option longs[] = {
		{ "listen", no_argument, NULL, 'l' },
		{ "leave", no_argument, NULL, OPT_LEAVE },
		{ "expect", required_argument, NULL, 'e' },
		{ "limit", required_argument, NULL, OPT_LIMIT },
		{ "timeout", required_argument, NULL, 't' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	int c;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "le:t:" TRANSPORT_SHORT, longs, NULL)) != -1) {
		if (transport_option(c, help))
			continue;
		switch (c) {
		case 'l':
			opt.listen = true;
			break;
		case OPT_LEAVE:
			opt.leave = true;
			break;
		case 'e':
			opt.expect_ms = parse_number("--expect", optarg, 3600000);
			break;
		case OPT_LIMIT:
			opt.limit = parse_number("--limit", optarg, 86400);
			break;
		case 't':
			opt.timeout = parse_number("--timeout", optarg, 86400);
			break;
		}
	}
	if (argc - optind != (opt.listen ? 1 : 2))
		die_usage(opt.listen ? "PORT is needed" : "HOST and PORT are needed");
	if (opt.listen)
		serve(argv[optind]);
	return connect_and_watch(argv[optind], argv[optind + 1]);
}
