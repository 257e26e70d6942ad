/* SPDX-License-Identifier: GPL-2.0 */
/* recvmsg, the receive queue, the window we offer, delayed ACKs. */
#ifndef _XTCP_RECV_H
#define _XTCP_RECV_H

#include <linux/types.h>

struct msghdr;
struct sk_buff;
struct sock;
struct xtcp_sock;

/* Why an acknowledgment is owed (xtcp_rcv.ack). */
#define XTCP_ACK_DELAYED	0x01	/* the delayed-ACK timer runs */
#define XTCP_ACK_BATCH		0x02	/* send one at the end of this batch of segments */
#define XTCP_ACK_NOW		0x04	/* send one at the end of this segment */
#define XTCP_ACK_PUSHED		0x08	/* due when the reader has taken all, unless it answers */
#define XTCP_ACK_PUSHED2	0x10	/* ... even if it answers */

#define XTCP_BURST_UNIT		256	/* of xtcp_rcv.burst: a super-segment is 255 of them */

/* Low byte: the octet; the rest: its state (xtcp_rcv.urg). */
#define XTCP_URG_VALID		0x0100	/* the octet has arrived */
#define XTCP_URG_NOTYET		0x0200	/* announced, not arrived */
#define XTCP_URG_READ		0x0400	/* the application has taken it */

/**
 * struct xtcp_rcv - the receive sequence space and what acknowledging needs
 * @nxt: RCV.NXT
 * @wup: RCV.NXT when the last window was advertised
 * @wnd: window advertised then, octets from @wup
 * @copied: next sequence number that the application reads
 * @irs: IRS
 * @again: where the last segment began that was old from end to end, IRS: none was
 * @up: RCV.UP, sequence number of the urgent octet, valid if @urg
 * @ato: delayed-ACK time-out, jiffies
 * @unacked: octets received since the last ACK went out
 * @clamp: largest window to offer (buffer, TCP_WINDOW_CLAMP)
 * @last: jiffies of the last data segment
 * @keep_stamp: jiffies of the last segment of any kind (keepalive idleness)
 * @oow_stamp: jiffies of the last ACK sent for an out-of-window segment
 * @mss: estimate of the peer's segment size
 * @last_len: octets of the last segment, if it was shorter than @mss and no crumb
 * @advmss: MSS option that we sent
 * @urg: XTCP_URG_* and the urgent octet
 * @wscale: shift of our window field
 * @wscale_ok: both sides sent the option, or, before the answer, we offer it
 * @ratio: payload per truesize of what arrives, in 256ths, at least half
 * @ack: XTCP_ACK_*
 * @quick: ACKs to send at once before delaying (start of a connection, QUICKACK)
 * @batch: the backlog is being run: more segments may follow at once
 * @pingpong: the application answers what it reads: ACKs ride on data
 * @burst: octets that came in one piece of late, in units of XTCP_BURST_UNIT, rounded up
 */
struct xtcp_rcv {
	u32 nxt;
	u32 wup;
	u32 wnd;
	u32 copied;
	u32 irs;
	u32 again;
	u32 up;
	u32 ato;
	u32 unacked;
	u32 clamp;
	unsigned long last;
	unsigned long keep_stamp;
	unsigned long oow_stamp;
	u16 mss;
	u16 last_len;
	u16 advmss;
	u16 urg;
	u8 wscale;
	u8 ratio;
	u8 ack;
	u8 quick;
	bool wscale_ok;
	bool batch;
	bool pingpong;
	u8 burst;
};

/* struct proto.recvmsg. Return: octets, 0 at the end of the stream, or -errno. */
int xtcp_recv_msg(struct sock *sk, struct msghdr *msg, size_t len, int flags);

/* Octets that a read would return now, an urgent one not counted. Socket lock held. */
int xtcp_recv_inq(struct sock *sk);

/* struct proto_ops.set_rcvlowat: at most half a buffer, and one that is large enough for it. */
int xtcp_recv_set_lowat(struct sock *sk, int val);

/* True if a reader who waits for @target octets has something to do. */
bool xtcp_recv_readable(struct sock *sk, int target);

#endif /* _XTCP_RECV_H */
