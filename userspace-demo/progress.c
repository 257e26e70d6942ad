// SPDX-License-Identifier: GPL-2.0
/* A progress bar for a transfer of known size: live on a terminal, in steps elsewhere. */
#include "common.h"
#include "progress.h"

#define BAR_CELLS	36
#define MIB		1048576.0
#define REDRAW_S	0.2		/* on a terminal */
#define STEPS		10		/* lines in a log */

void progress_start(struct progress *p, uint64_t total)
{
	p->total = total;
	p->start = now_s();
	p->last = 0;
	p->last_step = 0;
}

static unsigned int step_of(const struct progress *p, uint64_t done)
{
	return p->total ? done * STEPS / p->total : STEPS;
}

bool progress_due(const struct progress *p, uint64_t done)
{
	if (on_terminal())
		return now_s() - p->last >= REDRAW_S;
	return step_of(p, done) > p->last_step;
}

static void draw(const struct progress *p, uint64_t done, long retrans, bool end)
{
	double elapsed = now_s() - p->start;
	unsigned int filled = p->total ? done * BAR_CELLS / p->total : BAR_CELLS;
	unsigned int i;

	printf("%s  %s", on_terminal() ? "\r" : "", c_green());
	for (i = 0; i < BAR_CELLS; i++) {
		if (i == filled)
			fputs(c_dim(), stdout);
		fputs(i < filled ? "█" : "░", stdout);
	}
	printf("%s %3u %%  %5.1f/%.1f MiB  %6.2f MiB/s", c_off(),
	       (unsigned int)(p->total ? done * 100 / p->total : 100), done / MIB,
	       p->total / MIB, elapsed > 0 ? done / MIB / elapsed : 0);
	if (retrans >= 0)
		printf("  %ld resent", retrans);
	fputs(on_terminal() ? (end ? "\033[K\n" : "\033[K") : "\n", stdout);
	fflush(stdout);
}

void progress_show(struct progress *p, uint64_t done, long retrans)
{
	if (!progress_due(p, done))
		return;
	p->last = now_s();
	p->last_step = step_of(p, done);
	if (on_terminal() || p->last_step < STEPS)	/* a log's last line is progress_finish()'s */
		draw(p, done, retrans, false);
}

void progress_finish(struct progress *p, uint64_t done, long retrans)
{
	draw(p, done, retrans, true);
}
