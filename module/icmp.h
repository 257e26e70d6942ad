/* SPDX-License-Identifier: GPL-2.0 */
/* ICMP errors about our segments (RFC 9293 3.9.2.2, RFC 5927, RFC 1191). */
#ifndef _XTCP_ICMP_H
#define _XTCP_ICMP_H

#include <linux/ipv6.h>

struct sk_buff;
struct sock;

/* Error handlers of IP protocol 253. Context: softirq, RCU. */
int xtcp_icmp4_error(struct sk_buff *skb, u32 info);
int xtcp_icmp6_error(struct sk_buff *skb, struct inet6_skb_parm *opt,
		     u8 type, u8 code, int offset, __be32 info);

/* The path MTU message that found the socket busy (release_cb). Socket lock held. */
void xtcp_icmp_deferred_pmtu(struct sock *sk);

#endif /* _XTCP_ICMP_H */
