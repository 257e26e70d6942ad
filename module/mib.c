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
