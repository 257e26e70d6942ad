/* SPDX-License-Identifier: GPL-2.0 */
/* Pacing: segments leave at a rate and not in bursts, with the fq qdisc or by a timer here. */
#ifndef _XTCP_PACE_H
#define _XTCP_PACE_H

#include <linux/types.h>

struct sock;
struct xtcp_pace_timer;
struct xtcp_sock;

/**
 * struct xtcp_pace - pacing without fq
 * @timer: runs out when the next segment may leave (autocork.c: when it must); holds a
 *	   reference to the socket while it is queued. Made when it is first needed, which
 *	   most connections never do; it goes with the socket
 * @next_ns: no segment before this, ktime
 *
 * The rate is sk_pacing_rate, octets a second, and sk_pacing_status says who keeps it:
 * nobody, we, or fq, which announces itself there.
 */
struct xtcp_pace {
	struct xtcp_pace_timer *timer;
	u64 next_ns;
};

/* All with the socket lock held, or before anybody else knows the socket. */

void xtcp_pace_init(struct sock *sk);

/* Nobody knows the socket any more (sk_destruct). */
void xtcp_pace_free(struct sock *sk);

/* The connection ended. */
void xtcp_pace_stop(struct sock *sk);

/* The next one has a path of its own. */
void xtcp_pace_forget(struct sock *sk);

/*
 * The rate after an acknowledgment: the congestion control's own, or a part over what cwnd lets
 * go in a round trip, net.xtcp.pacing_ss_ratio or pacing_ca_ratio percent of it. Bounded by
 * SO_MAX_PACING_RATE.
 */
void xtcp_pace_update(struct sock *sk);

/* True if nothing may leave yet; the timer will push. Without memory for one, false. */
bool xtcp_pace_hold(struct sock *sk);

/*
 * Push in @us microseconds, or when the timer runs out that is queued already. False without
 * memory for it.
 */
bool xtcp_pace_later(struct sock *sk, u32 us);

/* @len octets of text leave. */
void xtcp_pace_sent(struct sock *sk, u32 len);

/*
 * Octets that a super-segment may hold so that one does not last longer than a millisecond
 * at the rate, at most @goal, at least what the congestion control asks for. On paths
 * shorter than that a burst does no harm.
 */
u32 xtcp_pace_burst(const struct sock *sk, u32 goal);

/* The next segment may leave: the timer ran out, if the user held the socket then, in release_cb. */
void xtcp_pace_push(struct sock *sk);

/*
 * Nanoseconds that @len octets last at @rate octets a second, less up to half for the @late_ns
 * by which they leave too late. Pure.
 */
u64 xtcp_pace_gap_ns(u32 len, u64 rate, u64 late_ns);

#endif /* _XTCP_PACE_H */
