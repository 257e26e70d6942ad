// SPDX-License-Identifier: GPL-2.0
/* KUnit: DCTCP's estimate and window by the equations of RFC 8257. */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/string.h>
#include <linux/tcp.h>
#include <linux/inet_diag.h>
#include "../cong.h"
#include "../dctcp.h"
#include "rnd.h"

#define MSS	1000U
#define ONE	XTCP_DCTCP_ONE

/* One observation window of @segs segments from *@una on, the first @marked of them with ECE. */
static void dctcp_window(struct xtcp_dctcp *d, u32 *una, u32 segs, u32 marked)
{
	u32 i;

	for (i = 0; i < segs; i++) {
		*una += MSS;
		/* It ends beyond WindowEnd, so this makes it @segs long. */
		xtcp_dctcp_observe(d, *una, *una + (segs - 1) * MSS, MSS, i < marked);
	}
}

static void dctcp_begin__conservative(struct kunit *test)
{
	struct xtcp_dctcp d;

	xtcp_dctcp_begin(&d);
	KUNIT_EXPECT_EQ(test, d.alpha, ONE);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_dctcp_reduced(&d, 100 * MSS, MSS), 50 * MSS, "as Reno");
}

/* 3.3 steps 1 to 8: nothing before WindowEnd, then M of what was counted, then from zero. */
static void dctcp_observe__window_ends_beyond(struct kunit *test)
{
	struct xtcp_dctcp d;

	xtcp_dctcp_begin(&d);
	/* WindowEnd is SND.UNA at first, so the first acknowledgment ends the first window. */
	xtcp_dctcp_observe(&d, 11000, 20000, 1000, false);
	KUNIT_EXPECT_EQ(test, d.alpha, ONE / 16 * 15);
	KUNIT_EXPECT_EQ(test, d.end, 20000U);
	xtcp_dctcp_observe(&d, 15000, 24000, 4000, true);
	KUNIT_EXPECT_EQ(test, d.alpha, ONE / 16 * 15);
	KUNIT_EXPECT_EQ(test, d.marked, 4000U);
	xtcp_dctcp_observe(&d, 20000, 28000, 5000, false);
	KUNIT_EXPECT_EQ_MSG(test, d.alpha, ONE / 16 * 15, "equal to WindowEnd: not yet");
	xtcp_dctcp_observe(&d, 21000, 29000, 1000, false);
	/* M = 4000 / 10000 */
	KUNIT_EXPECT_EQ(test, d.alpha,
			ONE / 16 * 15 - ONE / 256 * 15 + (u32)(4ULL * ONE / 10) / 16);
	KUNIT_EXPECT_EQ(test, d.end, 29000U);
	KUNIT_EXPECT_EQ(test, d.acked, 0U);
	KUNIT_EXPECT_EQ(test, d.marked, 0U);
}

/* An ACK that acknowledges nothing marks nothing, whatever it says. */
static void dctcp_observe__octets_not_acks(struct kunit *test)
{
	struct xtcp_dctcp d;

	xtcp_dctcp_begin(&d);
	xtcp_dctcp_observe(&d, 1000, 10000, 1000, false);
	xtcp_dctcp_observe(&d, 1000, 10000, 0, true);
	KUNIT_EXPECT_EQ(test, d.marked, 0U);
	xtcp_dctcp_observe(&d, 2000, 10000, 1000, true);
	xtcp_dctcp_observe(&d, 9000, 10000, 7000, false);
	KUNIT_EXPECT_EQ(test, d.marked, 1000U);
	KUNIT_EXPECT_EQ(test, d.acked, 8000U);
}

/* Sixteenths of a window marked, for long: alpha comes to just that part. */
static void dctcp_alpha__converges(struct kunit *test)
{
	u32 part, i;

	for (part = 0; part <= 16; part++) {
		struct xtcp_dctcp d;
		u32 una = 0xffff0000, want = part * (ONE / 16);

		xtcp_dctcp_begin(&d);
		for (i = 0; i < 400; i++)
			dctcp_window(&d, &una, 16, part);
		/* Rounding takes at most one unit in each window; it settles below sixteen. */
		KUNIT_EXPECT_LE_MSG(test, d.alpha, want, "%u of 16", part);
		KUNIT_EXPECT_GE_MSG(test, d.alpha + 32, want, "%u of 16", part);
	}
}

/* Nothing marked: 15/16 of it after each window, and none in the end. */
static void dctcp_alpha__decays(struct kunit *test)
{
	struct xtcp_dctcp d;
	u32 una = 0, i;

	xtcp_dctcp_begin(&d);
	dctcp_window(&d, &una, 1, 0);
	KUNIT_EXPECT_EQ(test, d.alpha, ONE / 16 * 15);
	dctcp_window(&d, &una, 10, 0);
	dctcp_window(&d, &una, 10, 0);
	for (i = 0; i < 400; i++)
		dctcp_window(&d, &una, 10, 0);
	KUNIT_EXPECT_EQ(test, d.alpha, 0U);
	KUNIT_EXPECT_EQ(test, xtcp_dctcp_reduced(&d, 100 * MSS, MSS), 100 * MSS);
}

/* alpha = (1 - g) * alpha + g * M, in 2^40ths and rounded nowhere else. */
static void dctcp_alpha__random_against_equation(struct kunit *test)
{
	struct rnd_state rnd;
	struct xtcp_dctcp d;
	u64 want = 1ULL << 40;
	u32 una = 0x7ffff000, nxt, end, acked = 0, marked = 0, i;

	prandom_seed_state(&rnd, 8257);
	xtcp_dctcp_begin(&d);
	end = una;
	for (i = 0; i < 20000; i++) {
		u32 n = rnd_below(&rnd, 65536);
		bool ece = rnd_below(&rnd, 4) == 0;

		una += n;
		nxt = una + rnd_below(&rnd, 1 << 20);
		acked += n;
		marked += ece ? n : 0;
		if ((s32)(una - end) > 0) {
			want = want - want / 16 + div_u64((u64)marked << 40, acked) / 16;
			end = nxt;
			acked = 0;
			marked = 0;
		}
		xtcp_dctcp_observe(&d, una, nxt, n, ece);
		KUNIT_ASSERT_LE(test, abs((s32)(d.alpha - (u32)(want >> 20))), 33);
		KUNIT_ASSERT_LE(test, d.alpha, ONE);
	}
}

/* cwnd * (1 - alpha / 2), at least two segments, for every size of window. */
static void dctcp_reduced__equation(struct kunit *test)
{
	struct xtcp_dctcp d = { .alpha = ONE / 2 };

	KUNIT_EXPECT_EQ(test, xtcp_dctcp_reduced(&d, 100 * MSS, MSS), 75 * MSS);
	KUNIT_EXPECT_EQ(test, xtcp_dctcp_reduced(&d, 0x7fffffff, MSS), 0x60000000U);
	KUNIT_EXPECT_EQ(test, xtcp_dctcp_reduced(&d, 2 * MSS, MSS), 2 * MSS);
	d.alpha = ONE / 16;
	KUNIT_EXPECT_EQ(test, xtcp_dctcp_reduced(&d, 32 * MSS, MSS), 31 * MSS);
}

/* Marks weigh by alpha, losses as with Reno, and without ECN nothing else is there. */
static void dctcp_ssthresh__by_cause(struct kunit *test)
{
	struct xtcp_cong_ack ack = { .una = 1000, .nxt = 10000, .acked = 1000 };
	struct xtcp_cong c = {};

	KUNIT_ASSERT_EQ(test, xtcp_cong_assign(&c, "dctcp"), 0);
	KUNIT_EXPECT_TRUE(test, c.ops->flags & XTCP_CONG_NEEDS_ECN);
	c.ecn = true;
	xtcp_cong_start(&c, MSS);
	c.cwnd = 100 * MSS;
	c.ops->acked(&c, &ack);
	c.state = XTCP_CA_CWR;
	KUNIT_EXPECT_EQ_MSG(test, c.ops->ssthresh(&c, 80 * MSS), 53125U, "1 - 15/32");
	c.ssthresh = 53125;
	c.cwnd = 60 * MSS;
	c.ops->state(&c, XTCP_CA_RECOVERY);
	KUNIT_EXPECT_EQ_MSG(test, c.ssthresh, 50 * MSS, "a loss as well: half of what was");
	c.ops->state(&c, XTCP_CA_OPEN);
	KUNIT_EXPECT_EQ(test, c.ssthresh, 50 * MSS);
	c.state = XTCP_CA_OPEN;
	KUNIT_EXPECT_EQ_MSG(test, c.ops->ssthresh(&c, 80 * MSS), 40 * MSS, "a loss");
	/* A new connection knows nothing of the old one's path. */
	c.ecn = false;
	xtcp_cong_start(&c, MSS);
	c.ops->acked(&c, &ack);
	KUNIT_EXPECT_EQ(test, ((struct xtcp_dctcp *)c.priv)->alpha, ONE);
	xtcp_cong_release(&c);
}

static void dctcp_info__linux_units(struct kunit *test)
{
	struct xtcp_cong_ack ack = { .una = 1000, .nxt = 10000, .acked = 1000 };
	union tcp_cc_info info = {};
	struct xtcp_cong c = {};

	KUNIT_ASSERT_EQ(test, xtcp_cong_assign(&c, "dctcp"), 0);
	KUNIT_EXPECT_EQ(test, c.ops->info(&c, &info), sizeof(info.dctcp));
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_enabled, 0);
	c.ecn = true;
	c.ce = true;
	c.ops->acked(&c, &ack);
	ack.una = 3000;
	ack.acked = 2000;
	ack.ece = true;
	c.ops->acked(&c, &ack);
	c.ops->info(&c, &info);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_enabled, 1);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ce_state, 1);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_alpha, 960U);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ab_ecn, 2000U);
	KUNIT_EXPECT_EQ(test, info.dctcp.dctcp_ab_tot, 2000U);
	xtcp_cong_release(&c);
}

static struct kunit_case dctcp_cases[] = {
	KUNIT_CASE(dctcp_begin__conservative),
	KUNIT_CASE(dctcp_observe__window_ends_beyond),
	KUNIT_CASE(dctcp_observe__octets_not_acks),
	KUNIT_CASE(dctcp_alpha__converges),
	KUNIT_CASE(dctcp_alpha__decays),
	KUNIT_CASE(dctcp_alpha__random_against_equation),
	KUNIT_CASE(dctcp_reduced__equation),
	KUNIT_CASE(dctcp_ssthresh__by_cause),
	KUNIT_CASE(dctcp_info__linux_units),
	{}
};

static struct kunit_suite dctcp_suite = {
	.name = "xtcp_dctcp",
	.test_cases = dctcp_cases,
};

kunit_test_suite(dctcp_suite);
