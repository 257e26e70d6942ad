/* SPDX-License-Identifier: GPL-2.0 */
/* Loss recovery: when it begins and ends, what undoes it (RFC 6675, 8985, 6937, 5682, 3168). */
#ifndef _XTCP_RECOVERY_H
#define _XTCP_RECOVERY_H

#include <linux/types.h>
#include "cong.h"
#include "prr.h"
#include "seq.h"

/* Duplicate ACKs that mean a loss (RFC 5681 3.2). */
#define XTCP_DUPACK_THRESHOLD	3

/**
 * struct xtcp_rto_count - what time-outs cost, for TCP_INFO
 * @expiries: of the retransmission timer, the handshake's too; stays at the highest
 * @recoveries: times that one ended what was no recovery from a time-out; the same
 * @time_ms: spent in those that are over
 * @since_ms: clock at the first expiry of the one that goes on
 * @on: one goes on
 */
struct xtcp_rto_count {
	u16 expiries;
	u16 recoveries;
	u32 time_ms;
	u32 since_ms;
	bool on;
};

/**
 * struct xtcp_recovery - where loss recovery stands, beside cong.state
 * @dupacks: duplicate ACKs in a row (no SACK)
 * @retransmits: expiries of the retransmission timer since progress (R1, R2)
 * @frto: after a time-out: watch whether the originals arrive (RFC 5682)
 * @frto_new: the next push sends new data and not what is marked lost
 * @undo: @prior_cwnd and @prior_ssthresh come back if the losses were none
 * @resent: something was sent again since @undo was set, or before and is on its way
 * @cwr_end: snd.nxt when CWR began: it ends when this is acknowledged
 * @high: snd.nxt when recovery began: it ends when this is acknowledged
 * @undo_until: snd.nxt when recovery ended: beyond it nothing can be undone
 * @undo_bytes: octets sent again since, less those reported to have arrived twice
 * @undo_stamp: our timestamp of the first of them (Eifel, RFC 4015)
 * @prior_cwnd: cwnd before the reduction, octets
 * @prior_ssthresh: ssthresh before it
 * @prr: how much may be sent (RFC 6937)
 * @rto: what time-outs cost
 * @start: jiffies of the first retransmission without progress (R2, USER_TIMEOUT)
 */
struct xtcp_recovery {
	u8 dupacks;
	u8 retransmits;
	bool frto;
	bool frto_new;
	bool undo;
	bool resent;
	u32 cwr_end;
	u32 high;
	u32 undo_until;
	u32 undo_bytes;
	u32 undo_stamp;
	u32 prior_cwnd;
	u32 prior_ssthresh;
	struct xtcp_prr prr;
	struct xtcp_rto_count rto;
	unsigned long start;
};

/* Outside of a recovery: its mark must not be left 2^31 octets behind @una. Pure. */
static inline void xtcp_recovery_quiet(struct xtcp_recovery *rec, u32 una)
{
	if (xtcp_seq_after(una, rec->high + 1))
		rec->high = una - 1;
}

struct sock;
struct xtcp_options;
struct xtcp_rtxq_acked;
struct xtcp_sock;

/* All with the socket lock held. */

void xtcp_recovery_init(struct xtcp_sock *xs);

/**
 * xtcp_recovery_ack() - an acknowledgment and its SACK blocks are entered in the queue
 * @sk: the socket
 * @res: what they said
 * @opt: the segment's options
 * @dup: it is a duplicate ACK (RFC 5681 section 2)
 *
 * Finds what is lost, begins, steers or ends a recovery. Sends nothing but, without
 * SACK, the first segment again: the push that follows does.
 * Return: true if cwnd may grow by this acknowledgment.
 */
bool xtcp_recovery_ack(struct sock *sk, const struct xtcp_rtxq_acked *res,
		       const struct xtcp_options *opt, bool dup);

/*
 * The same for what the acknowledgment says of marks (RFC 3168 6.1.2), when the algorithm has
 * heard of it. Return: true if cwnd may grow by it.
 */
bool xtcp_recovery_ecn(struct xtcp_sock *xs, const struct xtcp_rtxq_acked *res);

/* The retransmission timer expired: all is believed lost (RFC 6298 5.4 to 5.6). */
void xtcp_recovery_timeout(struct sock *sk);

/* The wait for reordered segments is over (RFC 8985 6.3). */
void xtcp_recovery_reorder_timeout(struct sock *sk);

/* The MSS shrank: what no longer fits is sent again, without a penalty (RFC 1191). */
void xtcp_recovery_mtu_reduced(struct sock *sk);

/* @len octets leave, for the first time or @again. */
void xtcp_recovery_sent(struct xtcp_sock *xs, u32 len, bool again);

/* Milliseconds spent in recovery from time-outs until @now_ms. Pure. */
u32 xtcp_recovery_rto_time_ms(const struct xtcp_rto_count *rto, u32 now_ms);

/* A request whose SYN-ACK went out @expiries times too late, since @since_ms, becomes @xs. */
void xtcp_recovery_inherit(struct xtcp_sock *xs, u8 expiries, u32 since_ms);

/* The one place that changes cong.state. */
void xtcp_recovery_set_state(struct xtcp_sock *xs, enum xtcp_ca_state state);

/* For newreno.c: into RECOVERY with a new ssthresh, and out of RECOVERY or LOSS. */
void xtcp_recovery_begin(struct sock *sk);
void xtcp_recovery_end(struct sock *sk);

#endif /* _XTCP_RECOVERY_H */
