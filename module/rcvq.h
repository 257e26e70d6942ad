/* SPDX-License-Identifier: GPL-2.0 */
/* Received data on its way into the receive queue (RFC 9293 3.10.7.4, seventh). */
#ifndef _XTCP_RCVQ_H
#define _XTCP_RCVQ_H

struct sk_buff;
struct sock;

/*
 * Queue the data and the FIN of an acceptable segment, in order or not, and wake the
 * reader. skb->data is at the first octet. Consumes @skb. Socket lock held.
 */
void xtcp_rcvq_segment(struct sock *sk, struct sk_buff *skb);

#endif /* _XTCP_RCVQ_H */
