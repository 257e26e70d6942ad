/* SPDX-License-Identifier: GPL-2.0 */
/* The retransmit queue: what is sent and not yet acknowledged. */
#ifndef _XTCP_RTXQ_H
#define _XTCP_RTXQ_H

#include <linux/rbtree.h>
#include <linux/skbuff.h>
#include "rate.h"

struct sock;
struct xtcp_skb_cb;
struct xtcp_sock;

/**
 * struct xtcp_rtxq - sent segments by sequence number, and what is thought of them
 * @root: skbs of up to 64 KB by xtcp_cb()->seq, contiguous from snd.una (its
 *	  first may begin before it: see xtcp_rtxq_clean()) to snd.nxt
 * @sent: those of them that are on their way, in the order of their last transmission
 * @lost: octets marked XTCP_MARK_LOST
 * @lost_ever: octets that ever were, wraps
 * @retrans: octets marked XTCP_MARK_RETRANS
 * @sacked: octets marked XTCP_MARK_SACKED; without SACK, duplicate ACKs times MSS
 */
struct xtcp_rtxq {
	struct rb_root root;
	struct list_head sent;
	u32 lost;
	u32 lost_ever;
	u32 retrans;
	u32 sacked;
};

/* What an acknowledgment took out (xtcp_rtxq_clean()). */
struct xtcp_rtxq_acked {
	u32 bytes;		/* newly acknowledged, SYN and FIN counted */
	u32 delivered;		/* arrived by this news: of @bytes what was not reported before */
	u32 rtt_us;		/* RTT sample, 0: none (Karn) */
	u32 sack_rtt_us;	/* RTT sample of what was reported, 0: none */
	u32 dsack_bytes;	/* octets that arrived twice */
	bool syn;		/* our SYN was among it */
	bool retrans;		/* something among it was sent more than once */
	bool original;		/* something arrived that was sent once, before recovery.high */
	bool dsack;		/* the peer reports octets that arrived twice */
	bool ece;		/* the peer says that our data met congestion (RFC 3168) */
	struct xtcp_rate_sample rate;	/* the delivery rate that it shows */
};

static inline struct sk_buff *xtcp_rtxq_first(const struct xtcp_rtxq *q)
{
	return skb_rb_first(&q->root);
}

/* The one with the highest sequence numbers. */
static inline struct sk_buff *xtcp_rtxq_last(const struct xtcp_rtxq *q)
{
	return skb_rb_last(&q->root);
}

static inline bool xtcp_rtxq_empty(const struct xtcp_rtxq *q)
{
	return RB_EMPTY_ROOT(&q->root);
}

void xtcp_rtxq_init(struct xtcp_rtxq *q);

/* @skb was sent for the first time: it goes to the end of the queue. */
void xtcp_rtxq_append(struct xtcp_rtxq *q, struct sk_buff *skb);

/**
 * xtcp_rtxq_clean() - take out what is acknowledged
 * @sk: the socket, locked
 * @una: SND.UNA before this acknowledgment
 * @ack: SND.UNA after it
 * @res: what it was, beside what SACK blocks said before (scoreboard.h)
 *
 * Only segments acknowledged to their last octet are freed. The first one left
 * may begin before @ack: cutting it would cost a copy for each partial
 * acknowledgment of a 64 KB buffer; xtcp_rtxq_trim() does it if it is sent again.
 */
void xtcp_rtxq_clean(struct sock *sk, u32 una, u32 ack, struct xtcp_rtxq_acked *res);

/* @octets of @cb's segment, up to @end, have arrived: count them, also in the delivery rate. */
void xtcp_rtxq_rate(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb, u32 octets, u32 end,
		    struct xtcp_rate_sample *rs);

/**
 * xtcp_rtxq_split() - cut @skb in two
 * @sk: the socket, locked
 * @skb: in the retransmit queue, or in sk_write_queue if @unsent
 * @len: octets of payload that stay in @skb, 0 < @len < skb->len
 * @unsent: which queue
 *
 * The second part follows @skb in its queue, with the FIN and PSH flags if it had them.
 * Return: 0 or -ENOMEM, then nothing changed.
 */
int xtcp_rtxq_split(struct sock *sk, struct sk_buff *skb, u32 len, bool unsent);

/* Cut off the octets of @skb before @una. 0 or -ENOMEM. Socket lock held. */
int xtcp_rtxq_trim(struct sock *sk, struct sk_buff *skb, u32 una);

/* Mark @skb as lost: it no longer counts as in flight, and is sent again. */
void xtcp_rtxq_mark_lost(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una);

/* The same for everything (time-out), and forget what was thought before. */
void xtcp_rtxq_mark_all_lost(struct xtcp_rtxq *q, u32 una);

/* @skb, which was not marked so, has arrived (RFC 2018). */
void xtcp_rtxq_mark_sacked(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una);

/* Nothing is lost after all: what is marked so is on its way (undo of a recovery). */
void xtcp_rtxq_unmark_lost(struct xtcp_rtxq *q);

/* The first segment that ends after @seq, or NULL: O(log n). */
struct sk_buff *xtcp_rtxq_find(const struct xtcp_rtxq *q, u32 seq);

/*
 * The links of the transmission order lie where an skb has its route and its destructor:
 * whoever clones or frees one takes them away meanwhile.
 */
static inline struct list_head xtcp_rtxq_hide_links(struct sk_buff *skb)
{
	struct list_head links = skb->tcp_tsorted_anchor;

	skb->_skb_refdst = 0;
	skb->destructor = NULL;
	return links;
}

/* @skb has been sent again. */
void xtcp_rtxq_mark_resent(struct xtcp_rtxq *q, struct sk_buff *skb, u32 una);

/* The first segment marked lost, or NULL. */
struct sk_buff *xtcp_rtxq_next_lost(const struct xtcp_rtxq *q);

/* Free a segment of a send queue and give its memory back. Socket lock held. */
void xtcp_rtxq_free_skb(struct sock *sk, struct sk_buff *skb);

/* Free everything sent and unsent. Socket lock held, or the last reference. */
void xtcp_rtxq_purge(struct sock *sk);

#endif /* _XTCP_RTXQ_H */
