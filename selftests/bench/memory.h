/* SPDX-License-Identifier: GPL-2.0 */
/* What connections and TIME-WAITs cost the kernel in memory. */
#ifndef XTCP_BENCH_MEMORY_H
#define XTCP_BENCH_MEMORY_H

#include "transport.h"

#define MEMORY_CACHES	1024

/* Of which cache, or other kind of memory. Caches that the kernel joined have one name. */
struct cache {
	char name[64];
	long long octets;
};

/**
 * struct memory - octets that the kernel holds more than before
 * @kernel:	objects in slabs, larger pieces, vmalloc and per-CPU memory
 * @queues:	what the transport accounts to its sockets' queues (/proc/net/protocols)
 * @caches:	the parts of @kernel
 * @count:	of them
 */
struct memory {
	long long kernel, queues;
	struct cache caches[MEMORY_CACHES];
	int count;
};

/* @n connections, both ends here, a byte each way exchanged, then idle. @m is zeroed. */
void memory_idle(const struct place *p, int n, struct memory *m);
/* @n connections one after another, a byte each way, closed by the client first. */
void memory_timewait(const struct place *p, int n, struct memory *m);

#endif /* XTCP_BENCH_MEMORY_H */
