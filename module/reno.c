// SPDX-License-Identifier: GPL-2.0
/* Reno congestion control, counted in octets (RFC 5681). */
#include <linux/minmax.h>
#include "cong.h"

/* RFC 5681 equation 4. What was counted towards the old window is void. */
static u32 reno_ssthresh(struct xtcp_cong *c, u32 inflight)
{
	c->bytes_acked = 0;
	return max(inflight / 2, 2 * c->mss);
}

/*
 * RFC 5681 3.1: slow start, then one MSS for each window of octets acknowledged.
 * A window that the sender did not fill has not been tested and does not grow
 * (RFC 7661 section 4.2).
 */
static void reno_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	u32 left;

	if (!ack->cwnd_limited)
		return;
	left = xtcp_cong_slow_start(c, ack->acked);
	if (!left)
		return;
	c->bytes_acked += left;
	/* At the clamp nothing is saved up: a later, higher clamp is approached afresh. */
	if (c->cwnd >= c->cwnd_clamp) {
		c->bytes_acked = 0;
		return;
	}
	if (c->bytes_acked >= c->cwnd) {
		/* One acknowledgment covers at most what was in flight, about one cwnd. */
		c->bytes_acked = min(c->bytes_acked - c->cwnd, c->cwnd);
		c->cwnd = min(c->cwnd + c->mss, c->cwnd_clamp);
	}
}

/* No owner: Reno is part of XTCP, which every socket holds already. */
struct xtcp_cong_ops xtcp_reno = {
	.name = "reno",
	.ssthresh = reno_ssthresh,
	.avoid = reno_avoid,
};
