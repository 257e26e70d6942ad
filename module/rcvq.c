// SPDX-License-Identifier: GPL-2.0
/*
 * Received data on its way into the receive queue (RFC 9293 3.10.7.4, seventh).
 *
 * Nothing that was acknowledged is ever dropped: when memory is short it is the segment
 * in hand, or one that waits out of order, and the peer sends it again.
 */
#include <net/inet_ecn.h>
#include <net/sock.h>

#include "delack.h"
#include "rcvq.h"
#include "reasm.h"
#include "rxstamp.h"
#include "seq.h"
#include "skb_cb.h"
#include "sndbuf.h"
#include "state.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* -- making room -------------------------------------------------------------- */

/* A buffer of one page, in the receive queue in front of @next; NULL without memory. */
static struct sk_buff *xtcp_rcvq_new_tight(struct sock *sk, struct sk_buff *next, u32 seq)
{
	struct sk_buff *skb = alloc_skb(SKB_MAX_ORDER(0, 0), GFP_ATOMIC | __GFP_NOWARN);
	struct xtcp_skb_cb *cb;

	if (!skb)
		return NULL;
	cb = xtcp_cb(skb);
	memset(cb, 0, sizeof(*cb));
	cb->seq = seq;
	cb->end_seq = seq;
	__skb_queue_before(&sk->sk_receive_queue, next, skb);
	skb_set_owner_r(skb, sk);
	return skb;
}

/*
 * Copy the octets of @skb that follow @*to, or that the reader has not had, to the end
 * of @*to and into new buffers behind it. Return: false without memory; what was
 * copied then is in the queue twice, which the reader, who goes by number, does not see.
 */
static bool xtcp_rcvq_repack(struct sock *sk, struct sk_buff *skb, struct sk_buff **to)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 seq = *to ? xtcp_cb(*to)->end_seq : xtcp_seq_max(cb->seq, xtcp_sk(sk)->rcv.copied);
	u32 off = seq - cb->seq, len;

	while (off < skb->len) {
		if (!*to || !skb_tailroom(*to)) {
			*to = xtcp_rcvq_new_tight(sk, skb, cb->seq + off);
			if (!*to)
				return false;
		}
		len = min_t(u32, skb_tailroom(*to), skb->len - off);
		if (WARN_ON_ONCE(skb_copy_bits(skb, off, skb_put(*to, len), len)))
			return false;
		xtcp_cb(*to)->end_seq += len;
		xtcp_rxstamp_join(*to, skb);
		off += len;
	}
	if (*to)
		xtcp_cb(*to)->flags |= cb->flags & XTCP_PSH;
	return true;
}

/*
 * Small segments cost many times their octets, and the window was offered for octets:
 * before anything inside it is refused, copy what waits for the reader into buffers
 * without slack.
 */
static void xtcp_rcvq_compact(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 unread = xs->rcv.nxt - xs->rcv.copied;
	struct sk_buff *skb, *next, *to = NULL;

	/* Not for less than a quarter: each octet is copied a bounded number of times. */
	if (unread > atomic_read(&sk->sk_rmem_alloc) / 4 * 3)
		return;
	XTCP_INC(xs->xn, RCVCOLLAPSED);
	skb_queue_walk_safe(&sk->sk_receive_queue, skb, next) {
		if (xtcp_cb(skb)->flags & XTCP_FIN)
			return;
		if (skb->len > skb->truesize / 4 * 3) {
			to = NULL;
			continue;
		}
		if (!xtcp_rcvq_repack(sk, skb, &to))
			return;
		__skb_unlink(skb, &sk->sk_receive_queue);
		kfree_skb(skb);
	}
}

static bool xtcp_rcvq_has_room(struct sock *sk, struct sk_buff *skb)
{
	return atomic_read(&sk->sk_rmem_alloc) <= sk->sk_rcvbuf &&
	       sk_rmem_schedule(sk, skb, skb->truesize);
}

/* Is there memory for @skb, after dropping what waits out of order if need be? */
static bool xtcp_rcvq_admit(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (likely(xtcp_rcvq_has_room(sk, skb)))
		return true;
	xtcp_rcvq_compact(sk);
	if (xtcp_rcvq_has_room(sk, skb))
		return true;
	if (!xtcp_reasm_empty(&xs->reasm)) {
		XTCP_INC(xs->xn, OFOPRUNED);
		xtcp_reasm_prune(&xs->reasm, max_t(u32, skb->truesize, sk->sk_rcvbuf >> 3));
		xtcp_sack_cut(&xs->sack, xs->reasm.last ? xtcp_cb(xs->reasm.last)->end_seq :
							  xs->rcv.nxt);
	}
	if (xtcp_rcvq_has_room(sk, skb))
		return true;
	/* A reader with nothing to read must get at least one segment. */
	return skb_queue_empty(&sk->sk_receive_queue) &&
	       !xtcp_seq_after(xtcp_cb(skb)->seq, xs->rcv.nxt) &&
	       xtcp_sndbuf_force(sk, skb->truesize);
}

/* -- queueing ----------------------------------------------------------------- */

/*
 * Add @skb to @to, which ends where it begins, if that saves a buffer. Return: true if it did;
 * @skb is gone then.
 */
static bool xtcp_rcvq_merge(struct sock *sk, struct sk_buff *to, struct sk_buff *skb)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	bool stolen;
	int delta;

	if (xtcp_cb(to)->end_seq != cb->seq || (xtcp_cb(to)->flags & XTCP_FIN) ||
	    skb->len != cb->end_seq - cb->seq - !!(cb->flags & XTCP_FIN) ||
	    !skb_try_coalesce(to, skb, &stolen, &delta))
		return false;
	xtcp_cb(to)->end_seq = cb->end_seq;
	xtcp_cb(to)->flags |= cb->flags & (XTCP_FIN | XTCP_PSH);
	xtcp_rxstamp_join(to, skb);
	atomic_add(delta, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, delta);
	kfree_skb_partial(skb, stolen);
	return true;
}

/* Put @skb at the end of the receive queue: into its last buffer if that saves one. */
static void xtcp_rcvq_append(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *tail = skb_peek_tail(&sk->sk_receive_queue);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	xs->bytes_received += cb->end_seq - xs->rcv.nxt;
	WRITE_ONCE(xs->rcv.nxt, cb->end_seq);
	if (tail && xtcp_rcvq_merge(sk, tail, skb))
		return;
	/* What waited out of order is charged already. */
	if (skb->destructor != sock_rfree)
		skb_set_owner_r(skb, sk);
	__skb_queue_tail(&sk->sk_receive_queue, skb);
}

/* Move what has become contiguous from the out-of-order queue. */
static bool xtcp_rcvq_drain(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb;
	bool fin;

	while ((skb = xtcp_reasm_next(&xs->reasm, xs->rcv.nxt))) {
		struct xtcp_skb_cb *cb = xtcp_cb(skb);

		if (!xtcp_seq_after(cb->end_seq, xs->rcv.nxt)) {
			XTCP_INC(xs->xn, OFODUP);
			kfree_skb(skb);
			continue;
		}
		fin = cb->flags & XTCP_FIN;
		xtcp_rcvq_append(sk, skb);
		/* What lies behind a FIN is nothing. */
		if (fin)
			return true;
	}
	return false;
}

/* Cut what lies beyond the window. Return: false if nothing is left, or no memory. */
static bool xtcp_rcvq_trim(struct xtcp_sock *xs, struct sk_buff *skb)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 edge = xs->rcv.nxt + xtcp_delack_window(xs);
	u32 keep;

	/* A FIN takes no room in a buffer. */
	if (!xtcp_seq_after(cb->end_seq - !!(cb->flags & XTCP_FIN), edge))
		return true;
	keep = edge - cb->seq;
	if (!xtcp_seq_before(cb->seq, edge) || pskb_trim(skb, keep))
		return false;
	cb->end_seq = edge;
	cb->flags &= ~XTCP_FIN;
	return true;
}

static void xtcp_rcvq_in_order(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool fin;

	if (skb->len) {
		if (!xtcp_rcvq_admit(sk, skb)) {
			XTCP_INC(xs->xn, RCVQDROP);
			/* A reader who slept for more must come, a sender learn where we are. */
			xs->rcv.ack |= XTCP_ACK_NOW;
			if (!sock_flag(sk, SOCK_DEAD))
				sk->sk_data_ready(sk);
			kfree_skb(skb);
			return;
		}
		xtcp_delack_data_rcvd(sk, skb);
	}
	fin = xtcp_cb(skb)->flags & XTCP_FIN;
	xtcp_rcvq_append(sk, skb);
	if (!xtcp_reasm_empty(&xs->reasm)) {
		if (!fin)
			fin = xtcp_rcvq_drain(sk);
		xtcp_sack_advance(&xs->sack, xs->rcv.nxt);
		/* RFC 5681 4.2: a filled hole is news that the sender waits for. */
		if (xtcp_reasm_empty(&xs->reasm))
			xs->rcv.ack |= XTCP_ACK_BATCH;
	}
	if (fin)
		xtcp_state_fin(sk);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

/* The octets from @start to @end wait behind a hole. */
static void rcvq_report(struct xtcp_sock *xs, u32 start, u32 end)
{
	if (!xs->sack.ok)
		return;
	xtcp_sack_add(&xs->sack, start, end);
	/* What does not fit into one ACK must not wait for the end of the batch. */
	if (xs->sack.fresh + xs->sack.has_dup >= XTCP_SACK_REPORT)
		xs->rcv.ack |= XTCP_ACK_NOW;
}

static void xtcp_rcvq_out_of_order(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 start = cb->seq, end = cb->end_seq;
	struct sk_buff *prev;

	if (xs->sack.ok) {
		xs->rcv.ack |= XTCP_ACK_BATCH;
	} else {
		/* The sender counts our ACKs: each is one of its own, and none hides another. */
		xtcp_delack_flush_due(sk);
		xs->rcv.ack |= XTCP_ACK_NOW;
	}
	xs->ooo_segs_in += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	if (!xtcp_rcvq_admit(sk, skb)) {
		XTCP_INC(xs->xn, RCVQDROP);
		kfree_skb(skb);
		return;
	}
	XTCP_INC(xs->xn, OFOQUEUED);
	/* A window of single segments would cost more than the window was offered for. */
	prev = xtcp_reasm_before(&xs->reasm, skb);
	if (prev && xtcp_rcvq_merge(sk, prev, skb)) {
		rcvq_report(xs, start, end);
		return;
	}
	skb_set_owner_r(skb, sk);
	switch (xtcp_reasm_insert(&xs->reasm, skb)) {
	case XTCP_REASM_NOMEM:
		XTCP_INC(xs->xn, RCVQDROP);
		kfree_skb(skb);
		return;
	case XTCP_REASM_DUPLICATE:
		XTCP_INC(xs->xn, OFODUP);
		xtcp_rcvq_duplicate(xs, cb);
		kfree_skb(skb);
		break;
	default:
		break;
	}
	rcvq_report(xs, start, end);
}

void xtcp_rcvq_duplicate(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb)
{
	u32 end = cb->end_seq;

	if (!xs->sack.ok || !READ_ONCE(xs->xn->sysctl.dsack))
		return;
	if (xtcp_seq_before(cb->seq, xs->rcv.nxt))
		end = xtcp_seq_min(end, xs->rcv.nxt);
	XTCP_INC(xs->xn, DSACKSENT);
	xtcp_sack_duplicate(&xs->sack, cb->seq, end);
}

/* What the network and the sender say of congestion; data outside the window is not heard. */
static void xtcp_rcvq_ecn(struct sock *sk, const struct sk_buff *skb)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_sock *xs = xtcp_sk(sk);

	switch (xtcp_ecn_data_rcvd(&xs->ecn, cb->ecn, cb->flags)) {
	case XTCP_ECN_QUICK:
		xtcp_delack_enter_quick(xs);
		break;
	case XTCP_ECN_NOW:
		xs->rcv.ack |= XTCP_ACK_NOW;
		break;
	case XTCP_ECN_TURN:
		if (xs->rcv.ack)
			xtcp_xmit_ack(sk);
		xtcp_ecn_turn(&xs->ecn);
		xs->rcv.ack |= XTCP_ACK_NOW;
		break;
	case XTCP_ECN_CALM:
		break;
	}
	xs->cong.ce = cb->ecn == INET_ECN_CE;
	if (xs->cong.ce)
		xs->received_ce += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
}

/*
 * The peer sends again what it has our acknowledgment of, if that arrived. The second time in
 * a row it seems lost: let the next ones take another path. Who waits for a time-out of its
 * own draws one with each of those.
 */
static void rcvq_old(struct sock *sk, const struct xtcp_skb_cb *cb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	xtcp_delack_enter_quick(xs);
	xtcp_rcvq_duplicate(xs, cb);
	xs->rcv.ack |= XTCP_ACK_NOW;
	if (cb->seq == xs->rcv.again && !xs->recovery.rto.on && sk_rethink_txhash(sk))
		XTCP_INC(xs->xn, DUPDATAREHASH);
	xs->rcv.again = cb->seq;
}

void xtcp_rcvq_segment(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	sock_owned_by_me(sk);
	skb_dst_drop(skb);
	if (unlikely(!xtcp_seq_after(cb->end_seq, xs->rcv.nxt))) {
		rcvq_old(sk, cb);
		kfree_skb(skb);
		return;
	}
	if (unlikely(!xtcp_rcvq_trim(xs, skb))) {
		if (!xtcp_delack_window(xs))
			XTCP_INC(xs->xn, ZEROWINDOWDROP);
		xs->rcv.ack |= XTCP_ACK_NOW;
		kfree_skb(skb);
		return;
	}
	if (unlikely(xtcp_seq_before(cb->seq, xs->rcv.nxt)))
		xtcp_rcvq_duplicate(xs, cb);
	if (skb->len)
		xtcp_rcvq_ecn(sk, skb);
	if (likely(!xtcp_seq_after(cb->seq, xs->rcv.nxt)))
		xtcp_rcvq_in_order(sk, skb);
	else
		xtcp_rcvq_out_of_order(sk, skb);
}
