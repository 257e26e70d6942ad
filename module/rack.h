/* SPDX-License-Identifier: GPL-2.0 */
/* RACK: which segments are lost, by the time they were sent (RFC 8985). */
#ifndef _XTCP_RACK_H
#define _XTCP_RACK_H

#include <linux/types.h>

struct sock;
struct xtcp_skb_cb;
struct xtcp_sock;

/* Round trips of recovery without a duplicate after which the wait is short again. */
#define XTCP_RACK_PERSIST	16

/* One repair in so many needless: there is reordering that repairs hide from us. */
#define XTCP_RACK_NEEDLESS	8

/**
 * struct xtcp_rack - what the segments that arrived say of those that did not
 * @sent_us: when the one sent last of those that arrived was sent
 * @end_seq: its end, which orders what was sent at the same time
 * @rtt_us: its round-trip time
 * @high: highest sequence number that arrived
 * @before: @high without what the acknowledgment in hand reports
 * @round: SND.NXT when the wait last grew: once a round trip is enough
 * @extent: octets from the start of the segment that came latest, of all that did so, to
 *	    the end of what had overtaken it
 * @reord_seen: how often a segment arrived behind a later one
 * @steps: the wait for reordered segments in quarters of the smallest round-trip time
 * @persist: recoveries without a duplicate until @steps falls back to one
 * @reordered: a segment arrived behind a later one, or was only late when it seemed lost
 * @valid: something has arrived: the fields above count
 * @news: something has arrived since the last xtcp_rack_detect()
 */
struct xtcp_rack {
	u32 sent_us;
	u32 end_seq;
	u32 rtt_us;
	u32 high;
	u32 before;
	u32 round;
	u32 extent;
	u32 reord_seen;
	u8 steps;
	u8 persist;
	bool reordered;
	bool valid;
	bool news;
};

void xtcp_rack_init(struct xtcp_sock *xs);

/* Was (@sent_us, @end_seq) sent after (@ref_us, @ref_end)? Pure. */
bool xtcp_rack_sent_after(u32 sent_us, u32 end_seq, u32 ref_us, u32 ref_end);

/*
 * Microseconds to wait for a segment that later ones overtook: none where nothing was
 * ever reordered and loss is likely (@sure), else @steps quarters of @min_rtt_us, at most one
 * smoothed round trip. Pure.
 */
u32 xtcp_rack_wait(const struct xtcp_rack *rack, u32 min_rtt_us, u32 srtt_us, bool sure);

/* An acknowledgment comes: what it reports arrived in an order that it does not tell. */
void xtcp_rack_next_ack(struct xtcp_sock *xs);

/* The octets from @start to @end, not yet reported, have arrived; @cb says when they were sent. */
void xtcp_rack_delivered(struct xtcp_sock *xs, const struct xtcp_skb_cb *cb, u32 start, u32 end);

/*
 * Segments of @mss octets that later ones overtook at most, that one counted; as in Linux at
 * least the three that mean a loss where nothing was reordered. Pure.
 */
u32 xtcp_rack_reordering(const struct xtcp_rack *rack, u32 mss);

/* The peer reports that a repair arrived twice: we waited too little (RFC 8985 6.2 step 4). */
void xtcp_rack_duplicate(struct xtcp_sock *xs);

/* What was believed lost had only been overtaken: wait in recoveries, too. */
void xtcp_rack_late(struct xtcp_rack *rack);

/* A recovery is over: one more without a duplicate, if it was. */
void xtcp_rack_recovered(struct xtcp_sock *xs);

/**
 * xtcp_rack_detect() - mark what is lost
 * @sk: the socket, locked
 *
 * Goes through what is under way in the order of transmission and stops at the first
 * that was sent after the newest that arrived: each segment is looked at about once.
 *
 * Return: microseconds until the next one may be believed lost, 0: none waits.
 */
u32 xtcp_rack_detect(struct sock *sk);

/* So short under way that even now it cannot be missed (what a time-out spares). */
bool xtcp_rack_is_recent(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb);

#endif /* _XTCP_RACK_H */
