// SPDX-License-Identifier: GPL-2.0
/* The acknowledgment side of a segment: one fixed pipeline (RFC 9293 3.10.7.4). */
#include <linux/tcp.h>
#include <net/dst.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "ack.h"
#include "cong.h"
#include "output.h"
#include "pace.h"
#include "plpmtud.h"
#include "rack.h"
#include "rate.h"
#include "recovery.h"
#include "rtt.h"
#include "rtxq.h"
#include "scoreboard.h"
#include "seq.h"
#include "skb_cb.h"
#include "sndbuf.h"
#include "timer.h"
#include "xmit.h"
#include "xtcp_sock.h"

/*
 * RFC 9293 asks for SND.WL1 and SND.WL2; an ACK that moves SND.UNA is always newer, so
 * SND.WL2 need not be kept. Of two that differ in nothing else the wider window is the
 * newer one, but for a window that had to close.
 */
static bool xtcp_ack_window_is_news(const struct xtcp_sock *xs, u32 seq, u32 ack, u32 wnd)
{
	return xtcp_seq_after(ack, xs->snd.una) || xtcp_seq_after(seq, xs->snd.wl1) ||
	       (seq == xs->snd.wl1 && (wnd > xs->snd.wnd || !wnd));
}

static void xtcp_ack_window(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb)
{
	u32 wnd = (u32)cb->wnd << xs->snd.wscale;

	if (!xtcp_ack_window_is_news(xs, cb->seq, cb->ack, wnd))
		return;
	xs->snd.wl1 = cb->seq;
	if (xs->snd.wnd == wnd)
		return;
	xs->snd.wnd = wnd;
	xs->snd.max_wnd = max(xs->snd.max_wnd, wnd);
}

/* RFC 5681 section 2, (a) to (e). */
static bool xtcp_ack_is_duplicate(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb,
				  u32 old_wnd)
{
	return cb->ack == xs->snd.una && xs->snd.nxt != xs->snd.una &&
	       cb->end_seq == cb->seq && xs->snd.wnd == old_wnd;
}

void xtcp_ack_sample_rtt(struct xtcp_sock *xs, struct xtcp_rtxq_acked *res,
			 const struct xtcp_options *opt)
{
	/* An echo says which transmission arrived (RFC 7323 4.1): Karn's doubt is gone. */
	if (!res->rtt_us && res->bytes && xs->stamp.ok && (opt->seen & XTCP_SEEN_TS) && opt->tsecr)
		res->rtt_us = xtcp_stamp_rtt_us(&xs->stamp, opt->tsecr, xs->now_ms);
	if (res->rtt_us)
		xtcp_rtt_sample(&xs->rtt, res->rtt_us);
}

/* snd.una moves to @ack: what is acknowledged leaves the queue. */
static void xtcp_ack_clean(struct sock *sk, u32 ack, const struct xtcp_options *opt,
			   struct xtcp_rtxq_acked *res)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 una = xs->snd.una;

	WRITE_ONCE(xs->snd.una, ack);
	/* The SYN that a request sent for us is no octet of the stream. */
	xs->bytes_acked += ack - una - (una == xs->snd.iss && !xs->bytes_acked);
	if (xs->snd.urgent && !xtcp_seq_before(ack, xs->snd.up))
		xs->snd.urgent = false;
	xtcp_rtxq_clean(sk, una, ack, res);
	xtcp_plpmtud_acked(sk);
	/* Karn: until there is a sample the back-off stays (RFC 9293 MUST-18). */
	xtcp_ack_sample_rtt(xs, res, opt);
	xs->recovery.retransmits = 0;
	xs->recovery.start = 0;
}

/*
 * Congestion control learns what @res says. @inflight was out before and @lost_ever lost; @grow:
 * recovery leaves the window to it.
 */
static void xtcp_ack_cong(struct sock *sk, struct xtcp_rtxq_acked *res, u32 inflight,
			  u32 lost_ever, bool grow)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_cong_ops *ops = xs->cong.ops;
	struct xtcp_cong_ack info = {
		.acked = res->bytes,
		.inflight = inflight,
		.rtt_us = res->rtt_us,
		.srtt_us = xs->rtt.srtt_us >> 3,
		.una = xs->snd.una,
		.nxt = xs->snd.nxt,
		.now_us = xs->now_us,
		.delivered = res->delivered,
		.lost = xs->rtxq.lost_ever - lost_ever,
		.inflight_now = xtcp_output_inflight(xs),
		.total = xs->rate.delivered,
		.cwnd_limited = xs->snd.cwnd_limited,
		.ece = res->ece,
	};

	/* A window that ends a whole cwnd short was not what limited the sender. */
	info.cwnd_limited |= inflight >= xs->cong.cwnd ||
			     (xtcp_cong_in_slow_start(&xs->cong) && xs->cong.cwnd < 2 * inflight);
	xtcp_rate_finish(&xs->rate, &res->rate, xs->rtt.min_us);
	info.sampled = res->rate.valid;
	info.prior = res->rate.prior;
	info.rate_bytes = res->rate.bytes;
	info.rate_us = res->rate.interval_us;
	info.rate_limited = res->rate.limited;
	xs->cong.srtt_us = info.srtt_us;
	if (ops->acked)
		ops->acked(&xs->cong, &info);
	grow &= xtcp_recovery_ecn(xs, res);
	if (ops->control)
		ops->control(&xs->cong, &info);
	else if (grow && res->bytes)
		ops->avoid(&xs->cong, &info);
	if (xs->cong.drained)
		xtcp_rate_limited(&xs->rate, info.inflight_now);
	xtcp_pace_update(sk);
}

/* Did what arrived meet congestion? */
static void xtcp_ack_ecn(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb,
			 struct xtcp_rtxq_acked *res)
{
	u32 segs = DIV_ROUND_UP(res->delivered, xs->snd.mss);

	res->ece = xtcp_ecn_acked(&xs->ecn, cb->flags, xs->snd.una);
	if (!res->ece || !segs)
		return;
	xs->delivered_ce += segs;
	XTCP_ADD(xs->xn, DELIVEREDCE, segs);
}

/* Something was acknowledged: timers, the route, writers. */
static void ack_progress(struct sock *sk)
{
	xtcp_timer_acked(xtcp_sk(sk));
	sk_dst_confirm(sk);
	xtcp_sndbuf_wake(sk);
}

bool xtcp_ack_is_healthy(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	return xs->cong.state == XTCP_CA_OPEN && xs->sack.ok &&
	       !(xs->rtxq.lost | xs->rtxq.sacked | xs->rtxq.retrans) &&
	       !(xs->tlp.out | xs->recovery.undo | xs->recovery.frto_new);
}

void xtcp_ack_predicted(struct sock *sk, const struct xtcp_skb_cb *cb,
			const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 old_wnd = xs->snd.wnd, inflight = xs->snd.nxt - xs->snd.una;
	struct xtcp_rtxq_acked res = { 0 };

	sock_owned_by_me(sk);
	xtcp_ack_window(xs, cb);
	xs->timer.probes = 0;
	if (cb->ack != xs->snd.una) {
		xtcp_rack_next_ack(xs);
		xtcp_ack_clean(sk, cb->ack, opt, &res);
		/* What arrived in the order in which it was sent makes nothing late. */
		xs->rack.news = false;
		xtcp_timer_clear(xs, XTCP_DUE_REORDER);
		xtcp_ack_ecn(xs, cb, &res);
		xtcp_recovery_quiet(&xs->recovery, cb->ack);
		xtcp_ack_cong(sk, &res, inflight, xs->rtxq.lost_ever, true);
		ack_progress(sk);
	}
	if (xs->snd.wnd != old_wnd)
		xtcp_timer_window_moved(sk);
}

bool xtcp_ack_process(struct sock *sk, struct sk_buff *skb, const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 old_wnd = xs->snd.wnd, inflight = xtcp_output_inflight(xs);
	struct xtcp_rtxq_acked res = { 0 };
	u32 lost_ever = xs->rtxq.lost_ever;
	bool dup, grow;

	sock_owned_by_me(sk);
	if (xtcp_seq_after(cb->ack, xs->snd.nxt)) {
		XTCP_INC(xs->xn, ACKUNSENT);
		xtcp_xmit_challenge_ack(sk);
		return false;
	}
	if (xtcp_seq_before(cb->ack, xs->snd.una)) {
		/* RFC 5961 5.2: older than the largest window: not from this connection. */
		if (xtcp_seq_before(cb->ack, xs->snd.una - xs->snd.max_wnd)) {
			XTCP_INC(xs->xn, TOOOLDACK);
			xtcp_xmit_challenge_ack(sk);
			return false;
		}
		return true;
	}

	xtcp_ack_window(xs, cb);
	xs->timer.probes = 0;
	dup = xtcp_ack_is_duplicate(xs, cb, old_wnd);
	xtcp_rack_next_ack(xs);
	if (xs->sack.ok && (opt->seen & XTCP_SEEN_SACK))
		xtcp_scoreboard_update(sk, opt, cb->ack, &res);
	if (cb->ack != xs->snd.una)
		xtcp_ack_clean(sk, cb->ack, opt, &res);
	else if (res.sack_rtt_us)
		xtcp_rtt_sample(&xs->rtt, res.sack_rtt_us);
	xtcp_ack_ecn(xs, cb, &res);
	grow = xtcp_recovery_ack(sk, &res, opt, dup);
	if (res.delivered || res.bytes || res.ece || xs->rtxq.lost_ever != lost_ever)
		xtcp_ack_cong(sk, &res, inflight, lost_ever, grow);
	if (res.bytes)
		ack_progress(sk);
	if (xs->snd.wnd != old_wnd)
		xtcp_timer_window_moved(sk);
	return true;
}
