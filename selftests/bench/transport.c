// SPDX-License-Identifier: GPL-2.0
/* The transports that are measured. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>
#include <linux/xtcp.h>

#include "transport.h"

#define BACKLOG		4096

const struct transport transports[] = {
	{ "xtcp", AF_XTCP, AF_XTCP, XTCPPROTO_XTCP, XTCPPROTO_XTCP6 },
	{ "tcp", AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_TCP },
	{ "mptcp", AF_INET, AF_INET6, IPPROTO_MPTCP, IPPROTO_MPTCP },
	{ "sctp", AF_INET, AF_INET6, IPPROTO_SCTP, IPPROTO_SCTP },
	{ "unix", AF_UNIX, 0, 0, 0 },
};
const size_t transport_count = sizeof(transports) / sizeof(transports[0]);

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
	};
	socklen_t len;
};

static bool is_v6(const struct place *p)
{
	return p->transport->family != AF_UNIX && strchr(p->to, ':');
}

static struct addr address(const struct place *p, int number)
{
	struct addr a = { 0 };

	if (p->transport->family == AF_UNIX) {
		/* An abstract one: nothing is left behind. */
		a.un.sun_family = AF_UNIX;
		a.len = offsetof(struct sockaddr_un, sun_path) + 1 +
			sprintf(a.un.sun_path + 1, "xtcp-bench-%d", p->port + number);
	} else if (is_v6(p)) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(p->port + number);
		a.len = sizeof(a.in6);
		errno = EINVAL;
		if (inet_pton(AF_INET6, p->to, &a.in6.sin6_addr) != 1)
			fail("%s is no address", p->to);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(p->port + number);
		a.len = sizeof(a.in);
		errno = EINVAL;
		if (inet_pton(AF_INET, p->to, &a.in.sin_addr) != 1)
			fail("%s is no address", p->to);
	}
	return a;
}

static int open_socket(const struct place *p)
{
	const struct transport *t = p->transport;
	int fd = is_v6(p) ? socket(t->family6, SOCK_STREAM, t->protocol6) :
			    socket(t->family, SOCK_STREAM, t->protocol);

	if (fd < 0)
		fail("no socket of %s", t->name);
	return fd;
}

int place_listen(const struct place *p, int number)
{
	struct addr a = address(p, number);
	int fd = open_socket(p), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &a.sa, a.len) || listen(fd, BACKLOG))
		fail("%s cannot listen", p->transport->name);
	return fd;
}

int place_connect(const struct place *p, int number)
{
	struct addr a = address(p, number);
	int fd = open_socket(p);

	if (connect(fd, &a.sa, a.len))
		fail("%s cannot connect", p->transport->name);
	return fd;
}

int place_accept(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		fail("accept");
	return fd;
}
