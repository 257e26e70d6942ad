// SPDX-License-Identifier: GPL-2.0
/* KUnit: TIME-WAIT's clock, and what ends or restarts it (RFC 9293 3.10.7.4, RFC 1337). */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <net/ipv6.h>
#include <net/tcp_states.h>
#include "../ports.h"
#include "../skb_cb.h"
#include "../state.h"
#include "../timewait.h"
#include "ksock.h"

#define SND_NXT		5000U
#define RCV_NXT		9000U

/* What the tests turn, and what it was. */
static struct {
	int msl;
	int rfc1337;
	int max_tw_buckets;
	int invalid_ratelimit;
} tw_saved;

static int tw_test_init(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	tw_saved.msl = ctl->msl;
	tw_saved.rfc1337 = ctl->rfc1337;
	tw_saved.max_tw_buckets = ctl->max_tw_buckets;
	tw_saved.invalid_ratelimit = ctl->invalid_ratelimit;
	return 0;
}

static void tw_test_exit(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	ctl->msl = tw_saved.msl;
	ctl->rfc1337 = tw_saved.rfc1337;
	ctl->max_tw_buckets = tw_saved.max_tw_buckets;
	ctl->invalid_ratelimit = tw_saved.invalid_ratelimit;
}

/* The peer's address: nobody's, so that replies go nowhere. */
static void tw_peer(struct xtcp_key *key)
{
	ipv6_addr_set_v4mapped(htonl(0x7fededed), &key->raddr);
	key->rport = htons(80);
}

/*
 * A connection in FIN-WAIT-2 receives the FIN, with an MSL of @msl ms. Return: its
 * minisock with a reference, or NULL; @key is the connection's.
 */
static struct xtcp_timewait *tw_enter(struct kunit *test, int msl, struct xtcp_key *key)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_node *node;

	xs->xn->sysctl.msl = msl;
	lock_sock(sk);
	inet_sk(sk)->inet_rcv_saddr = htonl(INADDR_LOOPBACK);
	tw_peer(&xs->node.key);
	KUNIT_EXPECT_EQ(test, xtcp_ports_connect(sk), 0);
	xs->snd.nxt = SND_NXT;
	xs->rcv.nxt = RCV_NXT;
	inet_sk_set_state(sk, TCP_FIN_WAIT2);
	*key = xs->node.key;
	KUNIT_EXPECT_TRUE(test, xtcp_state_move(sk, XTCP_EV_RCV_FIN));
	KUNIT_EXPECT_EQ(test, sk->sk_state, TCP_CLOSE);
	release_sock(sk);
	ksock_close(sk);

	rcu_read_lock();
	node = xtcp_lookup_find(xtcp_net(&init_net), key);
	rcu_read_unlock();
	if (!node)
		return NULL;
	KUNIT_EXPECT_EQ(test, node->kind, (u8)XTCP_NODE_TIMEWAIT);
	return container_of(node, struct xtcp_timewait, node);
}

static bool tw_is_there(const struct xtcp_key *key)
{
	struct xtcp_node *node;

	rcu_read_lock();
	node = xtcp_lookup_find(xtcp_net(&init_net), key);
	if (node)
		xtcp_node_put(node);
	rcu_read_unlock();
	return node;
}

/* A segment for @tw; true if it may open a new connection. */
static bool tw_segment(struct kunit *test, struct xtcp_timewait *tw, u32 seq, u32 end, u8 flags)
{
	const struct xtcp_options opt = { .seen = 0 };
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);
	bool opens;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	xtcp_cb(skb)->seq = seq;
	xtcp_cb(skb)->end_seq = end;
	xtcp_cb(skb)->ack = SND_NXT;
	xtcp_cb(skb)->flags = flags;
	local_bh_disable();
	rcu_read_lock();
	opens = xtcp_timewait_segment(tw, skb, &opt);
	rcu_read_unlock();
	local_bh_enable();
	kfree_skb(skb);
	return opens;
}

static void tw_syn(struct xtcp_timewait *tw, bool wanted)
{
	local_bh_disable();
	rcu_read_lock();
	xtcp_timewait_syn(tw, wanted);
	rcu_read_unlock();
	local_bh_enable();
}

/* End @tw at once, by the RST that rfc1337=0 lets through. */
static void tw_end(struct kunit *test, struct xtcp_timewait *tw, const struct xtcp_key *key)
{
	tw->xn->sysctl.rfc1337 = 0;
	tw_segment(test, tw, READ_ONCE(tw->rcv_nxt), READ_ONCE(tw->rcv_nxt), XTCP_RST);
	KUNIT_EXPECT_FALSE(test, tw_is_there(key));
	xtcp_timewait_put(tw);
}

static void tw_enter__takes_the_place_for_2msl(struct kunit *test)
{
	unsigned long before = jiffies, two = msecs_to_jiffies(60000);
	struct xtcp_timewait *tw;
	struct xtcp_key key;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	KUNIT_EXPECT_LE(test, sizeof(*tw), (size_t)256);
	KUNIT_EXPECT_TRUE(test, timer_pending(&tw->timer));
	KUNIT_EXPECT_FALSE(test, time_before(tw->timer.expires, before + two));
	KUNIT_EXPECT_FALSE(test, time_after(tw->timer.expires, jiffies + two));
	KUNIT_EXPECT_EQ(test, tw->snd_nxt, SND_NXT);
	KUNIT_EXPECT_EQ(test, tw->rcv_nxt, RCV_NXT);
	tw_end(test, tw, &key);
}

static void tw_expiry__not_before_2msl(struct kunit *test)
{
	unsigned long start = jiffies, two = msecs_to_jiffies(300);
	struct xtcp_timewait *tw;
	struct xtcp_key key;

	tw = tw_enter(test, 150, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	xtcp_timewait_put(tw);
	while (tw_is_there(&key) && time_before(jiffies, start + two + 10 * HZ))
		msleep(20);
	KUNIT_EXPECT_FALSE(test, tw_is_there(&key));
	KUNIT_EXPECT_FALSE(test, time_before(jiffies, start + two));
}

/* The ACK of the FIN was lost: the same FIN again starts 2MSL again, data does not. */
static void tw_segment__fin_restarts(struct kunit *test)
{
	unsigned long first, before, two = msecs_to_jiffies(60000);
	struct xtcp_timewait *tw;
	struct xtcp_key key;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	first = tw->timer.expires;
	msleep(60);
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT - 1, RCV_NXT, XTCP_ACK));
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT, RCV_NXT, XTCP_ACK));
	KUNIT_EXPECT_EQ(test, tw->timer.expires, first);
	before = jiffies;
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT - 1, RCV_NXT, XTCP_FIN | XTCP_ACK));
	KUNIT_EXPECT_TRUE(test, time_after(tw->timer.expires, first));
	KUNIT_EXPECT_FALSE(test, time_before(tw->timer.expires, before + two));
	/* A FIN with data before it is the same FIN. */
	first = tw->timer.expires;
	msleep(60);
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT - 101, RCV_NXT,
					    XTCP_FIN | XTCP_ACK));
	KUNIT_EXPECT_TRUE(test, time_after(tw->timer.expires, first));
	tw_end(test, tw, &key);
}

/* RFC 1337: no RST ends TIME-WAIT; without that protection only the exact one does. */
static void tw_segment__rst(struct kunit *test)
{
	struct xtcp_timewait *tw;
	struct xtcp_key key;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	tw->xn->sysctl.rfc1337 = 1;
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT, RCV_NXT, XTCP_RST));
	KUNIT_EXPECT_TRUE(test, tw_is_there(&key));
	tw->xn->sysctl.rfc1337 = 0;
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT + 1, RCV_NXT + 1, XTCP_RST));
	KUNIT_EXPECT_TRUE(test, tw_is_there(&key));
	tw_end(test, tw, &key);
}

/*
 * MAY-2: a SYN beyond the old connection opens a new one if somebody listens; an old SYN
 * does not.
 */
static void tw_segment__syn(struct kunit *test)
{
	struct xtcp_timewait *tw;
	struct xtcp_key key;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT - 100, RCV_NXT - 99, XTCP_SYN));
	KUNIT_EXPECT_FALSE(test, tw_segment(test, tw, RCV_NXT + 100, RCV_NXT + 101,
					    XTCP_SYN | XTCP_ACK));
	KUNIT_EXPECT_TRUE(test, tw_segment(test, tw, RCV_NXT + 100, RCV_NXT + 101, XTCP_SYN));
	tw_syn(tw, false);
	KUNIT_EXPECT_TRUE(test, tw_is_there(&key));
	KUNIT_EXPECT_TRUE(test, timer_pending(&tw->timer));
	tw_syn(tw, true);
	KUNIT_EXPECT_FALSE(test, tw_is_there(&key));
	KUNIT_EXPECT_FALSE(test, timer_pending(&tw->timer));
	xtcp_timewait_put(tw);
}

/* What the minisock needs to speak for the socket, and to keep others off its port. */
static void tw_enter__takes_over(struct kunit *test)
{
	struct sock *sk = ksock_open(test, 0);
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_timewait *tw;
	struct xtcp_node *node;
	struct xtcp_key key;

	xs->xn->sysctl.msl = 30000;
	lock_sock(sk);
	sk->sk_mark = 7;
	sk->sk_reuse = 1;
	sk->sk_bound_dev_if = 1;
	inet_sk(sk)->tos = 0x10;
	inet_sk(sk)->inet_rcv_saddr = htonl(INADDR_LOOPBACK);
	tw_peer(&xs->node.key);
	KUNIT_EXPECT_EQ(test, xtcp_ports_connect(sk), 0);
	xs->snd.nxt = SND_NXT;
	xs->rcv.wup = RCV_NXT - 300;
	xs->rcv.nxt = RCV_NXT;
	xs->rcv.wnd = 20300;
	xs->rcv.wscale = 3;
	inet_sk_set_state(sk, TCP_FIN_WAIT2);
	key = xs->node.key;
	xtcp_state_move(sk, XTCP_EV_RCV_FIN);
	release_sock(sk);
	ksock_close(sk);
	rcu_read_lock();
	node = xtcp_lookup_find(xtcp_net(&init_net), &key);
	rcu_read_unlock();
	KUNIT_ASSERT_NOT_NULL(test, node);
	tw = container_of(node, struct xtcp_timewait, node);
	KUNIT_EXPECT_EQ(test, tw->rcv_nxt, RCV_NXT);
	KUNIT_EXPECT_EQ(test, tw->rcv_wnd, 20000U);
	KUNIT_EXPECT_EQ(test, tw->rcv_wscale, 3);
	KUNIT_EXPECT_EQ(test, tw->mark, 7U);
	KUNIT_EXPECT_EQ(test, tw->bound_dev, 1);
	KUNIT_EXPECT_EQ(test, tw->tos, 0x10);
	KUNIT_EXPECT_EQ(test, tw->family, AF_INET);
	KUNIT_EXPECT_TRUE(test, tw->node.reuse);
	KUNIT_EXPECT_NOT_NULL_MSG(test, xa_load(&tw->xn->ports, ntohs(key.lport)),
				  "the port is still taken");
	tw_end(test, tw, &key);
	KUNIT_EXPECT_NULL_MSG(test, xa_load(&xtcp_net(&init_net)->ports, ntohs(key.lport)),
			      "and given back");
}

/* How many segments this machine has sent; not the RST that an ACK to nobody may bring. */
static unsigned long tw_out(void)
{
	struct xtcp_net *xn = xtcp_net(&init_net);

	return xtcp_mib_read(xn, XTCP_MIB_OUTSEGS) - xtcp_mib_read(xn, XTCP_MIB_OUTRSTS);
}

/* The FIN again is acknowledged each time, other oddities now and then, the rest never. */
static void tw_segment__answers(struct kunit *test)
{
	static const struct {
		const char *what;
		u32 seq, end;
		u8 flags;
		u8 answers;	/* to two of them */
	} segments[] = {
		{ "an ACK in order", RCV_NXT, RCV_NXT, XTCP_ACK, 0 },
		{ "a RST elsewhere", RCV_NXT + 5, RCV_NXT + 5, XTCP_RST, 0 },
		{ "the FIN again", RCV_NXT - 1, RCV_NXT, XTCP_FIN | XTCP_ACK, 2 },
		{ "a FIN behind it", RCV_NXT, RCV_NXT + 1, XTCP_FIN | XTCP_ACK, 1 },
		{ "old data", RCV_NXT - 9, RCV_NXT, XTCP_ACK, 1 },
		{ "data", RCV_NXT, RCV_NXT + 9, XTCP_ACK, 1 },
		{ "an old ACK", RCV_NXT - 1, RCV_NXT - 1, XTCP_ACK, 1 },
		{ "an old SYN", RCV_NXT - 9, RCV_NXT - 8, XTCP_SYN, 1 },
		{ "a SYN of the same age", RCV_NXT, RCV_NXT + 1, XTCP_SYN, 1 },
	};
	struct xtcp_timewait *tw;
	struct xtcp_key key;
	int i, j;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	tw->xn->sysctl.invalid_ratelimit = 100 * HZ;
	for (i = 0; i < ARRAY_SIZE(segments); i++) {
		unsigned long before = tw_out(), expires = tw->timer.expires;

		tw->ack_stamp = 0;
		tw->xn->sysctl.rfc1337 = 1;
		for (j = 0; j < 2; j++)
			KUNIT_EXPECT_FALSE_MSG(test, tw_segment(test, tw, segments[i].seq,
								segments[i].end, segments[i].flags),
					       "%s", segments[i].what);
		KUNIT_EXPECT_EQ_MSG(test, tw_out() - before, (unsigned long)segments[i].answers,
				    "%s", segments[i].what);
		if (segments[i].answers != 2)
			KUNIT_EXPECT_EQ_MSG(test, tw->timer.expires, expires, "%s",
					    segments[i].what);
	}
	tw_end(test, tw, &key);
}

/* A minisock that has lived its time counts as one that did; one that was ended does not. */
static void tw_expiry__is_counted(struct kunit *test)
{
	struct xtcp_net *xn = xtcp_net(&init_net);
	unsigned long lived = xtcp_mib_read(xn, XTCP_MIB_TW);
	unsigned long killed = xtcp_mib_read(xn, XTCP_MIB_TWKILLED);
	struct xtcp_timewait *tw;
	struct xtcp_key key;
	int waited;

	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	tw_end(test, tw, &key);
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xn, XTCP_MIB_TW), lived);
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xn, XTCP_MIB_TWKILLED), killed + 1);
	tw = tw_enter(test, 20, &key);
	if (tw)
		xtcp_timewait_put(tw);
	for (waited = 0; waited < 500 && tw_is_there(&key); waited++)
		msleep(20);
	msleep(20);
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xn, XTCP_MIB_TW), lived + 1);
	KUNIT_EXPECT_NULL(test, xa_load(&xn->ports, ntohs(key.lport)));
}

/* The last one that max_tw_buckets allows, and the one above it. */
static void tw_enter__exactly_as_many(struct kunit *test)
{
	struct xtcp_net *xn = xtcp_net(&init_net);
	struct xtcp_timewait *tw;
	struct xtcp_key key, other;

	xn->sysctl.max_tw_buckets = atomic_read(&xn->tw_count) + 1;
	tw = tw_enter(test, 30000, &key);
	KUNIT_ASSERT_NOT_NULL(test, tw);
	KUNIT_EXPECT_NULL(test, tw_enter(test, 30000, &other));
	tw_end(test, tw, &key);
}

static void tw_enter__bounded(struct kunit *test)
{
	struct xtcp_net *xn = xtcp_net(&init_net);
	unsigned long overflows = xtcp_mib_read(xn, XTCP_MIB_TWOVERFLOW);
	struct xtcp_key key;

	xn->sysctl.max_tw_buckets = 0;
	KUNIT_EXPECT_NULL(test, tw_enter(test, 30000, &key));
	KUNIT_EXPECT_EQ(test, xtcp_mib_read(xn, XTCP_MIB_TWOVERFLOW), overflows + 1);
	KUNIT_EXPECT_FALSE(test, tw_is_there(&key));
}

static struct kunit_case tw_cases[] = {
	KUNIT_CASE(tw_enter__takes_the_place_for_2msl),
	KUNIT_CASE(tw_expiry__not_before_2msl),
	KUNIT_CASE(tw_segment__fin_restarts),
	KUNIT_CASE(tw_segment__rst),
	KUNIT_CASE(tw_segment__syn),
	KUNIT_CASE(tw_enter__takes_over),
	KUNIT_CASE(tw_segment__answers),
	KUNIT_CASE(tw_expiry__is_counted),
	KUNIT_CASE(tw_enter__exactly_as_many),
	KUNIT_CASE(tw_enter__bounded),
	{}
};

static struct kunit_suite tw_suite = {
	.name = "xtcp_timewait",
	.init = tw_test_init,
	.exit = tw_test_exit,
	.test_cases = tw_cases,
};

kunit_test_suite(tw_suite);
