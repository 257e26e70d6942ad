// SPDX-License-Identifier: GPL-2.0
/* The state machine: transitions, and what a segment does in each state. */
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "ack.h"
#include "close.h"
#include "delack.h"
#include "handshake.h"
#include "input.h"
#include "lower.h"
#include "options.h"
#include "output.h"
#include "ports.h"
#include "rcvq.h"
#include "seq.h"
#include "skb_cb.h"
#include "state.h"
#include "timewait.h"
#include "urgent.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* -- transitions -------------------------------------------------------------- */

/* 0: the event must not happen in this state. */
static const u8 xtcp_transition[TCP_MAX_STATES][XTCP_EV_MAX] = {
	[TCP_CLOSE] = {
		[XTCP_EV_PASSIVE_OPEN]	= TCP_LISTEN,
		[XTCP_EV_ACTIVE_OPEN]	= TCP_SYN_SENT,
		[XTCP_EV_CLOSE]		= TCP_CLOSE,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_LISTEN] = {
		[XTCP_EV_RCV_SYN]	= TCP_SYN_RECV,
		[XTCP_EV_CLOSE]		= TCP_CLOSE,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_SYN_SENT] = {
		[XTCP_EV_RCV_SYN]	= TCP_SYN_RECV,
		[XTCP_EV_RCV_SYN_ACK]	= TCP_ESTABLISHED,
		[XTCP_EV_CLOSE]		= TCP_CLOSE,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_SYN_RECV] = {
		[XTCP_EV_RCV_ACK_OF_SYN] = TCP_ESTABLISHED,
		[XTCP_EV_CLOSE]		= TCP_FIN_WAIT1,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_ESTABLISHED] = {
		[XTCP_EV_CLOSE]		= TCP_FIN_WAIT1,
		[XTCP_EV_RCV_FIN]	= TCP_CLOSE_WAIT,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_FIN_WAIT1] = {
		[XTCP_EV_CLOSE]		= TCP_FIN_WAIT1,
		[XTCP_EV_RCV_FIN]	= TCP_CLOSING,
		[XTCP_EV_RCV_ACK_OF_FIN] = TCP_FIN_WAIT2,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_FIN_WAIT2] = {
		[XTCP_EV_CLOSE]		= TCP_FIN_WAIT2,
		[XTCP_EV_RCV_FIN]	= TCP_TIME_WAIT,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_CLOSE_WAIT] = {
		[XTCP_EV_CLOSE]		= TCP_LAST_ACK,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_LAST_ACK] = {
		[XTCP_EV_CLOSE]		= TCP_LAST_ACK,
		[XTCP_EV_RCV_ACK_OF_FIN] = TCP_CLOSE,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_CLOSING] = {
		[XTCP_EV_CLOSE]		= TCP_CLOSING,
		[XTCP_EV_RCV_ACK_OF_FIN] = TCP_TIME_WAIT,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
	[TCP_TIME_WAIT] = {
		[XTCP_EV_CLOSE]		= TCP_TIME_WAIT,
		[XTCP_EV_RCV_FIN]	= TCP_TIME_WAIT,
		[XTCP_EV_TIMEOUT_2MSL]	= TCP_CLOSE,
		[XTCP_EV_ABORT]		= TCP_CLOSE,
	},
};

int xtcp_state_next(int state, enum xtcp_event ev)
{
	return xtcp_transition[state][ev];
}

bool xtcp_state_move(struct sock *sk, enum xtcp_event ev)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int old = sk->sk_state, new = xtcp_state_next(old, ev);

	sock_owned_by_me(sk);
	if (WARN_ONCE(!new, "xtcp: event %d in state %d\n", ev, old))
		return false;
	if (new == old)
		return false;
	if (new == TCP_TIME_WAIT) {
		/* The minisock is in TIME-WAIT; the socket goes on to CLOSED by ABORT. */
		xtcp_timewait_enter(sk);
		return true;
	}
	if (new == TCP_CLOSE) {
		if (old == TCP_ESTABLISHED || old == TCP_CLOSE_WAIT)
			XTCP_INC(xs->xn, ESTABRESETS);
		sk->sk_prot->unhash(sk);
		if (!(sk->sk_userlocks & SOCK_BINDPORT_LOCK)) {
			xtcp_ports_release(xs->xn, &xs->node);
			/* The next connect() chooses anew; inet_sport stays to be asked for. */
			inet_sk(sk)->inet_num = 0;
		}
	}
	inet_sk_set_state(sk, new);
	return true;
}

bool xtcp_state_peer_knows(int state)
{
	return (1 << state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT | TCPF_FIN_WAIT1 |
			       TCPF_FIN_WAIT2 | TCPF_SYN_RECV);
}

/* -- segments ----------------------------------------------------------------- */

/*
 * First check. Wider than RFC 9293's on the left: what overlaps the last advertised window
 * is let in, for its ACK counts even if its data is old.
 */
static bool xtcp_state_acceptable(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb)
{
	return !xtcp_seq_before(cb->end_seq, xs->rcv.wup) &&
	       !xtcp_seq_after(cb->seq, xs->rcv.nxt + xtcp_delack_window(xs));
}

/* RFC 9293 3.10.7.4, second: the peer says that the connection is gone. */
static void xtcp_state_reset(struct sock *sk)
{
	int err = ECONNRESET;

	if (sk->sk_state == TCP_CLOSE_WAIT)
		err = EPIPE;
	else if (sk->sk_state == TCP_SYN_RECV)
		err = ECONNREFUSED;
	xtcp_close_reset(sk, err);
}

/* The other SYN of a simultaneous open comes again with the ACK of ours. */
static bool xtcp_state_is_crossed_syn_ack(const struct sock *sk, const struct xtcp_skb_cb *cb)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	return sk->sk_state == TCP_SYN_RECV && (cb->flags & XTCP_ACK) &&
	       cb->seq == xs->rcv.irs && cb->end_seq == xs->rcv.nxt &&
	       cb->ack == xs->snd.nxt;
}

/*
 * An acknowledgment that a newer one overtook on a connection where nothing else can be
 * meant: it says nothing wrong, and its SACK blocks may still be news.
 */
static bool xtcp_state_overtaken(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb,
				 const struct xtcp_options *opt)
{
	return (cb->flags & XTCP_ACK) && cb->seq == cb->end_seq && cb->seq == xs->rcv.nxt &&
	       cb->ack == xs->snd.una &&
	       (xs->stamp.recent - opt->tsval) * USEC_PER_MSEC <= xtcp_rtt_rto(&xs->rtt);
}

/* RFC 7323 5.3 R1: a segment from the past of this connection, or of another one. */
static bool xtcp_state_is_old(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb,
			      const struct xtcp_options *opt)
{
	return xs->stamp.ok && (opt->seen & XTCP_SEEN_TS) && !(cb->flags & XTCP_RST) &&
	       (s32)(opt->tsval - xs->stamp.recent) < 0 &&
	       xtcp_stamp_is_old(&xs->stamp, opt->tsval, ktime_get_seconds()) &&
	       !xtcp_state_overtaken(xs, cb, opt);
}

/* What is not acceptable is answered with what we have, but data alone without a limit. */
static void xtcp_state_answer(struct sock *sk, const struct xtcp_skb_cb *cb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (cb->flags & XTCP_SYN) {
		XTCP_INC(xs->xn, SYNCHALLENGE);
		xtcp_xmit_challenge_ack(sk);
	} else if (cb->seq != cb->end_seq) {
		/* Data cannot be part of an ACK loop. What lies beyond the window is no duplicate. */
		if (xtcp_seq_before(cb->seq, xs->rcv.nxt))
			xtcp_rcvq_duplicate(xs, cb);
		xtcp_xmit_ack(sk);
	} else {
		xtcp_xmit_dupack_limited(sk);
	}
}

/*
 * PAWS, sequence number, RST, SYN: the first, second and fourth check with the answers of
 * RFC 7323 and 5961. Return: false if the segment ends here.
 */
static bool xtcp_state_validate(struct sock *sk, struct sk_buff *skb,
				const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (unlikely(xtcp_state_is_old(xs, cb, opt))) {
		XTCP_INC(xs->xn, PAWSESTAB);
		xtcp_state_answer(sk, cb);
		return false;
	}
	if (unlikely(!xtcp_state_acceptable(xs, cb))) {
		XTCP_INC(xs->xn, OUTOFWINDOW);
		if (!(cb->flags & XTCP_RST))
			xtcp_state_answer(sk, cb);
		return false;
	}
	if (unlikely(cb->flags & XTCP_RST)) {
		if (cb->seq == xs->rcv.nxt)
			xtcp_state_reset(sk);
		else
			xtcp_xmit_challenge_ack(sk);
		return false;
	}
	if (unlikely(cb->flags & XTCP_SYN) && !xtcp_state_is_crossed_syn_ack(sk, cb)) {
		XTCP_INC(xs->xn, SYNCHALLENGE);
		xtcp_xmit_challenge_ack(sk);
		return false;
	}
	return true;
}

/* Our FIN is the last thing we number: all acknowledged means it too. */
static bool xtcp_state_fin_acked(const struct xtcp_sock *xs)
{
	return xs->snd.una == xs->snd.write_seq;
}

/* What the acknowledgment of our FIN changes. Return: false if the connection is over. */
static bool xtcp_state_acked(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (likely(sk->sk_state == TCP_ESTABLISHED) || !xtcp_state_fin_acked(xs))
		return true;
	switch (sk->sk_state) {
	case TCP_FIN_WAIT1:
		xtcp_state_move(sk, XTCP_EV_RCV_ACK_OF_FIN);
		xtcp_close_fin_wait2(sk);
		return sk->sk_state != TCP_CLOSE;
	case TCP_CLOSING:
		xtcp_state_move(sk, XTCP_EV_RCV_ACK_OF_FIN);
		return false;
	case TCP_LAST_ACK:
		xtcp_close_done(sk);
		return false;
	default:
		return true;
	}
}

/* Data for a reader who has left must not be acknowledged (RFC 9293 SHLD-3). */
static bool xtcp_state_unwanted(const struct sock *sk, const struct xtcp_skb_cb *cb)
{
	u32 end = cb->end_seq - !!(cb->flags & XTCP_FIN);

	return ((1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2)) &&
	       (sk->sk_shutdown & RCV_SHUTDOWN) && cb->seq != cb->end_seq &&
	       xtcp_seq_after(end, xtcp_sk(sk)->rcv.nxt);
}

/* Text, urgent or not, and FIN (sixth to eighth check). Consumes @skb. */
static void xtcp_state_text(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);

	if (xtcp_state_unwanted(sk, cb)) {
		XTCP_INC(xs->xn, ABORTONDATA);
		xtcp_xmit_rst(sk);
		xtcp_close_reset(sk, ECONNRESET);
		kfree_skb(skb);
		return;
	}
	switch (sk->sk_state) {
	case TCP_CLOSE_WAIT:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		/* After its FIN the peer has nothing more to say; perhaps it says it again. */
		if (cb->seq != cb->end_seq)
			xs->rcv.ack |= XTCP_ACK_NOW;
		kfree_skb(skb);
		return;
	default:
		break;
	}
	xtcp_urgent_rcv(sk, skb);
	if (cb->seq == cb->end_seq) {
		kfree_skb(skb);
		return;
	}
	xtcp_rcvq_segment(sk, skb);
}

/*
 * RFC 7323 4.3: is it this segment's timestamp that the next acknowledgment echoes? That of
 * the first which was not acknowledged yet; but of one that fills a hole in any case, for an
 * older one would tell the sender that its repair was in vain, while ours wait for the end
 * of a batch.
 */
static bool state_echoes(const struct xtcp_sock *xs, const struct xtcp_skb_cb *cb)
{
	return !xtcp_seq_after(cb->seq, xs->rcv.wup) ||
	       (!xtcp_reasm_empty(&xs->reasm) && !xtcp_seq_after(cb->seq, xs->rcv.nxt));
}

/*
 * Header prediction: is it the segment that was to come, on a connection where all is well? In order
 * and inside the window, nothing but ACK and PSH, and as timestamps go not from the past; data, an
 * acknowledgment that moves on, or both.
 */
static bool state_is_predicted(const struct sock *sk, const struct sk_buff *skb,
			       const struct xtcp_options *opt)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 out = xs->snd.nxt - xs->snd.una, acked = cb->ack - xs->snd.una;

	if (sk->sk_state != TCP_ESTABLISHED || (cb->flags & ~XTCP_PSH) != XTCP_ACK ||
	    cb->seq != xs->rcv.nxt || acked > out || !(acked | skb->len) ||
	    skb->len > xtcp_delack_window(xs))
		return false;
	if (xs->stamp.ok ? opt->seen != XTCP_SEEN_TS || (s32)(opt->tsval - xs->stamp.recent) < 0 :
			   opt->seen)
		return false;
	return !xs->rcv.urg && xtcp_reasm_empty(&xs->reasm) && xtcp_ack_is_healthy(sk);
}

/* RFC 9293 3.10.7.4, second to fifth. Return: false if @skb ends here. */
static bool state_checks(struct sock *sk, struct sk_buff *skb, const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (!xtcp_state_validate(sk, skb, opt))
		return false;
	/* Fifth: without ACK there is nothing to say on a connection. */
	if (unlikely(!(xtcp_cb(skb)->flags & XTCP_ACK)))
		return false;
	xs->rcv.keep_stamp = jiffies;
	if (unlikely(sk->sk_state == TCP_SYN_RECV) && !xtcp_handshake_syn_recv(sk, skb))
		return false;
	return xtcp_ack_process(sk, skb, opt);
}

void xtcp_state_segment(struct sock *sk, struct sk_buff *skb, const struct xtcp_options *opt)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	bool predicted;

	sock_owned_by_me(sk);
	xtcp_clock_refresh(xs);
	__skb_pull(skb, tcp_hdr(skb)->doff * 4);
	xs->segs_in += max_t(u16, 1, skb_shinfo(skb)->gso_segs);
	if (skb->len)
		xs->data_segs_in += max_t(u16, 1, skb_shinfo(skb)->gso_segs);

	/* It may have ended, or become a listener, since the lookup. */
	if ((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN))
		goto drop;
	if (sk->sk_state == TCP_SYN_SENT) {
		xtcp_handshake_syn_sent(sk, skb, opt);
		return;
	}
	predicted = state_is_predicted(sk, skb, opt);
	if (likely(predicted)) {
		xs->rcv.keep_stamp = jiffies;
		xtcp_ack_predicted(sk, cb, opt);
	} else if (!state_checks(sk, skb, opt)) {
		goto drop;
	}
	if (xs->stamp.ok && (opt->seen & XTCP_SEEN_TS) && state_echoes(xs, cb))
		xtcp_stamp_update(&xs->stamp, opt->tsval, ktime_get_seconds());
	if (!xtcp_state_acked(sk))
		goto drop;
	if (skb->len)
		xtcp_rcvspace_segment(sk, skb, opt);
	if (sk->sk_family == AF_INET6 && unlikely(inet6_sk(sk)->rxopt.all) &&
	    cb->seq == xs->rcv.nxt)
		xtcp_lower_note6(sk, skb);
	if (!predicted)
		xtcp_state_text(sk, skb);
	else if (skb->len)
		xtcp_rcvq_segment(sk, skb);
	else
		kfree_skb(skb);
	if (sk->sk_state == TCP_CLOSE)
		return;
	xtcp_output_push(sk);
	xtcp_delack_check(sk);
	return;
drop:
	kfree_skb(skb);
}

int xtcp_state_backlog(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_options opt;

	/* RFC 9293 MUST-59: one ACK for all that waited, if no other reason asks for more. */
	xs->rcv.batch = true;
	if (xtcp_input_options(skb, &opt))
		xtcp_state_segment(sk, skb, &opt);
	else
		kfree_skb(skb);
	xs->rcv.batch = false;
	return 0;
}

void xtcp_state_fin(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	/* Often close() answers at once: then our own FIN says it. */
	if (sk->sk_state == TCP_ESTABLISHED)
		xtcp_delack_fin_rcvd(xs);
	else
		xs->rcv.ack |= XTCP_ACK_NOW;
	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | RCV_SHUTDOWN);
	sock_set_flag(sk, SOCK_DONE);
	xtcp_reasm_purge(&xs->reasm);
	xtcp_sack_cut(&xs->sack, xs->rcv.nxt);
	/* The minisock takes over in TIME-WAIT: say what is owed while we can. */
	if (sk->sk_state == TCP_FIN_WAIT2)
		xtcp_xmit_ack(sk);
	xtcp_state_move(sk, XTCP_EV_RCV_FIN);
	if (sock_flag(sk, SOCK_DEAD))
		return;
	sk->sk_state_change(sk);
	if (sk->sk_shutdown == SHUTDOWN_MASK || sk->sk_state == TCP_CLOSE)
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_HUP);
	else
		sk_wake_async(sk, SOCK_WAKE_WAITD, POLL_IN);
}
