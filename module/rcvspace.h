/* SPDX-License-Identifier: GPL-2.0 */
/* A receive buffer that keeps ahead of its sender: what a reader takes in a round trip. */
#ifndef _XTCP_RCVSPACE_H
#define _XTCP_RCVSPACE_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_options;

/**
 * struct xtcp_rcvspace - how much a reader takes in one round trip
 * @rtt_us: the receiver's estimate of the round-trip time; 0: none yet
 * @least_us: smallest sample of this round, U32_MAX: none
 * @echo: the echo of our clock that the last sample was taken from
 * @edge: right edge of the window whose arrival is timed
 * @edge_us: when that window was on offer
 * @copied: where the reader was at his last read
 * @start: sequence number at which the reader's round began
 * @start_us: when it began
 * @last: octets of the round before
 * @best: most octets of a round
 * @want: window that is wanted for them, octets; never becomes smaller
 *
 * Dynamic right-sizing (M. Fisk, W. Feng, "Dynamic Right-Sizing in TCP", 2001): a window of twice
 * what the reader takes in a round trip does not hold the sender back. A round need not end
 * before the window follows: one that has already brought more than any other widens it at
 * once. While rounds grow, the window is six times as wide: the acknowledgments of the
 * next round, which is twice as long, leave before the reader has taken any of it, and each
 * of them lets the sender double again.
 *
 * Takes the caller's clock in microseconds and knows nothing of sockets; the owner serialises.
 */
struct xtcp_rcvspace {
	u32 rtt_us;
	u32 least_us;
	u32 echo;
	u32 edge;
	u32 edge_us;
	u32 copied;
	u32 start;
	u32 start_us;
	u32 last;
	u32 best;
	u32 want;
};

/*
 * A connection begins: @seq is the first octet that the reader will get, @edge the right
 * edge of the window on offer, @rtt_us what the handshake took, 0 if that is not known.
 */
void xtcp_rcvspace_init(struct xtcp_rcvspace *s, u32 seq, u32 edge, u32 rtt_us, u32 now_us);

/*
 * A full segment echoed our clock as it was @ms milliseconds ago. Each value of @echo counts
 * once: what comes behind its first segment was sent later. A sender that waits for its
 * application makes samples too long, so the least of a round counts, and raises the
 * estimate by half of it at most.
 */
void xtcp_rcvspace_echo(struct xtcp_rcvspace *s, u32 echo, u32 ms);

/*
 * Without timestamps: RCV.NXT is @nxt and the window on offer ends at @edge. A whole window
 * takes a round trip or longer, so this only ever makes the estimate smaller.
 */
void xtcp_rcvspace_arrived(struct xtcp_rcvspace *s, u32 nxt, u32 edge, u32 now_us);

/*
 * The reader has taken everything before @copied; a segment has @mss octets. Return: the
 * window that he needs now, octets; 0 while nothing is known.
 */
u32 xtcp_rcvspace_read(struct xtcp_rcvspace *s, u32 copied, u32 mss, u32 now_us);

/* The same for a connection. Socket lock held. */

/* The handshake is over. */
void xtcp_rcvspace_start(struct sock *sk);

/* @skb arrived with data; its sequence number is acceptable. */
void xtcp_rcvspace_segment(struct sock *sk, const struct sk_buff *skb,
			   const struct xtcp_options *opt);

/*
 * The reader took something: let the buffer grow to what he needs, up to rmem[2], unless
 * SO_RCVBUF or net.xtcp.moderate_rcvbuf fixed it or memory is short.
 */
void xtcp_rcvspace_adjust(struct sock *sk);

#endif /* _XTCP_RCVSPACE_H */
