/* SPDX-License-Identifier: GPL-2.0 */
/* Making segments: headers, ACK, SYN, RST (RFC 9293 3.1). */
#ifndef _XTCP_XMIT_H
#define _XTCP_XMIT_H

#include <linux/cache.h>
#include <linux/gfp_types.h>
#include <linux/netdevice.h>
#include <linux/types.h>

/* Room in front of the payload for options, IP, tunnels and the device. */
#define XTCP_HEADROOM	L1_CACHE_ALIGN(128 + MAX_HEADER)

struct sk_buff;
struct sock;
struct xtcp_key;
struct xtcp_net;
struct xtcp_request;
struct xtcp_sock;
struct xtcp_timewait;

/* A segment for a queue: no data yet, room for every header. NULL without memory. */
struct sk_buff *xtcp_xmit_alloc(struct sock *sk, gfp_t gfp);

/**
 * xtcp_xmit_skb() - transmit a segment, or super-segment, of a queue
 * @sk: the socket, locked
 * @skb: stays in its queue; a clone goes out. cb seq, end_seq, flags say what it is
 *
 * Carries the newest acknowledgment and window, so a delayed ACK is done with it.
 * Return: 0, -ENOBUFS without memory for the clone, or what the lower layer said.
 */
int xtcp_xmit_skb(struct sock *sk, struct sk_buff *skb);

/* The same in one segment, even if it is longer than the MSS (RFC 4821). */
int xtcp_xmit_whole(struct sock *sk, struct sk_buff *skb);

/* Send a pure ACK now. Without memory the delayed-ACK timer tries again. Socket lock held. */
void xtcp_xmit_ack(struct sock *sk);

/*
 * Send an ACK with sequence number @seq, which need not be snd.nxt: window probes and
 * keepalives ask for an answer by one that is already acknowledged. Socket lock held.
 */
int xtcp_xmit_ack_seq(struct sock *sk, u32 seq);

/* Answer an unacceptable segment with an ACK, within the rate limits of RFC 5961. */
void xtcp_xmit_challenge_ack(struct sock *sk);
void xtcp_xmit_dupack_limited(struct sock *sk);

/* Tell the peer that the connection is gone (RFC 9293 3.10.5). Socket lock held. */
void xtcp_xmit_rst(struct sock *sk);

/* A bare RST at @seq: in answer to an ACK that this connection cannot have provoked. */
void xtcp_xmit_rst_seq(struct sock *sk, u32 seq);

/* SYN-ACK for @req. 0 or -errno. Context: softirq. */
int xtcp_xmit_synack(struct xtcp_request *req);

/* The ACK of a request: for segments outside the window. */
void xtcp_xmit_request_ack(struct xtcp_request *req);

/* The ACK of TIME-WAIT. */
void xtcp_xmit_timewait_ack(struct xtcp_timewait *tw);

/*
 * Reset in answer to @skb, which belongs to no connection (RFC 9293 3.10.7.1); nothing
 * is sent if it is a RST or was not sent to this host alone.
 */
void xtcp_xmit_reply_rst(struct xtcp_net *xn, struct sk_buff *skb,
			 const struct xtcp_key *key);

/* True once in @interval jiffies (*@stamp); 0 means always. */
bool xtcp_xmit_rate_ok(unsigned long *stamp, unsigned long interval);

#endif /* _XTCP_XMIT_H */
