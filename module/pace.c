// SPDX-License-Identifier: GPL-2.0
/*
 * Pacing: segments leave at a rate and not in bursts, with the fq qdisc or by a timer here.
 *
 * fq reads sk_pacing_rate by itself. Without it each transmission sets the time of the next
 * and an hrtimer pushes then: always where pacing is asked for (by the congestion control or
 * SO_MAX_PACING_RATE), and with net.xtcp.pacing behind the initial window on every path long
 * enough for bursts to hurt. It runs in softirq, so it may take the socket as a timer does.
 */
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "cong.h"
#include "compat/compat.h"
#include "output.h"
#include "pace.h"
#include "rtt.h"
#include "xtcp_sock.h"

/* Paths shorter than this are paced only where it is asked for. */
#define XTCP_PACE_PATH_US	1000
/* Each of these many microseconds of path halves what a burst may have beyond its rate. */
#define XTCP_PACE_SHORT_US	512

struct xtcp_pace_timer {
	struct hrtimer hr;
	struct sock *sk;
};

u64 xtcp_pace_gap_ns(u32 len, u64 rate, u64 late_ns)
{
	u64 ns = div64_u64((u64)len * NSEC_PER_SEC, max(rate, 1ULL));

	return ns - min(late_ns, ns / 2);
}

/* Is it ours to keep the rate? */
static bool pace_by_timer(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	/* Pairs with fq, which announces itself by a release. */
	switch (smp_load_acquire(&sk->sk_pacing_status)) {
	case SK_PACING_FQ:
		return false;
	case SK_PACING_NEEDED:
		return true;
	default:
		/* A burst that lasts longer than the path has no time to queue. */
		return xs->rtt.min_us != U32_MAX && xs->rtt.min_us >= XTCP_PACE_PATH_US &&
		       xs->data_segs_out >= XTCP_INIT_CWND_SEGS &&
		       READ_ONCE(xs->xn->sysctl.pacing);
	}
}

static enum hrtimer_restart pace_expire(struct hrtimer *timer)
{
	struct sock *sk = container_of(timer, struct xtcp_pace_timer, hr)->sk;
	struct xtcp_sock *xs = xtcp_sk(sk);

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk))
		xtcp_pace_push(sk);
	else
		set_bit(XTCP_DEFER_PACE, &xs->deferred);
	bh_unlock_sock(sk);
	xtcp_wheel_expired(xs->xn);
	sock_put(sk);
	/* What the push started again stays queued. */
	return HRTIMER_NORESTART;
}

static struct xtcp_pace_timer *pace_timer_new(struct sock *sk)
{
	struct xtcp_pace_timer *t = kmalloc(sizeof(*t), GFP_ATOMIC | __GFP_NOWARN | __GFP_ACCOUNT);

	if (!t)
		return NULL;
	t->sk = sk;
	xtcp_hrtimer_setup(&t->hr, pace_expire, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_SOFT);
	return t;
}

static bool pace_is_queued(const struct xtcp_pace *p)
{
	return p->timer && hrtimer_is_queued(&p->timer->hr);
}

/* The timer is not queued: let it run out at @when. False: no memory for one. */
static bool pace_start(struct xtcp_sock *xs, ktime_t when)
{
	struct xtcp_pace_timer *t = xs->pace.timer ?: pace_timer_new(xtcp_to_sk(xs));

	xs->pace.timer = t;
	if (!t)
		return false;
	XTCP_INC(xs->xn, TIMERSTARTED);
	sock_hold(t->sk);
	hrtimer_start(&t->hr, when, HRTIMER_MODE_ABS_PINNED_SOFT);
	return true;
}

bool xtcp_pace_hold(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_pace *p = &xs->pace;

	sock_owned_by_me(sk);
	if (likely(!pace_by_timer(sk)) || p->next_ns <= ktime_get_ns())
		return false;
	return pace_is_queued(p) || pace_start(xs, ns_to_ktime(p->next_ns));
}

bool xtcp_pace_later(struct sock *sk, u32 us)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	return pace_is_queued(&xs->pace) || pace_start(xs, ktime_add_us(ktime_get(), us));
}

void xtcp_pace_sent(struct sock *sk, u32 len)
{
	struct xtcp_pace *p = &xtcp_sk(sk)->pace;
	unsigned long rate;
	u64 now;

	if (likely(!pace_by_timer(sk)))
		return;
	rate = READ_ONCE(sk->sk_pacing_rate);
	if (rate == ~0UL)
		return;
	now = ktime_get_ns();
	if (p->next_ns < now)
		p->next_ns = now + xtcp_pace_gap_ns(len, rate, p->next_ns ? now - p->next_ns : 0);
	else
		p->next_ns += xtcp_pace_gap_ns(len, rate, 0);
}

void xtcp_pace_update(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_cong *c = &xs->cong;
	u64 rate = c->pacing_rate;
	u32 window;
	int percent;

	sock_owned_by_me(sk);
	if ((c->ops->flags & XTCP_CONG_PACED) && sk->sk_pacing_status == SK_PACING_NONE)
		/* fq may announce itself at this moment. */
		cmpxchg(&sk->sk_pacing_status, SK_PACING_NONE, SK_PACING_NEEDED);
	if (!rate) {
		if (!xs->rtt.srtt_us)
			return;
		/* The peer's window may be all that goes out in a round trip; then nothing doubles. */
		window = min(max(c->cwnd, xs->snd.nxt - xs->snd.una), xs->snd.wnd);
		percent = window == xs->snd.wnd || c->cwnd >= c->ssthresh / 2 ?
			  READ_ONCE(xs->xn->sysctl.pacing_ca_ratio) :
			  READ_ONCE(xs->xn->sysctl.pacing_ss_ratio);
		rate = (u64)max(window, c->mss) * percent;
		rate = div_u64(rate * (8 * USEC_PER_SEC / 100), xs->rtt.srtt_us);
	}
	WRITE_ONCE(sk->sk_pacing_rate,
		   min_t(u64, rate, READ_ONCE(sk->sk_max_pacing_rate)));
}

u32 xtcp_pace_burst(const struct sock *sk, u32 goal)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	unsigned long rate = READ_ONCE(sk->sk_pacing_rate);
	u64 octets = rate >> READ_ONCE(sk->sk_pacing_shift);
	u32 mss = xs->snd.mss, halvings = xs->rtt.min_us / XTCP_PACE_SHORT_US;

	if (rate == ~0UL)
		return goal;
	if (halvings < 16)
		octets += goal >> halvings;
	octets = max_t(u64, octets, (u64)max_t(u8, xs->cong.burst_segs, 1) * mss);
	if (octets >= goal)
		return goal;
	return max((u32)octets / mss, 1U) * mss;
}

void xtcp_pace_push(struct sock *sk)
{
	xtcp_clock_refresh(xtcp_sk(sk));
	xtcp_output_push(sk);
}

void xtcp_pace_init(struct sock *sk)
{
	memset(&xtcp_sk(sk)->pace, 0, sizeof(xtcp_sk(sk)->pace));
}

void xtcp_pace_free(struct sock *sk)
{
	kfree(xtcp_sk(sk)->pace.timer);
}

void xtcp_pace_forget(struct sock *sk)
{
	xtcp_sk(sk)->pace.next_ns = 0;
	WRITE_ONCE(sk->sk_pacing_rate, READ_ONCE(sk->sk_max_pacing_rate));
}

void xtcp_pace_stop(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->pace.timer || hrtimer_try_to_cancel(&xs->pace.timer->hr) != 1)
		return;
	xtcp_wheel_expired(xs->xn);
	__sock_put(sk);
}
