// SPDX-License-Identifier: GPL-2.0
/*
 * BBR, version 1: congestion control by a model of the path, as a module of its own.
 *
 * Two numbers describe the path: the rate at which its bottleneck delivers, the highest seen in
 * ten round trips, and its round-trip time without queues, the least seen in ten seconds.
 * Their product is what should be on its way. Segments are paced at the rate; every eighth
 * round trip a quarter faster, to see whether there is more, then a quarter slower, to drain
 * what that left in queues. A loss does not make it slower.
 * draft-cardwell-iccrg-bbr-congestion-control-00; without Linux's detector of policers.
 *
 * This file is also the example of an algorithm outside of xtcp.ko: cong.h is all it needs.
 */
#include <linux/inet_diag.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/time64.h>
#include <linux/win_minmax.h>
#include "bbr.h"
#include "cong.h"

/* Gains are in 256ths. */
#define BBR_UNIT		256
#define BBR_HIGH_GAIN		739	/* 2 / ln 2: doubles the rate in a round trip */
#define BBR_DRAIN_GAIN		88	/* its inverse */
#define BBR_CWND_GAIN		512
#define BBR_PACE_MARGIN		99	/* percent of the rate, so that a queue does not stay */

#define BBR_BW_ROUNDS		10
#define BBR_MIN_RTT_US		(10 * USEC_PER_SEC)
#define BBR_PROBE_RTT_US	(200 * USEC_PER_MSEC)
#define BBR_MIN_CWND_SEGS	4
#define BBR_FULL_ROUNDS		3
/* Below so many octets a second segments leave one by one. */
#define BBR_RATE_ONE_SEG	150000
#define BBR_BURST_MAX		65536

static const u16 bbr_cycle_gain[] = { 320, 192, 256, 256, 256, 256, 256, 256 };

/* This long ago; the clock wraps after 71 minutes. */
static u32 bbr_since(const struct xtcp_cong_ack *ack, u32 stamp_us)
{
	return ack->now_us - stamp_us;
}

struct xtcp_bbr *xtcp_bbr_of(const struct xtcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct xtcp_bbr) > sizeof(c->priv));
	return (struct xtcp_bbr *)c->priv;
}

u32 xtcp_bbr_bw(u32 octets, u32 us)
{
	return min_t(u64, div_u64((u64)octets * (BBR_UNIT * USEC_PER_MSEC), max(us, 1U)), U32_MAX);
}

u64 xtcp_bbr_rate(u32 bw, u32 gain)
{
	u64 rate = (u64)bw * gain / BBR_UNIT;

	return div_u64(rate * (MSEC_PER_SEC / 8) / (BBR_UNIT / 8) * BBR_PACE_MARGIN, 100);
}

u32 xtcp_bbr_bdp(u32 bw, u32 min_rtt_us, u32 gain)
{
	/* Octets in BBR_UNIT by gain, rounded up: a path of less than one segment still gets one. */
	u64 bdp = div_u64((u64)bw * min_rtt_us, USEC_PER_MSEC);

	bdp = (bdp * gain + BBR_UNIT * BBR_UNIT - 1) / (BBR_UNIT * BBR_UNIT);
	return min_t(u64, bdp, XTCP_SSTHRESH_INF);
}

static u32 bbr_max_bw(const struct xtcp_bbr *b)
{
	return minmax_get(&b->bw);
}

/* -- what it does with the model --------------------------------------------------- */

static u32 bbr_pacing_gain(const struct xtcp_bbr *b)
{
	switch (b->mode) {
	case XTCP_BBR_STARTUP:
		return BBR_HIGH_GAIN;
	case XTCP_BBR_DRAIN:
		return BBR_DRAIN_GAIN;
	case XTCP_BBR_PROBE_BW:
		return bbr_cycle_gain[b->phase];
	default:
		return BBR_UNIT;
	}
}

static u32 bbr_cwnd_gain(const struct xtcp_bbr *b)
{
	switch (b->mode) {
	case XTCP_BBR_STARTUP:
	case XTCP_BBR_DRAIN:
		return BBR_HIGH_GAIN;
	case XTCP_BBR_PROBE_BW:
		return BBR_CWND_GAIN;
	default:
		return BBR_UNIT;
	}
}

/* Octets that should be on their way at @gain. */
static u32 bbr_inflight(const struct xtcp_bbr *b, const struct xtcp_cong *c, u32 gain)
{
	if (b->min_rtt_us == U32_MAX)
		return xtcp_cong_initial_window(c->mss);
	return xtcp_bbr_bdp(bbr_max_bw(b), b->min_rtt_us, gain);
}

/*
 * cwnd for @gain: three bursts more, for the one that is being made, the one in our device
 * and the one that the peer's stack has yet to acknowledge.
 */
static u32 bbr_target(const struct xtcp_bbr *b, const struct xtcp_cong *c, u32 gain)
{
	u32 burst = clamp_t(u64, c->pacing_rate / MSEC_PER_SEC, (u64)c->burst_segs * c->mss,
			    BBR_BURST_MAX);
	u32 target = bbr_inflight(b, c, gain) + 3 * burst;

	/* The faster eighth must show even where the product is small. */
	if (b->mode == XTCP_BBR_PROBE_BW && !b->phase)
		target += 2 * c->mss;
	return target;
}

static void bbr_set_rate(struct xtcp_cong *c, u64 rate)
{
	c->pacing_rate = max_t(u64, rate, c->mss);
	c->burst_segs = rate < BBR_RATE_ONE_SEG ? 1 : 2;
}

/* Before anything was measured: the initial window in a round trip, or in a millisecond. */
static void bbr_first_rate(struct xtcp_bbr *b, struct xtcp_cong *c)
{
	u32 rtt_us = c->srtt_us;

	if (rtt_us)
		b->has_rtt = true;
	else
		rtt_us = USEC_PER_MSEC;
	bbr_set_rate(c, xtcp_bbr_rate(xtcp_bbr_bw(c->cwnd, rtt_us), BBR_HIGH_GAIN));
}

static void bbr_pace(struct xtcp_bbr *b, struct xtcp_cong *c, u32 gain)
{
	u64 rate = xtcp_bbr_rate(bbr_max_bw(b), gain);

	if (!b->has_rtt && c->srtt_us)
		bbr_first_rate(b, c);
	/* While the path is not filled a low sample means nothing. */
	if (b->full || rate > c->pacing_rate)
		bbr_set_rate(c, rate);
}

static void bbr_save_cwnd(struct xtcp_bbr *b, const struct xtcp_cong *c)
{
	if (c->state < XTCP_CA_RECOVERY && b->mode != XTCP_BBR_PROBE_RTT)
		b->prior_cwnd = c->cwnd;
	else
		b->prior_cwnd = max(b->prior_cwnd, c->cwnd);
}

/*
 * The first round trip of a recovery sends what arrives and no more: the path may have
 * shrunk. Where one recovery follows the other it is a rate of loss, and has been
 * answered. True if it set cwnd.
 */
static bool bbr_recovery_cwnd(struct xtcp_bbr *b, struct xtcp_cong *c,
			      const struct xtcp_cong_ack *ack)
{
	u8 was = b->state;

	b->state = c->state;
	if (ack->lost)
		c->cwnd = max_t(s64, (s64)c->cwnd - ack->lost, c->mss);
	if (c->state == XTCP_CA_RECOVERY && was != XTCP_CA_RECOVERY &&
	    b->rounds - b->calm_round > 1) {
		b->conserve = true;
		b->round_end = ack->total;
		c->cwnd = ack->inflight_now + ack->delivered;
	} else if (was >= XTCP_CA_RECOVERY && c->state < XTCP_CA_RECOVERY) {
		b->conserve = false;
		b->calm_round = b->rounds;
		c->cwnd = max(c->cwnd, b->prior_cwnd);
	}
	if (!b->conserve)
		return false;
	c->cwnd = max(c->cwnd, ack->inflight_now + ack->delivered);
	return true;
}

static void bbr_cwnd(struct xtcp_bbr *b, struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	u32 least = BBR_MIN_CWND_SEGS * c->mss, target;

	if (ack->delivered && !bbr_recovery_cwnd(b, c, ack)) {
		target = bbr_target(b, c, bbr_cwnd_gain(b));
		if (b->full)
			c->cwnd = min(c->cwnd + ack->delivered, target);
		else if (c->cwnd < target || ack->total < xtcp_cong_initial_window(c->mss))
			c->cwnd += ack->delivered;
		c->cwnd = max(c->cwnd, least);
	}
	c->cwnd = min(c->cwnd, c->cwnd_clamp);
	if (b->mode == XTCP_BBR_PROBE_RTT)
		c->cwnd = min(c->cwnd, least);
}

/* -- the model ----------------------------------------------------------------------- */

static void bbr_update_bw(struct xtcp_bbr *b, const struct xtcp_cong_ack *ack)
{
	u32 bw;

	b->round_start = false;
	if (!ack->sampled)
		return;
	if ((s32)(ack->prior - b->round_end) >= 0) {
		b->round_end = ack->total;
		b->rounds++;
		b->round_start = true;
		b->conserve = false;
	}
	if (!ack->rate_us)
		return;
	bw = xtcp_bbr_bw(ack->rate_bytes, ack->rate_us);
	/* From an idle path a sample is only news if it is a better one. */
	if (!ack->rate_limited || bw >= bbr_max_bw(b))
		minmax_running_max(&b->bw, BBR_BW_ROUNDS, b->rounds, bw);
}

static bool bbr_phase_over(const struct xtcp_bbr *b, const struct xtcp_cong *c,
			   const struct xtcp_cong_ack *ack)
{
	bool long_enough = bbr_since(ack, b->phase_us) > b->min_rtt_us;
	u32 gain = bbr_cycle_gain[b->phase];

	if (gain > BBR_UNIT)
		return long_enough && (ack->lost || ack->inflight >= bbr_inflight(b, c, gain));
	if (gain < BBR_UNIT)
		return long_enough || ack->inflight <= bbr_inflight(b, c, BBR_UNIT);
	return long_enough;
}

static void bbr_cycle(struct xtcp_bbr *b, const struct xtcp_cong *c,
		      const struct xtcp_cong_ack *ack)
{
	if (b->mode != XTCP_BBR_PROBE_BW || !bbr_phase_over(b, c, ack))
		return;
	b->phase = (b->phase + 1) % ARRAY_SIZE(bbr_cycle_gain);
	b->phase_us = ack->now_us;
}

/* Anywhere in the cycle but at its slow part, so that flows do not probe together. */
static void bbr_enter_probe_bw(struct xtcp_bbr *b, const struct xtcp_cong_ack *ack)
{
	b->mode = XTCP_BBR_PROBE_BW;
	b->phase = get_random_u32_below(ARRAY_SIZE(bbr_cycle_gain) - 1);
	if (b->phase)
		b->phase++;
	b->phase_us = ack->now_us;
}

/* Three round trips in which the rate grew by less than a quarter: that is all there is. */
static void bbr_check_full(struct xtcp_bbr *b, const struct xtcp_cong_ack *ack)
{
	u32 bw = bbr_max_bw(b);

	if (b->full || !b->round_start || ack->rate_limited)
		return;
	if ((u64)bw * 4 >= (u64)b->full_bw * 5) {
		b->full_bw = bw;
		b->full_rounds = 0;
		return;
	}
	b->full = ++b->full_rounds >= BBR_FULL_ROUNDS;
}

static void bbr_check_drain(struct xtcp_bbr *b, struct xtcp_cong *c,
			    const struct xtcp_cong_ack *ack)
{
	if (b->mode == XTCP_BBR_STARTUP && b->full) {
		b->mode = XTCP_BBR_DRAIN;
		c->ssthresh = bbr_inflight(b, c, BBR_UNIT);
	}
	if (b->mode == XTCP_BBR_DRAIN && ack->inflight_now <= bbr_inflight(b, c, BBR_UNIT))
		bbr_enter_probe_bw(b, ack);
}

/* Four segments in flight for 200 ms and a round trip: then the queues are empty. */
static void bbr_in_probe_rtt(struct xtcp_bbr *b, struct xtcp_cong *c,
			     const struct xtcp_cong_ack *ack)
{
	if (!b->probe_rtt_waits) {
		if (ack->inflight_now > BBR_MIN_CWND_SEGS * c->mss)
			return;
		b->probe_rtt_waits = true;
		b->probe_rtt_round = false;
		b->probe_rtt_us = ack->now_us;
		b->round_end = ack->total;
		return;
	}
	b->probe_rtt_round |= b->round_start;
	if (!b->probe_rtt_round || bbr_since(ack, b->probe_rtt_us) < BBR_PROBE_RTT_US)
		return;
	b->min_rtt_stamp_us = ack->now_us;
	c->cwnd = max(c->cwnd, b->prior_cwnd);
	c->drained = false;
	if (b->full)
		bbr_enter_probe_bw(b, ack);
	else
		b->mode = XTCP_BBR_STARTUP;
}

static void bbr_update_min_rtt(struct xtcp_bbr *b, struct xtcp_cong *c,
			       const struct xtcp_cong_ack *ack)
{
	bool old = b->min_rtt_us != U32_MAX &&
		   bbr_since(ack, b->min_rtt_stamp_us) > BBR_MIN_RTT_US;

	if (ack->rtt_us && (ack->rtt_us <= b->min_rtt_us || old)) {
		b->min_rtt_us = ack->rtt_us;
		b->min_rtt_stamp_us = ack->now_us;
	}
	/* After a pause the queues are empty anyway. */
	if (old && !b->restart && b->mode != XTCP_BBR_PROBE_RTT) {
		bbr_save_cwnd(b, c);
		b->mode = XTCP_BBR_PROBE_RTT;
		b->probe_rtt_waits = false;
		/* What so little in flight delivers is not the path's rate. */
		c->drained = true;
	}
	if (b->mode == XTCP_BBR_PROBE_RTT)
		bbr_in_probe_rtt(b, c, ack);
	if (ack->delivered)
		b->restart = false;
}

/* -- what XTCP calls ------------------------------------------------------------------- */

static void bbr_control(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	struct xtcp_bbr *b = xtcp_bbr_of(c);

	bbr_update_bw(b, ack);
	bbr_cycle(b, c, ack);
	bbr_check_full(b, ack);
	bbr_check_drain(b, c, ack);
	bbr_update_min_rtt(b, c, ack);
	bbr_pace(b, c, bbr_pacing_gain(b));
	bbr_cwnd(b, c, ack);
}

static u32 bbr_ssthresh(struct xtcp_cong *c, u32 inflight)
{
	bbr_save_cwnd(xtcp_bbr_of(c), c);
	return c->ssthresh;
}

/* The losses were none: the path may have been found full too early. */
static u32 bbr_undo(struct xtcp_cong *c, u32 prior_cwnd)
{
	struct xtcp_bbr *b = xtcp_bbr_of(c);

	b->full_bw = 0;
	b->full_rounds = 0;
	return max(c->cwnd, prior_cwnd);
}

static void bbr_event(struct xtcp_cong *c, enum xtcp_cong_event ev)
{
	struct xtcp_bbr *b = xtcp_bbr_of(c);

	switch (ev) {
	case XTCP_CONG_START:
		bbr_first_rate(b, c);
		break;
	case XTCP_CONG_TX_START:
		b->restart = true;
		/* The cycle goes on at the rate that is known: there is no queue to fill or drain. */
		if (b->mode == XTCP_BBR_PROBE_BW)
			bbr_pace(b, c, BBR_UNIT);
		break;
	case XTCP_CONG_RTO:
		b->full_bw = 0;
		b->round_start = true;
		break;
	}
}

static void bbr_init(struct xtcp_cong *c)
{
	struct xtcp_bbr *b = xtcp_bbr_of(c);

	b->min_rtt_us = U32_MAX;
	b->mode = XTCP_BBR_STARTUP;
	b->prior_cwnd = c->cwnd;
	/* Long ago: the first loss is the first of a recovery. */
	b->calm_round = -2;
	c->sndbuf_cwnds = 3;
	/* Taken into use amid a connection: there is a window to start from. */
	if (c->mss && c->cwnd)
		bbr_first_rate(b, c);
}

static void bbr_release(struct xtcp_cong *c)
{
	c->drained = false;
}

static size_t bbr_info(const struct xtcp_cong *c, union tcp_cc_info *info)
{
	const struct xtcp_bbr *b = xtcp_bbr_of(c);
	u64 bw = (u64)bbr_max_bw(b) * MSEC_PER_SEC / BBR_UNIT;

	info->bbr.bbr_bw_lo = bw;
	info->bbr.bbr_bw_hi = bw >> 32;
	info->bbr.bbr_min_rtt = b->min_rtt_us;
	info->bbr.bbr_pacing_gain = bbr_pacing_gain(b);
	info->bbr.bbr_cwnd_gain = bbr_cwnd_gain(b);
	return sizeof(info->bbr);
}

struct xtcp_cong_ops xtcp_bbr = {
	.name = "bbr",
	.owner = THIS_MODULE,
	.flags = XTCP_CONG_PACED,
	.init = bbr_init,
	.release = bbr_release,
	.ssthresh = bbr_ssthresh,
	.control = bbr_control,
	.event = bbr_event,
	.undo_cwnd = bbr_undo,
	.info = bbr_info,
};

static int __init xtcp_bbr_start(void)
{
	return xtcp_cong_register(&xtcp_bbr);
}

/* Connections that use it hold the module: none does any more. */
static void __exit xtcp_bbr_end(void)
{
	xtcp_cong_unregister(&xtcp_bbr);
}

module_init(xtcp_bbr_start);
module_exit(xtcp_bbr_end);

MODULE_DESCRIPTION("BBR congestion control for XTCP");
MODULE_LICENSE("GPL");
MODULE_ALIAS("xtcp-cong-bbr");
