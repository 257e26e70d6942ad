// SPDX-License-Identifier: GPL-2.0
/* KUnit: sequence number arithmetic modulo 2^32 (RFC 9293 section 3.4). */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include "../seq.h"
#include "rnd.h"

#define HALF	0x80000000U

/* Starting points around which the circle could be cut wrongly. */
static const u32 seq_anchors[] = {
	0, 1, 2, 836, HALF - 2, HALF - 1, HALF, HALF + 1, U32_MAX - 1, U32_MAX,
};

static void seq_before__forward_distance(struct kunit *test)
{
	static const u32 distances[] = { 1, 2, 536, 65535, 1U << 30, HALF - 1 };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(seq_anchors); i++) {
		for (j = 0; j < ARRAY_SIZE(distances); j++) {
			u32 a = seq_anchors[i], b = a + distances[j];

			KUNIT_EXPECT_TRUE_MSG(test, xtcp_seq_before(a, b), "%u %u", a, b);
			KUNIT_EXPECT_FALSE_MSG(test, xtcp_seq_before(b, a), "%u %u", a, b);
			KUNIT_EXPECT_TRUE_MSG(test, xtcp_seq_after(b, a), "%u %u", a, b);
			KUNIT_EXPECT_FALSE_MSG(test, xtcp_seq_after(a, b), "%u %u", a, b);
		}
	}
}

static void seq_before__equal_is_neither(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(seq_anchors); i++) {
		KUNIT_EXPECT_FALSE(test, xtcp_seq_before(seq_anchors[i], seq_anchors[i]));
		KUNIT_EXPECT_FALSE(test, xtcp_seq_after(seq_anchors[i], seq_anchors[i]));
	}
}

/* The order is the order of 64-bit stream offsets that are less than 2^31 apart. */
static void seq_before__random_against_offsets(struct kunit *test)
{
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 793);
	for (i = 0; i < 20000; i++) {
		u64 a = (u64)rnd_below(&rnd, 8) << 32 | prandom_u32_state(&rnd);
		u64 b = a + rnd_below(&rnd, HALF);

		if (rnd_coin(&rnd))
			swap(a, b);
		KUNIT_ASSERT_EQ_MSG(test, xtcp_seq_before(a, b), a < b, "%llu %llu", a, b);
		KUNIT_ASSERT_EQ_MSG(test, xtcp_seq_after(a, b), a > b, "%llu %llu", a, b);
	}
}

static void seq_between__ends_count(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(seq_anchors); i++) {
		u32 lo = seq_anchors[i];

		KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo, lo, lo));
		KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo + 1, lo, lo));
		KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo - 1, lo, lo));
		KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo, lo, lo + 10));
		KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo + 10, lo, lo + 10));
		KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo + 11, lo, lo + 10));
		KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo - 1, lo, lo + 10));
	}
}

/* Every member of a window, and every neighbour, across the wrap. */
static void seq_between__whole_window(struct kunit *test)
{
	u32 lo = U32_MAX - 100, hi = lo + 200, i;

	for (i = 0; i < 400; i++) {
		u32 x = lo - 100 + i;

		KUNIT_EXPECT_EQ_MSG(test, xtcp_seq_between(x, lo, hi), i >= 100 && i <= 300,
				    "%u", x);
	}
}

/* An interval may be wider than what two numbers can be compared over. */
static void seq_between__more_than_half_the_circle(struct kunit *test)
{
	u32 lo = 1000, hi = lo + 3 * (1U << 30);

	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo + HALF, lo, hi));
	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo + HALF + 1, lo, hi));
	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(hi, lo, hi));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(hi + 1, lo, hi));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo - 1, lo, hi));
	/* One that is all of it but one number. */
	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(lo + HALF, lo, lo - 2));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(lo - 1, lo, lo - 2));
}

static void seq_min_max__across_wrap(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_seq_max(U32_MAX - 5, 3), 3U);
	KUNIT_EXPECT_EQ(test, xtcp_seq_max(3, U32_MAX - 5), 3U);
	KUNIT_EXPECT_EQ(test, xtcp_seq_min(U32_MAX - 5, 3), U32_MAX - 5);
	KUNIT_EXPECT_EQ(test, xtcp_seq_min(3, U32_MAX - 5), U32_MAX - 5);
	KUNIT_EXPECT_EQ(test, xtcp_seq_max(7, 7), 7U);
	KUNIT_EXPECT_EQ(test, xtcp_seq_min(7, 7), 7U);
}

/*
 * The exchange of RFC 9293 figure 6 in numbers: a SYN takes one, so ISN 836 is
 * acknowledged by 837 and ISN 486 by 487; what is before or behind is not acceptable
 * in SYN-SENT (3.10.7.3: SND.UNA < SEG.ACK =< SND.NXT).
 */
static void seq_handshake__textbook(struct kunit *test)
{
	const u32 client_iss = 836, server_iss = 486;
	const u32 snd_una = client_iss, snd_nxt = client_iss + 1;

	KUNIT_EXPECT_EQ(test, snd_nxt, 837U);
	KUNIT_EXPECT_EQ(test, server_iss + 1, 487U);
	KUNIT_EXPECT_TRUE(test, xtcp_seq_between(837, snd_una + 1, snd_nxt));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(836, snd_una + 1, snd_nxt));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(838, snd_una + 1, snd_nxt));
	KUNIT_EXPECT_FALSE(test, xtcp_seq_between(837 + HALF, snd_una + 1, snd_nxt));
}

static struct kunit_case seq_cases[] = {
	KUNIT_CASE(seq_before__forward_distance),
	KUNIT_CASE(seq_before__equal_is_neither),
	KUNIT_CASE(seq_before__random_against_offsets),
	KUNIT_CASE(seq_between__ends_count),
	KUNIT_CASE(seq_between__whole_window),
	KUNIT_CASE(seq_between__more_than_half_the_circle),
	KUNIT_CASE(seq_min_max__across_wrap),
	KUNIT_CASE(seq_handshake__textbook),
	{}
};

static struct kunit_suite seq_suite = {
	.name = "xtcp_seq",
	.test_cases = seq_cases,
};

kunit_test_suite(seq_suite);
