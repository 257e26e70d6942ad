/* SPDX-License-Identifier: GPL-2.0 */
/* Received data on its way into the receive queue (RFC 9293 3.10.7.4, seventh). */
#ifndef _XTCP_RCVQ_H
#define _XTCP_RCVQ_H

struct sk_buff;
struct sock;
struct xtcp_skb_cb;
struct xtcp_sock;

/*
 * Queue the data and the FIN of an acceptable segment, in order or not, and wake the
 * reader. skb->data is at the first octet. Consumes @skb. Socket lock held.
 */
void xtcp_rcvq_segment(struct sock *sk, struct sk_buff *skb);

/* The octets that @cb names arrived although they were there: report them (DSACK). */
void xtcp_rcvq_duplicate(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb);

#endif /* _XTCP_RCVQ_H */
