/* SPDX-License-Identifier: GPL-2.0 */
/* A progress bar for a transfer of known size: live on a terminal, in steps elsewhere. */
#ifndef DEMO_PROGRESS_H
#define DEMO_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t total;
	double start, last;	/* now_s() */
	unsigned int last_step;
};

void progress_start(struct progress *p, uint64_t total);
/* Cheap when nothing is due. retrans < 0: not known. */
bool progress_due(const struct progress *p, uint64_t done);
void progress_show(struct progress *p, uint64_t done, long retrans);
/* The full bar and a new line. */
void progress_finish(struct progress *p, uint64_t done, long retrans);

#endif
