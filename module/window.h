/* SPDX-License-Identifier: GPL-2.0 */
/* Window arithmetic and the silly-window rules of both sides (RFC 9293 3.8.6). */
#ifndef _XTCP_WINDOW_H
#define _XTCP_WINDOW_H

#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/types.h>

#define XTCP_WSCALE_MAX		14	/* RFC 7323 2.3 */
#define XTCP_WIN_RATIO_ONE	256	/* xtcp_window_from_space() */

/* Shift needed so that @space fits in 16 bits, at most XTCP_WSCALE_MAX. */
u8 xtcp_window_scale_for(u32 space);

/*
 * Octets of payload that @space octets of memory hold when payload is
 * @ratio / 256 of truesize (measured from the segments that arrive).
 */
static inline u32 xtcp_window_from_space(u32 space, u8 ratio)
{
	return (u64)space * ratio / XTCP_WIN_RATIO_ONE;
}

/* The other way round: memory for @octets of payload; @ratio > 0. */
u64 xtcp_window_to_space(u32 octets, u8 ratio);

/**
 * struct xtcp_window_in - what decides the window to advertise
 * @free: octets of payload that still fit in the buffer
 * @full: octets of payload that fit in the whole buffer
 * @cur: what is left of the window last advertised (RCV.NXT to its right edge)
 * @mss: estimate of the peer's segment size
 * @burst: octets that the peer sends in one piece, 0: not known
 * @wscale: our shift
 * @pressure: memory is short: open the window to four segments at most, which keeps
 *	      the connection alive
 */
struct xtcp_window_in {
	u32 free;
	u32 full;
	u32 cur;
	u32 mss;
	u32 burst;
	u8 wscale;
	bool pressure;
};

/* Under memory pressure a window opens no further than this many segments. */
#define XTCP_WINDOW_PRESSURE_SEGS	4

/*
 * What the right edge moves by at least. A peer that sends many segments as one would cut them
 * to what a full buffer lets it have bit by bit: it gets room for a whole one, as far as
 * that is but a small part of the buffer.
 */
static inline u32 xtcp_window_step(const struct xtcp_window_in *in)
{
	u32 step = in->mss;

	if (!in->pressure)
		step = max(step, min(in->burst, in->full / 8));
	return max_t(u32, min(in->full / 2, step), 1);
}

/* How far the buffer would let the window reach, in units of the window field. */
static inline u32 xtcp_window_target(const struct xtcp_window_in *in, u32 step)
{
	u32 unit = 1U << in->wscale;
	u32 space = min_t(u32, in->free, (u32)U16_MAX << in->wscale);

	if (in->pressure)
		space = min_t(u64, space, (u64)XTCP_WINDOW_PRESSURE_SEGS * in->mss);
	/*
	 * A buffer smaller than one unit would otherwise stay closed for ever:
	 * an SO_RCVBUF that was made small after the scale was negotiated.
	 */
	if (space < unit && space >= step)
		return unit;
	return round_down(space, unit);
}

/*
 * The window to advertise, octets, a multiple of 1 << wscale: never shrinks the
 * right edge (SHLD-14), and opens only by xtcp_window_step() at least (MUST-39). May
 * exceed free by less than 1 << wscale, the price of that unit. In here because each
 * segment that leaves asks.
 */
static inline u32 xtcp_window_select(const struct xtcp_window_in *in)
{
	/*
	 * RFC 9293 3.8.6.2.2: the right edge stays where it is until it can move by a
	 * useful amount. Staying put in units of 1 << wscale means rounding up:
	 * down would take back what was offered (RFC 7323 2.4).
	 */
	u32 keep = min_t(u32, round_up(in->cur, 1U << in->wscale),
			 (u32)U16_MAX << in->wscale);
	u32 step = xtcp_window_step(in);
	u32 target = xtcp_window_target(in, step);

	if (target > in->cur && target - in->cur >= step)
		return target;
	return keep;
}

/**
 * struct xtcp_window_out - what decides whether a segment may go (RFC 9293 3.8.6.2.1)
 * @len: octets that could go now: what is queued, as far as the windows reach
 * @mss: effective send MSS
 * @max_wnd: largest window the peer ever offered
 * @inflight: octets sent and not acknowledged
 * @last: @len is all that is queued; false: the windows cut it short
 * @nodelay: Nagle is off
 * @cork: the application holds back partial segments
 * @small_out: a segment smaller than the MSS is unacknowledged (Minshall's form)
 * @fin: the segment carries FIN, or is urgent: nothing more will join it
 */
struct xtcp_window_out {
	u32 len;
	u32 mss;
	u32 max_wnd;
	u32 inflight;
	bool last;
	bool nodelay;
	bool cork;
	bool small_out;
	bool fin;
};

/*
 * Sender's silly-window avoidance with Nagle (MUST-38, SHLD-7) as Linux TCP does it: a
 * full segment goes; so does one of half the largest window when data behind it does not
 * fit; a FIN goes; a partial last segment goes unless corked, or, with Nagle, while a
 * small one is out.
 */
bool xtcp_window_may_send(const struct xtcp_window_out *out);

#endif /* _XTCP_WINDOW_H */
