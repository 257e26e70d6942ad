// SPDX-License-Identifier: GPL-2.0
/* KUnit: what an acknowledgment changes at the sender (RFC 9293 3.10.7.4, RFC 5681 2). */
#include <kunit/test.h>
#include "../recovery.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)	/* RCV.NXT */
#define MSS	536U		/* the peer sent no option */

static struct xtcp_sock *ack_begin(struct kunit *test)
{
	pair_establish(test, A, ISS, IRS);
	/* Its growth is simple enough to be compared to the octet. */
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&xtcp_sk(A->sk)->cong, "reno"), 0);
	return xtcp_sk(A->sk);
}

/* An empty segment of the peer's. */
static void ack_in(struct kunit *test, u32 seq, u32 ack, u16 wnd)
{
	pair_forge_data(test, A, XTCP_ACK, seq, ack, wnd, 0);
}

/* SND.WL1: a newer segment sets the window, and of two with one number the wider one. */
static void ack_window__by_the_newer_segment(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 8192U);
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, IRS);
	ack_in(test, NXT, UNA, 4000);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.wnd, 4000U, "behind the SYN: newer");
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, NXT);
	ack_in(test, NXT, UNA, 3000);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.wnd, 4000U, "perhaps overtaken by the wider one");
	ack_in(test, NXT, UNA, 5000);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.wnd, 5000U, "an update");
	ack_in(test, NXT, UNA, 0);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.wnd, 0U, "closed");
	ack_in(test, NXT, UNA, 1);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.wnd, 1U, "and opened again");
	KUNIT_EXPECT_EQ(test, xs->snd.max_wnd, 8192U);
	pair_silent(test, A);
	pair_close();
}

/* A segment that was overtaken by data says nothing of the window, unless it acknowledges. */
static void ack_window__not_by_an_overtaken_one(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 10U);
	pair_slow_acks(A);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 7000, 10);
	pair_forge_data(test, A, XTCP_ACK, NXT + 10, UNA, 6000, 10);
	KUNIT_EXPECT_EQ(test, xs->rcv.nxt, NXT + 20);
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, NXT + 10);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 6000U);
	ack_in(test, NXT, UNA, 9000);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 6000U);
	ack_in(test, NXT + 5, UNA, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 6000U);
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, NXT + 10);
	/* What acknowledges was sent after all that acknowledged less. */
	ack_in(test, NXT + 5, UNA + 3, 5000);
	KUNIT_EXPECT_EQ(test, xs->snd.una, UNA + 3);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 5000U);
	/* And an old acknowledgment is old, whatever its sequence number. */
	ack_in(test, NXT + 20, UNA + 2, 4000);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 5000U);
	pair_close();
}

/* The numbers wrap: SND.WL1 just below zero, a segment just above it. */
static void ack_window__across_wrap(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, U32_MAX - 2, U32_MAX - 5);
	xs = xtcp_sk(A->sk);
	pair_slow_acks(A);
	pair_forge_data(test, A, XTCP_ACK, U32_MAX - 4, U32_MAX - 1, 4000, 10);
	KUNIT_EXPECT_EQ(test, xs->rcv.nxt, 5U);
	ack_in(test, 5, U32_MAX - 1, 3000);
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, 5U);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 3000U);
	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	ack_in(test, 5, 7, 3000);
	KUNIT_EXPECT_EQ(test, xs->snd.una, 7U);
	pair_sent(A);
	pair_close();
}

static void ack_window__scaled(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	xs->snd.wscale = 3;
	ack_in(test, NXT, UNA, 4000);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 32000U);
	KUNIT_EXPECT_EQ(test, xs->snd.max_wnd, 32000U);
	pair_slow_acks(A);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 10, 1);
	KUNIT_EXPECT_EQ(test, xs->snd.wl1, NXT);
	ack_in(test, NXT + 1, UNA, 20);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 160U);
	KUNIT_EXPECT_EQ_MSG(test, xs->snd.max_wnd, 32000U, "the largest ever");
	pair_close();
}

/* RFC 5681 section 2: what a duplicate is, condition by condition. */
static void ack_duplicate__each_condition(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);
	const struct xtcp_recovery *rec = &xs->recovery;

	/* (a) nothing is out */
	ack_in(test, NXT, UNA, 8192);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 0);
	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	ack_in(test, NXT, UNA, 8192);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 1);
	/* (e) the window moves */
	ack_in(test, NXT, UNA, 8193);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 1);
	/* (d) it acknowledges less */
	ack_in(test, NXT, UNA - 1, 8193);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 1);
	/* (b) it carries data */
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 8193, 5);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 1);
	ack_in(test, NXT + 5, UNA, 8193);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 2);
	/* (c) FIN counts as data; and what acknowledges begins anew */
	ack_in(test, NXT + 5, UNA + 4, 8193);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.una, UNA + 4);
	pair_forge_data(test, A, XTCP_FIN | XTCP_ACK, NXT + 5, UNA + 4, 8193, 0);
	KUNIT_EXPECT_EQ(test, rec->dupacks, 0);
	KUNIT_EXPECT_EQ(test, xs->cong.state, (u8)XTCP_CA_OPEN);
	pair_sent(A);
	pair_close();
}

/* The first segment of the retransmit queue left @us ago, and was sent again if @again. */
static void ack_sent_ago(struct xtcp_sock *xs, u32 us, bool again)
{
	struct sk_buff *skb = xtcp_rtxq_first(&xs->rtxq);

	xtcp_cb(skb)->sent_us = xtcp_clock_us() - us;
	if (again)
		xtcp_cb(skb)->mark |= XTCP_MARK_EVER_RETRANS;
}

/* Karn: a sample and the end of the back-off, only from what was sent once (MUST-18). */
static void ack_new__sample(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);
	u32 srtt;

	xs->timer.probes = 4;
	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	ack_sent_ago(xs, 700000, false);
	xs->rtt.backoff = 3;
	xs->recovery.retransmits = 2;
	xs->recovery.start = 99;
	ack_in(test, NXT, UNA + 10, 8192);
	KUNIT_EXPECT_GE(test, xs->rtt.last_us, 700000U);
	KUNIT_EXPECT_LT(test, xs->rtt.last_us, 5000000U);
	KUNIT_EXPECT_EQ(test, xs->rtt.backoff, 0);
	KUNIT_EXPECT_EQ(test, xs->recovery.retransmits, 0);
	KUNIT_EXPECT_EQ(test, xs->recovery.start, 0UL);
	KUNIT_EXPECT_EQ(test, xs->timer.probes, 0);
	KUNIT_EXPECT_EQ(test, xs->bytes_acked, 10ULL);

	srtt = xs->rtt.srtt_us;
	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	ack_sent_ago(xs, 9000000, true);
	xs->rtt.backoff = 3;
	xs->recovery.retransmits = 2;
	ack_in(test, NXT, UNA + 20, 8192);
	KUNIT_EXPECT_EQ(test, xs->rtt.srtt_us, srtt);
	KUNIT_EXPECT_EQ_MSG(test, xs->rtt.backoff, 3, "until there is a sample");
	KUNIT_EXPECT_EQ_MSG(test, xs->recovery.retransmits, 0, "but the peer lives");
	pair_sent(A);
	pair_close();
}

/* An ACK of nothing new answers a probe, and gives no sample. */
static void ack_old__answers_a_probe(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);
	u32 last = xs->rtt.last_us;

	xs->timer.probes = 4;
	xs->rtt.backoff = 3;
	ack_in(test, NXT, UNA, 8192);
	KUNIT_EXPECT_EQ(test, xs->timer.probes, 0);
	KUNIT_EXPECT_EQ(test, xs->rtt.backoff, 3);
	KUNIT_EXPECT_EQ(test, xs->rtt.last_us, last);
	pair_close();
}

/* Write @len octets, acknowledge them at once. Return: by how much cwnd grew. */
static u32 ack_round(struct kunit *test, u32 len)
{
	struct xtcp_sock *xs = xtcp_sk(A->sk);
	u32 cwnd = xs->cong.cwnd;

	KUNIT_EXPECT_EQ(test, pair_write(A, len), (int)len);
	KUNIT_EXPECT_EQ(test, pair_sent(A), len);
	ack_in(test, NXT, xs->snd.nxt, 65535);
	return xs->cong.cwnd - cwnd;
}

/* RFC 7661: a window that the sender did not use tells nothing. */
static void ack_new__growth_of_a_used_window(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	KUNIT_EXPECT_EQ(test, xs->snd.mss, (u16)MSS);
	KUNIT_EXPECT_EQ(test, xs->cong.cwnd, 10 * MSS);
	xs->snd.nodelay = true;
	xs->snd.max_wnd = 65535;
	ack_in(test, NXT, UNA, 65535);
	/* Slow start: more than half of it is use enough, for it doubles each round. */
	KUNIT_EXPECT_EQ(test, ack_round(test, 10), 0U);
	KUNIT_EXPECT_EQ(test, ack_round(test, 5 * MSS), 0U);
	KUNIT_EXPECT_EQ(test, ack_round(test, 5 * MSS + 1), 5 * MSS + 1);
	/* Congestion avoidance: all of it. */
	xs->cong.cwnd = 10 * MSS;
	xs->cong.ssthresh = 10 * MSS;
	xs->cong.bytes_acked = 0;
	KUNIT_EXPECT_EQ(test, ack_round(test, 10 * MSS - 1), 0U);
	KUNIT_EXPECT_EQ(test, xs->cong.bytes_acked, 0U);
	KUNIT_EXPECT_EQ(test, ack_round(test, 10 * MSS), MSS);
	pair_close();
}

/* What cwnd held back, and nothing else, was limited by it. */
static void ack_new__growth_when_cwnd_was_the_limit(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	xs->cong.cwnd = 4 * MSS + 1;
	xs->cong.ssthresh = 4 * MSS;
	KUNIT_EXPECT_EQ(test, pair_write(A, 8 * MSS), (int)(8 * MSS));
	KUNIT_EXPECT_EQ(test, pair_sent(A), 4 * MSS);
	KUNIT_EXPECT_TRUE(test, xs->snd.cwnd_limited);
	ack_in(test, NXT, UNA + 4 * MSS, 8192);
	KUNIT_EXPECT_EQ_MSG(test, xs->cong.bytes_acked, 4 * MSS, "less than cwnd, but all of it");
	KUNIT_EXPECT_EQ(test, pair_sent(A), 4 * MSS);
	KUNIT_EXPECT_FALSE(test, xs->snd.cwnd_limited);
	pair_close();
}

/* The urgent octet is over when it is acknowledged, and not before. */
static void ack_new__urgent(struct kunit *test)
{
	struct xtcp_sock *xs = ack_begin(test);

	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	xs->snd.urgent = true;
	xs->snd.up = UNA + 6;
	ack_in(test, NXT, UNA + 5, 8192);
	KUNIT_EXPECT_TRUE(test, xs->snd.urgent);
	ack_in(test, NXT, UNA + 6, 8192);
	KUNIT_EXPECT_FALSE(test, xs->snd.urgent);
	pair_sent(A);
	pair_close();
}

static struct kunit_case ack_cases[] = {
	KUNIT_CASE(ack_window__by_the_newer_segment),
	KUNIT_CASE(ack_window__not_by_an_overtaken_one),
	KUNIT_CASE(ack_window__across_wrap),
	KUNIT_CASE(ack_window__scaled),
	KUNIT_CASE(ack_duplicate__each_condition),
	KUNIT_CASE(ack_new__sample),
	KUNIT_CASE(ack_old__answers_a_probe),
	KUNIT_CASE(ack_new__growth_of_a_used_window),
	KUNIT_CASE(ack_new__growth_when_cwnd_was_the_limit),
	KUNIT_CASE(ack_new__urgent),
	{}
};

static struct kunit_suite ack_suite = {
	.name = "xtcp_ack",
	.test_cases = ack_cases,
};

kunit_test_suite(ack_suite);
