/* SPDX-License-Identifier: GPL-2.0 */
/* The kinds of work that are measured. */
#ifndef XTCP_BENCH_WORKS_H
#define XTCP_BENCH_WORKS_H

#include "team.h"

extern const struct work work_stream;	/* one operation: an octet, in writes of m->size */
extern const struct work work_sendfile;	/* the same from a file */
extern const struct work work_rr;	/* one: m->size octets there and as many back */
extern const struct work work_crr;	/* one: connect, an octet each way, close */
/*
 * One: an octet there and back, on m->conns connections in turn, WORK_BATCH of them at once or, if there
 * are fewer, all.
 */
extern const struct work work_many;

#define WORK_BATCH	10

#endif /* XTCP_BENCH_WORKS_H */
