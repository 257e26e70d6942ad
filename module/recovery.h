/* SPDX-License-Identifier: GPL-2.0 */
/* Loss recovery: fast retransmit, NewReno, time-out (RFC 5681, 6582, 6298). */
#ifndef _XTCP_RECOVERY_H
#define _XTCP_RECOVERY_H

#include <linux/types.h>

/* Duplicate ACKs that mean a loss (RFC 5681 3.2). */
#define XTCP_DUPACK_THRESHOLD	3

/* Numbers as in tcp_info.tcpi_ca_state. */
enum xtcp_recovery_state {
	XTCP_CA_OPEN = 0,
	XTCP_CA_DISORDER = 1,
	XTCP_CA_RECOVERY = 3,
	XTCP_CA_LOSS = 4,
};

/**
 * struct xtcp_recovery - where loss recovery stands
 * @state: enum xtcp_recovery_state
 * @dupacks: duplicate ACKs in a row
 * @retransmits: expiries of the retransmission timer since progress (R1, R2)
 * @high: snd.nxt when recovery began: it ends when this is acknowledged
 * @start: jiffies of the first retransmission without progress (R2, USER_TIMEOUT)
 * @prior_cwnd: cwnd before the reduction, octets
 */
struct xtcp_recovery {
	u8 state;
	u8 dupacks;
	u8 retransmits;
	u32 high;
	unsigned long start;
	u32 prior_cwnd;
};

struct sock;
struct xtcp_sock;

void xtcp_recovery_init(struct xtcp_sock *xs);

/* An ACK that acknowledges nothing new while data is out (RFC 5681 section 2). */
void xtcp_recovery_dupack(struct sock *sk);

/*
 * @acked new octets are acknowledged, snd.una has moved. Ends a recovery, or
 * marks what a partial acknowledgment shows to be lost (RFC 6582).
 * Return: true if cwnd may grow by this acknowledgment.
 */
bool xtcp_recovery_acked(struct sock *sk, u32 acked);

/* The retransmission timer expired: all is believed lost (RFC 6298 5.4 to 5.6). */
void xtcp_recovery_timeout(struct sock *sk);

/* The MSS shrank: what no longer fits is sent again, without a penalty (RFC 1191). */
void xtcp_recovery_mtu_reduced(struct sock *sk);

#endif /* _XTCP_RECOVERY_H */
