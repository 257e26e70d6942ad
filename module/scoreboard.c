// SPDX-License-Identifier: GPL-2.0
/* The peer's SACK blocks, entered in the retransmit queue (RFC 2018, 2883, 6675). */
#include <net/sock.h>

#include "rack.h"
#include "rtxq.h"
#include "scoreboard.h"
#include "seq.h"
#include "skb_cb.h"
#include "xtcp_sock.h"

/*
 * RFC 2883 section 4: the first block reports octets that arrived twice if it lies before the
 * acknowledgment or inside the second block.
 */
static bool scoreboard_first_is_dup(const struct xtcp_options *opt, u32 ack)
{
	const struct xtcp_sack_block *b = opt->sack;

	if (xtcp_seq_before(b[0].start, ack))
		return true;
	return opt->num_sacks > 1 && !xtcp_seq_before(b[0].start, b[1].start) &&
	       !xtcp_seq_after(b[0].end, b[1].end);
}

/* Can the octets of @b be out, and not acknowledged by @ack? */
static bool scoreboard_block_ok(const struct xtcp_sock *xs, const struct xtcp_sack_block *b,
				u32 ack)
{
	return xtcp_seq_before(b->start, b->end) && !xtcp_seq_before(b->start, ack) &&
	       !xtcp_seq_after(b->end, xs->snd.nxt);
}

/* Octets that arrived twice, and that we may have sent: within the last window or two. */
static bool scoreboard_dup_ok(const struct xtcp_sock *xs, const struct xtcp_sack_block *b)
{
	return xtcp_seq_before(b->start, b->end) && !xtcp_seq_after(b->end, xs->snd.nxt) &&
	       xtcp_seq_before(xs->snd.una - b->start, 2 * max(xs->snd.max_wnd, 65535U));
}

/*
 * Is it our doing that @b arrived twice? Not if the network doubles: what we sent once alone, and
 * more than we ever sent again.
 */
static bool scoreboard_dup_is_ours(struct xtcp_sock *xs, const struct xtcp_sack_block *b, u32 segs)
{
	if (!xtcp_seq_before(b->start, xs->snd.una)) {
		const struct sk_buff *skb = xtcp_rtxq_find(&xs->rtxq, b->start);

		if (skb && !(xtcp_cb(skb)->mark & XTCP_MARK_EVER_RETRANS))
			return false;
	}
	xs->dsack_repairs += segs;
	return xs->dsack_repairs <= xs->total_retrans;
}

/* @skb has arrived. */
static void scoreboard_mark(struct xtcp_sock *xs, struct sk_buff *skb, struct xtcp_rtxq_acked *res)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 octets;

	if (cb->mark & XTCP_MARK_SACKED)
		return;
	octets = cb->end_seq - xtcp_seq_max(cb->seq, xs->snd.una);
	res->delivered += octets;
	if (!(cb->mark & XTCP_MARK_EVER_RETRANS)) {
		if (!xtcp_seq_after(cb->end_seq, xs->recovery.high))
			res->original = true;
		/* The first is the oldest, and what an RTT means to the sender. */
		if (!res->sack_rtt_us)
			res->sack_rtt_us = max(xs->now_us - cb->sent_us, 1U);
	}
	xtcp_rack_delivered(xs, cb, cb->end_seq - octets, cb->end_seq);
	xtcp_rtxq_rate(xs, cb, octets, cb->end_seq, &res->rate);
	xtcp_rtxq_mark_sacked(&xs->rtxq, skb, xs->snd.una);
}

/* Cut @skb at @seq, inside it. A FIN behind the last octet cannot be cut off. */
static bool scoreboard_cut(struct sock *sk, struct sk_buff *skb, u32 seq)
{
	u32 len = seq - xtcp_cb(skb)->seq;

	return len < skb->len && !xtcp_rtxq_split(sk, skb, len, false);
}

/* Mark the octets from @start to @end. */
static void scoreboard_range(struct sock *sk, u32 start, u32 end, struct xtcp_rtxq_acked *res)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb = xtcp_rtxq_find(&xs->rtxq, start);

	for (; skb && xtcp_seq_before(xtcp_cb(skb)->seq, end); skb = skb_rb_next(skb)) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);

		if (cb->mark & XTCP_MARK_SACKED)
			continue;
		if (xtcp_seq_before(cb->seq, start)) {
			if (!scoreboard_cut(sk, skb, start))
				return;
			/* The second part comes next. */
			continue;
		}
		if (xtcp_seq_after(cb->end_seq, end) && !scoreboard_cut(sk, skb, end))
			return;
		scoreboard_mark(xs, skb, res);
	}
}

/* What of @b the last acknowledgment did not report: mostly something at one end. */
static void scoreboard_news(struct sock *sk, struct xtcp_sack_block b, struct xtcp_rtxq_acked *res)
{
	const struct xtcp_scoreboard *sb = &xtcp_sk(sk)->scoreboard;
	unsigned int i;

	for (i = 0; i < sb->num; i++) {
		const struct xtcp_sack_block *known = &sb->block[i];

		if (!xtcp_seq_after(known->start, b.start) && xtcp_seq_after(known->end, b.start))
			b.start = xtcp_seq_min(known->end, b.end);
		if (!xtcp_seq_before(known->end, b.end) && xtcp_seq_before(known->start, b.end))
			b.end = xtcp_seq_max(known->start, b.start);
	}
	if (b.start != b.end)
		scoreboard_range(sk, b.start, b.end, res);
}

void xtcp_scoreboard_update(struct sock *sk, const struct xtcp_options *opt, u32 ack,
			    struct xtcp_rtxq_acked *res)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_scoreboard now = { .num = 0 };
	unsigned int i = 0, segs;

	sock_owned_by_me(sk);
	if (scoreboard_first_is_dup(opt, ack)) {
		if (scoreboard_dup_ok(xs, &opt->sack[0])) {
			XTCP_INC(xs->xn, DSACKRECV);
			res->dsack_bytes = opt->sack[0].end - opt->sack[0].start;
			segs = DIV_ROUND_UP(res->dsack_bytes, xs->snd.mss);
			xs->dsack_dups += segs;
			res->dsack = scoreboard_dup_is_ours(xs, &opt->sack[0], segs);
			if (res->dsack)
				xs->delivered += segs;
			else
				XTCP_INC(xs->xn, DSACKIGNOREDDUBIOUS);
		} else {
			XTCP_INC(xs->xn, DSACKIGNORED);
		}
		i = 1;
	}
	for (; i < opt->num_sacks; i++) {
		if (!scoreboard_block_ok(xs, &opt->sack[i], ack)) {
			/* Before the acknowledgment: it was overtaken, and is no news. */
			if (xtcp_seq_after(opt->sack[i].end, ack))
				XTCP_INC(xs->xn, SACKDISCARD);
			continue;
		}
		scoreboard_news(sk, opt->sack[i], res);
		now.block[now.num++] = opt->sack[i];
	}
	xs->scoreboard = now;
}
