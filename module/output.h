/* SPDX-License-Identifier: GPL-2.0 */
/* What may be sent now: windows, Nagle, burst size (RFC 9293 3.8.6, 3.7.4). */
#ifndef _XTCP_OUTPUT_H
#define _XTCP_OUTPUT_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_sock;

/**
 * struct xtcp_snd - the send sequence space and what bounds sending
 * @una: SND.UNA
 * @nxt: SND.NXT
 * @wnd: SND.WND, octets
 * @wl1: SND.WL1, seq of the segment that last updated @wnd
 * @max_wnd: largest @wnd ever seen (MAX(SND.WND), sender SWS)
 * @write_seq: end of what the application has queued; the FIN counts
 * @up: SND.UP, valid while @urgent
 * @sml: end of the last small segment sent (Minshall's Nagle)
 * @iss: ISS
 * @limited_nxt: @nxt when cwnd last stopped a push
 * @last_sent: jiffies of the last data transmission (idle restart)
 * @mss: effective send MSS now: path, peer and option; octets of payload
 * @peer_mss: the MSS option received, or the default (RFC 9293 MUST-15)
 * @pmtu: path MTU that @mss was computed from
 * @head: IP header length that @mss was computed from
 * @wscale: shift of the peer's window field
 * @urgent: urgent data is unacknowledged
 * @nodelay: TCP_NODELAY
 * @cork: TCP_CORK
 * @push_once: setting NODELAY or clearing CORK sends what is queued, once
 * @cwnd_limited: cwnd stopped a push within the last round trip
 */
struct xtcp_snd {
	u32 una;
	u32 nxt;
	u32 wnd;
	u32 wl1;
	u32 max_wnd;
	u32 write_seq;
	u32 up;
	u32 sml;
	u32 iss;
	u32 limited_nxt;
	unsigned long last_sent;
	u16 mss;
	u16 peer_mss;
	u32 pmtu;
	u16 head;
	u8 wscale;
	bool urgent;
	bool nodelay;
	bool cork;
	bool push_once;
	bool cwnd_limited;
};

/**
 * xtcp_output_push() - send whatever windows and Nagle allow
 * @sk: the socket
 *
 * Lost segments first, then new data; arms the retransmit or the probe timer.
 * Context: socket lock held, process or softirq. Never fails: what cannot go
 * now stays queued and a timer is armed.
 */
void xtcp_output_push(struct sock *sk);

/* The same; with @more the application says that more comes: like TCP_CORK, once. */
void xtcp_output_push_more(struct sock *sk, bool more);

/**
 * xtcp_output_resend() - send a segment of the retransmit queue again
 * @sk: the socket, locked
 * @skb: in the retransmit queue; cut to what is outstanding and to @room
 * @room: octets that may go; at least one segment goes
 *
 * Return: 0, -EAGAIN if the window no longer covers it, -ENOMEM or -ENOBUFS.
 */
int xtcp_output_resend(struct sock *sk, struct sk_buff *skb, u32 room);

/*
 * Before more is queued: has the application let the path run idle? Then what the path is seen
 * to deliver is no measure of it (rate.h). Socket lock held.
 */
void xtcp_output_check_idle(struct sock *sk);

/* Octets that a buffer of the send queue should hold: a whole super-segment. */
u32 xtcp_output_size_goal(struct sock *sk);

/* Largest payload of a super-segment; its IP length must fit in 16 bits. */
#define XTCP_GSO_MAX		(65535 - 320)

/* Send one probe beyond a closed window or at its edge (RFC 9293 3.8.6.1). */
void xtcp_output_probe(struct sock *sk);

/* True if something was never sent and the peer's window lets it go. */
bool xtcp_output_may_send_new(const struct sock *sk);

/*
 * Send one segment that was never sent, if the peer's window has room, whatever cwnd and
 * Nagle say. Return: true if it went. Socket lock held.
 */
bool xtcp_output_one_new(struct sock *sk);

/* Recompute snd.mss from the path MTU @pmtu; returns it. Socket lock held. */
u32 xtcp_output_sync_mss(struct sock *sk, u32 pmtu);

/* The MSS in force, after checking that the route has not changed. Socket lock held. */
u32 xtcp_output_current_mss(struct sock *sk);

/* Octets in flight as congestion control counts them: sent, less acknowledged,
 * reported and believed lost, plus sent again.
 */
u32 xtcp_output_inflight(const struct xtcp_sock *xs);

/* Octets queued and not acknowledged, or with @unsent not sent yet. Needs no lock. */
u32 xtcp_output_queued(const struct xtcp_sock *xs, bool unsent);

#endif /* _XTCP_OUTPUT_H */
