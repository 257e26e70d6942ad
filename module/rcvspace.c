// SPDX-License-Identifier: GPL-2.0
/* A receive buffer that keeps ahead of its sender: what a reader takes in a round trip. */
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/time64.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "delack.h"
#include "options.h"
#include "rcvspace.h"
#include "seq.h"
#include "window.h"
#include "xtcp_sock.h"

/* Beyond what was measured: what a sender's first window holds, and some more. */
#define RCVSPACE_SLACK_SEGS	16

/* -- the estimate ------------------------------------------------------------- */

void xtcp_rcvspace_init(struct xtcp_rcvspace *s, u32 seq, u32 edge, u32 rtt_us, u32 now_us)
{
	memset(s, 0, sizeof(*s));
	s->rtt_us = rtt_us;
	s->least_us = U32_MAX;
	s->edge = edge;
	s->edge_us = now_us;
	s->copied = seq;
	s->start = seq;
	s->start_us = now_us;
}

void xtcp_rcvspace_echo(struct xtcp_rcvspace *s, u32 echo, u32 ms)
{
	/* Two ticks of a clock are up to one apart from what they stand for, either way. */
	u32 least = ms ? (ms - 1) * USEC_PER_MSEC : 0, most = (ms + 1) * USEC_PER_MSEC;

	if (echo == s->echo)
		return;
	s->echo = echo;
	s->least_us = min(s->least_us, least);
	if (!s->rtt_us)
		s->rtt_us = (ms ?: 1) * USEC_PER_MSEC;
	else if (s->rtt_us > most)
		s->rtt_us = most;
}

void xtcp_rcvspace_arrived(struct xtcp_rcvspace *s, u32 nxt, u32 edge, u32 now_us)
{
	u32 took = now_us - s->edge_us;

	if (xtcp_seq_before(nxt, s->edge))
		return;
	if (!s->rtt_us || took < s->rtt_us)
		s->rtt_us = max(took, 1U);
	s->edge = edge;
	s->edge_us = now_us;
}

/* A round is over: what was read before this read belongs to it. */
static void rcvspace_next_round(struct xtcp_rcvspace *s, u32 now_us)
{
	s->last = s->copied - s->start;
	s->start = s->copied;
	s->start_us = now_us;
	if (s->least_us != U32_MAX && s->least_us > s->rtt_us)
		s->rtt_us += min(s->least_us - s->rtt_us, s->rtt_us / 2 + 1);
	s->least_us = U32_MAX;
}

u32 xtcp_rcvspace_read(struct xtcp_rcvspace *s, u32 copied, u32 mss, u32 now_us)
{
	u32 octets;

	if (!s->rtt_us) {
		/* Rounds begin when there is a measure for them. */
		s->copied = copied;
		s->start = copied;
		s->start_us = now_us;
		return 0;
	}
	/* A sender that is not paced sends in bursts, one each round trip: never cut one in two. */
	if (now_us - s->start_us >= s->rtt_us - s->rtt_us / 8)
		rcvspace_next_round(s, now_us);
	s->copied = copied;
	octets = copied - s->start;
	if (octets > s->best) {
		u64 want = 2ULL * octets;

		if (octets > s->last && octets - s->last > s->last / 8)
			want *= 3;
		want += RCVSPACE_SLACK_SEGS * mss;
		s->best = octets;
		s->want = max_t(u64, s->want, min_t(u64, want, INT_MAX));
	}
	return s->want;
}

/* -- of a connection ---------------------------------------------------------- */

void xtcp_rcvspace_start(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	sock_owned_by_me(sk);
	xtcp_rcvspace_init(&xs->rcvspace, xs->rcv.copied, xs->rcv.wup + xs->rcv.wnd,
			   xs->rtt.srtt_us >> 3, xs->now_us);
	/* What every sender's first window brings is no sign that more is to come. */
	xs->rcvspace.best = min(xs->rcv.wnd, XTCP_INIT_CWND_SEGS * (u32)xs->rcv.advmss);
}

void xtcp_rcvspace_segment(struct sock *sk, const struct sk_buff *skb,
			   const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 us;

	sock_owned_by_me(sk);
	if (!xs->stamp.ok) {
		xtcp_rcvspace_arrived(&xs->rcvspace, xs->rcv.nxt, xs->rcv.nxt +
				      xtcp_delack_window(xs), xs->now_us);
		return;
	}
	if (!(opt->seen & XTCP_SEEN_TS) || skb->len < xs->rcv.mss)
		return;
	us = xtcp_stamp_rtt_us(&xs->stamp, opt->tsecr, xs->now_ms);
	if (us)
		xtcp_rcvspace_echo(&xs->rcvspace, opt->tsecr, us / USEC_PER_MSEC);
}

void xtcp_rcvspace_adjust(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_sysctl *ctl = &xs->xn->sysctl;
	u32 want = xtcp_rcvspace_read(&xs->rcvspace, xs->rcv.copied, xs->rcv.mss, xs->now_us);
	int max = READ_ONCE(ctl->rmem[2]);
	u64 space;

	sock_owned_by_me(sk);
	if (!want || sk->sk_rcvbuf >= max || (sk->sk_userlocks & SOCK_RCVBUF_LOCK) ||
	    !READ_ONCE(ctl->moderate_rcvbuf) || sk_under_memory_pressure(sk))
		return;
	want = min(want, xs->rcv.clamp);
	space = min_t(u64, xtcp_window_to_space(want, xs->rcv.ratio), max);
	if (space > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, space);
}
