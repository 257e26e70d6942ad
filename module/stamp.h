/* SPDX-License-Identifier: GPL-2.0 */
/* Timestamps: our clock on the wire, PAWS, round-trip times from echoes (RFC 7323). */
#ifndef _XTCP_STAMP_H
#define _XTCP_STAMP_H

#include <linux/types.h>

/* Octets of each header that the option takes, padding included (RFC 7323 appendix A). */
#define XTCP_STAMP_SPACE	12

struct xtcp_key;
struct xtcp_net;
struct xtcp_options;

/**
 * struct xtcp_stamp - timestamps of one connection
 * @offset: added to our clock, so that it tells nothing of the machine's; milliseconds
 * @recent: TS.Recent, the peer's clock that we echo
 * @recent_at: second of the monotonic clock when @recent was set
 * @ok: both SYNs had the option, or, before the answer, ours has it
 * @valid: @recent has been set
 */
struct xtcp_stamp {
	u32 offset;
	u32 recent;
	u32 recent_at;
	bool ok;
	bool valid;
};

/* The clock behind TSval: milliseconds, wraps. */
u32 xtcp_stamp_clock(void);

/* A new connection @key: offset by the namespace's sysctl, nothing received yet. */
void xtcp_stamp_init(struct xtcp_stamp *s, struct xtcp_net *xn, const struct xtcp_key *key);

/* Add the option to @opt if the connection has it; @now from xtcp_stamp_clock(). Pure. */
void xtcp_stamp_fill(const struct xtcp_stamp *s, u32 now, struct xtcp_options *opt);

/*
 * PAWS (RFC 7323 5.3 R1): @tsval is older than TS.Recent, which is less than 24 days old. Pure;
 * @now_s in seconds of the monotonic clock.
 */
bool xtcp_stamp_is_old(const struct xtcp_stamp *s, u32 tsval, u32 now_s);

/*
 * A segment that begins at or before the last acknowledgment sent has @tsval: TS.Recent
 * follows (RFC 7323 4.3), unless it is old. Pure.
 */
void xtcp_stamp_update(struct xtcp_stamp *s, u32 tsval, u32 now_s);

/*
 * Round-trip time in microseconds, at least one clock tick, from an echo of our clock;
 * 0: the echo is from the future or older than any sample may be. Pure.
 */
u32 xtcp_stamp_rtt_us(const struct xtcp_stamp *s, u32 tsecr, u32 now);

#endif /* _XTCP_STAMP_H */
