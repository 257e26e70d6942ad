/* SPDX-License-Identifier: GPL-2.0 */
/* PF_XTCP and what XTCP keeps for each network namespace. */
#ifndef _XTCP_FAMILY_H
#define _XTCP_FAMILY_H

#include <linux/rhashtable-types.h>
#include <linux/xarray.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "mib.h"
#include "sysctl.h"

struct sock;

/**
 * struct xtcp_net - one namespace's XTCP
 * @net: the namespace
 * @conns: connection table (lookup.c)
 * @ports: local port number to struct xtcp_port (ports.c)
 * @mib: per-CPU counters
 * @sysctl: knobs
 * @sysctl_header: their registration
 * @ctl4: kernel socket that routes IPv4 replies which belong to no socket
 * @ctl6: the same for IPv6
 * @port_hint: where the next search for an ephemeral port goes on (RFC 6056)
 * @tw_count: TIME-WAIT minisocks alive, against sysctl.max_tw_buckets
 * @demux: early demultiplexing looks at received packets (demux.c)
 * @challenge_stamp: second that @challenge_count counts, in jiffies
 * @challenge_count: challenge ACKs sent in it (RFC 5961 section 7)
 */
struct xtcp_net {
	struct net *net;
	struct rhashtable conns;
	struct xarray ports;
	DEFINE_SNMP_STAT(struct xtcp_mib, mib);
	struct xtcp_sysctl sysctl;
	struct ctl_table_header *sysctl_header;
	struct sock *ctl4;
	struct sock *ctl6;
	atomic_t port_hint;
	atomic_t tw_count;
	bool demux;
	unsigned long challenge_stamp;
	atomic_t challenge_count;
};

extern unsigned int xtcp_net_id;

static inline struct xtcp_net *xtcp_net(const struct net *net)
{
	return net_generic(net, xtcp_net_id);
}

int xtcp_family_register(void);
void xtcp_family_unregister(void);

#endif /* _XTCP_FAMILY_H */
