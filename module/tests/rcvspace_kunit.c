// SPDX-License-Identifier: GPL-2.0
/* KUnit: what a reader takes in a round trip, and the window that follows from it. */
#include <kunit/test.h>
#include <linux/limits.h>
#include <linux/time64.h>
#include "../rcvspace.h"
#include "../window.h"
#include "pair.h"
#include "rnd.h"

#define A	(&pair_ends[0])
#define MS	((u32)USEC_PER_MSEC)
#define MSS	1448U
#define SLACK	(16 * MSS)

/* The sequence numbers and the clock wrap in each case. */
#define SEQ	0xffffff00U
#define T0	0xfffff000U

static struct xtcp_rcvspace rs_fresh(u32 rtt_us)
{
	struct xtcp_rcvspace s;

	xtcp_rcvspace_init(&s, SEQ, SEQ + 65535, rtt_us, T0);
	return s;
}

static void rcvspace_echo__first(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(0);

	xtcp_rcvspace_echo(&s, 77, 30);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 30 * MS);
	s = rs_fresh(0);
	xtcp_rcvspace_echo(&s, 77, 0);
	KUNIT_EXPECT_EQ_MSG(test, s.rtt_us, 1 * MS, "less than a tick, but not nothing");
}

/* Two ticks of a clock lie up to one apart from what they measure: that much is no news. */
static void rcvspace_echo__within_a_tick(struct kunit *test)
{
	static const struct { u32 rtt_us, ms, want_us; } cases[] = {
		{ 40, 0, 40 }, { 40, 1, 40 }, { 999, 1, 999 }, { 2500, 1, 2 * MS },
		{ 300400, 300, 300400 }, { 300400, 299, 300 * MS }, { 300400, 100, 101 * MS },
		{ 40, 5, 40 },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct xtcp_rcvspace s = rs_fresh(cases[i].rtt_us);

		xtcp_rcvspace_echo(&s, 77, cases[i].ms);
		KUNIT_EXPECT_EQ_MSG(test, s.rtt_us, cases[i].want_us, "case %d", i);
	}
}

/* What follows the first segment of an echo was sent later, so it says nothing. */
static void rcvspace_echo__each_counts_once(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(50 * MS);

	xtcp_rcvspace_echo(&s, 77, 80);
	KUNIT_EXPECT_EQ(test, s.least_us, 79 * MS);
	xtcp_rcvspace_echo(&s, 77, 20);
	KUNIT_EXPECT_EQ(test, s.least_us, 79 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 50 * MS);
	xtcp_rcvspace_echo(&s, 78, 20);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 21 * MS);
}

/* The estimate rises at the end of a round: to its least sample, by half of itself at most. */
static void rcvspace_read__estimate_rises(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(100 * MS);
	u32 seq = SEQ, now = T0;

	xtcp_rcvspace_echo(&s, 1, 900);
	xtcp_rcvspace_echo(&s, 2, 121);
	xtcp_rcvspace_echo(&s, 3, 400);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 100 * MS);
	xtcp_rcvspace_read(&s, seq += 10, MSS, now += 100 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 120 * MS);
	/* Nothing was sampled in this round. */
	xtcp_rcvspace_read(&s, seq += 10, MSS, now += 120 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 120 * MS);
	/* The writer was away for ten seconds. */
	xtcp_rcvspace_echo(&s, 4, 10000);
	xtcp_rcvspace_read(&s, seq += 10, MSS, now += 120 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 180 * MS + 1);
	/* And sends on: the next sample corrects it at once. */
	xtcp_rcvspace_echo(&s, 5, 120);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 121 * MS);
}

/* A whole window takes a round trip or longer: only the shortest time is one. */
static void rcvspace_arrived__only_lowers(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(0);

	xtcp_rcvspace_arrived(&s, SEQ + 65534, SEQ + 131069, T0 + 20 * MS);
	KUNIT_EXPECT_EQ_MSG(test, s.rtt_us, 0U, "not all of it yet");
	xtcp_rcvspace_arrived(&s, SEQ + 65535, SEQ + 131070, T0 + 30 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 30 * MS);
	xtcp_rcvspace_arrived(&s, SEQ + 131070, SEQ + 200000, T0 + 50 * MS);
	KUNIT_EXPECT_EQ(test, s.rtt_us, 20 * MS);
	xtcp_rcvspace_arrived(&s, SEQ + 200000, SEQ + 300000, T0 + 5000 * MS);
	KUNIT_EXPECT_EQ_MSG(test, s.rtt_us, 20 * MS, "the sender was slow, not the path");
	xtcp_rcvspace_arrived(&s, SEQ + 300000, SEQ + 400000, T0 + 5000 * MS);
	KUNIT_EXPECT_EQ_MSG(test, s.rtt_us, 1U, "never none again");
}

/* Without an estimate there are no rounds; the first begins when there is one. */
static void rcvspace_read__without_estimate(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(0);

	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 50000, MSS, T0 + 10 * MS), 0U);
	KUNIT_EXPECT_EQ(test, s.best, 0U);
	xtcp_rcvspace_echo(&s, 1, 40);
	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 51000, MSS, T0 + 20 * MS),
			6 * 1000 + SLACK);
	KUNIT_EXPECT_EQ_MSG(test, s.best, 1000U, "what came before is not this round's");
}

/* A round that brings more than any before widens the window before it ends. */
static void rcvspace_read__within_the_round(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(100 * MS);

	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 10000, MSS, T0 + 1), 60000 + SLACK);
	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 30000, MSS, T0 + 2), 180000 + SLACK);
	KUNIT_EXPECT_EQ(test, s.best, 30000U);
	/* 7/8 of a round trip: the next round. It brings less and changes nothing. */
	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 50000, MSS, T0 + 87500),
			180000 + SLACK);
	KUNIT_EXPECT_EQ(test, s.last, 30000U);
	KUNIT_EXPECT_EQ(test, s.best, 30000U);
	KUNIT_EXPECT_EQ(test, s.start, SEQ + 30000);
}

/* A window that grows by a segment each round trip needs twice itself, not six times. */
static void rcvspace_read__slow_growth(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(100 * MS);
	u32 seq = SEQ, now = T0, octets = 100 * MSS, want = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		want = xtcp_rcvspace_read(&s, seq += octets, MSS, now += 100 * MS);
		KUNIT_ASSERT_GE(test, want, 2 * octets);
		octets += MSS;
	}
	KUNIT_EXPECT_EQ(test, want, 2 * (octets - MSS) + SLACK);
}

static void rcvspace_read__steady(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(100 * MS);
	u32 seq = SEQ, now = T0;
	int i;

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, xtcp_rcvspace_read(&s, seq += 5000, MSS, now += 100 * MS),
				6 * 5000 + SLACK);
	/* The writer pauses, and the window waits for him. */
	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, seq += 10, MSS, now += 60000 * MS),
			6 * 5000 + SLACK);
}

/* However much comes in one round, the window is a number. */
static void rcvspace_read__saturates(struct kunit *test)
{
	struct xtcp_rcvspace s = rs_fresh(100 * MS);

	KUNIT_EXPECT_EQ(test, xtcp_rcvspace_read(&s, SEQ + 0x70000000, MSS, T0 + 1), (u32)INT_MAX);
}

/*
 * Slow start without pacing: each round trip brings a burst of twice the last one's octets, and
 * its reader comes late. When the first acknowledgment of a burst leaves, all of the burst
 * may be unread, and the sender wants twice the burst in flight when the last one arrives.
 */
static void rcvspace_read__ahead_of_bursts(struct kunit *test)
{
	struct rnd_state rnd;
	int turn;

	prandom_seed_state(&rnd, 5);
	for (turn = 0; turn < 200; turn++) {
		u32 rtt = (1 + rnd_below(&rnd, 400)) * MS, burst = 10 * MSS, seq = SEQ, now = 0;
		struct xtcp_rcvspace s;
		u32 window = 65535;

		xtcp_rcvspace_init(&s, seq, seq + window, rtt, now);
		while (burst < 100 << 20) {
			u32 end = seq + burst, start;

			KUNIT_ASSERT_GE_MSG(test, window, burst, "turn %d: burst of %u", turn, burst);
			/* Bursts keep their distance within a tenth. */
			now += rtt - rtt / 10 + rnd_below(&rnd, rtt / 5);
			start = now;
			while (seq != end) {
				u32 piece = min(1 + rnd_below(&rnd, burst / 2), end - seq);

				seq += piece;
				window = max(window, xtcp_rcvspace_read(&s, seq, MSS, now));
				now = min(now + rnd_below(&rnd, rtt / 64), start + rtt / 2);
			}
			if (window < INT_MAX / 2)
				KUNIT_ASSERT_GE_MSG(test, window, 6 * burst, "turn %d: burst of %u",
						    turn, burst);
			now = start;
			burst *= 2;
		}
	}
}

/* The same with pacing: a stream that becomes denser, and a reader who is there all the time. */
static void rcvspace_read__ahead_of_a_stream(struct kunit *test)
{
	struct rnd_state rnd;
	int turn;

	prandom_seed_state(&rnd, 6);
	for (turn = 0; turn < 100; turn++) {
		u32 rtt = (10 + rnd_below(&rnd, 400)) * MS, seq = SEQ, now = T0;
		struct xtcp_rcvspace s = rs_fresh(rtt);
		u32 window = 65535;
		u64 cwnd = 10 * MSS;

		while (cwnd < 100 << 20) {
			/* A thousandth of a round trip, and of the octets of one. */
			u32 octets = max_t(u32, cwnd / 1000, 1);

			now += rtt / 1000;
			seq += octets;
			cwnd += octets;
			window = max(window, xtcp_rcvspace_read(&s, seq, MSS, now));
			KUNIT_ASSERT_GE_MSG(test, (u64)window, cwnd, "turn %d", turn);
		}
	}
}

/* -- of a connection ------------------------------------------------------------------ */

/* @octets arrive and are read, as one round of their own. Return: the buffer. */
static int rs_round(struct kunit *test, u32 octets)
{
	struct sock *sk = A->sk;
	struct xtcp_sock *xs = xtcp_sk(sk);
	int rcvbuf;

	lock_sock(sk);
	xs->rcvspace.rtt_us = 100 * MS;
	WRITE_ONCE(xs->rcv.copied, xs->rcv.copied + octets);
	xs->now_us += 200 * MS;
	xtcp_rcvspace_adjust(sk);
	rcvbuf = sk->sk_rcvbuf;
	release_sock(sk);
	return rcvbuf;
}

/* The buffer is the window at the ratio of payload that was measured; who fixed it is obeyed. */
static void rcvspace_adjust__bounds(struct kunit *test)
{
	struct xtcp_sysctl *ctl;
	struct xtcp_sock *xs;
	struct sock *sk;
	int max;

	pair_establish(test, A, SEQ, 486);
	sk = A->sk;
	xs = xtcp_sk(sk);
	ctl = &xs->xn->sysctl;
	max = ctl->rmem[2];
	KUNIT_EXPECT_EQ(test, xs->rcvspace.start, xs->rcv.copied);
	/* A first window is no growth; what follows has smaller numbers than that. */
	KUNIT_EXPECT_EQ(test, xs->rcvspace.best, min(xs->rcv.wnd, 10U * xs->rcv.advmss));
	KUNIT_EXPECT_GT(test, xs->rcvspace.best, 0U);
	xs->rcvspace.best = 0;
	/* Its peer knows window scaling. */
	xs->rcv.clamp = (u32)U16_MAX << XTCP_WSCALE_MAX;
	sk->sk_rcvbuf = 10000;
	xs->rcv.ratio = 64;
	xs->rcv.mss = 1000;

	sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	KUNIT_EXPECT_EQ(test, rs_round(test, 1000), 10000);
	sk->sk_userlocks &= ~SOCK_RCVBUF_LOCK;
	ctl->moderate_rcvbuf = 0;
	KUNIT_EXPECT_EQ(test, rs_round(test, 2000), 10000);
	ctl->moderate_rcvbuf = 1;
	sk->sk_prot->enter_memory_pressure(sk);
	KUNIT_EXPECT_EQ(test, rs_round(test, 4000), 10000);
	sk->sk_prot->leave_memory_pressure(sk);
	/* What was seen meanwhile is not forgotten. */
	KUNIT_EXPECT_EQ(test, rs_round(test, 10), 4 * (6 * 4000 + 16000));
	KUNIT_EXPECT_EQ(test, rs_round(test, 8000), 4 * (6 * 8000 + 16000));
	/* Less payload in the same memory: the window stays what it was. */
	xs->rcv.ratio = 32;
	KUNIT_EXPECT_EQ(test, rs_round(test, 10), 8 * (6 * 8000 + 16000));
	xs->rcv.ratio = 128;
	KUNIT_EXPECT_EQ_MSG(test, rs_round(test, 10), 8 * (6 * 8000 + 16000), "never smaller");
	ctl->rmem[2] = 1000000;
	KUNIT_EXPECT_EQ(test, rs_round(test, 400000), 1000000);
	ctl->rmem[2] = max;
	KUNIT_EXPECT_EQ(test, rs_round(test, 10), 2 * (6 * 400000 + 16000));
	/* More than the window field can say is of no use. */
	sk->sk_rcvbuf = 10000;
	xs->rcv.clamp = 65535;
	KUNIT_EXPECT_EQ(test, rs_round(test, 10), 2 * 65535);
	pair_close();
}

/* The handshake of a connection is its first sample. */
static void rcvspace_start__from_the_handshake(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, SEQ, 486);
	xs = xtcp_sk(A->sk);
	lock_sock(A->sk);
	xs->rtt.srtt_us = 8 * 12345;
	xtcp_rcvspace_start(A->sk);
	release_sock(A->sk);
	KUNIT_EXPECT_EQ(test, xs->rcvspace.rtt_us, 12345U);
	KUNIT_EXPECT_EQ(test, xs->rcvspace.edge, xs->rcv.wup + xs->rcv.wnd);
	KUNIT_EXPECT_EQ(test, xs->rcvspace.want, 0U);
	pair_close();
}

static struct kunit_case rcvspace_cases[] = {
	KUNIT_CASE(rcvspace_echo__first),
	KUNIT_CASE(rcvspace_echo__within_a_tick),
	KUNIT_CASE(rcvspace_echo__each_counts_once),
	KUNIT_CASE(rcvspace_read__estimate_rises),
	KUNIT_CASE(rcvspace_arrived__only_lowers),
	KUNIT_CASE(rcvspace_read__without_estimate),
	KUNIT_CASE(rcvspace_read__within_the_round),
	KUNIT_CASE(rcvspace_read__slow_growth),
	KUNIT_CASE(rcvspace_read__steady),
	KUNIT_CASE(rcvspace_read__saturates),
	KUNIT_CASE(rcvspace_read__ahead_of_bursts),
	KUNIT_CASE(rcvspace_read__ahead_of_a_stream),
	KUNIT_CASE(rcvspace_adjust__bounds),
	KUNIT_CASE(rcvspace_start__from_the_handshake),
	{}
};

static struct kunit_suite rcvspace_suite = {
	.name = "xtcp_rcvspace",
	.test_cases = rcvspace_cases,
};

kunit_test_suite(rcvspace_suite);
