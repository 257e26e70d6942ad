// SPDX-License-Identifier: GPL-2.0
/* Window arithmetic and the silly-window rules of both sides (RFC 9293 3.8.6). */
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include "window.h"

/* Under memory pressure a window opens no further than this many segments. */
#define WINDOW_PRESSURE_SEGS	4

u8 xtcp_window_scale_for(u32 space)
{
	u8 scale = 0;

	while (scale < XTCP_WSCALE_MAX && space >> scale > U16_MAX)
		scale++;
	return scale;
}

u64 xtcp_window_to_space(u32 octets, u8 ratio)
{
	return DIV_ROUND_UP((u64)octets * XTCP_WIN_RATIO_ONE, ratio);
}

/* How far the buffer would let the window reach, in units of the window field. */
static u32 window_target(const struct xtcp_window_in *in, u32 step)
{
	u32 unit = 1U << in->wscale;
	u32 space = min_t(u32, in->free, (u32)U16_MAX << in->wscale);

	if (in->pressure)
		space = min_t(u64, space, (u64)WINDOW_PRESSURE_SEGS * in->mss);
	/*
	 * A buffer smaller than one unit would otherwise stay closed for ever:
	 * an SO_RCVBUF that was made small after the scale was negotiated.
	 */
	if (space < unit && space >= step)
		return unit;
	return round_down(space, unit);
}

u32 xtcp_window_select(const struct xtcp_window_in *in)
{
	/*
	 * RFC 9293 3.8.6.2.2: the right edge stays where it is until it can move by a
	 * useful amount. Staying put in units of 1 << wscale means rounding up:
	 * down would take back what was offered (RFC 7323 2.4).
	 */
	u32 keep = min_t(u32, round_up(in->cur, 1U << in->wscale),
			 (u32)U16_MAX << in->wscale);
	u32 step = max_t(u32, min(in->full / 2, in->mss), 1);
	u32 target = window_target(in, step);

	if (target > in->cur && target - in->cur >= step)
		return target;
	return keep;
}

bool xtcp_window_may_send(const struct xtcp_window_out *out)
{
	if (out->len >= out->mss || out->fin)
		return true;
	if (!out->len)
		return false;
	/* The windows cut it short: RFC 9293 3.8.6.2.1 (3), Fs = 1/2 */
	if (!out->last)
		return out->len >= out->max_wnd - out->max_wnd / 2;
	if (out->cork)
		return false;
	return out->nodelay || !out->inflight || !out->small_out;
}
