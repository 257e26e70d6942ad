/* SPDX-License-Identifier: GPL-2.0 */
/* The out-of-order queue: segments that wait for an earlier one. */
#ifndef _XTCP_REASM_H
#define _XTCP_REASM_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>

/**
 * struct xtcp_reasm - out-of-order segments of one connection
 * @root: segments by xtcp_cb()->seq; no two overlap
 * @last: the one with the highest seq, where most new ones go; NULL if empty
 * @segs: number of segments
 *
 * Knows nothing of sockets: memory is accounted by the skb's own destructor.
 * The owner serialises (socket lock). rbnode takes the place of skb->next and
 * skb->prev; xtcp_cb() seq, end_seq and flags are valid in each skb.
 */
struct xtcp_reasm {
	struct rb_root root;
	struct sk_buff *last;
	u32 segs;
};

/* What xtcp_reasm_insert() did with the segment. */
enum xtcp_reasm_result {
	XTCP_REASM_QUEUED,	/* it is in the queue, perhaps trimmed */
	XTCP_REASM_DUPLICATE,	/* all its octets were there: the caller frees it */
	XTCP_REASM_NOMEM,	/* it could not be cut to fit: the caller frees it */
};

void xtcp_reasm_init(struct xtcp_reasm *q);

static inline bool xtcp_reasm_empty(const struct xtcp_reasm *q)
{
	return RB_EMPTY_ROOT(&q->root);
}

/**
 * xtcp_reasm_insert() - put @skb in its place
 * @q: the queue
 * @skb: a segment with data; seq != end_seq. A FIN at its end counts as the octet
 *	 end_seq - 1 and stays with the segment that carries it.
 *
 * What is queued at the head or at the tail of @skb is kept, and @skb is cut there: data,
 * seq or end_seq, and the FIN if it was behind the cut. Segments between are freed
 * and @skb takes their place. If there is no memory to cut @skb (its data is shared),
 * nothing changes and the peer sends it again.
 *
 * O(log n), O(1) at the end of the queue. Context: socket lock held.
 */
enum xtcp_reasm_result xtcp_reasm_insert(struct xtcp_reasm *q, struct sk_buff *skb);

/*
 * The segment that ends where @skb begins, if nothing that is queued overlaps @skb: both may
 * become one. Else NULL. O(log n), O(1) at the end of the queue.
 */
struct sk_buff *xtcp_reasm_before(const struct xtcp_reasm *q, const struct sk_buff *skb);

/*
 * Take out the first segment if it starts at or before @rcv_nxt, else NULL.
 * It may lie wholly or partly before @rcv_nxt: the caller trims. Its next, prev and dev
 * are NULL.
 */
struct sk_buff *xtcp_reasm_next(struct xtcp_reasm *q, u32 rcv_nxt);

/*
 * Free segments from the far end until at least @goal octets of truesize are
 * gone or the queue is empty. Return: octets of truesize freed.
 */
unsigned int xtcp_reasm_prune(struct xtcp_reasm *q, unsigned int goal);

/* Free everything. */
void xtcp_reasm_purge(struct xtcp_reasm *q);

#endif /* _XTCP_REASM_H */
