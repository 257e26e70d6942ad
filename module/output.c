// SPDX-License-Identifier: GPL-2.0
/*
 * What may be sent now: windows, Nagle, burst size (RFC 9293 3.8.6, 3.7.4).
 *
 * The write queue holds what was never sent, the retransmit queue what is not
 * acknowledged; both hold buffers of up to 64 KB. A buffer is cut only where the
 * peer's window, the congestion window or a loss ends inside it.
 */
#include <net/sock.h>

#include "autocork.h"
#include "delack.h"
#include "lower.h"
#include "output.h"
#include "pace.h"
#include "plpmtud.h"
#include "recovery.h"
#include "seq.h"
#include "smallq.h"
#include "skb_cb.h"
#include "sndbuf.h"
#include "timer.h"
#include "window.h"
#include "xmit.h"
#include "xtcp_sock.h"

u32 xtcp_output_inflight(const struct xtcp_sock *xs)
{
	u32 out = xs->snd.nxt - xs->snd.una;
	u32 gone = xs->rtxq.sacked + xs->rtxq.lost;

	return out > gone ? out - gone : 0;
}

u32 xtcp_output_queued(const struct xtcp_sock *xs, bool unsent)
{
	u32 from = unsent ? READ_ONCE(xs->snd.nxt) : READ_ONCE(xs->snd.una);

	/* In this order: an octet is queued before it is sent and acknowledged. */
	smp_rmb();
	return READ_ONCE(xs->snd.write_seq) - from;
}

u32 xtcp_output_sync_mss(struct sock *sk, u32 pmtu)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 head = xtcp_lower_header_len(sk);
	u32 size = xtcp_plpmtud_bound(&xs->plpmtud, pmtu);
	u32 mss = size > head + sizeof(struct tcphdr) ? size - head - sizeof(struct tcphdr) : 0;

	sock_owned_by_me(sk);
	/* RFC 9293 MUST-16: the smaller of the path's and the peer's. */
	mss = min_t(u32, mss, xs->snd.peer_mss);
	if (xs->user_mss)
		mss = min_t(u32, mss, xs->user_mss);
	mss = max_t(u32, mss, READ_ONCE(xs->xn->sysctl.min_snd_mss));
	if (xs->stamp.ok)
		mss -= XTCP_STAMP_SPACE;
	xs->snd.pmtu = pmtu;
	xs->snd.head = head;
	WRITE_ONCE(xs->snd.mss, mss);
	xs->cong.mss = mss;
	return mss;
}

u32 xtcp_output_current_mss(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct dst_entry *dst = xtcp_lower_dst(sk);

	if (dst) {
		u32 mtu = dst_mtu(dst);

		/* IP_OPTIONS may have been set since. */
		if (mtu != xs->snd.pmtu || xtcp_lower_header_len(sk) != xs->snd.head)
			xtcp_output_sync_mss(sk, mtu);
	}
	return xs->snd.mss;
}

u32 xtcp_output_size_goal(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 max = XTCP_GSO_MAX, segs = GSO_MAX_SEGS, mss = xs->snd.mss;

	if (sk_can_gso(sk)) {
		max = min_t(u32, max, sk->sk_gso_max_size);
		segs = min_t(u32, segs, sk->sk_gso_max_segs);
	}
	return clamp_t(u32, max / mss, 1, segs) * mss;
}

/* Where the peer's window ends. */
static u32 xtcp_output_wnd_end(const struct xtcp_sock *xs)
{
	return xs->snd.una + xs->snd.wnd;
}

bool xtcp_output_may_send_new(const struct sock *sk)
{
	const struct sk_buff *skb = skb_peek(&sk->sk_write_queue);

	return skb && xtcp_seq_before(xtcp_cb(skb)->seq, xtcp_output_wnd_end(xtcp_sk(sk)));
}

/* Octets that congestion control still lets into the network. */
static u32 xtcp_output_cwnd_room(struct xtcp_sock *xs)
{
	u32 inflight = xtcp_output_inflight(xs);

	return xs->cong.cwnd > inflight ? xs->cong.cwnd - inflight : 0;
}

void xtcp_output_check_idle(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 inflight = xtcp_output_inflight(xs);

	/* Nothing unsent, nothing in our own device's queue, nothing to send again, and room. */
	if (xs->snd.write_seq - xs->snd.nxt < xs->snd.mss && !xs->rtxq.lost &&
	    inflight < xs->cong.cwnd && sk_wmem_alloc_get(sk) < SKB_TRUESIZE(1))
		xtcp_rate_limited(&xs->rate, inflight);
}

/* Cut @skb so that it is no longer than @room, at a segment boundary if it spans one. */
static int xtcp_output_fit(struct sock *sk, struct sk_buff *skb, u32 room, bool unsent)
{
	u32 mss = xtcp_sk(sk)->snd.mss;

	if (skb->len <= room)
		return 0;
	if (room > mss)
		room -= room % mss;
	return xtcp_rtxq_split(sk, skb, room, unsent);
}

/* -- sending again ------------------------------------------------------------ */

int xtcp_output_resend(struct sock *sk, struct sk_buff *skb, u32 room)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 segs, wnd_end;
	int err;

	if (unlikely(xtcp_smallq_still_queued(sk, skb)))
		return -EBUSY;
	err = xtcp_rtxq_trim(sk, skb, xs->snd.una);
	if (err)
		return err;
	/* A window that shrank below it: only its first octets go (SHLD-16). */
	wnd_end = xtcp_output_wnd_end(xs);
	if (xtcp_seq_after(cb->end_seq, wnd_end) && cb->seq != xs->snd.una) {
		if (!xtcp_seq_before(cb->seq, wnd_end))
			return -EAGAIN;
		room = min(room, wnd_end - cb->seq);
	}
	/* At least one segment, at most what fits one super-segment. */
	room = clamp_t(u32, room, xs->snd.mss, xtcp_output_size_goal(sk));
	err = xtcp_output_fit(sk, skb, room, false);
	if (err)
		return err;

	/* RFC 3168 6.1.1.1: what swallowed it may have disliked the two flags. */
	if (unlikely((cb->flags & (XTCP_SYN | XTCP_ACK)) == XTCP_SYN) &&
	    xtcp_ecn_is_asked(cb->flags) && READ_ONCE(xs->xn->sysctl.ecn_fallback)) {
		cb->flags &= ~(XTCP_ECE | XTCP_CWR);
		xtcp_ecn_fall_back(&xs->ecn);
	}
	xtcp_plpmtud_resent(xs, skb);
	err = xtcp_xmit_skb(sk, skb);
	if (err == -ENOBUFS) {
		XTCP_INC(xs->xn, RETRANSFAIL);
		return err;
	}
	segs = max_t(u32, DIV_ROUND_UP(skb->len, xs->snd.mss), 1);
	xtcp_rtxq_mark_resent(&xs->rtxq, skb, xs->snd.una);
	xs->total_retrans += segs;
	xs->bytes_retrans += skb->len;
	xtcp_recovery_sent(xs, skb->len, true);
	XTCP_ADD(xs->xn, RETRANSSEGS, segs);
	if (xs->cong.state == XTCP_CA_LOSS)
		XTCP_ADD(xs->xn, SLOWSTARTRETRANS, segs);
	else if (xs->cong.state == XTCP_CA_RECOVERY)
		XTCP_ADD(xs->xn, FASTRETRANS, segs);
	return 0;
}

/* Send what is marked lost, as far as cwnd goes. */
static void xtcp_output_resend_lost(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb;

	while ((skb = xtcp_rtxq_next_lost(&xs->rtxq))) {
		u32 room = xtcp_output_cwnd_room(xs);

		if (room < min_t(u32, xs->snd.mss, skb->len ?: 1))
			break;
		/* The first repair does not wait for its turn, nor does that of a probe's loss. */
		if (xs->recovery.resent && xs->cong.state >= XTCP_CA_RECOVERY && xtcp_pace_hold(sk))
			break;
		if (xs->recovery.resent && xtcp_smallq_over(sk, skb->truesize) &&
		    xtcp_smallq_wait(sk, skb->truesize))
			break;
		room = min(room, xtcp_pace_burst(sk, XTCP_GSO_MAX));
		if (xtcp_output_resend(sk, skb, room))
			break;
		if (skb == xtcp_rtxq_first(&xs->rtxq))
			xtcp_timer_first_resent(xs);
		else
			xtcp_timer_data_sent(xs);
	}
}

/* -- sending for the first time ----------------------------------------------- */

/* Restart from the initial window after an idle time (RFC 5681 4.1). */
static void xtcp_output_after_idle(struct xtcp_sock *xs)
{
	u32 iw;

	/* No time-out is shorter. */
	if (likely(jiffies - xs->snd.last_sent < usecs_to_jiffies(XTCP_RTO_MIN_US)))
		return;
	if (!READ_ONCE(xs->xn->sysctl.slow_start_after_idle) || xs->snd.nxt != xs->snd.una ||
	    xs->cong.ops->control)
		return;
	if (!xs->snd.last_sent ||
	    time_before(jiffies, xs->snd.last_sent + usecs_to_jiffies(xtcp_rtt_rto(&xs->rtt))))
		return;
	iw = xtcp_cong_initial_window(xs->snd.mss);
	if (xs->cong.cwnd > iw) {
		xs->cong.ssthresh = max(xs->cong.ssthresh, xs->cong.cwnd / 4 * 3);
		xs->cong.cwnd = iw;
	}
	xs->snd.last_sent = jiffies;
}

/* @skb has left for the first time. */
static void xtcp_output_sent_new(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (xtcp_rtxq_empty(&xs->rtxq))
		xtcp_cong_event(&xs->cong, XTCP_CONG_TX_START);
	__skb_unlink(skb, &sk->sk_write_queue);
	xtcp_rtxq_append(&xs->rtxq, skb);
	/* A probe of the path's MTU is longer than full, not smaller. */
	if (skb->len % xs->snd.mss && !(xs->plpmtud.probe && cb->end_seq == xs->plpmtud.end))
		xs->snd.sml = cb->end_seq;
	WRITE_ONCE(xs->snd.nxt, cb->end_seq);
	xs->snd.last_sent = jiffies;
	if (unlikely(xs->notsent_lowat))
		xtcp_sndbuf_wake(sk);
	xtcp_recovery_sent(xs, skb->len, false);
	xtcp_timer_data_sent(xs);
	xtcp_delack_data_sent(xs);
}

/*
 * The windows leave @len octets of a longer buffer. Wait for the next ACK where they hold several
 * super-segments of @whole octets: at least one is out, and the ACKs that are on their way open
 * room for whole ones. Else each ACK would let a piece of its own size go, forever. Where
 * something seems missing, or @whole is 0, each ACK counts (RFC 3042).
 */
static bool xtcp_output_defer(const struct xtcp_sock *xs, u32 len, u32 whole)
{
	return len < whole && min(xs->snd.wnd, xs->cong.cwnd) >= 2 * whole &&
	       xs->cong.state == XTCP_CA_OPEN;
}

/*
 * How much of @skb, the first unsent buffer, may go: 0 if nothing, and then @limit says what by
 * (true: cwnd). @whole: octets of a super-segment, 0 if the pace makes them shorter.
 */
static u32 xtcp_output_quota(struct sock *sk, struct sk_buff *skb, u32 whole, bool more,
			     bool *limit)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 end = xtcp_output_wnd_end(xs);
	u32 cwnd = xtcp_output_cwnd_room(xs);
	struct xtcp_window_out out;
	u32 len, room, tail;
	bool cut;

	*limit = false;
	if (!xtcp_seq_before(cb->seq, end))
		return 0;
	if (!skb->len)
		return 1;	/* a bare FIN */
	len = min(skb->len, end - cb->seq);
	if (cwnd < min_t(u32, len, xs->snd.mss)) {
		/* With nothing in flight one segment always may go. */
		if (xtcp_output_inflight(xs)) {
			*limit = true;
			return 0;
		}
		cwnd = xs->snd.mss;
	}
	room = min(len, cwnd);
	cut = room < skb->len;
	if (cut && xtcp_output_defer(xs, room, whole)) {
		*limit = cwnd < len;
		return 0;
	}
	len = room;
	tail = len % xs->snd.mss;
	if (len >= xs->snd.mss && (!tail || cut))
		return len - tail;

	/* Full segments need no permission; the one at the end does. */
	out.len = tail;
	out.mss = xs->snd.mss;
	out.max_wnd = xs->snd.max_wnd;
	out.inflight = xs->snd.nxt - xs->snd.una;
	out.last = !cut;
	out.nodelay = xs->snd.nodelay || xs->snd.push_once;
	out.cork = (xs->snd.cork || more) && !xs->snd.push_once;
	out.small_out = xtcp_seq_after(xs->snd.sml, xs->snd.una) &&
			!xtcp_seq_after(xs->snd.sml, xs->snd.nxt);
	/* Nothing more will join this segment. */
	out.fin = !cut && ((cb->flags & XTCP_FIN) ||
			   !skb_queue_is_last(&sk->sk_write_queue, skb) ||
			   (xs->snd.urgent && xtcp_seq_after(xs->snd.up, xs->snd.nxt)));
	return xtcp_window_may_send(&out) ? len : len - tail;
}

/* cwnd stops this push: that counts for a round trip, for with pacing it is but once in a while. */
static void xtcp_output_cwnd_stops(struct xtcp_sock *xs, bool stops)
{
	if (stops) {
		xs->snd.cwnd_limited = true;
		xs->snd.limited_nxt = xs->snd.nxt;
	} else if (xs->snd.cwnd_limited && !xtcp_seq_before(xs->snd.una, xs->snd.limited_nxt)) {
		xs->snd.cwnd_limited = false;
	}
}

/*
 * Is it time for a segment longer than the others? Then it goes first. Return: false if
 * it waits for room, and everything behind it too.
 */
static bool xtcp_output_probe_mtu(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool wait;
	u32 len = xtcp_plpmtud_wanted(sk, xtcp_output_cwnd_room(xs),
				      xtcp_output_wnd_end(xs) - xs->snd.nxt, &wait);

	if (likely(!len)) {
		xtcp_output_cwnd_stops(xs, wait);
		return !wait;
	}
	if (xtcp_pace_hold(sk))
		return false;
	/* Without memory the rest of the push sees to it. */
	if (skb->len > len && xtcp_rtxq_split(sk, skb, len, true))
		return true;
	if (xtcp_xmit_whole(sk, skb) == -ENOBUFS)
		return true;
	xtcp_plpmtud_sent(xs, skb);
	xtcp_output_sent_new(sk, skb);
	return true;
}

/*
 * Buffers that go to the device before softirqs may run again. Over a device without a queue
 * softirq is the receiver: it sees them as one batch.
 */
#define OUTPUT_BATCH	4

/*
 * Is there no room for @len octets of @skb in the device's queue? Without a queue it is the batch
 * of @sent buffers itself that fills it, and softirq takes that. Softirqs are held back.
 */
static bool xtcp_output_queue_full(struct sock *sk, const struct sk_buff *skb, u32 len, u32 sent)
{
	u32 truesize = skb->truesize - (skb->len > len ? skb->len - len : 0);

	if (likely(!xtcp_smallq_over(sk, truesize)))
		return false;
	if (sent % OUTPUT_BATCH) {
		local_bh_enable();
		local_bh_disable();
	}
	return xtcp_smallq_wait(sk, truesize);
}

/* Send what was never sent. Return: the first buffer that may not go yet, or NULL. */
static struct sk_buff *xtcp_output_new(struct sock *sk, bool more)
{
	struct sk_buff *skb = skb_peek(&sk->sk_write_queue);
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 whole, goal, len, sent = 0;
	bool limited, rest_waits;

	xtcp_output_after_idle(xs);
	xtcp_output_current_mss(sk);
	whole = xtcp_output_size_goal(sk);
	if (xtcp_autocork_hold(sk, whole, more, &rest_waits))
		return NULL;
	goal = xtcp_pace_burst(sk, whole);
	if (!xtcp_output_probe_mtu(sk, skb))
		return skb;
	local_bh_disable();
	while ((skb = skb_peek(&sk->sk_write_queue))) {
		len = xtcp_output_quota(sk, skb, goal < whole ? 0 : whole, more, &limited);
		xtcp_output_cwnd_stops(xs, limited);
		if (!len || xtcp_pace_hold(sk))
			break;
		/* A short buffer may grow if it is the last. */
		if (rest_waits && skb->len < whole && skb_queue_is_last(&sk->sk_write_queue, skb))
			break;
		if (xtcp_output_queue_full(sk, skb, min(len, goal), sent))
			break;
		if (skb->len && xtcp_output_fit(sk, skb, min(len, goal), true))
			break;
		if (xtcp_xmit_skb(sk, skb) == -ENOBUFS) {
			xtcp_timer_send_failed(xs);
			break;
		}
		xtcp_output_sent_new(sk, skb);
		if (!(++sent % OUTPUT_BATCH)) {
			local_bh_enable();
			local_bh_disable();
		}
	}
	local_bh_enable();
	xs->snd.push_once = false;
	return skb;
}

/* Lost segments, then new ones, as far as cwnd and the peer's window go. */
static void xtcp_output_send(struct sock *sk, bool more)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool ask = xs->recovery.frto_new;
	u32 nxt = xs->snd.nxt;
	struct sk_buff *skb;

	xs->recovery.frto_new = false;
	if (!ask)
		xtcp_output_resend_lost(sk);
	if (skb_queue_empty(&sk->sk_write_queue))
		return;
	skb = xtcp_output_new(sk, more);

	/* RFC 5682 3.1 (2b): where nothing new may go, what is lost goes. */
	if (ask && xs->snd.nxt == nxt) {
		xs->recovery.frto_new = xtcp_pace_hold(sk);
		if (!xs->recovery.frto_new)
			xtcp_output_resend_lost(sk);
	}
	/* Something waits, nothing is out that an ACK would come for: probe. */
	if (skb && xs->snd.nxt == xs->snd.una)
		xtcp_timer_window_closed(xs);
}

void xtcp_output_push_more(struct sock *sk, bool more)
{
	sock_owned_by_me(sk);
	if ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN | TCPF_SYN_SENT | TCPF_SYN_RECV))
		return;
	if (!skb_queue_empty(&sk->sk_write_queue) || unlikely(xtcp_sk(sk)->rtxq.lost))
		xtcp_output_send(sk, more);
	else
		xtcp_sk(sk)->recovery.frto_new = false;
	xtcp_chrono_update(sk);
}

void xtcp_output_push(struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	/* In the middle of a sendfile() a short segment waits, but not for longer than an ACK. */
	xtcp_output_push_more(sk, xs->autocork.more && xs->snd.nxt != xs->snd.una);
}

bool xtcp_output_one_new(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = skb_peek(&sk->sk_write_queue);
	u32 room;

	if (!xtcp_output_may_send_new(sk))
		return false;
	room = min(xtcp_output_wnd_end(xs) - xtcp_cb(skb)->seq, (u32)xs->snd.mss);
	if (skb->len && xtcp_output_fit(sk, skb, room, true))
		return false;
	if (xtcp_xmit_skb(sk, skb) == -ENOBUFS)
		return false;
	xtcp_output_sent_new(sk, skb);
	return true;
}

void xtcp_output_probe(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	XTCP_INC(xs->xn, WINPROBE);
	/* The window is open a little: what fits goes, silly or not. */
	if (xtcp_output_may_send_new(sk)) {
		xtcp_output_one_new(sk);
		return;
	}
	/* Urgent news goes even into a closed window (RFC 9293 MUST-66). */
	if (xs->snd.urgent && xtcp_seq_between(xs->snd.up, xs->snd.una + 1, xs->snd.una + 0xffff))
		xtcp_xmit_ack_seq(sk, xs->snd.una);
	xtcp_xmit_ack_seq(sk, xs->snd.una - 1);
}
