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
} tw_saved;

static int tw_test_init(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	tw_saved.msl = ctl->msl;
	tw_saved.rfc1337 = ctl->rfc1337;
	tw_saved.max_tw_buckets = ctl->max_tw_buckets;
	return 0;
}

static void tw_test_exit(struct kunit *test)
{
	struct xtcp_sysctl *ctl = &xtcp_net(&init_net)->sysctl;

	ctl->msl = tw_saved.msl;
	ctl->rfc1337 = tw_saved.rfc1337;
	ctl->max_tw_buckets = tw_saved.max_tw_buckets;
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
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);
	bool opens;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	xtcp_cb(skb)->seq = seq;
	xtcp_cb(skb)->end_seq = end;
	xtcp_cb(skb)->ack = SND_NXT;
	xtcp_cb(skb)->flags = flags;
	local_bh_disable();
	rcu_read_lock();
	opens = xtcp_timewait_segment(tw, skb);
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
