// SPDX-License-Identifier: GPL-2.0
/* KUnit: CUBIC by the equations of RFC 9438, HyStart++ by RFC 9406. */
#include <kunit/test.h>
#include <linux/string.h>
#include <linux/time64.h>
#include "../cong.h"
#include "../cubic.h"

#define MSS	1000U

/* A connection that plays by itself: an acknowledgment for each segment, one after the other. */
struct cubic_flow {
	struct xtcp_cong c;
	struct xtcp_cong_ack ack;
};

static void cubic_start(struct kunit *test, struct cubic_flow *f)
{
	memset(f, 0, sizeof(*f));
	KUNIT_ASSERT_EQ(test, xtcp_cong_assign(&f->c, "cubic"), 0);
	xtcp_cong_start(&f->c, MSS);
	f->ack.now_us = 1000000;
	f->ack.cwnd_limited = true;
}

/* One round trip of @rtt_us with a full window. */
static void cubic_round(struct cubic_flow *f, u32 rtt_us)
{
	u32 segs = f->c.cwnd / MSS, i;

	f->ack.nxt = f->ack.una + segs * MSS;
	for (i = 0; i < segs; i++) {
		f->ack.acked = MSS;
		f->ack.una += MSS;
		f->ack.rtt_us = rtt_us;
		f->ack.srtt_us = rtt_us;
		f->ack.now_us += rtt_us / segs;
		/* The sender fills the window again at once. */
		f->ack.nxt += MSS;
		f->ack.inflight = f->c.cwnd;
		f->c.ops->avoid(&f->c, &f->ack);
	}
}

static void cubic_root__exact(struct kunit *test)
{
	u64 i;

	for (i = 0; i < 2000; i++) {
		u64 n = i * i * 523 + i, cube;

		if (n >= 1 << 21)
			break;
		cube = n * n * n;
		KUNIT_ASSERT_EQ(test, xtcp_cubic_root(cube), (u32)n);
		KUNIT_ASSERT_EQ(test, xtcp_cubic_root(cube + 1), (u32)max(n, 1ULL));
		if (n)
			KUNIT_ASSERT_EQ(test, xtcp_cubic_root(cube - 1), (u32)n - 1);
	}
	KUNIT_EXPECT_EQ(test, xtcp_cubic_root(U64_MAX), 1U << 21);
}

/* K = cbrt(W_max * (1 - beta) / C): 100 segments: cbrt(30 / 0.4) = 4.217 s. */
static void cubic_k__equation_2(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_cubic_k_ms(100 * MSS, 70 * MSS, MSS), 4217U);
	KUNIT_EXPECT_EQ(test, xtcp_cubic_k_ms(1000 * MSS, 700 * MSS, MSS), 9085U);
	KUNIT_EXPECT_EQ(test, xtcp_cubic_k_ms(100 * MSS, 100 * MSS, MSS), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_cubic_k_ms(50 * MSS, 100 * MSS, MSS), 0U);
	KUNIT_EXPECT_GT(test, xtcp_cubic_k_ms(U32_MAX, 0, 1), 1000000U);
}

/* W(t) = C * (t - K)^3 + W_max. */
static void cubic_window__equation_1(struct kunit *test)
{
	u32 k = xtcp_cubic_k_ms(100 * MSS, 70 * MSS, MSS), at0;

	KUNIT_EXPECT_EQ_MSG(test, xtcp_cubic_window(100 * MSS, k, k, MSS), 100 * MSS, "flat at K");
	at0 = xtcp_cubic_window(100 * MSS, k, 0, MSS);
	KUNIT_EXPECT_GE_MSG(test, at0, 70 * MSS, "where it began");
	KUNIT_EXPECT_LE(test, at0, 70 * MSS + 30);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_cubic_window(100 * MSS, 0, 1000, MSS), 100400U,
			    "0.4 segments after a second");
	KUNIT_EXPECT_EQ_MSG(test, xtcp_cubic_window(100 * MSS, 0, 10000, MSS), 500 * MSS,
			    "0.4 * 1000 segments after ten");
	KUNIT_EXPECT_EQ(test, xtcp_cubic_window(0, 10000, 0, MSS), 0U);
	KUNIT_EXPECT_LE(test, xtcp_cubic_window(XTCP_SSTHRESH_INF, 0, U32_MAX, 65535),
			XTCP_SSTHRESH_INF);
}

static void cubic_ssthresh__seven_tenths(struct kunit *test)
{
	struct cubic_flow f;

	cubic_start(test, &f);
	f.c.cwnd = 100 * MSS;
	KUNIT_EXPECT_EQ(test, f.c.ops->ssthresh(&f.c, 0), 70 * MSS);
	f.c.cwnd = 2 * MSS;
	KUNIT_EXPECT_EQ(test, f.c.ops->ssthresh(&f.c, 0), 2 * MSS);
	xtcp_cong_release(&f.c);
}

/* After a loss: concave up to the old window in K seconds, then beyond it. */
static void cubic_avoid__follows_the_curve(struct kunit *test)
{
	struct cubic_flow f;
	u32 start, i;

	cubic_start(test, &f);
	f.c.cwnd = 1000 * MSS;
	f.c.ssthresh = f.c.ops->ssthresh(&f.c, 0);
	f.c.cwnd = f.c.ssthresh;
	start = f.ack.now_us;
	/* K is 9.085 s; round trips of 100 ms. */
	while (f.ack.now_us - start < 9 * USEC_PER_SEC) {
		u32 before = f.c.cwnd;

		cubic_round(&f, 100000);
		KUNIT_ASSERT_GE(test, f.c.cwnd, before);
		KUNIT_ASSERT_LE_MSG(test, f.c.cwnd, 1003 * MSS, "after %u us",
				    f.ack.now_us - start);
	}
	KUNIT_EXPECT_GE(test, f.c.cwnd, 990 * MSS);
	for (i = 0; i < 60; i++)
		cubic_round(&f, 100000);
	KUNIT_EXPECT_GE_MSG(test, f.c.cwnd, 1050 * MSS, "beyond it: convex");
	xtcp_cong_release(&f.c);
}

/* With short round trips Reno would be quicker, and CUBIC is as quick. */
static void cubic_avoid__not_below_reno(struct kunit *test)
{
	struct cubic_flow f;
	u32 i;

	cubic_start(test, &f);
	f.c.cwnd = 20 * MSS;
	f.c.ssthresh = f.c.ops->ssthresh(&f.c, 0);
	f.c.cwnd = f.c.ssthresh;
	KUNIT_ASSERT_EQ(test, f.c.cwnd, 14 * MSS);
	for (i = 0; i < 20; i++)
		cubic_round(&f, 1000);
	/* 20 round trips at 0.53 segments each, then a whole one: about 24. */
	KUNIT_EXPECT_GE(test, f.c.cwnd, 22 * MSS);
	KUNIT_EXPECT_LE(test, f.c.cwnd, 28 * MSS);
	xtcp_cong_release(&f.c);
}

/* RFC 9438 5.8: a pause is no time on the curve. */
static void cubic_avoid__pause_does_not_count(struct kunit *test)
{
	struct cubic_flow f;
	u32 before, i;

	cubic_start(test, &f);
	f.c.cwnd = 100 * MSS;
	f.c.ssthresh = f.c.ops->ssthresh(&f.c, 0);
	f.c.cwnd = f.c.ssthresh;
	for (i = 0; i < 5; i++)
		cubic_round(&f, 100000);
	before = f.c.cwnd;
	f.ack.cwnd_limited = false;
	cubic_round(&f, 100000);
	KUNIT_EXPECT_EQ_MSG(test, f.c.cwnd, before, "not the limit: no growth");
	f.ack.now_us += 60 * USEC_PER_SEC;
	f.ack.cwnd_limited = true;
	cubic_round(&f, 100000);
	KUNIT_EXPECT_LE_MSG(test, f.c.cwnd, before + 5 * MSS, "no jump");
	xtcp_cong_release(&f.c);
}

/* RFC 9438 4.7: losing again below the last loss it leaves room for others. */
static void cubic_ssthresh__fast_convergence(struct kunit *test)
{
	struct cubic_flow f, g;
	u32 i;

	cubic_start(test, &f);
	f.c.cwnd = 1000 * MSS;
	f.c.cwnd = f.c.ops->ssthresh(&f.c, 0);
	g = f;
	f.c.cwnd = 800 * MSS;
	f.c.ssthresh = f.c.cwnd = f.c.ops->ssthresh(&f.c, 0);
	/* The other one lost nothing before. */
	memset(g.c.priv, 0, sizeof(g.c.priv));
	g.c.ops->init(&g.c);
	g.c.cwnd = 800 * MSS;
	g.c.ssthresh = g.c.cwnd = g.c.ops->ssthresh(&g.c, 0);
	KUNIT_EXPECT_EQ(test, f.c.cwnd, g.c.cwnd);
	for (i = 0; i < 60; i++) {
		cubic_round(&f, 100000);
		cubic_round(&g, 100000);
	}
	KUNIT_EXPECT_LT(test, f.c.cwnd, g.c.cwnd);
	xtcp_cong_release(&f.c);
}

static void cubic_undo__curve_as_before(struct kunit *test)
{
	struct cubic_flow f;
	u32 prior, i;

	cubic_start(test, &f);
	f.c.cwnd = 100 * MSS;
	f.c.ssthresh = f.c.cwnd = f.c.ops->ssthresh(&f.c, 0);
	for (i = 0; i < 10; i++)
		cubic_round(&f, 100000);
	prior = f.c.cwnd;
	f.c.cwnd = f.c.ops->ssthresh(&f.c, 0);
	KUNIT_EXPECT_LT(test, f.c.cwnd, prior);
	f.c.cwnd = f.c.ops->undo_cwnd(&f.c, prior);
	KUNIT_EXPECT_EQ(test, f.c.cwnd, prior);
	cubic_round(&f, 100000);
	KUNIT_EXPECT_GE(test, f.c.cwnd, prior);
	KUNIT_EXPECT_LE(test, f.c.cwnd, prior + 3 * MSS);
	xtcp_cong_release(&f.c);
}

/* RFC 9406: round trips that grow end slow start, by way of a slower one. */
static void hystart__growing_round_trips(struct kunit *test)
{
	struct cubic_flow f;
	u32 before, i;

	cubic_start(test, &f);
	for (i = 0; i < 3; i++) {
		before = f.c.cwnd;
		cubic_round(&f, 50000);
		KUNIT_ASSERT_EQ_MSG(test, f.c.cwnd, 2 * before, "slow start doubles");
	}
	/* An eighth of 50 ms more: conservative slow start. */
	cubic_round(&f, 60000);
	before = f.c.cwnd;
	cubic_round(&f, 60000);
	KUNIT_EXPECT_LE_MSG(test, f.c.cwnd, before + before / 3, "a quarter as quick");
	KUNIT_EXPECT_GT(test, f.c.cwnd, before);
	for (i = 0; i < 6; i++)
		cubic_round(&f, 60000);
	KUNIT_EXPECT_LT_MSG(test, f.c.ssthresh, XTCP_SSTHRESH_INF, "over after five");
	xtcp_cong_release(&f.c);
}

static void hystart__shorter_again(struct kunit *test)
{
	struct cubic_flow f;
	u32 before, i;

	cubic_start(test, &f);
	for (i = 0; i < 3; i++)
		cubic_round(&f, 50000);
	cubic_round(&f, 60000);
	cubic_round(&f, 51000);
	before = f.c.cwnd;
	cubic_round(&f, 51000);
	KUNIT_EXPECT_EQ_MSG(test, f.c.cwnd, 2 * before, "it was no queue: doubles again");
	KUNIT_EXPECT_EQ(test, f.c.ssthresh, XTCP_SSTHRESH_INF);
	xtcp_cong_release(&f.c);
}

/* Less than four milliseconds are noise. */
static void hystart__small_changes_are_noise(struct kunit *test)
{
	struct cubic_flow f;
	u32 before, i;

	cubic_start(test, &f);
	for (i = 0; i < 6; i++) {
		before = f.c.cwnd;
		cubic_round(&f, 1000 + i * 600);
		KUNIT_ASSERT_EQ(test, f.c.cwnd, 2 * before);
	}
	xtcp_cong_release(&f.c);
}

/* One round trip with an ACK for each @stretch segments. */
static void cubic_round_of(struct cubic_flow *f, u32 rtt_us, u32 stretch)
{
	u32 left = f->c.cwnd;

	f->ack.nxt = f->ack.una + left;
	while (left) {
		f->ack.acked = min(left, stretch * MSS);
		left -= f->ack.acked;
		f->ack.una += f->ack.acked;
		f->ack.rtt_us = rtt_us;
		f->ack.srtt_us = rtt_us;
		/* The sender fills the window again at once. */
		f->ack.nxt += f->ack.acked;
		f->ack.inflight = f->c.cwnd;
		f->c.ops->avoid(&f->c, &f->ack);
	}
	f->ack.now_us += rtt_us;
}

/* Did slow start end after round trips of 50 ms and then 80 ms, acknowledged in such batches? */
static bool hystart_ends(struct kunit *test, u32 segs, u32 stretch)
{
	struct cubic_flow f;
	bool ended;
	u32 i;

	cubic_start(test, &f);
	for (i = 0; i < 12; i++) {
		/* The window of a round trip is @segs segments, whatever it has grown to. */
		f.c.cwnd = segs * MSS;
		cubic_round_of(&f, i < 3 ? 50000 : 80000, stretch);
	}
	ended = f.c.ssthresh != XTCP_SSTHRESH_INF;
	xtcp_cong_release(&f.c);
	return ended;
}

/* Eight samples are 16 segments: one ACK for all of them says as much as eight for two each. */
static void hystart__acknowledged_in_batches(struct kunit *test)
{
	static const struct { u32 segs, stretch; bool ends; } cases[] = {
		{ 8, 1, true }, { 7, 1, false }, { 16, 2, true }, { 14, 2, false },
		{ 15, 3, false }, { 24, 3, true }, { 16, 16, true }, { 15, 15, false },
		{ 100, 100, true }, { 44, 44, true }, { 16, 8, true }, { 12, 4, false },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, hystart_ends(test, cases[i].segs, cases[i].stretch),
				    cases[i].ends, "%u segments, an ACK for %u", cases[i].segs,
				    cases[i].stretch);
}

static struct kunit_case cubic_cases[] = {
	KUNIT_CASE(cubic_root__exact),
	KUNIT_CASE(cubic_k__equation_2),
	KUNIT_CASE(cubic_window__equation_1),
	KUNIT_CASE(cubic_ssthresh__seven_tenths),
	KUNIT_CASE(cubic_avoid__follows_the_curve),
	KUNIT_CASE(cubic_avoid__not_below_reno),
	KUNIT_CASE(cubic_avoid__pause_does_not_count),
	KUNIT_CASE(cubic_ssthresh__fast_convergence),
	KUNIT_CASE(cubic_undo__curve_as_before),
	KUNIT_CASE(hystart__growing_round_trips),
	KUNIT_CASE(hystart__shorter_again),
	KUNIT_CASE(hystart__small_changes_are_noise),
	KUNIT_CASE(hystart__acknowledged_in_batches),
	{}
};

static struct kunit_suite cubic_suite = {
	.name = "xtcp_cubic",
	.test_cases = cubic_cases,
};

kunit_test_suite(cubic_suite);
