/* SPDX-License-Identifier: GPL-2.0 */
/* Per-namespace counters, shown in /proc/net/xtcp_stat. */
#ifndef _XTCP_MIB_H
#define _XTCP_MIB_H

#include <net/snmp.h>

enum xtcp_mib_item {
#define XTCP_MIB(item, name)	XTCP_MIB_##item,
#include "mib_items.h"
#undef XTCP_MIB
	XTCP_MIB_MAX
};

struct xtcp_mib {
	unsigned long mibs[XTCP_MIB_MAX];
};

struct net;
struct xtcp_net;

int xtcp_mib_init(struct xtcp_net *xn);
void xtcp_mib_exit(struct xtcp_net *xn);

/* Sum of @item over all CPUs. */
unsigned long xtcp_mib_read(const struct xtcp_net *xn, enum xtcp_mib_item item);

/*
 * At the namespace's end: as much was destroyed as was created. On kernels with DEBUG_NET a
 * difference is a WARN.
 */
void xtcp_mib_check(const struct xtcp_net *xn);

/* Any context; @xn a struct xtcp_net, ITEM the enumerator without its prefix. */
#define XTCP_INC(xn, ITEM)	SNMP_INC_STATS((xn)->mib, XTCP_MIB_##ITEM)
#define XTCP_ADD(xn, ITEM, n)	SNMP_ADD_STATS((xn)->mib, XTCP_MIB_##ITEM, n)

#endif /* _XTCP_MIB_H */
