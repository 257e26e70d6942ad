// SPDX-License-Identifier: GPL-2.0
/* KUnit: the retransmit queue against a map of what is thought of each octet. */
#include <kunit/test.h>
#include <linux/slab.h>
#include "../rtxq.h"
#include "../seq.h"
#include "../skb_cb.h"
#include "ksock.h"
#include "rnd.h"

/* The lock must be taken and given back by the thread that runs the test. */
static struct sock *rtxq_begin(struct kunit *test)
{
	struct sock *sk = ksock_open(test, 0);

	lock_sock(sk);
	return sk;
}

/* One acknowledgment, by itself. */
static void rtxq_clean(struct sock *sk, u32 una, u32 ack, struct xtcp_rtxq_acked *res)
{
	memset(res, 0, sizeof(*res));
	xtcp_rtxq_clean(sk, una, ack, res);
}

static void rtxq_end(struct kunit *test, struct sock *sk)
{
	xtcp_rtxq_purge(sk);
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&xtcp_sk(sk)->rtxq));
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&sk->sk_write_queue));
	KUNIT_EXPECT_EQ_MSG(test, sk->sk_wmem_queued, 0, "all memory given back");
	release_sock(sk);
	ksock_close(sk);
}

static struct sk_buff *rtxq_add(struct kunit *test, struct sock *sk, u32 seq, u32 len, u8 flags)
{
	struct sk_buff *skb = ksock_segment(test, sk, seq, len, flags);

	xtcp_rtxq_append(&xtcp_sk(sk)->rtxq, skb);
	return skb;
}

/* The payload of @skb is what its sequence numbers say. */
static void rtxq_check_data(struct kunit *test, const struct sk_buff *skb)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 seq = cb->seq + !!(cb->flags & XTCP_SYN), i;
	u8 octet = 0;

	KUNIT_EXPECT_EQ(test, skb->len, cb->end_seq - seq - !!(cb->flags & XTCP_FIN));
	KUNIT_EXPECT_EQ_MSG(test, skb_headlen(skb), 0U, "all in pages");
	for (i = 0; i < skb->len; i++) {
		if (skb_copy_bits(skb, i, &octet, 1) || octet != ksock_octet(seq + i)) {
			KUNIT_FAIL(test, "octet %u of the segment at %u", i, cb->seq);
			return;
		}
	}
}

/* Contiguous from at or before @una to @nxt, counters and memory right, data right. */
static void rtxq_check(struct kunit *test, struct sock *sk, u32 una, u32 nxt)
{
	const struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	u32 at = una, lost = 0, retrans = 0;
	int truesize = 0;
	struct sk_buff *skb;

	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb)) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);
		u32 span = cb->end_seq - at;

		if (at == una) {
			KUNIT_EXPECT_FALSE(test, xtcp_seq_after(cb->seq, una));
			KUNIT_EXPECT_TRUE(test, xtcp_seq_after(cb->end_seq, una));
		} else {
			KUNIT_EXPECT_EQ(test, cb->seq, at);
		}
		if (cb->mark & XTCP_MARK_LOST)
			lost += span;
		if (cb->mark & XTCP_MARK_RETRANS)
			retrans += span;
		truesize += skb->truesize;
		rtxq_check_data(test, skb);
		at = cb->end_seq;
	}
	KUNIT_EXPECT_EQ(test, at, nxt);
	KUNIT_EXPECT_EQ(test, q->lost, lost);
	KUNIT_EXPECT_EQ(test, q->retrans, retrans);
	skb_queue_walk(&sk->sk_write_queue, skb)
		truesize += skb->truesize;
	KUNIT_EXPECT_EQ(test, sk->sk_wmem_queued, truesize);
}

static void rtxq_split__at_every_place(struct kunit *test)
{
	/* Inside a page, at its edge, one octet on either side of it. */
	static const u32 cuts[] = { 1, 2, 100, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
				    2 * PAGE_SIZE, 3 * PAGE_SIZE - 1 };
	struct sock *sk = rtxq_begin(test);
	u32 len, cut;

	for (len = 3 * PAGE_SIZE; len <= 3 * PAGE_SIZE + 7; len += 7) {
		for (cut = 0; cut < ARRAY_SIZE(cuts); cut++) {
			u8 flags = XTCP_ACK | XTCP_PSH | XTCP_FIN;
			struct sk_buff *skb = rtxq_add(test, sk, 1000, len, flags), *rest;

			xtcp_cb(skb)->sent_us = 4711;
			xtcp_cb(skb)->mark = XTCP_MARK_EVER_RETRANS;
			KUNIT_EXPECT_EQ(test, xtcp_rtxq_split(sk, skb, cuts[cut], false), 0);
			rest = skb_rb_next(skb);
			if (!rest) {
				KUNIT_FAIL(test, "no second part");
				break;
			}
			KUNIT_EXPECT_EQ(test, skb->len, cuts[cut]);
			KUNIT_EXPECT_EQ(test, rest->len, len - cuts[cut]);
			KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->seq, 1000 + cuts[cut]);
			KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->flags, XTCP_ACK);
			KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->flags, flags);
			KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->sent_us, 4711U);
			KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->mark, XTCP_MARK_EVER_RETRANS);
			rtxq_check(test, sk, 1000, 1000 + len + 1);
			xtcp_rtxq_purge(sk);
		}
	}
	rtxq_end(test, sk);
}

/* A clone that is on its way keeps its own view of the pages. */
static void rtxq_split__under_a_clone(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct sk_buff *skb = rtxq_add(test, sk, 1000, 10000, XTCP_ACK);
	struct list_head links = xtcp_rtxq_hide_links(skb);
	struct sk_buff *clone = skb_clone(skb, GFP_KERNEL);
	u8 octet = 0;

	skb->tcp_tsorted_anchor = links;
	if (clone) {
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_split(sk, skb, 5000, false), 0);
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 3000), 0);
		KUNIT_EXPECT_EQ(test, clone->len, 10000U);
		KUNIT_EXPECT_EQ(test, skb_copy_bits(clone, 9999, &octet, 1), 0);
		KUNIT_EXPECT_EQ(test, octet, ksock_octet(10999));
		KUNIT_EXPECT_EQ(test, skb_copy_bits(clone, 0, &octet, 1), 0);
		KUNIT_EXPECT_EQ(test, octet, ksock_octet(1000));
		kfree_skb(clone);
		rtxq_check(test, sk, 3000, 11000);
	}
	rtxq_end(test, sk);
}

static void rtxq_split__unsent(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct sk_buff *skb = ksock_segment(test, sk, 1000, 9000, XTCP_ACK | XTCP_PSH);
	struct sk_buff *behind = ksock_segment(test, sk, 10000, 10, XTCP_ACK), *rest;

	__skb_queue_tail(&sk->sk_write_queue, skb);
	__skb_queue_tail(&sk->sk_write_queue, behind);
	KUNIT_EXPECT_EQ(test, xtcp_rtxq_split(sk, skb, 1460, true), 0);
	rest = skb->next;
	KUNIT_EXPECT_EQ(test, skb_queue_len(&sk->sk_write_queue), 3U);
	KUNIT_EXPECT_PTR_EQ(test, rest->next, behind);
	KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->seq, 2460U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->end_seq, 10000U);
	rtxq_check_data(test, skb);
	rtxq_check_data(test, rest);
	KUNIT_EXPECT_EQ(test, sk->sk_wmem_queued,
			(int)(skb->truesize + rest->truesize + behind->truesize));
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&xtcp_sk(sk)->rtxq));
	rtxq_end(test, sk);
}

/* Every octet of the front, page edges included, SYN first and FIN kept. */
static void rtxq_trim__front(struct kunit *test)
{
	static const u32 cuts[] = { 1, 2, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1,
				    2 * PAGE_SIZE + 5, 3 * PAGE_SIZE - 1, 3 * PAGE_SIZE };
	struct sock *sk = rtxq_begin(test);
	struct sk_buff *skb;
	int i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		skb = rtxq_add(test, sk, 500, 3 * PAGE_SIZE, XTCP_ACK | XTCP_FIN);
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 499), 0);
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 500), 0);
		KUNIT_EXPECT_EQ_MSG(test, xtcp_cb(skb)->seq, 500U, "nothing to cut");
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 500 + cuts[i]), 0);
		KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 500 + cuts[i]);
		KUNIT_EXPECT_TRUE(test, xtcp_cb(skb)->flags & XTCP_FIN);
		rtxq_check(test, sk, 500 + cuts[i], 500 + 3 * PAGE_SIZE + 1);
		xtcp_rtxq_purge(sk);
	}
	skb = rtxq_add(test, sk, 835, 0, XTCP_SYN);
	KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 835), 0);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(skb)->flags & XTCP_SYN);
	rtxq_end(test, sk);
}

static void rtxq_clean__textbook_syn(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = rtxq_add(test, sk, 836, 0, XTCP_SYN);
	struct xtcp_rtxq_acked res;

	xtcp_cb(skb)->sent_us = 1000;
	xs->now_us = 31000;
	rtxq_clean(sk, 836, 837, &res);
	KUNIT_EXPECT_EQ(test, res.bytes, 1U);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 30000U);
	KUNIT_EXPECT_TRUE(test, res.syn);
	KUNIT_EXPECT_FALSE(test, res.retrans);
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&xs->rtxq));
	rtxq_end(test, sk);
}

/* Only whole segments leave; the one that is acknowledged in part stays as it is. */
static void rtxq_clean__partial(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	struct xtcp_rtxq_acked res;

	rtxq_add(test, sk, 1000, 1000, XTCP_ACK);
	rtxq_add(test, sk, 2000, 1000, XTCP_ACK);
	rtxq_add(test, sk, 3000, 1000, XTCP_ACK | XTCP_FIN);
	rtxq_clean(sk, 1000, 2500, &res);
	KUNIT_EXPECT_EQ(test, res.bytes, 1500U);
	KUNIT_EXPECT_FALSE(test, res.syn);
	KUNIT_EXPECT_EQ(test, xtcp_cb(xtcp_rtxq_first(q))->seq, 2000U);
	rtxq_check(test, sk, 2500, 4001);
	rtxq_clean(sk, 2500, 3000, &res);
	KUNIT_EXPECT_EQ(test, res.bytes, 500U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(xtcp_rtxq_first(q))->seq, 3000U);
	rtxq_clean(sk, 3000, 4000, &res);
	KUNIT_EXPECT_FALSE_MSG(test, xtcp_rtxq_empty(q), "the FIN is still out");
	rtxq_clean(sk, 4000, 4001, &res);
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(q));
	rtxq_end(test, sk);
}

/* Karn: what was sent twice, or is acknowledged together with it, gives no sample. */
static void rtxq_clean__karn(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_rtxq_acked res;
	struct sk_buff *skb;

	xs->now_us = 5000;
	skb = rtxq_add(test, sk, 1000, 100, XTCP_ACK);
	rtxq_add(test, sk, 1100, 100, XTCP_ACK);
	rtxq_add(test, sk, 1200, 100, XTCP_ACK);
	xtcp_rtxq_mark_lost(&xs->rtxq, skb, 1000);
	xtcp_rtxq_mark_resent(&xs->rtxq, skb, 1000);
	rtxq_check(test, sk, 1000, 1300);
	rtxq_clean(sk, 1000, 1200, &res);
	KUNIT_EXPECT_TRUE(test, res.retrans);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 0U);
	KUNIT_EXPECT_EQ(test, xs->rtxq.retrans, 0U);
	rtxq_clean(sk, 1200, 1300, &res);
	KUNIT_EXPECT_FALSE(test, res.retrans);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 5000U);
	rtxq_end(test, sk);
}

static void rtxq_mark__lost_and_resent(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	struct sk_buff *a = rtxq_add(test, sk, 1000, 100, XTCP_ACK);
	struct sk_buff *b = rtxq_add(test, sk, 1100, 100, XTCP_ACK);

	KUNIT_EXPECT_NULL(test, xtcp_rtxq_next_lost(q));
	xtcp_rtxq_mark_lost(q, b, 1000);
	xtcp_rtxq_mark_lost(q, b, 1000);
	KUNIT_EXPECT_EQ_MSG(test, q->lost, 100U, "counted once");
	KUNIT_EXPECT_PTR_EQ(test, xtcp_rtxq_next_lost(q), b);
	/* Half of the first is acknowledged: only the rest can be lost. */
	xtcp_rtxq_mark_lost(q, a, 1050);
	KUNIT_EXPECT_EQ(test, q->lost, 150U);
	KUNIT_EXPECT_PTR_EQ(test, xtcp_rtxq_next_lost(q), a);
	xtcp_rtxq_mark_resent(q, a, 1050);
	rtxq_check(test, sk, 1050, 1200);
	KUNIT_EXPECT_EQ(test, q->retrans, 50U);
	KUNIT_EXPECT_PTR_EQ(test, xtcp_rtxq_next_lost(q), b);
	/* Lost again: it is either in flight or lost, not both. */
	xtcp_rtxq_mark_lost(q, a, 1050);
	KUNIT_EXPECT_EQ(test, q->retrans, 0U);
	rtxq_check(test, sk, 1050, 1200);
	xtcp_rtxq_mark_resent(q, a, 1050);
	xtcp_rtxq_mark_resent(q, b, 1050);
	xtcp_rtxq_mark_all_lost(q, 1050);
	KUNIT_EXPECT_EQ(test, q->lost, 150U);
	KUNIT_EXPECT_EQ(test, q->retrans, 0U);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(a)->mark & XTCP_MARK_EVER_RETRANS);
	rtxq_check(test, sk, 1050, 1200);
	rtxq_end(test, sk);
}

/* What the peer reported is neither lost nor forgotten until a time-out. */
static void rtxq_mark__sacked(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	struct sk_buff *a = rtxq_add(test, sk, 1000, 100, XTCP_ACK);
	struct sk_buff *b = rtxq_add(test, sk, 1100, 100, XTCP_ACK);
	struct xtcp_rtxq_acked res;

	xtcp_cb(a)->mark = XTCP_MARK_SACKED;
	xtcp_cb(b)->mark = XTCP_MARK_SACKED;
	q->sacked = 200;
	xtcp_rtxq_mark_lost(q, a, 1000);
	KUNIT_EXPECT_EQ(test, q->lost, 0U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(a)->mark, XTCP_MARK_SACKED);
	rtxq_clean(sk, 1000, 1130, &res);
	KUNIT_EXPECT_EQ(test, q->sacked, 70U);
	xtcp_rtxq_mark_all_lost(q, 1130);
	KUNIT_EXPECT_EQ(test, q->sacked, 0U);
	KUNIT_EXPECT_EQ(test, q->lost, 70U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(b)->mark, XTCP_MARK_LOST);
	xtcp_rtxq_purge(sk);
	KUNIT_EXPECT_EQ(test, q->lost, 0U);
	rtxq_end(test, sk);
}

/* A SYN is one octet in front of the data that it may carry. */
static void rtxq_split__behind_a_syn(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct sk_buff *skb, *rest;

	skb = rtxq_add(test, sk, 500, 100, XTCP_SYN);
	KUNIT_EXPECT_EQ(test, xtcp_rtxq_split(sk, skb, 40, false), 0);
	rest = skb_rb_next(skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->end_seq, 541U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->flags, XTCP_SYN);
	if (rest) {
		KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->seq, 541U);
		KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->end_seq, 601U);
		KUNIT_EXPECT_EQ(test, xtcp_cb(rest)->flags, 0);
	} else {
		KUNIT_FAIL(test, "no second part");
	}
	KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 501), 0);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 501U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->flags, 0);
	KUNIT_EXPECT_EQ_MSG(test, skb->len, 40U, "the SYN and nothing else");
	xtcp_rtxq_purge(sk);
	skb = rtxq_add(test, sk, 500, 100, XTCP_SYN);
	KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, 511), 0);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 511U);
	KUNIT_EXPECT_EQ(test, skb->len, 90U);
	rtxq_end(test, sk);
}

/* A sample is never 0, which would mean that there is none; and the clock may wrap. */
static void rtxq_clean__samples(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_rtxq_acked res;
	struct sk_buff *skb;

	skb = rtxq_add(test, sk, 1000, 100, XTCP_ACK);
	xtcp_cb(skb)->sent_us = 77;
	xs->now_us = 77;
	rtxq_clean(sk, 1000, 1100, &res);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 1U);
	skb = rtxq_add(test, sk, 1100, 100, XTCP_ACK);
	xtcp_cb(skb)->sent_us = U32_MAX - 99;
	xs->now_us = 100;
	rtxq_clean(sk, 1100, 1200, &res);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 200U);
	/* Of several the newest counts, as far as it is acknowledged. */
	skb = rtxq_add(test, sk, 1200, 100, XTCP_ACK);
	xtcp_cb(skb)->sent_us = 10;
	skb = rtxq_add(test, sk, 1300, 100, XTCP_ACK);
	xtcp_cb(skb)->sent_us = 60;
	rtxq_clean(sk, 1200, 1301, &res);
	KUNIT_EXPECT_EQ(test, res.rtt_us, 40U);
	rtxq_end(test, sk);
}

/* The segment that holds octet @at. */
static struct sk_buff *rtxq_holding(struct xtcp_rtxq *q, u32 at)
{
	struct sk_buff *skb;

	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb)) {
		if (xtcp_seq_after(xtcp_cb(skb)->end_seq, at))
			return skb;
	}
	return NULL;
}

/* One random thing that happens to a sender; @una and @nxt follow it. */
static void rtxq_random_step(struct kunit *test, struct rnd_state *rnd, struct sock *sk,
			     u32 *una, u32 *nxt)
{
	struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	u32 out = *nxt - *una, what = rnd_below(rnd, 8), len;
	struct xtcp_rtxq_acked res;
	struct sk_buff *skb;

	if (!out || (what < 2 && out < 100000)) {
		len = rnd_range(rnd, 1, rnd_coin(rnd) ? 100 : 20000);
		rtxq_add(test, sk, *nxt, len, XTCP_ACK);
		*nxt += len;
		return;
	}
	skb = rtxq_holding(q, *una + rnd_below(rnd, out));
	if (!skb) {
		KUNIT_FAIL(test, "a hole between %u and %u", *una, *nxt);
		return;
	}
	switch (what) {
	case 2:
		xtcp_rtxq_mark_lost(q, skb, *una);
		break;
	case 3:
		xtcp_rtxq_mark_resent(q, skb, *una);
		break;
	case 4:
		skb = xtcp_rtxq_first(q);
		KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, *una), 0);
		KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, *una);
		break;
	case 5:
		/* The owner trims before it splits: the first part must not be acknowledged. */
		if (skb == xtcp_rtxq_first(q))
			KUNIT_EXPECT_EQ(test, xtcp_rtxq_trim(sk, skb, *una), 0);
		if (skb->len > 1)
			KUNIT_EXPECT_EQ(test, xtcp_rtxq_split(sk, skb,
							      rnd_range(rnd, 1, skb->len - 1),
							      false), 0);
		break;
	case 6:
		if (!rnd_below(rnd, 10))
			xtcp_rtxq_mark_all_lost(q, *una);
		break;
	default:
		len = rnd_range(rnd, 1, out);
		rtxq_clean(sk, *una, *una + len, &res);
		KUNIT_EXPECT_EQ(test, res.bytes, len);
		*una += len;
		break;
	}
}

static void rtxq_random__counters_data_and_memory(struct kunit *test)
{
	struct sock *sk = rtxq_begin(test);
	struct rnd_state rnd;
	int round, i;

	prandom_seed_state(&rnd, 6582);
	for (round = 0; round < 10; round++) {
		/* Each other stream crosses the wrap. */
		u32 una = round & 1 ? -rnd_range(&rnd, 1, 50000) : prandom_u32_state(&rnd);
		u32 nxt = una;

		for (i = 0; i < 150; i++) {
			rtxq_random_step(test, &rnd, sk, &una, &nxt);
			rtxq_check(test, sk, una, nxt);
		}
		xtcp_rtxq_purge(sk);
		KUNIT_EXPECT_EQ(test, sk->sk_wmem_queued, 0);
	}
	rtxq_end(test, sk);
}

static struct kunit_case rtxq_cases[] = {
	KUNIT_CASE(rtxq_split__at_every_place),
	KUNIT_CASE(rtxq_split__under_a_clone),
	KUNIT_CASE(rtxq_split__unsent),
	KUNIT_CASE(rtxq_trim__front),
	KUNIT_CASE(rtxq_clean__textbook_syn),
	KUNIT_CASE(rtxq_clean__partial),
	KUNIT_CASE(rtxq_clean__karn),
	KUNIT_CASE(rtxq_mark__lost_and_resent),
	KUNIT_CASE(rtxq_mark__sacked),
	KUNIT_CASE(rtxq_split__behind_a_syn),
	KUNIT_CASE(rtxq_clean__samples),
	KUNIT_CASE(rtxq_random__counters_data_and_memory),
	{}
};

static struct kunit_suite rtxq_suite = {
	.name = "xtcp_rtxq",
	.test_cases = rtxq_cases,
};

kunit_test_suite(rtxq_suite);
