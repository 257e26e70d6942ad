// SPDX-License-Identifier: GPL-2.0
/*
 * RACK: which segments are lost, by the time they were sent (RFC 8985 section 6).
 *
 * Time and not sequence numbers decides: a segment is lost if one that was sent later has
 * arrived, and so long ago that reordering does not explain it. So lost retransmissions and
 * lost tails are found by the same rule.
 */
#include <net/sock.h>

#include "rack.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "xtcp_sock.h"

void xtcp_rack_init(struct xtcp_sock *xs)
{
	memset(&xs->rack, 0, sizeof(xs->rack));
	xs->rack.steps = 1;
	xs->rack.high = xs->snd.iss;
	xs->rack.before = xs->snd.iss;
	xs->rack.round = xs->snd.iss;
}

bool xtcp_rack_sent_after(u32 sent_us, u32 end_seq, u32 ref_us, u32 ref_end)
{
	return sent_us == ref_us ? xtcp_seq_after(end_seq, ref_end) :
				   xtcp_seq_after(sent_us, ref_us);
}

u32 xtcp_rack_wait(const struct xtcp_rack *rack, u32 min_rtt_us, u32 srtt_us, bool sure)
{
	if (!rack->reordered && sure)
		return 0;
	return min_t(u64, (u64)min_rtt_us / 4 * rack->steps, srtt_us);
}

void xtcp_rack_next_ack(struct xtcp_sock *xs)
{
	xs->rack.before = xs->rack.high;
}

void xtcp_rack_delivered(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb, u32 start, u32 end)
{
	struct xtcp_rack *rack = &xs->rack;
	u32 rtt = xs->now_us - cb->sent_us;

	if (xtcp_seq_before(end, rack->before) && !(cb->mark & XTCP_MARK_EVER_RETRANS)) {
		rack->reordered = true;
		rack->reord_seen++;
		rack->extent = max(rack->extent, rack->before - start);
	}
	rack->high = xtcp_seq_max(rack->high, end);
	/* Sooner than any round trip: the first transmission arrived, not this one. */
	if ((cb->mark & XTCP_MARK_EVER_RETRANS) && xs->rtt.min_us != U32_MAX &&
	    rtt < xs->rtt.min_us)
		return;
	rack->rtt_us = max(rtt, 1U);
	rack->news = true;
	if (!rack->valid ||
	    xtcp_rack_sent_after(cb->sent_us, end, rack->sent_us, rack->end_seq)) {
		rack->sent_us = cb->sent_us;
		rack->end_seq = end;
		rack->valid = true;
	}
}

u32 xtcp_rack_reordering(const struct xtcp_rack *rack, u32 mss)
{
	return max_t(u32, DIV_ROUND_UP(rack->extent, mss), XTCP_DUPACK_THRESHOLD);
}

void xtcp_rack_duplicate(struct xtcp_sock *xs)
{
	struct xtcp_rack *rack = &xs->rack;

	/* A few may be repairs that the network doubled, which is nothing to wait for. */
	if ((u64)xs->dsack_repairs * XTCP_RACK_NEEDLESS >= xs->total_retrans)
		rack->reordered = true;
	if (xtcp_seq_before(xs->snd.una, rack->round))
		return;
	rack->round = xs->snd.nxt;
	if (rack->steps < U8_MAX)
		rack->steps++;
	rack->persist = XTCP_RACK_PERSIST;
}

void xtcp_rack_late(struct xtcp_rack *rack)
{
	rack->reordered = true;
}

void xtcp_rack_recovered(struct xtcp_sock *xs)
{
	struct xtcp_rack *rack = &xs->rack;

	if (rack->persist && !--rack->persist)
		rack->steps = 1;
}

u32 xtcp_rack_detect(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_rack *rack = &xs->rack;
	bool sure = xs->cong.state >= XTCP_CA_RECOVERY ||
		    xs->rtxq.sacked >= XTCP_DUPACK_THRESHOLD * xs->snd.mss;
	u32 wait = xtcp_rack_wait(rack, xs->rtt.min_us, xs->rtt.srtt_us >> 3, sure), next = 0;
	struct sk_buff *skb, *tmp;

	sock_owned_by_me(sk);
	rack->news = false;
	if (!rack->valid)
		return 0;
	list_for_each_entry_safe(skb, tmp, &xs->rtxq.sent, tcp_tsorted_anchor) {
		const struct xtcp_skb_cb *cb = xtcp_cb(skb);
		s32 left;

		if (!xtcp_rack_sent_after(rack->sent_us, rack->end_seq, cb->sent_us, cb->end_seq))
			break;
		left = rack->rtt_us + wait - (xs->now_us - cb->sent_us);
		if (left <= 0)
			xtcp_rtxq_mark_lost(&xs->rtxq, skb, xs->snd.una);
		else
			next = max_t(u32, next, left);
	}
	return next;
}

bool xtcp_rack_is_recent(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb)
{
	u32 wait = xtcp_rack_wait(&xs->rack, xs->rtt.min_us, xs->rtt.srtt_us >> 3, false);

	return xs->rack.valid && (s32)(xs->rack.rtt_us + wait - (xs->now_us - cb->sent_us)) > 0;
}
