/* SPDX-License-Identifier: GPL-2.0 */
/* The transports that are measured: how a socket of each is made, where it listens. */
#ifndef XTCP_BENCH_TRANSPORT_H
#define XTCP_BENCH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "tool.h"

struct transport {
	const char *name;
	int family;		/* of the socket over IPv4 */
	int family6;		/* and over IPv6; 0: there is none */
	int protocol;
	int protocol6;
};

extern const struct transport transports[];
extern const size_t transport_count;

/* Where servers listen: the n-th at @port + n. */
struct place {
	const struct transport *transport;
	int port;
	const char *to;		/* address, without meaning for AF_UNIX */
	const char *peer;	/* network namespace of the servers, NULL: the client's */
};

/* All of these end the program with a message where they fail. */

int place_listen(const struct place *p, int number);
int place_connect(const struct place *p, int number);
/* As accept(), with what every connection gets. */
int place_accept(int listener);

#endif /* XTCP_BENCH_TRANSPORT_H */
