// SPDX-License-Identifier: GPL-2.0
/* KUnit: BBR on a path whose rate, length and buffer are known. Linked into xtcp_bbr.ko. */
#include <kunit/test.h>
#include <linux/inet_diag.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/time64.h>
#include "../bbr.h"
#include "../cong.h"

#define MSS	1000U
#define MS	USEC_PER_MSEC

enum { WAY_MAX = 8192 };

/* A segment on its way, and what had been delivered when it left. */
struct way_seg {
	u32 arrives_us;	/* when its acknowledgment is here */
	u32 sent_us;
	u32 prior;
	u32 prior_us;
	bool limited;
};

/**
 * struct way - a sender with BBR and a bottleneck, in steps of 100 microseconds
 * @c: the sender's congestion control
 * @seg: what is on its way, a ring
 * @head: next place in it
 * @tail: the first segment whose acknowledgment is to come
 * @rate: octets a millisecond that the bottleneck passes
 * @rtt_us: round trip without a queue
 * @buffer_us: the queue holds as much as passes in this time; what exceeds it is lost
 * @now_us: the clock
 * @free_us: when the bottleneck has passed all that it holds
 * @total: octets delivered
 * @total_us: when the last of them were acknowledged
 * @limited_until: samples that begin before @total is this are of an idle path
 * @lost: octets lost since the last acknowledgment
 * @credit: octets that pacing lets go
 * @rtt_seen_us: round trip of the last acknowledgment
 * @most_cwnd: largest cwnd of the last way_run()
 * @least_cwnd: the smallest one
 * @most_queue_us: the longest queue of it
 * @idle: the application sends nothing
 */
struct way {
	struct xtcp_cong c;
	struct way_seg seg[WAY_MAX];
	unsigned int head, tail;
	u32 rate, rtt_us, buffer_us;
	u32 now_us, free_us;
	u32 total, total_us, limited_until;
	u32 lost, credit;
	u32 rtt_seen_us, most_cwnd, least_cwnd, most_queue_us;
	bool idle;
};

static u32 way_inflight(const struct way *w)
{
	return (w->head - w->tail) * MSS;
}

static void way_send(struct way *w)
{
	struct way_seg *s = &w->seg[w->head % WAY_MAX];
	u32 leaves;

	/* The clock wraps on the way: max() would not do. */
	if ((s32)(w->free_us - w->now_us) < 0)
		w->free_us = w->now_us;
	if (w->free_us - w->now_us > w->buffer_us) {
		w->lost += MSS;
		return;
	}
	w->most_queue_us = max(w->most_queue_us, w->free_us - w->now_us);
	w->free_us += MSS * MS / w->rate;
	leaves = w->free_us;
	if (w->head == w->tail) {
		w->c.ops->event(&w->c, XTCP_CONG_TX_START);
		w->total_us = w->now_us;
	}
	s->sent_us = w->now_us;
	s->arrives_us = leaves + w->rtt_us;
	s->prior = w->total;
	s->prior_us = w->total_us;
	s->limited = w->limited_until;
	w->head++;
}

static void way_ack(struct way *w)
{
	const struct way_seg *s = &w->seg[w->tail % WAY_MAX];
	struct xtcp_cong_ack ack = {
		.acked = MSS,
		.delivered = MSS,
		.inflight = way_inflight(w),
		.rtt_us = w->now_us - s->sent_us,
		.now_us = w->now_us,
		.lost = w->lost,
		.prior = s->prior,
		.rate_limited = s->limited,
		.sampled = true,
		.cwnd_limited = true,
	};

	w->tail++;
	w->total += MSS;
	w->total_us = w->now_us;
	w->lost = 0;
	if (w->limited_until && (s32)(w->total - w->limited_until) > 0)
		w->limited_until = 0;
	ack.total = w->total;
	ack.inflight_now = way_inflight(w);
	ack.rate_bytes = w->total - s->prior;
	ack.rate_us = w->now_us - s->prior_us;
	w->rtt_seen_us = ack.rtt_us;
	w->c.srtt_us = ack.rtt_us;
	w->c.ops->control(&w->c, &ack);
	if (w->c.drained)
		w->limited_until = (w->total + ack.inflight_now) ?: 1;
}

static void way_run(struct way *w, u32 ms)
{
	u32 end = w->now_us + ms * MS;

	w->most_cwnd = 0;
	w->least_cwnd = U32_MAX;
	w->most_queue_us = 0;
	for (; (s32)(w->now_us - end) < 0; w->now_us += 100) {
		while (w->tail != w->head &&
		       (s32)(w->seg[w->tail % WAY_MAX].arrives_us - w->now_us) <= 0)
			way_ack(w);
		w->credit = min_t(u64, w->credit + div_u64(w->c.pacing_rate, 10000), 64 * MSS);
		while (!w->idle && w->credit >= MSS && way_inflight(w) + MSS <= w->c.cwnd &&
		       w->head - w->tail < WAY_MAX) {
			w->credit -= MSS;
			way_send(w);
		}
		w->most_cwnd = max(w->most_cwnd, w->c.cwnd);
		w->least_cwnd = min(w->least_cwnd, w->c.cwnd);
	}
}

static struct way *way_open(struct kunit *test, u32 rate, u32 rtt_ms, u32 buffer_ms)
{
	struct way *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->rate = rate;
	w->rtt_us = rtt_ms * MS;
	w->buffer_us = buffer_ms * MS;
	w->now_us = 0xfff00000;	/* the clock wraps on the way */
	w->free_us = w->now_us;
	w->c.ops = &xtcp_bbr;
	w->c.mss = MSS;
	w->c.cwnd = xtcp_cong_initial_window(MSS);
	w->c.ssthresh = XTCP_SSTHRESH_INF;
	w->c.cwnd_clamp = XTCP_SSTHRESH_INF;
	w->c.srtt_us = w->rtt_us;
	w->c.ops->init(&w->c);
	w->c.ops->event(&w->c, XTCP_CONG_START);
	return w;
}

static u32 way_bdp(const struct way *w)
{
	return w->rate * (w->rtt_us / MS);
}

static void bbr_arithmetic__units(struct kunit *test)
{
	/* 1,250,000 octets in a second: 10 Mbit/s. */
	u32 bw = xtcp_bbr_bw(1250000, USEC_PER_SEC);

	KUNIT_EXPECT_EQ(test, bw, 1250U * 256);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_rate(bw, 256), 1250000ULL * 99 / 100);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bdp(bw, 40 * MS, 256), 50000U);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bdp(bw, 40 * MS, 512), 100000U);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bdp(1, 1, 256), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bdp(257, 1000, 256), 2U);
	/* 100 Gbit/s still fits, beyond it saturates and does not wrap. */
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bw(12500000, 1000), 12500000U * 256);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bw(U32_MAX, 1), U32_MAX);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bw(1000, 0), xtcp_bbr_bw(1000, 1));
	KUNIT_EXPECT_EQ(test, xtcp_bbr_bdp(U32_MAX, U32_MAX, 739), XTCP_SSTHRESH_INF);
}

static void bbr_start__paces_the_initial_window(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 100);

	/* 10 segments in 40 ms, times 739/256, a hundredth less. */
	KUNIT_EXPECT_EQ(test, w->c.pacing_rate, 250000ULL * 739 / 256 * 99 / 100);
	KUNIT_EXPECT_EQ(test, w->c.burst_segs, 2);
}

/* The model finds both numbers, for fast and slow, short and long paths. */
static void bbr_model__finds_the_path(struct kunit *test)
{
	static const struct { u32 rate, rtt_ms; } paths[] = {
		{ 125, 20 }, { 1250, 1 }, { 1250, 40 }, { 12500, 10 }, { 2500, 300 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct way *w = way_open(test, paths[i].rate, paths[i].rtt_ms, 1000);
		struct xtcp_bbr *b = xtcp_bbr_of(&w->c);
		u32 bw = paths[i].rate * 256;

		way_run(w, 2500 + 20 * paths[i].rtt_ms);
		KUNIT_EXPECT_TRUE_MSG(test, b->full, "path %u", i);
		KUNIT_EXPECT_EQ_MSG(test, b->mode, (u8)XTCP_BBR_PROBE_BW, "path %u", i);
		KUNIT_EXPECT_GE_MSG(test, minmax_get(&b->bw), bw / 100 * 95, "path %u", i);
		KUNIT_EXPECT_LE_MSG(test, minmax_get(&b->bw), bw / 100 * 107, "path %u", i);
		KUNIT_EXPECT_GE_MSG(test, b->min_rtt_us, w->rtt_us, "path %u", i);
		KUNIT_EXPECT_LE_MSG(test, b->min_rtt_us,
				    w->rtt_us + 2 * MSS * MS / w->rate + 200, "path %u", i);
		/* The queue that stays is a part of a round trip (or few segments). */
		way_run(w, 1000);
		KUNIT_EXPECT_LE_MSG(test, w->most_queue_us,
				    w->rtt_us + 12 * MSS * MS / w->rate, "path %u", i);
		/* Two products, and three bursts of a millisecond at the faster pace. */
		KUNIT_EXPECT_LE_MSG(test, w->most_cwnd,
				    2 * way_bdp(w) / 100 * 107 + 3 * w->rate / 4 * 5 + 10 * MSS,
				    "path %u", i);
	}
}

/* STARTUP doubles each round trip and ends within a few of the one that fills the path. */
static void bbr_startup__is_quick(struct kunit *test)
{
	struct way *w = way_open(test, 12500, 40, 1000);

	/*
	 * 500 kB from 10 kB: six doublings, then three round trips to be sure, nearly three
	 * times as long by the queue that it makes, and the drain.
	 */
	way_run(w, 40 * (6 + 3 * 3 + 3));
	KUNIT_EXPECT_TRUE(test, xtcp_bbr_of(&w->c)->full);
	KUNIT_EXPECT_LE(test, w->c.ssthresh, way_bdp(w) / 100 * 110);
}

/* Full speed on a path that drops what exceeds a small buffer: losses do not slow it. */
static void bbr_loss__does_not_slow_it(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 100, 20);
	u32 before;

	way_run(w, 5000);
	before = w->total;
	way_run(w, 4000);
	KUNIT_EXPECT_GE(test, w->total - before, 1250U * 4000 / 100 * 90);
}

/* One segment arrives, in @state, while little else is on its way. */
static void way_arrives_in(struct way *w, u8 state)
{
	struct xtcp_cong_ack ack = {
		.delivered = MSS,
		.inflight = 6 * MSS,
		.inflight_now = 5 * MSS,
		.total = w->total,
		.now_us = w->now_us,
	};

	if (state == XTCP_CA_RECOVERY && w->c.state < XTCP_CA_RECOVERY)
		xtcp_bbr.ssthresh(&w->c, 6 * MSS);
	w->c.state = state;
	xtcp_bbr.control(&w->c, &ack);
}

/* The first loss may mean a narrower path; a recovery right behind another does not. */
static void bbr_recovery__first_of_several(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);
	u32 cwnd;

	way_run(w, 3000);
	cwnd = w->c.cwnd;
	KUNIT_ASSERT_GT(test, cwnd, 10 * MSS);
	way_arrives_in(w, XTCP_CA_RECOVERY);
	KUNIT_EXPECT_EQ_MSG(test, w->c.cwnd, 6 * MSS, "as much as arrives");
	way_arrives_in(w, XTCP_CA_OPEN);
	KUNIT_EXPECT_GE_MSG(test, w->c.cwnd, cwnd, "over: as before");
	way_arrives_in(w, XTCP_CA_RECOVERY);
	KUNIT_EXPECT_GE_MSG(test, w->c.cwnd, cwnd, "the next one, in the same round trip");
	way_arrives_in(w, XTCP_CA_OPEN);
	way_run(w, 200);
	cwnd = w->c.cwnd;
	way_arrives_in(w, XTCP_CA_RECOVERY);
	KUNIT_EXPECT_EQ_MSG(test, w->c.cwnd, 6 * MSS, "after some round trips without");
	way_arrives_in(w, XTCP_CA_OPEN);
	KUNIT_EXPECT_GE(test, w->c.cwnd, cwnd);
}

/* Ten seconds without a shorter round trip: four segments for 200 ms, then as before. */
static void bbr_probe_rtt__empties_the_path(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);
	struct xtcp_bbr *b = xtcp_bbr_of(&w->c);
	u32 before;

	way_run(w, 5000);
	/* The path becomes longer: it cannot know without looking. */
	w->rtt_us = 60 * MS;
	way_run(w, 1000);
	KUNIT_EXPECT_LT(test, b->min_rtt_us, 50 * MS);
	way_run(w, 10000);
	KUNIT_EXPECT_EQ(test, w->least_cwnd, 4 * MSS);
	KUNIT_EXPECT_GE(test, b->min_rtt_us, 60 * MS);
	KUNIT_EXPECT_EQ(test, b->mode, (u8)XTCP_BBR_PROBE_BW);
	KUNIT_EXPECT_FALSE(test, w->c.drained);
	/* What so little delivered has not spoilt the rate. */
	KUNIT_EXPECT_GE(test, minmax_get(&b->bw), 1250U * 256 / 100 * 95);
	before = w->total;
	way_run(w, 1000);
	KUNIT_EXPECT_GE(test, w->total - before, 1250U * 1000 / 100 * 95);
}

/* A slower path is known after ten round trips; a faster one after a cycle or two. */
static void bbr_model__follows(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);
	struct xtcp_bbr *b = xtcp_bbr_of(&w->c);

	way_run(w, 3000);
	w->rate = 500;
	way_run(w, 4000);
	KUNIT_EXPECT_LE(test, minmax_get(&b->bw), 500U * 256 / 100 * 110);
	w->rate = 1250;
	way_run(w, 4000);
	KUNIT_EXPECT_GE(test, minmax_get(&b->bw), 1250U * 256 / 100 * 90);
}

/* After a pause it goes on at the rate it knows, in no hurry to look for the round trip. */
static void bbr_restart__keeps_the_model(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);
	struct xtcp_bbr *b = xtcp_bbr_of(&w->c);
	u32 bw;

	way_run(w, 3000);
	bw = minmax_get(&b->bw);
	w->idle = true;
	way_run(w, 15000);
	w->idle = false;
	way_run(w, 500);
	KUNIT_EXPECT_NE(test, b->mode, (u8)XTCP_BBR_PROBE_RTT);
	KUNIT_EXPECT_GE(test, minmax_get(&b->bw), bw / 100 * 90);
}

static void bbr_undo__looks_again(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);

	xtcp_bbr_of(&w->c)->full_bw = 1000;
	xtcp_bbr_of(&w->c)->full_rounds = 2;
	w->c.cwnd = 4 * MSS;
	KUNIT_EXPECT_EQ(test, xtcp_bbr.undo_cwnd(&w->c, 20 * MSS), 20 * MSS);
	KUNIT_EXPECT_EQ(test, xtcp_bbr_of(&w->c)->full_bw, 0U);
	KUNIT_EXPECT_EQ(test, (int)xtcp_bbr_of(&w->c)->full_rounds, 0);
	w->c.ssthresh = 12345;
	KUNIT_EXPECT_EQ(test, xtcp_bbr.ssthresh(&w->c, 99999), 12345U);
}

static void bbr_info__is_the_model(struct kunit *test)
{
	struct way *w = way_open(test, 1250, 40, 1000);
	union tcp_cc_info info = {};

	way_run(w, 3000);
	KUNIT_EXPECT_EQ(test, xtcp_bbr.info(&w->c, &info), sizeof(info.bbr));
	KUNIT_EXPECT_GE(test, info.bbr.bbr_bw_lo, 1250000U / 100 * 95);
	KUNIT_EXPECT_LE(test, info.bbr.bbr_bw_lo, 1250000U / 100 * 107);
	KUNIT_EXPECT_EQ(test, info.bbr.bbr_bw_hi, 0U);
	KUNIT_EXPECT_EQ(test, info.bbr.bbr_cwnd_gain, 512U);
	KUNIT_EXPECT_EQ(test, info.bbr.bbr_min_rtt, xtcp_bbr_of(&w->c)->min_rtt_us);
}

static struct kunit_case bbr_cases[] = {
	KUNIT_CASE(bbr_arithmetic__units),
	KUNIT_CASE(bbr_start__paces_the_initial_window),
	KUNIT_CASE(bbr_model__finds_the_path),
	KUNIT_CASE(bbr_startup__is_quick),
	KUNIT_CASE(bbr_loss__does_not_slow_it),
	KUNIT_CASE(bbr_recovery__first_of_several),
	KUNIT_CASE(bbr_probe_rtt__empties_the_path),
	KUNIT_CASE(bbr_model__follows),
	KUNIT_CASE(bbr_restart__keeps_the_model),
	KUNIT_CASE(bbr_undo__looks_again),
	KUNIT_CASE(bbr_info__is_the_model),
	{}
};

static struct kunit_suite bbr_suite = {
	.name = "xtcp_bbr",
	.test_cases = bbr_cases,
};

kunit_test_suite(bbr_suite);
