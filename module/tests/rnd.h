/* SPDX-License-Identifier: GPL-2.0 */
/* Seeded random numbers for KUnit: the same seed gives the same run. */
#ifndef _XTCP_TESTS_RND_H
#define _XTCP_TESTS_RND_H

#include <linux/prandom.h>
#include <linux/types.h>

/* A number below @n, which is not 0. */
static inline u32 rnd_below(struct rnd_state *rnd, u32 n)
{
	return prandom_u32_state(rnd) % n;
}

/* A number from @lo to @hi, both included; hi - lo is not U32_MAX. */
static inline u32 rnd_range(struct rnd_state *rnd, u32 lo, u32 hi)
{
	return lo + rnd_below(rnd, hi - lo + 1);
}

static inline bool rnd_coin(struct rnd_state *rnd)
{
	return prandom_u32_state(rnd) & 1;
}

#endif /* _XTCP_TESTS_RND_H */
