/* SPDX-License-Identifier: GPL-2.0 */
/* The error queue of a socket: ICMP messages, in full, for recvmsg(MSG_ERRQUEUE). */
#ifndef _XTCP_ERRQUEUE_H
#define _XTCP_ERRQUEUE_H

#include <linux/skbuff.h>

struct sock;

/**
 * xtcp_errqueue_icmp() - keep an ICMP message for the program
 * @sk: the socket it is about; its spinlock is held, a process may own it
 * @skb: the message as IP hands it to an error handler; stays the caller's
 * @err: errno that it means, positive
 * @info: the word of the ICMP header that belongs to its type, in host order
 * @offset: where in skb->data the header of our quoted segment begins
 *
 * As for TCP an IPv4 message is kept always, an IPv6 one with IPV6_RECVERR. Its memory
 * counts as received data; without room, or without memory, it is not kept.
 */
void xtcp_errqueue_icmp(struct sock *sk, struct sk_buff *skb, int err, u32 info,
			unsigned int offset);

#endif /* _XTCP_ERRQUEUE_H */
