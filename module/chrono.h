/* SPDX-License-Identifier: GPL-2.0 */
/* What a sender spends its time on: sending, or waiting for the peer or the writer. */
#ifndef _XTCP_CHRONO_H
#define _XTCP_CHRONO_H

#include <linux/types.h>

struct sock;

enum xtcp_chrono_kind {
	XTCP_CHRONO_BUSY,	/* something is to be sent, or on its way */
	XTCP_CHRONO_RWND,	/* the peer's window holds it back */
	XTCP_CHRONO_SNDBUF,	/* everything is sent, and the writer waits for room */
	XTCP_CHRONO_IDLE,	/* nothing to do; not counted */
};

/**
 * struct xtcp_chrono - time spent in each
 * @total_us: of each kind but IDLE, microseconds, up to @since_us
 * @since_us: the clock when @total_us was last brought up to date, wraps
 * @kind: enum xtcp_chrono_kind now
 *
 * Exactly one runs at a time. The owner serialises and looks in at least once an hour, before
 * the clock wraps.
 */
struct xtcp_chrono {
	u64 total_us[XTCP_CHRONO_IDLE];
	u32 since_us;
	u8 kind;
};

/* Nothing has been sent yet. */
void xtcp_chrono_init(struct xtcp_chrono *c);

/* From @now_us on it is @kind. */
void xtcp_chrono_set(struct xtcp_chrono *c, enum xtcp_chrono_kind kind, u32 now_us);

/* Microseconds of @kind until @now_us. */
u64 xtcp_chrono_read(const struct xtcp_chrono *c, enum xtcp_chrono_kind kind, u32 now_us);

/* Something was queued, sent or acknowledged: what is the connection doing? Lock held. */
void xtcp_chrono_update(struct sock *sk);

#endif /* _XTCP_CHRONO_H */
