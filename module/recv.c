// SPDX-License-Identifier: GPL-2.0
/* recvmsg: from the receive queue to the reader. */
#include <linux/sched/signal.h>
#include <linux/tcp.h>
#include <net/busy_poll.h>
#include <net/sock.h>

#include "autocork.h"
#include "compat/compat.h"
#include "delack.h"
#include "mem.h"
#include "recv.h"
#include "rxstamp.h"
#include "seq.h"
#include "skb_cb.h"
#include "urgent.h"
#include "xtcp_sock.h"

/* Where a read stands. */
struct xtcp_reader {
	struct msghdr *msg;
	size_t want;		/* octets still wanted */
	u32 seq;		/* next sequence number to read */
	int copied;
	int flags;
	struct xtcp_rxstamp stamp;	/* of the last octets */
	bool done;		/* FIN, the urgent mark, or a fault: stop here */
};

int xtcp_recv_inq(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int inq;

	if ((1 << sk->sk_state) & (TCPF_SYN_SENT | TCPF_SYN_RECV))
		return 0;
	if (!sock_flag(sk, SOCK_URGINLINE) && xs->rcv.urg &&
	    !xtcp_seq_before(xs->rcv.up, xs->rcv.copied) &&
	    xtcp_seq_before(xs->rcv.up, xs->rcv.nxt))
		return xs->rcv.up - xs->rcv.copied;
	inq = xs->rcv.nxt - xs->rcv.copied;
	/* The peer's FIN has a number, but is nothing to read. */
	if (inq && sock_flag(sk, SOCK_DONE))
		inq--;
	return inq;
}

bool xtcp_recv_readable(struct sock *sk, int target)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int avail = READ_ONCE(xs->rcv.nxt) - READ_ONCE(xs->rcv.copied);

	if (avail <= 0)
		return false;
	/* A full buffer is as much as there will be, whatever SO_RCVLOWAT asks. */
	return avail >= target || sk_under_memory_pressure(sk) ||
	       atomic_read(&sk->sk_rmem_alloc) > READ_ONCE(sk->sk_rcvbuf) ||
	       xtcp_delack_window(xs) <= READ_ONCE(xs->rcv.mss);
}

int xtcp_recv_set_lowat(struct sock *sk, int val)
{
	bool fixed = sk->sk_userlocks & SOCK_RCVBUF_LOCK;
	int max = fixed ? sk->sk_rcvbuf / 2 : READ_ONCE(xtcp_sk(sk)->xn->sysctl.rmem[2]) / 2;

	sock_owned_by_me(sk);
	val = min(val, max);
	WRITE_ONCE(sk->sk_rcvlowat, val ?: 1);
	/* What is there may be enough now. */
	if (xtcp_recv_readable(sk, val ?: 1))
		sk->sk_data_ready(sk);
	if (!fixed && 2 * val > sk->sk_rcvbuf)
		WRITE_ONCE(sk->sk_rcvbuf, 2 * val);
	return 0;
}

/* The buffer that holds @seq, or the FIN there; NULL if it has not arrived. */
static struct sk_buff *xtcp_recv_find(struct sock *sk, u32 seq, u32 *offset)
{
	struct sk_buff *skb;

	skb_queue_walk(&sk->sk_receive_queue, skb) {
		*offset = seq - xtcp_cb(skb)->seq;
		if (WARN_ONCE(xtcp_seq_before(seq, xtcp_cb(skb)->seq),
			      "xtcp: hole in the receive queue\n"))
			break;
		if (*offset < skb->len || (xtcp_cb(skb)->flags & XTCP_FIN))
			return skb;
	}
	return NULL;
}

/*
 * An urgent octet in the next @used octets ends the run before it; at its start it is
 * stepped over, unless it is to be read inline. Return: octets that may be copied.
 */
static u32 xtcp_recv_mind_urgent(struct sock *sk, struct xtcp_reader *r, u32 *offset, u32 used)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 gap = xs->rcv.up - r->seq;

	if (likely(!xs->rcv.urg) || gap >= used)
		return used;
	if (gap)
		return gap;
	if (sock_flag(sk, SOCK_URGINLINE))
		return used;
	r->seq++;
	(*offset)++;
	return used - 1;
}

/* Copy what can be copied of @skb from @offset on. */
static void xtcp_recv_take(struct sock *sk, struct xtcp_reader *r, struct sk_buff *skb,
			   u32 offset)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 used = 0;

	if (offset < skb->len) {
		used = min_t(size_t, skb->len - offset, r->want);
		used = xtcp_recv_mind_urgent(sk, r, &offset, used);
		if (used && !(r->flags & MSG_TRUNC) &&
		    skb_copy_datagram_msg(skb, offset, r->msg, used)) {
			if (!r->copied)
				r->copied = -EFAULT;
			r->done = true;
			return;
		}
		xtcp_rxstamp_read(&r->stamp, skb);
		r->seq += used;
		r->copied += used;
		r->want -= used;
		if (r->flags & MSG_PEEK)
			sk_peek_offset_fwd(sk, used);
		else
			sk_peek_offset_bwd(sk, used);
	}
	if (!(r->flags & MSG_PEEK)) {
		WRITE_ONCE(xs->rcv.copied, r->seq);
		if (unlikely(xs->rcv.urg) && xtcp_seq_after(xs->rcv.copied, xs->rcv.up))
			WRITE_ONCE(xs->rcv.urg, 0);
	}
	if (offset + used < skb->len)
		return;
	if (xtcp_cb(skb)->flags & XTCP_FIN) {
		r->seq++;
		r->done = true;
	}
	if (!(r->flags & MSG_PEEK)) {
		WRITE_ONCE(xs->rcv.copied, r->seq);
		__skb_unlink(skb, &sk->sk_receive_queue);
		xtcp_mem_free_read(sk, skb);
	}
}

/* Nothing to read: is waiting of use? Return: false to stop, r->copied then says why. */
static bool xtcp_recv_may_wait(struct sock *sk, struct xtcp_reader *r, long timeo)
{
	if (r->copied)
		return !(sk->sk_err || sk->sk_state == TCP_CLOSE ||
			 (sk->sk_shutdown & RCV_SHUTDOWN) || !timeo ||
			 signal_pending(current));
	if (sock_flag(sk, SOCK_DONE))
		return false;
	if (sk->sk_err) {
		r->copied = sock_error(sk);
		return false;
	}
	if (sk->sk_shutdown & RCV_SHUTDOWN)
		return false;
	if (sk->sk_state == TCP_CLOSE)
		r->copied = -ENOTCONN;
	else if (!timeo)
		r->copied = -EAGAIN;
	else if (signal_pending(current))
		r->copied = sock_intr_errno(timeo);
	return !r->copied;
}

/* The urgent mark ends a read that has something, so that SIOCATMARK can be asked there. */
static bool xtcp_recv_at_mark(struct sock *sk, const struct xtcp_reader *r)
{
	const struct xtcp_sock *xs = xtcp_sk(sk);

	return unlikely(xs->rcv.urg) && xs->rcv.up == r->seq && r->copied;
}

/* The reader has taken @octets more: there is room, and perhaps more is wanted. */
static void xtcp_recv_taken(struct sock *sk, int octets)
{
	xtcp_clock_refresh(xtcp_sk(sk));
	xtcp_autocork_reader(sk);
	xtcp_rcvspace_adjust(sk);
	xtcp_delack_reader(sk, octets);
}

/* The reader goes to sleep: nothing of ours may keep the peer from answering. */
static void xtcp_recv_waits(struct sock *sk, int octets)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (octets || xs->autocork.held || xs->rcv.unacked)
		xtcp_recv_taken(sk, octets);
	else
		xs->autocork.writes = 0;
}

static int xtcp_recv_locked(struct sock *sk, struct xtcp_reader *r, long timeo)
{
	int target = sock_rcvlowat(sk, r->flags & MSG_WAITALL, r->want);
	int acked = 0;
	struct sk_buff *skb;
	u32 offset;

	while (!r->done && !xtcp_recv_at_mark(sk, r)) {
		skb = xtcp_recv_find(sk, r->seq, &offset);
		if (skb) {
			xtcp_recv_take(sk, r, skb, offset);
			/* A read of nothing waits like any other, then is content. */
			if (!r->want)
				break;
			continue;
		}
		/* Enough, and nothing is on its way in; what comes this moment comes too late. */
		if (r->copied >= target && !data_race(READ_ONCE(sk->sk_backlog.tail)))
			break;
		if (!xtcp_recv_may_wait(sk, r, timeo))
			break;
		if (r->copied >= target) {
			release_sock(sk);
			lock_sock(sk);
		} else {
			/* The window must open before we sleep for what it keeps out. */
			if (!(r->flags & MSG_PEEK)) {
				xtcp_recv_waits(sk, r->copied - acked);
				acked = r->copied;
			}
			sk_wait_data(sk, &timeo, skb_peek_tail(&sk->sk_receive_queue));
		}
		if ((r->flags & MSG_PEEK) && xtcp_seq_before(r->seq, xtcp_sk(sk)->rcv.copied))
			/* Another reader took what was peeked at. */
			r->seq = xtcp_sk(sk)->rcv.copied;
	}
	if (!(r->flags & MSG_PEEK) && r->copied > 0)
		xtcp_recv_taken(sk, r->copied - acked);
	return r->copied;
}

int xtcp_recv_msg(struct sock *sk, struct msghdr *msg, size_t len, int flags)
{
	struct xtcp_reader r = { .msg = msg, .want = len, .flags = flags };
	struct xtcp_sock *xs = xtcp_sk(sk);
	bool tell;
	int ret, inq;

	if (unlikely(flags & MSG_ERRQUEUE))
		return xtcp_inet_recv_error(sk, msg, len);

	/* SO_BUSY_POLL: fetch what the device has before going to sleep for it. */
	if (sk_can_busy_loop(sk) && inet_sk_state_load(sk) == TCP_ESTABLISHED &&
	    skb_queue_empty_lockless(&sk->sk_receive_queue))
		sk_busy_loop(sk, flags & MSG_DONTWAIT);

	lock_sock(sk);
	if (sk->sk_state == TCP_LISTEN) {
		ret = -ENOTCONN;
	} else if (flags & MSG_OOB) {
		ret = xtcp_urgent_read(sk, msg, len, flags);
	} else {
		/* SO_PEEK_OFF: the next look begins where the last one ended. */
		r.seq = xs->rcv.copied + max(sk_peek_offset(sk, flags), 0);
		ret = xtcp_recv_locked(sk, &r, sock_rcvtimeo(sk, flags & MSG_DONTWAIT));
	}
	tell = xs->tell_inq;
	inq = xs->rcv.nxt - xs->rcv.copied;
	/* Behind the FIN there is the end of the stream to read. */
	if (!inq && sock_flag(sk, SOCK_DONE))
		inq = 1;
	release_sock(sk);
	if (ret < 0)
		return ret;
	if (unlikely(r.stamp.soft || r.stamp.hard))
		xtcp_rxstamp_tell(sk, msg, &r.stamp);
	/* TCP_INQ, and io_uring, which asks in its own way. */
	if (msg->msg_get_inq)
		msg->msg_inq = inq;
	if (tell)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
	return ret;
}
