// SPDX-License-Identifier: GPL-2.0
/*
 * One kernel timer for each socket and the deadlines it serves.
 *
 * xtcp_timer_arm() is the only place that starts a socket's timer and
 * xtcp_timer_expire() the only one that it calls. If the user holds the socket, the
 * work waits for release_cb; it needs no reference then, for the user has one.
 */
#include <linux/jiffies.h>
#include <net/sock.h>

#include "close.h"
#include "compat/compat.h"
#include "delack.h"
#include "lower.h"
#include "output.h"
#include "pace.h"
#include "recovery.h"
#include "rtt.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* A segment that found no memory is tried again after this long. */
#define XTCP_RETRY_MEMORY	msecs_to_jiffies(200)
/* What a silent peer may cost an orphan when the sysctl says 0, as in Linux. */
#define XTCP_ORPHAN_RETRIES	8

u32 xtcp_timer_backoff_us(u32 base_us, u8 backoff)
{
	u64 us = max_t(u64, base_us, XTCP_RTO_MIN_US) << min_t(u8, backoff, 32);

	return min_t(u64, us, XTCP_RTO_MAX_US);
}

bool xtcp_wheel_start(struct xtcp_net *xn, struct timer_list *timer, unsigned long when)
{
	if (mod_timer(timer, when))
		return false;
	XTCP_INC(xn, TIMERSTARTED);
	return true;
}

bool xtcp_wheel_stop(struct xtcp_net *xn, struct timer_list *timer)
{
	if (!timer_delete(timer))
		return false;
	xtcp_wheel_expired(xn);
	return true;
}

void xtcp_wheel_expired(struct xtcp_net *xn)
{
	XTCP_INC(xn, TIMERENDED);
}

static void xtcp_timer_arm(struct xtcp_sock *xs, enum xtcp_deadline which, unsigned long when)
{
	struct timer_list *timer = &xtcp_to_sk(xs)->sk_timer;
	struct xtcp_timers *t = &xs->timer;

	t->due[which] = when;
	t->armed |= 1 << which;
	if (timer_pending(timer) && !time_before(when, timer->expires))
		return;
	/*
	 * First the reference: what is due at once may have expired, and given it back, before
	 * the next line. The user of a socket has none beside its life's.
	 */
	sock_hold(xtcp_to_sk(xs));
	if (!xtcp_wheel_start(xs->xn, timer, when))
		__sock_put(xtcp_to_sk(xs));
}

void xtcp_timer_stop(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xs->timer.armed = 0;
	xtcp_pace_stop(sk);
	if (xtcp_wheel_stop(xs->xn, &sk->sk_timer))
		__sock_put(sk);
}

/* -- events ------------------------------------------------------------------- */

static void xtcp_timer_arm_retrans(struct xtcp_sock *xs, u32 us)
{
	/* TCP_USER_TIMEOUT is kept to the tick, not to the next doubling (RFC 5482). */
	if (xs->user_timeout && xs->recovery.start) {
		u32 gone = jiffies_to_msecs(jiffies - xs->recovery.start);
		u32 left = xs->user_timeout > gone ? xs->user_timeout - gone : 1;

		us = min_t(u64, us, (u64)left * USEC_PER_MSEC);
	}
	xtcp_timer_arm(xs, XTCP_DUE_RETRANS, jiffies + max(usecs_to_jiffies(us), 1UL));
}

static void xtcp_timer_arm_rto(struct xtcp_sock *xs)
{
	xtcp_timer_arm_retrans(xs, xtcp_rtt_rto(&xs->rtt));
}

u32 xtcp_timer_restart_us(u32 rto_us, u32 elapsed_us, u32 segs)
{
	if (segs >= XTCP_RESTART_SEGS || elapsed_us >= rto_us)
		return rto_us;
	return rto_us - elapsed_us;
}

/* Segments that are out, or that the peer's window lets go; more than a few are not counted. */
static u32 xtcp_timer_segs(const struct xtcp_sock *xs)
{
	u32 end = xtcp_seq_min(xs->snd.write_seq, xs->snd.una + xs->snd.wnd), segs = 0;
	const struct sk_buff *skb;

	if (xtcp_seq_after(end, xs->snd.nxt))
		segs = DIV_ROUND_UP(end - xs->snd.nxt, xs->snd.mss);
	for (skb = xtcp_rtxq_first(&xs->rtxq); skb && segs < XTCP_RESTART_SEGS;
	     skb = skb_rb_next(skb)) {
		u32 from = xtcp_seq_max(xtcp_cb(skb)->seq, xs->snd.una);

		segs += DIV_ROUND_UP(xtcp_cb(skb)->end_seq - from, xs->snd.mss);
	}
	return segs;
}

/* The time-out counts from an acknowledgment, or from when the first one out was sent. */
static void xtcp_timer_restart_rto(struct xtcp_sock *xs)
{
	const struct sk_buff *first = xtcp_rtxq_first(&xs->rtxq);
	u32 rto = xtcp_rtt_rto(&xs->rtt);

	/* What is believed lost is about to be sent again: its time begins then. */
	if (!xs->rtxq.lost)
		rto = xtcp_timer_restart_us(rto, xs->now_us - xtcp_cb(first)->sent_us,
					    xtcp_timer_segs(xs));
	xtcp_timer_arm_retrans(xs, rto);
}

/* A probe of the tail, at the latest where the time-out would be: it goes on from there. */
static void xtcp_timer_arm_tail(struct xtcp_sock *xs)
{
	unsigned long when, rto;

	xtcp_timer_clear(xs, XTCP_DUE_TAIL);
	if (!xtcp_tlp_wanted(xs))
		return;
	when = jiffies + usecs_to_jiffies(xtcp_tlp_timeout_us(xs->rtt.srtt_us >> 3,
							      xs->snd.nxt - xs->snd.una,
							      xs->snd.mss));
	rto = xtcp_timers_due(&xs->timer, XTCP_DUE_RETRANS);
	if (time_after(when, rto))
		when = rto;
	xtcp_timer_arm(xs, XTCP_DUE_TAIL, when);
}

void xtcp_timer_data_sent(struct xtcp_sock *xs)
{
	xtcp_timer_clear(xs, XTCP_DUE_PROBE);
	if (!xtcp_timers_armed(&xs->timer, XTCP_DUE_RETRANS))
		xtcp_timer_arm_rto(xs);
	xtcp_timer_arm_tail(xs);
}

void xtcp_timer_first_resent(struct xtcp_sock *xs)
{
	xtcp_timer_clear(xs, XTCP_DUE_PROBE);
	xtcp_timer_arm_rto(xs);
	xtcp_timer_arm_tail(xs);
}

void xtcp_timer_acked(struct xtcp_sock *xs)
{
	xtcp_timer_clear(xs, XTCP_DUE_TAIL);
	if (xtcp_rtxq_empty(&xs->rtxq)) {
		xtcp_timer_clear(xs, XTCP_DUE_RETRANS);
		return;
	}
	xtcp_timer_restart_rto(xs);
	xtcp_timer_arm_tail(xs);
}

void xtcp_timer_reorder(struct xtcp_sock *xs, u32 us)
{
	xtcp_timer_arm(xs, XTCP_DUE_REORDER, jiffies + max(usecs_to_jiffies(us), 1UL));
}

void xtcp_timer_window_closed(struct xtcp_sock *xs)
{
	if (xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE))
		return;
	xtcp_timer_arm(xs, XTCP_DUE_PROBE,
		       jiffies + usecs_to_jiffies(xtcp_timer_backoff_us(xs->rtt.rto_us,
									xs->rtt.backoff)));
}

void xtcp_timer_window_moved(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->snd.wnd || !xtcp_timers_armed(&xs->timer, XTCP_DUE_PROBE))
		return;
	xs->rtt.backoff = 0;
	xs->recovery.start = 0;
	xtcp_timer_clear(xs, XTCP_DUE_PROBE);
}

void xtcp_timer_send_failed(struct xtcp_sock *xs)
{
	/* What is out will bring an ACK or a time-out that pushes again. */
	if (xtcp_rtxq_empty(&xs->rtxq))
		xtcp_timer_arm(xs, XTCP_DUE_PROBE, jiffies + XTCP_RETRY_MEMORY);
}

void xtcp_timer_ack_owed(struct xtcp_sock *xs, unsigned long when)
{
	if (xtcp_timers_armed(&xs->timer, XTCP_DUE_DELACK) &&
	    !time_before(when, xtcp_timers_due(&xs->timer, XTCP_DUE_DELACK)))
		return;
	xtcp_timer_arm(xs, XTCP_DUE_DELACK, when);
}

void xtcp_timer_ack_failed(struct xtcp_sock *xs)
{
	xs->rcv.ack |= XTCP_ACK_DELAYED;
	xtcp_timer_arm(xs, XTCP_DUE_DELACK, jiffies + XTCP_RETRY_MEMORY);
}

static unsigned long xtcp_keep_idle(const struct xtcp_sock *xs)
{
	return xs->keep_idle ?: READ_ONCE(xs->xn->sysctl.keepalive_time);
}

static unsigned long xtcp_keep_intvl(const struct xtcp_sock *xs)
{
	return xs->keep_intvl ?: READ_ONCE(xs->xn->sysctl.keepalive_intvl);
}

void xtcp_timer_keepalive_changed(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	unsigned long idle = jiffies - xs->rcv.keep_stamp, limit = xtcp_keep_idle(xs);

	if (!sock_flag(sk, SOCK_KEEPOPEN) ||
	    ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT))) {
		xtcp_timer_clear(xs, XTCP_DUE_KEEPALIVE);
		return;
	}
	xtcp_timer_arm(xs, XTCP_DUE_KEEPALIVE, limit > idle ? xs->rcv.keep_stamp + limit : jiffies);
}

void xtcp_timer_fin_wait2(struct xtcp_sock *xs, unsigned long left)
{
	xtcp_timer_arm(xs, XTCP_DUE_FIN_WAIT2, jiffies + left);
}

/* -- expiry ------------------------------------------------------------------- */

static int xtcp_orphan_retries(const struct xtcp_sock *xs)
{
	return READ_ONCE(xs->xn->sysctl.orphan_retries) ?: XTCP_ORPHAN_RETRIES;
}

/* Without progress for longer than TCP_USER_TIMEOUT. */
static bool xtcp_user_timed_out(const struct xtcp_sock *xs)
{
	return xs->user_timeout && xs->recovery.start &&
	       jiffies_to_msecs(jiffies - xs->recovery.start) >= xs->user_timeout;
}

u64 xtcp_timer_limit_us(int retries)
{
	u64 sum = 0;
	int i;

	for (i = 0; i <= retries; i++)
		sum += xtcp_timer_backoff_us(XTCP_RTO_MIN_US, min(i, U8_MAX));
	return sum;
}

/*
 * Has the silence lasted for as long as @retries expiries take? Time counts and not their
 * number, so a long path has no more patience than a short one.
 */
static bool xtcp_silent_too_long(const struct xtcp_sock *xs, int retries)
{
	return xs->recovery.retransmits &&
	       jiffies - xs->recovery.start >= nsecs_to_jiffies(xtcp_timer_limit_us(retries) * NSEC_PER_USEC);
}

/* R2 is reached (RFC 9293 3.8.3). */
static bool xtcp_retrans_gave_up(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	int limit;

	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV)) {
		limit = xs->syn_cnt ?: READ_ONCE(ctl->syn_retries);
		return xs->recovery.retransmits >= limit || xtcp_user_timed_out(xs);
	}
	/* R1: another route may do better (MUST-20). */
	if (xs->recovery.retransmits >= READ_ONCE(ctl->retries1))
		xtcp_lower_negative_advice(sk);
	limit = READ_ONCE(ctl->retries2);
	if (sock_flag(sk, SOCK_DEAD))
		return xtcp_silent_too_long(xs, min(limit, xtcp_orphan_retries(xs)));
	/* A peer that shrank its window to nothing but answers is not dead (SHLD-17). */
	if (!xs->snd.wnd &&
	    time_before(jiffies, xs->rcv.keep_stamp + usecs_to_jiffies(XTCP_RTO_MAX_US)))
		return false;
	if (xs->user_timeout)
		return xtcp_user_timed_out(xs);
	return xtcp_silent_too_long(xs, limit);
}

/* An orphan that the machine can no longer feed: tell the peer, and end it. */
static bool xtcp_orphan_given_up(struct sock *sk)
{
	if (!sock_flag(sk, SOCK_DEAD) || !xtcp_close_too_many(sk))
		return false;
	XTCP_INC(xtcp_sk(sk)->xn, ABORTONMEMORY);
	xtcp_xmit_rst(sk);
	xtcp_close_done(sk);
	return true;
}

static void xtcp_due_retrans(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xtcp_rtxq_empty(&xs->rtxq) || xtcp_orphan_given_up(sk))
		return;
	if (!xs->recovery.start)
		xs->recovery.start = (jiffies - usecs_to_jiffies(xtcp_rtt_rto(&xs->rtt))) ?: 1;
	if (xtcp_retrans_gave_up(sk)) {
		xtcp_close_timed_out(sk);
		return;
	}
	XTCP_INC(xs->xn, TIMEOUTS);
	/* Equal paths are chosen by this hash: the one taken so far may be what fails. */
	if (sk_rethink_txhash(sk)) {
		XTCP_INC(xs->xn, TIMEOUTREHASH);
		xs->rehash++;
	}
	xtcp_recovery_timeout(sk);
	if (xs->recovery.retransmits < U8_MAX)
		xs->recovery.retransmits++;
	xtcp_rtt_backoff(&xs->rtt);
	xtcp_timer_arm_rto(xs);
}

static void xtcp_due_tail(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xtcp_tlp_send(sk);
	/* The time-out counts from the probe. */
	if (xs->tlp.out)
		xtcp_timer_arm_rto(xs);
}

static void xtcp_due_reorder(struct sock *sk)
{
	xtcp_recovery_reorder_timeout(sk);
}

static void xtcp_due_probe(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int limit = READ_ONCE(xs->xn->sysctl.retries2);

	if (!xtcp_rtxq_empty(&xs->rtxq) || skb_queue_empty(&sk->sk_write_queue)) {
		xs->timer.probes = 0;
		return;
	}
	if (xtcp_orphan_given_up(sk))
		return;
	if (sock_flag(sk, SOCK_DEAD))
		limit = xtcp_orphan_retries(xs);
	if (!xs->recovery.start)
		xs->recovery.start = jiffies ?: 1;
	if (xs->timer.probes >= limit || xtcp_user_timed_out(xs)) {
		xtcp_close_timed_out(sk);
		return;
	}
	xtcp_output_probe(sk);
	if (!xtcp_rtxq_empty(&xs->rtxq))
		return;
	if (xs->timer.probes < U8_MAX)
		xs->timer.probes++;
	xtcp_rtt_backoff(&xs->rtt);
	xtcp_timer_window_closed(xs);
}

static void xtcp_due_delack(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->rcv.ack)
		return;
	XTCP_INC(xs->xn, DELAYEDACKS);
	xtcp_delack_expired(xs);
	xtcp_xmit_ack(sk);
}

static void xtcp_due_keepalive(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	unsigned long idle = jiffies - xs->rcv.keep_stamp, limit = xtcp_keep_idle(xs);
	int max = xs->keep_cnt ?: READ_ONCE(xs->xn->sysctl.keepalive_probes);

	if (!sock_flag(sk, SOCK_KEEPOPEN))
		return;
	/* Data that is out, or waits for the window, has timers of its own. */
	if (xs->snd.nxt != xs->snd.una || !skb_queue_empty(&sk->sk_write_queue)) {
		xtcp_timer_arm(xs, XTCP_DUE_KEEPALIVE, jiffies + limit);
		return;
	}
	if (idle < limit) {
		xs->timer.probes = 0;
		xtcp_timer_arm(xs, XTCP_DUE_KEEPALIVE, xs->rcv.keep_stamp + limit);
		return;
	}
	if (xs->user_timeout ? xs->timer.probes && jiffies_to_msecs(idle) >= xs->user_timeout :
			       xs->timer.probes >= max) {
		xtcp_xmit_rst(sk);
		xtcp_close_timed_out(sk);
		return;
	}
	if (xtcp_xmit_ack_seq(sk, xs->snd.una - 1) > 0) {
		/* Our own device is congested: that says nothing of the peer. */
		xtcp_timer_arm(xs, XTCP_DUE_KEEPALIVE, jiffies + XTCP_RETRY_MEMORY);
		return;
	}
	XTCP_INC(xs->xn, KEEPALIVE);
	xs->timer.probes++;
	xtcp_timer_arm(xs, XTCP_DUE_KEEPALIVE, jiffies + xtcp_keep_intvl(xs));
}

static void xtcp_due_fin_wait2(struct sock *sk)
{
	if (sk->sk_state == TCP_FIN_WAIT2 && sock_flag(sk, SOCK_DEAD))
		xtcp_close_done(sk);
}

static void (*const xtcp_due[XTCP_DUE_MAX])(struct sock *sk) = {
	[XTCP_DUE_RETRANS]	= xtcp_due_retrans,
	[XTCP_DUE_TAIL]		= xtcp_due_tail,
	[XTCP_DUE_REORDER]	= xtcp_due_reorder,
	[XTCP_DUE_PROBE]	= xtcp_due_probe,
	[XTCP_DUE_DELACK]	= xtcp_due_delack,
	[XTCP_DUE_KEEPALIVE]	= xtcp_due_keepalive,
	[XTCP_DUE_FIN_WAIT2]	= xtcp_due_fin_wait2,
};

/* Serve what is due, and set the kernel timer for what is not. */
static void xtcp_timer_run(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_timers *t = &xs->timer;
	unsigned long first = 0;
	int i, next = -1;

	sock_owned_by_me(sk);
	/* Of many expiries all that was waited for has come long since. */
	if (t->armed)
		xtcp_clock_refresh(xs);
	for (i = 0; t->armed >> i; i++) {
		if (sk->sk_state == TCP_CLOSE)
			return;
		if (!xtcp_timers_armed(t, i) || time_before(jiffies, xtcp_timers_due(t, i)))
			continue;
		xtcp_timer_clear(xs, i);
		xtcp_due[i](sk);
	}
	if (sk->sk_state == TCP_CLOSE)
		return;
	/* What was kept for a next segment that did not come (mem.h). */
	sk_mem_reclaim(sk);
	for (i = 0; t->armed >> i; i++) {
		unsigned long when = xtcp_timers_due(t, i);

		if (!xtcp_timers_armed(t, i) || (next >= 0 && !time_before(when, first)))
			continue;
		next = i;
		first = when;
	}
	if (next >= 0)
		xtcp_timer_arm(xs, next, first);
}

void xtcp_timer_deferred(struct sock *sk)
{
	xtcp_timer_run(sk);
}

static void xtcp_timer_expire(struct timer_list *timer)
{
	struct sock *sk = timer_container_of(sk, timer, sk_timer);
	struct xtcp_sock *xs = xtcp_sk(sk);

	bh_lock_sock(sk);
	if (!sock_owned_by_user(sk)) {
		xtcp_timer_run(sk);
	} else {
		/* The owner may arm or clear it right now: only a counter goes by this. */
		if (data_race(xtcp_timers_armed(&xs->timer, XTCP_DUE_DELACK) &&
			      !time_before(jiffies, xtcp_timers_due(&xs->timer, XTCP_DUE_DELACK))))
			XTCP_INC(xs->xn, DELAYEDACKLOCKED);
		set_bit(XTCP_DEFER_TIMER, &xs->deferred);
	}
	bh_unlock_sock(sk);
	xtcp_wheel_expired(xs->xn);
	sock_put(sk);
}

void xtcp_timer_init(struct sock *sk)
{
	timer_setup(&sk->sk_timer, xtcp_timer_expire, 0);
	xtcp_sk(sk)->timer.armed = 0;
	xtcp_sk(sk)->timer.probes = 0;
}
