/* SPDX-License-Identifier: GPL-2.0 */
/* The path's MTU, found by probes of larger segments and not by ICMP (RFC 4821). */
#ifndef _XTCP_PLPMTUD_H
#define _XTCP_PLPMTUD_H

#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_sock;

/* The window must hold so many segments, or the loss of one would cost too much. */
#define XTCP_PLPMTUD_CWND_SEGS	11

/**
 * struct xtcp_plpmtud - the search; sizes are octets of the whole IP packet
 * @on: the search bounds the size of segments; else only the route does
 * @low: packets of this size arrive: what is sent is no longer
 * @high: longer ones are not tried
 * @probe: size of the probe that is under way, 0: none
 * @start: its first sequence number
 * @end: the one behind its last
 * @stamp: jiffies of the last result
 *
 *	off --black hole, or net.xtcp.mtu_probing is 2--> low is base_mss
 *	a probe is acknowledged: low rises; one alone is lost: high falls; black hole: low falls
 *	high - low below the threshold: found; after probe_interval high rises again
 */
struct xtcp_plpmtud {
	bool on;
	u32 low;
	u32 high;
	u32 probe;
	u32 start;
	u32 end;
	unsigned long stamp;
};

/* -- the search; pure, @now is jiffies ------------------------------------------ */

/* Packets of @low octets pass; from now on sizes up to @high are tried. */
void xtcp_plpmtud_begin(struct xtcp_plpmtud *p, u32 low, u32 high, unsigned long now);

/* The size that packets may have where the route says @pmtu; that bounds the search too. */
u32 xtcp_plpmtud_bound(struct xtcp_plpmtud *p, u32 pmtu);

/*
 * Size of the next probe: half-way, but at most @max. 0 if there is nothing to try: one is under
 * way, or the range is narrower than @threshold.
 */
u32 xtcp_plpmtud_next(const struct xtcp_plpmtud *p, u32 max, u32 threshold);

/* The probe arrived; or it did not, and nothing else was lost. */
void xtcp_plpmtud_passed(struct xtcp_plpmtud *p, unsigned long now);
void xtcp_plpmtud_failed(struct xtcp_plpmtud *p, unsigned long now);

/* Nothing was learned for @interval jiffies: paths change, so try up to @high again. */
void xtcp_plpmtud_reopen(struct xtcp_plpmtud *p, u32 high, unsigned long interval,
			 unsigned long now);

/*
 * Payload to go on with after a black hole swallowed segments of @mss octets: @base, or half
 * of @mss if that is no less or was not enough (@again), but at least @floor.
 */
u32 xtcp_plpmtud_smaller(u32 mss, u32 base, u32 floor, bool again);

/* -- a connection's; socket lock held ---------------------------------------------- */

/* The connection is established: search from the start if mtu_probing is 2. */
void xtcp_plpmtud_established(struct sock *sk);

/**
 * xtcp_plpmtud_wanted() - is it time for a probe? (RFC 4821 7.4)
 * @sk: the socket
 * @cwnd_room: octets that congestion control lets go
 * @wnd_room: octets that the peer's window lets go
 * @wait: set if only the room is missing, and it will come: send nothing until then
 *
 * Return: octets of payload of the probe, the first of the write queue, or 0.
 */
u32 xtcp_plpmtud_wanted(struct sock *sk, u32 cwnd_room, u32 wnd_room, bool *wait);

/* The probe, @skb, has left. */
void xtcp_plpmtud_sent(struct xtcp_sock *xs, const struct sk_buff *skb);

/* snd.una has moved: if it covers the probe segments may be as long as that. */
void xtcp_plpmtud_acked(struct sock *sk);

/*
 * @skb is lost. Return: true if it is the probe and nothing else is: that is no sign
 * of congestion (RFC 4821 7.7). It is marked lost, and the next push sends it again in
 * segments that fit.
 */
bool xtcp_plpmtud_lost(struct sock *sk, struct sk_buff *skb);

/* @skb is sent again: if it is of the probe its acknowledgment will tell nothing. */
void xtcp_plpmtud_resent(struct xtcp_sock *xs, const struct sk_buff *skb);

/* ICMP told of a smaller MTU. Return: true if the probe was too long for that: it is lost. */
bool xtcp_plpmtud_too_big(struct sock *sk);

/* A time-out; after net.xtcp.retries1 of them in a row full segments become shorter. */
void xtcp_plpmtud_timeout(struct sock *sk);

#endif /* _XTCP_PLPMTUD_H */
