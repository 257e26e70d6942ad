// SPDX-License-Identifier: GPL-2.0
/* KUnit: back-off of the timers, and the deadlines that each event sets (RFC 6298). */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include "../rtxq.h"
#include "../skb_cb.h"
#include "../timer.h"
#include "ksock.h"

static void timer_backoff__doubles_to_the_maximum(struct kunit *test)
{
	u64 want = 300000;
	int i;

	for (i = 0; i < 256; i++) {
		KUNIT_ASSERT_EQ_MSG(test, xtcp_timer_backoff_us(300000, i), (u32)want, "%d", i);
		want = min_t(u64, want * 2, XTCP_RTO_MAX_US);
	}
}

static void timer_backoff__bounded(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(0, 0), (u32)XTCP_RTO_MIN_US);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(1, 0), (u32)XTCP_RTO_MIN_US);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(1, 1), 2 * (u32)XTCP_RTO_MIN_US);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(XTCP_RTO_MIN_US - 1, 0), (u32)XTCP_RTO_MIN_US);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(XTCP_RTO_MIN_US + 1, 0),
			(u32)XTCP_RTO_MIN_US + 1);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(U32_MAX, 0), (u32)XTCP_RTO_MAX_US);
	KUNIT_EXPECT_EQ(test, xtcp_timer_backoff_us(U32_MAX, U8_MAX), (u32)XTCP_RTO_MAX_US);
}

/* -- deadlines; each test plays an established connection that never sends -------- */

static struct xtcp_sock *timer_sock;
static unsigned long timer_started;	/* jiffies at the beginning of the test */

/* The lock must be taken and given back by the thread that runs the test. */
static void timer_begin(struct kunit *test)
{
	struct sock *sk = ksock_open(test, 0);

	timer_sock = xtcp_sk(sk);
	timer_started = jiffies;
	lock_sock(sk);
	timer_sock->snd.mss = 1000;
}

static void timer_end(void)
{
	struct sock *sk = xtcp_to_sk(timer_sock);

	xtcp_timer_stop(sk);
	xtcp_rtxq_purge(sk);
	clear_bit(XTCP_DEFER_TIMER, &timer_sock->deferred);
	release_sock(sk);
	ksock_close(sk);
}

/* @which was armed since the test began for @us later; ticks are rounded. */
static void timer_expect(struct kunit *test, enum xtcp_deadline which, u64 us)
{
	const struct xtcp_timers *t = &timer_sock->timer;
	unsigned long after = usecs_to_jiffies(us), due = xtcp_timers_due(t, which);

	KUNIT_EXPECT_TRUE_MSG(test, xtcp_timers_armed(t, which), "deadline %d", which);
	KUNIT_EXPECT_FALSE_MSG(test, time_after(due, jiffies + after + 1), "deadline %d", which);
	KUNIT_EXPECT_FALSE_MSG(test, time_before(due, timer_started + after - 2),
			       "deadline %d", which);
	KUNIT_EXPECT_TRUE(test, timer_pending(&xtcp_to_sk(timer_sock)->sk_timer));
	KUNIT_EXPECT_FALSE(test, time_after(xtcp_to_sk(timer_sock)->sk_timer.expires,
					    xtcp_timers_due(t, which)));
}

/* @len octets are sent, just now. */
static void timer_out(struct kunit *test, u32 len)
{
	struct sock *sk = xtcp_to_sk(timer_sock);
	struct sk_buff *skb = ksock_segment(test, sk, timer_sock->snd.nxt, len, XTCP_ACK);

	xtcp_cb(skb)->sent_us = timer_sock->now_us;
	timer_sock->snd.nxt += len;
	timer_sock->snd.write_seq = timer_sock->snd.nxt;
	xtcp_rtxq_append(&timer_sock->rtxq, skb);
}

static void timer_something_out(struct kunit *test)
{
	timer_out(test, 10);
}

static void timer_data_sent__arms_once(struct kunit *test)
{
	unsigned long due;

	timer_begin(test);
	timer_something_out(test);
	xtcp_timer_data_sent(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, USEC_PER_SEC);
	due = xtcp_timers_due(&timer_sock->timer, XTCP_DUE_RETRANS);
	msleep(30);
	/* RFC 6298 5.1: a timer that runs goes on. */
	xtcp_timer_data_sent(timer_sock);
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&timer_sock->timer, XTCP_DUE_RETRANS), due);
	timer_end();
}

static void timer_acked__restarts_or_stops(struct kunit *test)
{
	struct sock *sk;

	timer_begin(test);
	sk = xtcp_to_sk(timer_sock);
	timer_something_out(test);
	xtcp_timer_data_sent(timer_sock);
	xtcp_rtt_sample(&timer_sock->rtt, 500000);
	xtcp_timer_acked(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, 1500000);
	xtcp_rtxq_purge(sk);
	xtcp_timer_acked(timer_sock);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_RETRANS));
	KUNIT_EXPECT_TRUE_MSG(test, timer_pending(&xtcp_to_sk(timer_sock)->sk_timer),
			      "clearing touches no kernel timer");
	timer_end();
}

/* An ACK, @ms after what is out was sent: the time-out comes @want ms later. */
static void timer_expect_restart(struct kunit *test, u32 ms, u32 want)
{
	timer_sock->now_us += ms * USEC_PER_MSEC;
	timer_started = jiffies;
	xtcp_timer_acked(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, want * USEC_PER_MSEC);
	timer_sock->now_us -= ms * USEC_PER_MSEC;
}

/* RFC 7765 4: with few segments out, and few to come, from when the first was sent. */
static void timer_acked__restarts_from_the_first_out(struct kunit *test)
{
	struct xtcp_sock *xs;

	timer_begin(test);
	xs = timer_sock;
	xs->snd.wnd = 65000;
	xtcp_rtt_sample(&xs->rtt, 500000);
	timer_out(test, 10);
	timer_out(test, 1000);
	timer_expect_restart(test, 0, 1500);
	timer_expect_restart(test, 600, 900);
	timer_expect_restart(test, 1499, 1);
	timer_expect_restart(test, 1500, 1500);
	timer_expect_restart(test, 5000, 1500);
	/* Two more may follow: four bring three duplicates. */
	xs->snd.write_seq += 1001;
	timer_expect_restart(test, 600, 1500);
	/* But not if the peer's window ends in the first of them. */
	xs->snd.wnd = xs->snd.nxt - xs->snd.una + 1000;
	timer_expect_restart(test, 600, 900);
	xs->snd.wnd = 65000;
	xs->snd.write_seq--;
	timer_expect_restart(test, 600, 900);
	xs->snd.write_seq = xs->snd.nxt;
	/* What is lost is sent again now. */
	xtcp_rtxq_mark_lost(&xs->rtxq, xtcp_rtxq_first(&xs->rtxq), xs->snd.una);
	timer_expect_restart(test, 600, 1500);
	xtcp_rtxq_unmark_lost(&xs->rtxq);
	timer_expect_restart(test, 600, 900);
	/* A super-segment is as many as it is on the wire; its acknowledged part is none. */
	xtcp_rtxq_purge(xtcp_to_sk(xs));
	xs->snd.una = xs->snd.nxt;
	timer_out(test, 3001);
	timer_expect_restart(test, 600, 1500);
	xs->snd.una += 1;
	timer_expect_restart(test, 600, 900);
	timer_end();
}

static void timer_restart__table(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, 100000, 0), 200000U);
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, 100000, 3), 200000U);
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, 100000, 4), 300000U);
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, 299999, 1), 1U);
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, 300000, 1), 300000U);
	KUNIT_EXPECT_EQ(test, xtcp_timer_restart_us(300000, U32_MAX, 1), 300000U);
}

static void timer_data_sent__with_backoff(struct kunit *test)
{
	int i;

	timer_begin(test);
	timer_something_out(test);
	for (i = 0; i < 3; i++)
		xtcp_rtt_backoff(&timer_sock->rtt);
	xtcp_timer_data_sent(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, 8 * USEC_PER_SEC);
	for (i = 0; i < 100; i++)
		xtcp_rtt_backoff(&timer_sock->rtt);
	xtcp_timer_acked(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, XTCP_RTO_MAX_US);
	timer_end();
}

/* RFC 5482: what is left of the user's time is the time-out if it is shorter. */
static void timer_data_sent__within_user_timeout(struct kunit *test)
{
	timer_begin(test);
	timer_something_out(test);
	timer_sock->user_timeout = 700;
	timer_sock->recovery.start = (jiffies - msecs_to_jiffies(500)) ?: 1;
	xtcp_timer_data_sent(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, 200000);
	timer_sock->recovery.start = (jiffies - msecs_to_jiffies(5000)) ?: 1;
	xtcp_timer_acked(timer_sock);
	timer_expect(test, XTCP_DUE_RETRANS, USEC_PER_MSEC);
	timer_end();
}

static void timer_window__probe_and_retransmission_exclude(struct kunit *test)
{
	unsigned long due;

	timer_begin(test);
	xtcp_rtt_backoff(&timer_sock->rtt);
	xtcp_timer_window_closed(timer_sock);
	timer_expect(test, XTCP_DUE_PROBE, 2 * USEC_PER_SEC);
	due = xtcp_timers_due(&timer_sock->timer, XTCP_DUE_PROBE);
	xtcp_rtt_backoff(&timer_sock->rtt);
	xtcp_timer_window_closed(timer_sock);
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&timer_sock->timer, XTCP_DUE_PROBE), due);
	timer_something_out(test);
	xtcp_timer_data_sent(timer_sock);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_PROBE));
	KUNIT_EXPECT_TRUE(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_RETRANS));
	timer_end();
}

static void timer_window_moved__ends_probing(struct kunit *test)
{
	struct sock *sk;

	timer_begin(test);
	sk = xtcp_to_sk(timer_sock);
	xtcp_rtt_backoff(&timer_sock->rtt);
	xtcp_timer_window_closed(timer_sock);
	timer_sock->snd.wnd = 0;
	xtcp_timer_window_moved(sk);
	KUNIT_EXPECT_TRUE_MSG(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_PROBE),
			      "still closed");
	KUNIT_EXPECT_EQ(test, timer_sock->rtt.backoff, 1);
	timer_sock->snd.wnd = 1000;
	xtcp_timer_window_moved(sk);
	KUNIT_EXPECT_FALSE(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_PROBE));
	KUNIT_EXPECT_EQ(test, timer_sock->rtt.backoff, 0);
	timer_end();
}

static void timer_ack_owed__earliest_wins(struct kunit *test)
{
	unsigned long now;

	timer_begin(test);
	now = jiffies;
	xtcp_timer_ack_owed(timer_sock, now + 100);
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&timer_sock->timer, XTCP_DUE_DELACK), now + 100);
	xtcp_timer_ack_owed(timer_sock, now + 200);
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&timer_sock->timer, XTCP_DUE_DELACK), now + 100);
	xtcp_timer_ack_owed(timer_sock, now + 50);
	KUNIT_EXPECT_EQ(test, xtcp_timers_due(&timer_sock->timer, XTCP_DUE_DELACK), now + 50);
	KUNIT_EXPECT_FALSE(test, time_after(xtcp_to_sk(timer_sock)->sk_timer.expires, now + 50));
	timer_end();
}

/* The kernel timer follows the earliest deadline, and holds one reference, no more. */
static void timer_wheel__one_reference(struct kunit *test)
{
	struct sock *sk;
	unsigned int refs;

	timer_begin(test);
	sk = xtcp_to_sk(timer_sock);
	refs = refcount_read(&sk->sk_refcnt);
	xtcp_timer_ack_owed(timer_sock, jiffies + 1000);
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs + 1);
	xtcp_timer_window_closed(timer_sock);
	timer_something_out(test);
	xtcp_timer_data_sent(timer_sock);
	xtcp_timer_fin_wait2(timer_sock, 5000);
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs + 1);
	xtcp_timer_stop(sk);
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs);
	KUNIT_EXPECT_EQ(test, timer_sock->timer.armed, 0);
	KUNIT_EXPECT_FALSE(test, timer_pending(&xtcp_to_sk(timer_sock)->sk_timer));
	timer_end();
}

/* A deadline that finds the user holding the socket is left for release_cb. */
static void timer_expiry__deferred_while_owned(struct kunit *test)
{
	struct sock *sk;
	unsigned int refs, waited;

	timer_begin(test);
	sk = xtcp_to_sk(timer_sock);
	refs = refcount_read(&sk->sk_refcnt);
	xtcp_timer_ack_owed(timer_sock, jiffies);
	for (waited = 0; waited < 200 && timer_pending(&xtcp_to_sk(timer_sock)->sk_timer); waited++)
		msleep(20);
	/* It has left the wheel before it runs. */
	msleep(20);
	KUNIT_EXPECT_TRUE(test, test_bit(XTCP_DEFER_TIMER, &timer_sock->deferred));
	KUNIT_EXPECT_TRUE_MSG(test, xtcp_timers_armed(&timer_sock->timer, XTCP_DUE_DELACK),
			      "served by nobody yet");
	KUNIT_EXPECT_EQ(test, refcount_read(&sk->sk_refcnt), refs);
	timer_end();
}

/* The figures that people know from tcp_retries2 and tcp_orphan_retries. */
static void timer_limit__known_figures(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, xtcp_timer_limit_us(0), 200000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_timer_limit_us(3), 3000000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_timer_limit_us(8), 102200000ULL);
	KUNIT_EXPECT_EQ(test, xtcp_timer_limit_us(15), 924600000ULL);
	/* No sum overflows. */
	KUNIT_EXPECT_EQ(test, xtcp_timer_limit_us(255), 204600000ULL + 246 * 120000000ULL);
}

static struct kunit_case timer_backoff_cases[] = {
	KUNIT_CASE(timer_backoff__doubles_to_the_maximum),
	KUNIT_CASE(timer_backoff__bounded),
	KUNIT_CASE(timer_limit__known_figures),
	KUNIT_CASE(timer_restart__table),
	{}
};

static struct kunit_suite timer_backoff_suite = {
	.name = "xtcp_timer_backoff",
	.test_cases = timer_backoff_cases,
};

static struct kunit_case timer_cases[] = {
	KUNIT_CASE(timer_data_sent__arms_once),
	KUNIT_CASE(timer_acked__restarts_or_stops),
	KUNIT_CASE(timer_acked__restarts_from_the_first_out),
	KUNIT_CASE(timer_data_sent__with_backoff),
	KUNIT_CASE(timer_data_sent__within_user_timeout),
	KUNIT_CASE(timer_window__probe_and_retransmission_exclude),
	KUNIT_CASE(timer_window_moved__ends_probing),
	KUNIT_CASE(timer_ack_owed__earliest_wins),
	KUNIT_CASE(timer_wheel__one_reference),
	KUNIT_CASE(timer_expiry__deferred_while_owned),
	{}
};

static struct kunit_suite timer_suite = {
	.name = "xtcp_timer",
	.test_cases = timer_cases,
};

kunit_test_suites(&timer_backoff_suite, &timer_suite);
