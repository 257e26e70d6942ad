/* SPDX-License-Identifier: GPL-2.0 */
/* Clients and servers, a process each, that begin and end the measured time together. */
#ifndef XTCP_BENCH_TEAM_H
#define XTCP_BENCH_TEAM_H

#include <stdbool.h>

#include "transport.h"

/**
 * struct member - one process and what it works with
 * @place:	transport and address
 * @number:	which pair of the team
 * @size:	octets of one write
 * @conns:	connections that it holds, where it is not one
 * @listener:	the server's
 * @fd:		its connection, where the work has one
 * @buf:	@size octets at least, for the work's own use
 */
struct member {
	const struct place *place;
	int number;
	size_t size;
	int conns;
	int listener;
	int fd;
	char *buf;
};

/**
 * struct work - what a pair does
 * @client:	@n operations as the side that connected
 * @server:	the other side of them
 * @server_ends: the end of the work is seen by the server, not by the client
 * @open:	before the first operation, for each side; NULL: connect and accept once
 */
struct work {
	void (*client)(struct member *m, long n);
	void (*server)(struct member *m, long n);
	void (*open)(struct member *m, bool client);
	bool server_ends;
};

/*
 * @pairs of processes do @warm operations of @w each, then, when all have, @n more. Return:
 * nanoseconds from the first of those to the last.
 */
long long team_run(const struct work *w, const struct member *like, int pairs, long warm, long n);

#endif /* XTCP_BENCH_TEAM_H */
