// SPDX-License-Identifier: GPL-2.0
/* The retransmit queue: what is sent and not yet acknowledged. */
#include <net/sock.h>

#include "compat/compat.h"
#include "mem.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "txstamp.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* Octets of @skb that are still outstanding when SND.UNA is @una. */
static u32 xtcp_rtxq_span(const struct sk_buff *skb, u32 una)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);

	return cb->end_seq - xtcp_seq_max(cb->seq, una);
}

/* Find the place by sequence number, from the right: new segments go to the end. */
static void xtcp_rtxq_link(struct xtcp_rtxq *q, struct sk_buff *skb)
{
	struct rb_node **p = &q->root.rb_node, *parent = NULL;

	while (*p) {
		parent = *p;
		if (xtcp_seq_before(xtcp_cb(skb)->seq, xtcp_cb(rb_to_skb(parent))->seq))
			p = &parent->rb_left;
		else
			p = &parent->rb_right;
	}
	rb_link_node(&skb->rbnode, parent, p);
	rb_insert_color(&skb->rbnode, &q->root);
}

void xtcp_rtxq_init(struct xtcp_rtxq *q)
{
	memset(q, 0, sizeof(*q));
	INIT_LIST_HEAD(&q->sent);
}

/* Off the order of transmission: it is lost, or has arrived. */
static void xtcp_rtxq_not_under_way(struct sk_buff *skb)
{
	list_del_init(&skb->tcp_tsorted_anchor);
}

void xtcp_rtxq_append(struct xtcp_rtxq *q, struct sk_buff *skb)
{
	xtcp_rtxq_link(q, skb);
	list_add_tail(&skb->tcp_tsorted_anchor, &q->sent);
}

/* Take @skb out and free it. */
static void xtcp_rtxq_remove(struct sock *sk, struct xtcp_rtxq *q, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &q->root);
	list_del(&skb->tcp_tsorted_anchor);
	xtcp_rtxq_hide_links(skb);
	xtcp_rtxq_free_skb(sk, skb);
}

struct sk_buff *xtcp_rtxq_find(const struct xtcp_rtxq *q, u32 seq)
{
	struct rb_node *node = q->root.rb_node;
	struct sk_buff *found = NULL;

	while (node) {
		struct sk_buff *skb = rb_to_skb(node);

		if (xtcp_seq_after(xtcp_cb(skb)->end_seq, seq)) {
			found = skb;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/* @bytes of @skb are acknowledged: they leave the count their marks put them in. */
static void xtcp_rtxq_uncount(struct xtcp_rtxq *q, const struct sk_buff *skb, u32 bytes)
{
	u8 mark = xtcp_cb(skb)->mark;

	if (mark & XTCP_MARK_LOST)
		q->lost -= bytes;
	if (mark & XTCP_MARK_RETRANS)
		q->retrans -= bytes;
	if (mark & XTCP_MARK_SACKED)
		q->sacked -= bytes;
}

void xtcp_rtxq_free_skb(struct sock *sk, struct sk_buff *skb)
{
	sk_wmem_queued_add(sk, -skb->truesize);
	xtcp_mem_uncharge(sk, skb->truesize);
	consume_skb(skb);
}

void xtcp_rtxq_rate(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb, u32 octets, u32 end,
		    struct xtcp_rate_sample *rs)
{
	/* A buffer of several segments arrives segment by segment. */
	xs->delivered += DIV_ROUND_UP(octets, xs->snd.mss);
	xtcp_rate_arrived(&xs->rate, rs, &cb->ip.rate, cb->sent_us, end, octets,
			  cb->mark & XTCP_MARK_EVER_RETRANS, xs->now_us);
}

void xtcp_rtxq_clean(struct sock *sk, u32 una, u32 ack, struct xtcp_rtxq_acked *res)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_rtxq *q = &xs->rtxq;
	struct sk_buff *skb, *next;

	sock_owned_by_me(sk);
	res->bytes = ack - una;
	for (skb = xtcp_rtxq_first(q); skb; skb = next) {
		struct xtcp_skb_cb *cb = xtcp_cb(skb);
		u32 from = xtcp_seq_max(cb->seq, una);

		if (!xtcp_seq_after(ack, from))
			break;
		if (unlikely(cb->mark & XTCP_MARK_STAMP_ACK))
			xtcp_txstamp_acked(sk, skb, una, ack);
		if (cb->mark & XTCP_MARK_EVER_RETRANS)
			res->retrans = true;
		else
			res->rtt_us = max_t(u32, xs->now_us - cb->sent_us, 1);
		if (!(cb->mark & XTCP_MARK_SACKED)) {
			u32 end = xtcp_seq_min(ack, cb->end_seq);

			res->delivered += end - from;
			if (!(cb->mark & XTCP_MARK_EVER_RETRANS) &&
			    !xtcp_seq_after(end, xs->recovery.high))
				res->original = true;
			xtcp_rack_delivered(xs, cb, from, end);
			xtcp_rtxq_rate(xs, cb, end - from, end, &res->rate);
		}
		if (xtcp_seq_before(ack, cb->end_seq)) {
			xtcp_rtxq_uncount(q, skb, ack - from);
			break;
		}
		if (cb->flags & XTCP_SYN)
			res->syn = true;
		xtcp_rtxq_uncount(q, skb, cb->end_seq - from);
		next = skb_rb_next(skb);
		xtcp_rtxq_remove(sk, q, skb);
	}
	/* One retransmission in it makes the time of the rest ambiguous. */
	if (res->retrans)
		res->rtt_us = 0;
}

/* Make the page list of @skb our own: a clone on its way shares it. 0 or -ENOMEM. */
static int xtcp_rtxq_unshare(struct sock *sk, struct sk_buff *skb)
{
	int before = skb->truesize;

	if (skb_unclone(skb, GFP_ATOMIC | __GFP_NOWARN))
		return -ENOMEM;
	if (skb->truesize > before)
		sk_mem_charge(sk, skb->truesize - before);
	else if (skb->truesize < before)
		sk_mem_uncharge(sk, before - skb->truesize);
	sk_wmem_queued_add(sk, skb->truesize - before);
	return 0;
}

/* Take @len octets off the front of a payload that is all in page frags. */
static void xtcp_rtxq_drop_front(struct sock *sk, struct sk_buff *skb, u32 len)
{
	struct skb_shared_info *shinfo = skb_shinfo(skb);
	u32 left = len;
	int i, gone = 0;

	while (gone < shinfo->nr_frags && left >= skb_frag_size(&shinfo->frags[gone])) {
		left -= skb_frag_size(&shinfo->frags[gone]);
		skb_frag_unref(skb, gone);
		gone++;
	}
	for (i = gone; i < shinfo->nr_frags; i++)
		shinfo->frags[i - gone] = shinfo->frags[i];
	shinfo->nr_frags -= gone;
	if (left) {
		skb_frag_off_add(&shinfo->frags[0], left);
		skb_frag_size_sub(&shinfo->frags[0], left);
	}
	skb->len -= len;
	skb->data_len -= len;
	skb->truesize -= len;
	sk_wmem_queued_add(sk, -(int)len);
	sk_mem_uncharge(sk, len);
}

int xtcp_rtxq_split(struct sock *sk, struct sk_buff *skb, u32 len, bool unsent)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb), *rest_cb;
	struct sk_buff *rest;
	int moved;

	sock_owned_by_me(sk);
	if (WARN_ON_ONCE(!len || len >= skb->len))
		return -EINVAL;
	if (xtcp_rtxq_unshare(sk, skb))
		return -ENOMEM;
	rest = xtcp_xmit_alloc(sk, GFP_ATOMIC | __GFP_NOWARN);
	if (!rest)
		return -ENOMEM;
	sk_wmem_queued_add(sk, rest->truesize);
	sk_mem_charge(sk, rest->truesize);

	moved = skb->len - len;
	skb_split(skb, rest, len);
	rest->truesize += moved;
	skb->truesize -= moved;

	rest_cb = xtcp_cb(rest);
	*rest_cb = *cb;
	rest_cb->seq = cb->seq + len;
	if (cb->flags & XTCP_SYN)
		rest_cb->seq++;
	cb->end_seq = rest_cb->seq;
	rest_cb->flags &= ~XTCP_SYN;
	cb->flags &= ~(XTCP_FIN | XTCP_PSH);
	if (unlikely(cb->mark & XTCP_MARK_STAMP))
		xtcp_txstamp_split(skb, rest);
	if (unsent) {
		__skb_queue_after(&sk->sk_write_queue, skb, rest);
		return 0;
	}
	xtcp_rtxq_link(&xtcp_sk(sk)->rtxq, rest);
	/* Sent together; a lost or reported one is in no order, nor is its part. */
	if (list_empty(&skb->tcp_tsorted_anchor))
		INIT_LIST_HEAD(&rest->tcp_tsorted_anchor);
	else
		list_add(&rest->tcp_tsorted_anchor, &skb->tcp_tsorted_anchor);
	return 0;
}

int xtcp_rtxq_trim(struct sock *sk, struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 gone = una - cb->seq;

	sock_owned_by_me(sk);
	if (!xtcp_seq_after(una, cb->seq))
		return 0;
	if (cb->flags & XTCP_SYN) {
		cb->flags &= ~XTCP_SYN;
		cb->seq++;
		gone--;
	}
	if (!gone)
		return 0;
	if (WARN_ON_ONCE(gone > skb->len))
		return -EINVAL;
	if (xtcp_rtxq_unshare(sk, skb))
		return -ENOMEM;
	xtcp_rtxq_drop_front(sk, skb, gone);
	cb->seq += gone;
	return 0;
}

void xtcp_rtxq_mark_lost(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 span = xtcp_rtxq_span(skb, una);

	if (cb->mark & (XTCP_MARK_LOST | XTCP_MARK_SACKED))
		return;
	if (cb->mark & XTCP_MARK_RETRANS) {
		cb->mark &= ~XTCP_MARK_RETRANS;
		q->retrans -= span;
	}
	cb->mark |= XTCP_MARK_LOST;
	q->lost += span;
	q->lost_ever += span;
	xtcp_rtxq_not_under_way(skb);
}

void xtcp_rtxq_mark_sacked(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 span = xtcp_rtxq_span(skb, una);

	xtcp_rtxq_uncount(q, skb, span);
	cb->mark &= ~(XTCP_MARK_LOST | XTCP_MARK_RETRANS);
	cb->mark |= XTCP_MARK_SACKED;
	q->sacked += span;
	xtcp_rtxq_not_under_way(skb);
}

void xtcp_rtxq_unmark_lost(struct xtcp_rtxq *q)
{
	struct sk_buff *skb;

	if (!q->lost)
		return;
	q->lost = 0;
	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb)) {
		if (!(xtcp_cb(skb)->mark & XTCP_MARK_LOST))
			continue;
		xtcp_cb(skb)->mark &= ~XTCP_MARK_LOST;
		/* The oldest there are: in front, their order among themselves does not count. */
		list_move(&skb->tcp_tsorted_anchor, &q->sent);
	}
}

void xtcp_rtxq_mark_all_lost(struct xtcp_rtxq *q, u32 una)
{
	struct sk_buff *skb;

	q->lost = 0;
	q->retrans = 0;
	q->sacked = 0;
	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb)) {
		struct xtcp_skb_cb *cb = xtcp_cb(skb);

		cb->mark &= ~(XTCP_MARK_RETRANS | XTCP_MARK_SACKED);
		cb->mark |= XTCP_MARK_LOST;
		q->lost += xtcp_rtxq_span(skb, una);
		q->lost_ever += xtcp_rtxq_span(skb, una);
		xtcp_rtxq_not_under_way(skb);
	}
}

void xtcp_rtxq_mark_resent(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 span = xtcp_rtxq_span(skb, una);

	if (cb->mark & XTCP_MARK_LOST) {
		cb->mark &= ~XTCP_MARK_LOST;
		q->lost -= span;
	}
	if (!(cb->mark & XTCP_MARK_RETRANS)) {
		cb->mark |= XTCP_MARK_RETRANS;
		q->retrans += span;
	}
	cb->mark |= XTCP_MARK_EVER_RETRANS;
	list_move_tail(&skb->tcp_tsorted_anchor, &q->sent);
}

struct sk_buff *xtcp_rtxq_next_lost(const struct xtcp_rtxq *q)
{
	struct sk_buff *skb;

	if (!q->lost)
		return NULL;
	for (skb = xtcp_rtxq_first(q); skb; skb = skb_rb_next(skb))
		if (xtcp_cb(skb)->mark & XTCP_MARK_LOST)
			return skb;
	return NULL;
}

void xtcp_rtxq_purge(struct sock *sk)
{
	struct xtcp_rtxq *q = &xtcp_sk(sk)->rtxq;
	struct sk_buff *skb, *next;

	for (skb = xtcp_rtxq_first(q); skb; skb = next) {
		next = skb_rb_next(skb);
		xtcp_rtxq_remove(sk, q, skb);
	}
	xtcp_rtxq_init(q);
	while ((skb = __skb_dequeue(&sk->sk_write_queue)))
		xtcp_rtxq_free_skb(sk, skb);
}
