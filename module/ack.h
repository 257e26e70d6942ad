/* SPDX-License-Identifier: GPL-2.0 */
/* The acknowledgment side of a segment: one fixed pipeline (RFC 9293 3.10.7.4). */
#ifndef _XTCP_ACK_H
#define _XTCP_ACK_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_options;
struct xtcp_rtxq_acked;
struct xtcp_skb_cb;
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
 * Header prediction, the part of what is out: nothing is lost, reported, sent again or doubted, so
 * an acknowledgment that moves on means just that. Socket lock held.
 */
bool xtcp_ack_is_healthy(const struct sock *sk);

/**
 * xtcp_ack_predicted() - xtcp_ack_process() where nothing is to be found out
 * @sk: the socket, locked; ESTABLISHED and xtcp_ack_is_healthy()
 * @cb: in order, without ECE; acknowledges what was sent, or nothing new beside its data
 * @opt: the segment's options: no SACK blocks
 *
 * What it leaves out would have changed nothing (predict_kunit.c).
 */
void xtcp_ack_predicted(struct sock *sk, const struct xtcp_skb_cb *cb,
			const struct xtcp_options *opt);

/*
 * Feed the round-trip time of what @res says was acknowledged: by transmission time or, for
 * what was sent more than once, by the timestamp's echo. res->rtt_us says what was taken.
 */
void xtcp_ack_sample_rtt(struct xtcp_sock *xs, struct xtcp_rtxq_acked *res,
			 const struct xtcp_options *opt);

#endif /* _XTCP_ACK_H */
