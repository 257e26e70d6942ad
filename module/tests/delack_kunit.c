// SPDX-License-Identifier: GPL-2.0
/* KUnit: when a receiver acknowledges, and the window it offers (RFC 9293 3.8.6.2.2, 3.8.6.3). */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include "../window.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)
#define MSS	536U

/* A receiver in the middle of a conversation: it delays its ACKs. */
static struct xtcp_sock *da_begin(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, ISS, IRS);
	xs = xtcp_sk(A->sk);
	pair_slow_acks(A);
	KUNIT_EXPECT_EQ(test, xs->rcv.mss, (u16)MSS);
	return xs;
}

/* @len octets at @seq arrive. pair_input() stops the timers: note what was armed. */
static void da_data(struct kunit *test, u32 seq, u32 len)
{
	pair_forge_data(test, A, XTCP_ACK, seq, UNA, 8192, len);
}

static void da_acked(struct kunit *test, u32 ack)
{
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA, ack, 0));
}

/* MUST-58, MUST-59: at least every second full segment, in octets. */
static void delack_check__every_second_segment(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);

	da_data(test, NXT, MSS);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->rcv.unacked, MSS);
	da_data(test, NXT + MSS, 1);
	da_acked(test, NXT + MSS + 1);
	KUNIT_EXPECT_EQ(test, xs->rcv.unacked, 0U);
	KUNIT_EXPECT_EQ(test, xs->rcv.ack, 0);
	/* Small ones are many until they are as much as a full one. */
	da_data(test, NXT + MSS + 1, 100);
	da_data(test, NXT + MSS + 101, 100);
	da_data(test, NXT + MSS + 201, 336);
	pair_silent(test, A);
	da_data(test, NXT + MSS + 537, 1);
	da_acked(test, NXT + MSS + 538);
	pair_silent(test, A);
	pair_close();
}

/* RFC 5681 4.2: at once while there is a gap, and when one is filled. */
static void delack_check__at_once_around_a_gap(struct kunit *test)
{
	da_begin(test);
	da_data(test, NXT + 20, 10);
	da_acked(test, NXT);
	da_data(test, NXT + 40, 10);
	da_acked(test, NXT);
	/* The first gap closes, the second is still there. */
	da_data(test, NXT, 20);
	da_acked(test, NXT + 30);
	da_data(test, NXT + 30, 5);
	da_acked(test, NXT + 35);
	da_data(test, NXT + 35, 5);
	da_acked(test, NXT + 50);
	/* Now everything is in order again. */
	da_data(test, NXT + 50, 5);
	pair_silent(test, A);
	pair_close();
}

/* A connection begins with ACKs at once: its peer's window grows by them. */
static void delack_check__quick_at_the_start(struct kunit *test)
{
	struct xtcp_sock *xs;
	int i;

	pair_establish(test, A, ISS, IRS);
	xs = xtcp_sk(A->sk);
	/* The measure of the first segment decides how many. */
	for (i = 0; i < 8; i++) {
		da_data(test, NXT + i * 10, 10);
		da_acked(test, NXT + i * 10 + 10);
	}
	KUNIT_EXPECT_GT(test, xs->rcv.quick, 0);
	xs->rcv.pingpong = true;
	da_data(test, NXT + 80, 10);
	pair_silent(test, A);
	xs->rcv.pingpong = false;
	xs->rcv.quick = 1;
	da_data(test, NXT + 90, 10);
	da_acked(test, NXT + 100);
	KUNIT_EXPECT_EQ(test, xs->rcv.quick, 0);
	da_data(test, NXT + 100, 10);
	pair_silent(test, A);
	pair_close();
}

static void delack_enter_quick__between_2_and_16(struct kunit *test)
{
	static const struct { u32 wnd; u16 mss; u8 quick; } cases[] = {
		{ 0, 1460, 2 }, { 4 * 1460, 1460, 2 }, { 6 * 1460, 1460, 3 },
		{ 30 * 1460, 1460, 15 }, { 33 * 1460, 1460, 16 }, { U32_MAX, 1, 16 },
		{ 1000, 0, 16 },
	};
	struct xtcp_sock *xs = da_begin(test);
	u32 wnd = xs->rcv.wnd;
	int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		xs->rcv.wnd = cases[i].wnd;
		xs->rcv.mss = cases[i].mss;
		xs->rcv.quick = 0;
		xs->rcv.pingpong = true;
		xs->rcv.ato = 77;
		xtcp_delack_enter_quick(xs);
		KUNIT_EXPECT_EQ_MSG(test, xs->rcv.quick, cases[i].quick, "case %d", i);
		KUNIT_EXPECT_FALSE(test, xs->rcv.pingpong);
		KUNIT_EXPECT_EQ(test, xs->rcv.ato, (u32)XTCP_ATO_MIN);
	}
	/* It never takes back what was promised. */
	xs->rcv.quick = 200;
	xtcp_delack_enter_quick(xs);
	KUNIT_EXPECT_EQ(test, xs->rcv.quick, 200);
	xs->rcv.wnd = wnd;
	pair_close();
}

/* @gap jiffies after the last one a segment of @len octets arrives. */
static void da_after(struct kunit *test, struct xtcp_sock *xs, unsigned long gap, u32 ato)
{
	struct sk_buff *skb = alloc_skb(MSS, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put_zero(skb, 1);
	xs->rcv.quick = 0;
	xs->rcv.ato = ato;
	lock_sock(A->sk);
	/* The tick must not come between. */
	local_irq_disable();
	xs->rcv.last = jiffies - gap;
	xtcp_delack_data_rcvd(A->sk, skb);
	local_irq_enable();
	release_sock(A->sk);
	kfree_skb(skb);
}

/* The time-out follows the time between segments, between 40 and 200 ms. */
static void delack_data_rcvd__timeout_follows_the_gap(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	const u32 lo = XTCP_ATO_MIN, hi = XTCP_ATO_MAX;

	da_after(test, xs, 0, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, hi / 2 + lo / 2);
	da_after(test, xs, lo / 2, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, hi / 2 + lo / 2);
	da_after(test, xs, lo / 2 + 1, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, hi / 2 + lo / 2 + 1);
	da_after(test, xs, hi - 1, hi);
	KUNIT_EXPECT_EQ_MSG(test, xs->rcv.ato, hi, "at most");
	da_after(test, xs, hi, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.quick, 0);
	/* Longer than an RTO: the sender begins anew, and needs its ACKs. */
	da_after(test, xs, usecs_to_jiffies(xtcp_rtt_rto(&xs->rtt)) + 1, hi);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, lo);
	KUNIT_EXPECT_GE(test, xs->rcv.quick, 2);
	KUNIT_EXPECT_EQ(test, xs->rcv.ack & XTCP_ACK_DELAYED, XTCP_ACK_DELAYED);
	xs->rcv.ack = 0;
	pair_close();
}

/* A timer that fired: twice as long from now on, unless nobody answers any more. */
static void delack_expired__doubles(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);

	xtcp_delack_expired(xs);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, 2U * XTCP_ATO_MIN);
	xtcp_delack_expired(xs);
	xtcp_delack_expired(xs);
	xtcp_delack_expired(xs);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, (u32)XTCP_ATO_MAX);
	xs->rcv.pingpong = true;
	xtcp_delack_expired(xs);
	KUNIT_EXPECT_EQ(test, xs->rcv.ato, (u32)XTCP_ATO_MIN);
	KUNIT_EXPECT_FALSE(test, xs->rcv.pingpong);
	pair_close();
}

/* An answer soon after a question is a conversation; a late one is not. */
static void delack_data_sent__conversation(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);

	xs->rcv.ato = 1000;
	xs->rcv.last = jiffies - 2000;
	xtcp_delack_data_sent(xs);
	KUNIT_EXPECT_FALSE(test, xs->rcv.pingpong);
	xs->rcv.last = jiffies;
	xs->rcv.ato = 0;
	xtcp_delack_data_sent(xs);
	KUNIT_EXPECT_FALSE_MSG(test, xs->rcv.pingpong, "nothing has come yet");
	xs->rcv.ato = 1000;
	xtcp_delack_data_sent(xs);
	KUNIT_EXPECT_TRUE(test, xs->rcv.pingpong);
	pair_close();
}

static void da_measure(struct kunit *test, u32 len, u32 truesize)
{
	struct sk_buff *skb = alloc_skb(len, GFP_KERNEL);
	int real;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_put_zero(skb, len);
	real = skb->truesize;
	skb->truesize = truesize;
	lock_sock(A->sk);
	xtcp_delack_data_rcvd(A->sk, skb);
	release_sock(A->sk);
	skb->truesize = real;
	kfree_skb(skb);
}

/* Segment size by the largest, memory by an average that small ones do not enter. */
static void delack_data_rcvd__measures(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	u8 ratio = xs->rcv.ratio;

	KUNIT_EXPECT_EQ(test, ratio, XTCP_WIN_RATIO_ONE / 2);
	da_measure(test, 10, 100000);
	KUNIT_EXPECT_EQ(test, xs->rcv.mss, (u16)MSS);
	KUNIT_EXPECT_EQ(test, xs->rcv.ratio, ratio);
	xs->rcv.ratio = 240;
	da_measure(test, 1000, 1500);
	KUNIT_EXPECT_EQ(test, xs->rcv.mss, 1000);
	KUNIT_EXPECT_EQ_MSG(test, xs->rcv.ratio, (7 * 240 + 170 + 7) / 8, "two thirds, by an eighth");
	xs->rcv.ratio = 240;
	da_measure(test, 1000, 4000);
	KUNIT_EXPECT_EQ_MSG(test, xs->rcv.ratio, (7 * 240 + 128 + 7) / 8, "a quarter is half");
	da_measure(test, 5000, 10000);
	KUNIT_EXPECT_EQ_MSG(test, xs->rcv.mss, xs->rcv.advmss, "no more than we asked for");
	xs->rcv.ratio = 128;
	xs->rcv.mss = MSS;
	da_measure(test, 1000, 500);
	KUNIT_EXPECT_EQ_MSG(test, xs->rcv.ratio, (7 * 128 + 255 + 7) / 8, "at most all of it");
	xs->rcv.ack = 0;
	xs->rcv.unacked = 0;
	pair_close();
}

/* The largest piece of late, in units; smaller ones make it forgotten bit by bit. */
static void delack_data_rcvd__burst(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	int i;

	xs->rcv.burst = 0;
	da_measure(test, 1, 500);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, 1);
	da_measure(test, 4 * XTCP_BURST_UNIT, 5000);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, 4);
	da_measure(test, 4 * XTCP_BURST_UNIT + 1, 5000);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, 5);
	xs->rcv.burst = U8_MAX;
	da_measure(test, 1, 500);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, U8_MAX - 16);
	for (i = 0; i < 100; i++)
		da_measure(test, 1, 500);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, 1);
	da_measure(test, 70000, 100000);
	KUNIT_EXPECT_EQ(test, xs->rcv.burst, U8_MAX);
	xs->rcv.ack = 0;
	xs->rcv.unacked = 0;
	pair_close();
}

/* It counts for the window: a buffer that is nearly full does not open for a few segments. */
static void delack_next_window__waits_for_a_burst(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	struct sock *sk = A->sk;

	lock_sock(sk);
	WRITE_ONCE(sk->sk_rcvbuf, 1 << 20);
	xs->rcv.ratio = XTCP_WIN_RATIO_ONE / 2;
	xs->rcv.clamp = 1 << 20;
	xs->rcv.wscale = 7;
	xs->rcv.wnd = 0;
	xs->rcv.wup = xs->rcv.nxt;
	atomic_set(&sk->sk_rmem_alloc, (1 << 20) - 2 * 32768);
	xs->rcv.burst = 200;
	KUNIT_EXPECT_EQ(test, xtcp_delack_select_window(sk), 0U);
	xs->rcv.burst = 128;
	KUNIT_EXPECT_EQ(test, xtcp_delack_select_window(sk), 32768U);
	atomic_set(&sk->sk_rmem_alloc, 0);
	release_sock(sk);
	pair_close();
}

static void delack_window__what_is_left(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	struct xtcp_rcv old = xs->rcv;

	xs->rcv.wup = U32_MAX - 9;
	xs->rcv.wnd = 100;
	xs->rcv.nxt = 40;
	KUNIT_EXPECT_EQ(test, xtcp_delack_window(xs), 50U);
	xs->rcv.nxt = 90;
	KUNIT_EXPECT_EQ(test, xtcp_delack_window(xs), 0U);
	xs->rcv.nxt = 91;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_delack_window(xs), 0U, "never less than nothing");
	xs->rcv = old;
	pair_close();
}

/* What is chosen is noted: from where it counts, and when it closes and opens. */
static void delack_select_window__notes(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	unsigned long closed = xtcp_mib_read(xs->xn, XTCP_MIB_TOZEROWINDOWADV);
	unsigned long opened = xtcp_mib_read(xs->xn, XTCP_MIB_FROMZEROWINDOWADV);
	struct sock *sk = A->sk;
	int rcvbuf = sk->sk_rcvbuf;

	lock_sock(sk);
	xs->rcv.nxt = xs->rcv.wup + xs->rcv.wnd;
	sk->sk_rcvbuf = 0;
	KUNIT_EXPECT_EQ(test, xtcp_delack_select_window(sk), 0U);
	KUNIT_EXPECT_EQ(test, xs->rcv.wup, xs->rcv.nxt);
	KUNIT_EXPECT_EQ(test, xs->rcv.wnd, 0U);
	KUNIT_EXPECT_EQ(test, xtcp_delack_select_window(sk), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xs->xn, XTCP_MIB_TOZEROWINDOWADV), closed + 1);
	sk->sk_rcvbuf = rcvbuf;
	KUNIT_EXPECT_GT(test, xtcp_delack_select_window(sk), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xs->xn, XTCP_MIB_FROMZEROWINDOWADV), opened + 1);
	release_sock(sk);
	pair_close();
}

/* A reader that made room tells the peer if that at least doubles what it may send. */
static void delack_reader__window_update(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	struct sock *sk = A->sk;
	u32 room;

	lock_sock(sk);
	xs->rcv.clamp = 40000;
	xtcp_delack_select_window(sk);
	release_sock(sk);
	room = xtcp_delack_window(xs);
	KUNIT_EXPECT_GT(test, room, 20000U);
	/* All is offered: nothing to tell. */
	lock_sock(sk);
	xtcp_delack_reader(sk, 1000);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&A->wire));
	/* Half of it is used up: twice that is free. */
	xs->rcv.wnd = 40000 / 2 + 1;
	xtcp_delack_reader(sk, 1000);
	KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&A->wire), "more than half is still open");
	xs->rcv.wnd = room * 2 / 3;
	xs->rcv.clamp = room * 2;
	xtcp_delack_reader(sk, 1000);
	KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&A->wire), "it would not double");
	xs->rcv.wnd = room / 4;
	xtcp_delack_reader(sk, 0);
	KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&A->wire), "nothing was read");
	xtcp_delack_reader(sk, 1000);
	release_sock(sk);
	da_acked(test, NXT);
	/* An ACK that is owed for more than a segment goes with the reading. */
	xs->rcv.ack = XTCP_ACK_DELAYED;
	xs->rcv.unacked = xs->rcv.mss;
	lock_sock(sk);
	xtcp_delack_reader(sk, 0);
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&A->wire));
	xs->rcv.unacked++;
	xtcp_delack_reader(sk, 0);
	release_sock(sk);
	da_acked(test, NXT);
	pair_silent(test, A);
	pair_close();
}

/* The first window: half the buffer, in a field of 16 bits and the scale that covers it. */
static void delack_initial_window__fits_its_field(struct kunit *test)
{
	struct xtcp_sock *xs = da_begin(test);
	struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	int rmem = ctl->rmem[2], scaling = ctl->window_scaling;
	struct sock *sk = A->sk;
	int rcvbuf = sk->sk_rcvbuf;
	u32 wnd;
	u8 scale;

	lock_sock(sk);
	ctl->window_scaling = 1;
	ctl->rmem[2] = 6291456;
	sk->sk_rcvbuf = 100000;
	xtcp_delack_initial_window(sk, &wnd, &scale);
	KUNIT_EXPECT_EQ(test, wnd, 50000U);
	KUNIT_EXPECT_EQ_MSG(test, scale, 7, "for what the buffer may become");
	sk->sk_rcvbuf = 20000000;
	xtcp_delack_initial_window(sk, &wnd, &scale);
	KUNIT_EXPECT_EQ(test, wnd, 10000000U);
	KUNIT_EXPECT_EQ(test, scale, 9);
	ctl->window_scaling = 0;
	xtcp_delack_initial_window(sk, &wnd, &scale);
	KUNIT_EXPECT_EQ(test, wnd, 65535U);
	KUNIT_EXPECT_EQ(test, scale, 0);
	ctl->window_scaling = scaling;
	ctl->rmem[2] = rmem;
	sk->sk_rcvbuf = rcvbuf;
	release_sock(sk);
	pair_close();
}

static struct kunit_case da_cases[] = {
	KUNIT_CASE(delack_check__every_second_segment),
	KUNIT_CASE(delack_check__at_once_around_a_gap),
	KUNIT_CASE(delack_check__quick_at_the_start),
	KUNIT_CASE(delack_enter_quick__between_2_and_16),
	KUNIT_CASE(delack_data_rcvd__timeout_follows_the_gap),
	KUNIT_CASE(delack_expired__doubles),
	KUNIT_CASE(delack_data_sent__conversation),
	KUNIT_CASE(delack_data_rcvd__measures),
	KUNIT_CASE(delack_data_rcvd__burst),
	KUNIT_CASE(delack_next_window__waits_for_a_burst),
	KUNIT_CASE(delack_window__what_is_left),
	KUNIT_CASE(delack_select_window__notes),
	KUNIT_CASE(delack_reader__window_update),
	KUNIT_CASE(delack_initial_window__fits_its_field),
	{}
};

static struct kunit_suite da_suite = {
	.name = "xtcp_delack",
	.test_cases = da_cases,
};

kunit_test_suite(da_suite);
