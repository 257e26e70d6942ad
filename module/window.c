// SPDX-License-Identifier: GPL-2.0
/* Window arithmetic and the silly-window rules of both sides (RFC 9293 3.8.6). */
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include "window.h"

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
