// SPDX-License-Identifier: GPL-2.0
/* KUnit: the search for the path's MTU (RFC 4821), alone and on a connection. */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include "../cong.h"
#include "../plpmtud.h"
#include "../recovery.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)
#define HEAD	40U

/* Search until nothing is left to try, on a path that carries @mtu. Return: probes. */
static int pl_search(struct xtcp_plpmtud *p, u32 mtu, u32 most, u32 threshold)
{
	int probes = 0;
	u32 size;

	while ((size = xtcp_plpmtud_next(p, most, threshold)) && probes < 100) {
		p->probe = size;
		if (size <= mtu)
			xtcp_plpmtud_passed(p, 0);
		else
			xtcp_plpmtud_failed(p, 0);
		probes++;
	}
	return probes;
}

/* From any MTU of a path that carries the first size: found, to within the threshold. */
static void plpmtud_search__converges(struct kunit *test)
{
	static const u32 thresholds[] = { 0, 1, 8, 100 };
	struct xtcp_plpmtud p = { 0 };
	int i, probes, most = 0;
	u32 mtu;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		for (mtu = 552; mtu <= 9000; mtu++) {
			xtcp_plpmtud_begin(&p, 552, 9000, 0);
			probes = pl_search(&p, mtu, U32_MAX, thresholds[i]);
			KUNIT_ASSERT_LE_MSG(test, p.low, mtu, "threshold %u", thresholds[i]);
			KUNIT_ASSERT_GT_MSG(test, p.low + max(thresholds[i], 1U), mtu,
					    "MTU %u, threshold %u", mtu, thresholds[i]);
			KUNIT_ASSERT_GE(test, p.high, p.low);
			most = max(most, probes);
		}
	}
	KUNIT_EXPECT_LE_MSG(test, most, 14, "binary: 2^14 > 8448");
	/* The widest range there is. */
	xtcp_plpmtud_begin(&p, 88, 65535, 0);
	KUNIT_EXPECT_LE(test, pl_search(&p, 65535, U32_MAX, 1), 17);
	KUNIT_EXPECT_EQ(test, p.low, 65535U);
}

/* Larger than the window allows is not tried; that changes the way and not the end. */
static void plpmtud_search__small_steps(struct kunit *test)
{
	struct xtcp_plpmtud p = { 0 };

	xtcp_plpmtud_begin(&p, 1000, 9000, 0);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 5000, 8), 5000U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 1200, 8), 1200U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 1008, 8), 1008U);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_plpmtud_next(&p, 1007, 8), 0U, "a step too small");
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 0, 8), 0U);
	pl_search(&p, 1490, 1200, 8);
	KUNIT_EXPECT_EQ(test, p.low, 1200U);
	pl_search(&p, 1490, U32_MAX, 1);
	KUNIT_EXPECT_EQ(test, p.low, 1490U);
}

static void plpmtud_next__only_one_at_a_time(struct kunit *test)
{
	struct xtcp_plpmtud p = { 0 };

	KUNIT_EXPECT_EQ_MSG(test, xtcp_plpmtud_next(&p, 9000, 8), 0U, "off");
	KUNIT_EXPECT_EQ_MSG(test, xtcp_plpmtud_bound(&p, 1500), 1500U, "off");
	xtcp_plpmtud_begin(&p, 1000, 1500, 0);
	p.probe = xtcp_plpmtud_next(&p, 9000, 8);
	KUNIT_EXPECT_EQ(test, p.probe, 1250U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 9000, 8), 0U);
	xtcp_plpmtud_failed(&p, 0);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, 9000, 8), 1125U);
}

/* ICMP and the route bound the search from above, in whatever order the news come. */
static void plpmtud_bound__route_says_less(struct kunit *test)
{
	struct xtcp_plpmtud p = { 0 };

	xtcp_plpmtud_begin(&p, 1000, 9000, 0);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_bound(&p, 9000), 1000U);
	p.probe = 5000;
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_bound(&p, 1500), 1000U);
	KUNIT_EXPECT_EQ(test, p.high, 1500U);
	xtcp_plpmtud_failed(&p, 0);
	KUNIT_EXPECT_EQ_MSG(test, p.high, 1500U, "a failure never widens the range");
	pl_search(&p, 1400, U32_MAX, 1);
	KUNIT_EXPECT_EQ(test, p.low, 1400U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_bound(&p, 600), 600U);
	KUNIT_EXPECT_EQ(test, p.low, 600U);
	KUNIT_EXPECT_EQ(test, p.high, 600U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, U32_MAX, 1), 0U);
	/* A probe that arrived is worth more than what was said meanwhile. */
	p.probe = 700;
	xtcp_plpmtud_passed(&p, 0);
	KUNIT_EXPECT_EQ(test, p.low, 700U);
	KUNIT_EXPECT_EQ(test, p.high, 700U);
}

static void plpmtud_reopen__after_the_interval(struct kunit *test)
{
	unsigned long start = -50UL;	/* jiffies wrap */
	struct xtcp_plpmtud p = { 0 };

	xtcp_plpmtud_begin(&p, 1000, 1500, start);
	pl_search(&p, 1300, U32_MAX, 1);
	p.stamp = start;
	xtcp_plpmtud_reopen(&p, 1500, 100, start + 99);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_next(&p, U32_MAX, 1), 0U);
	xtcp_plpmtud_reopen(&p, 1500, 100, start + 100);
	KUNIT_EXPECT_EQ(test, p.low, 1300U);
	KUNIT_EXPECT_EQ(test, p.high, 1500U);
	/* The probe is not pulled from under the search, and its result begins the time anew. */
	p.probe = xtcp_plpmtud_next(&p, U32_MAX, 1);
	p.high = 1400;
	xtcp_plpmtud_reopen(&p, 1500, 100, start + 1000);
	KUNIT_EXPECT_EQ(test, p.high, 1400U);
	xtcp_plpmtud_passed(&p, start + 1000);
	xtcp_plpmtud_reopen(&p, 1500, 100, start + 1099);
	KUNIT_EXPECT_EQ(test, p.high, 1400U);
	/* The route may say less than what once passed: never below that. */
	xtcp_plpmtud_reopen(&p, 600, 100, start + 1100);
	KUNIT_EXPECT_EQ(test, p.high, p.low);
}

static void plpmtud_smaller__base_then_halves(struct kunit *test)
{
	u32 mss = 8948;

	mss = xtcp_plpmtud_smaller(mss, 1024, 48, false);
	KUNIT_EXPECT_EQ(test, mss, 1024U);
	mss = xtcp_plpmtud_smaller(mss, 1024, 48, true);
	KUNIT_EXPECT_EQ(test, mss, 512U);
	mss = xtcp_plpmtud_smaller(mss, 1024, 300, true);
	KUNIT_EXPECT_EQ(test, mss, 300U);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_plpmtud_smaller(8948, 1024, 48, true), 1024U,
			    "half of much is no less than the base");
	KUNIT_EXPECT_EQ_MSG(test, xtcp_plpmtud_smaller(536, 1024, 48, false), 268U,
			    "shorter than the base already");
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_smaller(1024, 1024, 48, false), 512U);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_smaller(60, 1024, 48, true), 48U);
}

/* -- a connection's ------------------------------------------------------------------- */

/* A connection on which the search goes from 1000 to 1500 octets, with a wide window. */
static struct xtcp_sock *pl_connect(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, ISS, IRS);
	xs = xtcp_sk(A->sk);
	lock_sock(A->sk);
	xs->snd.wnd = 60000;
	xs->snd.max_wnd = 60000;
	xs->snd.peer_mss = 1460;
	xtcp_plpmtud_begin(&xs->plpmtud, 1000, 1500, jiffies);
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(A->sk, 1500), 1000 - HEAD);
	xs->cong.cwnd = 20 * xs->snd.mss;
	xs->snd.sml = xs->snd.una;
	/* Neither Nagle nor a time-out has a word in this. */
	xs->snd.nodelay = true;
	xs->xn->sysctl.probe_threshold = 8;
	xs->xn->sysctl.retries1 = 3;
	release_sock(A->sk);
	return xs;
}

/* Lengths of what was sent, up to the first that is not a full segment. Return: that one. */
static u32 pl_odd_one(struct pair_end *e, u32 mss)
{
	struct sk_buff *skb;
	u32 odd = 0;

	while ((skb = skb_dequeue(&e->wire))) {
		skb_pull(skb, skb_transport_offset(skb));
		if (!odd && skb->len - tcp_hdr(skb)->doff * 4 != mss)
			odd = skb->len - tcp_hdr(skb)->doff * 4;
		kfree_skb(skb);
	}
	return odd;
}

/* The probe goes first, as one segment; acknowledged, all are as long. */
static void plpmtud_probe__raises_the_mss(struct kunit *test)
{
	struct xtcp_sock *xs = pl_connect(test);
	u32 success;

	pair_write(A, 12000);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 1250U);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.start, UNA);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.end, UNA + 1250 - HEAD);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA, NXT, 1250 - HEAD));
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA + 1250 - HEAD, NXT, 1000 - HEAD));
	pair_sent(A);
	success = xs->cong.cwnd;
	/* Not the last octet of it yet. */
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 1250 - HEAD - 1, 60000, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.mss, 1000 - HEAD);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 1250 - HEAD, 60000, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.mss, 1250 - HEAD);
	KUNIT_EXPECT_EQ(test, xs->cong.mss, 1250 - HEAD);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 0U);
	KUNIT_EXPECT_GE(test, xs->cong.cwnd, success);
	pair_close();
}

/* Too little data behind it, a small window or an open hole: no probe. */
static void plpmtud_probe__conditions(struct kunit *test)
{
	struct xtcp_sock *xs = pl_connect(test);
	bool wait;

	pair_write(A, 1210 + 4 * 960 - 1);
	KUNIT_EXPECT_EQ_MSG(test, xs->plpmtud.probe, 0U, "too little data");
	KUNIT_EXPECT_EQ(test, pl_odd_one(A, 960), (1210 + 4 * 960 - 1) % 960U);
	pair_close();

	xs = pl_connect(test);
	xs->cong.cwnd = 11 * xs->snd.mss - 1;
	pair_write(A, 12000);
	KUNIT_EXPECT_EQ_MSG(test, xs->plpmtud.probe, 0U, "ten segments are too few");
	pair_close();

	xs = pl_connect(test);
	xs->snd.wnd = 2 * (1210 + 4 * 960) - 1;
	pair_write(A, 12000);
	KUNIT_EXPECT_EQ_MSG(test, xs->plpmtud.probe, 0U, "the peer's window");
	pair_close();

	xs = pl_connect(test);
	xs->cong.state = XTCP_CA_DISORDER;
	pair_write(A, 12000);
	KUNIT_EXPECT_EQ_MSG(test, xs->plpmtud.probe, 0U, "something is missing already");
	pair_close();

	/* Without room everything waits; what is out will make it. */
	xs = pl_connect(test);
	lock_sock(A->sk);
	xs->snd.mss = 960;
	__skb_queue_tail(&A->sk->sk_write_queue,
			 ksock_segment(test, A->sk, UNA, 12000, XTCP_ACK));
	xs->snd.write_seq = UNA + 12000;
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_wanted(A->sk, 1209, 60000, &wait), 0U);
	KUNIT_EXPECT_TRUE(test, wait);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_wanted(A->sk, 1210, 1210 + 4 * 960 - 1, &wait), 0U);
	KUNIT_EXPECT_TRUE(test, wait);
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_wanted(A->sk, 1210, 1210 + 4 * 960, &wait), 1210U);
	KUNIT_EXPECT_FALSE(test, wait);
	/* A router might cut it: its arrival would prove nothing. */
	inet_sk(A->sk)->pmtudisc = IP_PMTUDISC_DONT;
	KUNIT_EXPECT_EQ(test, xtcp_plpmtud_wanted(A->sk, 20000, 60000, &wait), 0U);
	KUNIT_EXPECT_FALSE(test, wait);
	release_sock(A->sk);
	pair_close();
}

/* RFC 4821 7.7: lost alone, it costs nothing and goes again in segments that fit. */
static void plpmtud_probe__lost_alone(struct kunit *test)
{
	struct xtcp_sock *xs = pl_connect(test);
	u32 cwnd = xs->cong.cwnd, ssthresh = xs->cong.ssthresh;
	int i;

	pair_write(A, 8000);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 1250U);
	pair_sent(A);
	for (i = 0; i < 3; i++)
		pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 60000, 0);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA, NXT, 960));
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA + 960, NXT, 1210 - 960));
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 0U);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.high, 1249U);
	KUNIT_EXPECT_EQ(test, xs->snd.mss, 960);
	KUNIT_EXPECT_EQ(test, xs->cong.cwnd, cwnd);
	KUNIT_EXPECT_EQ(test, xs->cong.ssthresh, ssthresh);
	KUNIT_EXPECT_LT(test, xs->cong.state, (u8)XTCP_CA_RECOVERY);
	/* Its octets arrive now; that does not make it a success. */
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 8000, 60000, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.mss, 960);
	KUNIT_EXPECT_EQ(test, xs->cong.state, (u8)XTCP_CA_OPEN);
	pair_close();
}

/* A time-out tells of the probe only if all before it arrived. */
static void plpmtud_timeout__at_the_probe(struct kunit *test)
{
	struct xtcp_sock *xs = pl_connect(test);

	pair_write(A, 8000);
	lock_sock(A->sk);
	xtcp_recovery_timeout(A->sk);
	release_sock(A->sk);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 0U);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.high, 1249U);
	pair_close();

	xs = pl_connect(test);
	pair_write(A, 8000);
	lock_sock(A->sk);
	/* As if the segment in front of it were missing as well. */
	xs->plpmtud.start += 960;
	xs->plpmtud.end += 960;
	xtcp_recovery_timeout(A->sk);
	release_sock(A->sk);
	KUNIT_EXPECT_EQ(test, xs->plpmtud.probe, 0U);
	KUNIT_EXPECT_EQ_MSG(test, xs->plpmtud.high, 1500U, "inconclusive");
	pair_close();
}

/* Full segments vanish: from R1 on they become shorter; short ones prove nothing. */
static void plpmtud_timeout__black_hole(struct kunit *test)
{
	static const u32 lens[] = { 1460, 1024, 100 };
	static const u16 after[] = { 1024, 1460, 1460 };
	struct xtcp_sock *xs;
	int i, mode;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		for (mode = 0; mode <= 2; mode++) {
			pair_establish(test, A, ISS, IRS);
			xs = xtcp_sk(A->sk);
			xs->xn->sysctl.retries1 = 3;
			lock_sock(A->sk);
			xs->snd.peer_mss = 1460;
			xtcp_output_sync_mss(A->sk, 1500);
			release_sock(A->sk);
			xs->xn->sysctl.mtu_probing = mode;
			xs->xn->sysctl.base_mss = 1024;
			xs->snd.nodelay = true;
			pair_write(A, lens[i]);
			lock_sock(A->sk);
			xs->recovery.retransmits = 2;
			xtcp_recovery_timeout(A->sk);
			KUNIT_EXPECT_EQ_MSG(test, xs->snd.mss, 1460, "before R1");
			xs->recovery.retransmits = 3;
			xtcp_recovery_timeout(A->sk);
			KUNIT_EXPECT_EQ_MSG(test, xs->snd.mss, mode ? after[i] : 1460,
					    "%u octets, mode %d", lens[i], mode);
			xs->xn->sysctl.mtu_probing = 0;
			release_sock(A->sk);
			pair_close();
		}
	}
}

static struct kunit_case plpmtud_search_cases[] = {
	KUNIT_CASE(plpmtud_search__converges),
	KUNIT_CASE(plpmtud_search__small_steps),
	KUNIT_CASE(plpmtud_next__only_one_at_a_time),
	KUNIT_CASE(plpmtud_bound__route_says_less),
	KUNIT_CASE(plpmtud_reopen__after_the_interval),
	KUNIT_CASE(plpmtud_smaller__base_then_halves),
	{}
};

static struct kunit_suite plpmtud_search_suite = {
	.name = "xtcp_plpmtud_search",
	.test_cases = plpmtud_search_cases,
};

static struct kunit_case plpmtud_cases[] = {
	KUNIT_CASE(plpmtud_probe__raises_the_mss),
	KUNIT_CASE(plpmtud_probe__conditions),
	KUNIT_CASE(plpmtud_probe__lost_alone),
	KUNIT_CASE(plpmtud_timeout__at_the_probe),
	KUNIT_CASE(plpmtud_timeout__black_hole),
	{}
};

static struct kunit_suite plpmtud_suite = {
	.name = "xtcp_plpmtud",
	.test_cases = plpmtud_cases,
};

kunit_test_suites(&plpmtud_search_suite, &plpmtud_suite);
