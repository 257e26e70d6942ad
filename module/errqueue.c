// SPDX-License-Identifier: GPL-2.0
/*
 * The error queue of a socket.
 *
 * It has a lock of its own and is filled without the socket being owned: by ICMP here,
 * by the network core with the time stamps of what was sent (txstamp.c). The reader and
 * the control messages are IP's; poll looks whether it is empty; who destroys the socket purges
 * it with the other queues.
 */
#include <linux/tcp.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "compat/icmp_error.h"
#include "errqueue.h"

void xtcp_errqueue_icmp(struct sock *sk, struct sk_buff *skb, int err, u32 info,
			unsigned int offset)
{
	struct tcphdr *th = (struct tcphdr *)(skb->data + offset);

	if (skb->protocol == htons(ETH_P_IP))
		xtcp_ip_icmp_error(sk, skb, err, th->dest, info, (u8 *)th);
	else
		xtcp_ipv6_icmp_error(sk, skb, err, th->dest, info, (u8 *)th);
}
