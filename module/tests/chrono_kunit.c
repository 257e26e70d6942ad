// SPDX-License-Identifier: GPL-2.0
/* KUnit: what a sender spends its time on. */
#include <kunit/test.h>
#include "../chrono.h"
#include "pair.h"
#include "rnd.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)

static void chrono_set__one_at_a_time(struct kunit *test)
{
	struct xtcp_chrono c;

	xtcp_chrono_init(&c);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_BUSY, 1000), 0ULL);
	xtcp_chrono_set(&c, XTCP_CHRONO_BUSY, 0xffffff00);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_BUSY, 0x100), 0x200ULL);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_RWND, 0x100), 0ULL);
	xtcp_chrono_set(&c, XTCP_CHRONO_RWND, 0x100);
	xtcp_chrono_set(&c, XTCP_CHRONO_SNDBUF, 0x110);
	xtcp_chrono_set(&c, XTCP_CHRONO_IDLE, 0x111);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_BUSY, 0x10000), 0x200ULL);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_RWND, 0x10000), 0x10ULL);
	KUNIT_EXPECT_EQ(test, xtcp_chrono_read(&c, XTCP_CHRONO_SNDBUF, 0x10000), 1ULL);
}

/* All of them together are the time from the first to the last, idle time left out. */
static void chrono_set__adds_up(struct kunit *test)
{
	struct xtcp_chrono c;
	struct rnd_state rnd;
	u64 sum[XTCP_CHRONO_IDLE + 1] = { 0 };
	u32 now = 0xf0000000, kind = XTCP_CHRONO_IDLE;
	int i;

	prandom_seed_state(&rnd, 9);
	xtcp_chrono_init(&c);
	for (i = 0; i < 10000; i++) {
		u32 step = rnd_below(&rnd, 3000000);

		now += step;
		sum[kind] += step;
		kind = rnd_below(&rnd, XTCP_CHRONO_IDLE + 1);
		xtcp_chrono_set(&c, kind, now);
	}
	for (i = 0; i < XTCP_CHRONO_IDLE; i++)
		KUNIT_EXPECT_EQ_MSG(test, xtcp_chrono_read(&c, i, now), sum[i], "kind %d", i);
}

/* A connection's day: nothing, busy, the window, the writer, nothing. */
static void chrono_update__of_a_connection(struct kunit *test)
{
	struct xtcp_sock *xs;
	struct sock *sk;

	pair_establish(test, A, ISS, IRS);
	sk = A->sk;
	xs = xtcp_sk(sk);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_IDLE);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 8192, 0);
	KUNIT_EXPECT_EQ(test, pair_write(A, 1000), 1000);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_BUSY);
	/* The peer closes its window over the rest. */
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 1000, 0, 0);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_IDLE);
	KUNIT_EXPECT_EQ(test, pair_write(A, 1000), 1000);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_RWND);
	/* Now all of it goes, and the writer wants more than the buffer takes. */
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 1000, 8192, 0);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_BUSY);
	lock_sock(sk);
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	xtcp_chrono_update(sk);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_SNDBUF);
	/* With cwnd full, more room would not have helped. */
	xs->cong.cwnd = 1000;
	xtcp_chrono_update(sk);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_BUSY);
	clear_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	release_sock(sk);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 2000, 8192, 0);
	KUNIT_EXPECT_EQ(test, xs->chrono.kind, XTCP_CHRONO_IDLE);
	pair_sent(A);
	pair_close();
}

static struct kunit_case chrono_cases[] = {
	KUNIT_CASE(chrono_set__one_at_a_time),
	KUNIT_CASE(chrono_set__adds_up),
	KUNIT_CASE(chrono_update__of_a_connection),
	{}
};

static struct kunit_suite chrono_suite = {
	.name = "xtcp_chrono",
	.test_cases = chrono_cases,
};

kunit_test_suite(chrono_suite);
