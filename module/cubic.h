/* SPDX-License-Identifier: GPL-2.0 */
/* CUBIC congestion control: its numbers, for the tests (RFC 9438). */
#ifndef _XTCP_CUBIC_H
#define _XTCP_CUBIC_H

#include <linux/types.h>

/* All of these are pure; windows in octets. */

/* The largest whole number whose cube is at most @x, up to 2^21. */
u32 xtcp_cubic_root(u64 x);

/* Milliseconds from a window of @cwnd to the flat part at @w_max (equation 2). */
u32 xtcp_cubic_k_ms(u32 w_max, u32 cwnd, u32 mss);

/* The window @t_ms after the curve began (equation 1). */
u32 xtcp_cubic_window(u32 w_max, u32 k_ms, u32 t_ms, u32 mss);

#endif /* _XTCP_CUBIC_H */
