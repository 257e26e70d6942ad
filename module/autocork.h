/* SPDX-License-Identifier: GPL-2.0 */
/* Small writes in a row: they are collected for a moment and leave as one super-segment. */
#ifndef _XTCP_AUTOCORK_H
#define _XTCP_AUTOCORK_H

#include <linux/types.h>

struct sock;

/* Writes that follow each other within so many microseconds are one burst. */
#define XTCP_AUTOCORK_GAP_US	50
/* From this one of a burst on they are collected. */
#define XTCP_AUTOCORK_WRITES	8
/* What is collected waits so long at most, microseconds. */
#define XTCP_AUTOCORK_HOLD_US	100
/* The same if the writer has announced more and is on its way to get it. */
#define XTCP_AUTOCORK_MORE_US	1000
/* Writes of so many octets or more are none of a burst. */
#define XTCP_AUTOCORK_LARGE	131072

/**
 * struct xtcp_autocork - what a writer is doing
 * @last_us: when it wrote last, wraps
 * @until_us: when what is collected has to leave, valid if @held
 * @writes: how many writes of the burst there were, saturates; 0: none, or it read since
 * @held: something is being collected
 * @more: the writer has announced more: what is there waits somewhat longer for it
 */
struct xtcp_autocork {
	u32 last_us;
	u32 until_us;
	u8 writes;
	bool held;
	bool more;
};

/* The writer wrote @len octets at @now_us. Pure, as the others with the socket lock held. */
void xtcp_autocork_written(struct xtcp_autocork *c, u32 len, u32 now_us);

/* What it wrote last is not the end of a sendfile(): a burst, whatever came before. Pure. */
void xtcp_autocork_announced(struct xtcp_autocork *c);

/* May what it wrote wait? @full: a super-segment is complete, what is left begins anew. Pure. */
bool xtcp_autocork_waits(struct xtcp_autocork *c, u32 now_us, bool full);

/**
 * xtcp_autocork_hold() - is what was never sent to wait for more?
 * @sk: a connection whose write queue is not empty
 * @goal: octets of a super-segment
 * @more: the writer is here, and said so with MSG_MORE
 * @rest: set if complete super-segments may leave, but what follows them waits
 *
 * Whoever waits is pushed when the time is over (pace.c), before that by a reader who goes to
 * sleep, close(), shutdown() or TCP_NODELAY. Socket lock held. Return: true to send nothing now.
 */
bool xtcp_autocork_hold(struct sock *sk, u32 goal, bool more, bool *rest);

/* The application reads: its small writes are a conversation, and what waits goes. Locked. */
void xtcp_autocork_reader(struct sock *sk);

#endif /* _XTCP_AUTOCORK_H */
