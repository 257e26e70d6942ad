// SPDX-License-Identifier: GPL-2.0
/* KUnit: what a connection sends, and when (RFC 9293 3.8.6.2.1, 3.7.4, RFC 5681 4.1). */
#include <kunit/test.h>
#include "../recovery.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define MSS	536U

static struct xtcp_sock *out_begin(struct kunit *test)
{
	pair_establish(test, A, ISS, IRS);
	return xtcp_sk(A->sk);
}

static void out_ack(struct kunit *test, u32 ack, u16 wnd)
{
	pair_forge_data(test, A, XTCP_ACK, IRS + 1, ack, wnd, 0);
}

/* Write @len octets. Return: how many left. */
static u32 out_write(struct kunit *test, u32 len)
{
	KUNIT_EXPECT_EQ(test, pair_write(A, len), (int)len);
	return pair_sent(A);
}

static void out_push(void)
{
	lock_sock(A->sk);
	xtcp_output_push(A->sk);
	release_sock(A->sk);
}

static void output_inflight__what_has_left_does_not_count(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	u32 una = xs->snd.una, nxt = xs->snd.nxt;

	xs->snd.una = U32_MAX - 999;
	xs->snd.nxt = 4000;
	KUNIT_EXPECT_EQ(test, xtcp_output_inflight(xs), 5000U);
	xs->rtxq.sacked = 1000;
	KUNIT_EXPECT_EQ(test, xtcp_output_inflight(xs), 4000U);
	xs->rtxq.lost = 1500;
	KUNIT_EXPECT_EQ(test, xtcp_output_inflight(xs), 2500U);
	xs->rtxq.retrans = 500;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_output_inflight(xs), 2500U, "neither lost nor gone");
	xs->rtxq.sacked = 3501;
	KUNIT_EXPECT_EQ(test, xtcp_output_inflight(xs), 0U);
	memset(&xs->rtxq, 0, sizeof(xs->rtxq));
	xs->snd.una = una;
	xs->snd.nxt = nxt;
	pair_close();
}

/* Nagle as Minshall has it: one small segment may be out, full ones do not count. */
static void output_push__nagle(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	KUNIT_EXPECT_EQ(test, out_write(test, 10), 10U);
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 10), 0U, "a small one is out");
	KUNIT_EXPECT_EQ(test, out_write(test, MSS - 11), 0U);
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 1), MSS, "a full segment has come together");
	out_ack(test, UNA + 10, 8192);
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 7), 7U, "the small one is acknowledged");
	KUNIT_EXPECT_EQ(test, out_write(test, 7), 0U);
	xs->snd.nodelay = true;
	KUNIT_EXPECT_EQ(test, out_write(test, 1), 8U);
	/* Full segments and the end of a write go together. */
	xs->snd.nodelay = false;
	out_ack(test, xs->snd.nxt, 8192);
	KUNIT_EXPECT_EQ(test, out_write(test, 2 * MSS + 5), 2 * MSS + 5);
	KUNIT_EXPECT_EQ(test, out_write(test, MSS + 5), MSS);
	pair_close();
}

/* A mark that is half the sequence space old is no small segment. */
static void output_push__old_mark_of_a_small_one(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	KUNIT_EXPECT_EQ(test, out_write(test, MSS), MSS);
	xs->snd.sml = xs->snd.nxt + 1000;
	KUNIT_EXPECT_EQ(test, out_write(test, 10), 10U);
	KUNIT_EXPECT_EQ(test, xs->snd.sml, xs->snd.nxt);
	KUNIT_EXPECT_EQ(test, out_write(test, 10), 0U);
	pair_close();
}

/* 3.8.6.2.1: cut short by the peer's window, half of its largest is worth a segment. */
static void output_push__silly_window(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	xs->snd.nodelay = true;
	pair_forge_data(test, A, XTCP_ACK, IRS + 1, UNA, 0, 0);
	pair_forge_data(test, A, XTCP_ACK, IRS + 1, UNA, 300, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.wnd, 300U);
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 1000), 0U, "of 8192 it is nothing");
	xs->snd.max_wnd = 601;
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	xs->snd.max_wnd = 600;
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), 300U);
	out_push();
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), 0U, "the window is full");
	/* What fits wholly is not cut short. */
	out_ack(test, UNA + 300, 700);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 700U);
	pair_close();
}

/* The window's edge to the octet. */
static void output_push__window_edge(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	xs->snd.nodelay = true;
	xs->snd.max_wnd = 10;
	xs->snd.wnd = 10;
	KUNIT_EXPECT_EQ(test, out_write(test, 20), 10U);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 10);
	out_ack(test, UNA + 10, 9);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 9U);
	out_ack(test, UNA + 19, 0);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	/* A FIN takes a place in the window too. */
	out_ack(test, UNA + 19, 1);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 1U);
	pair_close();
}

/* A window between segments: full ones go, the piece behind them waits. */
static void output_push__whole_segments_of_a_window(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	xs->snd.nodelay = true;
	xs->snd.wnd = 3 * MSS + 100;
	KUNIT_EXPECT_EQ(test, out_write(test, 5 * MSS), 3 * MSS);
	/* 100 octets and what the peer makes room for. */
	out_ack(test, UNA + 3 * MSS, MSS + 50);
	KUNIT_EXPECT_EQ(test, pair_sent(A), MSS);
	pair_close();
}

/* The same with super-segments of three; the machine is never so slow that the pace shortens them. */
static struct xtcp_sock *out_begin_supers(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	pair_segments(A, 3);
	xs->cong.burst_segs = 3;
	xs->snd.nodelay = true;
	return xs;
}

/* A small rest of a large window waits for the ACKs that are on their way. */
static void output_push__small_rest_of_a_window(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin_supers(test);

	xs->snd.wnd = 8 * MSS;
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 12 * MSS), 6 * MSS, "two of eight are left");
	KUNIT_EXPECT_FALSE_MSG(test, xs->snd.cwnd_limited, "by the window");
	xs->cong.state = XTCP_CA_DISORDER;
	out_push();
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), 2 * MSS, "they may show what is missing");
	xs->cong.state = XTCP_CA_OPEN;
	out_ack(test, UNA + MSS, 9 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), MSS, "the rest of a buffer, which is not cut");
	pair_close();

	xs = out_begin_supers(test);
	xs->cong.cwnd = 8 * MSS;
	KUNIT_EXPECT_EQ(test, out_write(test, 12 * MSS), 6 * MSS);
	KUNIT_EXPECT_TRUE_MSG(test, xs->snd.cwnd_limited, "by cwnd");
	pair_close();

	/* Less than two super-segments: each ACK counts. */
	xs = out_begin_supers(test);
	xs->snd.wnd = 5 * MSS;
	KUNIT_EXPECT_EQ(test, out_write(test, 12 * MSS), 5 * MSS);
	pair_close();
}

/* A FIN, and data that nothing will join, do not wait; the last piece does. */
static void output_push__nothing_more_will_join(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	struct sock *sk = A->sk;
	struct sk_buff *skb;
	int i;

	KUNIT_EXPECT_EQ(test, out_write(test, 10), 10U);
	lock_sock(sk);
	for (i = 0; i < 2; i++) {
		skb = ksock_segment(test, sk, UNA + 10 + 20 * i, 20, XTCP_ACK);
		__skb_queue_tail(&sk->sk_write_queue, skb);
		xs->snd.write_seq += 20;
	}
	xtcp_output_push(sk);
	release_sock(sk);
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), 20U, "the first, for the second is behind it");
	pair_close();

	/* A corked end whose FIN found the window closed. */
	xs = out_begin(test);
	xs->snd.cork = true;
	KUNIT_EXPECT_EQ(test, out_write(test, 10), 0U);
	pair_forge_data(test, A, XTCP_ACK, IRS + 1, UNA, 0, 0);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	KUNIT_EXPECT_FALSE(test, xs->snd.push_once);
	pair_forge_data(test, A, XTCP_ACK, IRS + 1, UNA, 100, 0);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 10U);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 11);
	pair_close();
}

static void output_push__cwnd(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	xs->cong.cwnd = 2 * MSS + 100;
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, 6 * MSS), 2 * MSS, "whole segments");
	KUNIT_EXPECT_TRUE(test, xs->snd.cwnd_limited);
	/* Two have left the network: two may follow (RFC 3042). */
	xs->rtxq.sacked = 2 * MSS;
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), 2 * MSS);
	xs->rtxq.sacked = 0;
	pair_close();
	/* Less than a segment: one goes, but not a second one. */
	xs = out_begin(test);
	xs->cong.cwnd = 10;
	KUNIT_EXPECT_EQ(test, out_write(test, 3 * MSS), MSS);
	KUNIT_EXPECT_TRUE(test, xs->snd.cwnd_limited);
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	pair_close();
}

/* RFC 5681 4.1: after an idle RTO the old window says nothing any more. */
static void output_push__after_idle(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	const unsigned long idle = 1000 * HZ;
	u32 iw = 10 * MSS;

	xs->cong.cwnd = 40 * MSS;
	xs->cong.ssthresh = 2 * MSS;
	xs->snd.last_sent = jiffies;
	out_write(test, MSS);
	KUNIT_EXPECT_EQ_MSG(test, xs->cong.cwnd, 40 * MSS, "it was not idle");
	xs->snd.last_sent = jiffies - idle;
	out_write(test, MSS);
	KUNIT_EXPECT_EQ_MSG(test, xs->cong.cwnd, 40 * MSS, "something is out");
	xs->cong.ssthresh = 10 * MSS;
	out_ack(test, xs->snd.nxt, 8192);
	xs->cong.cwnd = 40 * MSS;
	xs->cong.ssthresh = 2 * MSS;
	xs->snd.last_sent = jiffies - idle;
	xs->xn->sysctl.slow_start_after_idle = 0;
	out_write(test, MSS);
	KUNIT_EXPECT_EQ_MSG(test, xs->cong.cwnd, 40 * MSS, "not wanted");
	xs->xn->sysctl.slow_start_after_idle = 1;
	out_ack(test, xs->snd.nxt, 8192);
	xs->cong.cwnd = 40 * MSS;
	xs->cong.ssthresh = 2 * MSS;
	xs->snd.last_sent = jiffies - idle;
	out_write(test, MSS);
	KUNIT_EXPECT_EQ(test, xs->cong.cwnd, iw);
	KUNIT_EXPECT_EQ_MSG(test, xs->cong.ssthresh, 30 * MSS, "what it had learned");
	/* A small window is no reason to forget, nor to raise it. */
	out_ack(test, xs->snd.nxt, 8192);
	xs->cong.cwnd = 3 * MSS;
	xs->cong.ssthresh = 50 * MSS;
	xs->snd.last_sent = jiffies - idle;
	out_write(test, MSS);
	KUNIT_EXPECT_EQ(test, xs->cong.cwnd, 3 * MSS);
	KUNIT_EXPECT_EQ(test, xs->cong.ssthresh, 50 * MSS);
	pair_close();
}

/* The first octet outstanding goes whatever the window says; what is beyond it does not. */
static void output_resend__shrunken_window(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	struct sk_buff *first, *second;
	struct sock *sk = A->sk;

	xs->snd.nodelay = true;
	KUNIT_EXPECT_EQ(test, out_write(test, MSS), MSS);
	KUNIT_EXPECT_EQ(test, out_write(test, 4 * MSS), 4 * MSS);
	lock_sock(sk);
	first = xtcp_rtxq_first(&xs->rtxq);
	second = skb_rb_next(first);
	xs->snd.wnd = 0;
	KUNIT_EXPECT_EQ(test, xtcp_output_resend(sk, first, MSS), 0);
	KUNIT_EXPECT_EQ(test, pair_sent(A), MSS);
	xs->snd.wnd = MSS;
	KUNIT_EXPECT_EQ(test, xtcp_output_resend(sk, second, 4 * MSS), -EAGAIN);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	xs->snd.wnd = 3 * MSS + 5;
	KUNIT_EXPECT_EQ(test, xtcp_output_resend(sk, second, 4 * MSS), 0);
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), 2 * MSS, "the part that the window covers");
	KUNIT_EXPECT_EQ(test, xs->total_retrans, 3U);
	KUNIT_EXPECT_EQ(test, xs->bytes_retrans, 3ULL * MSS);
	KUNIT_EXPECT_EQ(test, xs->rtxq.retrans, 3 * MSS);
	release_sock(sk);
	pair_close();
}

/* What is marked lost goes again as far as cwnd has room, and before anything new. */
static void output_push__lost_first(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	u32 seq;

	xs->snd.nodelay = true;
	for (seq = 0; seq < 4; seq++)
		KUNIT_EXPECT_EQ(test, out_write(test, MSS), MSS);
	lock_sock(A->sk);
	xtcp_rtxq_mark_all_lost(&xs->rtxq, xs->snd.una);
	xs->cong.cwnd = 2 * MSS;
	release_sock(A->sk);
	KUNIT_EXPECT_EQ_MSG(test, out_write(test, MSS), 2 * MSS, "two of the lost, nothing new");
	KUNIT_EXPECT_EQ(test, xs->rtxq.lost, 2 * MSS);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 4 * MSS);
	xs->cong.cwnd = 3 * MSS - 1;
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), 0U);
	xs->cong.cwnd = 3 * MSS;
	out_push();
	KUNIT_EXPECT_EQ(test, pair_sent(A), MSS);
	pair_close();
}

/* MUST-16: the smallest of path, peer and user, but never less than the floor. */
static void output_mss__the_smallest(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	struct sock *sk = A->sk;
	int floor = xs->xn->sysctl.min_snd_mss;

	lock_sock(sk);
	xs->snd.peer_mss = 1460;
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 1500), 1460U);
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 1499), 1459U);
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 9000), 1460U);
	KUNIT_EXPECT_EQ(test, xs->snd.pmtu, 9000U);
	KUNIT_EXPECT_EQ(test, xs->snd.mss, 1460);
	KUNIT_EXPECT_EQ(test, xs->cong.mss, 1460U);
	xs->user_mss = 1000;
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 1500), 1000U);
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 600), 560U);
	xs->user_mss = 0;
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 41), (u32)floor);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_output_sync_mss(sk, 0), (u32)floor, "no wrap below 0");
	xs->snd.peer_mss = 1;
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 1500), (u32)floor);
	xs->snd.peer_mss = 65495;
	KUNIT_EXPECT_EQ(test, xtcp_output_sync_mss(sk, 65535), 65495U);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_output_size_goal(sk), 65495U, "at least one segment");
	xtcp_output_sync_mss(sk, 1500);
	KUNIT_EXPECT_EQ(test, xtcp_output_size_goal(sk) % 1460, 0U);
	KUNIT_EXPECT_LE(test, xtcp_output_size_goal(sk), 65535U);
	release_sock(sk);
	pair_close();
}

/* 3.8.6.1: a probe asks at the edge; in a window that is open a little it carries data. */
static void output_probe__closed_and_nearly_closed(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);
	struct sock *sk = A->sk;

	xs->snd.wnd = 0;
	KUNIT_EXPECT_EQ(test, out_write(test, 100), 0U);
	KUNIT_EXPECT_TRUE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE));
	lock_sock(sk);
	xtcp_output_probe(sk);
	release_sock(sk);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA - 1, IRS + 1, 0));
	pair_silent(test, A);
	/* Urgent news is told in spite of the window. */
	xs->snd.urgent = true;
	xs->snd.up = UNA + 50;
	lock_sock(sk);
	xtcp_output_probe(sk);
	release_sock(sk);
	kfree_skb(pair_take(test, A, XTCP_ACK | XTCP_URG, UNA, IRS + 1, 0));
	kfree_skb(pair_take(test, A, XTCP_ACK | XTCP_URG, UNA - 1, IRS + 1, 0));
	pair_silent(test, A);
	xs->snd.urgent = false;
	xs->snd.wnd = 7;
	lock_sock(sk);
	xtcp_output_probe(sk);
	xtcp_timer_stop(sk);
	release_sock(sk);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA, IRS + 1, 7));
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 7);
	pair_close();
}

/* With something out no probe is armed: the answer to it will come. */
static void output_push__probes_only_for_want_of_an_answer(struct kunit *test)
{
	struct xtcp_sock *xs = out_begin(test);

	xs->snd.wnd = 100;
	xs->snd.max_wnd = 100;
	KUNIT_EXPECT_EQ(test, out_write(test, 200), 100U);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE));
	KUNIT_EXPECT_TRUE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_RETRANS));
	pair_close();
}

static struct kunit_case out_cases[] = {
	KUNIT_CASE(output_inflight__what_has_left_does_not_count),
	KUNIT_CASE(output_push__nagle),
	KUNIT_CASE(output_push__old_mark_of_a_small_one),
	KUNIT_CASE(output_push__silly_window),
	KUNIT_CASE(output_push__window_edge),
	KUNIT_CASE(output_push__whole_segments_of_a_window),
	KUNIT_CASE(output_push__small_rest_of_a_window),
	KUNIT_CASE(output_push__nothing_more_will_join),
	KUNIT_CASE(output_push__cwnd),
	KUNIT_CASE(output_push__after_idle),
	KUNIT_CASE(output_resend__shrunken_window),
	KUNIT_CASE(output_push__lost_first),
	KUNIT_CASE(output_mss__the_smallest),
	KUNIT_CASE(output_probe__closed_and_nearly_closed),
	KUNIT_CASE(output_push__probes_only_for_want_of_an_answer),
	{}
};

static struct kunit_suite out_suite = {
	.name = "xtcp_output",
	.test_cases = out_cases,
};

kunit_test_suite(out_suite);
