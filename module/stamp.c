// SPDX-License-Identifier: GPL-2.0
/* Timestamps: our clock on the wire, PAWS, round-trip times from echoes (RFC 7323). */
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include "family.h"
#include "isn.h"
#include "options.h"
#include "rtt.h"
#include "stamp.h"

/* RFC 7323 5.5: a TS.Recent older than this may be younger again by wrapping. */
#define STAMP_VALID_S	(24 * 24 * 60 * 60)

u32 xtcp_stamp_clock(void)
{
	return (u32)div_u64(ktime_get_ns(), NSEC_PER_MSEC);
}

void xtcp_stamp_init(struct xtcp_stamp *s, struct xtcp_net *xn, const struct xtcp_key *key)
{
	int mode = READ_ONCE(xn->sysctl.timestamps);

	memset(s, 0, sizeof(*s));
	s->ok = mode;
	if (mode == 1)
		s->offset = xtcp_isn_stamp_offset(key);
}

void xtcp_stamp_fill(const struct xtcp_stamp *s, u32 now, struct xtcp_options *opt)
{
	if (!s->ok)
		return;
	opt->seen |= XTCP_SEEN_TS;
	opt->tsval = now + s->offset;
	opt->tsecr = s->recent;
}

bool xtcp_stamp_is_old(const struct xtcp_stamp *s, u32 tsval, u32 now_s)
{
	return s->valid && (s32)(tsval - s->recent) < 0 && now_s - s->recent_at < STAMP_VALID_S;
}

void xtcp_stamp_update(struct xtcp_stamp *s, u32 tsval, u32 now_s)
{
	if (xtcp_stamp_is_old(s, tsval, now_s))
		return;
	s->recent = tsval;
	s->recent_at = now_s;
	s->valid = true;
}

u32 xtcp_stamp_rtt_us(const struct xtcp_stamp *s, u32 tsecr, u32 now)
{
	u32 ms = now + s->offset - tsecr;

	if (ms > XTCP_RTO_MAX_US / USEC_PER_MSEC)
		return 0;
	return (ms ?: 1) * USEC_PER_MSEC;
}
