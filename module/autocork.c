// SPDX-License-Identifier: GPL-2.0
/*
 * Small writes in a row: they are collected for a moment and leave as one super-segment.
 *
 * A program that writes record after record would otherwise wake its reader for each, and with
 * Nagle's algorithm for each acknowledgment. Nothing waits before a burst is one, nothing longer
 * than XTCP_AUTOCORK_HOLD_US, and nothing with TCP_NODELAY. The name is that of TCP's
 * tcp_autocorking, which collects while the device still has something of the socket's to send; on
 * paths inside a machine it never has.
 */
#include <net/sock.h>

#include "autocork.h"
#include "output.h"
#include "pace.h"
#include "xtcp_sock.h"

void xtcp_autocork_written(struct xtcp_autocork *c, u32 len, u32 now_us)
{
	if (now_us - c->last_us > XTCP_AUTOCORK_GAP_US || len >= XTCP_AUTOCORK_LARGE)
		c->writes = 0;
	if (c->writes < U8_MAX && len < XTCP_AUTOCORK_LARGE)
		c->writes++;
	c->last_us = now_us;
	c->more = false;
}

void xtcp_autocork_announced(struct xtcp_autocork *c)
{
	c->writes = max_t(u8, c->writes, XTCP_AUTOCORK_WRITES);
	c->more = true;
}

bool xtcp_autocork_waits(struct xtcp_autocork *c, u32 now_us, bool full)
{
	if (c->writes < XTCP_AUTOCORK_WRITES) {
		c->held = false;
	} else if (!c->held || full) {
		c->held = true;
		c->until_us = now_us + (c->more ? XTCP_AUTOCORK_MORE_US : XTCP_AUTOCORK_HOLD_US);
	} else if ((s32)(now_us - c->until_us) >= 0) {
		c->held = false;
	}
	return c->held;
}

bool xtcp_autocork_hold(struct sock *sk, u32 goal, bool more, bool *rest)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_autocork *c = &xs->autocork;
	u32 unsent = xs->snd.write_seq - xs->snd.nxt;
	bool full = unsent >= goal;

	*rest = false;
	if (likely(c->writes < XTCP_AUTOCORK_WRITES))
		return false;
	if (xs->snd.nodelay || xs->snd.push_once || xs->snd.urgent ||
	    !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) ||
	    !READ_ONCE(xs->xn->sysctl.autocorking)) {
		c->held = false;
		return false;
	}
	/*
	 * A short segment waits for its announced rest anyway, and longer. Once an ACK lets it
	 * go, it waits here.
	 */
	if (c->more && more && unsent % goal < xs->snd.mss) {
		c->held = false;
		*rest = full;
		return false;
	}
	if (!xtcp_autocork_waits(c, xs->now_us, full))
		return false;
	if (!xtcp_pace_later(sk, c->until_us - xs->now_us)) {
		c->held = false;
		return false;
	}
	*rest = full;
	return !full;
}

void xtcp_autocork_reader(struct sock *sk)
{
	struct xtcp_autocork *c = &xtcp_sk(sk)->autocork;

	sock_owned_by_me(sk);
	c->writes = 0;
	if (!c->held)
		return;
	c->held = false;
	xtcp_output_push(sk);
}
