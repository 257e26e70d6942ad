// SPDX-License-Identifier: GPL-2.0
/*
 * Loss recovery: when it begins and ends, what undoes it (RFC 6675, 8985, 6937, 5682, 3168).
 *
 *	OPEN --something reported--> DISORDER --something lost--> RECOVERY --all acked--> OPEN
 *	OPEN, DISORDER --ECE--> CWR --all acked--> OPEN
 *	  CWR --something lost--> RECOVERY, which goes on with the same reduction
 *	  any --time-out--> LOSS --all acked--> OPEN
 *	  RECOVERY, LOSS --it was no loss--> OPEN, with the windows as before
 *
 * RACK says what is lost (rack.c), PRR how much may go meanwhile (prr.h). Towards a peer
 * without SACK newreno.c takes the place of both.
 */
#include <net/sock.h>

#include "newreno.h"
#include "output.h"
#include "plpmtud.h"
#include "rack.h"
#include "recovery.h"
#include "rtxq.h"
#include "scoreboard.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "xtcp_sock.h"

void xtcp_recovery_init(struct xtcp_sock *xs)
{
	memset(&xs->recovery, 0, sizeof(xs->recovery));
	xs->recovery.high = xs->snd.iss;
	memset(&xs->tlp, 0, sizeof(xs->tlp));
	xtcp_rack_init(xs);
	xtcp_scoreboard_forget(&xs->scoreboard);
}

/* -- what time-outs cost --------------------------------------------------------- */

static void recovery_count_expiry(struct xtcp_rto_count *rto, u32 now_ms)
{
	if (rto->expiries < U16_MAX)
		rto->expiries++;
	if (rto->on)
		return;
	rto->on = true;
	rto->since_ms = now_ms;
	if (rto->recoveries < U16_MAX)
		rto->recoveries++;
}

u32 xtcp_recovery_rto_time_ms(const struct xtcp_rto_count *rto, u32 now_ms)
{
	return rto->time_ms + (rto->on ? now_ms - rto->since_ms : 0);
}

void xtcp_recovery_inherit(struct xtcp_sock *xs, u8 expiries, u32 since_ms)
{
	struct xtcp_rto_count *rto = &xs->recovery.rto;

	rto->expiries = expiries;
	rto->recoveries = !!expiries;
	rto->time_ms = expiries ? xs->now_ms - since_ms : 0;
}

/* -- states ------------------------------------------------------------------------ */

void xtcp_recovery_set_state(struct xtcp_sock *xs, enum xtcp_ca_state state)
{
	struct xtcp_cong *c = &xs->cong;

	if (c->state == state)
		return;
	if (c->ops->state)
		c->ops->state(c, state);
	c->state = state;
	if (xs->recovery.rto.on && state < XTCP_CA_RECOVERY) {
		xs->recovery.rto.time_ms = xtcp_recovery_rto_time_ms(&xs->recovery.rto, xs->now_ms);
		xs->recovery.rto.on = false;
	}
}

/* Nothing is lost; something may be out of order. */
static void recovery_settle(struct xtcp_sock *xs)
{
	xtcp_recovery_set_state(xs, xs->rtxq.sacked ? XTCP_CA_DISORDER : XTCP_CA_OPEN);
}

/* -- the windows, and how they come back ---------------------------------------- */

/* ssthresh falls with @flight octets outstanding. */
static void recovery_set_ssthresh(struct xtcp_sock *xs, u32 flight)
{
	xs->cong.ssthresh = xs->cong.ops->ssthresh(&xs->cong, flight);
	xs->cong.bytes_acked = 0;
	xtcp_ecn_reduced(&xs->ecn);
}

/* The same for a loss: what it was is kept until that is certain. */
static void recovery_reduce(struct xtcp_sock *xs)
{
	struct xtcp_recovery *rec = &xs->recovery;

	/*
	 * A time-out amid a recovery: what was before that counts. Within the round trip of an ECE
	 * the window is on its way down already, which nothing takes back.
	 */
	if (xs->cong.state == XTCP_CA_CWR) {
		rec->prior_cwnd = min(xs->cong.cwnd, xs->cong.ssthresh);
		rec->prior_ssthresh = xs->cong.ssthresh;
	} else if (xs->cong.state != XTCP_CA_RECOVERY) {
		rec->prior_cwnd = xs->cong.cwnd;
		rec->prior_ssthresh = xs->cong.ssthresh;
	}
	rec->undo = true;
	/* What an earlier recovery sent again is news of this one when it arrives, and no proof. */
	rec->resent = xs->rtxq.retrans;
	rec->undo_bytes = xs->rtxq.retrans;
	if (xs->cong.state != XTCP_CA_CWR)
		recovery_set_ssthresh(xs, xs->snd.nxt - xs->snd.una);
}

void xtcp_recovery_sent(struct xtcp_sock *xs, u32 len, bool again)
{
	struct xtcp_recovery *rec = &xs->recovery;

	if (xs->cong.state == XTCP_CA_RECOVERY || xs->cong.state == XTCP_CA_CWR)
		rec->prr.out += len;
	if (!again)
		return;
	/* It alone is on its way: what left before it is no repair. */
	if (!rec->resent && xs->rtxq.retrans == len)
		rec->undo_stamp = xs->now_ms + xs->stamp.offset;
	if (!rec->undo)
		return;
	rec->resent = true;
	rec->undo_bytes += len;
}

/* The echo is of a segment sent before the first retransmission (RFC 3522). */
static bool recovery_original_arrived(const struct xtcp_sock *xs, const struct xtcp_options *opt)
{
	return xs->recovery.resent && xs->stamp.ok && (opt->seen & XTCP_SEEN_TS) && opt->tsecr &&
	       (s32)(opt->tsecr - xs->recovery.undo_stamp) < 0;
}

/* All that was sent again has been reported to have arrived twice (RFC 3708). */
static bool recovery_all_twice(const struct xtcp_sock *xs)
{
	return xs->recovery.resent && !xs->recovery.undo_bytes;
}

static void recovery_undo(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	if (rec->undo) {
		if (xs->cong.ops->undo_cwnd)
			xs->cong.cwnd = xs->cong.ops->undo_cwnd(&xs->cong, rec->prior_cwnd);
		else
			xs->cong.cwnd = max(xs->cong.cwnd, rec->prior_cwnd);
		xs->cong.ssthresh = max(xs->cong.ssthresh, rec->prior_ssthresh);
	}
	xtcp_rtxq_unmark_lost(&xs->rtxq);
	rec->undo = false;
	rec->frto = false;
	recovery_settle(xs);
}

/* Was the loss none? Then all is as before, but for what ECE said meanwhile. */
static bool recovery_try_undo(struct sock *sk, const struct xtcp_rtxq_acked *res,
			      const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->recovery.undo)
		return false;
	if (res->bytes && recovery_original_arrived(xs, opt))
		XTCP_INC(xs->xn, FULLUNDO);
	else if (recovery_all_twice(xs))
		XTCP_INC(xs->xn, DSACKUNDO);
	else
		return false;
	if (xs->cong.state != XTCP_CA_LOSS)
		xtcp_rack_late(&xs->rack);
	recovery_undo(sk);
	return true;
}

/* -- RECOVERY --------------------------------------------------------------------- */

void xtcp_recovery_begin(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	recovery_reduce(xs);
	/* In CWR anew, to the same ssthresh: the first repair goes at once. */
	xtcp_prr_begin(&rec->prr, xs->snd.nxt - xs->snd.una);
	xtcp_recovery_set_state(xs, XTCP_CA_RECOVERY);
	rec->high = xs->snd.nxt;
	rec->frto = false;
}

void xtcp_recovery_end(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xs->cong.state == XTCP_CA_RECOVERY && !xs->cong.ops->control)
		xs->cong.cwnd = max(xs->cong.ssthresh, 2 * xs->cong.mss);
	xtcp_recovery_set_state(xs, XTCP_CA_OPEN);
	xs->recovery.frto = false;
	/* The last duplicates are reported within a round trip. */
	xs->recovery.undo_until = xs->snd.nxt;
	if (xs->sack.ok)
		xtcp_rack_recovered(xs);
	else
		xs->rtxq.sacked = 0;
}

/* -- CWR -------------------------------------------------------------------------- */

/*
 * ECE speaks of congestion, which no later report takes back: no undo. Outside a recovery
 * the window comes down, once in a round trip (RFC 3168 6.1.2).
 */
static void recovery_ece(struct xtcp_sock *xs, const struct xtcp_rtxq_acked *res)
{
	struct xtcp_recovery *rec = &xs->recovery;
	u32 flight = xs->snd.nxt - xs->snd.una + res->bytes;

	rec->undo = false;
	if (xs->cong.state >= XTCP_CA_CWR || !xtcp_ecn_is_news(&xs->ecn, xs->snd.una))
		return;
	xtcp_recovery_set_state(xs, XTCP_CA_CWR);
	recovery_set_ssthresh(xs, flight);
	rec->cwr_end = xs->snd.nxt;
	xtcp_prr_begin(&rec->prr, flight);
}

/* In CWR: all in flight then has arrived, or the window comes down with it. */
static void recovery_in_cwr(struct xtcp_sock *xs, const struct xtcp_rtxq_acked *res)
{
	struct xtcp_recovery *rec = &xs->recovery;
	bool steer = !xs->cong.ops->control;

	if (!xtcp_seq_before(xs->snd.una, rec->cwr_end)) {
		if (steer)
			xs->cong.cwnd = xs->cong.ssthresh;
		recovery_settle(xs);
	} else if (steer) {
		xs->cong.cwnd = xtcp_prr_cwnd(&rec->prr, xtcp_output_inflight(xs),
					      xs->cong.ssthresh, res->delivered, xs->snd.mss,
					      res->bytes);
	}
}

/* -- LOSS -------------------------------------------------------------------------- */

/*
 * RFC 5682 3.1: was the time-out spurious? New data goes first; if what was sent before the
 * time-out and never again is then acknowledged, it was.
 */
static void recovery_frto(struct sock *sk, const struct xtcp_rtxq_acked *res, bool dup)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	if (res->original) {
		XTCP_INC(xs->xn, SPURIOUSRTOS);
		recovery_undo(sk);
	} else if (xtcp_seq_after(xs->snd.nxt, rec->high)) {
		/* New data went out, and nothing but its echo came back: a real loss. */
		if (res->delivered || dup)
			rec->frto = false;
	} else if (res->bytes) {
		rec->high = xs->snd.nxt;
		rec->frto_new = xtcp_output_may_send_new(sk);
		rec->frto = rec->frto_new;
		/* Nagle must not hold back what is to tell. */
		if (rec->frto_new)
			xs->snd.push_once = true;
	}
}

static void recovery_in_loss(struct sock *sk, const struct xtcp_rtxq_acked *res,
			     const struct xtcp_options *opt, bool dup)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;

	if (recovery_try_undo(sk, res, opt))
		return;
	if (rec->frto)
		recovery_frto(sk, res, dup);
	if (xs->cong.state == XTCP_CA_LOSS && !xtcp_seq_before(xs->snd.una, rec->high) &&
	    !rec->frto_new)
		xtcp_recovery_end(sk);
}

/* -- what an acknowledgment changes -------------------------------------------------- */

/* Look for losses; wait for those that may only be late. */
static void recovery_detect(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 wait = xtcp_rack_detect(sk);

	if (wait)
		xtcp_timer_reorder(xs, wait);
	else
		xtcp_timer_clear(xs, XTCP_DUE_REORDER);
	if (xs->cong.state >= XTCP_CA_RECOVERY)
		return;
	if (xs->rtxq.lost && !xtcp_plpmtud_lost(sk, xtcp_rtxq_next_lost(&xs->rtxq))) {
		XTCP_INC(xs->xn, SACKRECOVERY);
		xtcp_recovery_begin(sk);
	} else if (xs->cong.state != XTCP_CA_CWR) {
		recovery_settle(xs);
	}
}

static bool recovery_sack(struct sock *sk, const struct xtcp_rtxq_acked *res,
			  const struct xtcp_options *opt, bool dup)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;
	u32 lost = xs->rtxq.lost;

	if (res->dsack) {
		xtcp_rack_duplicate(xs);
		rec->undo_bytes -= min(rec->undo_bytes, res->dsack_bytes);
	}
	xtcp_tlp_acked(sk, res);
	if (xs->cong.state == XTCP_CA_LOSS)
		recovery_in_loss(sk, res, opt, dup);
	else if (!recovery_try_undo(sk, res, opt) && xs->cong.state == XTCP_CA_RECOVERY &&
		 !xtcp_seq_before(xs->snd.una, rec->high))
		xtcp_recovery_end(sk);
	if (xs->rack.news)
		recovery_detect(sk);
	if (xs->cong.state != XTCP_CA_RECOVERY || xs->cong.ops->control)
		return true;
	xs->cong.cwnd = xtcp_prr_cwnd(&rec->prr, xtcp_output_inflight(xs), xs->cong.ssthresh,
				      res->delivered, xs->snd.mss,
				      res->bytes && xs->rtxq.lost <= lost);
	return false;
}

bool xtcp_recovery_ack(struct sock *sk, const struct xtcp_rtxq_acked *res,
		       const struct xtcp_options *opt, bool dup)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool grow = true;

	sock_owned_by_me(sk);
	if (dup)
		XTCP_INC(xs->xn, DUPACKS);
	if (xs->sack.ok)
		grow = recovery_sack(sk, res, opt, dup);
	else if (xs->cong.state >= XTCP_CA_RECOVERY && recovery_try_undo(sk, res, opt))
		xtcp_newreno_forget(xs);
	else if (res->bytes)
		grow = xtcp_newreno_acked(sk, res->bytes);
	else if (dup)
		xtcp_newreno_dupack(sk);
	if (xs->cong.state < XTCP_CA_RECOVERY) {
		xtcp_recovery_quiet(&xs->recovery, xs->snd.una);
		if (xs->recovery.undo && xtcp_seq_after(xs->snd.una, xs->recovery.undo_until))
			xs->recovery.undo = false;
	}
	return grow;
}

bool xtcp_recovery_ecn(struct xtcp_sock *xs, const struct xtcp_rtxq_acked *res)
{
	sock_owned_by_me(xtcp_to_sk(xs));
	if (res->ece)
		recovery_ece(xs, res);
	if (xs->cong.state != XTCP_CA_CWR)
		return !res->ece;
	recovery_in_cwr(xs, res);
	return false;
}

void xtcp_recovery_reorder_timeout(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	if (!xs->sack.ok || xtcp_rtxq_empty(&xs->rtxq))
		return;
	recovery_detect(sk);
	if (xs->cong.state == XTCP_CA_RECOVERY && !xs->cong.ops->control)
		xs->cong.cwnd = xtcp_prr_cwnd(&xs->recovery.prr, xtcp_output_inflight(xs),
					      xs->cong.ssthresh, 0, xs->snd.mss, false);
	xtcp_output_push(sk);
}

/* -- time-out, smaller path ------------------------------------------------------------ */

/* What the time-out leaves: what was reported, and what left only a moment ago. */
static void recovery_mark_timeout(struct xtcp_sock *xs)
{
	struct sk_buff *first = xtcp_rtxq_first(&xs->rtxq), *skb;

	if (!xs->sack.ok || (first && (xtcp_cb(first)->mark & XTCP_MARK_SACKED))) {
		/* RFC 2018 8: it has reported the first octet, and not acknowledged it. */
		if (xs->sack.ok)
			XTCP_INC(xs->xn, SACKRENEGING);
		xtcp_scoreboard_forget(&xs->scoreboard);
		xtcp_rtxq_mark_all_lost(&xs->rtxq, xs->snd.una);
		return;
	}
	for (skb = first; skb; skb = skb_rb_next(skb))
		if (skb == first || !xtcp_rack_is_recent(xs, xtcp_cb(skb)))
			xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
}

void xtcp_recovery_timeout(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_recovery *rec = &xs->recovery;
	bool fresh = xs->cong.state < XTCP_CA_RECOVERY;
	struct sk_buff *skb;

	sock_owned_by_me(sk);
	xtcp_plpmtud_timeout(sk);
	/* A repeated time-out is the same loss: ssthresh falls once (RFC 5681 3.1). */
	if (xs->cong.state != XTCP_CA_LOSS || !rec->retransmits)
		recovery_reduce(xs);
	xs->cong.cwnd = xs->snd.mss;
	xs->cong.bytes_acked = 0;
	xtcp_recovery_set_state(xs, XTCP_CA_LOSS);
	recovery_count_expiry(&rec->rto, xs->now_ms);
	xtcp_cong_event(&xs->cong, XTCP_CONG_RTO);
	rec->high = xs->snd.nxt;
	rec->dupacks = 0;
	rec->frto = xs->sack.ok && (fresh || rec->retransmits);
	rec->frto_new = false;
	xs->tlp.out = false;
	xtcp_timer_clear(xs, XTCP_DUE_TAIL);
	xtcp_timer_clear(xs, XTCP_DUE_REORDER);
	recovery_mark_timeout(xs);
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
	if (xs->cong.state < XTCP_CA_RECOVERY) {
		xtcp_recovery_set_state(xs, XTCP_CA_LOSS);
		xs->recovery.high = xs->snd.nxt;
		xs->recovery.undo = false;
		xs->recovery.frto = false;
		xs->cong.ssthresh = max(xs->cong.cwnd, 2 * xs->cong.mss);
	}
	xtcp_output_push(sk);
}
