/* SPDX-License-Identifier: GPL-2.0 */
/* DCTCP: how much of the path is congested, from how many ACKs say so (RFC 8257). */
#ifndef _XTCP_DCTCP_H
#define _XTCP_DCTCP_H

#include <linux/types.h>

/* Alpha is a fraction of this; g, the weight of the newest window, is 1/16 (RFC 8257 4). */
#define XTCP_DCTCP_ONE		(1U << 20)
#define XTCP_DCTCP_SHIFT	4

/**
 * struct xtcp_dctcp - the sender's estimate (RFC 8257 3.3)
 * @alpha: the part of what arrives that meets congestion, of XTCP_DCTCP_ONE
 * @end: WindowEnd, the sequence number where the observation window ends; valid if @begun
 * @acked: BytesAcked, octets acknowledged in it
 * @marked: BytesMarked, those of them with ECE
 * @begun: the first acknowledgment has come
 */
struct xtcp_dctcp {
	u32 alpha;
	u32 end;
	u32 acked;
	u32 marked;
	bool begun;
};

/* Nothing is known: alpha is 1, so that the first mark halves the window, as anybody's does. */
void xtcp_dctcp_begin(struct xtcp_dctcp *d);

/*
 * SND.UNA moved on by @acked octets to @una, and the segment that did so said ECE or not;
 * SND.NXT is @nxt. Pure but for @d.
 */
void xtcp_dctcp_observe(struct xtcp_dctcp *d, u32 una, u32 nxt, u32 acked, bool ece);

/* The window after a mark: @cwnd * (1 - alpha / 2), at least two segments. Pure. */
u32 xtcp_dctcp_reduced(const struct xtcp_dctcp *d, u32 cwnd, u32 mss);

#endif /* _XTCP_DCTCP_H */
