// SPDX-License-Identifier: GPL-2.0
/* KUnit: what a segment, and what a call, does in each state (RFC 9293 3.10, RFC 5961). */
#include <kunit/test.h>
#include "../close.h"
#include "pair.h"

#define A	(&pair_ends[0])

/* The textbook's numbers; the peer is played by hand. */
#define ISS	836U
#define IRS	486U
#define FAR	(1U << 30)	/* outside every window */
#define WND	8192U		/* what the peer offers */

#define SYN	XTCP_SYN
#define ACK	XTCP_ACK
#define FIN	XTCP_FIN
#define RST	XTCP_RST
#define SA	(SYN | ACK)

static int ev_msl, ev_ratelimit;

/* TIME-WAIT shall not outlive the tests, nor half a second pass by chance. */
static int ev_test_init(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	ev_msl = ctl->msl;
	ev_ratelimit = ctl->invalid_ratelimit;
	ctl->msl = 1;
	ctl->invalid_ratelimit = 100 * HZ;
	return 0;
}

static void ev_test_exit(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	ctl->msl = ev_msl;
	ctl->invalid_ratelimit = ev_ratelimit;
}

static const int ev_states[] = {
	TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2,
	TCP_CLOSE_WAIT, TCP_CLOSING, TCP_LAST_ACK,
};

static void ev_taken(struct kunit *test, u8 flags, u32 seq, u32 ack)
{
	kfree_skb(pair_take(test, A, flags, seq, ack, 0));
}

static void ev_shut(struct kunit *test, u32 ack)
{
	/* A machine that stalls must not see the FIN again. */
	xtcp_sk(A->sk)->rtt.rto_us = PAIR_RTO_US;
	KUNIT_EXPECT_EQ(test, kernel_sock_shutdown(A->sk->sk_socket, SHUT_WR), 0);
	ev_taken(test, FIN | ACK, ISS + 1, ack);
}

/* A new connection, led to @state by the events that lead there. */
static void ev_reach(struct kunit *test, int state)
{
	pair_open(test, A, ISS, 0x7f000001, 0x7f000002);
	pair_send_syn(A);
	ev_taken(test, SYN, ISS, 0);
	if (state == TCP_SYN_SENT)
		return;
	if (state == TCP_SYN_RECV) {
		pair_forge(test, A, SYN, IRS, 0);
		ev_taken(test, SA, ISS, IRS + 1);
		return;
	}
	pair_forge(test, A, SA, IRS, ISS + 1);
	ev_taken(test, ACK, ISS + 1, IRS + 1);
	switch (state) {
	case TCP_FIN_WAIT1:
		ev_shut(test, IRS + 1);
		break;
	case TCP_FIN_WAIT2:
		ev_shut(test, IRS + 1);
		pair_forge(test, A, ACK, IRS + 1, ISS + 2);
		break;
	case TCP_CLOSING:
		ev_shut(test, IRS + 1);
		pair_forge(test, A, FIN | ACK, IRS + 1, ISS + 1);
		ev_taken(test, ACK, ISS + 2, IRS + 2);
		break;
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		pair_forge(test, A, FIN | ACK, IRS + 1, ISS + 1);
		pair_flush_acks(test, A);
		ev_taken(test, ACK, ISS + 1, IRS + 2);
		if (state == TCP_LAST_ACK)
			ev_shut(test, IRS + 2);
		break;
	}
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, state);
}

/* What comes of it in one state. */
struct ev_out {
	u8 reply;	/* flags of the answer, 0: none */
	u8 to;		/* 0: the state stays */
	u8 err;		/* SO_ERROR */
	u8 more;	/* how far RCV.NXT moves */
};

/* Where the acknowledgment number of a segment lies. */
enum ev_ack {
	EV_UNA,		/* SND.UNA: nothing new */
	EV_NXT,		/* all that was sent */
	EV_OLD,		/* one below SND.UNA */
	EV_ANCIENT,	/* below all that the largest window ever covered */
	EV_OLDEST,	/* just not that */
	EV_UNSENT,	/* one above SND.NXT */
};

/* A segment, and its outcome in each of ev_states[]. */
struct ev_row {
	const char *what;
	u32 seq;	/* from RCV.NXT on */
	enum ev_ack ack;
	u8 flags;
	u8 len;
	struct ev_out out[ARRAY_SIZE(ev_states)];
};

#define NONE		{ 0 }
#define ACKED		{ .reply = ACK }
#define RESET		{ .reply = RST }
#define ENDS(e)		{ .to = TCP_CLOSE, .err = (e) }
#define GOES(s)		{ .to = (s) }
#define ACKS(s, n)	{ .reply = ACK, .to = (s), .more = (n) }
/* The ACK waits for our own FIN. */
#define TAKES(s, n)	{ .to = (s), .more = (n) }

static const struct ev_row ev_rows[] = {
	/* SYN-SENT, SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, CLOSING, LAST-ACK */
	{ "RST at RCV.NXT", 0, EV_NXT, RST, 0,
	  { NONE, ENDS(ECONNREFUSED), ENDS(ECONNRESET), ENDS(ECONNRESET), ENDS(ECONNRESET),
	    ENDS(EPIPE), ENDS(ECONNRESET), ENDS(ECONNRESET) } },
	{ "RST with ACK at RCV.NXT", 0, EV_NXT, RST | ACK, 0,
	  { ENDS(ECONNREFUSED), ENDS(ECONNREFUSED), ENDS(ECONNRESET), ENDS(ECONNRESET),
	    ENDS(ECONNRESET), ENDS(EPIPE), ENDS(ECONNRESET), ENDS(ECONNRESET) } },
	{ "RST with an ACK of nothing", 0, EV_UNA, RST | ACK, 0,
	  { NONE, ENDS(ECONNREFUSED), ENDS(ECONNRESET), ENDS(ECONNRESET), ENDS(ECONNRESET),
	    ENDS(EPIPE), ENDS(ECONNRESET), ENDS(ECONNRESET) } },
	{ "RST inside the window", 100, EV_NXT, RST, 0, { NONE, [1 ... 7] = ACKED } },
	{ "RST just before the window", -1U, EV_NXT, RST, 0, { NONE, [1 ... 7] = NONE } },
	{ "RST behind the window", FAR, EV_NXT, RST, 0, { NONE, [1 ... 7] = NONE } },
	{ "SYN at RCV.NXT", 0, EV_NXT, SYN, 0,
	  { { SA, TCP_SYN_RECV }, [1 ... 7] = ACKED } },
	{ "SYN that came before", -1U, EV_NXT, SYN, 0,
	  { { SA, TCP_SYN_RECV }, [1 ... 7] = ACKED } },
	{ "SYN outside the window", FAR, EV_NXT, SYN, 0,
	  { { SA, TCP_SYN_RECV }, [1 ... 7] = ACKED } },
	{ "SYN with ACK inside the window", 10, EV_NXT, SA, 0,
	  { { ACK, TCP_ESTABLISHED }, [1 ... 7] = ACKED } },
	{ "the peer's SYN again, with an ACK", -1U, EV_NXT, SA, 0,
	  { { ACK, TCP_ESTABLISHED }, ACKS(TCP_ESTABLISHED, 0), [2 ... 7] = ACKED } },
	{ "the same with an ACK of nothing", -1U, EV_UNA, SA, 0,
	  { RESET, [1 ... 7] = ACKED } },
	{ "data without ACK", 0, EV_NXT, XTCP_PSH, 10, { NONE, [1 ... 7] = NONE } },
	{ "FIN without ACK", 0, EV_NXT, FIN, 0, { NONE, [1 ... 7] = NONE } },
	{ "ACK of what was never sent", 0, EV_UNSENT, ACK, 0, { RESET, RESET, [2 ... 7] = ACKED } },
	{ "FIN with such an ACK", 0, EV_UNSENT, FIN | ACK, 0, { RESET, RESET, [2 ... 7] = ACKED } },
	{ "an ACK of another age", 0, EV_ANCIENT, ACK, 0, { RESET, RESET, [2 ... 7] = ACKED } },
	{ "the oldest ACK that counts", 0, EV_OLDEST, ACK, 0, { RESET, RESET, [2 ... 7] = NONE } },
	{ "an old ACK", 0, EV_OLD, ACK, 0, { RESET, RESET, [2 ... 7] = NONE } },
	{ "an ACK of nothing new", 0, EV_UNA, ACK, 0, { RESET, RESET, [2 ... 7] = NONE } },
	{ "an ACK of everything", 0, EV_NXT, ACK, 0,
	  { NONE, GOES(TCP_ESTABLISHED), NONE, GOES(TCP_FIN_WAIT2), NONE, NONE,
	    GOES(TCP_CLOSE), GOES(TCP_CLOSE) } },
	{ "FIN, ours not acknowledged", 0, EV_UNA, FIN | ACK, 0,
	  { RESET, RESET, TAKES(TCP_CLOSE_WAIT, 1), ACKS(TCP_CLOSING, 1), ACKS(TCP_CLOSE, 1),
	    ACKED, ACKED, ACKED } },
	{ "FIN and an ACK of everything", 0, EV_NXT, FIN | ACK, 0,
	  { NONE, TAKES(TCP_CLOSE_WAIT, 1), TAKES(TCP_CLOSE_WAIT, 1), ACKS(TCP_CLOSE, 1),
	    ACKS(TCP_CLOSE, 1), ACKED, GOES(TCP_CLOSE), GOES(TCP_CLOSE) } },
	{ "data", 0, EV_NXT, ACK, 10,
	  { NONE, ACKS(TCP_ESTABLISHED, 10), ACKS(0, 10), ACKS(TCP_FIN_WAIT2, 10), ACKS(0, 10),
	    ACKED, GOES(TCP_CLOSE), GOES(TCP_CLOSE) } },
	{ "data with an old ACK", 0, EV_OLD, ACK, 10,
	  { RESET, RESET, ACKS(0, 10), ACKS(0, 10), ACKS(0, 10), ACKED, ACKED, ACKED } },
	{ "data and FIN", 0, EV_UNA, FIN | ACK, 10,
	  { RESET, RESET, TAKES(TCP_CLOSE_WAIT, 11), ACKS(TCP_CLOSING, 11), ACKS(TCP_CLOSE, 11),
	    ACKED, ACKED, ACKED } },
	{ "FIN behind a gap", 100, EV_UNA, FIN | ACK, 10,
	  { RESET, RESET, ACKED, ACKED, ACKED, ACKED, ACKED, ACKED } },
	{ "data that came before", -10U, EV_UNA, ACK, 10, { RESET, RESET, [2 ... 7] = ACKED } },
	{ "data from before the window", -20U, EV_NXT, ACK, 10, { NONE, [1 ... 7] = ACKED } },
	{ "data behind the window", FAR, EV_NXT, ACK, 10, { NONE, [1 ... 7] = ACKED } },
	{ "an empty segment behind the window", FAR, EV_NXT, ACK, 0, { NONE, [1 ... 7] = ACKED } },
};

static u32 ev_ack_number(const struct xtcp_sock *xs, enum ev_ack where)
{
	switch (where) {
	case EV_UNA:
		return xs->snd.una;
	case EV_NXT:
		return xs->snd.nxt;
	case EV_OLD:
		return xs->snd.una - 1;
	case EV_ANCIENT:
		return xs->snd.una - WND - 1;
	case EV_OLDEST:
		return xs->snd.una - WND;
	case EV_UNSENT:
		return xs->snd.nxt + 1;
	}
	return 0;
}

static void ev_segment(struct kunit *test, const struct ev_row *row, int state,
		       const struct ev_out *want)
{
	struct xtcp_sock *xs;
	u32 ack, nxt, rcv;

	ev_reach(test, state);
	xs = xtcp_sk(A->sk);
	ack = ev_ack_number(xs, row->ack);
	nxt = xs->snd.nxt;
	rcv = state == TCP_SYN_SENT ? IRS + 1 : xs->rcv.nxt;
	pair_forge_data(test, A, row->flags, rcv + row->seq, ack, WND, row->len);

	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_state, want->to ?: state, "%s in state %d", row->what,
			    state);
	KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_err, want->err, "%s in state %d", row->what, state);
	if (want->reply) {
		struct sk_buff *skb = skb_dequeue(&A->wire);
		const struct tcphdr *th;

		if (!skb) {
			KUNIT_FAIL(test, "%s in state %d: no answer", row->what, state);
			return;
		}
		th = (const struct tcphdr *)skb_transport_header(skb);
		KUNIT_EXPECT_EQ_MSG(test, ((const u8 *)th)[13], want->reply, "%s in state %d",
				    row->what, state);
		KUNIT_EXPECT_EQ_MSG(test, ntohl(th->seq), want->reply == RST ? ack :
				    want->reply & SYN ? ISS : nxt, "%s in state %d", row->what,
				    state);
		if (want->reply & ACK)
			KUNIT_EXPECT_EQ_MSG(test, ntohl(th->ack_seq), xs->rcv.nxt,
					    "%s in state %d", row->what, state);
		kfree_skb(skb);
	}
	KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&A->wire), "%s in state %d: an answer",
			      row->what, state);
	if (state != TCP_SYN_SENT)
		KUNIT_EXPECT_EQ_MSG(test, xs->rcv.nxt, rcv + want->more, "%s in state %d",
				    row->what, state);
	KUNIT_EXPECT_EQ(test, xs->snd.nxt, nxt);
}

static void event_segment__every_state(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(ev_rows); i++) {
		for (j = 0; j < ARRAY_SIZE(ev_states); j++) {
			ev_segment(test, &ev_rows[i], ev_states[j], &ev_rows[i].out[j]);
			pair_close();
		}
	}
}

/* -- calls (3.10.2 to 3.10.5) -------------------------------------------------- */

static int ev_send(struct sock *sk)
{
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL };
	struct kvec vec = { .iov_base = "0123456789", .iov_len = 10 };

	return kernel_sendmsg(sk->sk_socket, &msg, &vec, 1, 10);
}

static int ev_receive(struct sock *sk)
{
	char buf[16];
	struct msghdr msg = {};
	struct kvec vec = { .iov_base = buf, .iov_len = sizeof(buf) };

	return kernel_recvmsg(sk->sk_socket, &msg, &vec, 1, sizeof(buf), MSG_DONTWAIT);
}

static int ev_close(struct sock *sk)
{
	return kernel_sock_shutdown(sk->sk_socket, SHUT_WR);
}

static int ev_abort(struct sock *sk)
{
	int ret;

	lock_sock(sk);
	ret = xtcp_close_disconnect(sk, 0);
	release_sock(sk);
	return ret;
}

/* A call, and its result, answer on the wire and next state in each of ev_states[]. */
struct ev_call {
	const char *what;
	int (*call)(struct sock *sk);
	struct {
		int ret;
		u8 sends;
		u8 to;
		u8 err;
	} out[ARRAY_SIZE(ev_states)];
};

static const struct ev_call ev_calls[] = {
	{ "SEND", ev_send,
	  { { -EAGAIN }, { -EAGAIN }, { 10, ACK | XTCP_PSH }, { -EPIPE }, { -EPIPE },
	    { 10, ACK | XTCP_PSH }, { -EPIPE }, { -EPIPE } } },
	{ "RECEIVE", ev_receive,
	  { { -EAGAIN }, { -EAGAIN }, { -EAGAIN }, { -EAGAIN }, { -EAGAIN }, { 0 }, { 0 },
	    { 0 } } },
	{ "CLOSE", ev_close,
	  { { 0, 0, TCP_CLOSE, ECONNRESET }, { 0, FIN | ACK, TCP_FIN_WAIT1 },
	    { 0, FIN | ACK, TCP_FIN_WAIT1 }, { 0 }, { 0 }, { 0, FIN | ACK, TCP_LAST_ACK },
	    { 0 }, { 0 } } },
	{ "ABORT", ev_abort,
	  { { 0, 0, TCP_CLOSE, ECONNRESET }, { 0, RST | ACK, TCP_CLOSE, ECONNRESET },
	    { 0, RST | ACK, TCP_CLOSE, ECONNRESET }, { 0, RST | ACK, TCP_CLOSE, ECONNRESET },
	    { 0, RST | ACK, TCP_CLOSE, ECONNRESET }, { 0, RST | ACK, TCP_CLOSE, ECONNRESET },
	    { 0, 0, TCP_CLOSE }, { 0, 0, TCP_CLOSE } } },
};

static void event_call__every_state(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(ev_calls); i++) {
		const struct ev_call *c = &ev_calls[i];

		for (j = 0; j < ARRAY_SIZE(ev_states); j++) {
			struct sk_buff *skb;
			int state = ev_states[j];

			ev_reach(test, state);
			KUNIT_EXPECT_EQ_MSG(test, c->call(A->sk), c->out[j].ret, "%s in state %d",
					    c->what, state);
			KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_state, c->out[j].to ?: state,
					    "%s in state %d", c->what, state);
			KUNIT_EXPECT_EQ_MSG(test, A->sk->sk_err, c->out[j].err, "%s in state %d",
					    c->what, state);
			skb = skb_dequeue(&A->wire);
			KUNIT_EXPECT_EQ_MSG(test, skb ? skb_transport_header(skb)[13] : 0,
					    c->out[j].sends, "%s in state %d", c->what, state);
			kfree_skb(skb);
			KUNIT_EXPECT_TRUE_MSG(test, skb_queue_empty(&A->wire), "%s in state %d",
					      c->what, state);
			pair_close();
		}
	}
}

/* 3.10.4: what is queued goes first, the FIN behind it, and the state changes at once. */
static void event_close__data_goes_first(struct kunit *test)
{
	ev_reach(test, TCP_ESTABLISHED);
	xtcp_sk(A->sk)->snd.cork = true;
	KUNIT_EXPECT_EQ(test, ev_send(A->sk), 10);
	pair_silent(test, A);
	KUNIT_EXPECT_EQ(test, ev_close(A->sk), 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_FIN_WAIT1);
	kfree_skb(pair_take(test, A, FIN | ACK | XTCP_PSH, ISS + 1, IRS + 1, 10));
	/* The data is acknowledged, the FIN is not. */
	pair_forge(test, A, ACK, IRS + 1, ISS + 11);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_FIN_WAIT1);
	pair_forge(test, A, ACK, IRS + 1, ISS + 12);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_FIN_WAIT2);
	pair_silent(test, A);
	pair_close();
}

/* SHLD-3: new data for a reader who has left is answered by a reset; old data is not. */
static void event_segment__reader_has_left(struct kunit *test)
{
	static const int states[] = { TCP_FIN_WAIT1, TCP_FIN_WAIT2 };
	int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ev_reach(test, states[i]);
		A->sk->sk_shutdown |= RCV_SHUTDOWN;
		pair_forge_data(test, A, ACK, IRS - 9, ISS + 1, WND, 10);
		ev_taken(test, ACK, ISS + 2, IRS + 1);
		KUNIT_EXPECT_EQ(test, A->sk->sk_state, states[i]);
		pair_forge_data(test, A, ACK, IRS - 8, ISS + 1, WND, 10);
		ev_taken(test, RST | ACK, ISS + 2, IRS + 1);
		KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ(test, A->sk->sk_err, ECONNRESET);
		pair_silent(test, A);
		pair_close();
	}
	/* Its FIN alone is no data. */
	ev_reach(test, TCP_FIN_WAIT2);
	A->sk->sk_shutdown |= RCV_SHUTDOWN;
	pair_forge(test, A, FIN | ACK, IRS + 1, ISS + 2);
	ev_taken(test, ACK, ISS + 2, IRS + 2);
	KUNIT_EXPECT_EQ(test, A->sk->sk_err, 0);
	pair_close();
}

/* First check: the last sequence number that the window lets in, and the one behind it. */
static void event_segment__window_edge(struct kunit *test)
{
	struct xtcp_sock *xs;
	u32 edge;

	ev_reach(test, TCP_ESTABLISHED);
	xs = xtcp_sk(A->sk);
	edge = xs->rcv.nxt + xtcp_delack_window(xs);
	pair_forge(test, A, RST, edge + 1, 0);
	pair_silent(test, A);
	/* Inside, or at the edge: asked back, and that tells the two apart. */
	pair_forge(test, A, RST, edge, 0);
	ev_taken(test, ACK, ISS + 1, IRS + 1);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	pair_close();
	/* RCV.WUP, not RCV.NXT: an ACK that was overtaken by data counts. */
	ev_reach(test, TCP_ESTABLISHED);
	xs = xtcp_sk(A->sk);
	KUNIT_EXPECT_EQ(test, ev_send(A->sk), 10);
	kfree_skb(pair_take(test, A, ACK | XTCP_PSH, ISS + 1, IRS + 1, 10));
	pair_slow_acks(A);
	pair_forge_data(test, A, ACK, IRS + 1, ISS + 1, WND, 10);
	KUNIT_EXPECT_EQ(test, xs->rcv.nxt, IRS + 11);
	KUNIT_EXPECT_EQ(test, xs->rcv.wup, IRS + 1);
	pair_forge(test, A, ACK, IRS + 1, ISS + 11);
	KUNIT_EXPECT_EQ(test, xs->snd.una, ISS + 11);
	pair_silent(test, A);
	/* A RST from there is not at RCV.NXT, so it is asked back. */
	pair_forge(test, A, RST, IRS + 5, 0);
	KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_ESTABLISHED);
	ev_taken(test, ACK, ISS + 11, IRS + 11);
	pair_close();
}

/* Answers to what is outside the window are rare, those to data are not. */
static void event_segment__answers_are_limited(struct kunit *test)
{
	int i;

	ev_reach(test, TCP_ESTABLISHED);
	for (i = 0; i < 3; i++)
		pair_forge(test, A, ACK, IRS + FAR, ISS + 1);
	ev_taken(test, ACK, ISS + 1, IRS + 1);
	pair_silent(test, A);
	for (i = 0; i < 3; i++)
		pair_forge(test, A, SYN, IRS + 1, 0);
	pair_silent(test, A);
	for (i = 0; i < 3; i++) {
		pair_forge_data(test, A, ACK, IRS + FAR, ISS + 1, WND, 10);
		ev_taken(test, ACK, ISS + 1, IRS + 1);
	}
	pair_close();
}

/* tcpEstabResets of RFC 4022: from ESTABLISHED and CLOSE-WAIT straight to CLOSED, only. */
static void event_reset__is_counted(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(ev_states); i++) {
		int state = ev_states[i];
		struct xtcp_net *xn;
		unsigned long before;

		ev_reach(test, state);
		xn = xtcp_sk(A->sk)->xn;
		before = xtcp_mib_read(xn, XTCP_MIB_ESTABRESETS);
		pair_forge(test, A, RST | ACK, state == TCP_SYN_SENT ? 0 : xtcp_sk(A->sk)->rcv.nxt,
			   xtcp_sk(A->sk)->snd.nxt);
		KUNIT_EXPECT_EQ(test, A->sk->sk_state, TCP_CLOSE);
		KUNIT_EXPECT_EQ_MSG(test, xtcp_mib_read(xn, XTCP_MIB_ESTABRESETS) - before,
				    (unsigned long)(state == TCP_ESTABLISHED ||
						    state == TCP_CLOSE_WAIT), "state %d", state);
		pair_close();
	}
}

static struct kunit_case ev_cases[] = {
	KUNIT_CASE(event_segment__every_state),
	KUNIT_CASE(event_call__every_state),
	KUNIT_CASE(event_close__data_goes_first),
	KUNIT_CASE(event_segment__reader_has_left),
	KUNIT_CASE(event_segment__window_edge),
	KUNIT_CASE(event_segment__answers_are_limited),
	KUNIT_CASE(event_reset__is_counted),
	{}
};

static struct kunit_suite ev_suite = {
	.name = "xtcp_events",
	.init = ev_test_init,
	.exit = ev_test_exit,
	.test_cases = ev_cases,
};

kunit_test_suite(ev_suite);
