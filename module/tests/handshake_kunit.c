// SPDX-License-Identifier: GPL-2.0
/* KUnit: the exchanges of RFC 9293 3.5 and 3.6, segment by segment, with pinned ISNs. */
#include <kunit/test.h>
#include "../lower.h"
#include "pair.h"

#define A	(&pair_ends[0])
#define B	(&pair_ends[1])

/* The textbook's numbers. */
#define ISS_A	836U
#define ISS_B	486U

#define SYN	XTCP_SYN
#define ACK	XTCP_ACK
#define FIN	XTCP_FIN
#define RST	XTCP_RST

static int hs_msl;

/* TIME-WAIT shall not outlive the tests. */
static int hs_test_init(struct kunit *test)
{
	hs_msl = xtcp_net(&init_net)->sysctl.msl;
	xtcp_net(&init_net)->sysctl.msl = 1;
	return 0;
}

static void hs_test_exit(struct kunit *test)
{
	xtcp_net(&init_net)->sysctl.msl = hs_msl;
}

static void hs_open(struct kunit *test)
{
	pair_open(test, A, ISS_A, 0x7f000001, 0x7f000002);
	pair_open(test, B, ISS_B, 0x7f000002, 0x7f000001);
}

/* Figure 6; B's own SYN has not left when A's arrives, so it is the passive side. */
static void hs_connect(struct kunit *test)
{
	hs_open(test);
	pair_send_syn(A);
	pair_pass(test, A, SYN, 836, 0, 0);
	pair_states(test, TCP_SYN_SENT, TCP_SYN_RECV);
	pair_pass(test, B, SYN | ACK, 486, 837, 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	pair_pass(test, A, ACK, 837, 487, 0);
	pair_states(test, TCP_ESTABLISHED, TCP_ESTABLISHED);
	pair_silent(test, A);
	pair_silent(test, B);
}

static void handshake__textbook(struct kunit *test)
{
	const struct xtcp_sock *a, *b;
	u16 offered;

	hs_connect(test);
	lock_sock(B->sk);
	offered = xtcp_lower_advmss(B->sk);
	release_sock(B->sk);
	a = xtcp_sk(A->sk);
	b = xtcp_sk(B->sk);
	KUNIT_EXPECT_EQ(test, a->snd.una, 837U);
	KUNIT_EXPECT_EQ(test, a->snd.nxt, 837U);
	KUNIT_EXPECT_EQ(test, a->rcv.nxt, 487U);
	KUNIT_EXPECT_EQ(test, b->snd.una, 487U);
	KUNIT_EXPECT_EQ(test, b->snd.nxt, 487U);
	KUNIT_EXPECT_EQ(test, b->rcv.nxt, 837U);
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&a->rtxq));
	KUNIT_EXPECT_TRUE(test, xtcp_rtxq_empty(&b->rtxq));
	/* Both sent the options, so both use them. */
	KUNIT_EXPECT_EQ(test, a->snd.peer_mss, offered);
	KUNIT_EXPECT_EQ(test, a->snd.wscale, b->rcv.wscale);
	KUNIT_EXPECT_EQ(test, b->snd.wscale, a->rcv.wscale);
	pair_close();
}

/* Figure 7: both SYNs cross. */
static void handshake__simultaneous_open(struct kunit *test)
{
	struct sk_buff *a, *b;

	hs_open(test);
	pair_send_syn(A);
	pair_send_syn(B);
	a = pair_take(test, A, SYN, 836, 0, 0);
	b = pair_take(test, B, SYN, 486, 0, 0);
	if (a && b) {
		pair_input(B, a);
		pair_input(A, b);
		pair_states(test, TCP_SYN_RECV, TCP_SYN_RECV);
		a = pair_take(test, A, SYN | ACK, 836, 487, 0);
		b = pair_take(test, B, SYN | ACK, 486, 837, 0);
	}
	if (a && b) {
		pair_input(B, a);
		pair_input(A, b);
	}
	pair_states(test, TCP_ESTABLISHED, TCP_ESTABLISHED);
	KUNIT_EXPECT_EQ(test, xtcp_sk(A->sk)->rcv.nxt, 487U);
	KUNIT_EXPECT_EQ(test, xtcp_sk(B->sk)->rcv.nxt, 837U);
	pair_close();
}

/* 3.10.7.3, first: an ACK of what was never sent brings a reset with its number. */
static void handshake__unacceptable_ack_in_syn_sent(struct kunit *test)
{
	struct sk_buff *skb;

	hs_open(test);
	pair_send_syn(A);
	kfree_skb(pair_take(test, A, SYN, 836, 0, 0));
	pair_forge(test, A, ACK, 300, 836);
	skb = pair_take(test, A, RST, 836, 0, 0);
	kfree_skb(skb);
	pair_forge(test, A, SYN | ACK, 300, 838);
	skb = pair_take(test, A, RST, 838, 0, 0);
	kfree_skb(skb);
	/* A reset is not answered, and a reset with such an ACK is nobody's. */
	pair_forge(test, A, RST | ACK, 300, 900);
	pair_forge(test, A, RST, 300, 0);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_SYN_SENT);
	pair_forge(test, A, RST | ACK, 0, 837);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ECONNREFUSED);
	pair_close();
}

static struct kvec hs_vec;

static int hs_send(struct pair_end *e, void *p, size_t len)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT };

	hs_vec.iov_base = p;
	hs_vec.iov_len = len;
	return kernel_sendmsg(e->sk->sk_socket, &msg, &hs_vec, 1, len);
}

static int hs_recv(struct pair_end *e, void *p, size_t len)
{
	struct msghdr msg = {};

	hs_vec.iov_base = p;
	hs_vec.iov_len = len;
	return kernel_recvmsg(e->sk->sk_socket, &msg, &hs_vec, 1, len, MSG_DONTWAIT);
}

/* Data that arrives out of order, twice and after a retransmission is read once, in order. */
static void handshake__data_out_of_order(struct kunit *test)
{
	struct sk_buff *one, *two, *again;
	char sent[200], got[400] = {};
	int i;

	for (i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7;
	hs_connect(test);
	xtcp_sk(A->sk)->snd.nodelay = true;
	KUNIT_EXPECT_EQ(test, hs_send(A, sent, 100), 100);
	KUNIT_EXPECT_EQ(test, hs_send(A, sent + 100, 100), 100);
	one = pair_take(test, A, ACK | XTCP_PSH, 837, 487, 100);
	two = pair_take(test, A, ACK | XTCP_PSH, 937, 487, 100);
	if (one && two) {
		again = skb_copy(one, GFP_KERNEL);
		pair_input(B, two);
		pair_pass(test, B, ACK, 487, 837, 0);
		KUNIT_EXPECT_EQ(test, hs_recv(B, got, sizeof(got)), -EAGAIN);
		pair_input(B, one);
		pair_pass(test, B, ACK, 487, 1037, 0);
		if (again)
			pair_input(B, again);
		pair_pass(test, B, ACK, 487, 1037, 0);
	}
	KUNIT_EXPECT_EQ(test, hs_recv(B, got, sizeof(got)), 200);
	KUNIT_EXPECT_EQ(test, memcmp(got, sent, 200), 0);
	KUNIT_EXPECT_EQ(test, xtcp_sk(A->sk)->snd.una, 1037U);
	pair_close();
}

/* Figure 12: one side closes, then the other. */
static void handshake__normal_close(struct kunit *test)
{
	hs_connect(test);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	pair_pass(test, A, FIN | ACK, 837, 487, 0);
	pair_states(test, TCP_FIN_WAIT1, TCP_CLOSE_WAIT);
	pair_flush_acks(test, B);
	pair_pass(test, B, ACK, 487, 838, 0);
	pair_states(test, TCP_FIN_WAIT2, TCP_CLOSE_WAIT);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(B->sk->sk_socket, SHUT_WR), 0);
	KUNIT_EXPECT_EQ(test, B->sk->sk_state, TCP_LAST_ACK);
	pair_pass(test, B, FIN | ACK, 487, 838, 0);
	/* The minisock is in TIME-WAIT, the socket is free. */
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	pair_pass(test, A, ACK, 838, 488, 0);
	pair_states(test, TCP_CLOSE, TCP_CLOSE);
	pair_close();
}

/* Figure 13: both FINs cross, and both sides pass through CLOSING. */
static void handshake__simultaneous_close(struct kunit *test)
{
	struct sk_buff *a, *b;

	hs_connect(test);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(B->sk->sk_socket, SHUT_WR), 0);
	a = pair_take(test, A, FIN | ACK, 837, 487, 0);
	b = pair_take(test, B, FIN | ACK, 487, 837, 0);
	if (a && b) {
		pair_input(B, a);
		pair_input(A, b);
		pair_states(test, TCP_CLOSING, TCP_CLOSING);
		pair_pass(test, A, ACK, 838, 488, 0);
		pair_pass(test, B, ACK, 488, 838, 0);
	}
	pair_states(test, TCP_CLOSE, TCP_CLOSE);
	pair_close();
}

/* A FIN that acknowledges ours takes FIN-WAIT-1 to TIME-WAIT in one step. */
static void handshake__fin_with_ack_of_fin(struct kunit *test)
{
	hs_connect(test);
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	kfree_skb(pair_take(test, A, FIN | ACK, 837, 487, 0));
	pair_forge(test, A, FIN | ACK, 487, 838);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	kfree_skb(pair_take(test, A, ACK, 838, 488, 0));
	pair_close();
}

/* RFC 5961: only the exact sequence number resets; another one in the window is asked back. */
static void handshake__reset_in_window(struct kunit *test)
{
	hs_connect(test);
	pair_forge(test, A, RST, 487 + 100, 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	kfree_skb(pair_take(test, A, ACK, 837, 487, 0));
	pair_forge(test, A, RST, 486, 0);
	pair_silent(test, A);
	pair_forge(test, A, RST, 487, 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, ECONNRESET);
	pair_close();
}

/* What a process that the error wakes finds, when it is woken. */
static struct {
	int calls, state, shutdown, err;
} hs_told;

static void hs_error_report(struct sock *sk)
{
	hs_told.calls++;
	hs_told.state = sk->sk_state;
	hs_told.shutdown = sk->sk_shutdown;
	hs_told.err = sk->sk_err;
}

/* poll() must not find an error on a connection that still looks alive. */
static void handshake__error_is_told_last(struct kunit *test)
{
	hs_connect(test);
	memset(&hs_told, 0, sizeof(hs_told));
	A->sk->sk_error_report = hs_error_report;
	pair_forge(test, A, RST, 487, 0);
	KUNIT_EXPECT_EQ(test, hs_told.calls, 1);
	KUNIT_EXPECT_EQ(test, hs_told.state, TCP_CLOSE);
	KUNIT_EXPECT_EQ(test, hs_told.shutdown, SHUTDOWN_MASK);
	KUNIT_EXPECT_EQ(test, hs_told.err, ECONNRESET);
	pair_close();
}

static struct kunit_case hs_cases[] = {
	KUNIT_CASE(handshake__textbook),
	KUNIT_CASE(handshake__simultaneous_open),
	KUNIT_CASE(handshake__unacceptable_ack_in_syn_sent),
	KUNIT_CASE(handshake__data_out_of_order),
	KUNIT_CASE(handshake__normal_close),
	KUNIT_CASE(handshake__simultaneous_close),
	KUNIT_CASE(handshake__fin_with_ack_of_fin),
	KUNIT_CASE(handshake__reset_in_window),
	KUNIT_CASE(handshake__error_is_told_last),
	{}
};

static struct kunit_suite hs_suite = {
	.name = "xtcp_handshake",
	.init = hs_test_init,
	.exit = hs_test_exit,
	.test_cases = hs_cases,
};

kunit_test_suite(hs_suite);
