/* SPDX-License-Identifier: GPL-2.0 */
/* Urgent data, receive side (RFC 9293 3.8.5, RFC 6093). */
#ifndef _XTCP_URGENT_H
#define _XTCP_URGENT_H

#include <linux/types.h>

struct msghdr;
struct sk_buff;
struct sock;

/*
 * Take the urgent pointer of a segment and, if it is in it, the urgent octet. skb->data is at
 * the first octet of data. Socket lock held.
 */
void xtcp_urgent_rcv(struct sock *sk, struct sk_buff *skb);

/* recv(MSG_OOB). Socket lock held. Return: 1, 0, or -errno as TCP gives it. */
int xtcp_urgent_read(struct sock *sk, struct msghdr *msg, int len, int flags);

#endif /* _XTCP_URGENT_H */
