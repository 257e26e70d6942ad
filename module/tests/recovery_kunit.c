// SPDX-License-Identifier: GPL-2.0
/* KUnit: fast retransmit, NewReno and time-out (RFC 5681, RFC 6582). */
#include <kunit/test.h>
#include "../cong.h"
#include "../recovery.h"
#include "../rtxq.h"
#include "../skb_cb.h"
#include "../timer.h"
#include "ksock.h"

#define MSS	1000U
#define UNA	5000U
#define FLIGHT	(20 * MSS)

static struct xtcp_sock *rec_sock;

/*
 * A connection with twenty full segments out, in one buffer; its segments go nowhere, so
 * one that is sent again may stay marked lost: either mark counts it.
 */
static struct sock *rec_begin(struct kunit *test)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);

	rec_sock = xs;
	lock_sock(sk);
	xs->snd.iss = UNA - 1001;
	xs->snd.una = UNA;
	xs->snd.nxt = UNA + FLIGHT;
	xs->snd.write_seq = xs->snd.nxt;
	xs->snd.mss = MSS;
	/* What a route would have said. */
	sk->sk_gso_max_size = 65536;
	sk->sk_gso_max_segs = 65535;
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&xs->cong, NULL), 0);
	xtcp_cong_start(&xs->cong, MSS);
	xs->cong.cwnd = FLIGHT;
	xtcp_recovery_init(xs);
	xtcp_rtxq_append(&xs->rtxq, ksock_segment(test, sk, UNA, FLIGHT, XTCP_ACK));
	return sk;
}

static void rec_end(struct sock *sk)
{
	xtcp_timer_stop(sk);
	xtcp_rtxq_purge(sk);
	release_sock(sk);
	ksock_close(sk);
}

static void rec_dupacks(struct sock *sk, int n)
{
	const struct xtcp_options opt = { .seen = 0 };
	const struct xtcp_rtxq_acked none = { .bytes = 0 };

	while (n--)
		xtcp_recovery_ack(sk, &none, &opt, true);
}

/* The peer acknowledges up to UNA + @octets. Return: may cwnd grow? */
static bool rec_ack(struct sock *sk, u32 octets)
{
	const struct xtcp_options opt = { .seen = 0 };
	struct xtcp_rtxq_acked res = { .bytes = 0 };
	u32 una = rec_sock->snd.una;

	rec_sock->snd.una = UNA + octets;
	xtcp_rtxq_clean(sk, una, UNA + octets, &res);
	return xtcp_recovery_ack(sk, &res, &opt, false);
}

static void rec_expect(struct kunit *test, u8 state, u32 cwnd, u32 ssthresh)
{
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, state);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.cwnd, cwnd);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.ssthresh, ssthresh);
}

/* Octets that are believed lost or are on their way a second time. */
static u32 rec_repaired(void)
{
	return rec_sock->rtxq.lost + rec_sock->rtxq.retrans;
}

static void rec_dupack__two_are_reordering(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 2);
	rec_expect(test, XTCP_CA_DISORDER, FLIGHT, XTCP_SSTHRESH_INF);
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->rtxq.sacked, 2 * MSS, "RFC 3042: two have left");
	KUNIT_EXPECT_EQ(test, rec_repaired(), 0U);
	KUNIT_EXPECT_TRUE(test, rec_ack(sk, 3 * MSS));
	rec_expect(test, XTCP_CA_OPEN, FLIGHT, XTCP_SSTHRESH_INF);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 0U);
	/* The count begins anew. */
	rec_dupacks(sk, 2);
	rec_expect(test, XTCP_CA_DISORDER, FLIGHT, XTCP_SSTHRESH_INF);
	rec_end(sk);
}

/* RFC 5681 3.2: the third begins recovery: half the flight, and the first segment alone. */
static void rec_dupack__third_retransmits(struct kunit *test)
{
	struct sock *sk = rec_begin(test);
	struct sk_buff *skb;

	rec_dupacks(sk, 3);
	rec_expect(test, XTCP_CA_RECOVERY, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.high, UNA + FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.prior_cwnd, FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_repaired(), MSS);
	skb = xtcp_rtxq_first(&rec_sock->rtxq);
	KUNIT_EXPECT_EQ_MSG(test, skb->len, MSS, "cut off the buffer");
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, UNA);
	/* More of them reduce nothing more. */
	rec_dupacks(sk, 10);
	rec_expect(test, XTCP_CA_RECOVERY, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_repaired(), MSS);
	rec_end(sk);
}

/* What has left the network is never more than what is out, less the hole. */
static void rec_dupack__count_is_bounded(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 1000);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, FLIGHT - MSS);
	rec_end(sk);
}

/* RFC 6582 3.2: each partial acknowledgment shows one more hole; all acknowledged ends it. */
static void rec_acked__newreno(struct kunit *test)
{
	struct sock *sk = rec_begin(test);
	struct sk_buff *skb;

	rec_dupacks(sk, 5);
	KUNIT_EXPECT_FALSE(test, rec_ack(sk, 4 * MSS));
	rec_expect(test, XTCP_CA_RECOVERY, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_repaired(), MSS);
	skb = xtcp_rtxq_first(&rec_sock->rtxq);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, UNA + 4 * MSS);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(skb)->mark & (XTCP_MARK_LOST | XTCP_MARK_RETRANS));
	KUNIT_EXPECT_FALSE(test, rec_ack(sk, 9 * MSS));
	KUNIT_EXPECT_EQ(test, xtcp_cb(xtcp_rtxq_first(&rec_sock->rtxq))->seq, UNA + 9 * MSS);
	KUNIT_EXPECT_FALSE_MSG(test, rec_ack(sk, FLIGHT), "the window opened by deflation");
	rec_expect(test, XTCP_CA_OPEN, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 0U);
	KUNIT_EXPECT_EQ(test, rec_repaired(), 0U);
	rec_end(sk);
}

/* RFC 6582 step 1: duplicates that the last recovery caused begin no other one. */
static void rec_dupack__not_twice_for_one_window(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 3);
	rec_ack(sk, FLIGHT);
	/* New data behind it: the duplicates still acknowledge the old edge. */
	xtcp_rtxq_append(&rec_sock->rtxq,
			 ksock_segment(test, sk, UNA + FLIGHT, FLIGHT, XTCP_ACK));
	rec_sock->snd.nxt += FLIGHT;
	rec_dupacks(sk, 6);
	rec_expect(test, XTCP_CA_DISORDER, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_repaired(), 0U);
	/* Beyond it they count again. */
	KUNIT_EXPECT_TRUE(test, rec_ack(sk, FLIGHT + MSS));
	rec_dupacks(sk, 3);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_RECOVERY);
	rec_end(sk);
}

/* RFC 5681 3.1 and RFC 6298 5.4: everything is lost, cwnd is one segment. */
static void rec_timeout__all_is_lost(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	xtcp_recovery_timeout(sk);
	rec_expect(test, XTCP_CA_LOSS, MSS, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.high, UNA + FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_repaired(), FLIGHT);
	/* The same loss again (the timer has counted it): ssthresh falls once. */
	rec_sock->recovery.retransmits = 1;
	xtcp_recovery_timeout(sk);
	rec_expect(test, XTCP_CA_LOSS, MSS, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.prior_cwnd, FLIGHT);
	rec_end(sk);
}

/* After a time-out slow start repairs; duplicates are echoes, and the end is OPEN. */
static void rec_timeout__slow_start_to_the_end(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	xtcp_recovery_timeout(sk);
	rec_dupacks(sk, 10);
	rec_expect(test, XTCP_CA_LOSS, MSS, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 0U);
	KUNIT_EXPECT_TRUE_MSG(test, rec_ack(sk, MSS), "slow start");
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_LOSS);
	KUNIT_EXPECT_TRUE(test, rec_ack(sk, FLIGHT));
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_OPEN);
	KUNIT_EXPECT_EQ(test, rec_repaired(), 0U);
	rec_end(sk);
}

/* A time-out in the middle of a recovery takes over from it. */
static void rec_timeout__during_recovery(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 8);
	KUNIT_EXPECT_FALSE(test, rec_ack(sk, 2 * MSS));
	xtcp_recovery_timeout(sk);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_LOSS);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.cwnd, MSS);
	KUNIT_EXPECT_EQ(test, rec_repaired(), FLIGHT - 2 * MSS);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 0U);
	rec_end(sk);
}

/* The threshold is never below two segments. */
static void rec_timeout__small_flight(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_ack(sk, FLIGHT - 1);
	xtcp_recovery_timeout(sk);
	rec_expect(test, XTCP_CA_LOSS, MSS, 2 * MSS);
	KUNIT_EXPECT_EQ(test, rec_repaired(), 1U);
	rec_end(sk);
}

/* What is marked lost has not arrived, so no duplicate can stand for it. */
static void rec_dupack__lost_is_not_counted(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	xtcp_rtxq_mark_lost(&rec_sock->rtxq, xtcp_rtxq_first(&rec_sock->rtxq), UNA);
	rec_dupacks(sk, 2);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 0U);
	rec_end(sk);
}

/* A partial ACK takes with it those that it covers, but for the hole itself. */
static void rec_acked__partial_counts_what_had_arrived(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 5);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 5 * MSS);
	rec_ack(sk, 4 * MSS);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.sacked, 2 * MSS);
	rec_ack(sk, 5 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->rtxq.sacked, 2 * MSS, "only a hole was filled");
	rec_ack(sk, 12 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->rtxq.sacked, 0U, "never less than none");
	rec_end(sk);
}

/* A recovery ends with the threshold as its window, whatever it was in between. */
static void rec_acked__deflates(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 3);
	rec_sock->cong.cwnd = 17 * MSS;
	KUNIT_EXPECT_FALSE(test, rec_ack(sk, FLIGHT));
	rec_expect(test, XTCP_CA_OPEN, FLIGHT / 2, FLIGHT / 2);
	rec_end(sk);
	sk = rec_begin(test);
	rec_dupacks(sk, 3);
	rec_sock->cong.ssthresh = MSS;
	KUNIT_EXPECT_FALSE(test, rec_ack(sk, FLIGHT));
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->cong.cwnd, 2 * MSS, "at least two segments");
	rec_end(sk);
}

/* All but the last octet is still a partial one; the last one ends it. */
static void rec_acked__to_the_octet(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 3);
	rec_ack(sk, FLIGHT - 1);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_RECOVERY);
	rec_ack(sk, FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_OPEN);
	rec_end(sk);
	sk = rec_begin(test);
	xtcp_recovery_timeout(sk);
	rec_ack(sk, FLIGHT - 1);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_LOSS);
	rec_ack(sk, FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_OPEN);
	rec_end(sk);
}

/* The mark of the last recovery follows what is acknowledged, or 2 GiB later it lies ahead. */
static void rec_acked__mark_follows(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_ack(sk, 5 * MSS);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.high, UNA + 5 * MSS - 1);
	rec_dupacks(sk, 3);
	KUNIT_EXPECT_EQ(test, rec_sock->cong.state, XTCP_CA_RECOVERY);
	rec_ack(sk, FLIGHT);
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->recovery.high, UNA + FLIGHT,
			    "and stays where a recovery ended");
	rec_end(sk);
}

/* The count of duplicates begins anew after a time-out. */
static void rec_timeout__forgets_duplicates(struct kunit *test)
{
	struct sock *sk = rec_begin(test);

	rec_dupacks(sk, 2);
	xtcp_recovery_timeout(sk);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.dupacks, 0);
	rec_end(sk);
}

/* RFC 1191: what became too large is sent again, and nobody is blamed for it. */
static void rec_mtu_reduced__no_penalty(struct kunit *test)
{
	struct sock *sk = rec_begin(test);
	struct sk_buff *small;

	small = ksock_segment(test, sk, UNA + FLIGHT, 400, XTCP_ACK);
	xtcp_rtxq_append(&rec_sock->rtxq, small);
	rec_sock->snd.nxt += 400;
	rec_sock->snd.mss = FLIGHT;
	xtcp_recovery_mtu_reduced(sk);
	KUNIT_EXPECT_EQ_MSG(test, rec_sock->cong.state, XTCP_CA_OPEN, "everything fits");
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.lost, 0U);
	rec_sock->snd.mss = 400;
	rec_sock->cong.mss = 400;
	rec_sock->cong.ssthresh = 4 * MSS;
	xtcp_recovery_mtu_reduced(sk);
	rec_expect(test, XTCP_CA_LOSS, FLIGHT, FLIGHT);
	KUNIT_EXPECT_EQ(test, rec_sock->recovery.high, UNA + FLIGHT + 400);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.lost, FLIGHT);
	KUNIT_EXPECT_FALSE(test, xtcp_cb(small)->mark & XTCP_MARK_LOST);
	rec_end(sk);
	/* A recovery that is under way goes on. */
	sk = rec_begin(test);
	rec_dupacks(sk, 3);
	rec_sock->snd.mss = 400;
	xtcp_recovery_mtu_reduced(sk);
	rec_expect(test, XTCP_CA_RECOVERY, FLIGHT / 2, FLIGHT / 2);
	KUNIT_EXPECT_EQ(test, rec_sock->rtxq.lost, FLIGHT);
	rec_end(sk);
}

static struct kunit_case rec_cases[] = {
	KUNIT_CASE(rec_dupack__two_are_reordering),
	KUNIT_CASE(rec_dupack__third_retransmits),
	KUNIT_CASE(rec_dupack__count_is_bounded),
	KUNIT_CASE(rec_acked__newreno),
	KUNIT_CASE(rec_dupack__not_twice_for_one_window),
	KUNIT_CASE(rec_timeout__all_is_lost),
	KUNIT_CASE(rec_timeout__slow_start_to_the_end),
	KUNIT_CASE(rec_timeout__during_recovery),
	KUNIT_CASE(rec_timeout__small_flight),
	KUNIT_CASE(rec_dupack__lost_is_not_counted),
	KUNIT_CASE(rec_acked__partial_counts_what_had_arrived),
	KUNIT_CASE(rec_acked__deflates),
	KUNIT_CASE(rec_acked__to_the_octet),
	KUNIT_CASE(rec_acked__mark_follows),
	KUNIT_CASE(rec_timeout__forgets_duplicates),
	KUNIT_CASE(rec_mtu_reduced__no_penalty),
	{}
};

static struct kunit_suite rec_suite = {
	.name = "xtcp_recovery",
	.test_cases = rec_cases,
};

kunit_test_suite(rec_suite);
