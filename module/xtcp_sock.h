/* SPDX-License-Identifier: GPL-2.0 */
/* struct xtcp_sock: the parts of a connection, each defined by its owner. */
#ifndef _XTCP_SOCK_H
#define _XTCP_SOCK_H

#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <net/inet_sock.h>
#include "ackq.h"
#include "autocork.h"
#include "chrono.h"
#include "cong.h"
#include "ecn.h"
#include "family.h"
#include "listen.h"
#include "lookup.h"
#include "output.h"
#include "pace.h"
#include "plpmtud.h"
#include "reasm.h"
#include "rack.h"
#include "rate.h"
#include "rcvspace.h"
#include "recovery.h"
#include "recv.h"
#include "rtt.h"
#include "rtxq.h"
#include "sack.h"
#include "scoreboard.h"
#include "smallq.h"
#include "stamp.h"
#include "timer.h"
#include "tlp.h"

#if !IS_ENABLED(CONFIG_IPV6)
#error "XTCP keeps every address as an IPv6 one: it needs CONFIG_IPV6"
#endif

/* Work that found the user holding the socket (xtcp_sock.deferred). */
enum xtcp_deferred {
	XTCP_DEFER_TIMER,	/* a timer was due: timer.c */
	XTCP_DEFER_ACK,		/* the backlog is done: the ACK for it, delack.c */
	XTCP_DEFER_PMTU,	/* the path MTU shrank: lower.c */
	XTCP_DEFER_PACE,	/* the next segment may leave: pace.c */
	XTCP_DEFER_SEND,	/* the device's queue has room again: smallq.c */
};

/**
 * struct xtcp_sock - an XTCP socket
 * @inet: must be first
 * @node: place in the connection table and among the owners of its port
 * @xn: its namespace
 * @snd: sending: sequence space, window, MSS (output.h)
 * @rtxq: sent and not acknowledged (rtxq.h)
 * @rcv: receiving: sequence space, window, delayed ACK (recv.h)
 * @rcvspace: what the reader takes in a round trip (rcvspace.h)
 * @reasm: out-of-order queue
 * @stamp: timestamps (stamp.h)
 * @sack: which out-of-order octets we report (sack.h)
 * @scoreboard: what the peer reported last (scoreboard.h)
 * @rack: loss by time (rack.h)
 * @rate: delivery rate (rate.h)
 * @autocork: small writes in a row (autocork.h)
 * @pace: pacing (pace.h)
 * @plpmtud: search for the path's MTU (plpmtud.h)
 * @ecn: explicit congestion notification (ecn.h)
 * @rtt: round-trip time and time-out
 * @cong: congestion control
 * @recovery: loss recovery
 * @tlp: a tail loss probe on its way (tlp.h)
 * @chrono: what the sender waited for (chrono.h)
 * @timer: the one timer and its deadlines (timer.h)
 * @listen: a listener's queues (listen.h). In the place of @sack and @scoreboard, which
 *	    xtcp_socket_start() and xtcp_recovery_init() begin anew for each connection
 * @listed: a listener's lock, and where a listener or a child is listed (listen.h)
 * @ackq: place among the sockets that softirq comes back to (ackq.h)
 * @smallq: what waits for the device's queue (smallq.h)
 * @deferred: bits of enum xtcp_deferred, run by release_cb
 * @txstamp_base: number of the octet that transmit stamps count from (txstamp.h)
 * @pmtu_info: MTU of a deferred ICMP message
 * @now_us: clock at the event being handled, wraps (xtcp_clock_refresh())
 * @now_ms: the same for timestamps on the wire, xtcp_stamp_clock()
 * @keep_idle: TCP_KEEPIDLE in jiffies, 0: the sysctl
 * @keep_intvl: TCP_KEEPINTVL in jiffies, 0: the sysctl
 * @user_timeout: TCP_USER_TIMEOUT in ms, 0: R2 counts retransmissions
 * @linger2: TCP_LINGER2 in jiffies; 0: the sysctl; -1: none
 * @keep_cnt: TCP_KEEPCNT, 0: the sysctl
 * @syn_cnt: TCP_SYNCNT, 0: the sysctl
 * @user_mss: TCP_MAXSEG, 0: none
 * @window_clamp: TCP_WINDOW_CLAMP in octets, 0: none
 * @notsent_lowat: TCP_NOTSENT_LOWAT in octets, 0: none
 * @defer_accept: TCP_DEFER_ACCEPT as expiries of a request's timer, 0: off
 * @tell_inq: TCP_INQ
 * @bytes_sent: octets sent, retransmissions included
 * @bytes_retrans: octets sent again
 * @bytes_acked: octets of ours acknowledged
 * @bytes_received: octets of the peer's acknowledged
 * @segs_in: segments received
 * @segs_out: segments sent
 * @data_segs_in: those of them with data
 * @data_segs_out: segments sent with data
 * @total_retrans: segments sent again
 * @rehash: times that a time-out drew another flow label and path
 * @delivered: segments with data that arrived at the peer, those that arrived twice counted so
 * @delivered_ce: segments whose acknowledgment said ECE
 * @received_ce: segments received with data that the path had marked (RFC 3168)
 * @ooo_segs_in: segments received with data that was out of order
 * @dsack_dups: segments that the peer reported to have received twice
 * @dsack_repairs: those of them that may have been sent again
 *
 * The order is that of use, and without gaps: 16 objects of 2048 octets fill a slab, one octet
 * more makes it 15.
 *
 * Everything is written under the socket lock. Poll, ioctls and /proc read single words
 * without it; those that they act on are written by WRITE_ONCE().
 */
struct xtcp_sock {
	struct inet_sock	inet;
	struct xtcp_node	node;

	/* What each segment touches */
	struct xtcp_net		*xn;
	struct xtcp_snd		snd;
	unsigned long		deferred;
	struct xtcp_rtxq	rtxq;
	struct xtcp_stamp	stamp;
	u32			now_us;
	u32			now_ms;
	struct xtcp_rcv		rcv;
	struct xtcp_ackq_node	ackq;
	struct xtcp_smallq	smallq;
	struct xtcp_timers	timer;
	struct xtcp_rtt		rtt;
	struct xtcp_ecn		ecn;
	struct xtcp_autocork	autocork;
	struct xtcp_cong	cong;
	struct xtcp_rate	rate;
	u64			bytes_sent;
	u64			bytes_acked;
	u64			bytes_received;
	u32			segs_in;
	u32			segs_out;
	u32			data_segs_in;
	u32			data_segs_out;
	u32			delivered;
	u32			delivered_ce;
	struct xtcp_chrono	chrono;
	struct xtcp_pace	pace;
	struct xtcp_rcvspace	rcvspace;
	u16			user_mss;
	u8			defer_accept;
	bool			tell_inq;
	struct xtcp_rack	rack;
	struct xtcp_tlp		tlp;

	/* What most connections do without, most of the time */
	struct xtcp_reasm	reasm;
	union {
		struct {
			struct xtcp_sack	sack;
			struct xtcp_scoreboard	scoreboard;
		};
		struct xtcp_listen	listen;
	};
	struct xtcp_recovery	recovery;
	struct xtcp_plpmtud	plpmtud;
	struct xtcp_listed	listed;
	u64			bytes_retrans;
	u32			total_retrans;
	u32			rehash;
	u32			received_ce;
	u32			ooo_segs_in;
	u32			dsack_dups;
	u32			dsack_repairs;
	u32			txstamp_base;
	u32			pmtu_info;
	unsigned int		keep_idle;
	unsigned int		keep_intvl;
	u32			user_timeout;
	int			linger2;
	u32			window_clamp;
	u32			notsent_lowat;
	u8			keep_cnt;
	u8			syn_cnt;
};

/* The IPv6 variant has its ipv6_pinfo behind it (inet6_sk() finds it by pointer). */
struct xtcp6_sock {
	struct xtcp_sock	xtcp;
	struct ipv6_pinfo	inet6;
};

static inline struct xtcp_sock *xtcp_sk(const struct sock *sk)
{
	return (struct xtcp_sock *)sk;
}

static inline struct sock *xtcp_to_sk(struct xtcp_sock *xs)
{
	return &xs->inet.sk;
}

static inline u32 xtcp_clock_us(void)
{
	return (u32)div_u64(ktime_get_ns(), NSEC_PER_USEC);
}

/* One clock read for an event; everything in it sees the same time. */
static inline void xtcp_clock_refresh(struct xtcp_sock *xs)
{
	u64 us = div_u64(ktime_get_ns(), NSEC_PER_USEC);

	xs->now_us = us;
	xs->now_ms = div_u64(us, USEC_PER_MSEC);
}

#endif /* _XTCP_SOCK_H */
