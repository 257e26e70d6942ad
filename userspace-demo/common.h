/* SPDX-License-Identifier: GPL-2.0 */
/* What every demo program needs: the choice of transport, sockets, errors, time, colours. */
#ifndef DEMO_COMMON_H
#define DEMO_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <linux/xtcp.h>

/* Which protocol carries the bytes; filled in by transport_option(). */
struct transport {
	int af;			/* AF_INET or AF_INET6 */
	bool tcp;		/* kernel TCP instead of XTCP */
};

extern struct transport transport;
extern const char *progname;	/* set by die_init() */

/*
 * The options every program has. Put TRANSPORT_LONG into the long options and
 * TRANSPORT_SHORT into the short ones, and offer each letter to
 * transport_option() first: it returns true for those it took.
 */
#define OPT_TCP			1000
#define TRANSPORT_SHORT		"46h"
#define TRANSPORT_LONG						\
	{ "ipv4", no_argument, NULL, '4' },			\
	{ "ipv6", no_argument, NULL, '6' },			\
	{ "tcp", no_argument, NULL, OPT_TCP },			\
	{ "help", no_argument, NULL, 'h' }
#define TRANSPORT_HELP						\
	"  -4, --ipv4     IPv4 (the default)\n"			\
	"  -6, --ipv6     IPv6\n"				\
	"      --tcp      the same over the kernel's TCP\n"	\
	"  -h, --help     this text\n"

bool transport_option(int c, const char *help);
const char *transport_name(void);

/* Errors: say what failed and what to do next, then exit with 1 (2: wrong use). */
void die_init(const char *argv0);
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void die_errno(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
void die_usage(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Sockets. All of them exit with a message on failure unless the text says otherwise. */
int demo_socket(void);
int demo_connect(const char *host, const char *port);
int demo_listen(const char *host, const char *port, int backlog);
int demo_accept(int lfd);
void demo_timeout(int fd, unsigned int seconds);	/* for send and receive */
unsigned int parse_port(const char *text);
unsigned long parse_number(const char *what, const char *text, unsigned long max);
/* Resolve to an address of the chosen family; returns the length. */
socklen_t demo_resolve(const char *host, const char *port, bool passive,
		       struct sockaddr_storage *ss);
/* Whole buffers; return false on failure with errno set (0: the peer closed early). */
bool send_all(int fd, const void *buf, size_t len);
bool recv_all(int fd, void *buf, size_t len);

/* Time on the monotonic clock, in seconds. */
double now_s(void);
void sleep_s(double seconds);

/* Colours: empty strings unless standard output is a terminal. */
const char *c_bold(void);
const char *c_dim(void);
const char *c_red(void);
const char *c_green(void);
const char *c_yellow(void);
const char *c_cyan(void);
const char *c_off(void);
bool on_terminal(void);

#endif
