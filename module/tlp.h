/* SPDX-License-Identifier: GPL-2.0 */
/* Tail loss probes: one segment before the time-out, so that an ACK tells (RFC 8985 7). */
#ifndef _XTCP_TLP_H
#define _XTCP_TLP_H

#include <linux/types.h>

struct sock;
struct xtcp_rtxq_acked;
struct xtcp_sock;

/**
 * struct xtcp_tlp - a probe on its way
 * @high: snd.nxt when it left
 * @out: it is on its way
 * @again: it was the last segment once more, and not new data
 */
struct xtcp_tlp {
	u32 high;
	bool out;
	bool again;
};

/*
 * Microseconds from the last transmission or acknowledgment to the probe: two round trips and,
 * where one segment is out, the time that its acknowledgment may be delayed. @srtt_us is not 0.
 * Pure.
 */
u32 xtcp_tlp_timeout_us(u32 srtt_us, u32 flight, u32 mss);

/*
 * True if a probe would tell something: none is out, and all is well so far or, in a recovery,
 * repaired as far as is known.
 */
bool xtcp_tlp_wanted(const struct xtcp_sock *xs);

/* Send it: new data if the peer's window has room, else the last segment not reported. Locked. */
void xtcp_tlp_send(struct sock *sk);

/*
 * An acknowledgment, snd.una has moved: if it covers the probe and that was what repaired a
 * loss, cwnd falls as for any loss (RFC 8985 7.4.2). Socket lock held.
 */
void xtcp_tlp_acked(struct sock *sk, const struct xtcp_rtxq_acked *res);

#endif /* _XTCP_TLP_H */
