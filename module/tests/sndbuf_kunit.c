// SPDX-License-Identifier: GPL-2.0
/* KUnit: the size of a send buffer. */
#include <kunit/test.h>
#include <linux/limits.h>
#include "../sndbuf.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define MSS	1460U

static struct xtcp_cong sb_cong(u32 cwnd, u32 ssthresh)
{
	struct xtcp_cong c = { .mss = MSS, .cwnd = cwnd, .ssthresh = ssthresh, .sndbuf_cwnds = 2 };

	return c;
}

/* Memory of one segment that is a buffer of its own. */
static u64 sb_seg(void)
{
	return MSS + SKB_TRUESIZE(XTCP_HEADROOM);
}

/* Twice the window; in slow start twice that; and never less than for a first window. */
static void sndbuf_want__by_cwnd(struct kunit *test)
{
	struct xtcp_cong c = sb_cong(100 * MSS, 100 * MSS);

	KUNIT_EXPECT_EQ(test, xtcp_sndbuf_want(&c), 2 * 100 * sb_seg());
	c = sb_cong(100 * MSS, 100 * MSS + 1);
	KUNIT_EXPECT_EQ(test, xtcp_sndbuf_want(&c), 4 * 100 * sb_seg());
	c = sb_cong(100 * MSS + 1, 2 * MSS);
	KUNIT_EXPECT_EQ_MSG(test, xtcp_sndbuf_want(&c), 2 * 101 * sb_seg(), "a part is a segment");
	c = sb_cong(MSS, 2 * MSS);
	KUNIT_EXPECT_EQ(test, xtcp_sndbuf_want(&c), 4 * 10 * sb_seg());
	c.sndbuf_cwnds = 3;
	KUNIT_EXPECT_EQ_MSG(test, xtcp_sndbuf_want(&c), 6 * 10 * sb_seg(), "as the algorithm asks");
	c = sb_cong(U32_MAX, U32_MAX);
	KUNIT_EXPECT_GT(test, xtcp_sndbuf_want(&c), (u64)U32_MAX);
}

/* What a buffer of @sndbuf octets becomes. */
static int sb_grow(struct sock *sk, int sndbuf)
{
	lock_sock(sk);
	sk->sk_sndbuf = sndbuf;
	xtcp_sndbuf_grow(sk);
	sndbuf = sk->sk_sndbuf;
	release_sock(sk);
	return sndbuf;
}

static void sndbuf_grow__bounds(struct kunit *test)
{
	struct xtcp_sysctl *ctl;
	struct xtcp_sock *xs;
	long mem[3];
	struct sock *sk;
	int max, want;

	pair_establish(test, A, 836, 486);
	sk = A->sk;
	xs = xtcp_sk(sk);
	ctl = &xs->xn->sysctl;
	max = ctl->wmem[2];
	xs->cong.cwnd = 100 * xs->snd.mss;
	want = xtcp_sndbuf_want(&xs->cong);

	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), want);
	KUNIT_EXPECT_EQ_MSG(test, sb_grow(sk, want + 1), want + 1, "never smaller");
	sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), 20000);
	sk->sk_userlocks &= ~SOCK_SNDBUF_LOCK;
	sk->sk_prot->enter_memory_pressure(sk);
	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), 20000);
	sk->sk_prot->leave_memory_pressure(sk);
	/* No pressure yet, but more in use than is of no concern. */
	memcpy(mem, xtcp_sysctl_mem, sizeof(mem));
	xtcp_sysctl_mem[0] = 0;
	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), 20000);
	memcpy(xtcp_sysctl_mem, mem, sizeof(mem));
	ctl->wmem[2] = 70000;
	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), 70000);
	ctl->wmem[2] = max;
	xs->cong.cwnd = 0x40000000;
	KUNIT_EXPECT_EQ(test, sb_grow(sk, 20000), max);
	pair_close();
}

/* Each acknowledgment of something new asks for the size again, where a writer lacks room. */
static void sndbuf_grow__by_an_acknowledgment(struct kunit *test)
{
	struct xtcp_sock *xs;

	pair_establish(test, A, 836, 486);
	xs = xtcp_sk(A->sk);
	KUNIT_EXPECT_EQ_MSG(test, (u64)A->sk->sk_sndbuf, xtcp_sndbuf_want(&xs->cong),
			    "the handshake asked");
	KUNIT_EXPECT_EQ(test, pair_write(A, 10), 10);
	A->sk->sk_sndbuf = 20000;
	pair_forge_data(test, A, XTCP_ACK, 487, 837, 8192, 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_sndbuf, 20000);
	pair_forge_data(test, A, XTCP_ACK, 487, 842, 8192, 0);
	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_sndbuf, 20000, "nobody waits");
	set_bit(SOCK_NOSPACE, &A->sk->sk_socket->flags);
	pair_forge_data(test, A, XTCP_ACK, 487, 842, 8192, 0);
	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_sndbuf, 20000, "nothing new");
	pair_forge_data(test, A, XTCP_ACK, 487, 847, 8192, 0);
	KUNIT_EXPECT_EQ(test, (u64)A->sk->sk_sndbuf, xtcp_sndbuf_want(&xs->cong));
	pair_sent(A);
	pair_close();
}

/* Without memory everybody hears of it, and this buffer becomes half of what it holds. */
static void sndbuf_shrink__tells_and_halves(struct kunit *test)
{
	struct sock *sk;

	pair_establish(test, A, 836, 486);
	sk = A->sk;
	KUNIT_EXPECT_EQ(test, pair_write(A, 10000), 10000);
	lock_sock(sk);
	sk->sk_sndbuf = 1000000;
	xtcp_sndbuf_shrink(sk);
	KUNIT_EXPECT_TRUE(test, sk_under_memory_pressure(sk));
	KUNIT_EXPECT_EQ(test, sk->sk_sndbuf, max_t(int, sk->sk_wmem_queued / 2, SOCK_MIN_SNDBUF));
	sk->sk_prot->leave_memory_pressure(sk);
	KUNIT_EXPECT_FALSE(test, sk_under_memory_pressure(sk));
	release_sock(sk);
	pair_sent(A);
	pair_close();
}

/*
 * A third of the buffer free, as with TCP (half of what is used); or an eighth, if no more than an
 * eighth waits to be sent.
 */
static void sndbuf_writable__free_and_unsent(struct kunit *test)
{
	static const struct { int sndbuf, used; u32 unsent; bool writable; } cases[] = {
		{ 90000, 0, 0, true }, { 90000, 60000, 60000, true },
		{ 90000, 60001, 60001, false }, { 90000, 60002, 11251, false },
		{ 90000, 60002, 11250, true }, { 90000, 78750, 11250, true },
		{ 90000, 78751, 11250, false }, { 90000, 78751, 0, false },
		{ 90000, 90000, 0, false }, { 90000, 120000, 0, false },
		{ SOCK_MIN_SNDBUF, SOCK_MIN_SNDBUF, 0, false },
		{ SOCK_MIN_SNDBUF, SOCK_MIN_SNDBUF - SOCK_MIN_SNDBUF / 8, 0, true },
		{ 0x7fffffff, 0x70000001, 0, false }, { 0x7fffffff, 0x70000000, 0, true },
		{ 0x7fffffff, 0x70000000, 0x0fffffff, true },
		{ 0x7fffffff, 0x70000000, 0x10000000, false },
	};
	int sndbuf, used, i;
	struct xtcp_sock *xs;
	struct sock *sk;
	u32 end;

	pair_establish(test, A, 836, 486);
	sk = A->sk;
	xs = xtcp_sk(sk);
	lock_sock(sk);
	sndbuf = sk->sk_sndbuf;
	used = sk->sk_wmem_queued;
	end = xs->snd.write_seq;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		sk->sk_sndbuf = cases[i].sndbuf;
		sk->sk_wmem_queued = cases[i].used;
		xs->snd.write_seq = xs->snd.nxt + cases[i].unsent;
		KUNIT_EXPECT_EQ_MSG(test, xtcp_sndbuf_writable(sk), cases[i].writable, "case %d",
				    i);
	}
	sk->sk_sndbuf = sndbuf;
	sk->sk_wmem_queued = used;
	xs->snd.write_seq = end;
	release_sock(sk);
	pair_close();
}

static struct kunit_case sndbuf_cases[] = {
	KUNIT_CASE(sndbuf_want__by_cwnd),
	KUNIT_CASE(sndbuf_grow__bounds),
	KUNIT_CASE(sndbuf_grow__by_an_acknowledgment),
	KUNIT_CASE(sndbuf_shrink__tells_and_halves),
	KUNIT_CASE(sndbuf_writable__free_and_unsent),
	{}
};

static struct kunit_suite sndbuf_suite = {
	.name = "xtcp_sndbuf",
	.test_cases = sndbuf_cases,
};

kunit_test_suite(sndbuf_suite);
