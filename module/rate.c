// SPDX-License-Identifier: GPL-2.0
/*
 * Delivery-rate samples: how fast the path takes what is sent (draft-ietf-ccwg-bbr 4.1).
 *
 * Each segment carries away how much had arrived when it left. When it arrives itself, the
 * difference over the time is the rate. Of the time to send and the time to arrive the
 * longer counts: acknowledgments that come in a bunch, or a burst that left in one, do not
 * make the path look faster than it is.
 */
#include <linux/limits.h>
#include <linux/minmax.h>
#include "rate.h"
#include "seq.h"

void xtcp_rate_sent(struct xtcp_rate *r, struct xtcp_rate_mark *mark, u32 now_us, bool idle)
{
	/* Time in which nothing was on its way is nobody's. */
	if (idle) {
		r->first_us = now_us;
		r->delivered_us = now_us;
	}
	mark->delivered = r->delivered;
	mark->delivered_us = r->delivered_us;
	mark->first_us = r->first_us;
	mark->limited = r->limited_until;
}

void xtcp_rate_arrived(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
		       const struct xtcp_rate_mark *mark, u32 sent_us, u32 end_seq, u32 octets,
		       bool again, u32 now_us)
{
	r->delivered += octets;
	r->delivered_us = now_us;
	if (rs->valid && !xtcp_seq_after(sent_us, rs->sent_us) &&
	    (sent_us != rs->sent_us || !xtcp_seq_after(end_seq, rs->end_seq)))
		return;
	rs->valid = true;
	rs->prior = mark->delivered;
	rs->prior_us = mark->delivered_us;
	rs->send_us = sent_us - mark->first_us;
	rs->sent_us = sent_us;
	rs->end_seq = end_seq;
	rs->limited = mark->limited;
	rs->again = again;
	r->first_us = sent_us;
}

void xtcp_rate_finish(struct xtcp_rate *r, struct xtcp_rate_sample *rs, u32 min_rtt_us)
{
	if (r->limited_until && xtcp_seq_after(r->delivered, r->limited_until))
		r->limited_until = 0;
	if (!rs->valid)
		return;
	rs->bytes = (u32)r->delivered - rs->prior;
	rs->interval_us = max(rs->send_us, r->delivered_us - rs->prior_us);
	if (min_rtt_us != U32_MAX && rs->interval_us < min_rtt_us)
		rs->interval_us = 0;
	if (!rs->interval_us)
		return;
	/* What an idle path shows is a lower bound, worth having if it is the best there is. */
	if (!rs->limited || !r->interval_us ||
	    (u64)rs->bytes * r->interval_us >= (u64)r->bytes * rs->interval_us) {
		r->bytes = rs->bytes;
		r->interval_us = rs->interval_us;
		r->limited = rs->limited;
	}
}

void xtcp_rate_limited(struct xtcp_rate *r, u32 inflight)
{
	r->limited_until = (u32)(r->delivered + inflight) ?: 1;
}
