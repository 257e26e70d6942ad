// SPDX-License-Identifier: GPL-2.0
/*
 * The ends of a connection: FIN, abort, linger, orphans (RFC 9293 3.6, 3.10.4).
 *
 * close() leaves a socket without a process; it lives on, as an orphan, until the peer
 * has everything. Whoever moves an orphan to CLOSE destroys it (xtcp_close_done()).
 */
#include <linux/sched/signal.h>
#include <net/sock.h>
#include <net/inet_common.h>
#include <net/xfrm.h>

#include "close.h"
#include "listen.h"
#include "lower.h"
#include "output.h"
#include "ports.h"
#include "recv.h"
#include "rtxq.h"
#include "seq.h"
#include "skb_cb.h"
#include "socket.h"
#include "state.h"
#include "timer.h"
#include "timewait.h"
#include "xmit.h"
#include "xtcp_sock.h"

void xtcp_close_destroy(struct sock *sk)
{
	WARN_ON(sk->sk_state != TCP_CLOSE);
	WARN_ON(!sock_flag(sk, SOCK_DEAD));
	sk->sk_prot->destroy(sk);
	sk_stream_kill_queues(sk);
	xfrm_sk_free_policy(sk);
	this_cpu_dec(xtcp_orphan_count);
	sock_put(sk);
}

void xtcp_close_done(struct sock *sk)
{
	sock_owned_by_me(sk);
	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		XTCP_INC(xtcp_sk(sk)->xn, ATTEMPTFAILS);
	xtcp_timer_stop(sk);
	xtcp_state_move(sk, XTCP_EV_ABORT);
	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_state_change(sk);
	else
		xtcp_close_destroy(sk);
}

void xtcp_close_reset(struct sock *sk, int err)
{
	bool orphan = sock_flag(sk, SOCK_DEAD);

	WRITE_ONCE(sk->sk_err, err);
	/* sk_err first, then state: poll() reads them without the lock. */
	smp_wmb();
	xtcp_rtxq_purge(sk);
	xtcp_close_done(sk);
	/* Who is woken sees all of it at once: the error, the end, and both ways shut. */
	if (!orphan)
		sk_error_report(sk);
}

void xtcp_close_timed_out(struct sock *sk)
{
	XTCP_INC(xtcp_sk(sk)->xn, ABORTONTIMEOUT);
	xtcp_close_reset(sk, READ_ONCE(sk->sk_err_soft) ?: ETIMEDOUT);
}

void xtcp_close_send_fin(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&sk->sk_write_queue);

	sock_owned_by_me(sk);
	if (tail) {
		xtcp_cb(tail)->flags |= XTCP_FIN;
		xtcp_cb(tail)->end_seq++;
	} else {
		/* A FIN must not fail: under pressure it goes beyond the limits. */
		tail = xtcp_xmit_alloc(sk, sk->sk_allocation | __GFP_NOFAIL);
		xtcp_cb(tail)->seq = xs->snd.write_seq;
		xtcp_cb(tail)->end_seq = xs->snd.write_seq + 1;
		xtcp_cb(tail)->flags = XTCP_ACK | XTCP_FIN;
		sk_wmem_queued_add(sk, tail->truesize);
		sk_mem_charge(sk, tail->truesize);
		__skb_queue_tail(&sk->sk_write_queue, tail);
	}
	WRITE_ONCE(xs->snd.write_seq, xs->snd.write_seq + 1);
	xs->snd.push_once = true;
	xtcp_output_push(sk);
}

void xtcp_close_shutdown(struct sock *sk, int how)
{
	if (!(how & SEND_SHUTDOWN))
		return;
	/* inet_shutdown() took care of LISTEN and SYN-SENT; the others have sent it. */
	if ((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_SYN_RECV | TCPF_CLOSE_WAIT)) {
		xtcp_clock_refresh(xtcp_sk(sk));
		xtcp_state_move(sk, XTCP_EV_CLOSE);
		xtcp_close_send_fin(sk);
	}
}

/* The life of an orphan in FIN-WAIT-2, jiffies; 0: none. */
static unsigned long xtcp_close_fin_time(const struct xtcp_sock *xs)
{
	unsigned long time = xs->linger2 > 0 ? xs->linger2 :
			     READ_ONCE(xs->xn->sysctl.fin_timeout);
	unsigned long rto = usecs_to_jiffies(xtcp_rtt_rto(&xs->rtt));

	/* Long enough for the peer's FIN to be lost and sent again. */
	return max(time, (rto << 2) - (rto >> 1));
}

void xtcp_close_fin_wait2(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	if (!sock_flag(sk, SOCK_DEAD)) {
		sk->sk_state_change(sk);
		return;
	}
	if (xs->linger2 < 0) {
		XTCP_INC(xs->xn, ABORTONLINGER);
		xtcp_close_done(sk);
		return;
	}
	xtcp_timer_fin_wait2(xs, xtcp_close_fin_time(xs));
}

bool xtcp_close_too_many(struct sock *sk)
{
	int max = READ_ONCE(xtcp_sk(sk)->xn->sysctl.max_orphans);

	return xtcp_socket_orphans() > max || xtcp_socket_out_of_memory(sk);
}

/* Unlocked from the user, in CLOSE or on the way there: what becomes of the orphan. */
static void xtcp_close_orphan(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (sk->sk_state == TCP_FIN_WAIT2) {
		if (xs->linger2 < 0) {
			xtcp_xmit_rst(sk);
			XTCP_INC(xs->xn, ABORTONLINGER);
			xtcp_timer_stop(sk);
			xtcp_state_move(sk, XTCP_EV_ABORT);
		} else {
			xtcp_timer_fin_wait2(xs, xtcp_close_fin_time(xs));
		}
	}
	if (sk->sk_state != TCP_CLOSE && xtcp_close_too_many(sk)) {
		xtcp_xmit_rst(sk);
		XTCP_INC(xs->xn, ABORTONMEMORY);
		xtcp_timer_stop(sk);
		xtcp_state_move(sk, XTCP_EV_ABORT);
	}
	if (sk->sk_state == TCP_CLOSE)
		xtcp_close_destroy(sk);
}

/* Throw away what was not read. Return: octets of it, a FIN not counted. */
static u32 xtcp_close_drop_unread(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *skb;
	u32 unread = 0;

	while ((skb = __skb_dequeue(&sk->sk_receive_queue))) {
		struct xtcp_skb_cb *cb = xtcp_cb(skb);
		u32 end = cb->end_seq - !!(cb->flags & XTCP_FIN);
		u32 from = xtcp_seq_max(cb->seq, xs->rcv.copied);

		if (xtcp_seq_after(end, from))
			unread += end - from;
		kfree_skb(skb);
	}
	return unread;
}

/*
 * SO_LINGER: wait until the peer has acknowledged our FIN, @timeout has passed or a signal
 * arrives. (The kernel's own sk_stream_wait_close() is not exported any more by 7.2.)
 */
static void xtcp_close_linger(struct sock *sk, long timeout)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	while (timeout && !signal_pending(current) &&
	       ((1 << sk->sk_state) & (TCPF_FIN_WAIT1 | TCPF_CLOSING | TCPF_LAST_ACK))) {
		release_sock(sk);
		timeout = wait_woken(&wait, TASK_INTERRUPTIBLE, timeout);
		lock_sock(sk);
	}
	remove_wait_queue(sk_sleep(sk), &wait);
}

/* The socket lock is held: take leave of the peer. */
static void xtcp_close_locked(struct sock *sk, long timeout)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 unread;

	WRITE_ONCE(sk->sk_shutdown, SHUTDOWN_MASK);
	xtcp_clock_refresh(xs);
	if (sk->sk_state == TCP_LISTEN) {
		xtcp_state_move(sk, XTCP_EV_ABORT);
		xtcp_listen_stop(sk);
		return;
	}
	unread = xtcp_close_drop_unread(sk);
	if (sk->sk_state == TCP_CLOSE)
		return;

	if (unread) {
		/* RFC 9293 SHLD-3: the peer must learn that its data was not read. */
		XTCP_INC(xs->xn, ABORTONCLOSE);
		xtcp_timer_stop(sk);
		if (xtcp_state_peer_knows(sk->sk_state))
			xtcp_xmit_rst(sk);
		xtcp_rtxq_purge(sk);
		xtcp_state_move(sk, XTCP_EV_ABORT);
	} else if (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime) {
		XTCP_INC(xs->xn, ABORTONDATA);
		xtcp_close_disconnect(sk, 0);
	} else if (sk->sk_state == TCP_SYN_SENT) {
		xtcp_timer_stop(sk);
		xtcp_rtxq_purge(sk);
		xtcp_state_move(sk, XTCP_EV_CLOSE);
	} else if (xtcp_state_move(sk, XTCP_EV_CLOSE)) {
		xtcp_close_send_fin(sk);
	}
	xtcp_close_linger(sk, timeout);
}

void xtcp_close(struct sock *sk, long timeout)
{
	int state;

	lock_sock(sk);
	xtcp_close_locked(sk, timeout);
	state = sk->sk_state;
	sock_hold(sk);
	sock_orphan(sk);
	this_cpu_inc(xtcp_orphan_count);
	/* Runs the backlog; from here on nobody owns the socket. */
	release_sock(sk);

	local_bh_disable();
	bh_lock_sock(sk);
	WARN_ON(sock_owned_by_user(sk));
	/* The backlog or a timer may have ended and destroyed it meanwhile. */
	if (state == TCP_CLOSE || sk->sk_state != TCP_CLOSE)
		xtcp_close_orphan(sk);
	bh_unlock_sock(sk);
	local_bh_enable();
	sock_put(sk);
}

int xtcp_close_disconnect(struct sock *sk, int flags)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int old = sk->sk_state;

	sock_owned_by_me(sk);
	xtcp_clock_refresh(xs);
	if (old == TCP_LISTEN) {
		xtcp_state_move(sk, XTCP_EV_ABORT);
		xtcp_listen_stop(sk);
	} else if (old != TCP_CLOSE) {
		if (xtcp_state_peer_knows(old))
			xtcp_xmit_rst(sk);
		if (xtcp_state_peer_knows(old) || old == TCP_SYN_SENT)
			WRITE_ONCE(sk->sk_err, ECONNRESET);
		xtcp_timer_stop(sk);
		xtcp_state_move(sk, XTCP_EV_ABORT);
	}
	xtcp_timer_stop(sk);
	__skb_queue_purge(&sk->sk_receive_queue);
	xtcp_rtxq_purge(sk);
	xtcp_reasm_purge(&xs->reasm);
	xtcp_lower_disconnect(sk);
	xtcp_ports_describe(sk);
	xtcp_socket_reset(sk);
	WRITE_ONCE(sk->sk_shutdown, 0);
	sock_reset_flag(sk, SOCK_DONE);
	sk_error_report(sk);
	return 0;
}
