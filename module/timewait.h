/* SPDX-License-Identifier: GPL-2.0 */
/* TIME-WAIT: what is left of a connection for 2MSL (RFC 9293 3.10.7.4, RFC 1337). */
#ifndef _XTCP_TIMEWAIT_H
#define _XTCP_TIMEWAIT_H

#include <linux/refcount.h>
#include <linux/timer.h>
#include <linux/uidgid.h>
#include "lookup.h"
#include "stamp.h"

struct sk_buff;
struct sock;

/**
 * struct xtcp_timewait - a connection in TIME-WAIT
 * @node: place in the connection table and among the owners of its port
 * @ref: one of the table, one of the pending timer, one of each user
 * @timer: 2MSL; holds a reference while pending
 * @xn: namespace; it outlives the minisock (xtcp_timewait_purge())
 * @snd_nxt: SND.NXT
 * @rcv_nxt: RCV.NXT
 * @stamp: timestamps, as the socket left them
 * @rcv_wnd: window to show in ACKs, octets
 * @ack_stamp: jiffies of the last ACK sent for an out-of-window segment
 * @mark: mark of the replies
 * @bound_dev: SO_BINDTODEVICE of the socket
 * @uid: its owner, for /proc
 * @family: AF_INET or AF_INET6, as the socket was
 * @tos: type of service of the replies
 * @rcv_wscale: shift of the window field
 *
 * No room is left between them, and none between one and the next: a busy server has many.
 */
struct xtcp_timewait {
	struct xtcp_node node;
	refcount_t ref;
	u32 snd_nxt;
	struct timer_list timer;
	struct xtcp_net *xn;
	u32 rcv_nxt;
	u32 rcv_wnd;
	struct xtcp_stamp stamp;
	unsigned long ack_stamp;
	u32 mark;
	int bound_dev;
	kuid_t uid;
	u8 family;
	u8 tos;
	u8 rcv_wscale;
};

int xtcp_timewait_init(void);
void xtcp_timewait_exit(void);

/*
 * @sk enters TIME-WAIT: a minisock takes its place and the socket goes to CLOSE. Without
 * memory for one, or above max_tw_buckets, the connection ends at once with a counter.
 * Context: socket lock held, BH disabled or not.
 */
void xtcp_timewait_enter(struct sock *sk);

/**
 * xtcp_timewait_segment() - a segment for a minisock
 * @tw: found in the table; the caller's reference stays the caller's
 * @skb: validated segment; the caller frees it
 * @opt: its options
 *
 * Context: softirq, RCU read side.
 * Return: true if @skb is a SYN that may open a new connection (MAY-2). Nothing has
 * changed then: the caller looks for a listener and calls xtcp_timewait_syn().
 */
bool xtcp_timewait_segment(struct xtcp_timewait *tw, struct sk_buff *skb,
			   const struct xtcp_options *opt);

/*
 * A SYN that may open a new connection: with @wanted, somebody listens, and @tw makes room for
 * it; else it is answered as any segment outside the window. Context as above.
 */
void xtcp_timewait_syn(struct xtcp_timewait *tw, bool wanted);

void xtcp_timewait_put(struct xtcp_timewait *tw);

/* End all of a namespace and wait for their timers. Process context. */
void xtcp_timewait_purge(struct xtcp_net *xn);

#endif /* _XTCP_TIMEWAIT_H */
