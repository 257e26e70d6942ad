// SPDX-License-Identifier: GPL-2.0
/*
 * Urgent data, receive side (RFC 9293 3.8.5, RFC 6093).
 *
 * As every BSD socket has it, the octet before the one that the pointer names is taken out
 * of the stream and kept aside, unless SO_OOBINLINE leaves it there.
 */
#include <linux/tcp.h>
#include <net/sock.h>

#include "recv.h"
#include "seq.h"
#include "skb_cb.h"
#include "urgent.h"
#include "xtcp_sock.h"

/* A pointer arrived: is it news, and where does it point? */
static void xtcp_urgent_pointer(struct sock *sk, const struct xtcp_skb_cb *cb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	u32 ptr = cb->urg;

	if (ptr && !READ_ONCE(xs->xn->sysctl.stdurg))
		ptr--;
	ptr += cb->seq;

	if (xtcp_seq_after(xs->rcv.copied, ptr) || xtcp_seq_before(ptr, xs->rcv.nxt))
		return;
	if (xs->rcv.urg && !xtcp_seq_after(ptr, xs->rcv.up))
		return;
	sk_send_sigurg(sk);

	/*
	 * The old mark stands where the reader stands and its octet was not taken inline:
	 * the octet must be stepped over now, for the new mark forgets it.
	 */
	if (xs->rcv.up == xs->rcv.copied && xs->rcv.urg && !sock_flag(sk, SOCK_URGINLINE) &&
	    xs->rcv.copied != xs->rcv.nxt) {
		struct sk_buff *skb = skb_peek(&sk->sk_receive_queue);

		WRITE_ONCE(xs->rcv.copied, xs->rcv.copied + 1);
		if (skb && !xtcp_seq_before(xs->rcv.copied, xtcp_cb(skb)->end_seq)) {
			__skb_unlink(skb, &sk->sk_receive_queue);
			kfree_skb(skb);
		}
	}
	WRITE_ONCE(xs->rcv.urg, XTCP_URG_NOTYET);
	WRITE_ONCE(xs->rcv.up, ptr);
}

void xtcp_urgent_rcv(struct sock *sk, struct sk_buff *skb)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	u32 offset;
	u8 octet;

	if (unlikely(cb->flags & XTCP_URG))
		xtcp_urgent_pointer(sk, cb);
	if (likely(xs->rcv.urg != XTCP_URG_NOTYET))
		return;
	offset = xs->rcv.up - cb->seq;
	if (offset >= skb->len || skb_copy_bits(skb, offset, &octet, 1))
		return;
	WRITE_ONCE(xs->rcv.urg, XTCP_URG_VALID | octet);
	if (!sock_flag(sk, SOCK_DEAD))
		sk->sk_data_ready(sk);
}

int xtcp_urgent_read(struct sock *sk, struct msghdr *msg, int len, int flags)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	char octet = xs->rcv.urg;

	sock_owned_by_me(sk);
	if (sock_flag(sk, SOCK_URGINLINE) || !xs->rcv.urg || (xs->rcv.urg & XTCP_URG_READ))
		return -EINVAL;
	if (sk->sk_state == TCP_CLOSE && !sock_flag(sk, SOCK_DONE))
		return -ENOTCONN;
	if (xs->rcv.urg & XTCP_URG_VALID) {
		if (!(flags & MSG_PEEK))
			WRITE_ONCE(xs->rcv.urg, XTCP_URG_READ);
		msg->msg_flags |= MSG_OOB;
		if (!len) {
			msg->msg_flags |= MSG_TRUNC;
			return 0;
		}
		if (!(flags & MSG_TRUNC) && memcpy_to_msg(msg, &octet, 1))
			return -EFAULT;
		return 1;
	}
	if (sk->sk_state == TCP_CLOSE || (sk->sk_shutdown & RCV_SHUTDOWN))
		return 0;
	/* Announced and on its way: waiting would stop the reader of the stream. */
	return -EAGAIN;
}
