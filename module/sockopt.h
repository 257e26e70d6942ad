/* SPDX-License-Identifier: GPL-2.0 */
/* Socket options: levels SOL_XTCP and SOL_TCP here, the rest to IP and IPv6. */
#ifndef _XTCP_SOCKOPT_H
#define _XTCP_SOCKOPT_H

#include <linux/sockptr.h>

struct sock;
struct tcp_info;

/*
 * struct proto.setsockopt and getsockopt. Process context, socket not locked.
 * Errors, ranges, units and lengths are those of TCP's options.
 */
int xtcp_setsockopt(struct sock *sk, int level, int optname, sockptr_t optval,
		    unsigned int optlen);
int xtcp_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
		    int __user *optlen);

/* struct proto.keepalive: SO_KEEPALIVE is about to become @valbool. Socket lock held. */
void xtcp_sockopt_keepalive(struct sock *sk, int valbool);

/* What TCP_INFO shows; what XTCP does not measure is 0. Socket lock held. */
void xtcp_sockopt_info(struct sock *sk, struct tcp_info *info);

#endif /* _XTCP_SOCKOPT_H */
