/* SPDX-License-Identifier: GPL-2.0 */
/* The acknowledgment side of a segment: one fixed pipeline (RFC 9293 3.10.7.4). */
#ifndef _XTCP_ACK_H
#define _XTCP_ACK_H

#include <linux/types.h>

struct sk_buff;
struct sock;

/**
 * xtcp_ack_process() - take the acknowledgment and the window of a segment
 * @sk: the socket, locked; synchronized state
 * @skb: segment with ACK, sequence number acceptable
 *
 * In this order: is it acceptable, window, retransmit queue, round-trip time, recovery,
 * congestion control, timers, writers.
 *
 * Return: false if the segment must go no further: it acknowledges what was not sent,
 * or is older than any the peer could still send (RFC 5961 section 5).
 */
bool xtcp_ack_process(struct sock *sk, struct sk_buff *skb);

/* Wake who waits for room to write, if there is some. Socket lock held. */
void xtcp_ack_write_space(struct sock *sk);

#endif /* _XTCP_ACK_H */
