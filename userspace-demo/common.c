// SPDX-License-Identifier: GPL-2.0
/* What every demo program needs: the choice of transport, sockets, errors, time, colours. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

struct transport transport = { .af = AF_INET };
const char *progname = "demo";

/* ---- options ---- */

bool transport_option(int c, const char *help)
{
	switch (c) {
	case '4':
		transport.af = AF_INET;
		return true;
	case '6':
		transport.af = AF_INET6;
		return true;
	case OPT_TCP:
		transport.tcp = true;
		return true;
	case 'h':
		fputs(help, stdout);
		exit(0);
	case '?':
		die_usage("wrong option");
	}
	return false;
}

const char *transport_name(void)
{
	return transport.tcp ? "TCP" : "XTCP";
}

/* ---- errors ---- */

void die_init(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	progname = slash ? slash + 1 : argv0;
	/* Two programs often share one terminal: whole lines only. */
	setvbuf(stdout, NULL, _IOLBF, 0);
}

static void vsay(const char *fmt, va_list ap, int err)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", progname);
	vfprintf(stderr, fmt, ap);
	if (err)
		fprintf(stderr, ": %s", strerror(err));
	fputc('\n', stderr);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, 0);
	va_end(ap);
	exit(1);
}

void die_errno(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, err);
	va_end(ap);
	exit(1);
}

void die_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay(fmt, ap, 0);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", progname);
	exit(2);
}

unsigned long parse_number(const char *what, const char *text, unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value > max)
		die_usage("%s must be a number from 0 to %lu, not '%s'", what, max, text);
	return value;
}

unsigned int parse_port(const char *text)
{
	unsigned int port = parse_number("the port", text, 65535);

	if (!port)
		die_usage("the port must not be 0");
	return port;
}

/* ---- sockets ---- */

/* The one line in which an XTCP program differs from a TCP program. */
static int open_socket(void)
{
	if (transport.tcp)
		return socket(transport.af, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return socket(AF_XTCP, SOCK_STREAM | SOCK_CLOEXEC,
		      transport.af == AF_INET6 ? XTCPPROTO_XTCP6 : XTCPPROTO_XTCP);
}

int demo_socket(void)
{
	int fd = open_socket();

	if (fd >= 0)
		return fd;
	if (errno == EAFNOSUPPORT && !transport.tcp)
		die("this kernel does not know AF_XTCP: load the module first with "
		    "'sudo insmod xtcp.ko', or try '--tcp'");
	die_errno("cannot open a %s socket", transport_name());
}

socklen_t demo_resolve(const char *host, const char *port, bool passive,
		       struct sockaddr_storage *ss)
{
	struct addrinfo hints = {
		.ai_family = transport.af,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = passive ? AI_PASSIVE : 0,
	};
	struct addrinfo *ai;
	socklen_t len;
	int err;

	err = getaddrinfo(host, port, &hints, &ai);
	if (err)
		die("no %s address for '%s': %s", transport.af == AF_INET6 ? "IPv6" : "IPv4",
		    host ? host : "any", gai_strerror(err));
	len = ai->ai_addrlen;
	memcpy(ss, ai->ai_addr, len);
	freeaddrinfo(ai);
	return len;
}

int demo_connect(const char *host, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = demo_resolve(host, port, false, &ss);
	int fd = demo_socket();

	if (connect(fd, (struct sockaddr *)&ss, len))
		die_errno("cannot connect to %s port %s over %s (is the server running?)",
			  host, port, transport_name());
	return fd;
}

int demo_listen(const char *host, const char *port, int backlog)
{
	struct sockaddr_storage ss;
	socklen_t len = demo_resolve(host, port, true, &ss);
	int fd = demo_socket();
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)))
		die_errno("cannot set SO_REUSEADDR");
	if (bind(fd, (struct sockaddr *)&ss, len))
		die_errno("cannot bind to port %s (another server on it?)", port);
	if (listen(fd, backlog))
		die_errno("cannot listen on port %s", port);
	return fd;
}

int demo_accept(int lfd)
{
	int fd;

	do {
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		die_errno("cannot accept a connection");
	return fd;
}

void demo_timeout(int fd, unsigned int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)))
		die_errno("cannot set the time limit of a socket");
}

bool send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

bool recv_all(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = recv(fd, p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				errno = 0;
			return false;
		}
		p += n;
		len -= n;
	}
	return true;
}

/* ---- time ---- */

double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void sleep_s(double seconds)
{
	struct timespec ts = {
		.tv_sec = (time_t)seconds,
		.tv_nsec = (long)((seconds - (time_t)seconds) * 1e9),
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* ---- colours ---- */

bool on_terminal(void)
{
	static int answer = -1;

	if (answer < 0)
		answer = isatty(STDOUT_FILENO);
	return answer;
}

static const char *code(const char *sequence)
{
	/* https://no-color.org: the variable's presence is enough. */
	return on_terminal() && !getenv("NO_COLOR") ? sequence : "";
}

const char *c_bold(void)
{
	return code("\033[1m");
}

const char *c_dim(void)
{
	return code("\033[2m");
}

const char *c_red(void)
{
	return code("\033[31m");
}

const char *c_green(void)
{
	return code("\033[32m");
}

const char *c_yellow(void)
{
	return code("\033[33m");
}

const char *c_cyan(void)
{
	return code("\033[36m");
}

const char *c_off(void)
{
	return code("\033[0m");
}
