/* SPDX-License-Identifier: GPL-2.0 */
/* /proc/net/xtcp, /proc/net/xtcp6 and /proc/net/xtcp_stat of one namespace. */
#ifndef _XTCP_PROC_H
#define _XTCP_PROC_H

struct xtcp_net;

/*
 * Between them the namespace's tables and counters must exist: init after
 * xtcp_lookup_init() and xtcp_mib_init(), exit before their exits. Exit ends every open
 * file's access before it returns. Process context.
 */
int xtcp_proc_init(struct xtcp_net *xn);
void xtcp_proc_exit(struct xtcp_net *xn);

#endif /* _XTCP_PROC_H */
