/* SPDX-License-Identifier: GPL-2.0 */
/* The acknowledgment side of a segment: one fixed pipeline (RFC 9293 3.10.7.4). */
#ifndef _XTCP_ACK_H
#define _XTCP_ACK_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_options;
struct xtcp_rtxq_acked;
struct xtcp_sock;

/**
 * xtcp_ack_process() - take the acknowledgment and the window of a segment
 * @sk: the socket, locked; synchronized state
 * @skb: segment with ACK, sequence number acceptable
 * @opt: its options
 *
 * In this order: is it acceptable, window, retransmit queue, round-trip time, recovery,
 * congestion control, timers, writers.
 *
 * Return: false if the segment must go no further: it acknowledges what was not sent,
 * or is older than any the peer could still send (RFC 5961 section 5).
 */
bool xtcp_ack_process(struct sock *sk, struct sk_buff *skb, const struct xtcp_options *opt);

/*
 * Feed the round-trip time of what @res says was acknowledged: by transmission time or, for
 * what was sent more than once, by the timestamp's echo. res->rtt_us says what was taken.
 */
void xtcp_ack_sample_rtt(struct xtcp_sock *xs, struct xtcp_rtxq_acked *res,
			 const struct xtcp_options *opt);

#endif /* _XTCP_ACK_H */
