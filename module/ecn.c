// SPDX-License-Identifier: GPL-2.0
/*
 * Explicit congestion notification (RFC 3168).
 *
 *	sender			network		receiver
 *	new data, ECT(0)  ----->  CE  ------>	echo
 *	cwnd comes down	  <------ ACK, ECE ---	on every ACK, so that a lost one does not matter
 *	new data, CWR	  ------------------>	no echo any more, until the next CE
 *
 * With RFC 8257 the receiver echoes each segment's mark by itself, and says so at once when it
 * changes; an ACK speaks for all segments that it acknowledges.
 *
 * How cwnd comes down is recovery.c's, which bits an IP header has lower.c's.
 */
#include <net/inet_ecn.h>

#include "ecn.h"
#include "seq.h"
#include "skb_cb.h"

void xtcp_ecn_follow(struct xtcp_ecn *e, bool exact)
{
	WRITE_ONCE(e->exact, exact);
}

void xtcp_ecn_begin(struct xtcp_ecn *e, u32 iss, bool ask)
{
	e->accept = ask;
	e->ect = ask;
	e->seen = false;
	e->echo = false;
	e->cwr = false;
	e->high = iss;
}

u8 xtcp_ecn_syn_flags(const struct xtcp_ecn *e)
{
	return e->ect ? XTCP_ECE | XTCP_CWR : 0;
}

u8 xtcp_ecn_syn_mark(const struct xtcp_ecn *e)
{
	return READ_ONCE(e->ect) && e->exact ? INET_ECN_ECT_0 : INET_ECN_NOT_ECT;
}

void xtcp_ecn_fall_back(struct xtcp_ecn *e)
{
	/* A request has no lock, and another segment may be making its child. */
	WRITE_ONCE(e->ect, false);
}

bool xtcp_ecn_is_asked(u8 flags)
{
	return (flags & (XTCP_ECE | XTCP_CWR)) == (XTCP_ECE | XTCP_CWR);
}

void xtcp_ecn_answered(struct xtcp_ecn *e, u8 flags)
{
	/* Both flags are what a host sends back that copies what it does not know. */
	if ((flags & (XTCP_ECE | XTCP_CWR)) == XTCP_ECE)
		return;
	e->accept = false;
	e->ect = false;
}

u8 xtcp_ecn_crossed(struct xtcp_ecn *e, u8 flags)
{
	if (!xtcp_ecn_is_asked(flags)) {
		e->accept = false;
		e->ect = false;
	}
	return e->ect ? XTCP_ECE : 0;
}

u8 xtcp_ecn_send(struct xtcp_ecn *e, u32 seq, bool fresh, u8 *flags)
{
	if (e->echo && !(*flags & XTCP_RST))
		*flags |= XTCP_ECE;
	if (!e->ect || !(fresh || e->exact))
		return INET_ECN_NOT_ECT;
	if (e->cwr && fresh) {
		*flags |= XTCP_CWR;
		e->cwr = false;
		e->high = seq;
	}
	return INET_ECN_ECT_0;
}

enum xtcp_ecn_hurry xtcp_ecn_data_rcvd(struct xtcp_ecn *e, u8 codepoint, u8 flags)
{
	enum xtcp_ecn_hurry hurry = XTCP_ECN_CALM;

	if (!e->accept)
		return XTCP_ECN_CALM;
	if (flags & XTCP_CWR) {
		/* An exact echo needs no one to end it. */
		if (!e->exact)
			e->echo = false;
		/* Its window may be a single segment now. */
		hurry = XTCP_ECN_NOW;
	}
	if (e->exact) {
		if (codepoint != INET_ECN_NOT_ECT)
			e->seen = true;
		return e->echo == (codepoint == INET_ECN_CE) ? hurry : XTCP_ECN_TURN;
	}
	switch (codepoint) {
	case INET_ECN_NOT_ECT:
		/* From a sender that marks its data: it was sent again, and is waited for. */
		return e->seen ? XTCP_ECN_NOW : hurry;
	case INET_ECN_CE:
		if (!e->echo)
			hurry = XTCP_ECN_QUICK;
		e->echo = true;
		break;
	}
	e->seen = true;
	return hurry;
}

void xtcp_ecn_turn(struct xtcp_ecn *e)
{
	e->echo = !e->echo;
}

bool xtcp_ecn_acked(struct xtcp_ecn *e, u8 flags, u32 una)
{
	/* This mark must not be left 2^31 octets behind. */
	if (xtcp_seq_after(una, e->high + 1))
		e->high = una - 1;
	return e->ect && (flags & (XTCP_ECE | XTCP_SYN)) == XTCP_ECE;
}

bool xtcp_ecn_is_news(const struct xtcp_ecn *e, u32 una)
{
	return !e->cwr && xtcp_seq_after(una, e->high);
}

void xtcp_ecn_reduced(struct xtcp_ecn *e)
{
	e->cwr = e->ect;
}
