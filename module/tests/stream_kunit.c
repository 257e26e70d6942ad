// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit: two streams at once over a wire that loses, repeats and reorders, without clock
 * or network: the same seed is the same exchange, segment by segment.
 */
#include <kunit/test.h>
#include <linux/slab.h>
#include "../recovery.h"
#include "pair.h"
#include "rnd.h"

#define CHUNK	4096U

/* How bad a wire is and how the ends behave. */
struct stream_case {
	const char *what;
	u32 seed;
	u32 octets;		/* each way */
	u32 lose;		/* of 1000 segments */
	u32 repeat;
	u32 reorder;
	u32 read;		/* of 1000 turns */
	u32 rcvbuf;		/* 0: the default */
	u32 iss;
};

static const struct stream_case stream_cases[] = {
	{ "a clean wire", 1, 400000, 0, 0, 0, 1000, 0, 1000 },
	{ "loss", 2, 300000, 30, 0, 0, 1000, 0, 1000 },
	{ "much loss", 3, 60000, 250, 0, 0, 1000, 0, 1000 },
	{ "reordering", 4, 300000, 0, 0, 200, 1000, 0, 1000 },
	{ "everything, across the wrap", 5, 300000, 20, 20, 100, 500, 0, 0xffff8000 },
	{ "a slow reader", 6, 100000, 0, 0, 0, 20, 16384, 1000 },
	{ "a slow reader on a bad wire", 7, 60000, 50, 50, 100, 20, 16384, 0xfffffff0 },
};

struct stream_end {
	struct pair_end *e;
	u32 sent;
	u32 received;
	bool shut;
};

/* The octet at @at of end @i's stream. */
static u8 stream_octet(int i, u32 at)
{
	return ksock_octet(at + i * 7919);
}

static u8 stream_buf[CHUNK];

static void stream_write(struct kunit *test, const struct stream_case *c, struct stream_end *s,
			 u32 len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = stream_buf };
	struct socket *sock = s->e->sk->sk_socket;
	u32 i;
	int n;

	if (s->shut)
		return;
	len = min(len, c->octets - s->sent);
	if (!len) {
		KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(sock, SHUT_WR), 0);
		s->shut = true;
		return;
	}
	for (i = 0; i < len; i++)
		stream_buf[i] = stream_octet(s->e - pair_ends, s->sent + i);
	vec.iov_len = len;
	n = kernel_sendmsg(sock, &msg, &vec, 1, len);
	if (n > 0)
		s->sent += n;
	else
		KUNIT_EXPECT_EQ(test, n, -EAGAIN);
}

/* Return: false if what was read is not what the other end wrote. */
static bool stream_read(struct kunit *test, const struct stream_case *c, struct stream_end *s)
{
	struct kvec vec = { .iov_base = stream_buf, .iov_len = CHUNK };
	int other = s->e == &pair_ends[0], n, i;
	struct msghdr msg = {};

	n = kernel_recvmsg(s->e->sk->sk_socket, &msg, &vec, 1, CHUNK, MSG_DONTWAIT);
	for (i = 0; i < n; i++) {
		if (stream_buf[i] != stream_octet(other, s->received + i)) {
			KUNIT_FAIL(test, "%s: octet %u", c->what, s->received + i);
			return false;
		}
	}
	if (n > 0)
		s->received += n;
	return true;
}

/* TIME-WAIT's part, for an end whose socket is gone: the FIN again is acknowledged again. */
static void stream_time_wait(struct kunit *test, struct pair_end *to, struct sk_buff *skb)
{
	const struct tcphdr *th = tcp_hdr(skb);

	if (th->fin)
		pair_forge(test, to, XTCP_ACK, ntohl(th->ack_seq),
			   ntohl(th->seq) + skb->len - th->doff * 4 + 1);
	kfree_skb(skb);
}

/* One segment of @from's leaves the wire: in turn or not, once, twice or never. */
static void stream_carry(struct kunit *test, const struct stream_case *c, struct rnd_state *rnd,
			 struct pair_end *from)
{
	struct pair_end *to = from == &pair_ends[0] ? &pair_ends[1] : &pair_ends[0];
	struct sk_buff *skb = skb_dequeue(&from->wire), *twin = NULL;

	if (!skb)
		return;
	if (rnd_below(rnd, 1000) < c->reorder && !skb_queue_empty(&from->wire)) {
		/* It comes behind what was sent after it. */
		skb_queue_tail(&from->wire, skb);
		return;
	}
	if (rnd_below(rnd, 1000) < c->lose) {
		kfree_skb(skb);
		return;
	}
	skb_pull(skb, skb_transport_offset(skb));
	if (rnd_below(rnd, 1000) < c->repeat)
		twin = skb_copy(skb, GFP_KERNEL);
	if (to->sk->sk_state == TCP_CLOSE)
		stream_time_wait(test, from, skb);
	else
		pair_input(to, skb);
	if (twin && to->sk->sk_state != TCP_CLOSE)
		pair_input(to, twin);
	else
		kfree_skb(twin);
}

/* Nothing moves: all that the timers of @e would do, now. */
static void stream_timers(struct pair_end *e)
{
	struct xtcp_sock *xs = xtcp_sk(e->sk);

	lock_sock(e->sk);
	if (e->sk->sk_state != TCP_CLOSE) {
		xtcp_clock_refresh(xs);
		if (!xtcp_rtxq_empty(&xs->rtxq)) {
			xtcp_recovery_timeout(e->sk);
			xs->recovery.retransmits = 1;
		} else {
			xtcp_output_push(e->sk);
			if (xtcp_rtxq_empty(&xs->rtxq) &&
			    !skb_queue_empty(&e->sk->sk_write_queue))
				xtcp_output_probe(e->sk);
		}
		xtcp_delack_flush(e->sk);
		xtcp_timer_stop(e->sk);
	}
	release_sock(e->sk);
}

static bool stream_over(const struct stream_case *c, const struct stream_end *s)
{
	return s->shut && s->received == c->octets && s->e->sk->sk_state == TCP_CLOSE;
}

static void stream_run(struct kunit *test, const struct stream_case *c)
{
	struct stream_end s[2] = { { .e = &pair_ends[0] }, { .e = &pair_ends[1] } };
	struct rnd_state rnd;
	u32 turn;
	int i;

	prandom_seed_state(&rnd, c->seed);
	for (turn = 0; turn < 400000 && !(stream_over(c, &s[0]) && stream_over(c, &s[1])); turn++) {
		i = rnd_below(&rnd, 2);
		if (!rnd_below(&rnd, 4))
			stream_write(test, c, &s[i], rnd_range(&rnd, 1, CHUNK));
		if (rnd_below(&rnd, 1000) < c->read && !stream_read(test, c, &s[i]))
			return;
		stream_carry(test, c, &rnd, s[i].e);
		if (skb_queue_empty(&pair_ends[0].wire) && skb_queue_empty(&pair_ends[1].wire))
			stream_timers(s[i].e);
	}
	for (i = 0; i < 2; i++) {
		/* A bare FIN stays in the queue until somebody reads the end. */
		stream_read(test, c, &s[i]);
		KUNIT_EXPECT_EQ_MSG(test, s[i].sent, c->octets, "%s, end %d", c->what, i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].received, c->octets, "%s, end %d", c->what, i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].e->sk->sk_state, TCP_CLOSE, "%s, end %d", c->what,
				    i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].e->sk->sk_err, 0, "%s, end %d", c->what, i);
		KUNIT_EXPECT_EQ_MSG(test, s[i].e->sk->sk_wmem_queued, 0, "%s, end %d", c->what, i);
		KUNIT_EXPECT_EQ_MSG(test, atomic_read(&s[i].e->sk->sk_rmem_alloc), 0,
				    "%s, end %d", c->what, i);
	}
}

static void stream__every_octet_once_and_in_order(struct kunit *test)
{
	int msl = xtcp_net(&init_net)->sysctl.msl, i;

	/* TIME-WAIT shall not outlive the test. */
	xtcp_net(&init_net)->sysctl.msl = 1;
	for (i = 0; i < ARRAY_SIZE(stream_cases); i++) {
		const struct stream_case *c = &stream_cases[i];

		pair_rcvbuf = c->rcvbuf;
		pair_open(test, &pair_ends[0], c->iss, 0x7f000001, 0x7f000002);
		pair_open(test, &pair_ends[1], ~c->iss, 0x7f000002, 0x7f000001);
		/* The handshake is not what is tried here. */
		pair_send_syn(&pair_ends[0]);
		pair_pass(test, &pair_ends[0], XTCP_SYN, c->iss, 0, 0);
		pair_pass(test, &pair_ends[1], XTCP_SYN | XTCP_ACK, ~c->iss, c->iss + 1, 0);
		pair_pass(test, &pair_ends[0], XTCP_ACK, c->iss + 1, ~c->iss + 1, 0);
		stream_run(test, c);
		pair_close();
	}
	pair_rcvbuf = 0;
	xtcp_net(&init_net)->sysctl.msl = msl;
}

static struct kunit_case stream_kunit_cases[] = {
	KUNIT_CASE(stream__every_octet_once_and_in_order),
	{}
};

static struct kunit_suite stream_suite = {
	.name = "xtcp_stream",
	.test_cases = stream_kunit_cases,
};

kunit_test_suite(stream_suite);
