/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two XTCP sockets in KUnit and a wire between them that the test holds in its hands:
 * what one sends is caught at its route's output, and reaches the other when and if the
 * test delivers it. ISNs are the test's choice.
 */
#ifndef _XTCP_TESTS_PAIR_H
#define _XTCP_TESTS_PAIR_H

#include <linux/tcp.h>
#include <linux/uio.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp_states.h>
#include "../compat/unaligned.h"
#include "../delack.h"
#include "../options.h"
#include "../output.h"
#include "../ports.h"
#include "../rtxq.h"
#include "../socket.h"
#include "../state.h"
#include "../timer.h"
#include "ksock.h"

#define PAIR_MTU	1500

/* Nothing shall expire while a test runs, however busy the machine is. */
#define PAIR_RTO_US	(100 * USEC_PER_SEC)

/* One end: its socket, and what it has sent that nobody has taken off the wire. */
struct pair_end {
	struct sock *sk;
	struct sk_buff_head wire;
};

static struct pair_end pair_ends[2];

/* SO_RCVBUF of both ends, 0: the default. */
static u32 pair_rcvbuf;

/* Each route has a reference, and this one stays. */
static struct dst_metrics pair_metrics = {
	.metrics = { [RTAX_MTU - 1] = PAIR_MTU },
	.refcnt = REFCOUNT_INIT(1),
};

/* dst.output of both ends. */
static int pair_catch(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff *copy = skb_copy(skb, GFP_ATOMIC);
	int i;

	for (i = 0; copy && i < 2; i++) {
		if (pair_ends[i].sk == sk) {
			skb_queue_tail(&pair_ends[i].wire, copy);
			copy = NULL;
		}
	}
	kfree_skb(copy);
	consume_skb(skb);
	return 0;
}

/* An active open as xtcp_handshake_connect() makes it, up to the SYN that is queued. */
static inline void pair_open(struct kunit *test, struct pair_end *e, u32 iss, u32 local,
			     u32 remote)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct rtable *rt;

	skb_queue_head_init(&e->wire);
	e->sk = sk;
	rt = rt_dst_alloc(init_net.loopback_dev, 0, RTN_UNICAST, true);
	KUNIT_ASSERT_NOT_NULL(test, rt);
	rt->dst.output = pair_catch;
	rt->dst.obsolete = DST_OBSOLETE_NONE;
	refcount_inc(&pair_metrics.refcnt);
	dst_init_metrics(&rt->dst, pair_metrics.metrics, true);

	lock_sock(sk);
	if (pair_rcvbuf)
		sk->sk_rcvbuf = pair_rcvbuf;
	xtcp_clock_refresh(xs);
	inet_sk(sk)->inet_rcv_saddr = htonl(local);
	inet_sk(sk)->inet_saddr = htonl(local);
	inet_sk(sk)->inet_daddr = htonl(remote);
	inet_sk(sk)->inet_dport = htons(80);
	ipv6_addr_set_v4mapped(htonl(remote), &xs->node.key.raddr);
	xs->node.key.rport = htons(80);
	xtcp_state_move(sk, XTCP_EV_ACTIVE_OPEN);
	KUNIT_EXPECT_EQ(test, xtcp_ports_connect(sk), 0);
	sk_setup_caps(sk, &rt->dst);
	/* Super-segments are cut before they reach the wire. */
	sk->sk_gso_type = SKB_GSO_TCPV4;
	sk->sk_route_caps &= ~NETIF_F_GSO_MASK;
	xtcp_socket_start(sk);
	/* As with fq: however slow the machine makes the path, nothing is held back here. */
	sk->sk_pacing_status = SK_PACING_FQ;
	xs->snd.iss = iss;
	xs->snd.una = iss;
	xs->snd.nxt = iss + 1;
	xs->snd.write_seq = iss + 1;
	xs->snd.peer_mss = U16_MAX;
	xtcp_output_sync_mss(sk, PAIR_MTU);
	xs->rcv.advmss = PAIR_MTU - 40;
	xs->rcv.mss = 536;
	xs->rcv.wscale_ok = true;
	xtcp_delack_initial_window(sk, &xs->rcv.wnd, &xs->rcv.wscale);
	xs->rcv.clamp = (u32)U16_MAX << xs->rcv.wscale;
	xtcp_recovery_init(xs);
	xtcp_rtxq_append(&xs->rtxq, ksock_segment(test, sk, iss, 0, XTCP_SYN));
	release_sock(sk);
}

/*
 * Buffers of @segs segments at most, 1 as over a device without any offload: how long a burst
 * may be otherwise depends on the round trip, and that on the machine.
 */
static inline void pair_segments(struct pair_end *e, u16 segs)
{
	e->sk->sk_route_caps |= NETIF_F_TSO;
	e->sk->sk_gso_max_segs = segs;
}

/* The queued SYN goes out. */
static inline void pair_send_syn(struct pair_end *e)
{
	struct xtcp_sock *xs = xtcp_sk(e->sk);

	lock_sock(e->sk);
	xtcp_xmit_skb(e->sk, xtcp_rtxq_first(&xs->rtxq));
	release_sock(e->sk);
}

/*
 * A segment made by hand, or off the wire, reaches @e as from softirq, which ends with it;
 * no timer is left to interfere.
 */
static inline void pair_input(struct pair_end *e, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);
	struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_options opt;

	memset(cb, 0, sizeof(*cb));
	cb->seq = ntohl(th->seq);
	cb->end_seq = cb->seq + th->syn + th->fin + skb->len - th->doff * 4;
	cb->ack = ntohl(th->ack_seq);
	cb->wnd = ntohs(th->window);
	cb->urg = ntohs(th->urg_ptr);
	cb->flags = ((const u8 *)th)[13];
	xtcp_options_parse((const u8 *)(th + 1), th->doff * 4 - sizeof(*th), th->syn, &opt);
	local_bh_disable();
	bh_lock_sock(e->sk);
	xtcp_state_segment(e->sk, skb, &opt);
	xtcp_timer_stop(e->sk);
	bh_unlock_sock(e->sk);
	/* The ACK that waits for the end of the batch leaves in here (ackq.c). */
	local_bh_enable();
}

/*
 * What arrives between the two is one batch of softirq's: who owes an ACK at its end sends it
 * in pair_batch_end(). Nothing may sleep between them, so there is no EXPECT either.
 */
static inline void pair_batch_begin(void)
{
	local_bh_disable();
}

static inline void pair_batch_end(void)
{
	local_bh_enable();
}

/* What the peer's clock says in the segments that the test makes, 0: they have no timestamps. */
static u32 pair_tsval;

/* A segment that no end has sent, with @len octets that belong at @seq. */
static inline void pair_forge_data(struct kunit *test, struct pair_end *to, u8 flags, u32 seq,
				   u32 ack, u16 wnd, u32 len)
{
	/* It may be one of a batch. */
	struct sk_buff *skb = alloc_skb(128 + len, GFP_ATOMIC);
	struct tcphdr *th;
	u8 *p;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 64);
	th = skb_put_zero(skb, sizeof(*th));
	skb_reset_transport_header(skb);
	th->seq = htonl(seq);
	th->ack_seq = htonl(ack);
	th->doff = 5;
	((u8 *)th)[13] = flags;
	th->window = htons(wnd);
	if (pair_tsval) {
		p = skb_put(skb, 12);
		put_unaligned_be32(0x0101080a, p);
		put_unaligned_be32(pair_tsval, p + 4);
		put_unaligned_be32(0, p + 8);
		th->doff += 3;
	}
	p = skb_put(skb, len);
	for (i = 0; i < len; i++)
		p[i] = ksock_octet(seq + i);
	pair_input(to, skb);
}

/* The same without data. */
static inline void pair_forge(struct kunit *test, struct pair_end *to, u8 flags, u32 seq, u32 ack)
{
	pair_forge_data(test, to, flags, seq, ack, 8192, 0);
}

/*
 * The next segment that @from sent must be this one. Return: it, with its header first, or
 * NULL after a failure.
 */
static inline struct sk_buff *pair_take(struct kunit *test, struct pair_end *from, u8 flags,
					u32 seq, u32 ack, u32 len)
{
	struct sk_buff *skb = skb_dequeue(&from->wire);
	const struct tcphdr *th;

	if (!skb) {
		KUNIT_FAIL(test, "end %d sent nothing", (int)(from - pair_ends));
		return NULL;
	}
	skb_pull(skb, skb_transport_offset(skb));
	th = tcp_hdr(skb);
	KUNIT_EXPECT_EQ(test, ((const u8 *)th)[13], flags);
	KUNIT_EXPECT_EQ(test, ntohl(th->seq), seq);
	if (flags & XTCP_ACK)
		KUNIT_EXPECT_EQ(test, ntohl(th->ack_seq), ack);
	KUNIT_EXPECT_EQ(test, skb->len - th->doff * 4, len);
	return skb;
}

/* The same, and it arrives at the other end. */
static inline void pair_pass(struct kunit *test, struct pair_end *from, u8 flags, u32 seq,
			     u32 ack, u32 len)
{
	struct sk_buff *skb = pair_take(test, from, flags, seq, ack, len);

	if (skb)
		pair_input(from == &pair_ends[0] ? &pair_ends[1] : &pair_ends[0], skb);
}

/* @e sent nothing more. */
static inline void pair_silent(struct kunit *test, struct pair_end *e)
{
	KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&e->wire), "end %d", (int)(e - pair_ends));
	skb_queue_purge(&e->wire);
}

/*
 * @e is connected to a peer that the test plays by hand: its SYN had @irs, no options, and
 * a window of 8192.
 */
static inline void pair_establish(struct kunit *test, struct pair_end *e, u32 iss, u32 irs)
{
	pair_open(test, e, iss, 0x7f000001, 0x7f000002);
	pair_send_syn(e);
	kfree_skb(pair_take(test, e, XTCP_SYN, iss, 0, 0));
	pair_forge(test, e, XTCP_SYN | XTCP_ACK, irs, iss + 1);
	kfree_skb(pair_take(test, e, XTCP_ACK, iss + 1, irs + 1, 0));
	KUNIT_EXPECT_EQ(test, e->sk->sk_state, TCP_ESTABLISHED);
	xtcp_sk(e->sk)->rtt.rto_us = PAIR_RTO_US;
}

/* @e's application does not answer: the ACK that waited for it goes. */
static inline void pair_flush_acks(struct kunit *test, struct pair_end *e)
{
	pair_silent(test, e);
	lock_sock(e->sk);
	xtcp_delack_flush(e->sk);
	release_sock(e->sk);
}

/* In the middle of a conversation, ACKs wait for data. */
static inline void pair_slow_acks(struct pair_end *e)
{
	struct xtcp_sock *xs = xtcp_sk(e->sk);

	xs->rtt.rto_us = PAIR_RTO_US;
	xs->rcv.quick = 0;
	xs->rcv.ato = XTCP_ATO_MIN;
	xs->rcv.last = jiffies;
}

/*
 * @e's application writes @len octets. Deadlines are noted, but no kernel timer runs.
 * Return: what sendmsg() says.
 */
static inline int pair_write(struct pair_end *e, u32 len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	static u8 octets[16384];
	struct kvec vec = { .iov_base = octets, .iov_len = len };

	struct xtcp_sock *xs = xtcp_sk(e->sk);
	int ret;

	memset(octets, 0xa5, sizeof(octets));
	ret = kernel_sendmsg(e->sk->sk_socket, &msg, &vec, 1, len);
	lock_sock(e->sk);
	if (xtcp_wheel_stop(xs->xn, &e->sk->sk_timer))
		__sock_put(e->sk);
	release_sock(e->sk);
	return ret;
}

/* Take everything off the wire. Return: octets of payload in it. */
static inline u32 pair_sent(struct pair_end *e)
{
	struct sk_buff *skb;
	u32 sum = 0;

	while ((skb = skb_dequeue(&e->wire))) {
		skb_pull(skb, skb_transport_offset(skb));
		sum += skb->len - tcp_hdr(skb)->doff * 4;
		kfree_skb(skb);
	}
	return sum;
}

static inline void pair_states(struct kunit *test, int a, int b)
{
	KUNIT_EXPECT_EQ(test, pair_ends[0].sk->sk_state, a);
	KUNIT_EXPECT_EQ(test, pair_ends[1].sk->sk_state, b);
}

static inline void pair_close(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct sock *sk = pair_ends[i].sk;

		if (!sk)
			continue;
		lock_sock(sk);
		xtcp_timer_stop(sk);
		if (sk->sk_state != TCP_CLOSE)
			xtcp_state_move(sk, XTCP_EV_ABORT);
		xtcp_rtxq_purge(sk);
		release_sock(sk);
		ksock_close(sk);
		pair_ends[i].sk = NULL;
		skb_queue_purge(&pair_ends[i].wire);
	}
}

#endif /* _XTCP_TESTS_PAIR_H */
