// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: header prediction leaves out nothing that would have changed something.
 *
 * Two connections live through the same segments. Those of the second carry CWR, which means nothing
 * to it and which no prediction lets pass: it takes the long way through ack.c and state.c.
 */
#include <kunit/test.h>
#include "../ack.h"
#include "../recovery.h"
#include "pair.h"
#include "rnd.h"

#define QUICK	(&pair_ends[0])
#define LONG	(&pair_ends[1])
#define ISS	836U
#define IRS	486U
#define ROUNDS	400

static void predict_begin(struct kunit *test)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct xtcp_sock *xs;

		pair_establish(test, &pair_ends[i], ISS, IRS);
		xs = xtcp_sk(pair_ends[i].sk);
		KUNIT_EXPECT_EQ(test, xtcp_cong_assign(&xs->cong, "reno"), 0);
		xs->sack.ok = true;
		/* Where buffers end shows in what xs->delivered counts. */
		pair_segments(&pair_ends[i], 1);
	}
}

/* However slow the machine is, no pause since the last segment is long enough to count. */
static void predict_no_pause(const struct pair_end *e)
{
	xtcp_sk(e->sk)->rcv.last = jiffies;
}

/* The same segment for both. */
static void predict_in(struct kunit *test, u8 flags, u32 seq, u32 ack, u16 wnd, u32 len)
{
	predict_no_pause(QUICK);
	pair_forge_data(test, QUICK, flags, seq, ack, wnd, len);
	predict_no_pause(LONG);
	pair_forge_data(test, LONG, flags | XTCP_CWR, seq, ack, wnd, len);
}

static void predict_write(struct kunit *test, u32 len)
{
	int quick, slow;

	predict_no_pause(QUICK);
	quick = pair_write(QUICK, len);
	predict_no_pause(LONG);
	slow = pair_write(LONG, len);
	KUNIT_EXPECT_EQ(test, quick, slow);
}

/* Nothing that counts differs; clocks do. */
static void predict_equal(struct kunit *test, int round)
{
	const struct xtcp_sock *a = xtcp_sk(QUICK->sk), *b = xtcp_sk(LONG->sk);

#define SAME(field)	KUNIT_EXPECT_EQ_MSG(test, (u64)a->field, (u64)b->field, "round %d", round)
	SAME(snd.una);
	SAME(snd.nxt);
	SAME(snd.wnd);
	SAME(snd.wl1);
	SAME(snd.max_wnd);
	SAME(snd.write_seq);
	SAME(snd.cwnd_limited);
	SAME(rcv.nxt);
	SAME(rcv.wup);
	SAME(rcv.wnd);
	SAME(rcv.ack);
	SAME(rcv.unacked);
	SAME(rcv.quick);
	SAME(rcv.pingpong);
	SAME(stamp.recent);
	SAME(rtxq.lost);
	SAME(rtxq.sacked);
	SAME(rack.high);
	SAME(rack.reordered);
	SAME(recovery.high);
	SAME(cong.state);
	SAME(cong.cwnd);
	SAME(cong.ssthresh);
	SAME(cong.bytes_acked);
	SAME(rate.delivered);
	SAME(timer.armed);
	SAME(timer.probes);
	SAME(bytes_acked);
	SAME(bytes_received);
	SAME(segs_in);
	SAME(segs_out);
	SAME(delivered);
#undef SAME
	KUNIT_EXPECT_EQ_MSG(test, pair_sent(QUICK), pair_sent(LONG), "round %d", round);
	KUNIT_EXPECT_EQ(test, QUICK->sk->sk_state, LONG->sk->sk_state);
}

static bool predict_healthy(void)
{
	return xtcp_ack_is_healthy(QUICK->sk) && xtcp_ack_is_healthy(LONG->sk);
}

/* Data, acknowledgments, windows, in and out of order, in random turns. */
static void predicted__as_processed(struct kunit *test)
{
	struct rnd_state rnd;
	u32 ack = ISS + 1, seq = IRS + 1;
	int i, healthy = 0;

	predict_begin(test);
	prandom_seed_state(&rnd, 6);
	for (i = 0; i < ROUNDS; i++) {
		const struct xtcp_sock *xs = xtcp_sk(LONG->sk);
		u32 len = rnd_coin(&rnd) ? rnd_below(&rnd, 40) : 0, gap = 0;
		u16 wnd = rnd_below(&rnd, 8) ? 20000 : rnd_below(&rnd, 20000);

		if (rnd_coin(&rnd))
			predict_write(test, 1 + rnd_below(&rnd, 3000));
		if (rnd_coin(&rnd))
			ack = xs->snd.una + rnd_below(&rnd, xs->snd.nxt - xs->snd.una + 1);
		/* Now and then one that was not to come: overtaken, doubled, or an old acknowledgment. */
		if (!rnd_below(&rnd, 10))
			gap = rnd_below(&rnd, 200) - 100;
		predict_in(test, rnd_coin(&rnd) ? XTCP_ACK : XTCP_ACK | XTCP_PSH, seq + gap, ack, wnd,
			   len);
		seq = xs->rcv.nxt;
		healthy += predict_healthy();
		predict_equal(test, i);
	}
	/* The comparison means something only where prediction was at work, and where it was not. */
	KUNIT_EXPECT_GT(test, healthy, ROUNDS / 10);
	pair_close();
}

/* What keeps the short way closed. */
static void predicted__only_in_health(struct kunit *test)
{
	struct xtcp_sock *xs;

	predict_begin(test);
	xs = xtcp_sk(QUICK->sk);
	KUNIT_EXPECT_TRUE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->rtxq.sacked = 1;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->rtxq.sacked = 0;
	xs->rtxq.lost = 1;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->rtxq.lost = 0;
	xs->rtxq.retrans = 1;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->rtxq.retrans = 0;
	xs->tlp.out = true;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->tlp.out = false;
	xs->recovery.undo = true;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->recovery.undo = false;
	xs->cong.state = XTCP_CA_DISORDER;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->cong.state = XTCP_CA_OPEN;
	xs->sack.ok = false;
	KUNIT_EXPECT_FALSE(test, xtcp_ack_is_healthy(QUICK->sk));
	xs->sack.ok = true;
	KUNIT_EXPECT_TRUE(test, xtcp_ack_is_healthy(QUICK->sk));
	pair_close();
}

static struct kunit_case predict_cases[] = {
	KUNIT_CASE(predicted__as_processed),
	KUNIT_CASE(predicted__only_in_health),
	{}
};

static struct kunit_suite predict_suite = {
	.name = "xtcp_predict",
	.test_cases = predict_cases,
};

kunit_test_suite(predict_suite);
