/* SPDX-License-Identifier: GPL-2.0 */
/* The peer's SACK blocks, entered in the retransmit queue (RFC 2018, 2883, 6675). */
#ifndef _XTCP_SCOREBOARD_H
#define _XTCP_SCOREBOARD_H

#include "options.h"

struct sock;
struct xtcp_rtxq_acked;

/**
 * struct xtcp_scoreboard - what the last acknowledgment reported
 * @block: its blocks, valid ones only; all of them are marked in the queue
 * @num: how many
 *
 * A block mostly grows by what is new: only that is looked for in the queue.
 */
struct xtcp_scoreboard {
	struct xtcp_sack_block block[XTCP_OPT_SACK_MAX];
	u8 num;
};

/**
 * xtcp_scoreboard_update() - mark what an acknowledgment reports
 * @sk: the socket, locked; snd.una is still the old one
 * @opt: the blocks
 * @ack: the segment's acknowledgment number
 * @res: delivered, original and dsack are set, the rest is left alone
 *
 * Blocks that report what was never sent, or is acknowledged already, are counted and
 * ignored. Segments are cut where a block begins or ends inside them; without memory for
 * that the part is taken as not reported, and will be again.
 */
void xtcp_scoreboard_update(struct sock *sk, const struct xtcp_options *opt, u32 ack,
			    struct xtcp_rtxq_acked *res);

/* The marks in the queue are gone, or no longer to be trusted. */
static inline void xtcp_scoreboard_forget(struct xtcp_scoreboard *sb)
{
	sb->num = 0;
}

#endif /* _XTCP_SCOREBOARD_H */
