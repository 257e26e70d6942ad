/* SPDX-License-Identifier: GPL-2.0 */
/* Proportional rate reduction: how much may be sent during a recovery (RFC 6937). */
#ifndef _XTCP_PRR_H
#define _XTCP_PRR_H

#include <linux/minmax.h>
#include <linux/math64.h>
#include <linux/types.h>

/**
 * struct xtcp_prr - one recovery; everything in octets
 * @flight: outstanding when it began (RecoverFS)
 * @delivered: arrived since
 * @out: sent since, again or for the first time
 */
struct xtcp_prr {
	u32 flight;
	u32 delivered;
	u32 out;
};

static inline void xtcp_prr_begin(struct xtcp_prr *p, u32 flight)
{
	p->flight = max(flight, 1U);
	p->delivered = 0;
	p->out = 0;
}

/*
 * The congestion window after @delivered more octets arrived, with @pipe octets in flight and
 * @ssthresh to come down to. @safe: the acknowledgment moved SND.UNA and nothing more
 * was found lost, so the window may grow as in slow start; else by what arrived (RFC 6937
 * section 3, with the choice between both bounds of its successor). Pure but for @p.
 */
static inline u32 xtcp_prr_cwnd(struct xtcp_prr *p, u32 pipe, u32 ssthresh, u32 delivered,
				u32 mss, bool safe)
{
	u64 want;
	u32 send;

	p->delivered += delivered;
	if (pipe > ssthresh) {
		want = div_u64((u64)p->delivered * ssthresh + p->flight - 1, p->flight);
		send = want > p->out ? want - p->out : 0;
	} else {
		send = p->delivered > p->out ? p->delivered - p->out : 0;
		send = max(send, delivered);
		if (safe)
			send += mss;
		send = min(send, ssthresh - pipe);
	}
	/* The first segment of a recovery always goes. */
	if (!p->out)
		send = max(send, mss);
	return pipe + send;
}

#endif /* _XTCP_PRR_H */
