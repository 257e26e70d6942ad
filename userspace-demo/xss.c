// SPDX-License-Identifier: GPL-2.0
/* xss: lists XTCP sockets with their states, queues and timers, as ss does for TCP. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "common.h"
#include "procnet.h"

static const char help[] =
	"Usage: xss [options]\n"
	"Lists the XTCP sockets of this network namespace, from /proc/net/xtcp and xtcp6.\n"
	"\n"
	"  -a, --all          listening sockets too (the default: only connections)\n"
	"  -l, --listening    only listening sockets\n"
	"  -s, --state NAME   only this state, such as TIME-WAIT\n"
	"  -p, --port PORT    only sockets with this port at either end\n"
	"  -q, --quiet        print nothing; succeed if there is such a socket\n"
	"  -4, --ipv4         only IPv4 sockets (the default: both)\n"
	"  -6, --ipv6         only IPv6 sockets\n"
	"      --tcp          the kernel's TCP sockets instead\n"
	"  -h, --help         this text\n";

static struct {
	bool all, listening, quiet;
	bool v4, v6;
	const char *state;
	unsigned int port;
} opt;

static bool wanted(const struct conn_row *r)
{
	bool listens = r->state == ST_LISTEN;

	if (opt.port && r->lport != opt.port && r->rport != opt.port)
		return false;
	if (opt.state)
		return !strcasecmp(opt.state, state_name(r->state));
	if (opt.listening)
		return listens;
	return opt.all || !listens;
}

static void address_text(char *buf, size_t room, int af, const struct in6_addr *addr,
			 unsigned int port)
{
	char text[INET6_ADDRSTRLEN] = "?";

	inet_ntop(af, addr, text, sizeof(text));
	if (port)
		snprintf(buf, room, af == AF_INET6 ? "[%s]:%u" : "%s:%u", text, port);
	else
		snprintf(buf, room, af == AF_INET6 ? "[%s]:*" : "%s:*", text);
}

static void timer_text(char *buf, size_t room, const struct conn_row *r)
{
	static const char *const name[] = {
		[TM_NONE] = "-",
		[TM_RETRANSMIT] = "retransmit",
		[TM_KEEPALIVE] = "keepalive",
		[TM_TIME_WAIT] = "time-wait",
		[TM_PROBE] = "window probe",
	};

	if (r->timer == TM_NONE || r->timer > TM_PROBE)
		snprintf(buf, room, "-");
	else
		snprintf(buf, room, "%s, %.1f s left", name[r->timer], r->timer_s);
}

static const char *state_colour(enum conn_state state)
{
	switch (state) {
	case ST_ESTABLISHED:
		return c_green();
	case ST_LISTEN:
		return c_cyan();
	default:
		return c_yellow();
	}
}

static size_t list(int af)
{
	struct conn_table t;
	size_t i, shown = 0;

	if (!procnet_open(&t, transport.tcp, af)) {
		if (transport.tcp)
			die_errno("cannot read /proc/net/tcp%s", af == AF_INET6 ? "6" : "");
		die_errno("cannot read /proc/net/xtcp%s (load the module first: "
			  "'sudo insmod xtcp.ko')", af == AF_INET6 ? "6" : "");
	}
	procnet_read(&t);
	for (i = 0; i < t.rows; i++) {
		const struct conn_row *r = &t.row[i];
		char local[80], peer[80], timer[80];

		if (!wanted(r))
			continue;
		shown++;
		if (opt.quiet)
			continue;
		address_text(local, sizeof(local), af, &r->laddr, r->lport);
		address_text(peer, sizeof(peer), af, &r->raddr, r->rport);
		timer_text(timer, sizeof(timer), r);
		printf("%s%-12s%s %7u %7u  %-22s %-22s %s\n", state_colour(r->state),
		       state_name(r->state), c_off(), r->rxq, r->txq, local, peer, timer);
	}
	procnet_close(&t);
	return shown;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "listening", no_argument, NULL, 'l' },
		{ "state", required_argument, NULL, 's' },
		{ "port", required_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		TRANSPORT_LONG, { NULL, 0, NULL, 0 }
	};
	size_t shown = 0;
	int c;

	die_init(argv[0]);
	while ((c = getopt_long(argc, argv, "als:p:q" TRANSPORT_SHORT, longs, NULL)) != -1) {
		opt.v4 |= c == '4';
		opt.v6 |= c == '6';
		if (transport_option(c, help))
			continue;
		switch (c) {
		case 'a':
			opt.all = true;
			break;
		case 'l':
			opt.listening = true;
			break;
		case 's':
			opt.state = optarg;
			break;
		case 'p':
			opt.port = parse_port(optarg);
			break;
		case 'q':
			opt.quiet = true;
			break;
		}
	}
	if (optind != argc)
		die_usage("too many arguments");
	if (!opt.quiet)
		printf("%s%-12s %7s %7s  %-22s %-22s %s%s\n", c_bold(), "State", "Recv-Q",
		       "Send-Q", "Local address", "Peer address", "Timer", c_off());
	if (opt.v4 || !opt.v6)
		shown += list(AF_INET);
	if (opt.v6 || !opt.v4)
		shown += list(AF_INET6);
	return opt.quiet && !shown;
}
