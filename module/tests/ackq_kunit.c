// SPDX-License-Identifier: GPL-2.0
/* KUnit: ACKs that wait for the end of a batch of segments, and those that do not. */
#include <kunit/test.h>
#include "../ackq.h"
#include "../close.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define B	(&pair_ends[1])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)
#define MSS	536U

/* A receiver in the middle of a conversation: it delays its ACKs. */
static struct xtcp_sock *aq_begin(struct kunit *test, struct pair_end *e, bool sack)
{
	struct xtcp_sock *xs;

	pair_establish(test, e, ISS, IRS);
	pair_slow_acks(e);
	xs = xtcp_sk(e->sk);
	xs->sack.ok = sack;
	KUNIT_EXPECT_FALSE(test, xs->ackq.queued);
	return xs;
}

/* @len octets at @seq arrive. Return: segments that @e has sent and nobody has looked at. */
static u32 aq_data(struct kunit *test, struct pair_end *e, u32 seq, u32 len)
{
	pair_forge_data(test, e, XTCP_ACK, seq, UNA, 8192, len);
	return skb_queue_len(&e->wire);
}

/* The next segment is a bare ACK. Return: its blocks, in @opt. */
static void aq_acked(struct kunit *test, struct pair_end *e, u32 ack, struct xtcp_options *opt)
{
	struct sk_buff *skb = pair_take(test, e, XTCP_ACK, UNA, ack, 0);
	const struct tcphdr *th;

	memset(opt, 0, sizeof(*opt));
	if (!skb)
		return;
	th = tcp_hdr(skb);
	KUNIT_EXPECT_TRUE(test, xtcp_options_parse((const u8 *)(th + 1),
						   th->doff * 4 - sizeof(*th), false, opt));
	kfree_skb(skb);
}

static void aq_block(struct kunit *test, const struct xtcp_options *opt, unsigned int i, u32 start,
		     u32 end)
{
	KUNIT_ASSERT_LT(test, i, (unsigned int)opt->num_sacks);
	KUNIT_EXPECT_EQ(test, opt->sack[i].start, start);
	KUNIT_EXPECT_EQ(test, opt->sack[i].end, end);
}

/* MUST-59: one ACK behind all that was there; the next batch has one of its own. */
static void ackq__one_for_a_batch(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	int refs = refcount_read(&A->sk->sk_refcnt), refs_in, round;
	struct xtcp_options opt;
	u32 seq = NXT, early, i;
	bool queued;

	for (round = 0; round < 2; round++) {
		early = 0;
		pair_batch_begin();
		for (i = 0; i < 10; i++, seq += MSS)
			early += aq_data(test, A, seq, MSS);
		queued = xs->ackq.queued;
		refs_in = refcount_read(&A->sk->sk_refcnt);
		pair_batch_end();
		KUNIT_EXPECT_EQ_MSG(test, early, 0U, "before the end of the batch");
		KUNIT_EXPECT_TRUE(test, queued);
		KUNIT_EXPECT_EQ_MSG(test, refs_in, refs + 1, "held once, however often asked");
		aq_acked(test, A, seq, &opt);
		pair_silent(test, A);
		KUNIT_EXPECT_FALSE(test, xs->ackq.queued);
		KUNIT_EXPECT_EQ(test, refcount_read(&A->sk->sk_refcnt), refs);
	}
	pair_close();
}

/* A batch that is less than two segments waits for the timer, as a segment by itself does. */
static void ackq__small_batch_is_delayed(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	bool queued;

	pair_batch_begin();
	aq_data(test, A, NXT, 200);
	aq_data(test, A, NXT + 200, 200);
	queued = xs->ackq.queued;
	pair_batch_end();
	KUNIT_EXPECT_FALSE(test, queued);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->rcv.ack,
			XTCP_ACK_DELAYED | XTCP_ACK_PUSHED | XTCP_ACK_PUSHED2);
	pair_close();
}

/* Each socket of a batch has its ACK. */
static void ackq__several_sockets(struct kunit *test)
{
	struct xtcp_options opt;
	u32 i;

	aq_begin(test, A, true);
	aq_begin(test, B, true);
	pair_batch_begin();
	for (i = 0; i < 4; i++) {
		aq_data(test, A, NXT + i * MSS, MSS);
		aq_data(test, B, NXT + i * MSS, MSS);
	}
	pair_batch_end();
	aq_acked(test, A, NXT + 4 * MSS, &opt);
	aq_acked(test, B, NXT + 4 * MSS, &opt);
	pair_silent(test, A);
	pair_silent(test, B);
	pair_close();
}

/* What asks for an ACK at once has it before the next segment; nothing is left to say then. */
static void ackq__now_does_not_wait(struct kunit *test)
{
	struct xtcp_options opt;
	u32 before, after, last;

	aq_begin(test, A, true);
	pair_batch_begin();
	aq_data(test, A, NXT, MSS);
	before = aq_data(test, A, NXT + MSS, MSS);
	/* An old one: its sender has not heard us. */
	after = aq_data(test, A, NXT, MSS);
	last = aq_data(test, A, NXT + 2 * MSS, 10);
	pair_batch_end();
	KUNIT_EXPECT_EQ(test, before, 0U);
	KUNIT_EXPECT_EQ(test, after, 1U);
	KUNIT_EXPECT_EQ(test, last, 1U);
	aq_acked(test, A, NXT + 2 * MSS, &opt);
	aq_block(test, &opt, 0, NXT, NXT + MSS);
	/* The duplicate made it quick: the small one is not delayed. */
	aq_acked(test, A, NXT + 2 * MSS + 10, &opt);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 0);
	pair_silent(test, A);
	pair_close();
}

/* With SACK one ACK says it all, as long as it has room for all. */
static void ackq__out_of_order_with_sack(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	struct xtcp_options opt;
	u32 sent[6], i;

	/* Many segments, but one block. */
	pair_batch_begin();
	for (i = 1; i < 6; i++)
		sent[i] = aq_data(test, A, NXT + i * MSS, MSS);
	pair_batch_end();
	KUNIT_EXPECT_EQ(test, sent[5], 0U);
	aq_acked(test, A, NXT, &opt);
	KUNIT_EXPECT_EQ(test, opt.num_sacks, 1);
	aq_block(test, &opt, 0, NXT + MSS, NXT + 6 * MSS);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->sack.fresh, 0);

	/* Five new ones: three fill an ACK, which leaves at once, two are left for the end. */
	pair_batch_begin();
	for (i = 0; i < 5; i++)
		sent[i] = aq_data(test, A, NXT + (7 + 2 * i) * MSS, MSS);
	pair_batch_end();
	KUNIT_EXPECT_EQ(test, sent[1], 0U);
	KUNIT_EXPECT_EQ(test, sent[2], 1U);
	KUNIT_EXPECT_EQ(test, sent[4], 1U);
	aq_acked(test, A, NXT, &opt);
	KUNIT_EXPECT_GE(test, opt.num_sacks, XTCP_SACK_REPORT);
	aq_block(test, &opt, 0, NXT + 11 * MSS, NXT + 12 * MSS);
	aq_block(test, &opt, 1, NXT + 9 * MSS, NXT + 10 * MSS);
	aq_block(test, &opt, 2, NXT + 7 * MSS, NXT + 8 * MSS);
	aq_acked(test, A, NXT, &opt);
	aq_block(test, &opt, 0, NXT + 15 * MSS, NXT + 16 * MSS);
	aq_block(test, &opt, 1, NXT + 13 * MSS, NXT + 14 * MSS);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->rcv.ack, 0);
	pair_close();
}

/*
 * Without SACK the sender counts duplicate ACKs: one for each segment behind the hole, and the
 * ACK of what was in order is none of them.
 */
static void ackq__out_of_order_without_sack(struct kunit *test)
{
	struct xtcp_options opt;
	u32 sent[6], i;

	aq_begin(test, A, false);
	pair_batch_begin();
	for (i = 0; i < 2; i++)
		sent[i] = aq_data(test, A, NXT + i * MSS, MSS);
	for (i = 3; i < 6; i++)
		sent[i] = aq_data(test, A, NXT + i * MSS, MSS);
	pair_batch_end();
	KUNIT_EXPECT_EQ(test, sent[1], 0U);
	KUNIT_EXPECT_EQ(test, sent[3], 2U);
	KUNIT_EXPECT_EQ(test, sent[4], 3U);
	KUNIT_EXPECT_EQ(test, sent[5], 4U);
	for (i = 0; i < 4; i++)
		aq_acked(test, A, NXT + 2 * MSS, &opt);
	pair_silent(test, A);
	/* The hole is filled, and more came behind it: one ACK. */
	pair_batch_begin();
	aq_data(test, A, NXT + 2 * MSS, MSS);
	aq_data(test, A, NXT + 6 * MSS, MSS);
	pair_batch_end();
	aq_acked(test, A, NXT + 7 * MSS, &opt);
	pair_silent(test, A);
	pair_close();
}

/* In a batch: something has asked for an ACK at its end. */
static void aq_queue(struct sock *sk)
{
	bh_lock_sock(sk);
	xtcp_sk(sk)->rcv.ack = XTCP_ACK_BATCH;
	xtcp_ackq_add(sk);
	bh_unlock_sock(sk);
}

/* The batch ends while a process has the socket: the ACK leaves when it lets go. */
static void ackq__owned_by_a_process(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	struct sock *sk = A->sk;
	struct xtcp_options opt;
	int refs = refcount_read(&sk->sk_refcnt);

	lock_sock(sk);
	pair_batch_begin();
	aq_queue(sk);
	pair_batch_end();
	KUNIT_EXPECT_TRUE(test, skb_queue_empty(&A->wire));
	KUNIT_EXPECT_FALSE(test, xs->ackq.queued);
	KUNIT_EXPECT_TRUE(test, test_bit(XTCP_DEFER_ACK, &xs->deferred));
	KUNIT_EXPECT_EQ_MSG(test, refcount_read(&sk->sk_refcnt), refs, "its owner has one");
	release_sock(sk);
	aq_acked(test, A, NXT, &opt);
	pair_silent(test, A);
	pair_close();
}

/* The owner ends the connection instead: nothing may leave in the name of the next one. */
static void ackq__disconnected_while_queued(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	struct sock *sk = A->sk;

	lock_sock(sk);
	pair_batch_begin();
	aq_queue(sk);
	pair_batch_end();
	KUNIT_EXPECT_EQ(test, xtcp_close_disconnect(sk, 0), 0);
	/* The RST that disconnect() owes the peer. */
	skb_queue_purge(&A->wire);
	release_sock(sk);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->deferred, 0UL);
	pair_close();
}

/* A RST in the same batch: nothing is acknowledged any more. */
static void ackq__reset_while_queued(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	int refs = refcount_read(&A->sk->sk_refcnt);
	bool queued;

	pair_batch_begin();
	aq_data(test, A, NXT, MSS);
	aq_data(test, A, NXT + MSS, MSS);
	pair_forge(test, A, XTCP_RST, NXT + 2 * MSS, 0);
	queued = xs->ackq.queued;
	pair_batch_end();
	KUNIT_EXPECT_TRUE(test, queued);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	pair_silent(test, A);
	KUNIT_EXPECT_FALSE(test, xs->ackq.queued);
	KUNIT_EXPECT_EQ(test, refcount_read(&A->sk->sk_refcnt), refs);
	pair_close();
}

static void (*aq_destruct)(struct sock *sk);
static int aq_destructed;

static void aq_count(struct sock *sk)
{
	aq_destructed++;
	aq_destruct(sk);
}

/* An orphan that is destroyed while it waits: the list has the last reference, and gives it back. */
static void ackq__orphan_dies_while_queued(struct kunit *test)
{
	struct sock *sk;
	int refs;

	aq_begin(test, A, true);
	sk = A->sk;
	aq_destruct = sk->sk_destruct;
	aq_destructed = 0;
	sk->sk_destruct = aq_count;
	ksock_close(sk);
	kfree_skb(pair_take(test, A, XTCP_FIN | XTCP_ACK, UNA, NXT, 0));
	KUNIT_EXPECT_EQ(test, sk->sk_state, TCP_FIN_WAIT1);

	pair_batch_begin();
	aq_queue(sk);
	pair_forge(test, A, XTCP_RST, NXT, 0);
	refs = refcount_read(&sk->sk_refcnt);
	pair_batch_end();
	/* What is left of it is gone after a grace period. */
	rcu_barrier();
	KUNIT_EXPECT_EQ(test, refs, 1);
	KUNIT_EXPECT_EQ(test, aq_destructed, 1);
	pair_silent(test, A);
	A->sk = NULL;
}

/*
 * A full data segment carries the acknowledgment, but has no room for blocks: they follow in
 * an ACK of their own, at the end of the batch or, if that is due, right behind it.
 */
static void ackq__full_segment_leaves_the_report(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	struct xtcp_options opt;
	struct sk_buff *skb;
	u32 i;

	pair_segments(A, 1);
	KUNIT_ASSERT_EQ(test, pair_write(A, 30 * MSS), (int)(30 * MSS));
	/* cwnd is out, the rest waits for acknowledgments: each lets full segments go. */
	KUNIT_ASSERT_EQ(test, pair_sent(A), 10 * MSS);
	for (i = 0; i < 4; i++) {
		u32 una = UNA + (i + 1) * MSS, at = NXT + (2 + 2 * i) * MSS, early, data = 0;

		pair_batch_begin();
		if (i == 3) {
			/* Two blocks wait already when the third comes, and it is due at once. */
			pair_forge_data(test, A, XTCP_ACK, NXT + 40 * MSS, una - MSS, 8192, MSS);
			pair_forge_data(test, A, XTCP_ACK, NXT + 42 * MSS, una - MSS, 8192, MSS);
		}
		pair_forge_data(test, A, XTCP_ACK, at, una, 8192, MSS);
		early = skb_queue_len(&A->wire);
		pair_batch_end();
		KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(&A->wire) - early, i < 3, "round %u", i);
		while ((skb = skb_dequeue(&A->wire))) {
			const struct tcphdr *th;
			u32 len;

			skb_pull(skb, skb_transport_offset(skb));
			th = tcp_hdr(skb);
			len = skb->len - th->doff * 4;
			xtcp_options_parse((const u8 *)(th + 1), th->doff * 4 - sizeof(*th), false,
					   &opt);
			kfree_skb(skb);
			data += len;
			KUNIT_EXPECT_TRUE(test, !len || len == MSS);
			KUNIT_EXPECT_EQ_MSG(test, !!opt.num_sacks, !len, "round %u", i);
		}
		KUNIT_EXPECT_GE_MSG(test, data, MSS, "round %u", i);
		/* The bare ACK was the last. */
		aq_block(test, &opt, 0, at, at + MSS);
		KUNIT_EXPECT_EQ(test, xs->rcv.ack, 0);
		KUNIT_EXPECT_EQ(test, xs->sack.fresh, 0);
	}
	pair_close();
}

/* A segment that has room for a part of the report leaves the report owed. */
static void ackq__short_segment_reports_what_fits(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	/* A block takes eight octets, and four before the first. */
	static const struct { u32 room; u8 fresh; bool dup; u8 owed; } cases[] = {
		{ 0, 2, true, XTCP_ACK_BATCH }, { 8, 2, true, XTCP_ACK_BATCH },
		{ 12, 2, false, XTCP_ACK_BATCH }, { 20, 2, false, XTCP_ACK_BATCH },
		{ 28, 0, false, 0 }, { 36, 0, false, 0 },
	};
	u32 i;

	xs->snd.nodelay = true;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		int len = MSS - cases[i].room;

		lock_sock(A->sk);
		xs->sack.num = 0;
		xs->sack.fresh = 0;
		xtcp_sack_add(&xs->sack, NXT + 100, NXT + 200);
		xtcp_sack_add(&xs->sack, NXT + 300, NXT + 400);
		xtcp_sack_duplicate(&xs->sack, NXT - 10, NXT);
		xs->rcv.ack = XTCP_ACK_BATCH | XTCP_ACK_DELAYED;
		release_sock(A->sk);
		KUNIT_ASSERT_EQ(test, pair_write(A, len), len);
		KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), (u32)len, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, xs->sack.fresh, cases[i].fresh, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, xs->sack.has_dup, cases[i].dup, "case %u", i);
		KUNIT_EXPECT_EQ_MSG(test, xs->rcv.ack, cases[i].owed, "case %u", i);
		/* All that is out is acknowledged, and the rest of the report goes. */
		xs->sack.num = 0;
		xs->sack.fresh = 0;
		xs->sack.has_dup = false;
		xs->rcv.ack = 0;
		pair_forge(test, A, XTCP_ACK, NXT, xs->snd.nxt);
		skb_queue_purge(&A->wire);
	}
	pair_close();
}

/*
 * RFC 7323 4.3: the echo is of the first segment that was not acknowledged yet, but of the
 * one that fills a hole, had it to wait for the end of the batch or not.
 */
static void ackq__echoes_what_filled_the_hole(struct kunit *test)
{
	struct xtcp_sock *xs = aq_begin(test, A, true);
	struct xtcp_options opt;

	xs->stamp.ok = true;
	xtcp_stamp_update(&xs->stamp, 100, 0);
	pair_batch_begin();
	pair_tsval = 101;
	aq_data(test, A, NXT, 100);
	pair_tsval = 102;
	aq_data(test, A, NXT + 100, 100);
	pair_batch_end();
	KUNIT_EXPECT_EQ_MSG(test, xs->stamp.recent, 101U, "the first of two");
	pair_batch_begin();
	pair_tsval = 103;
	aq_data(test, A, NXT + 300, MSS);
	pair_tsval = 104;
	aq_data(test, A, NXT + 200, 100);
	pair_batch_end();
	aq_acked(test, A, NXT + 300 + MSS, &opt);
	KUNIT_EXPECT_EQ_MSG(test, opt.tsecr, 104U, "the one that was missing");
	pair_tsval = 0;
	xs->stamp.ok = false;
	pair_close();
}

static struct kunit_case aq_cases[] = {
	KUNIT_CASE(ackq__one_for_a_batch),
	KUNIT_CASE(ackq__small_batch_is_delayed),
	KUNIT_CASE(ackq__several_sockets),
	KUNIT_CASE(ackq__now_does_not_wait),
	KUNIT_CASE(ackq__out_of_order_with_sack),
	KUNIT_CASE(ackq__out_of_order_without_sack),
	KUNIT_CASE(ackq__owned_by_a_process),
	KUNIT_CASE(ackq__disconnected_while_queued),
	KUNIT_CASE(ackq__reset_while_queued),
	KUNIT_CASE(ackq__orphan_dies_while_queued),
	KUNIT_CASE(ackq__echoes_what_filled_the_hole),
	KUNIT_CASE(ackq__full_segment_leaves_the_report),
	KUNIT_CASE(ackq__short_segment_reports_what_fits),
	{}
};

static struct kunit_suite aq_suite = {
	.name = "xtcp_ackq",
	.test_cases = aq_cases,
};

kunit_test_suite(aq_suite);
