/* SPDX-License-Identifier: GPL-2.0 */
/* When we acknowledge, and the window that we offer (RFC 9293 3.8.6). */
#ifndef _XTCP_DELACK_H
#define _XTCP_DELACK_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_sock;

#define XTCP_ATO_MIN	(HZ / 25)	/* jiffies, as Linux TCP */
#define XTCP_ATO_MAX	(HZ / 5)	/* RFC 9293 MUST-40 asks for less than 0.5 s */

/* All of these: socket lock held. */

/* What is left of the window that was last advertised, octets. */
u32 xtcp_delack_window(const struct xtcp_sock *xs);

/* How wide it may become with the buffer as large as it is, octets. */
u32 xtcp_delack_full_window(const struct sock *sk);

/*
 * The window for the segment that is about to leave, octets; takes note that it is
 * advertised.
 */
u32 xtcp_delack_select_window(struct sock *sk);

/*
 * The first window and its shift, before anything is received, by the buffer of @sk (a
 * listener perhaps, unlocked) and TCP_WINDOW_CLAMP.
 */
void xtcp_delack_initial_window(struct sock *sk, u32 *wnd, u8 *wscale);

/* The largest window to offer from now on: by the shift and TCP_WINDOW_CLAMP. Locked. */
void xtcp_delack_clamp(struct xtcp_sock *xs);

/* @skb brought new data, in order or not: an ACK is owed. */
void xtcp_delack_data_rcvd(struct sock *sk, const struct sk_buff *skb);

/* The peer's FIN came, to a connection that is open: as a question that ours will answer. */
void xtcp_delack_fin_rcvd(struct xtcp_sock *xs);

/* Data left: ACKs may ride on it from now on. */
void xtcp_delack_data_sent(struct xtcp_sock *xs);

/* The delayed-ACK timer had to send one: guess better. */
void xtcp_delack_expired(struct xtcp_sock *xs);

/* Acknowledge the next segments at once (start of a connection, trouble, TCP_QUICKACK). */
void xtcp_delack_enter_quick(struct xtcp_sock *xs);

/* End of a segment: send the ACK that is owed, or see that it goes in time. */
void xtcp_delack_check(struct sock *sk);

/* See that the ACK that is owed goes in time. */
void xtcp_delack_later(struct xtcp_sock *xs);

/* The same at the end of a batch of segments: of softirq's (ackq.c) or of the backlog. */
void xtcp_delack_batch_end(struct sock *sk);

/* The reader took @copied octets: acknowledge, or open the window (RFC 9293 MUST-39). */
void xtcp_delack_reader(struct sock *sk, int copied);

/* Send the ACK that is due, and would wait for the end of the batch. Socket lock held. */
void xtcp_delack_flush_due(struct sock *sk);

/* Send the ACK that is owed now, if one is. */
void xtcp_delack_flush(struct sock *sk);

#endif /* _XTCP_DELACK_H */
