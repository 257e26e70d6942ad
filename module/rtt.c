// SPDX-License-Identifier: GPL-2.0
/* Round-trip time and retransmission time-out (RFC 6298). */
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include "rtt.h"

/* RFC 6298 5.7: what a handshake that was sent again falls back to. */
#define RTT_FALLBACK_US		(3 * USEC_PER_SEC)

/* Beyond this many doublings every time-out is at its maximum. */
#define RTT_BACKOFF_USEFUL	16

void xtcp_rtt_init(struct xtcp_rtt *rtt)
{
	rtt->srtt_us = 0;
	rtt->rttvar_us = 0;
	rtt->min_us = U32_MAX;
	rtt->last_us = 0;
	rtt->rto_us = XTCP_RTO_INIT_US;
	rtt->backoff = 0;
}

void xtcp_rtt_sample(struct xtcp_rtt *rtt, u32 us)
{
	/* The upper bound keeps eighths inside 32 bits. */
	u32 r = clamp_t(u32, us, 1, XTCP_RTO_MAX_US);
	u32 rto;

	if (!rtt->srtt_us) {
		/* RFC 6298 2.2: SRTT = R, RTTVAR = R/2 */
		rtt->srtt_us = r << 3;
		rtt->rttvar_us = r << 1;
	} else {
		/* RFC 6298 2.3, alpha = 1/8, beta = 1/4; RTTVAR uses the old SRTT */
		u32 srtt = rtt->srtt_us >> 3;
		u32 err = r > srtt ? r - srtt : srtt - r;

		rtt->rttvar_us += err - (rtt->rttvar_us >> 2);
		rtt->srtt_us += r - srtt;
	}
	/* RFC 6298 2.3, K = 4: the variation is kept times four already */
	rto = (rtt->srtt_us >> 3) + max_t(u32, rtt->rttvar_us, XTCP_RTO_MIN_US);
	rtt->rto_us = min_t(u32, rto, XTCP_RTO_MAX_US);
	rtt->min_us = min(rtt->min_us, r);
	rtt->last_us = r;
	rtt->backoff = 0;
}

void xtcp_rtt_backoff(struct xtcp_rtt *rtt)
{
	if (rtt->backoff < U8_MAX)
		rtt->backoff++;
}

void xtcp_rtt_handshake_lost(struct xtcp_rtt *rtt)
{
	rtt->backoff = 0;
	if (!rtt->srtt_us && rtt->rto_us < RTT_FALLBACK_US)
		rtt->rto_us = RTT_FALLBACK_US;
}

u32 xtcp_rtt_rto(const struct xtcp_rtt *rtt)
{
	unsigned int shift = min_t(unsigned int, rtt->backoff, RTT_BACKOFF_USEFUL);

	return min_t(u64, (u64)rtt->rto_us << shift, XTCP_RTO_MAX_US);
}
