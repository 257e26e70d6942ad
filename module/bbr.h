/* SPDX-License-Identifier: GPL-2.0 */
/* BBR, version 1: its state and arithmetic, for bbr.c and its tests. */
#ifndef _XTCP_BBR_H
#define _XTCP_BBR_H

#include <linux/types.h>
#include <linux/win_minmax.h>

struct xtcp_cong;

enum xtcp_bbr_mode {
	XTCP_BBR_STARTUP,	/* doubles the rate until it grows no more */
	XTCP_BBR_DRAIN,		/* sends less until what that queued has left */
	XTCP_BBR_PROBE_BW,	/* steady: a cycle of eight phases */
	XTCP_BBR_PROBE_RTT,	/* almost nothing in flight, to see the path without queues */
};

/**
 * struct xtcp_bbr - one connection, in xtcp_cong.priv
 * @bw: rate of the bottleneck, 256ths of an octet a millisecond: highest of ten round trips
 * @min_rtt_us: least round-trip time of ten seconds, U32_MAX: none yet
 * @min_rtt_stamp_us: when it was seen
 * @probe_rtt_us: when so little was in flight as PROBE_RTT wants
 * @phase_us: when the phase of the cycle began
 * @round_end: octets delivered at which the round trip ends
 * @rounds: round trips so far
 * @calm_round: @rounds when the last recovery ended
 * @prior_cwnd: cwnd before a recovery or PROBE_RTT
 * @full_bw: rate that STARTUP compares with
 * @mode: enum xtcp_bbr_mode
 * @state: enum xtcp_ca_state at the last acknowledgment
 * @full_rounds: round trips in which @full_bw did not grow, up to three
 * @phase: of PROBE_BW, 0..7
 * @full: STARTUP has found the rate
 * @has_rtt: the pacing rate comes from a measured round-trip time
 * @round_start: the last acknowledgment began a round trip
 * @restart: it is the first one after a pause
 * @conserve: first round trip of a recovery: as much leaves as arrives
 * @probe_rtt_waits: PROBE_RTT has drained the path and waits
 * @probe_rtt_round: and a round trip of that is over
 */
struct xtcp_bbr {
	struct minmax bw;
	u32 min_rtt_us;
	u32 min_rtt_stamp_us;
	u32 probe_rtt_us;
	u32 phase_us;
	u32 round_end;
	u32 rounds;
	u32 calm_round;
	u32 prior_cwnd;
	u32 full_bw;
	u8 mode;
	u8 state;
	u8 full_rounds : 2;
	u8 phase : 3;
	bool full : 1;
	bool has_rtt : 1;
	bool round_start : 1;
	bool restart : 1;
	bool conserve : 1;
	bool probe_rtt_waits : 1;
	bool probe_rtt_round : 1;
};

struct xtcp_bbr *xtcp_bbr_of(const struct xtcp_cong *c);

/* @octets in @us as xtcp_bbr.bw counts. Pure, as the next two. */
u32 xtcp_bbr_bw(u32 octets, u32 us);

/* The pacing rate, octets a second, for @bw at @gain (256ths): a hundredth below it. */
u64 xtcp_bbr_rate(u32 bw, u32 gain);

/* Octets on their way at @bw for @min_rtt_us, times @gain (256ths), rounded up. */
u32 xtcp_bbr_bdp(u32 bw, u32 min_rtt_us, u32 gain);

extern struct xtcp_cong_ops xtcp_bbr;

#endif /* _XTCP_BBR_H */
