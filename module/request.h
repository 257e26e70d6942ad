/* SPDX-License-Identifier: GPL-2.0 */
/* Connection requests: SYN-RECEIVED without a socket (a minisock). */
#ifndef _XTCP_REQUEST_H
#define _XTCP_REQUEST_H

#include <linux/refcount.h>
#include <linux/timer.h>
#include "ecn.h"
#include "lookup.h"
#include "options.h"
#include "stamp.h"

struct sk_buff;
struct sock;

/**
 * struct xtcp_request - a passive open before its third segment
 * @node: place in the connection table
 * @ref: one of the table and listener together (dropped by the one who takes the
 *	 node out of the table), one of the pending timer, one of each user
 * @timer: SYN-ACK retransmission; holds a reference while pending
 * @link: in xtcp_listen.requests, under its lock; empty once taken off
 * @listener: who received the SYN; the request holds a reference
 * @iss: our ISS
 * @irs: the peer's
 * @sent_us: clock at the last SYN-ACK, for the first RTT sample
 * @stamp: timestamps, if the SYN had them
 * @ecn: what the SYN asked for and we agreed to
 * @rcv_wnd: window that the SYN-ACK offers
 * @mss: the peer's MSS option, or the default
 * @snd_wscale: shift of the peer's windows
 * @rcv_wscale: shift of ours
 * @wscale_ok: both sides sent the option
 * @sack_ok: the same for SACK-permitted
 * @retrans: SYN-ACKs sent again, whatever the reason: Karn
 * @timeouts: expiries of @timer
 * @late_ms: clock at the first of them
 * @tos: type of service of the SYN
 * @mark: mark of the replies
 * @iif: interface the replies are bound to, 0: any
 * @acked: the third segment came without data, and TCP_DEFER_ACCEPT waits for that
 * @ack_stamp: jiffies of the last answer to a segment that brought nothing
 */
struct xtcp_request {
	struct xtcp_node node;
	refcount_t ref;
	struct timer_list timer;
	struct list_head link;
	struct sock *listener;
	u32 iss;
	u32 irs;
	u32 sent_us;
	struct xtcp_stamp stamp;
	struct xtcp_ecn ecn;
	u32 rcv_wnd;
	u16 mss;
	u8 snd_wscale;
	u8 rcv_wscale;
	bool wscale_ok;
	bool sack_ok;
	u8 retrans;
	u8 timeouts;
	bool acked;
	u32 late_ms;
	u8 tos;
	u32 mark;
	int iif;
	unsigned long ack_stamp;
};

int xtcp_request_init(void);
void xtcp_request_exit(void);

/**
 * xtcp_request_syn() - a SYN reached a listener (RFC 9293 3.10.7.2)
 * @listener: not locked
 * @skb: the SYN; the caller frees it
 * @key: its connection
 * @opt: its options
 * @old_nxt: SND.NXT of the connection in TIME-WAIT that it takes over from, or NULL
 *
 * Makes a request and answers with SYN-ACK, or drops the SYN with a counter.
 * Context: softirq, RCU read side.
 */
void xtcp_request_syn(struct sock *listener, struct sk_buff *skb, const struct xtcp_key *key,
		      const struct xtcp_options *opt, const u32 *old_nxt);

/**
 * xtcp_request_segment() - a segment for a request (SYN-RECEIVED, RFC 9293 3.10.7.4)
 * @req: found in the table; the caller's reference stays the caller's
 * @skb: validated segment
 * @opt: its options
 *
 * Context: softirq, RCU read side.
 * Return: the child, locked (bh_lock_sock) and with a reference, to which the
 * caller gives @skb; NULL if @skb is dealt with and to be freed.
 */
struct sock *xtcp_request_segment(struct xtcp_request *req, struct sk_buff *skb,
				  const struct xtcp_options *opt);

/* Take @req out of the table, its listener and its timer. Idempotent. Any context. */
void xtcp_request_drop(struct xtcp_request *req);

void xtcp_request_put(struct xtcp_request *req);

/* The listener closes: end all its requests. Socket lock held. */
void xtcp_request_drop_all(struct sock *listener);

#endif /* _XTCP_REQUEST_H */
