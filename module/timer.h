/* SPDX-License-Identifier: GPL-2.0 */
/* One kernel timer for each socket and the deadlines it serves. */
#ifndef _XTCP_TIMER_H
#define _XTCP_TIMER_H

#include <linux/jiffies.h>
#include <linux/timer.h>
#include <linux/types.h>

struct sock;
struct xtcp_net;
struct xtcp_sock;

/* Deadlines; at most one of RETRANS and PROBE is armed. */
enum xtcp_deadline {
	XTCP_DUE_TAIL,		/* tail loss probe, RFC 8985 7; before the time-out it spares */
	XTCP_DUE_RETRANS,	/* RFC 6298 */
	XTCP_DUE_REORDER,	/* a segment that is late is believed lost, RFC 8985 6.3 */
	XTCP_DUE_PROBE,		/* zero window, RFC 9293 3.8.6.1 */
	XTCP_DUE_DELACK,	/* RFC 9293 3.8.6.3 */
	XTCP_DUE_KEEPALIVE,	/* RFC 9293 3.8.4 */
	XTCP_DUE_FIN_WAIT2,	/* an orphan's life */
	XTCP_DUE_MAX
};

/**
 * struct xtcp_timers - deadlines of one connection
 * @due: deadlines, the low half of jiffies, valid where @armed has the bit: xtcp_timers_due()
 * @armed: bits of enum xtcp_deadline
 * @probes: unanswered window or keepalive probes
 *
 * The kernel timer is the one that struct sock has for its protocol, sk_timer: pending at or before
 * the earliest deadline. It holds a reference to the socket while it is pending.
 *
 * Moving a deadline later or clearing it touches no kernel timer: it fires early,
 * finds nothing due and re-arms itself. So the data path arms at most once
 * an RTT.
 */
struct xtcp_timers {
	u32 due[XTCP_DUE_MAX];
	u8 armed;
	u8 probes;
};

/*
 * Every kernel timer of the module starts and stops by these two, which count: at the end
 * as many have ended as were started. Any context.
 */

/* Return: true if @timer was not pending: it now needs a reference of its own. */
bool xtcp_wheel_start(struct xtcp_net *xn, struct timer_list *timer, unsigned long when);

/* Return: true if @timer was pending: its reference is the caller's now. */
bool xtcp_wheel_stop(struct xtcp_net *xn, struct timer_list *timer);

/* In a timer's function, before its reference goes. */
void xtcp_wheel_expired(struct xtcp_net *xn);

/* All of these: socket lock held, except where noted. */

void xtcp_timer_init(struct sock *sk);

/* Forget a deadline; touches no kernel timer. */
static inline void xtcp_timers_clear(struct xtcp_timers *t, enum xtcp_deadline which)
{
	t->armed &= ~(1 << which);
}

#define xtcp_timer_clear(xs, which)	xtcp_timers_clear(&(xs)->timer, which)

/* True if @which is armed; its time is then xtcp_timers_due(). */
static inline bool xtcp_timers_armed(const struct xtcp_timers *t, enum xtcp_deadline which)
{
	return t->armed & (1 << which);
}

/* When @which is due, jiffies; not further away than 2^31 of them. */
static inline unsigned long xtcp_timers_due(const struct xtcp_timers *t, enum xtcp_deadline which)
{
	unsigned long now = jiffies;

	return now + (s32)(t->due[which] - (u32)now);
}

/* The connection ended: no deadline counts any more, the kernel timer stops. */
void xtcp_timer_stop(struct sock *sk);

/* Something that must be acknowledged was sent. */
void xtcp_timer_data_sent(struct xtcp_sock *xs);

/* The first segment was sent again: the time-out counts from there. */
void xtcp_timer_first_resent(struct xtcp_sock *xs);

/* New data was acknowledged: restart, or stop if nothing is out (RFC 6298 5.2, 5.3, 7765). */
void xtcp_timer_acked(struct xtcp_sock *xs);

/* In @us microseconds a segment that later ones overtook is believed lost. */
void xtcp_timer_reorder(struct xtcp_sock *xs, u32 us);

/* Data waits, nothing is out and the window does not let it go. */
void xtcp_timer_window_closed(struct xtcp_sock *xs);

/* The peer's window changed. */
void xtcp_timer_window_moved(struct sock *sk);

/* A segment could not be sent for lack of memory: try again soon. */
void xtcp_timer_send_failed(struct xtcp_sock *xs);

/* An acknowledgment is owed at @when, jiffies, at the latest. */
void xtcp_timer_ack_owed(struct xtcp_sock *xs, unsigned long when);

/* An acknowledgment could not be sent for lack of memory. */
void xtcp_timer_ack_failed(struct xtcp_sock *xs);

/* The connection is established, or SO_KEEPALIVE, TCP_KEEPIDLE... changed. */
void xtcp_timer_keepalive_changed(struct sock *sk);

/* An orphan in FIN-WAIT-2 has @left jiffies. */
void xtcp_timer_fin_wait2(struct xtcp_sock *xs, unsigned long left);

/* Deadlines that found the socket busy (release_cb). */
void xtcp_timer_deferred(struct sock *sk);

/*
 * Interval before the next probe or retransmission: @base_us << @backoff, between
 * XTCP_RTO_MIN_US and XTCP_RTO_MAX_US. Pure.
 */
u32 xtcp_timer_backoff_us(u32 base_us, u8 backoff);

/*
 * Microseconds that @retries retransmissions without an answer last, and the wait after the
 * last one, from the shortest time-out on (R1, R2 of RFC 9293 3.8.3). Pure.
 */
u64 xtcp_timer_limit_us(int retries);

/* So many segments, out or to come, can bring the duplicate ACKs of fast retransmit. */
#define XTCP_RESTART_SEGS	4

/*
 * Time-out after an acknowledgment: @rto_us, but with fewer than XTCP_RESTART_SEGS segments
 * out or waiting (@segs) less the @elapsed_us since the first of them was sent, if something is
 * left of it (RFC 7765 section 4). Pure.
 */
u32 xtcp_timer_restart_us(u32 rto_us, u32 elapsed_us, u32 segs);

#endif /* _XTCP_TIMER_H */
