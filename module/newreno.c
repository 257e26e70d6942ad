// SPDX-License-Identifier: GPL-2.0
/*
 * Loss recovery towards a peer without SACK: NewReno (RFC 5681, 6582).
 *
 * Each duplicate ACK says that one segment has left the network: it counts in
 * rtxq.sacked, so the octets in flight shrink and, below cwnd, new data goes
 * (limited transmit, RFC 3042, and the inflation of RFC 5681 3.2 in one). The third
 * one begins recovery.
 */
#include <net/sock.h>

#include "newreno.h"
#include "output.h"
#include "plpmtud.h"
#include "recovery.h"
#include "rtxq.h"
#include "seq.h"
#include "timer.h"
#include "xtcp_sock.h"

/* Without SACK, each duplicate ACK stands for one segment that arrived. */
static void newreno_count_dupack(struct xtcp_sock *xs)
{
	u32 out = xs->snd.nxt - xs->snd.una;

	/* The hole itself has not arrived, nor has what is marked lost. */
	out -= min(out, max_t(u32, xs->rtxq.lost, xs->snd.mss));
	xs->rtxq.sacked = min(out, xs->rtxq.sacked + xs->snd.mss);
}

/* Mark the first outstanding segment lost and send it whatever cwnd says. */
static void newreno_resend_first(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = xtcp_rtxq_first(&xs->rtxq);

	if (!skb)
		return;
	if (xtcp_rtxq_trim(sk, skb, xs->snd.una))
		return;
	if (skb->len > xs->snd.mss && xtcp_rtxq_split(sk, skb, xs->snd.mss, false))
		return;
	xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
	if (!xtcp_output_resend(sk, skb, xs->snd.mss))
		xtcp_timer_first_resent(xs);
}

void xtcp_newreno_dupack(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	sock_owned_by_me(sk);
	if (rec->dupacks < U8_MAX)
		rec->dupacks++;
	/* After a time-out they are echoes of what was sent twice. */
	if (xs->cong.state == XTCP_CA_LOSS)
		return;
	newreno_count_dupack(xs);
	if (xs->cong.state == XTCP_CA_RECOVERY)
		return;
	if (xs->cong.state != XTCP_CA_CWR)
		xtcp_recovery_set_state(xs, XTCP_CA_DISORDER);
	/* RFC 6582 3.2 step 1: not for echoes of what a former recovery sent. */
	if (rec->dupacks == XTCP_DUPACK_THRESHOLD &&
	    xtcp_seq_after(xs->snd.una, rec->high) &&
	    !xtcp_plpmtud_lost(sk, xtcp_rtxq_first(&xs->rtxq))) {
		XTCP_INC(xs->xn, RENORECOVERY);
		xtcp_recovery_begin(sk);
		if (!xs->cong.ops->control)
			xs->cong.cwnd = xs->cong.ssthresh;
		newreno_resend_first(sk);
	}
}

/* A partial acknowledgment: the segment behind it is lost too (RFC 6582 3.2 step 3). */
static void newreno_partial(struct sock *sk, u32 acked)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 reported = acked > xs->snd.mss ? acked - xs->snd.mss : 0;

	xs->rtxq.sacked -= min(xs->rtxq.sacked, reported);
	newreno_resend_first(sk);
}

void xtcp_newreno_forget(struct xtcp_sock *xs)
{
	xs->recovery.dupacks = 0;
	if (xs->cong.state != XTCP_CA_CWR)
		xtcp_recovery_set_state(xs, XTCP_CA_OPEN);
	xs->rtxq.sacked = 0;
}

bool xtcp_newreno_acked(struct sock *sk, u32 acked)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	sock_owned_by_me(sk);
	rec->dupacks = 0;
	switch (xs->cong.state) {
	case XTCP_CA_RECOVERY:
		if (xtcp_seq_before(xs->snd.una, rec->high))
			newreno_partial(sk, acked);
		else
			xtcp_recovery_end(sk);
		return false;
	case XTCP_CA_LOSS:
		if (!xtcp_seq_before(xs->snd.una, rec->high))
			xtcp_recovery_end(sk);
		return true;
	default:
		xtcp_newreno_forget(xs);
		return true;
	}
}
