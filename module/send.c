// SPDX-License-Identifier: GPL-2.0
/*
 * sendmsg: from the writer into the send queue.
 *
 * Octets are copied into page fragments of the last unsent buffer until it holds a
 * super-segment, or it refers to the writer's pages (splice.c); memory is charged before it is
 * used, and a writer without room waits.
 */
#include <linux/tcp.h>
#include <net/sock.h>

#include "autocork.h"
#include "compat/compat.h"
#include "frag.h"
#include "output.h"
#include "send.h"
#include "skb_cb.h"
#include "sndbuf.h"
#include "splice.h"
#include "txstamp.h"
#include "xmit.h"
#include "xtcp_sock.h"

/* A new buffer at the end of the write queue; NULL if there is no room for it. */
static struct sk_buff *xtcp_send_new_skb(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_skb_cb *cb;
	struct sk_buff *skb;

	if (!sk_stream_memory_free(sk))
		return NULL;
	skb = xtcp_xmit_alloc(sk, sk->sk_allocation);
	if (!skb) {
		xtcp_sndbuf_shrink(sk);
		return NULL;
	}
	if (!xtcp_sndbuf_charge(sk, skb->truesize)) {
		kfree_skb(skb);
		return NULL;
	}
	cb = xtcp_cb(skb);
	cb->seq = xs->snd.write_seq;
	cb->end_seq = cb->seq;
	cb->flags = XTCP_ACK;
	sk_wmem_queued_add(sk, skb->truesize);
	sk_mem_charge(sk, skb->truesize);
	__skb_queue_tail(&sk->sk_write_queue, skb);
	return skb;
}

/* The last unsent buffer if it has room for one more octet, else a new one, or NULL. */
static struct sk_buff *xtcp_send_tail(struct sock *sk, u32 goal)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (skb && skb->len < goal && likely(!(xtcp_cb(skb)->mark & XTCP_MARK_EOR)))
		return skb;
	return xtcp_send_new_skb(sk);
}

/* A buffer that got nothing goes again. */
static void xtcp_send_drop_empty(struct sock *sk)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);

	if (skb && !skb->len && !(xtcp_cb(skb)->flags & XTCP_FIN)) {
		__skb_unlink(skb, &sk->sk_write_queue);
		xtcp_rtxq_free_skb(sk, skb);
	}
}

/*
 * Copy up to @max octets into @skb. Return: octets copied; 0 if the buffer has no
 * fragment left; -ENOMEM to wait for memory; -EFAULT.
 */
static int xtcp_send_copy(struct sock *sk, struct msghdr *msg, struct sk_buff *skb, int max)
{
	struct page_frag *pfrag = sk_page_frag(sk);
	int i = skb_shinfo(skb)->nr_frags, copy, err;
	bool merge;

	if (!xtcp_frag_refill(sk, pfrag))
		return -ENOMEM;
	merge = skb_can_coalesce(skb, i, pfrag->page, pfrag->offset);
	if (!merge && i >= MAX_SKB_FRAGS)
		return 0;
	copy = min_t(int, max, pfrag->size - pfrag->offset);
	if (!xtcp_sndbuf_charge(sk, copy))
		return -ENOMEM;
	err = skb_copy_to_page_nocache(sk, &msg->msg_iter, skb, pfrag->page, pfrag->offset, copy);
	if (err)
		return err;
	if (merge) {
		skb_frag_size_add(&skb_shinfo(skb)->frags[i - 1], copy);
	} else {
		skb_fill_page_desc(skb, i, pfrag->page, pfrag->offset, copy);
		get_page(pfrag->page);
	}
	pfrag->offset += copy;
	return copy;
}

/* Up to @max octets into @skb, by reference if @splice. As xtcp_send_copy(). */
static int xtcp_send_fill(struct sock *sk, struct msghdr *msg, bool splice, struct sk_buff *skb,
			  int max)
{
	int n;

	max = min_t(size_t, msg_data_left(msg), max);
	if (splice) {
		n = xtcp_splice_page(sk, &msg->msg_iter, skb, max);
		if (n != -EOPNOTSUPP)
			return n;
	}
	return xtcp_send_copy(sk, msg, skb, max);
}

/* @n octets are at the end of @skb. */
static void xtcp_send_queued(struct xtcp_sock *xs, struct sk_buff *skb, int n)
{
	WRITE_ONCE(xs->snd.write_seq, xs->snd.write_seq + n);
	xtcp_cb(skb)->end_seq += n;
}

/*
 * A page of a sendfile() that is not its last finds the one before it still unsent: it takes its
 * place behind that, and the last one sees to the rest. Return: octets queued, perhaps not all.
 */
static int xtcp_send_behind(struct sock *sk, struct msghdr *msg)
{
	struct sk_buff *skb = skb_peek_tail(&sk->sk_write_queue);
	int n;

	if (!skb || !skb->len || unlikely(xtcp_cb(skb)->mark) || READ_ONCE(sk->sk_tsflags) ||
	    skb->len + msg_data_left(msg) > xtcp_output_size_goal(sk) ||
	    !((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) ||
	    sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN) || !xtcp_splice_able(sk))
		return 0;
	n = xtcp_splice_page(sk, &msg->msg_iter, skb, msg_data_left(msg));
	if (n <= 0)
		return 0;
	xtcp_send_queued(xtcp_sk(sk), skb, n);
	return n;
}

/*
 * One of the pages of a sendfile() is queued, and the next one is at hand. Two super-segments
 * go, see xtcp_send_queue().
 */
static void xtcp_send_not_last(struct sock *sk, u32 goal)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	if (xs->snd.write_seq - xs->snd.nxt >= 2 * goal)
		xtcp_output_push_more(sk, true);
}

/* What was queued is complete for now: mark its end and send what may go. */
static void xtcp_send_finish(struct sock *sk, int flags, bool splice, u32 copied)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct sk_buff *tail = skb_peek_tail(&sk->sk_write_queue);

	if (tail) {
		xtcp_cb(tail)->flags |= XTCP_PSH;
		if (unlikely(flags & MSG_EOR))
			xtcp_cb(tail)->mark |= XTCP_MARK_EOR;
	}
	xtcp_autocork_written(&xs->autocork, copied, xs->now_us);
	if (splice && (flags & MSG_MORE))
		xtcp_autocork_announced(&xs->autocork);
	if (flags & MSG_OOB) {
		xs->snd.up = xs->snd.write_seq;
		xs->snd.urgent = true;
	}
	xtcp_output_push_more(sk, flags & MSG_MORE);
}

/* Wait for room. What is queued already goes first. 0 or -errno. */
static int xtcp_send_wait(struct sock *sk, int flags, int copied, long *timeo)
{
	set_bit(SOCK_NOSPACE, &sk->sk_socket->flags);
	if (copied)
		xtcp_output_push_more(sk, flags & MSG_MORE);
	return sk_stream_wait_memory(sk, timeo);
}

/* The loop of sendmsg. Return: octets queued, and *@err for what stopped it. */
static int xtcp_send_queue(struct sock *sk, struct msghdr *msg, bool splice, u32 goal,
			   long *timeo, int *err)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int copied = 0, flags = msg->msg_flags, n;
	struct sk_buff *skb;

	*err = 0;
	while (msg_data_left(msg)) {
		if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN)) {
			*err = -EPIPE;
			break;
		}
		n = -ENOMEM;
		skb = xtcp_send_tail(sk, goal);
		if (skb) {
			n = xtcp_send_fill(sk, msg, splice, skb, goal - skb->len);
			if (!n) {
				skb = xtcp_send_new_skb(sk);
				n = skb ? xtcp_send_fill(sk, msg, splice, skb, goal) : -ENOMEM;
			}
		}
		if (n > 0) {
			xtcp_send_queued(xs, skb, n);
			copied += n;
			/*
			 * Send while the next buffer fills. The last two go together, so that a
			 * reader on this processor is woken once for them.
			 */
			if (skb->len >= goal && msg_data_left(msg) >= goal)
				xtcp_output_push_more(sk, true);
			continue;
		}
		xtcp_send_drop_empty(sk);
		*err = n == -ENOMEM ? xtcp_send_wait(sk, flags, copied, timeo) : n;
		if (*err)
			break;
		xtcp_clock_refresh(xs);
		goal = xtcp_output_size_goal(sk);
	}
	return copied;
}

static int xtcp_send_locked(struct sock *sk, struct msghdr *msg, bool splice)
{
	int flags = msg->msg_flags, copied = 0, err;
	long timeo = sock_sndtimeo(sk, flags & MSG_DONTWAIT);
	/* A flag of the kernel's: of a program's send() it means nothing. */
	bool not_last = splice && (flags & XTCP_MSG_NOTLAST);
	u32 tsflags, goal;

	if (not_last) {
		copied = xtcp_send_behind(sk, msg);
		if (copied && !msg_data_left(msg))
			return copied;
	}
	if ((1 << sk->sk_state) & ~(TCPF_ESTABLISHED | TCPF_CLOSE_WAIT)) {
		err = sk_stream_wait_connect(sk, &timeo);
		if (err)
			goto error;
	}
	xtcp_clock_refresh(xtcp_sk(sk));
	sk_clear_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	xtcp_output_check_idle(sk);
	err = -EPIPE;
	if (sk->sk_err || (sk->sk_shutdown & SEND_SHUTDOWN))
		goto error;

	tsflags = READ_ONCE(sk->sk_tsflags);
	if (msg->msg_controllen) {
		struct sockcm_cookie cookie;

		sockcm_init(&cookie, sk);
		err = -EINVAL;
		if (sock_cmsg_send(sk, msg, &cookie) || xtcp_cookie_has_opt_id(&cookie))
			goto error;
		tsflags = cookie.tsflags;
		err = -EPIPE;
	}

	goal = xtcp_output_size_goal(sk);
	splice = splice && xtcp_splice_able(sk);
	copied += xtcp_send_queue(sk, msg, splice, goal, &timeo, &err);
	if (copied) {
		if (unlikely(tsflags))
			xtcp_txstamp_mark(sk, tsflags, copied);
		/* A record that is not all here has no end yet. */
		if (msg_data_left(msg))
			flags &= ~MSG_EOR;
		else if (unlikely(not_last)) {
			xtcp_send_not_last(sk, goal);
			return copied;
		}
		xtcp_send_finish(sk, flags, splice, copied);
		return copied;
	}
	if (!err)
		return 0;
error:
	err = sk_stream_error(sk, flags, err);
	/* Nothing is on its way that would wake an edge-triggered writer later. */
	if (err == -EAGAIN && xtcp_rtxq_empty(&xtcp_sk(sk)->rtxq) &&
	    skb_queue_empty(&sk->sk_write_queue))
		sk->sk_write_space(sk);
	return err;
}

int xtcp_send_msg(struct sock *sk, struct msghdr *msg, size_t size)
{
	int ret;

	if (unlikely(msg->msg_flags & MSG_FASTOPEN))
		return -EOPNOTSUPP;
	lock_sock(sk);
	ret = xtcp_send_locked(sk, msg, xtcp_msg_splices(msg));
	release_sock(sk);
	return ret;
}

int xtcp_send_pages(struct sock *sk, struct msghdr *msg)
{
	int ret;

	lock_sock(sk);
	ret = xtcp_send_locked(sk, msg, true);
	release_sock(sk);
	return ret;
}
