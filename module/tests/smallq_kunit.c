// SPDX-License-Identifier: GPL-2.0
/* KUnit: what may wait in the device's queue, and who pushes when it is drained. */
#include <kunit/test.h>
#include "../skb_cb.h"
#include "../smallq.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	7100U
#define IRS	1700U
#define MSS	536U
#define CAP	1048576U

static void smallq_limit__two_or_a_millisecond(struct kunit *test)
{
	/* Slow: two buffers. */
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, 1000000, 10, CAP), 132000U);
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, 0, 10, CAP), 132000U);
	/* Fast: what a millisecond takes. */
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, 500UL << 20, 10, CAP), 512000U);
	/* Another sk_pacing_shift: a driver that batches for 8 ms. */
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(3000, 50UL << 20, 7, CAP), 409600U);
	/* Never more than the sysctl, not known or faster than that. */
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, ~0UL, 10, CAP), CAP);
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, 2UL << 30, 10, CAP), CAP);
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(66000, 1000000, 10, 5000), 5000U);
	KUNIT_EXPECT_EQ(test, xtcp_smallq_limit(U32_MAX, 1, 10, INT_MAX), (u32)INT_MAX);
}

/* A segment of @sk's in a device's queue that is @octets large. */
static struct sk_buff *sq_queued(struct kunit *test, struct sock *sk, u32 octets)
{
	struct sk_buff *skb = alloc_skb(100, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb->truesize = octets;
	skb_set_owner_w(skb, sk);
	skb->destructor = xtcp_smallq_wfree;
	return skb;
}

/* @n full segments are written. Return: how many have left. */
static u32 sq_write(struct kunit *test, u32 n)
{
	u32 before = skb_queue_len(&A->wire);

	KUNIT_EXPECT_EQ(test, pair_write(A, n * MSS), (int)(n * MSS));
	return skb_queue_len(&A->wire) - before;
}

/* Nothing outstanding: one goes. Then the queue is full, until its segments go one by one. */
static void smallq__waits_and_resumes(struct kunit *test)
{
	struct sk_buff *first, *second;
	struct xtcp_sock *xs;
	struct sock *sk;
	int refs;

	pair_establish(test, A, ISS, IRS);
	sk = A->sk;
	xs = xtcp_sk(sk);
	refs = refcount_read(&sk->sk_refcnt);
	first = sq_queued(test, sk, 2 * CAP);
	second = sq_queued(test, sk, CAP);
	KUNIT_EXPECT_EQ_MSG(test, sq_write(test, 1), 1U, "nothing is outstanding");
	KUNIT_EXPECT_EQ(test, xs->smallq.resume, 0U);
	KUNIT_EXPECT_EQ(test, sq_write(test, 2), 0U);
	KUNIT_EXPECT_NE(test, xs->smallq.resume, 0U);
	local_bh_disable();
	kfree_skb(first);
	local_bh_enable();
	KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(&A->wire), 1U, "still too much");
	KUNIT_EXPECT_NE(test, xs->smallq.resume, 0U);
	local_bh_disable();
	kfree_skb(second);
	KUNIT_EXPECT_EQ_MSG(test, skb_queue_len(&A->wire), 1U, "not in the destructor");
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs + 1);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, skb_queue_len(&A->wire), 3U);
	KUNIT_EXPECT_EQ(test, xs->smallq.resume, 0U);
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs);
	skb_queue_purge(&A->wire);
	pair_close();
}

/* The queue is drained while a process has the socket: it pushes when it lets go. */
static void smallq__owned_by_a_process(struct kunit *test)
{
	struct sk_buff *skb;
	struct xtcp_sock *xs;
	struct sock *sk;

	pair_establish(test, A, ISS, IRS);
	sk = A->sk;
	xs = xtcp_sk(sk);
	skb = sq_queued(test, sk, 2 * CAP);
	KUNIT_EXPECT_EQ(test, sq_write(test, 1), 1U);
	KUNIT_EXPECT_EQ(test, sq_write(test, 1), 0U);
	lock_sock(sk);
	local_bh_disable();
	kfree_skb(skb);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, skb_queue_len(&A->wire), 1U);
	KUNIT_EXPECT_TRUE(test, test_bit(XTCP_DEFER_SEND, &xs->deferred));
	release_sock(sk);
	KUNIT_EXPECT_EQ(test, skb_queue_len(&A->wire), 2U);
	KUNIT_EXPECT_EQ(test, xs->deferred, 0UL);
	skb_queue_purge(&A->wire);
	pair_close();
}

/* Its last segment outlives the socket, and wakes nobody. */
static void smallq__socket_is_gone(struct kunit *test)
{
	struct sk_buff *skb;

	pair_establish(test, A, ISS, IRS);
	skb = sq_queued(test, A->sk, 2 * CAP);
	KUNIT_EXPECT_EQ(test, sq_write(test, 1), 1U);
	KUNIT_EXPECT_EQ(test, sq_write(test, 1), 0U);
	skb_queue_purge(&A->wire);
	pair_close();
	local_bh_disable();
	kfree_skb(skb);
	local_bh_enable();
}

static struct kunit_case smallq_cases[] = {
	KUNIT_CASE(smallq_limit__two_or_a_millisecond),
	KUNIT_CASE(smallq__waits_and_resumes),
	KUNIT_CASE(smallq__owned_by_a_process),
	KUNIT_CASE(smallq__socket_is_gone),
	{}
};

static struct kunit_suite smallq_suite = {
	.name = "xtcp_smallq",
	.test_cases = smallq_cases,
};
kunit_test_suite(smallq_suite);
