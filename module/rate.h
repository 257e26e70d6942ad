/* SPDX-License-Identifier: GPL-2.0 */
/* Delivery-rate samples: how fast the path takes what is sent (draft-ietf-ccwg-bbr 4.1). */
#ifndef _XTCP_RATE_H
#define _XTCP_RATE_H

#include <linux/types.h>

/**
 * struct xtcp_rate - what has arrived at the peer so far
 * @delivered: octets, ever; the marks hold its low 32 bits
 * @delivered_us: when the last of them were reported
 * @first_us: when the segment was sent from which the next sending interval counts
 * @limited_until: the application left the path idle: samples that begin before
 *		   @delivered reaches this say so; 0: it did not
 * @bytes: the last sample that counts, for TCP_INFO: octets
 * @interval_us: and the time they took, 0: none yet
 * @limited: it was taken from an idle path
 */
struct xtcp_rate {
	u64 delivered;
	u32 delivered_us;
	u32 first_us;
	u32 limited_until;
	u32 bytes;
	u32 interval_us;
	bool limited;
};

/* struct xtcp_rate as a segment left (xtcp_skb_cb). */
struct xtcp_rate_mark {
	u32 delivered;
	u32 delivered_us;
	u32 first_us;
	bool limited;
};

/**
 * struct xtcp_rate_sample - one acknowledgment's measure
 * @prior: octets delivered when the newest segment it reports was sent
 * @prior_us: and when that was so
 * @send_us: time over which what it reports was sent
 * @sent_us: when that segment was sent
 * @end_seq: and its end: orders what was sent at the same time
 * @bytes: octets delivered since (xtcp_rate_finish())
 * @interval_us: time they took: the longer of sending and arriving, 0: no sample
 * @valid: the acknowledgment reports something
 * @limited: the path was not filled
 * @again: the segment was sent more than once
 */
struct xtcp_rate_sample {
	u32 prior;
	u32 prior_us;
	u32 send_us;
	u32 sent_us;
	u32 end_seq;
	u32 bytes;
	u32 interval_us;
	bool valid;
	bool limited;
	bool again;
};

/* A segment leaves; @idle: nothing else is on its way. */
void xtcp_rate_sent(struct xtcp_rate *r, struct xtcp_rate_mark *mark, u32 now_us, bool idle);

/*
 * @octets of the segment that left at @sent_us with @mark, and ends at @end_seq, have
 * arrived, @again if it was sent more than once.
 */
void xtcp_rate_arrived(struct xtcp_rate *r, struct xtcp_rate_sample *rs,
		       const struct xtcp_rate_mark *mark, u32 sent_us, u32 end_seq, u32 octets,
		       bool again, u32 now_us);

/*
 * All that an acknowledgment reports is entered: the sample. One shorter than @min_rtt_us
 * (U32_MAX: not known) is none: its segments were acknowledged before they could arrive.
 */
void xtcp_rate_finish(struct xtcp_rate *r, struct xtcp_rate_sample *rs, u32 min_rtt_us);

/* The application leaves the path idle, with @inflight octets on their way. */
void xtcp_rate_limited(struct xtcp_rate *r, u32 inflight);

#endif /* _XTCP_RATE_H */
