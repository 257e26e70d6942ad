// SPDX-License-Identifier: GPL-2.0
/* KUnit: round-trip time and retransmission time-out (RFC 6298). */
#include <kunit/test.h>
#include <linux/limits.h>
#include "../rtt.h"
#include "rnd.h"

#define MS	USEC_PER_MSEC

static struct xtcp_rtt rtt_fresh(void)
{
	struct xtcp_rtt rtt;

	xtcp_rtt_init(&rtt);
	return rtt;
}

static void rtt_init__one_second(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 1000000U);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us, 0U);
	KUNIT_EXPECT_EQ(test, rtt.min_us, U32_MAX);
	KUNIT_EXPECT_EQ(test, rtt.backoff, 0);
}

/* 2.2: SRTT = R, RTTVAR = R/2, RTO = R + 4 * R/2. */
static void rtt_sample__first(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	xtcp_rtt_sample(&rtt, 500 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us >> 3, 500 * MS);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us >> 2, 250 * MS);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 1500 * MS);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 500 * MS);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 500 * MS);
}

/*
 * 2.3, by hand. R = 100 then 200 ms: RTTVAR = 3/4 * 50 + 1/4 * 100 = 62.5,
 * SRTT = 7/8 * 100 + 1/8 * 200 = 112.5, RTO = 112.5 + 250. Then 100 ms: RTTVAR =
 * 46.875 + 3.125 = 50, SRTT = 98.4375 + 12.5 = 110.9375, RTO = 310.9375.
 */
static void rtt_sample__worked_values(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	xtcp_rtt_sample(&rtt, 100 * MS);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 300000U);
	xtcp_rtt_sample(&rtt, 200 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us, 8 * 112500U);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us, 4 * 62500U);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 362500U);
	xtcp_rtt_sample(&rtt, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us, 887500U);
	KUNIT_EXPECT_EQ(test, rtt.rttvar_us, 200000U);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 310937U);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 100 * MS);
}

/* A steady path: the variation dies out and the floor is what is left. */
static void rtt_sample__steady_path_meets_floor(struct kunit *test)
{
	static const u32 paths[] = { 1, 40, 1000, 30 * MS, 3 * USEC_PER_SEC };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct xtcp_rtt rtt = rtt_fresh();

		for (j = 0; j < 100; j++)
			xtcp_rtt_sample(&rtt, paths[i]);
		KUNIT_EXPECT_EQ_MSG(test, rtt.srtt_us >> 3, paths[i], "path %u", paths[i]);
		KUNIT_EXPECT_EQ_MSG(test, xtcp_rtt_rto(&rtt), paths[i] + XTCP_RTO_MIN_US,
				    "path %u", paths[i]);
	}
}

static void rtt_sample__zero_counts_as_one(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	xtcp_rtt_sample(&rtt, 0);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us, 8U);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 1U);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 1U);
	xtcp_rtt_sample(&rtt, 0);
	KUNIT_EXPECT_NE_MSG(test, rtt.srtt_us, 0U, "0 means that there is no sample");
}

static void rtt_sample__clamped_at_maximum(struct kunit *test)
{
	static const u32 samples[] = { 119 * USEC_PER_SEC, XTCP_RTO_MAX_US, 500000000U, U32_MAX };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(samples); i++) {
		struct xtcp_rtt rtt = rtt_fresh();

		for (j = 0; j < 3; j++) {
			xtcp_rtt_sample(&rtt, samples[i]);
			KUNIT_EXPECT_EQ(test, rtt.rto_us, (u32)XTCP_RTO_MAX_US);
			KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), (u32)XTCP_RTO_MAX_US);
			KUNIT_EXPECT_EQ(test, rtt.last_us, min_t(u32, samples[i],
								XTCP_RTO_MAX_US));
			KUNIT_EXPECT_EQ(test, rtt.min_us, rtt.last_us);
			KUNIT_EXPECT_EQ(test, rtt.srtt_us >> 3, rtt.last_us);
		}
	}
}

static void rtt_sample__minimum_is_kept(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	xtcp_rtt_sample(&rtt, 70);
	xtcp_rtt_sample(&rtt, 30);
	xtcp_rtt_sample(&rtt, 90);
	KUNIT_EXPECT_EQ(test, rtt.min_us, 30U);
	KUNIT_EXPECT_EQ(test, rtt.last_us, 90U);
}

/* 5.5: each expiry doubles, to the maximum and never around it. */
static void rtt_backoff__doubles_and_saturates(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();
	u64 want = XTCP_RTO_INIT_US;
	int i;

	for (i = 0; i < 600; i++) {
		KUNIT_ASSERT_EQ_MSG(test, xtcp_rtt_rto(&rtt), (u32)want, "after %d", i);
		xtcp_rtt_backoff(&rtt);
		want = min_t(u64, want * 2, XTCP_RTO_MAX_US);
	}
	KUNIT_EXPECT_EQ(test, rtt.rto_us, (u32)XTCP_RTO_INIT_US);
}

/* The bits that a doubling pushes out at the top must not come in again at the bottom. */
static void rtt_backoff__never_wraps_around(struct kunit *test)
{
	u32 rto;
	int i;

	for (rto = 1U << 18; rto < XTCP_RTO_MAX_US; rto += rto / 3 + 1) {
		struct xtcp_rtt rtt = rtt_fresh();

		rtt.rto_us = rto & ~1U;
		for (i = 0; i < 300; i++) {
			u64 want = i < 32 ? (u64)rtt.rto_us << i : XTCP_RTO_MAX_US;

			KUNIT_ASSERT_EQ_MSG(test, xtcp_rtt_rto(&rtt),
					    (u32)min_t(u64, want, XTCP_RTO_MAX_US),
					    "%u after %d", rtt.rto_us, i);
			xtcp_rtt_backoff(&rtt);
		}
	}
}

/*
 * Karn: the back-off holds until a segment that was sent once gives a sample; the
 * estimator keeps what it knew before.
 */
static void rtt_backoff__ends_with_a_sample(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();
	u32 srtt;

	xtcp_rtt_sample(&rtt, 100 * MS);
	srtt = rtt.srtt_us;
	xtcp_rtt_backoff(&rtt);
	xtcp_rtt_backoff(&rtt);
	xtcp_rtt_backoff(&rtt);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 8 * 300 * MS);
	KUNIT_EXPECT_EQ(test, rtt.srtt_us, srtt);
	xtcp_rtt_sample(&rtt, 100 * MS);
	KUNIT_EXPECT_EQ(test, rtt.backoff, 0);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 300 * MS);
}

/* 5.7: three seconds, unless the handshake gave a sample after all. */
static void rtt_handshake_lost__falls_back(struct kunit *test)
{
	struct xtcp_rtt rtt = rtt_fresh();

	xtcp_rtt_backoff(&rtt);
	xtcp_rtt_handshake_lost(&rtt);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 3000000U);
	KUNIT_EXPECT_EQ(test, rtt.backoff, 0);
	xtcp_rtt_sample(&rtt, 500 * MS);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 1500 * MS);
	xtcp_rtt_handshake_lost(&rtt);
	KUNIT_EXPECT_EQ(test, xtcp_rtt_rto(&rtt), 1500 * MS);
}

/* The same recurrence with 20 more bits of fraction: rounding stays within microseconds. */
static void rtt_sample__random_against_oracle(struct kunit *test)
{
	const int frac = 20;
	struct rnd_state rnd;
	int round, i;

	prandom_seed_state(&rnd, 6298);
	for (round = 0; round < 50; round++) {
		struct xtcp_rtt rtt = rtt_fresh();
		u32 top = 1U << rnd_range(&rnd, 3, 24);
		u32 least = U32_MAX;
		s64 srtt = 0, var = 0;

		for (i = 0; i < 500; i++) {
			u32 us = rnd_range(&rnd, 1, top);
			s64 r = (s64)us << frac, rto;

			if (!srtt) {
				srtt = r;
				var = r / 2;
			} else {
				s64 err = srtt > r ? srtt - r : r - srtt;

				var += err / 4 - var / 4;
				srtt += (r - srtt) / 8;
			}
			least = min(least, us);
			xtcp_rtt_sample(&rtt, us);
			rto = max_t(s64, 4 * var >> frac, XTCP_RTO_MIN_US) + (srtt >> frac);
			rto = min_t(s64, rto, XTCP_RTO_MAX_US);
			KUNIT_ASSERT_LE(test, abs((s64)(rtt.srtt_us >> 3) - (srtt >> frac)), 2);
			KUNIT_ASSERT_LE(test, abs((s64)xtcp_rtt_rto(&rtt) - rto), 12);
			KUNIT_ASSERT_EQ(test, rtt.min_us, least);
		}
	}
}

static struct kunit_case rtt_cases[] = {
	KUNIT_CASE(rtt_init__one_second),
	KUNIT_CASE(rtt_sample__first),
	KUNIT_CASE(rtt_sample__worked_values),
	KUNIT_CASE(rtt_sample__steady_path_meets_floor),
	KUNIT_CASE(rtt_sample__zero_counts_as_one),
	KUNIT_CASE(rtt_sample__clamped_at_maximum),
	KUNIT_CASE(rtt_sample__minimum_is_kept),
	KUNIT_CASE(rtt_backoff__doubles_and_saturates),
	KUNIT_CASE(rtt_backoff__never_wraps_around),
	KUNIT_CASE(rtt_backoff__ends_with_a_sample),
	KUNIT_CASE(rtt_handshake_lost__falls_back),
	KUNIT_CASE(rtt_sample__random_against_oracle),
	{}
};

static struct kunit_suite rtt_suite = {
	.name = "xtcp_rtt",
	.test_cases = rtt_cases,
};

kunit_test_suite(rtt_suite);
