// SPDX-License-Identifier: GPL-2.0
/* When we acknowledge, and the window that we offer (RFC 9293 3.8.6). */
#include <net/sock.h>

#include "ackq.h"
#include "compat/compat.h"
#include "delack.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "window.h"
#include "xmit.h"
#include "xtcp_sock.h"

#define XTCP_QUICK_ACKS		16	/* most ACKs sent at once in a row */

u32 xtcp_delack_window(const struct xtcp_sock *xs)
{
	s32 left = READ_ONCE(xs->rcv.wup) + READ_ONCE(xs->rcv.wnd) - READ_ONCE(xs->rcv.nxt);

	return max(left, 0);
}

u32 xtcp_delack_full_window(const struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	return min(xtcp_window_from_space(READ_ONCE(sk->sk_rcvbuf), xs->rcv.ratio),
		   xs->rcv.clamp);
}

/* Octets of payload that still fit, and that fit at all. */
static void xtcp_delack_room(struct sock *sk, u32 *free, u32 *full)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	/* sk_add_backlog() adds to it plainly, while we own the socket: old or new will do. */
	int waiting = data_race(READ_ONCE(sk->sk_backlog.len));
	int space = READ_ONCE(sk->sk_rcvbuf) - waiting - atomic_read(&sk->sk_rmem_alloc);

	*full = xtcp_delack_full_window(sk);
	*free = min(xtcp_window_from_space(max(space, 0), xs->rcv.ratio), *full);
}

static u32 xtcp_delack_next_window(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_window_in in = {
		.cur = xtcp_delack_window(xs),
		.mss = xs->rcv.mss,
		.burst = xs->rcv.burst * XTCP_BURST_UNIT,
		.wscale = xs->rcv.wscale,
		.pressure = sk_under_memory_pressure(sk),
	};

	xtcp_delack_room(sk, &in.free, &in.full);
	return xtcp_window_select(&in);
}

u32 xtcp_delack_select_window(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 old = xs->rcv.wnd;

	WRITE_ONCE(xs->rcv.wnd, xtcp_delack_next_window(sk));
	WRITE_ONCE(xs->rcv.wup, xs->rcv.nxt);
	if (unlikely(!xs->rcv.wnd && old))
		XTCP_INC(xs->xn, TOZEROWINDOWADV);
	else if (unlikely(xs->rcv.wnd && !old))
		XTCP_INC(xs->xn, FROMZEROWINDOWADV);
	return xs->rcv.wnd;
}

void xtcp_delack_initial_window(struct sock *sk, u32 *wnd, u8 *wscale)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	u32 clamp = READ_ONCE(xs->window_clamp) ?: U32_MAX;
	u32 space = READ_ONCE(sk->sk_rcvbuf);
	u32 most = max_t(u32, space, READ_ONCE(ctl->rmem[2]));

	*wscale = 0;
	if (READ_ONCE(ctl->window_scaling))
		*wscale = xtcp_window_scale_for(min(most, clamp));
	*wnd = min(xtcp_window_from_space(space, XTCP_WIN_RATIO_ONE / 2), clamp);
	*wnd = min(*wnd, (u32)U16_MAX << *wscale);
}

void xtcp_delack_clamp(struct xtcp_sock *xs)
{
	xs->rcv.clamp = min(xs->window_clamp ?: U32_MAX, (u32)U16_MAX << xs->rcv.wscale);
}

/* How much comes in one piece: the largest of late. */
static void delack_measure_burst(struct xtcp_rcv *rcv, u32 len)
{
	u32 now = min_t(u32, DIV_ROUND_UP(len, XTCP_BURST_UNIT), U8_MAX);

	if (likely(now >= rcv->burst))
		rcv->burst = now;
	else
		rcv->burst -= DIV_ROUND_UP(rcv->burst - now, 16);
}

/* The estimates that windows and ACKs go by: segment size, memory a segment takes. */
static void xtcp_delack_measure(struct xtcp_sock *xs, const struct sk_buff *skb)
{
	u32 len = skb_shinfo(skb)->gso_size ?: skb->len, last = xs->rcv.last_len;

	delack_measure_burst(&xs->rcv, skb->len);
	xs->rcv.last_len = 0;
	if (len < xs->rcv.mss) {
		/* Two alike in a row, and no crumbs: the peer's segments have become smaller. */
		if (len >= TCP_MSS_DEFAULT) {
			if (len == last) {
				WRITE_ONCE(xs->rcv.mss, len);
				return;
			}
			xs->rcv.last_len = len;
		}
		/* The end of something: a sender with Nagle's algorithm may wait for us. */
		if (xs->rcv.ack & XTCP_ACK_PUSHED)
			xs->rcv.ack |= XTCP_ACK_PUSHED2;
		xs->rcv.ack |= XTCP_ACK_PUSHED;
		return;
	}
	WRITE_ONCE(xs->rcv.mss, min_t(u32, len, xs->rcv.advmss ?: len));
	if (skb->truesize) {
		/*
		 * At least half, as TCP counts: what takes more memory than that is packed
		 * tighter when the buffer is full, which costs less than a window too small.
		 */
		u32 ratio = clamp_t(u64, div_u64((u64)skb->len * XTCP_WIN_RATIO_ONE, skb->truesize),
				    XTCP_WIN_RATIO_ONE / 2, U8_MAX);

		/* Slowly: the right edge must not jump back and forth. */
		xs->rcv.ratio = (7 * xs->rcv.ratio + ratio + 7) / 8;
	}
}

/* Some ACKs at once, unless the application answers what it reads. */
static void delack_more_quick(struct xtcp_sock *xs)
{
	u32 acks = xs->rcv.wnd / (2 * max_t(u32, xs->rcv.mss, 1));

	xs->rcv.quick = max_t(u32, xs->rcv.quick, clamp_t(u32, acks, 2, XTCP_QUICK_ACKS));
	xs->rcv.ato = XTCP_ATO_MIN;
}

void xtcp_delack_enter_quick(struct xtcp_sock *xs)
{
	delack_more_quick(xs);
	xs->rcv.pingpong = false;
}

void xtcp_delack_data_rcvd(struct sock *sk, const struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	unsigned long now = jiffies, gap = now - xs->rcv.last;

	xs->ackq.hash = skb->hash;
	xtcp_delack_measure(xs, skb);
	xs->rcv.ack |= XTCP_ACK_DELAYED;
	xs->rcv.unacked += skb->len;
	if (!xs->rcv.ato) {
		xtcp_delack_enter_quick(xs);
	} else if (gap <= XTCP_ATO_MIN / 2) {
		xs->rcv.ato = xs->rcv.ato / 2 + XTCP_ATO_MIN / 2;
	} else if (gap < xs->rcv.ato) {
		xs->rcv.ato = min_t(u32, xs->rcv.ato / 2 + gap, XTCP_ATO_MAX);
	} else if (gap > usecs_to_jiffies(xtcp_rtt_rto(&xs->rtt))) {
		/* The sender restarts with a small window and needs its ACKs. */
		delack_more_quick(xs);
	}
	xs->rcv.last = now;
}

void xtcp_delack_fin_rcvd(struct xtcp_sock *xs)
{
	xs->rcv.ack |= XTCP_ACK_DELAYED;
	xs->rcv.pingpong = true;
}

void xtcp_delack_data_sent(struct xtcp_sock *xs)
{
	/* An answer, soon after a question. */
	if (xs->rcv.ato && jiffies - xs->rcv.last < xs->rcv.ato)
		xs->rcv.pingpong = true;
}

void xtcp_delack_expired(struct xtcp_sock *xs)
{
	if (!xs->rcv.pingpong) {
		xs->rcv.ato = min_t(u32, xs->rcv.ato * 2, XTCP_ATO_MAX);
	} else {
		/* No answer came: it was no conversation. */
		xs->rcv.pingpong = false;
		xs->rcv.ato = XTCP_ATO_MIN;
	}
}

/*
 * RFC 9293 3.8.6.3: at least every second full segment, of those that come one by one;
 * RFC 5681 4.2: without delay while something is missing.
 */
static bool xtcp_delack_due(const struct xtcp_sock *xs)
{
	if (xs->rcv.ack & (XTCP_ACK_NOW | XTCP_ACK_BATCH))
		return true;
	if (xs->rcv.unacked > xs->rcv.mss)
		return true;
	if (xs->rcv.quick && !xs->rcv.pingpong)
		return true;
	return !xtcp_reasm_empty(&xs->reasm);
}

void xtcp_delack_later(struct xtcp_sock *xs)
{
	xtcp_timer_ack_owed(xs, jiffies + clamp_t(u32, xs->rcv.ato, XTCP_ATO_MIN, XTCP_ATO_MAX));
}

void xtcp_delack_check(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xs->rcv.ack)
		return;
	if (xs->rcv.ack & XTCP_ACK_NOW)
		xtcp_xmit_ack(sk);
	else if (xs->rcv.batch)
		set_bit(XTCP_DEFER_ACK, &xs->deferred);
	else if (xtcp_delack_due(xs))
		xtcp_ackq_add(sk);
	else
		xtcp_delack_later(xs);
}

void xtcp_delack_batch_end(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	/* What came since may have acknowledged it, or ended the connection. */
	if (!xs->rcv.ack || sk->sk_state == TCP_CLOSE)
		return;
	if (xtcp_delack_due(xs))
		xtcp_xmit_ack(sk);
	else
		xtcp_delack_later(xs);
}

/* The reader has taken all that was sent in small segments, and waits for more. */
static bool xtcp_delack_reader_waits(struct sock *sk)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	u8 ends = xs->rcv.pingpong ? XTCP_ACK_PUSHED2 : XTCP_ACK_PUSHED;

	return (xs->rcv.ack & ends) && !atomic_read(&sk->sk_rmem_alloc);
}

void xtcp_delack_reader(struct sock *sk, int copied)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 left;

	sock_owned_by_me(sk);
	if ((xs->rcv.ack & XTCP_ACK_DELAYED) &&
	    (xs->rcv.unacked > xs->rcv.mss || (copied > 0 && xtcp_delack_reader_waits(sk)))) {
		xtcp_xmit_ack(sk);
		return;
	}
	if (copied <= 0 || (sk->sk_shutdown & RCV_SHUTDOWN))
		return;
	/* Worth an ACK of its own if it at least doubles what the peer may send. */
	left = xtcp_delack_window(xs);
	if (2 * left <= xtcp_delack_full_window(sk)) {
		u32 next = xtcp_delack_next_window(sk);

		if (next && next >= 2 * left)
			xtcp_xmit_ack(sk);
	}
}

void xtcp_delack_flush_due(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xs->rcv.ack && xtcp_delack_due(xs))
		xtcp_xmit_ack(sk);
}

void xtcp_delack_flush(struct sock *sk)
{
	if (xtcp_sk(sk)->rcv.ack)
		xtcp_xmit_ack(sk);
}
