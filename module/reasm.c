// SPDX-License-Identifier: GPL-2.0
/* The out-of-order queue: segments that wait for an earlier one (RFC 9293 3.10.7.4). */
#include "reasm.h"
#include "seq.h"
#include "skb_cb.h"

void xtcp_reasm_init(struct xtcp_reasm *q)
{
	q->root = RB_ROOT;
	q->last = NULL;
	q->segs = 0;
}

static struct sk_buff *reasm_skb(struct rb_node *node)
{
	return node ? rb_to_skb(node) : NULL;
}

/* Put @skb between @prev and @next, which are neighbours; either may be NULL. */
static void reasm_link(struct xtcp_reasm *q, struct sk_buff *skb, struct sk_buff *prev,
		       struct sk_buff *next)
{
	struct rb_node *parent, **place;

	if (prev && !prev->rbnode.rb_right) {
		parent = &prev->rbnode;
		place = &parent->rb_right;
	} else if (next) {
		/* The leftmost behind prev, or of all: nothing is to its left. */
		parent = &next->rbnode;
		place = &parent->rb_left;
	} else {
		parent = NULL;
		place = &q->root.rb_node;
	}
	rb_link_node(&skb->rbnode, parent, place);
	rb_insert_color(&skb->rbnode, &q->root);
	q->segs++;
}

/* The caller sees to q->last. */
static void reasm_unlink(struct xtcp_reasm *q, struct sk_buff *skb)
{
	rb_erase(&skb->rbnode, &q->root);
	q->segs--;
	/* rbnode lay over these */
	skb->next = NULL;
	skb->prev = NULL;
	skb->dev = NULL;
}

/* Drop the octets of @skb before @seq, which lies inside it. */
static bool reasm_cut_head(struct sk_buff *skb, u32 seq)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (!pskb_pull(skb, seq - cb->seq))
		return false;
	cb->seq = seq;
	return true;
}

/* Drop the octets of @skb from @seq on, which lies inside it, and with them its FIN. */
static bool reasm_cut_tail(struct sk_buff *skb, u32 seq)
{
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (pskb_trim(skb, seq - cb->seq))
		return false;
	cb->end_seq = seq;
	cb->flags &= ~XTCP_FIN;
	return true;
}

/* The last segment that starts at or before @seq, NULL if none does. */
static struct sk_buff *reasm_find(const struct xtcp_reasm *q, u32 seq)
{
	struct rb_node *node = q->root.rb_node;
	struct sk_buff *found = NULL;

	while (node) {
		struct sk_buff *there = rb_to_skb(node);

		if (xtcp_seq_before(seq, xtcp_cb(there)->seq)) {
			node = node->rb_left;
		} else {
			found = there;
			node = node->rb_right;
		}
	}
	return found;
}

/*
 * @prev is the last segment that starts at or before @skb: cut off the head of @skb
 * that it and those that follow it without a gap have. The octet at the seq of @skb is
 * new then. @prev is the segment to go behind.
 */
static enum xtcp_reasm_result reasm_fit_head(struct sk_buff *skb, struct sk_buff **prev)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct sk_buff *next = *prev;
	u32 seq = cb->seq;

	while (next && !xtcp_seq_after(xtcp_cb(next)->seq, seq)) {
		*prev = next;
		if (xtcp_seq_after(xtcp_cb(next)->end_seq, seq))
			seq = xtcp_cb(next)->end_seq;
		if (!xtcp_seq_before(seq, cb->end_seq))
			return XTCP_REASM_DUPLICATE;
		next = skb_rb_next(next);
	}
	return seq == cb->seq || reasm_cut_head(skb, seq) ? XTCP_REASM_QUEUED : XTCP_REASM_NOMEM;
}

/*
 * @next is the first segment behind @skb: cut off the tail of @skb that a segment
 * there has. Those that @skb covers wholly are left for reasm_drop_covered(). Return:
 * false for lack of memory.
 */
static bool reasm_fit_tail(struct sk_buff *skb, struct sk_buff *next)
{
	u32 end = xtcp_cb(skb)->end_seq;

	for (; next; next = skb_rb_next(next)) {
		const struct xtcp_skb_cb *there = xtcp_cb(next);

		if (!xtcp_seq_before(there->seq, end))
			break;
		if (xtcp_seq_after(there->end_seq, end))
			return reasm_cut_tail(skb, there->seq);
	}
	return true;
}

/* Free the segments behind @skb that it covers. */
static void reasm_drop_covered(struct xtcp_reasm *q, struct sk_buff *skb)
{
	u32 end = xtcp_cb(skb)->end_seq;
	struct sk_buff *next;

	while ((next = skb_rb_next(skb)) && !xtcp_seq_after(xtcp_cb(next)->end_seq, end)) {
		reasm_unlink(q, next);
		kfree_skb(next);
	}
	if (!next)
		q->last = skb;
}

enum xtcp_reasm_result xtcp_reasm_insert(struct xtcp_reasm *q, struct sk_buff *skb)
{
	struct sk_buff *prev = q->last, *next = NULL;
	enum xtcp_reasm_result res;

	/* Behind one gap everything arrives in order: most segments go to the end. */
	if (prev && xtcp_seq_before(xtcp_cb(skb)->seq, xtcp_cb(prev)->end_seq)) {
		prev = reasm_find(q, xtcp_cb(skb)->seq);
		res = reasm_fit_head(skb, &prev);
		if (res != XTCP_REASM_QUEUED)
			return res;
		next = prev ? skb_rb_next(prev) : skb_rb_first(&q->root);
		if (!reasm_fit_tail(skb, next))
			return XTCP_REASM_NOMEM;
	}
	reasm_link(q, skb, prev, next);
	if (next)
		reasm_drop_covered(q, skb);
	else
		q->last = skb;
	return XTCP_REASM_QUEUED;
}

struct sk_buff *xtcp_reasm_before(const struct xtcp_reasm *q, const struct sk_buff *skb)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct sk_buff *prev = q->last, *next = NULL;

	if (prev && xtcp_cb(prev)->end_seq != cb->seq) {
		prev = reasm_find(q, cb->seq);
		next = prev ? skb_rb_next(prev) : NULL;
	}
	if (!prev || xtcp_cb(prev)->end_seq != cb->seq)
		return NULL;
	return next && xtcp_seq_before(xtcp_cb(next)->seq, cb->end_seq) ? NULL : prev;
}

struct sk_buff *xtcp_reasm_next(struct xtcp_reasm *q, u32 rcv_nxt)
{
	struct sk_buff *skb = skb_rb_first(&q->root);

	if (!skb || xtcp_seq_after(xtcp_cb(skb)->seq, rcv_nxt))
		return NULL;
	reasm_unlink(q, skb);
	if (skb == q->last)
		q->last = NULL;
	return skb;
}

unsigned int xtcp_reasm_prune(struct xtcp_reasm *q, unsigned int goal)
{
	unsigned int freed = 0;
	struct sk_buff *skb;

	while ((skb = q->last) && freed < goal) {
		q->last = reasm_skb(rb_prev(&skb->rbnode));
		reasm_unlink(q, skb);
		freed += skb->truesize;
		kfree_skb(skb);
	}
	return freed;
}

void xtcp_reasm_purge(struct xtcp_reasm *q)
{
	struct sk_buff *skb;

	while ((skb = skb_rb_first(&q->root))) {
		reasm_unlink(q, skb);
		kfree_skb(skb);
	}
	q->last = NULL;
}
