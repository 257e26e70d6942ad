// SPDX-License-Identifier: GPL-2.0
/* KUnit: small writes in a row. */
#include <kunit/test.h>
#include <linux/delay.h>
#include "../autocork.h"
#include "../skb_cb.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	9100U
#define IRS	1900U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)

/* A burst has begun, its last write was at @now. */
static void burst(struct xtcp_autocork *c, u32 now)
{
	memset(c, 0, sizeof(*c));
	c->writes = XTCP_AUTOCORK_WRITES;
	c->last_us = now;
}

static void autocork_written__counts_a_burst(struct kunit *test)
{
	struct xtcp_autocork c = { .last_us = 0xfffffff0 };
	u32 now = 0xfffffff0;
	int i;

	for (i = 1; i < XTCP_AUTOCORK_WRITES; i++) {
		now += XTCP_AUTOCORK_GAP_US;
		xtcp_autocork_written(&c, 100, now);
		KUNIT_EXPECT_EQ(test, c.writes, i);
		KUNIT_EXPECT_FALSE(test, xtcp_autocork_waits(&c, now, false));
	}
	now += XTCP_AUTOCORK_GAP_US;
	xtcp_autocork_written(&c, 100, now);
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, now, false));
	for (i = 0; i < 1000; i++)
		xtcp_autocork_written(&c, 100, ++now);
	KUNIT_EXPECT_EQ(test, c.writes, U8_MAX);
	/* A pause ends it. */
	xtcp_autocork_written(&c, 100, now + XTCP_AUTOCORK_GAP_US + 1);
	KUNIT_EXPECT_EQ(test, c.writes, 1);
	KUNIT_EXPECT_FALSE(test, xtcp_autocork_waits(&c, now, false));
	KUNIT_EXPECT_FALSE(test, c.held);
	/* So does a large write. */
	burst(&c, now);
	xtcp_autocork_written(&c, XTCP_AUTOCORK_LARGE, now);
	KUNIT_EXPECT_EQ(test, c.writes, 0);
}

static void autocork_waits__not_for_long(struct kunit *test)
{
	struct xtcp_autocork c;
	u32 now = 0xffffffd0;

	burst(&c, now);
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, now, false));
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, now + XTCP_AUTOCORK_HOLD_US - 1, false));
	KUNIT_EXPECT_FALSE(test, xtcp_autocork_waits(&c, now + XTCP_AUTOCORK_HOLD_US, false));
	/* What comes then has its own time. */
	now += 3 * XTCP_AUTOCORK_HOLD_US;
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, now, false));
	KUNIT_EXPECT_EQ(test, c.until_us, now + XTCP_AUTOCORK_HOLD_US);
	/* So has what follows a full super-segment. */
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, now + 10, true));
	KUNIT_EXPECT_EQ(test, c.until_us, now + 10 + XTCP_AUTOCORK_HOLD_US);
}

/* Something is queued, and the writer is in a burst. */
static struct xtcp_sock *written(struct kunit *test, u32 len)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, ISS, IRS);
	xs = xtcp_sk(A->sk);
	xs->snd.cork = true;
	KUNIT_EXPECT_EQ(test, pair_write(A, len), (int)len);
	pair_silent(test, A);
	lock_sock(A->sk);
	xs->snd.cork = false;
	xtcp_clock_refresh(xs);
	burst(&xs->autocork, xs->now_us);
	return xs;
}

static void autocork_hold__ends_by_itself(struct kunit *test)
{
	struct xtcp_sock *xs = written(test, 100);

	xtcp_output_push(A->sk);
	KUNIT_EXPECT_TRUE(test, xs->autocork.held);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA);
	release_sock(A->sk);
	msleep(20);
	KUNIT_EXPECT_FALSE(test, xs->autocork.held);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 100U);
	pair_close();
}

static void autocork_reader__sends_what_waits(struct kunit *test)
{
	struct xtcp_sock *xs = written(test, 100);

	xtcp_output_push(A->sk);
	KUNIT_EXPECT_TRUE(test, xs->autocork.held);
	xtcp_autocork_reader(A->sk);
	KUNIT_EXPECT_FALSE(test, xs->autocork.held);
	KUNIT_EXPECT_EQ(test, xs->autocork.writes, 0);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 100);
	release_sock(A->sk);
	pair_sent(A);
	pair_close();
}

static void autocork_hold__not_with_nodelay(struct kunit *test)
{
	struct xtcp_sock *xs = written(test, 100);

	xs->snd.nodelay = true;
	xtcp_output_push(A->sk);
	KUNIT_EXPECT_FALSE(test, xs->autocork.held);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, UNA + 100);
	release_sock(A->sk);
	pair_sent(A);
	pair_close();
}

/* What fills a super-segment goes, what follows it waits. */
static void autocork_hold__full_ones_go(struct kunit *test)
{
	struct xtcp_sock *xs = written(test, 100);
	bool rest;

	KUNIT_EXPECT_FALSE(test, xtcp_autocork_hold(A->sk, 100, false, &rest));
	KUNIT_EXPECT_TRUE(test, rest);
	KUNIT_EXPECT_TRUE(test, xs->autocork.held);
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_hold(A->sk, 101, false, &rest));
	KUNIT_EXPECT_FALSE(test, rest);
	xtcp_autocork_reader(A->sk);
	release_sock(A->sk);
	pair_sent(A);
	pair_close();
}

/* A short buffer with others behind it will not grow: it must not stop them. */
static void autocork_hold__short_one_in_front(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, ISS, IRS);
	xs = xtcp_sk(A->sk);
	WRITE_ONCE(A->sk->sk_sndbuf, 1 << 20);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 0, 0);
	KUNIT_EXPECT_EQ(test, pair_write(A, 100), 100);
	lock_sock(A->sk);
	xtcp_cb(skb_peek(&A->sk->sk_write_queue))->mark |= XTCP_MARK_EOR;
	release_sock(A->sk);
	while (xtcp_output_queued(xs, true) < XTCP_GSO_MAX + 100)
		KUNIT_ASSERT_EQ(test, pair_write(A, 16000), 16000);
	pair_silent(test, A);
	lock_sock(A->sk);
	burst(&xs->autocork, xs->now_us);
	release_sock(A->sk);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 4096, 0);
	KUNIT_EXPECT_GE(test, pair_sent(A), 2000U);
	pair_close();
}

/* More is announced: a burst at once, until something is written without that. */
static void autocork_announced__is_a_burst(struct kunit *test)
{
	struct xtcp_autocork c = { .last_us = 1000 };

	xtcp_autocork_written(&c, 4096, 1000 + 2 * XTCP_AUTOCORK_GAP_US);
	KUNIT_EXPECT_FALSE(test, xtcp_autocork_waits(&c, c.last_us, false));
	xtcp_autocork_announced(&c);
	KUNIT_EXPECT_TRUE(test, c.more);
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_waits(&c, c.last_us, false));
	c.writes = U8_MAX;
	xtcp_autocork_announced(&c);
	KUNIT_EXPECT_EQ(test, c.writes, U8_MAX);
	xtcp_autocork_written(&c, 4096, c.last_us + 1);
	KUNIT_EXPECT_FALSE(test, c.more);
}

/* The call that announces leaves a short end to its MSG_MORE; the ACKs after it do not. */
static void autocork_hold__announced_end(struct kunit *test)
{
	struct xtcp_sock *xs = written(test, 100);
	bool rest;

	xtcp_autocork_announced(&xs->autocork);
	KUNIT_EXPECT_FALSE(test, xtcp_autocork_hold(A->sk, 1000, true, &rest));
	KUNIT_EXPECT_FALSE(test, rest);
	KUNIT_EXPECT_FALSE(test, xs->autocork.held);
	KUNIT_EXPECT_FALSE(test, xtcp_autocork_hold(A->sk, 90, true, &rest));
	KUNIT_EXPECT_TRUE_MSG(test, rest, "what is whole goes");
	KUNIT_EXPECT_TRUE(test, xtcp_autocork_hold(A->sk, 1000, false, &rest));
	KUNIT_EXPECT_TRUE(test, xs->autocork.held);
	KUNIT_EXPECT_EQ(test, xs->autocork.until_us, xs->now_us + XTCP_AUTOCORK_MORE_US);
	xtcp_autocork_reader(A->sk);
	release_sock(A->sk);
	pair_sent(A);
	pair_close();
}

static struct kunit_case autocork_cases[] = {
	KUNIT_CASE(autocork_hold__announced_end),
	KUNIT_CASE(autocork_announced__is_a_burst),
	KUNIT_CASE(autocork_written__counts_a_burst),
	KUNIT_CASE(autocork_waits__not_for_long),
	KUNIT_CASE(autocork_hold__ends_by_itself),
	KUNIT_CASE(autocork_reader__sends_what_waits),
	KUNIT_CASE(autocork_hold__not_with_nodelay),
	KUNIT_CASE(autocork_hold__full_ones_go),
	KUNIT_CASE(autocork_hold__short_one_in_front),
	{}
};

static struct kunit_suite autocork_suite = {
	.name = "xtcp_autocork",
	.test_cases = autocork_cases,
};

kunit_test_suite(autocork_suite);
