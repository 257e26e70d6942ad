/* SPDX-License-Identifier: GPL-2.0 */
/* Explicit congestion notification: who agreed, what we echo, what we obey (RFC 3168). */
#ifndef _XTCP_ECN_H
#define _XTCP_ECN_H

#include <linux/types.h>

/**
 * struct xtcp_ecn - ECN of one connection, or of one that is being opened
 * @accept: both SYNs had it or, before the answer, ours asks: CE that arrives is echoed
 * @ect: our new data is ECT(0), so ECE is an answer to it. Never without @accept
 * @seen: data of the peer has come with ECT or CE
 * @echo: ECE on each ACK: CE has come, and no CWR since
 * @cwr: our window came down: the next new data says so
 * @exact: RFC 8257: every segment is ECT(0), and @echo says how the newest data came. It
 *	   follows the algorithm, not the connection
 * @high: where the last data with CWR began: ECE counts when something beyond is acknowledged
 *
 * Two halves, for a connection may be marked in one direction only: RFC 3168 6.1.1 takes
 * ECT from a host that has once sent, or seen, a SYN without ECN, but not the duty to echo.
 */
struct xtcp_ecn {
	bool accept;
	bool ect;
	bool seen;
	bool echo;
	bool cwr;
	bool exact;
	u32 high;
};

/* What data with these marks asks of its acknowledgment. */
enum xtcp_ecn_hurry {
	XTCP_ECN_CALM,		/* nothing */
	XTCP_ECN_NOW,		/* it does not wait */
	XTCP_ECN_QUICK,		/* nor do the next ones */
	XTCP_ECN_TURN,		/* @echo turns: what came before is acknowledged with the old one */
};

/* All of these are pure but for @e. Flags are XTCP_SYN and friends, codepoints INET_ECN_*. */

/* The algorithm wants @exact ECN, or has none of its own. Listeners are read without lock. */
void xtcp_ecn_follow(struct xtcp_ecn *e, bool exact);

/* A connection begins, whose SYN is number @iss; with @ask our SYN asks for ECN. */
void xtcp_ecn_begin(struct xtcp_ecn *e, u32 iss, bool ask);

/* ECE and CWR as our SYN has them. */
u8 xtcp_ecn_syn_flags(const struct xtcp_ecn *e);

/* The codepoint of a SYN or SYN-ACK (RFC 8257 3.5). */
u8 xtcp_ecn_syn_mark(const struct xtcp_ecn *e);

/* A SYN without ECN left, or came, beside those with it: our data is not marked. */
void xtcp_ecn_fall_back(struct xtcp_ecn *e);

/* The SYN-ACK to our SYN has @flags. */
void xtcp_ecn_answered(struct xtcp_ecn *e, u8 flags);

/* A SYN with @flags crossed ours: ECE as our SYN-ACK has it. */
u8 xtcp_ecn_crossed(struct xtcp_ecn *e, u8 flags);

/* True if @flags are those of a SYN that asks for ECN. */
bool xtcp_ecn_is_asked(u8 flags);

/**
 * xtcp_ecn_send() - a segment with ACK is about to leave
 * @e: the connection's
 * @seq: its sequence number
 * @fresh: it has data that was never sent before
 * @flags: its flags; ECE and CWR are added
 *
 * Return: the codepoint of its IP header. But for @exact only fresh data is ECT: what is sent
 * again could be a forged way to slow us down, and the loss of an ACK or a probe is not
 * answered (6.1.4 to 6.1.6).
 */
u8 xtcp_ecn_send(struct xtcp_ecn *e, u32 seq, bool fresh, u8 *flags);

/* Data inside the window has come with @codepoint and @flags. */
enum xtcp_ecn_hurry xtcp_ecn_data_rcvd(struct xtcp_ecn *e, u8 codepoint, u8 flags);

/* After XTCP_ECN_TURN, when what came before is acknowledged. */
void xtcp_ecn_turn(struct xtcp_ecn *e);

/* An acceptable ACK with @flags; SND.UNA is @una now. Return: it says ECE, and may. */
bool xtcp_ecn_acked(struct xtcp_ecn *e, u8 flags, u32 una);

/* That ECE speaks of what was sent after the last reduction: once in a round trip. */
bool xtcp_ecn_is_news(const struct xtcp_ecn *e, u32 una);

/* The congestion window came down, whatever for: the peer is to know (6.1.2). */
void xtcp_ecn_reduced(struct xtcp_ecn *e);

#endif /* _XTCP_ECN_H */
