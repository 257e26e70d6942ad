/* SPDX-License-Identifier: GPL-2.0 */
/* Sequence number arithmetic modulo 2^32 (RFC 9293 section 3.4). */
#ifndef _XTCP_SEQ_H
#define _XTCP_SEQ_H

#include <linux/types.h>

/* A comparison is right while the two numbers are less than 2^31 apart. */
static inline bool xtcp_seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool xtcp_seq_after(u32 a, u32 b)
{
	return xtcp_seq_before(b, a);
}

/* True if lo <= x <= hi on the circle; the ends count. */
static inline bool xtcp_seq_between(u32 x, u32 lo, u32 hi)
{
	return hi - lo >= x - lo;
}

static inline u32 xtcp_seq_max(u32 a, u32 b)
{
	return xtcp_seq_before(a, b) ? b : a;
}

static inline u32 xtcp_seq_min(u32 a, u32 b)
{
	return xtcp_seq_before(a, b) ? a : b;
}

#endif /* _XTCP_SEQ_H */
