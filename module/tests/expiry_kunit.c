// SPDX-License-Identifier: GPL-2.0
/* KUnit: what happens when a deadline is due, and how often (RFC 6298 5, RFC 9293 3.8.3). */
#include <kunit/test.h>
#include <linux/jiffies.h>
#include "../close.h"
#include "../recovery.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define ISS	836U
#define IRS	486U
#define UNA	(ISS + 1)
#define NXT	(IRS + 1)

#define RTO	(10 * USEC_PER_SEC)

/* When what is tested began: deadlines are counted from then on. */
static unsigned long ex_since;

static struct xtcp_sock *ex_begin(struct kunit *test)
{
	pair_establish(test, A, ISS, IRS);
	/* A known time instead of the handshake's, longer than a test takes. */
	xtcp_rtt_init(&xtcp_sk(A->sk)->rtt);
	xtcp_sk(A->sk)->rtt.rto_us = RTO;
	ex_since = jiffies;
	return xtcp_sk(A->sk);
}

static void ex_write(struct kunit *test, u32 len)
{
	ex_since = jiffies;
	KUNIT_EXPECT_EQ(test, pair_write(A, len), (int)len);
}

/* @which is due, now. */
static void ex_expire(struct kunit *test, enum xtcp_deadline which)
{
	struct xtcp_sock *xs = xtcp_sk(A->sk);

	lock_sock(A->sk);
	KUNIT_EXPECT_TRUE_MSG(test, xtcp_timers_armed(&xs->timer, which), "deadline %d", which);
	ex_since = jiffies;
	xs->timer.due[which] = ex_since;
	xtcp_timer_deferred(A->sk);
	release_sock(A->sk);
}

/* @which was armed, since ex_since, for @us later; ticks are rounded. */
static void ex_armed(struct kunit *test, enum xtcp_deadline which, u64 us)
{
	const struct xtcp_timers *t = &xtcp_sk(A->sk)->timer;
	unsigned long after = nsecs_to_jiffies(us * NSEC_PER_USEC), due = xtcp_timers_due(t, which);

	KUNIT_EXPECT_TRUE_MSG(test, xtcp_timers_armed(t, which), "deadline %d", which);
	KUNIT_EXPECT_FALSE_MSG(test, time_before(due + 1, ex_since + after), "deadline %d", which);
	KUNIT_EXPECT_FALSE_MSG(test, time_after(due, jiffies + after + 1), "deadline %d", which);
}

/* 5.5, 5.6: each expiry sends the first segment again and doubles, up to two minutes. */
static void expiry_retrans__doubles(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);
	u64 rto = RTO;
	int i;

	ex_write(test, 100);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 100U);
	ex_armed(test, XTCP_DUE_RETRANS, rto);
	for (i = 1; i <= 10; i++) {
		ex_expire(test, XTCP_DUE_RETRANS);
		KUNIT_EXPECT_EQ_MSG(test, pair_sent(A), 100U, "expiry %d", i);
		rto = min_t(u64, 2 * rto, XTCP_RTO_MAX_US);
		ex_armed(test, XTCP_DUE_RETRANS, rto);
		KUNIT_EXPECT_EQ(test, xs->rtt.backoff, i);
		KUNIT_EXPECT_EQ(test, xs->recovery.retransmits, i);
		KUNIT_EXPECT_EQ(test, xs->total_retrans, (u32)i);
	}
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, xs->cong.state, (u8)XTCP_CA_LOSS);
	/* Nothing left, nothing sent: an expiry that was under way finds the queue empty. */
	pair_forge(test, A, XTCP_ACK, NXT, UNA + 100);
	lock_sock(A->sk);
	xs->timer.armed |= 1 << XTCP_DUE_RETRANS;
	release_sock(A->sk);
	ex_expire(test, XTCP_DUE_RETRANS);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, xs->recovery.retransmits, 0);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_RETRANS));
	pair_close();
}

/* A time-out that happens @us after the first transmission. */
static void ex_silent_for(struct kunit *test, struct xtcp_sock *xs, u64 us)
{
	xs->recovery.start = (jiffies - nsecs_to_jiffies(us * NSEC_PER_USEC)) ?: 1;
	ex_expire(test, XTCP_DUE_RETRANS);
}

/* R2 is the time that tcp_retries2 expiries take, 924.6 s (SHLD-10, MUST-20). */
static void expiry_retrans__gives_up(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	xs->xn->sysctl.retries2 = 15;
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_RETRANS);
	ex_silent_for(test, xs, 900000000);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	ex_silent_for(test, xs, 925000000);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&xs->rtxq));
	KUNIT_EXPECT_FALSE(test, timer_pending(&xtcp_to_sk(xs)->sk_timer));
	pair_close();
	/* What ICMP said is a better reason. */
	xs = ex_begin(test);
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_RETRANS);
	A->sk->sk_err_soft = EHOSTUNREACH;
	ex_silent_for(test, xs, 925000000);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, EHOSTUNREACH);
	pair_close();
}

/* RFC 5482: the user's time instead of R2, both ways. */
static void expiry_retrans__user_timeout(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	xs->user_timeout = 100000;
	ex_write(test, 100);
	ex_silent_for(test, xs, 50000000);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	ex_silent_for(test, xs, 101000000);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
	pair_close();
	xs = ex_begin(test);
	xs->user_timeout = 2000000;
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_RETRANS);
	ex_silent_for(test, xs, 1900000000ULL);
	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_state, TCP_ESTABLISHED, "longer than R2");
	pair_close();
}

/* SHLD-17: a peer that answers, but has taken its window back, is not dead. */
static void expiry_retrans__window_taken_back(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_RETRANS);
	xs->snd.wnd = 0;
	xs->rcv.keep_stamp = jiffies;
	ex_silent_for(test, xs, 2000000000ULL);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	/* Now it does not answer any more. */
	xs->rcv.keep_stamp = jiffies - usecs_to_jiffies(XTCP_RTO_MAX_US) - 1;
	ex_silent_for(test, xs, 2000000000ULL);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	pair_close();
}

static int ex_advice;

static void ex_take_advice(struct sock *sk, struct dst_entry *dst)
{
	ex_advice++;
}

/* From R1 on, and not before, IP is asked for another way. */
static void expiry_retrans__advice_from_r1_on(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);
	/* Nobody else has the socket. */
	struct dst_entry *dst = rcu_dereference_protected(A->sk->sk_dst_cache, true);
	struct dst_ops *usual = dst->ops, ops = {
		.family = usual->family, .check = usual->check, .mtu = usual->mtu,
		.cow_metrics = usual->cow_metrics, .negative_advice = ex_take_advice,
	};
	int i;

	ex_advice = 0;
	dst->ops = &ops;
	xs->xn->sysctl.retries1 = 3;
	ex_write(test, 100);
	for (i = 0; i < 3; i++) {
		ex_expire(test, XTCP_DUE_RETRANS);
		KUNIT_EXPECT_EQ_MSG(test, ex_advice, 0, "expiry %d", i);
	}
	for (i = 1; i < 4; i++) {
		ex_expire(test, XTCP_DUE_RETRANS);
		KUNIT_EXPECT_EQ(test, ex_advice, i);
	}
	dst->ops = usual;
	pair_close();
}

/* Each expiry lets the next segment take another path of those that the network has. */
static void expiry_retrans__another_path(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);
	u32 hash;
	int i;

	ex_write(test, 100);
	for (i = 1; i <= 3; i++) {
		hash = A->sk->sk_txhash;
		ex_expire(test, XTCP_DUE_RETRANS);
		KUNIT_EXPECT_NE(test, A->sk->sk_txhash, hash);
		KUNIT_EXPECT_EQ(test, xs->rehash, (u32)i);
	}
	/* net.core.txrehash says no. */
	A->sk->sk_txrehash = SOCK_TXREHASH_DISABLED;
	hash = A->sk->sk_txhash;
	ex_expire(test, XTCP_DUE_RETRANS);
	KUNIT_EXPECT_EQ(test, A->sk->sk_txhash, hash);
	KUNIT_EXPECT_EQ(test, xs->rehash, 3U);
	pair_close();
}

/* Expiries, recoveries from them and their time, which stands still when one is over. */
static void expiry_retrans__what_they_cost(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);
	struct xtcp_rto_count *rto = &xs->recovery.rto;

	ex_write(test, 100);
	KUNIT_EXPECT_EQ(test, rto->expiries, 0);
	ex_expire(test, XTCP_DUE_RETRANS);
	KUNIT_EXPECT_TRUE(test, rto->on);
	KUNIT_EXPECT_EQ(test, rto->since_ms, xs->now_ms);
	KUNIT_EXPECT_EQ(test, xtcp_recovery_rto_time_ms(rto, rto->since_ms + 70), 70U);
	ex_expire(test, XTCP_DUE_RETRANS);
	KUNIT_EXPECT_EQ(test, rto->expiries, 2);
	KUNIT_EXPECT_EQ(test, rto->recoveries, 1);
	rto->since_ms -= 500;
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA + 100, 8192, 0);
	KUNIT_EXPECT_EQ(test, xs->cong.state, (u8)XTCP_CA_OPEN);
	KUNIT_EXPECT_FALSE(test, rto->on);
	KUNIT_EXPECT_GE(test, rto->time_ms, 500U);
	KUNIT_EXPECT_EQ(test, xtcp_recovery_rto_time_ms(rto, rto->since_ms + 90000), rto->time_ms);
	/* The next one is another recovery, and the counts do not wrap. */
	rto->expiries = U16_MAX;
	xtcp_rtt_init(&xs->rtt);
	xs->rtt.rto_us = RTO;
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_RETRANS);
	KUNIT_EXPECT_EQ(test, rto->expiries, U16_MAX);
	KUNIT_EXPECT_EQ(test, rto->recoveries, 2);
	pair_close();
}

/* A SYN goes out tcp_syn_retries times more, or as often as TCP_SYNCNT says. */
static void expiry_retrans__syn(struct kunit *test)
{
	static const u8 counts[] = { 0, 2 };
	int i, j;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct xtcp_sock *xs;
		int most;

		pair_open(test, A, ISS, 0x7f000001, 0x7f000002);
		xs = xtcp_sk(A->sk);
		xs->syn_cnt = counts[i];
		most = counts[i] ?: xs->xn->sysctl.syn_retries;
		pair_send_syn(A);
		kfree_skb(pair_take(test, A, XTCP_SYN, ISS, 0, 0));
		lock_sock(A->sk);
		xs->rtt.rto_us = RTO;
		ex_since = jiffies;
		xtcp_timer_data_sent(xs);
		release_sock(A->sk);
		ex_armed(test, XTCP_DUE_RETRANS, RTO);
		for (j = 0; j < most; j++) {
			ex_expire(test, XTCP_DUE_RETRANS);
			kfree_skb(pair_take(test, A, XTCP_SYN, ISS, 0, 0));
			ex_armed(test, XTCP_DUE_RETRANS, min_t(u64, 2ULL * RTO << j,
							      XTCP_RTO_MAX_US));
		}
		KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_SYN_SENT);
		ex_expire(test, XTCP_DUE_RETRANS);
		KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
		pair_silent(test, A);
		pair_close();
	}
}

/* 3.8.6.1: probes as seldom as retransmissions, for ever while they are answered. */
static void expiry_probe__doubles_and_gives_up(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);
	u64 rto = RTO;
	int i;

	xs->xn->sysctl.retries2 = 15;
	xs->snd.wnd = 0;
	ex_write(test, 100);
	pair_silent(test, A);
	ex_armed(test, XTCP_DUE_PROBE, rto);
	for (i = 0; i < 15; i++) {
		ex_expire(test, XTCP_DUE_PROBE);
		kfree_skb(pair_take(test, A, XTCP_ACK, UNA - 1, NXT, 0));
		rto = min_t(u64, 2 * rto, XTCP_RTO_MAX_US);
		ex_armed(test, XTCP_DUE_PROBE, rto);
		KUNIT_EXPECT_EQ(test, xs->timer.probes, i + 1);
	}
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	ex_expire(test, XTCP_DUE_PROBE);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
	pair_close();
}

/* A window that opens: the time without progress is over, and so is the back-off. */
static void expiry_probe__window_opens(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	xs->snd.wnd = 0;
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_PROBE);
	pair_sent(A);
	KUNIT_EXPECT_NE(test, xs->recovery.start, 0UL);
	lock_sock(A->sk);
	xs->snd.wnd = 5000;
	xtcp_timer_window_moved(A->sk);
	KUNIT_EXPECT_EQ(test, xs->recovery.start, 0UL);
	KUNIT_EXPECT_EQ(test, xs->rtt.backoff, 0);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE));
	release_sock(A->sk);
	pair_close();
	/* One that opens without a word (the update was lost): the probe carries data. */
	xs = ex_begin(test);
	xs->snd.wnd = 0;
	ex_write(test, 100);
	xs->snd.wnd = 30;
	ex_expire(test, XTCP_DUE_PROBE);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 30U);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE));
	KUNIT_EXPECT_TRUE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_RETRANS));
	pair_close();
}

/* TCP_USER_TIMEOUT counts for a window that stays closed, too. */
static void expiry_probe__user_timeout(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	xs->user_timeout = 100000;
	xs->snd.wnd = 0;
	ex_write(test, 100);
	ex_expire(test, XTCP_DUE_PROBE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	xs->recovery.start = (jiffies - msecs_to_jiffies(101000)) ?: 1;
	ex_expire(test, XTCP_DUE_PROBE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
	pair_close();
}

/* Only what cannot be learned from an answer on its way is tried again by time. */
static void expiry_send_failed__only_with_nothing_out(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	lock_sock(A->sk);
	xtcp_timer_send_failed(xs);
	ex_armed(test, XTCP_DUE_PROBE, 200000);
	xtcp_timer_stop(A->sk);
	release_sock(A->sk);
	ex_write(test, 100);
	lock_sock(A->sk);
	xtcp_timer_send_failed(xs);
	release_sock(A->sk);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE));
	pair_close();
}

/* The ACK that was owed goes, and the next one waits longer. */
static void expiry_delack__sends_what_is_owed(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	pair_slow_acks(A);
	pair_forge_data(test, A, XTCP_ACK, NXT, UNA, 8192, 10);
	pair_silent(test, A);
	/* Its time is short: none of it outside the lock. */
	lock_sock(A->sk);
	ex_since = jiffies;
	xtcp_delack_check(A->sk);
	ex_armed(test, XTCP_DUE_DELACK, jiffies_to_usecs(XTCP_ATO_MIN));
	xs->timer.due[XTCP_DUE_DELACK] = jiffies;
	xtcp_timer_deferred(A->sk);
	release_sock(A->sk);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA, NXT + 10, 0));
	KUNIT_EXPECT_GT(test, xs->rcv.ato, (u32)XTCP_ATO_MIN);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_DELACK));
	/* Nothing is owed any more. */
	lock_sock(A->sk);
	xtcp_timer_ack_owed(xs, jiffies);
	xtcp_timer_deferred(A->sk);
	release_sock(A->sk);
	pair_silent(test, A);
	pair_close();
}

/* -- keepalive (3.8.4) --------------------------------------------------------- */

/* A connection that has been idle for @idle seconds, with its own three numbers. */
static struct xtcp_sock *ex_keepalive(struct kunit *test, unsigned int idle)
{
	struct xtcp_sock *xs = ex_begin(test);

	xs->keep_idle = 100 * HZ;
	xs->keep_intvl = 10 * HZ;
	xs->keep_cnt = 3;
	ex_since = jiffies;
	xs->rcv.keep_stamp = ex_since - idle * HZ;
	sock_set_flag(A->sk, SOCK_KEEPOPEN);
	lock_sock(A->sk);
	xtcp_timer_keepalive_changed(A->sk);
	release_sock(A->sk);
	return xs;
}

static void expiry_keepalive__probes_and_gives_up(struct kunit *test)
{
	struct xtcp_sock *xs = ex_keepalive(test, 30);
	int i;

	ex_armed(test, XTCP_DUE_KEEPALIVE, 70 * USEC_PER_SEC);
	/* Too early: the rest of the time. */
	xs->timer.probes = 2;
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	pair_silent(test, A);
	KUNIT_EXPECT_TRUE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_KEEPALIVE));
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&xs->timer, XTCP_DUE_KEEPALIVE),
			xs->rcv.keep_stamp + 100 * HZ);
	KUNIT_EXPECT_EQ_MSG(test, xs->timer.probes, 0, "something came since");
	xs->rcv.keep_stamp = jiffies - 100 * HZ;
	for (i = 0; i < 3; i++) {
		ex_expire(test, XTCP_DUE_KEEPALIVE);
		kfree_skb(pair_take(test, A, XTCP_ACK, UNA - 1, NXT, 0));
		ex_armed(test, XTCP_DUE_KEEPALIVE, 10 * USEC_PER_SEC);
		KUNIT_EXPECT_EQ(test, xs->timer.probes, i + 1);
	}
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	kfree_skb(pair_take(test, A, XTCP_RST | XTCP_ACK, UNA, NXT, 0));
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ETIMEDOUT);
	pair_silent(test, A);
	pair_close();
}

/* Without numbers of its own the connection has the namespace's. */
static void expiry_keepalive__numbers_of_the_namespace(struct kunit *test)
{
	struct xtcp_sock *xs = ex_keepalive(test, 0);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;

	xs->keep_idle = 0;
	xs->keep_intvl = 0;
	lock_sock(A->sk);
	ex_since = jiffies;
	xs->rcv.keep_stamp = jiffies;
	xtcp_timer_keepalive_changed(A->sk);
	release_sock(A->sk);
	ex_armed(test, XTCP_DUE_KEEPALIVE, (u64)jiffies_to_msecs(ctl->keepalive_time) * 1000);
	xs->rcv.keep_stamp = jiffies - ctl->keepalive_time;
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	kfree_skb(pair_take(test, A, XTCP_ACK, UNA - 1, NXT, 0));
	ex_armed(test, XTCP_DUE_KEEPALIVE, (u64)jiffies_to_msecs(ctl->keepalive_intvl) * 1000);
	pair_close();
}

/* Data that is out, or waits, has its own timers: MUST-26, only when idle. */
static void expiry_keepalive__not_while_data_is_out(struct kunit *test)
{
	struct xtcp_sock *xs = ex_keepalive(test, 200);

	ex_armed(test, XTCP_DUE_KEEPALIVE, 0);
	ex_write(test, 10);
	KUNIT_EXPECT_EQ(test, pair_sent(A), 10U);
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	pair_silent(test, A);
	ex_armed(test, XTCP_DUE_KEEPALIVE, 100 * USEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, xs->timer.probes, 0);
	/* Switched off while it ran. */
	sock_reset_flag(A->sk, SOCK_KEEPOPEN);
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_KEEPALIVE));
	pair_close();
	xs = ex_keepalive(test, 10);
	sock_reset_flag(A->sk, SOCK_KEEPOPEN);
	lock_sock(A->sk);
	xtcp_timer_keepalive_changed(A->sk);
	release_sock(A->sk);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_KEEPALIVE));
	pair_close();
}

/* With TCP_USER_TIMEOUT time decides, not the number of probes. */
static void expiry_keepalive__user_timeout(struct kunit *test)
{
	struct xtcp_sock *xs = ex_keepalive(test, 105);
	int i;

	xs->user_timeout = 120000;
	for (i = 0; i < 5; i++) {
		ex_expire(test, XTCP_DUE_KEEPALIVE);
		kfree_skb(pair_take(test, A, XTCP_ACK, UNA - 1, NXT, 0));
	}
	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_state, TCP_ESTABLISHED, "more than three");
	xs->rcv.keep_stamp = jiffies - 121 * HZ;
	ex_expire(test, XTCP_DUE_KEEPALIVE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	pair_close();
}

/* -- several at once ----------------------------------------------------------- */

/* As if the kernel timer had fired, early, for a deadline that has moved. */
static void ex_wheel_fires(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xtcp_wheel_stop(xs->xn, &xtcp_to_sk(xs)->sk_timer))
		sock_put(sk);
	xtcp_timer_deferred(sk);
}

/* The kernel timer is set for the earliest of those that are left. */
static void expiry_run__rearms_for_the_earliest(struct kunit *test)
{
	struct xtcp_sock *xs = ex_keepalive(test, 10);
	unsigned long earliest;

	ex_write(test, 10);
	lock_sock(A->sk);
	xtcp_timer_fin_wait2(xs, 50 * HZ);
	ex_wheel_fires(A->sk);
	earliest = xtcp_timers_due(&xs->timer, XTCP_DUE_RETRANS);
	KUNIT_EXPECT_TRUE(test, timer_pending(&xtcp_to_sk(xs)->sk_timer));
	KUNIT_EXPECT_EQ(test, xtcp_to_sk(xs)->sk_timer.expires, earliest);
	KUNIT_EXPECT_TRUE(test, time_before(earliest,
					    xtcp_timers_due(&xs->timer, XTCP_DUE_FIN_WAIT2)));
	/* The same with the earliest in the last place. */
	xtcp_timer_fin_wait2(xs, 1);
	xs->timer.due[XTCP_DUE_FIN_WAIT2] = earliest - HZ / 4;
	ex_wheel_fires(A->sk);
	KUNIT_EXPECT_EQ(test, xtcp_to_sk(xs)->sk_timer.expires, earliest - HZ / 4);
	release_sock(A->sk);
	pair_close();
}

/* FIN-WAIT-2 has an end only for an orphan. */
static void expiry_fin_wait2__only_orphans(struct kunit *test)
{
	struct xtcp_sock *xs = ex_begin(test);

	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	pair_forge(test, A, XTCP_ACK, NXT, UNA + 1);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_FIN_WAIT2);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&xs->timer, XTCP_DUE_FIN_WAIT2));
	lock_sock(A->sk);
	xtcp_timer_fin_wait2(xs, 5 * HZ);
	release_sock(A->sk);
	ex_expire(test, XTCP_DUE_FIN_WAIT2);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_FIN_WAIT2);
	pair_close();
}

static struct kunit_case ex_cases[] = {
	KUNIT_CASE(expiry_retrans__doubles),
	KUNIT_CASE(expiry_retrans__gives_up),
	KUNIT_CASE(expiry_retrans__user_timeout),
	KUNIT_CASE(expiry_retrans__window_taken_back),
	KUNIT_CASE(expiry_retrans__advice_from_r1_on),
	KUNIT_CASE(expiry_retrans__another_path),
	KUNIT_CASE(expiry_retrans__what_they_cost),
	KUNIT_CASE(expiry_retrans__syn),
	KUNIT_CASE(expiry_probe__doubles_and_gives_up),
	KUNIT_CASE(expiry_probe__window_opens),
	KUNIT_CASE(expiry_probe__user_timeout),
	KUNIT_CASE(expiry_send_failed__only_with_nothing_out),
	KUNIT_CASE(expiry_delack__sends_what_is_owed),
	KUNIT_CASE(expiry_keepalive__probes_and_gives_up),
	KUNIT_CASE(expiry_keepalive__numbers_of_the_namespace),
	KUNIT_CASE(expiry_keepalive__not_while_data_is_out),
	KUNIT_CASE(expiry_keepalive__user_timeout),
	KUNIT_CASE(expiry_run__rearms_for_the_earliest),
	KUNIT_CASE(expiry_fin_wait2__only_orphans),
	{}
};

static struct kunit_suite ex_suite = {
	.name = "xtcp_expiry",
	.test_cases = ex_cases,
};

kunit_test_suite(ex_suite);
