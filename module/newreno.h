/* SPDX-License-Identifier: GPL-2.0 */
/* Loss recovery towards a peer without SACK: NewReno (RFC 5681, 6582). */
#ifndef _XTCP_NEWRENO_H
#define _XTCP_NEWRENO_H

#include <linux/types.h>

struct sock;
struct xtcp_sock;

/* All with the socket lock held. */

/* An ACK that acknowledges nothing new while data is out (RFC 5681 section 2). */
void xtcp_newreno_dupack(struct sock *sk);

/*
 * @acked new octets are acknowledged, snd.una has moved. Ends a recovery, or
 * marks what a partial acknowledgment shows to be lost (RFC 6582).
 * Return: true if cwnd may grow by this acknowledgment.
 */
bool xtcp_newreno_acked(struct sock *sk, u32 acked);

/* Duplicate ACKs counted so far mean nothing any more. */
void xtcp_newreno_forget(struct xtcp_sock *xs);

#endif /* _XTCP_NEWRENO_H */
