/* SPDX-License-Identifier: GPL-2.0 */
/* Round-trip time and retransmission time-out (RFC 6298). */
#ifndef _XTCP_RTT_H
#define _XTCP_RTT_H

#include <linux/time64.h>
#include <linux/types.h>

#define XTCP_RTO_INIT_US	(1 * USEC_PER_SEC)	/* RFC 6298 2.1 */
#define XTCP_RTO_MIN_US		(USEC_PER_SEC / 5)	/* as Linux TCP */
#define XTCP_RTO_MAX_US		(120 * USEC_PER_SEC)

/**
 * struct xtcp_rtt - estimator of one path
 * @srtt_us: smoothed RTT, in eighths of a microsecond; 0: no sample yet
 * @rttvar_us: its variation, in quarters of a microsecond
 * @min_us: smallest sample so far; ~0: none
 * @last_us: newest sample
 * @rto_us: time-out without back-off
 * @backoff: doublings since the last new acknowledgment (RFC 6298 5.5)
 */
struct xtcp_rtt {
	u32 srtt_us;
	u32 rttvar_us;
	u32 min_us;
	u32 last_us;
	u32 rto_us;
	u8 backoff;
};

/* No sample yet: the time-out is XTCP_RTO_INIT_US. */
void xtcp_rtt_init(struct xtcp_rtt *rtt);

/*
 * Take one sample of @us microseconds (0 counts as 1). The caller keeps Karn's
 * rule: never a sample of a segment that was sent twice. Ends the back-off.
 * The variation part of the time-out is at least XTCP_RTO_MIN_US, as Linux has it.
 */
void xtcp_rtt_sample(struct xtcp_rtt *rtt, u32 us);

/* Double the time-out after an expiry (saturates). */
void xtcp_rtt_backoff(struct xtcp_rtt *rtt);

/*
 * The handshake is over, and a segment of it had to be sent again: without a sample
 * data starts with a time-out of three seconds (RFC 6298 5.7). Ends the back-off.
 */
void xtcp_rtt_handshake_lost(struct xtcp_rtt *rtt);

/* The time-out in force in microseconds: rto_us << backoff, at most XTCP_RTO_MAX_US. */
u32 xtcp_rtt_rto(const struct xtcp_rtt *rtt);

#endif /* _XTCP_RTT_H */
