// SPDX-License-Identifier: GPL-2.0
/* Per-namespace event counters: one copy for each CPU, summed when read. */
#include <linux/percpu.h>

#include "family.h"
#include "mib.h"

int xtcp_mib_init(struct xtcp_net *xn)
{
	xn->mib = alloc_percpu(struct xtcp_mib);
	return xn->mib ? 0 : -ENOMEM;
}

void xtcp_mib_exit(struct xtcp_net *xn)
{
	free_percpu(xn->mib);
	xn->mib = NULL;
}

unsigned long xtcp_mib_read(const struct xtcp_net *xn, enum xtcp_mib_item item)
{
	unsigned long sum = 0;
	int cpu;

	/* Not only the online ones: what a CPU counted stays when it goes. */
	for_each_possible_cpu(cpu)
		sum += READ_ONCE(per_cpu_ptr(xn->mib, cpu)->mibs[item]);
	return sum;
}

void xtcp_mib_check(const struct xtcp_net *xn)
{
	static const struct {
		const char *what;
		enum xtcp_mib_item begun, ended;
	} pairs[] = {
		{ "sockets", XTCP_MIB_SOCKCREATED, XTCP_MIB_SOCKDESTROYED },
		{ "requests", XTCP_MIB_REQCREATED, XTCP_MIB_REQDESTROYED },
		{ "TIME-WAIT minisocks", XTCP_MIB_TWCREATED, XTCP_MIB_TWDESTROYED },
		{ "timers", XTCP_MIB_TIMERSTARTED, XTCP_MIB_TIMERENDED },
	};
	int i;

	if (!IS_ENABLED(CONFIG_DEBUG_NET))
		return;
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		unsigned long begun = xtcp_mib_read(xn, pairs[i].begun);
		unsigned long ended = xtcp_mib_read(xn, pairs[i].ended);

		WARN(begun != ended, "xtcp: %s: %lu begun, %lu ended\n", pairs[i].what, begun,
		     ended);
	}
}
