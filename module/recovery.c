// SPDX-License-Identifier: GPL-2.0
/*
 * Loss recovery: fast retransmit, NewReno, time-out (RFC 5681, 6582, 6298).
 *
 * Each duplicate ACK says that one segment has left the network: it counts in
 * rtxq.sacked, so the octets in flight shrink and, below cwnd, new data goes
 * (limited transmit, RFC 3042, and the inflation of RFC 5681 3.2 in one). The third
 * one begins recovery; a time-out begins it again from nothing.
 *
 *	OPEN --dupack--> DISORDER --third--> RECOVERY --all acked--> OPEN
 *	  any --time-out--> LOSS --all acked--> OPEN
 */
#include <net/sock.h>

#include "output.h"
#include "recovery.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "xtcp_sock.h"

void xtcp_recovery_init(struct xtcp_sock *xs)
{
	memset(&xs->recovery, 0, sizeof(xs->recovery));
	xs->recovery.high = xs->snd.iss;
}

/* Without SACK, each duplicate ACK stands for one segment that arrived. */
static void xtcp_recovery_count_dupack(struct xtcp_sock *xs)
{
	u32 out = xs->snd.nxt - xs->snd.una;

	/* The hole itself has not arrived, nor has what is marked lost. */
	out -= min(out, max_t(u32, xs->rtxq.lost, xs->snd.mss));
	xs->rtxq.sacked = min(out, xs->rtxq.sacked + xs->snd.mss);
}

/* Mark the first outstanding segment lost and send it whatever cwnd says. */
static void xtcp_recovery_resend_first(struct sock *sk)
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
		xtcp_timer_data_sent(xs);
}

static void xtcp_recovery_begin(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	XTCP_INC(xs->xn, RENORECOVERY);
	xs->recovery.state = XTCP_CA_RECOVERY;
	xs->recovery.high = xs->snd.nxt;
	xs->recovery.prior_cwnd = xs->cong.cwnd;
	xs->cong.ssthresh = xs->cong.ops->ssthresh(&xs->cong, xs->snd.nxt - xs->snd.una);
	xs->cong.cwnd = xs->cong.ssthresh;
	xs->cong.bytes_acked = 0;
	xtcp_recovery_resend_first(sk);
}

void xtcp_recovery_dupack(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	sock_owned_by_me(sk);
	XTCP_INC(xs->xn, DUPACKS);
	if (rec->dupacks < U8_MAX)
		rec->dupacks++;
	/* After a time-out they are echoes of what was sent twice. */
	if (rec->state == XTCP_CA_LOSS)
		return;
	xtcp_recovery_count_dupack(xs);
	if (rec->state == XTCP_CA_RECOVERY)
		return;
	rec->state = XTCP_CA_DISORDER;
	/* RFC 6582 3.2 step 1: not for echoes of what a former recovery sent. */
	if (rec->dupacks == XTCP_DUPACK_THRESHOLD &&
	    xtcp_seq_after(xs->snd.una, rec->high))
		xtcp_recovery_begin(sk);
}

static void xtcp_recovery_end(struct xtcp_sock *xs)
{
	if (xs->recovery.state == XTCP_CA_RECOVERY)
		xs->cong.cwnd = max(xs->cong.ssthresh, 2 * xs->cong.mss);
	xs->recovery.state = XTCP_CA_OPEN;
	xs->rtxq.sacked = 0;
}

/* A partial acknowledgment: the segment behind it is lost too (RFC 6582 3.2 step 3). */
static void xtcp_recovery_partial(struct sock *sk, u32 acked)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 reported = acked > xs->snd.mss ? acked - xs->snd.mss : 0;

	xs->rtxq.sacked -= min(xs->rtxq.sacked, reported);
	xtcp_recovery_resend_first(sk);
}

bool xtcp_recovery_acked(struct sock *sk, u32 acked)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	sock_owned_by_me(sk);
	rec->dupacks = 0;
	switch (rec->state) {
	case XTCP_CA_RECOVERY:
		if (xtcp_seq_before(xs->snd.una, rec->high)) {
			xtcp_recovery_partial(sk, acked);
			return false;
		}
		xtcp_recovery_end(xs);
		return false;
	case XTCP_CA_LOSS:
		if (!xtcp_seq_before(xs->snd.una, rec->high))
			xtcp_recovery_end(xs);
		return true;
	default:
		xs->rtxq.sacked = 0;
		rec->state = XTCP_CA_OPEN;
		/* The mark of the last recovery must not be left 2^31 octets behind. */
		if (xtcp_seq_after(xs->snd.una, rec->high + 1))
			rec->high = xs->snd.una - 1;
		return true;
	}
}

void xtcp_recovery_timeout(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;
	struct sk_buff *skb;

	sock_owned_by_me(sk);
	/* A repeated time-out is the same loss: ssthresh falls once (RFC 5681 3.1). */
	if (rec->state != XTCP_CA_LOSS || !rec->retransmits) {
		rec->prior_cwnd = xs->cong.cwnd;
		xs->cong.ssthresh = xs->cong.ops->ssthresh(&xs->cong,
							   xs->snd.nxt - xs->snd.una);
	}
	xs->cong.cwnd = xs->snd.mss;
	xs->cong.bytes_acked = 0;
	rec->state = XTCP_CA_LOSS;
	rec->high = xs->snd.nxt;
	rec->dupacks = 0;
	xtcp_rtxq_mark_all_lost(&xs->rtxq, xs->snd.una);
	skb = xtcp_rtxq_first(&xs->rtxq);
	if (skb)
		xtcp_output_resend(sk, skb, xs->snd.mss);
}

void xtcp_recovery_mtu_reduced(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb;

	sock_owned_by_me(sk);
	for (skb = xtcp_rtxq_first(&xs->rtxq); skb; skb = skb_rb_next(skb))
		if (skb->len > xs->snd.mss)
			xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
	if (!xs->rtxq.lost)
		return;
	if (xs->recovery.state < XTCP_CA_RECOVERY) {
		xs->recovery.state = XTCP_CA_LOSS;
		xs->recovery.high = xs->snd.nxt;
		xs->cong.ssthresh = max(xs->cong.cwnd, 2 * xs->cong.mss);
	}
	xtcp_output_push(sk);
}
