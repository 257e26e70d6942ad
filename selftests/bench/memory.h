/* SPDX-License-Identifier: GPL-2.0 */
/* What connections and TIME-WAITs cost the kernel in memory. */
#ifndef XTCP_BENCH_MEMORY_H
#define XTCP_BENCH_MEMORY_H

#include "transport.h"

/**
 * struct memory - octets that the kernel holds more than before
 * @kernel:	objects in slabs, larger pieces, vmalloc and per-CPU memory
 * @queues:	what the transport accounts to its sockets' queues (/proc/net/protocols)
 */
struct memory {
	long long kernel, queues;
};

/* @n connections, both ends here, a byte each way exchanged, then idle. */
struct memory memory_idle(const struct place *p, int n);
/* @n connections one after another, a byte each way, closed by the client first. */
struct memory memory_timewait(const struct place *p, int n);

#endif /* XTCP_BENCH_MEMORY_H */
