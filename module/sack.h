/* SPDX-License-Identifier: GPL-2.0 */
/* What the receiver reports of its out-of-order queue (RFC 2018, RFC 2883). */
#ifndef _XTCP_SACK_H
#define _XTCP_SACK_H

#include "options.h"

/* Blocks that fit into every ACK, timestamps or not. */
#define XTCP_SACK_REPORT	3

/**
 * struct xtcp_sack - blocks to report
 * @block: ranges above RCV.NXT that have arrived, the newest first; no two touch
 * @dup: a range that arrived twice, in front of them once (DSACK)
 * @num: valid entries of @block
 * @fresh: the first of @block that changed since the last report
 * @ok: both SYNs had SACK-permitted, or, before the answer, ours has it
 * @has_dup: @dup is to be reported
 *
 * Older blocks than those that fit are forgotten: the octets stay in the queue, and the
 * sender has heard of them.
 */
struct xtcp_sack {
	struct xtcp_sack_block block[XTCP_OPT_SACK_MAX];
	struct xtcp_sack_block dup;
	u8 num;
	u8 fresh;
	bool ok;
	bool has_dup;
};

/* All of these are pure; the owner serialises (socket lock). */

/* The octets from @start to @end, not empty, are in the queue. */
void xtcp_sack_add(struct xtcp_sack *s, u32 start, u32 end);

/* RCV.NXT moved: what lies before it needs no report. */
void xtcp_sack_advance(struct xtcp_sack *s, u32 rcv_nxt);

/* The queue was cut off at its far end: nothing from @edge on is there any more. */
void xtcp_sack_cut(struct xtcp_sack *s, u32 edge);

/* The octets from @start to @end arrived although they were there. */
void xtcp_sack_duplicate(struct xtcp_sack *s, u32 start, u32 end);

/**
 * xtcp_sack_fill() - put the report into @opt
 * @s: what to report
 * @rcv_nxt: RCV.NXT
 * @room: octets that the header has for it
 * @opt: gets XTCP_SEEN_SACK if anything fits
 */
void xtcp_sack_fill(const struct xtcp_sack *s, u32 rcv_nxt, unsigned int room,
		    struct xtcp_options *opt);

#endif /* _XTCP_SACK_H */
