// SPDX-License-Identifier: GPL-2.0
/*
 * DCTCP: how much of the path is congested, from how many ACKs say so (RFC 8257).
 *
 * For networks whose queues mark early, at a fixed depth, and where both ends use it: the
 * window falls by as much as is marked, so queues stay short and the path full. The
 * receiver's part, an echo for each segment, is ecn.c's. Without ECN it is Reno.
 */
#include <linux/inet_diag.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "cong.h"
#include "dctcp.h"
#include "seq.h"

void xtcp_dctcp_begin(struct xtcp_dctcp *d)
{
	memset(d, 0, sizeof(*d));
	d->alpha = XTCP_DCTCP_ONE;
}

void xtcp_dctcp_observe(struct xtcp_dctcp *d, u32 una, u32 nxt, u32 acked, bool ece)
{
	u32 level;

	if (!d->begun) {
		d->begun = true;
		d->end = una - acked;
	}
	d->acked += acked;
	if (ece)
		d->marked += acked;
	if (!xtcp_seq_after(una, d->end) || !d->acked)
		return;
	level = div_u64((u64)d->marked * XTCP_DCTCP_ONE, d->acked);
	/* Rounded so that an alpha that nothing feeds comes down to zero. */
	d->alpha -= DIV_ROUND_UP(d->alpha, 1U << XTCP_DCTCP_SHIFT);
	d->alpha += level >> XTCP_DCTCP_SHIFT;
	d->end = nxt;
	d->acked = 0;
	d->marked = 0;
}

u32 xtcp_dctcp_reduced(const struct xtcp_dctcp *d, u32 cwnd, u32 mss)
{
	u32 less = div_u64((u64)cwnd * d->alpha, 2 * XTCP_DCTCP_ONE);

	return max(cwnd - less, 2 * mss);
}

/* Private: the estimate, and cwnd before the last mark took its part. */
struct dctcp {
	struct xtcp_dctcp est;
	u32 before;
};

static struct dctcp *dctcp_priv(struct xtcp_cong *c)
{
	BUILD_BUG_ON(sizeof(struct dctcp) > sizeof(c->priv));
	return (struct dctcp *)c->priv;
}

static void dctcp_init(struct xtcp_cong *c)
{
	xtcp_dctcp_begin(&dctcp_priv(c)->est);
}

static void dctcp_event(struct xtcp_cong *c, enum xtcp_cong_event ev)
{
	if (ev == XTCP_CONG_START)
		xtcp_dctcp_begin(&dctcp_priv(c)->est);
}

static void dctcp_acked(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	if (c->ecn)
		xtcp_dctcp_observe(&dctcp_priv(c)->est, ack->una, ack->nxt, ack->acked, ack->ece);
}

/* A loss is a loss (RFC 8257 3.4); only a mark weighs as much as there are of them. */
static u32 dctcp_ssthresh(struct xtcp_cong *c, u32 inflight)
{
	if (c->state != XTCP_CA_CWR)
		return xtcp_reno.ssthresh(c, inflight);
	dctcp_priv(c)->before = c->cwnd;
	return xtcp_dctcp_reduced(&dctcp_priv(c)->est, c->cwnd, c->mss);
}

/* In the round trip of a mark nobody asks for a new ssthresh, and the mark took too little. */
static void dctcp_state(struct xtcp_cong *c, enum xtcp_ca_state state)
{
	if (c->state == XTCP_CA_CWR && state >= XTCP_CA_RECOVERY)
		c->ssthresh = min(c->ssthresh, xtcp_reno.ssthresh(c, dctcp_priv(c)->before));
}

static void dctcp_avoid(struct xtcp_cong *c, const struct xtcp_cong_ack *ack)
{
	xtcp_reno.avoid(c, ack);
}

static size_t dctcp_info(const struct xtcp_cong *c, union tcp_cc_info *info)
{
	const struct xtcp_dctcp *d = &((const struct dctcp *)c->priv)->est;

	if (c->ecn) {
		info->dctcp.dctcp_enabled = 1;
		info->dctcp.dctcp_ce_state = c->ce;
		/* Linux shows 1024ths. */
		info->dctcp.dctcp_alpha = d->alpha / (XTCP_DCTCP_ONE / 1024);
		info->dctcp.dctcp_ab_ecn = d->marked;
		info->dctcp.dctcp_ab_tot = d->acked;
	}
	return sizeof(info->dctcp);
}

/* No owner: DCTCP is part of XTCP, which every socket holds already. */
struct xtcp_cong_ops xtcp_dctcp = {
	.name = "dctcp",
	.flags = XTCP_CONG_NEEDS_ECN,
	.init = dctcp_init,
	.ssthresh = dctcp_ssthresh,
	.avoid = dctcp_avoid,
	.acked = dctcp_acked,
	.event = dctcp_event,
	.state = dctcp_state,
	.info = dctcp_info,
};
