// SPDX-License-Identifier: GPL-2.0
/* KUnit: SACK blocks in the retransmit queue, against a bitmap; RACK and PRR by numbers. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include "../prr.h"
#include "../rack.h"
#include "../recovery.h"
#include "../rtxq.h"
#include "../scoreboard.h"
#include "../skb_cb.h"
#include "../timer.h"
#include "ksock.h"
#include "rnd.h"

#define MSS	100U
#define UNA	0xfffffa00U	/* the queue lies across the wrap */
#define FLIGHT	4000U

static struct xtcp_sock *sb_sock;

/* FLIGHT octets are out, in @buffers buffers of the same size, sent a millisecond apart. */
static struct sock *sb_begin(struct kunit *test, u32 buffers)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 i, len = FLIGHT / buffers;

	sb_sock = xs;
	lock_sock(sk);
	xs->snd.iss = UNA - 1;
	xs->snd.una = UNA;
	xs->snd.nxt = UNA + FLIGHT;
	xs->snd.write_seq = xs->snd.nxt;
	xs->snd.mss = MSS;
	xs->snd.max_wnd = 65535;
	xs->sack.ok = true;
	sk->sk_gso_max_size = 65536;
	sk->sk_gso_max_segs = 65535;
	KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&xs->cong, NULL), 0);
	xtcp_cong_start(&xs->cong, MSS);
	xs->cong.cwnd = FLIGHT;
	xtcp_recovery_init(xs);
	xs->now_us = 1000000;
	xtcp_rtt_sample(&xs->rtt, 100000);
	for (i = 0; i < buffers; i++) {
		struct sk_buff *skb = ksock_segment(test, sk, UNA + i * len, len, XTCP_ACK);

		xtcp_cb(skb)->sent_us = xs->now_us + 1000 * i;
		xtcp_rtxq_append(&xs->rtxq, skb);
	}
	xs->now_us += 100000;
	return sk;
}

static void sb_end(struct sock *sk)
{
	xtcp_timer_stop(sk);
	xtcp_rtxq_purge(sk);
	release_sock(sk);
	ksock_close(sk);
}

/* An acknowledgment of @ack with @n blocks, all in octets from UNA. */
static struct xtcp_rtxq_acked sb_report(struct sock *sk, u32 ack, const u32 (*b)[2], int n)
{
	struct xtcp_options opt = { .seen = XTCP_SEEN_SACK, .num_sacks = n };
	struct xtcp_rtxq_acked res = { 0 };
	int i;

	for (i = 0; i < n; i++) {
		opt.sack[i].start = UNA + b[i][0];
		opt.sack[i].end = UNA + b[i][1];
	}
	xtcp_rack_next_ack(sb_sock);
	xtcp_scoreboard_update(sk, &opt, UNA + ack, &res);
	return res;
}

/* The marks in the queue are those of @there, octet by octet, and the sums agree. */
static void sb_check(struct kunit *test, const unsigned long *there)
{
	struct xtcp_rtxq *q = &sb_sock->rtxq;
	u32 at = UNA, sacked = 0, lost = 0;
	struct sk_buff *skb;

	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb)) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);
		bool mark = cb->mark & XTCP_MARK_SACKED;
		u32 from = cb->seq - UNA, to = cb->end_seq - UNA;

		KUNIT_ASSERT_EQ_MSG(test, cb->seq, at, "a gap in the queue");
		KUNIT_ASSERT_EQ(test, cb->end_seq - cb->seq, skb->len);
		at = cb->end_seq;
		if (mark) {
			sacked += skb->len;
			KUNIT_ASSERT_GE(test, find_next_zero_bit(there, FLIGHT, from),
					(unsigned long)to);
			KUNIT_ASSERT_TRUE(test, list_empty(&skb->tcp_tsorted_anchor));
		} else {
			KUNIT_ASSERT_GE(test, find_next_bit(there, FLIGHT, from),
					(unsigned long)to);
		}
		if (cb->mark & XTCP_MARK_LOST)
			lost += skb->len;
	}
	KUNIT_ASSERT_EQ(test, at, UNA + FLIGHT);
	KUNIT_ASSERT_EQ(test, q->sacked, sacked);
	KUNIT_ASSERT_EQ(test, q->lost, lost);
	KUNIT_ASSERT_EQ(test, sacked, (u32)bitmap_weight(there, FLIGHT));
}

/* Random blocks, overlapping, repeated, grown at either end: the queue says what they said. */
static void scoreboard_random__against_bitmap(struct kunit *test)
{
	static DECLARE_BITMAP(there, FLIGHT);
	struct rnd_state rnd;
	u32 round, step;

	prandom_seed_state(&rnd, 2018);
	for (round = 0; round < 40; round++) {
		struct sock *sk = sb_begin(test, round % 4 ? 1 << round % 4 : 40);
		u32 b[4][2] = { 0 }, delivered = 0;

		bitmap_zero(there, FLIGHT);
		for (step = 0; step < 40; step++) {
			u32 n = 1 + rnd_below(&rnd, 3), i;

			for (i = 0; i < n; i++) {
				u32 from = 1 + rnd_below(&rnd, FLIGHT - 1);
				u32 to = from + 1 + rnd_below(&rnd, min(FLIGHT - from, 600U));

				/* As receivers do: mostly, what was reported grows. */
				if (b[i][1] && rnd_below(&rnd, 3)) {
					from = b[i][0] > 50 && rnd_coin(&rnd) ? b[i][0] - 50 :
										b[i][0];
					to = min(b[i][1] + rnd_below(&rnd, 200), FLIGHT);
				}
				b[i][0] = from;
				b[i][1] = min(to, FLIGHT);
			}
			/* Not to be taken for a duplicate inside the second block. */
			if (n > 1 && b[0][0] >= b[1][0] && b[0][1] <= b[1][1])
				n = 1;
			delivered += sb_report(sk, 0, b, n).delivered;
			for (i = 0; i < n; i++)
				bitmap_set(there, b[i][0], b[i][1] - b[i][0]);
			sb_check(test, there);
			KUNIT_ASSERT_EQ(test, delivered, (u32)bitmap_weight(there, FLIGHT));
		}
		sb_end(sk);
	}
}

static void scoreboard_update__nonsense(struct kunit *test)
{
	static const u32 blocks[][1][2] = {
		{ { 100, 100 } }, { { 200, 100 } }, { { 100, FLIGHT + 1 } },
		{ { FLIGHT, FLIGHT + 100 } }, { { 0x80000000U, 0x80000100U } },
	};
	static DECLARE_BITMAP(there, FLIGHT);
	struct sock *sk = sb_begin(test, 4);
	int i;

	for (i = 0; i < ARRAY_SIZE(blocks); i++) {
		struct xtcp_rtxq_acked res = sb_report(sk, 0, blocks[i], 1);

		KUNIT_EXPECT_EQ_MSG(test, res.delivered, 0U, "%d", i);
		KUNIT_EXPECT_FALSE_MSG(test, res.original, "%d", i);
	}
	sb_check(test, there);
	sb_end(sk);
}

/* RFC 2883 section 4: before the acknowledgment, or inside the second block. */
static void scoreboard_update__dsack(struct kunit *test)
{
	static const u32 before[][2] = { { 0, 100 }, { 300, 400 } };
	static const u32 inside[][2] = { { 300, 350 }, { 200, 400 } };
	static const u32 ancient[][2] = { { 0U - 400000, 0U - 399900 } };
	struct sock *sk = sb_begin(test, 4);
	struct xtcp_rtxq_acked res;

	sb_sock->snd.una = UNA + 100;
	res = sb_report(sk, 100, before, 2);
	KUNIT_EXPECT_FALSE_MSG(test, res.dsack, "nothing was sent twice: the network doubles");
	KUNIT_EXPECT_EQ(test, res.delivered, 100U);
	xtcp_sk(sk)->total_retrans = 3;
	res = sb_report(sk, 100, before, 2);
	KUNIT_EXPECT_TRUE(test, res.dsack);
	KUNIT_EXPECT_EQ(test, res.dsack_bytes, 100U);
	res = sb_report(sk, 100, inside, 2);
	KUNIT_EXPECT_FALSE_MSG(test, res.dsack, "this was sent once");
	KUNIT_EXPECT_EQ_MSG(test, res.delivered, 100U, "the rest of the second block");
	xtcp_cb(xtcp_rtxq_find(&sb_sock->rtxq, UNA + 300))->mark |= XTCP_MARK_EVER_RETRANS;
	res = sb_report(sk, 100, inside, 2);
	KUNIT_EXPECT_TRUE(test, res.dsack);
	KUNIT_EXPECT_EQ(test, res.dsack_bytes, 50U);
	KUNIT_EXPECT_EQ(test, sb_sock->dsack_dups, 4U);
	KUNIT_EXPECT_EQ_MSG(test, sb_sock->dsack_repairs, 3U, "but for the one sent once");
	res = sb_report(sk, 100, ancient, 1);
	KUNIT_EXPECT_FALSE_MSG(test, res.dsack, "not of this window");
	sb_end(sk);
}

static void rack_sent_after__time_then_number(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, xtcp_rack_sent_after(5, 1, 4, 9));
	KUNIT_EXPECT_FALSE(test, xtcp_rack_sent_after(4, 9, 5, 1));
	KUNIT_EXPECT_TRUE(test, xtcp_rack_sent_after(5, 2, 5, 1));
	KUNIT_EXPECT_FALSE(test, xtcp_rack_sent_after(5, 1, 5, 1));
	KUNIT_EXPECT_TRUE_MSG(test, xtcp_rack_sent_after(3, 0, 0xfffffff0U, 0), "over the wrap");
}

/* RFC 8985 6.2 step 4. */
static void rack_wait__table(struct kunit *test)
{
	struct xtcp_rack rack = { .steps = 1 };

	KUNIT_EXPECT_EQ(test, xtcp_rack_wait(&rack, 1000, 5000, true), 0U);
	KUNIT_EXPECT_EQ(test, xtcp_rack_wait(&rack, 1000, 5000, false), 250U);
	rack.reordered = true;
	KUNIT_EXPECT_EQ(test, xtcp_rack_wait(&rack, 1000, 5000, true), 250U);
	rack.steps = 7;
	KUNIT_EXPECT_EQ(test, xtcp_rack_wait(&rack, 1000, 5000, true), 1750U);
	rack.steps = 255;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_rack_wait(&rack, 1000, 5000, true), 5000U, "one SRTT");
	KUNIT_EXPECT_EQ_MSG(test, xtcp_rack_wait(&rack, 0xfffffff0U, 5000, true), 5000U,
			    "no overflow");
}

/* What arrives twice lengthens the wait; to wait at all it takes one repair in eight. */
static void rack_duplicate__share_of_repairs(struct kunit *test)
{
	struct sock *sk = sb_begin(test, 10);
	struct xtcp_rack *rack = &sb_sock->rack;

	sb_sock->total_retrans = 16;
	sb_sock->dsack_repairs = 1;
	xtcp_rack_duplicate(sb_sock);
	KUNIT_EXPECT_FALSE(test, rack->reordered);
	KUNIT_EXPECT_EQ(test, rack->steps, 2);
	sb_sock->dsack_repairs = 2;
	xtcp_rack_duplicate(sb_sock);
	KUNIT_EXPECT_TRUE(test, rack->reordered);
	KUNIT_EXPECT_EQ_MSG(test, rack->steps, 2, "once in a round trip");
	sb_end(sk);
}

/* Three of ten buffers arrived: those sent before them are lost, those after are not. */
static void rack_detect__what_was_sent_before(struct kunit *test)
{
	static const u32 block[][2] = { { 2000, 3200 } };
	struct sock *sk = sb_begin(test, 10);
	struct xtcp_rtxq_acked res = sb_report(sk, 0, block, 1);

	KUNIT_EXPECT_EQ(test, res.delivered, 1200U);
	KUNIT_EXPECT_EQ(test, sb_sock->rack.end_seq, UNA + 3200);
	KUNIT_EXPECT_EQ(test, xtcp_rack_detect(sk), 0U);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.lost, 2000U);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.sacked, 1200U);
	KUNIT_EXPECT_FALSE(test, sb_sock->rack.news);
	/* Again changes nothing. */
	KUNIT_EXPECT_EQ(test, xtcp_rack_detect(sk), 0U);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.lost, 2000U);
	sb_end(sk);
}

/* One segment overtook another: a quarter of the round trip from when that one was sent. */
static void rack_detect__waits_for_the_late(struct kunit *test)
{
	static const u32 block[][2] = { { 400, 500 } };
	struct sock *sk = sb_begin(test, 40);
	u32 wait;

	sb_sock->now_us = 1000000 + 4000 + 100000;
	sb_report(sk, 0, block, 1);
	wait = xtcp_rack_detect(sk);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.lost, 0U);
	/* The last of the four before it was sent a millisecond earlier. */
	KUNIT_EXPECT_EQ(test, wait, 25000U - 1000U);
	sb_sock->now_us += 21500;
	xtcp_rack_detect(sk);
	KUNIT_EXPECT_EQ_MSG(test, sb_sock->rtxq.lost, 100U, "the first, sent four ms earlier");
	sb_sock->now_us += 4000;
	KUNIT_EXPECT_EQ(test, xtcp_rack_detect(sk), 0U);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.lost, 400U);
	sb_end(sk);
}

/* RFC 8985 6.2 step 3: late is what comes behind a later one that was reported before it. */
static void rack_delivered__late_or_at_once(struct kunit *test)
{
	static const u32 both[][2] = { { 2000, 2400 }, { 800, 1200 } };
	static const u32 late[][2] = { { 1200, 1600 } };
	struct sock *sk = sb_begin(test, 10);
	struct xtcp_rtxq_acked res = { 0 };

	sb_report(sk, 0, both, 2);
	xtcp_rtxq_clean(sk, UNA, UNA + 400, &res);
	KUNIT_EXPECT_EQ(test, sb_sock->rack.high, UNA + 2400);
	KUNIT_EXPECT_FALSE_MSG(test, sb_sock->rack.reordered, "one ACK tells of no order");
	KUNIT_EXPECT_EQ(test, xtcp_rack_reordering(&sb_sock->rack, 100), 3U);
	sb_report(sk, 400, late, 1);
	KUNIT_EXPECT_EQ(test, sb_sock->rack.high, UNA + 2400);
	KUNIT_EXPECT_TRUE(test, sb_sock->rack.reordered);
	/* From the first octet of the late one to the last of those before it. */
	KUNIT_EXPECT_EQ(test, sb_sock->rack.extent, 1200U);
	KUNIT_EXPECT_EQ(test, xtcp_rack_reordering(&sb_sock->rack, 100), 12U);
	KUNIT_EXPECT_EQ(test, xtcp_rack_reordering(&sb_sock->rack, 1000), 3U);
	sb_end(sk);
}

/* What was sent again counts from when that was. */
static void rack_detect__retransmission_lost(struct kunit *test)
{
	static const u32 first[][2] = { { 400, 1000 } }, later[][2] = { { 400, 2000 } };
	struct sock *sk = sb_begin(test, 40);
	struct sk_buff *skb;

	sb_report(sk, 0, first, 1);
	xtcp_rack_detect(sk);
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.lost, 400U);
	while ((skb = xtcp_rtxq_next_lost(&sb_sock->rtxq))) {
		xtcp_cb(skb)->sent_us = sb_sock->now_us;
		xtcp_rtxq_mark_resent(&sb_sock->rtxq, skb, UNA);
	}
	KUNIT_EXPECT_EQ(test, sb_sock->rtxq.retrans, 400U);
	sb_sock->now_us += 20000;
	sb_report(sk, 0, later, 1);
	xtcp_rack_detect(sk);
	KUNIT_EXPECT_EQ_MSG(test, sb_sock->rtxq.lost, 0U, "sent after what arrived");
	/* One that was sent after them arrives. */
	skb = xtcp_rtxq_find(&sb_sock->rtxq, UNA + 3000);
	xtcp_cb(skb)->sent_us = sb_sock->now_us;
	list_move_tail(&skb->tcp_tsorted_anchor, &sb_sock->rtxq.sent);
	sb_sock->now_us += 130000;
	xtcp_rack_delivered(sb_sock, xtcp_cb(skb), xtcp_cb(skb)->seq, xtcp_cb(skb)->end_seq);
	xtcp_rtxq_mark_sacked(&sb_sock->rtxq, skb, UNA);
	xtcp_rack_detect(sk);
	KUNIT_EXPECT_GE_MSG(test, sb_sock->rtxq.lost, 400U, "lost a second time");
	sb_end(sk);
}

/* RFC 6937 section 4: ssthresh is reached in proportion to what arrives. */
static void prr_cwnd__proportional(struct kunit *test)
{
	struct xtcp_prr p;
	u32 pipe = 19 * MSS, sent = 0, i;

	xtcp_prr_begin(&p, 20 * MSS);
	for (i = 0; i < 19; i++) {
		u32 cwnd = xtcp_prr_cwnd(&p, pipe, 10 * MSS, MSS, MSS, false), room;

		KUNIT_ASSERT_GE(test, cwnd, pipe);
		room = cwnd - pipe;
		if (room >= MSS) {
			room -= room % MSS;
			p.out += room;
			sent += room;
			pipe += room;
		}
		pipe -= MSS;
	}
	KUNIT_EXPECT_GE(test, sent, 9 * MSS);
	KUNIT_EXPECT_LE(test, sent, 11 * MSS);
	KUNIT_EXPECT_LE(test, pipe, 11 * MSS);
}

/* Below ssthresh: what arrived, and with progress one segment more. */
static void prr_cwnd__bounds(struct kunit *test)
{
	struct xtcp_prr p;

	xtcp_prr_begin(&p, 20 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_prr_cwnd(&p, 2 * MSS, 10 * MSS, 0, MSS, false), 3 * MSS,
			    "the first segment always");
	p.out = MSS;
	KUNIT_EXPECT_EQ(test, xtcp_prr_cwnd(&p, 3 * MSS, 10 * MSS, MSS, MSS, false), 4 * MSS);
	KUNIT_EXPECT_EQ(test, xtcp_prr_cwnd(&p, 3 * MSS, 10 * MSS, MSS, MSS, true), 5 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_prr_cwnd(&p, 9 * MSS, 10 * MSS, 8 * MSS, MSS, true), 10 * MSS,
			    "never beyond ssthresh");
	xtcp_prr_begin(&p, 0);
	KUNIT_EXPECT_EQ(test, xtcp_prr_cwnd(&p, 20 * MSS, 10 * MSS, 0, MSS, false), 21 * MSS);
}

static struct kunit_case sb_cases[] = {
	KUNIT_CASE(scoreboard_random__against_bitmap),
	KUNIT_CASE(scoreboard_update__nonsense),
	KUNIT_CASE(scoreboard_update__dsack),
	KUNIT_CASE(rack_sent_after__time_then_number),
	KUNIT_CASE(rack_wait__table),
	KUNIT_CASE(rack_duplicate__share_of_repairs),
	KUNIT_CASE(rack_detect__what_was_sent_before),
	KUNIT_CASE(rack_detect__waits_for_the_late),
	KUNIT_CASE(rack_delivered__late_or_at_once),
	KUNIT_CASE(rack_detect__retransmission_lost),
	KUNIT_CASE(prr_cwnd__proportional),
	KUNIT_CASE(prr_cwnd__bounds),
	{}
};

static struct kunit_suite sb_suite = {
	.name = "xtcp_scoreboard",
	.test_cases = sb_cases,
};

kunit_test_suite(sb_suite);
