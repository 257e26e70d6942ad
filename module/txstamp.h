/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Transmit time stamps (SO_TIMESTAMPING): when the last octet of a sendmsg() passed the
 * queueing discipline, the device, and the peer's acknowledgment.
 *
 * The octet is marked in its buffer of the send queue; a buffer has one mark, of the last
 * call that wrote into it. What goes down carries the mark, so that the network core reports
 * the first two stamps into the error queue by itself. The third is ours.
 *
 * With SOF_TIMESTAMPING_OPT_ID a report names the octet, counted from where the
 * option was set. The core, which does so for TCP alone, starts every other socket's count
 * at 0 in sk_tskey: that is the sign for the next sendmsg() to take its place in the stream as
 * the base. So it is always what SOF_TIMESTAMPING_OPT_ID_TCP makes it.
 */
#ifndef _XTCP_TXSTAMP_H
#define _XTCP_TXSTAMP_H

#include <linux/skbuff.h>

struct sock;

/**
 * xtcp_txstamp_mark() - a call of sendmsg() is complete
 * @sk: the socket, locked
 * @tsflags: SOF_TIMESTAMPING_* of the socket, as changed by the call's control messages
 * @octets: how many it wrote, more than 0; the last ones are in the last unsent buffer
 */
void xtcp_txstamp_mark(struct sock *sk, u32 tsflags, u32 octets);

/* The marked buffer @skb has been cut in two: the mark goes where its octet went. */
void xtcp_txstamp_split(struct sk_buff *skb, struct sk_buff *rest);

/* The octets of @skb, marked so, from @una up to @ack are acknowledged. Socket lock held. */
void xtcp_txstamp_acked(struct sock *sk, struct sk_buff *skb, u32 una, u32 ack);

/*
 * @segs are @skb, which was marked, cut at @mss octets: mark the one with the octet. Any
 * context; the socket is not locked.
 */
void xtcp_txstamp_segment(const struct sk_buff *skb, struct sk_buff *segs, unsigned int mss);

/* Numbers begin anew: another connection. */
void xtcp_txstamp_forget(struct sock *sk);

#endif /* _XTCP_TXSTAMP_H */
