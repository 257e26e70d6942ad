// SPDX-License-Identifier: GPL-2.0
/* KUnit: the out-of-order queue against a bitmap that knows which octets have come. */
#include <kunit/test.h>
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/skbuff.h>
#include "../reasm.h"
#include "../seq.h"
#include "../skb_cb.h"
#include "rnd.h"

#define SPACE	2048	/* octets of sequence space that a random run plays in */

/* Segments that exist, counted by their destructor. */
static int reasm_live;

static void reasm_skb_gone(struct sk_buff *skb)
{
	reasm_live--;
}

/* The octet that belongs at @seq: any shift of a segment's data shows. */
static u8 reasm_octet(u32 seq)
{
	return (seq * 2654435761U) >> 24;
}

struct reasm_form {
	bool paged;	/* data beyond the first octets lies in a page */
	bool shared;	/* somebody else (a packet tap) looks at the same data */
};

static void reasm_fill(u8 *p, u32 seq, unsigned int len)
{
	while (len--)
		*p++ = reasm_octet(seq++);
}

/* A segment with the octets from @seq to before @end, FIN included in @end if @fin. */
static struct sk_buff *reasm_segment(struct kunit *test, u32 seq, u32 end, bool fin,
				     struct reasm_form form)
{
	unsigned int len = end - seq - fin, linear = len;
	struct sk_buff *skb;

	if (form.paged)
		linear = min(len, 8U);
	skb = alloc_skb(linear, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	reasm_fill(skb_put(skb, linear), seq, linear);
	if (linear < len) {
		struct page *page = alloc_page(GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, page);
		KUNIT_ASSERT_LE(test, len - linear, (unsigned int)PAGE_SIZE);
		reasm_fill(page_address(page), seq + linear, len - linear);
		skb_add_rx_frag(skb, 0, page, 0, len - linear, PAGE_SIZE);
	}
	xtcp_cb(skb)->seq = seq;
	xtcp_cb(skb)->end_seq = end;
	xtcp_cb(skb)->flags = XTCP_ACK | (fin ? XTCP_FIN : 0);
	skb->destructor = reasm_skb_gone;
	reasm_live++;
	return skb;
}

static const struct reasm_form reasm_plain;

/* Insert; what is a duplicate is freed here, as the owner would. */
static enum xtcp_reasm_result reasm_put(struct kunit *test, struct xtcp_reasm *q, u32 seq,
					u32 end, bool fin, struct reasm_form form)
{
	struct sk_buff *skb = reasm_segment(test, seq, end, fin, form), *tap = NULL;
	enum xtcp_reasm_result result;

	if (form.shared) {
		tap = skb_clone(skb, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, tap);
	}
	result = xtcp_reasm_insert(q, skb);
	if (result == XTCP_REASM_DUPLICATE)
		kfree_skb(skb);
	if (tap) {
		u8 octet;

		/* The tap's view must not have changed. */
		KUNIT_EXPECT_EQ(test, tap->len, end - seq - fin);
		if (tap->len && !skb_copy_bits(tap, tap->len - 1, &octet, 1))
			KUNIT_EXPECT_EQ(test, octet, reasm_octet(seq + tap->len - 1));
		kfree_skb(tap);
	}
	return result;
}

/* The data of @skb is what its sequence numbers say. */
static void reasm_check_data(struct kunit *test, const struct sk_buff *skb)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	bool fin = cb->flags & XTCP_FIN;
	unsigned int i;
	u8 octet;

	KUNIT_ASSERT_EQ_MSG(test, skb->len, cb->end_seq - cb->seq - fin, "from %u", cb->seq);
	for (i = 0; i < skb->len; i++) {
		KUNIT_ASSERT_EQ(test, skb_copy_bits(skb, i, &octet, 1), 0);
		KUNIT_ASSERT_EQ_MSG(test, octet, reasm_octet(cb->seq + i), "at %u", cb->seq + i);
	}
}

/*
 * The queue is in order, without overlap, its counters are right, each segment's data is
 * right; @have, if given, is exactly what is in it, counted from @base.
 */
static void reasm_check(struct kunit *test, struct xtcp_reasm *q, u32 base,
			const unsigned long *have)
{
	unsigned long *seen = kunit_kzalloc(test, BITS_TO_LONGS(SPACE) * sizeof(long), GFP_KERNEL);
	struct sk_buff *skb, *prev = NULL;
	u32 segs = 0;

	KUNIT_ASSERT_NOT_NULL(test, seen);
	for (skb = skb_rb_first(&q->root); skb; prev = skb, skb = skb_rb_next(skb)) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);

		KUNIT_ASSERT_TRUE(test, xtcp_seq_before(cb->seq, cb->end_seq));
		if (prev)
			KUNIT_ASSERT_FALSE(test, xtcp_seq_before(cb->seq, xtcp_cb(prev)->end_seq));
		reasm_check_data(test, skb);
		if (have)
			bitmap_set(seen, cb->seq - base, cb->end_seq - cb->seq);
		segs++;
	}
	KUNIT_ASSERT_PTR_EQ(test, q->last, prev);
	KUNIT_ASSERT_EQ(test, q->segs, segs);
	KUNIT_ASSERT_EQ(test, reasm_live, (int)segs);
	KUNIT_ASSERT_EQ(test, xtcp_reasm_empty(q), !segs);
	if (have)
		KUNIT_ASSERT_TRUE(test, bitmap_equal(seen, have, SPACE));
	kunit_kfree(test, seen);
}

static void reasm_check_ends(struct kunit *test, struct xtcp_reasm *q, int n, const u32 *ends)
{
	struct sk_buff *skb = skb_rb_first(&q->root);
	int i;

	KUNIT_ASSERT_EQ(test, q->segs, (u32)n);
	for (i = 0; i < n; i++, skb = skb_rb_next(skb)) {
		KUNIT_ASSERT_NOT_NULL(test, skb);
		KUNIT_EXPECT_EQ_MSG(test, xtcp_cb(skb)->seq, ends[2 * i], "segment %d", i);
		KUNIT_EXPECT_EQ_MSG(test, xtcp_cb(skb)->end_seq, ends[2 * i + 1], "segment %d", i);
	}
	reasm_check(test, q, 0, NULL);
}

/* The queue holds exactly the segments given as pairs of seq and end_seq. */
#define reasm_expect(test, q, ...) do {						\
	static const u32 reasm_ends[] = { __VA_ARGS__ };			\
	reasm_check_ends(test, q, ARRAY_SIZE(reasm_ends) / 2, reasm_ends);	\
} while (0)

static void reasm_finish(struct kunit *test, struct xtcp_reasm *q)
{
	xtcp_reasm_purge(q);
	KUNIT_EXPECT_TRUE(test, xtcp_reasm_empty(q));
	KUNIT_EXPECT_NULL(test, q->last);
	KUNIT_EXPECT_EQ(test, q->segs, 0U);
	KUNIT_EXPECT_EQ(test, reasm_live, 0);
}

static int reasm_test_init(struct kunit *test)
{
	reasm_live = 0;
	return 0;
}

static void reasm_insert__in_order_behind_a_gap(struct kunit *test)
{
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	reasm_check(test, &q, 0, NULL);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 200, false, reasm_plain),
			XTCP_REASM_QUEUED);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 200, 300, false, reasm_plain),
			XTCP_REASM_QUEUED);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 400, 500, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 200, 200, 300, 400, 500);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 300, 400, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 200, 200, 300, 300, 400, 400, 500);
	reasm_finish(test, &q);
}

static void reasm_insert__duplicates(struct kunit *test)
{
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	reasm_put(test, &q, 100, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 200, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 150, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 200, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 120, 121, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	/* Had in two pieces is had. */
	reasm_put(test, &q, 200, 300, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 250, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	reasm_expect(test, &q, 100, 200, 200, 300);
	xtcp_reasm_purge(&q);
	/* The piece behind is above in the tree, not below. */
	reasm_put(test, &q, 200, 300, false, reasm_plain);
	reasm_put(test, &q, 100, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 250, false, reasm_plain),
			XTCP_REASM_DUPLICATE);
	reasm_expect(test, &q, 100, 200, 200, 300);
	reasm_finish(test, &q);
}

/* Every way to cut: linear and paged data, shared and not. */
static void reasm_insert__cuts(struct kunit *test)
{
	int form;

	for (form = 0; form < 4; form++) {
		struct reasm_form f = { .paged = form & 1, .shared = form & 2 };
		struct xtcp_reasm q;

		xtcp_reasm_init(&q);
		reasm_put(test, &q, 100, 200, false, f);
		KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 250, false, f), XTCP_REASM_QUEUED);
		reasm_expect(test, &q, 100, 200, 200, 250);
		KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 50, 150, false, f), XTCP_REASM_QUEUED);
		reasm_expect(test, &q, 50, 100, 100, 200, 200, 250);
		reasm_put(test, &q, 300, 400, false, f);
		KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 240, 310, false, f), XTCP_REASM_QUEUED);
		reasm_expect(test, &q, 50, 100, 100, 200, 200, 250, 250, 300, 300, 400);
		reasm_finish(test, &q);
	}
}

static void reasm_insert__covered_are_replaced(struct kunit *test)
{
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	reasm_put(test, &q, 110, 120, false, reasm_plain);
	reasm_put(test, &q, 130, 140, false, reasm_plain);
	reasm_put(test, &q, 150, 160, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 110, 155, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 110, 120, 120, 150, 150, 160);
	/* All of them, the last one included: q->last must follow. */
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 160, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 160);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 160, 170, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 160, 160, 170);
	reasm_finish(test, &q);
}

static void reasm_insert__fin_stays_or_goes(struct kunit *test)
{
	struct sk_buff *skb;
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	/* Data 100..199, FIN 200: behind what is there only the FIN is new. */
	reasm_put(test, &q, 100, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 201, true, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 200, 200, 201);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 201, true, reasm_plain),
			XTCP_REASM_DUPLICATE);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 200, 201, true, reasm_plain),
			XTCP_REASM_DUPLICATE);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(q.last)->flags & XTCP_FIN);
	xtcp_reasm_purge(&q);
	/* A head cut that leaves nothing but the FIN. */
	reasm_put(test, &q, 100, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 150, 201, true, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 200, 200, 201);
	KUNIT_EXPECT_EQ(test, q.last->len, 0U);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(q.last)->flags & XTCP_FIN);
	xtcp_reasm_purge(&q);
	/* A lying FIN at 150 with data queued behind it goes with the tail. */
	reasm_put(test, &q, 120, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 151, true, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 120, 120, 200);
	skb = skb_rb_first(&q.root);
	KUNIT_EXPECT_FALSE(test, xtcp_cb(skb)->flags & XTCP_FIN);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(skb)->flags & XTCP_ACK);
	xtcp_reasm_purge(&q);
	/* What begins just behind a FIN takes nothing of it. */
	reasm_put(test, &q, 151, 200, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 100, 151, true, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_expect(test, &q, 100, 151, 151, 200);
	KUNIT_EXPECT_TRUE(test, xtcp_cb(skb_rb_first(&q.root))->flags & XTCP_FIN);
	reasm_finish(test, &q);
}

static void reasm_insert__across_wrap(struct kunit *test)
{
	const u32 top = U32_MAX - 49;
	struct sk_buff *skb;
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	reasm_put(test, &q, 30, 80, false, reasm_plain);
	reasm_put(test, &q, top - 50, top, false, reasm_plain);
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, top - 10, 40, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_check(test, &q, 0, NULL);
	KUNIT_ASSERT_EQ(test, q.segs, 3U);
	skb = xtcp_reasm_next(&q, top - 50);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, top - 50);
	kfree_skb(skb);
	skb = xtcp_reasm_next(&q, top);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, top);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->end_seq, 30U);
	kfree_skb(skb);
	KUNIT_EXPECT_NULL(test, xtcp_reasm_next(&q, 29));
	reasm_finish(test, &q);
}

static void reasm_next__only_what_is_due(struct kunit *test)
{
	struct sk_buff *skb;
	struct xtcp_reasm q;

	xtcp_reasm_init(&q);
	KUNIT_EXPECT_NULL(test, xtcp_reasm_next(&q, 100));
	reasm_put(test, &q, 100, 200, false, reasm_plain);
	KUNIT_EXPECT_NULL(test, xtcp_reasm_next(&q, 99));
	/* At RCV.NXT, partly before it and wholly before it: all are due. */
	reasm_put(test, &q, 200, 300, false, reasm_plain);
	reasm_put(test, &q, 300, 400, false, reasm_plain);
	skb = xtcp_reasm_next(&q, 100);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 100U);
	KUNIT_EXPECT_NULL(test, skb->next);
	KUNIT_EXPECT_NULL(test, skb->prev);
	KUNIT_EXPECT_NULL(test, skb->dev);
	kfree_skb(skb);
	skb = xtcp_reasm_next(&q, 250);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 200U);
	kfree_skb(skb);
	skb = xtcp_reasm_next(&q, 500);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, xtcp_cb(skb)->seq, 300U);
	kfree_skb(skb);
	reasm_finish(test, &q);
}

static void reasm_prune__from_the_far_end(struct kunit *test)
{
	unsigned int one, freed;
	struct xtcp_reasm q;
	u32 seq;

	xtcp_reasm_init(&q);
	KUNIT_EXPECT_EQ(test, xtcp_reasm_prune(&q, 1), 0U);
	for (seq = 1000; seq < 2000; seq += 100)
		reasm_put(test, &q, seq, seq + 100, false, reasm_plain);
	one = q.last->truesize;
	KUNIT_EXPECT_EQ(test, xtcp_reasm_prune(&q, 0), 0U);
	freed = xtcp_reasm_prune(&q, 2 * one + 1);
	KUNIT_EXPECT_EQ(test, freed, 3 * one);
	KUNIT_EXPECT_EQ(test, q.segs, 7U);
	KUNIT_EXPECT_EQ(test, xtcp_cb(q.last)->end_seq, 1700U);
	reasm_check(test, &q, 0, NULL);
	/* What went may come again, at the end. */
	KUNIT_EXPECT_EQ(test, reasm_put(test, &q, 1900, 2000, false, reasm_plain),
			XTCP_REASM_QUEUED);
	reasm_check(test, &q, 0, NULL);
	freed = xtcp_reasm_prune(&q, UINT_MAX);
	KUNIT_EXPECT_EQ(test, freed, 8 * one);
	reasm_finish(test, &q);
}

/* Are all octets from @lo to before @hi in @have? */
static bool reasm_oracle_has(const unsigned long *have, u32 lo, u32 hi)
{
	return find_next_zero_bit(have, hi, lo) >= hi;
}

/*
 * Random segments of a stream of SPACE octets (the last one is the FIN), taken out as
 * RCV.NXT advances. The bitmap is what a queue without cleverness would hold.
 */
static void reasm_random_stream(struct kunit *test, struct rnd_state *rnd, u32 base, u32 most)
{
	unsigned long *have = kunit_kzalloc(test, BITS_TO_LONGS(SPACE) * sizeof(long), GFP_KERNEL);
	struct xtcp_reasm q;
	struct sk_buff *skb;
	u32 nxt = 0;

	KUNIT_ASSERT_NOT_NULL(test, have);
	xtcp_reasm_init(&q);
	while (nxt < SPACE) {
		struct reasm_form form = { .paged = rnd_coin(rnd), .shared = rnd_coin(rnd) };
		u32 lo = rnd_range(rnd, nxt, min_t(u32, nxt + 4 * most, SPACE - 1));
		u32 hi = min_t(u32, lo + rnd_range(rnd, 1, most), SPACE);
		bool had = reasm_oracle_has(have, lo, hi);

		KUNIT_ASSERT_EQ_MSG(test, reasm_put(test, &q, base + lo, base + hi, hi == SPACE,
						    form),
				    had ? XTCP_REASM_DUPLICATE : XTCP_REASM_QUEUED,
				    "%u..%u, base %u", lo, hi, base);
		bitmap_set(have, lo, hi - lo);
		reasm_check(test, &q, base, have);
		if (rnd_below(rnd, 4))
			continue;
		while ((skb = xtcp_reasm_next(&q, base + nxt))) {
			KUNIT_ASSERT_EQ(test, xtcp_cb(skb)->seq, base + nxt);
			KUNIT_ASSERT_EQ(test, !!(xtcp_cb(skb)->flags & XTCP_FIN),
					xtcp_cb(skb)->end_seq == base + SPACE);
			bitmap_clear(have, nxt, xtcp_cb(skb)->end_seq - base - nxt);
			nxt = xtcp_cb(skb)->end_seq - base;
			kfree_skb(skb);
		}
		KUNIT_ASSERT_TRUE(test, nxt == SPACE || !test_bit(nxt, have));
	}
	reasm_finish(test, &q);
	kunit_kfree(test, have);
}

static void reasm_random__against_bitmap(struct kunit *test)
{
	static const u32 most[] = { 1, 3, 10, 100, 300, 700, SPACE };
	struct rnd_state rnd;
	int i;

	prandom_seed_state(&rnd, 5961);
	for (i = 0; i < 14; i++) {
		/* Half of the streams wrap around somewhere inside. */
		u32 base = prandom_u32_state(&rnd);

		if (i & 1)
			base = -rnd_range(&rnd, 1, SPACE - 1);
		reasm_random_stream(test, &rnd, base, most[i % ARRAY_SIZE(most)]);
	}
}

static struct kunit_case reasm_cases[] = {
	KUNIT_CASE(reasm_insert__in_order_behind_a_gap),
	KUNIT_CASE(reasm_insert__duplicates),
	KUNIT_CASE(reasm_insert__cuts),
	KUNIT_CASE(reasm_insert__covered_are_replaced),
	KUNIT_CASE(reasm_insert__fin_stays_or_goes),
	KUNIT_CASE(reasm_insert__across_wrap),
	KUNIT_CASE(reasm_next__only_what_is_due),
	KUNIT_CASE(reasm_prune__from_the_far_end),
	KUNIT_CASE(reasm_random__against_bitmap),
	{}
};

static struct kunit_suite reasm_suite = {
	.name = "xtcp_reasm",
	.init = reasm_test_init,
	.test_cases = reasm_cases,
};

kunit_test_suite(reasm_suite);
