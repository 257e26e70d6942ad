// SPDX-License-Identifier: GPL-2.0
/* KUnit: delivery-rate samples, and the gaps of pacing. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/time64.h>
#include "../pace.h"
#include "../rate.h"
#include "../socket.h"
#include "ksock.h"

#define MS	USEC_PER_MSEC
#define LEN	1000U

/* A segment, and when it was sent. */
struct rate_seg {
	struct xtcp_rate_mark mark;
	u32 sent_us;
	u32 end;
};

static void rate_send(struct xtcp_rate *r, struct rate_seg *s, u32 now, u32 end, bool idle)
{
	s->sent_us = now;
	s->end = end;
	xtcp_rate_sent(r, &s->mark, now, idle);
}

static void rate_arrive(struct xtcp_rate *r, struct xtcp_rate_sample *rs, struct rate_seg *s,
			u32 now)
{
	xtcp_rate_arrived(r, rs, &s->mark, s->sent_us, s->end, LEN, false, now);
}

/* Ten segments in a flight, one a millisecond, back after 40 ms at the same pace. */
static void rate_steady__is_the_pace(struct kunit *test)
{
	struct xtcp_rate r = {};
	struct rate_seg seg[60];
	u32 start = 0xffffff00;	/* wraps */
	int i;

	for (i = 0; i < 60; i++) {
		u32 now = start + i * MS;

		if (i >= 40) {
			struct xtcp_rate_sample rs = {};

			rate_arrive(&r, &rs, &seg[i - 40], now);
			xtcp_rate_finish(&r, &rs, 40 * MS);
			KUNIT_EXPECT_TRUE(test, rs.valid);
			if (i == 40) {
				/* The first one: nothing had arrived before it was sent. */
				KUNIT_EXPECT_EQ(test, rs.bytes, LEN);
				KUNIT_EXPECT_EQ(test, rs.interval_us, 40 * MS);
			}
		}
		rate_send(&r, &seg[i], now, (i + 1) * LEN, !i);
	}
	for (i = 20; i < 60; i++) {
		struct xtcp_rate_sample rs = {};

		rate_arrive(&r, &rs, &seg[i], start + (i + 40) * MS);
		xtcp_rate_finish(&r, &rs, 40 * MS);
		if (i < 41)
			continue;
		/* Sent after the first came back: 40 segments in 40 ms. */
		KUNIT_EXPECT_EQ(test, rs.bytes, 40 * LEN);
		KUNIT_EXPECT_EQ(test, rs.interval_us, 40 * MS);
		KUNIT_EXPECT_EQ(test, r.bytes, 40 * LEN);
	}
	KUNIT_EXPECT_EQ(test, r.delivered, 60ULL * LEN);
}

/* Acknowledgments that come in one bunch do not make the path look fast. */
static void rate_bunched__sending_time_counts(struct kunit *test)
{
	struct xtcp_rate r = {};
	struct xtcp_rate_sample rs = {};
	struct rate_seg seg[21];
	int i;

	rate_send(&r, &seg[0], 0, LEN, true);
	rate_arrive(&r, &rs, &seg[0], 10 * MS);
	/* Sent over 20 ms, and all of it arrives a millisecond after the last left. */
	for (i = 1; i <= 20; i++)
		rate_send(&r, &seg[i], (10 + i) * MS, (i + 1) * LEN, false);
	memset(&rs, 0, sizeof(rs));
	for (i = 1; i <= 20; i++)
		rate_arrive(&r, &rs, &seg[i], 31 * MS);
	xtcp_rate_finish(&r, &rs, U32_MAX);
	KUNIT_EXPECT_EQ(test, rs.end_seq, 21 * LEN);
	KUNIT_EXPECT_EQ(test, rs.bytes, 20 * LEN);
	KUNIT_EXPECT_EQ(test, rs.send_us, 30 * MS);
	KUNIT_EXPECT_EQ(test, rs.interval_us, 30 * MS);
}

/* Of what one acknowledgment reports the segment that was sent last counts. */
static void rate_newest__decides(struct kunit *test)
{
	struct xtcp_rate r = {};
	struct xtcp_rate_sample rs = {};
	struct rate_seg a, b, c;

	rate_send(&r, &a, 1 * MS, LEN, true);
	rate_send(&r, &b, 2 * MS, 2 * LEN, false);
	rate_send(&r, &c, 2 * MS, 3 * LEN, false);
	rate_arrive(&r, &rs, &c, 12 * MS);
	rate_arrive(&r, &rs, &a, 12 * MS);
	rate_arrive(&r, &rs, &b, 12 * MS);
	KUNIT_EXPECT_EQ(test, rs.sent_us, 2U * (u32)MS);
	KUNIT_EXPECT_EQ(test, rs.end_seq, 3 * LEN);
	KUNIT_EXPECT_EQ(test, r.first_us, 2U * (u32)MS);
	xtcp_rate_finish(&r, &rs, U32_MAX);
	KUNIT_EXPECT_EQ(test, rs.bytes, 3 * LEN);
	KUNIT_EXPECT_EQ(test, rs.interval_us, 11 * MS);
}

/* Shorter than any round trip: no sample. Nothing reported: none either. */
static void rate_finish__refuses(struct kunit *test)
{
	struct xtcp_rate r = {};
	struct xtcp_rate_sample rs = {};
	struct rate_seg a;

	xtcp_rate_finish(&r, &rs, U32_MAX);
	KUNIT_EXPECT_EQ(test, rs.interval_us, 0U);
	rate_send(&r, &a, 0, LEN, true);
	rate_arrive(&r, &rs, &a, 5 * MS);
	xtcp_rate_finish(&r, &rs, 6 * MS);
	KUNIT_EXPECT_TRUE(test, rs.valid);
	KUNIT_EXPECT_EQ(test, rs.interval_us, 0U);
	KUNIT_EXPECT_EQ(test, r.interval_us, 0U);
	/* The same with a round trip that fits. */
	xtcp_rate_finish(&r, &rs, 5 * MS);
	KUNIT_EXPECT_EQ(test, rs.interval_us, 5 * MS);
	KUNIT_EXPECT_EQ(test, r.bytes, LEN);
}

/* From the mark until all that was out has arrived; a better one still counts. */
static void rate_limited__until_delivered(struct kunit *test)
{
	struct xtcp_rate r = {};
	struct xtcp_rate_sample rs = {};
	struct rate_seg a, b, c;

	rate_send(&r, &a, 0, LEN, true);
	xtcp_rate_limited(&r, LEN);
	rate_send(&r, &b, 1 * MS, 2 * LEN, false);
	rate_arrive(&r, &rs, &a, 10 * MS);
	xtcp_rate_finish(&r, &rs, U32_MAX);
	KUNIT_EXPECT_FALSE(test, rs.limited);
	KUNIT_EXPECT_FALSE(test, r.limited);
	KUNIT_EXPECT_NE(test, r.limited_until, 0U);

	memset(&rs, 0, sizeof(rs));
	rate_arrive(&r, &rs, &b, 30 * MS);
	xtcp_rate_finish(&r, &rs, U32_MAX);
	KUNIT_EXPECT_TRUE(test, rs.limited);
	KUNIT_EXPECT_EQ(test, r.limited_until, 0U);
	/* Slower than what was known, and from an idle path: not shown. */
	KUNIT_EXPECT_EQ(test, r.bytes, LEN);
	KUNIT_EXPECT_EQ(test, r.interval_us, 10 * MS);

	rate_send(&r, &c, 40 * MS, 3 * LEN, true);
	KUNIT_EXPECT_FALSE(test, c.mark.limited);
	KUNIT_EXPECT_EQ(test, c.mark.first_us, 40U * (u32)MS);
}

/* A count that is zero by chance still marks. */
static void rate_limited__never_zero(struct kunit *test)
{
	struct xtcp_rate r = { .delivered = 0xffffffffULL - 999 };

	xtcp_rate_limited(&r, LEN);
	KUNIT_EXPECT_EQ(test, r.limited_until, 1U);
}

static void pace_gap__is_length_over_rate(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(1000, 1000000, 0), 1000000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(65000, 12500000000ULL, 0), 5200ULL);
	/* Late: the next is earlier, by half at most. */
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(1000, 1000000, 300000), 700000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(1000, 1000000, 900000), 500000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(1000, 0, 0), 1000 * (u64)NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, xtcp_pace_gap_ns(0, 1000, 0), 0ULL);
}

/* The next connection of a socket has another path. */
static void socket_start__forgets_the_path(struct kunit *test)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);

	lock_sock(sk);
	xs->rate.delivered = 5;
	xs->rate.interval_us = 5;
	xs->pace.next_ns = 1ULL << 40;
	xs->cong.srtt_us = 5;
	xs->cong.pacing_rate = 1000;
	xs->cong.state = XTCP_CA_LOSS;
	sk->sk_max_pacing_rate = 2000;
	sk->sk_pacing_rate = 1000;
	xtcp_socket_start(sk);
	release_sock(sk);
	KUNIT_EXPECT_EQ(test, xs->rate.delivered, 0);
	KUNIT_EXPECT_EQ(test, xs->rate.interval_us, 0U);
	KUNIT_EXPECT_EQ(test, xs->pace.next_ns, 0ULL);
	KUNIT_EXPECT_EQ(test, xs->cong.srtt_us, 0U);
	KUNIT_EXPECT_EQ(test, xs->cong.pacing_rate, 0ULL);
	KUNIT_EXPECT_EQ(test, (int)xs->cong.state, (int)XTCP_CA_OPEN);
	KUNIT_EXPECT_EQ(test, sk->sk_pacing_rate, 2000UL);
	ksock_close(sk);
}

static struct kunit_case rate_cases[] = {
	KUNIT_CASE(socket_start__forgets_the_path),
	KUNIT_CASE(rate_steady__is_the_pace),
	KUNIT_CASE(rate_bunched__sending_time_counts),
	KUNIT_CASE(rate_newest__decides),
	KUNIT_CASE(rate_finish__refuses),
	KUNIT_CASE(rate_limited__until_delivered),
	KUNIT_CASE(rate_limited__never_zero),
	KUNIT_CASE(pace_gap__is_length_over_rate),
	{}
};

static struct kunit_suite rate_suite = {
	.name = "xtcp_rate",
	.test_cases = rate_cases,
};

kunit_test_suite(rate_suite);
