// SPDX-License-Identifier: GPL-2.0
/*
 * TIME-WAIT: what is left of a connection for 2MSL (RFC 9293 3.10.7.4, RFC 1337).
 *
 * References: one for the table, dropped by whoever takes the node out; one for the
 * timer while it is pending; one for each lookup. The namespace waits for all of them
 * before it goes, so xn stays valid while one is held.
 */
#include <linux/delay.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/sock.h>

#include "close.h"
#include "compat/compat.h"
#include "delack.h"
#include "lower.h"
#include "ports.h"
#include "seq.h"
#include "skb_cb.h"
#include "state.h"
#include "timewait.h"
#include "xmit.h"
#include "xtcp_sock.h"

static struct kmem_cache *xtcp_timewait_cache;

static unsigned long xtcp_timewait_2msl(const struct xtcp_net *xn)
{
	return msecs_to_jiffies(2 * READ_ONCE(xn->sysctl.msl));
}

static void xtcp_timewait_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(xtcp_timewait_cache, container_of(head, struct xtcp_timewait, node.rcu));
}

void xtcp_timewait_put(struct xtcp_timewait *tw)
{
	struct xtcp_net *xn = tw->xn;

	if (!refcount_dec_and_test(&tw->ref))
		return;
	XTCP_INC(xn, TWDESTROYED);
	call_rcu(&tw->node.rcu, xtcp_timewait_free_rcu);
	/* Last: the namespace may go when this reaches zero. */
	atomic_dec(&xn->tw_count);
}

/* Take @tw out of the tables. Return: true if this call did it; the reference goes. */
static bool xtcp_timewait_unhash(struct xtcp_timewait *tw)
{
	if (!xtcp_lookup_remove(tw->xn, &tw->node))
		return false;
	xtcp_ports_release(tw->xn, &tw->node);
	xtcp_timewait_put(tw);
	return true;
}

/* 2MSL have passed. */
static void xtcp_timewait_expire(struct timer_list *timer)
{
	struct xtcp_timewait *tw = timer_container_of(tw, timer, timer);

	if (xtcp_timewait_unhash(tw))
		XTCP_INC(tw->xn, TW);
	xtcp_wheel_expired(tw->xn);
	xtcp_timewait_put(tw);
}

/* End @tw before its time. The caller holds a reference. */
static void xtcp_timewait_kill(struct xtcp_timewait *tw)
{
	if (xtcp_wheel_stop(tw->xn, &tw->timer))
		xtcp_timewait_put(tw);
	if (xtcp_timewait_unhash(tw))
		XTCP_INC(tw->xn, TWKILLED);
}

static struct xtcp_timewait *xtcp_timewait_alloc(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_net *xn = xs->xn;
	struct xtcp_timewait *tw;

	/* 22 in a page; lockdep makes a timer longer. */
	BUILD_BUG_ON(!IS_ENABLED(CONFIG_LOCKDEP) && sizeof(*tw) > 184);
	if (atomic_read(&xn->tw_count) >= READ_ONCE(xn->sysctl.max_tw_buckets))
		return NULL;
	tw = kmem_cache_zalloc(xtcp_timewait_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!tw)
		return NULL;
	tw->node.key = xs->node.key;
	tw->node.kind = XTCP_NODE_TIMEWAIT;
	tw->node.reuse = sk->sk_reuse;
	tw->node.v6only = xs->node.v6only;
	tw->xn = xn;
	tw->snd_nxt = xs->snd.nxt;
	tw->rcv_nxt = xs->rcv.nxt;
	tw->rcv_wnd = xtcp_delack_window(xs);
	tw->stamp = xs->stamp;
	tw->rcv_wscale = xs->rcv.wscale;
	tw->mark = READ_ONCE(sk->sk_mark);
	tw->bound_dev = sk->sk_bound_dev_if;
	tw->family = sk->sk_family;
	tw->uid = xtcp_sk_uid(sk);
	tw->tos = xtcp_lower_is_v4(sk) ? inet_sk(sk)->tos : inet6_sk(sk)->tclass;
	/* The timer is set below; until then nobody else can know of it. */
	timer_setup(&tw->timer, xtcp_timewait_expire, TIMER_PINNED);
	refcount_set(&tw->ref, 2);
	atomic_inc(&xn->tw_count);
	XTCP_INC(xn, TWCREATED);
	return tw;
}

void xtcp_timewait_enter(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_net *xn = xs->xn;
	struct xtcp_timewait *tw;

	sock_owned_by_me(sk);
	tw = xtcp_timewait_alloc(sk);
	if (tw) {
		/* Not to be interrupted by a segment that ends it between the two. */
		local_bh_disable();
		xtcp_ports_transfer(&xs->node, &tw->node);
		xtcp_wheel_start(xn, &tw->timer, jiffies + xtcp_timewait_2msl(xn));
		if (xtcp_lookup_replace(xn, &xs->node, &tw->node)) {
			/* Cannot be: the socket is in the table while it lives. */
			WARN_ON_ONCE(1);
			if (xtcp_wheel_stop(tw->xn, &tw->timer))
				xtcp_timewait_put(tw);
			xtcp_ports_release(xn, &tw->node);
			xtcp_timewait_put(tw);
		}
		local_bh_enable();
	} else {
		XTCP_INC(xn, TWOVERFLOW);
	}
	xtcp_close_done(sk);
}

/* One ACK in a while for what does not belong here. */
static void xtcp_timewait_answer(struct xtcp_timewait *tw)
{
	if (xtcp_xmit_rate_ok(&tw->ack_stamp, READ_ONCE(tw->xn->sysctl.invalid_ratelimit)))
		xtcp_xmit_timewait_ack(tw);
}

/* A SYN beyond everything the old connection used (MAY-2): by number, or by time. */
static bool xtcp_timewait_syn_is_new(const struct xtcp_timewait *tw, const struct xtcp_skb_cb *cb,
				     const struct xtcp_options *opt)
{
	if ((cb->flags & (XTCP_SYN | XTCP_ACK)) != XTCP_SYN)
		return false;
	return xtcp_seq_after(cb->seq, tw->rcv_nxt) ||
	       (tw->stamp.valid && (opt->seen & XTCP_SEEN_TS) &&
		(s32)(opt->tsval - tw->stamp.recent) > 0);
}

bool xtcp_timewait_segment(struct xtcp_timewait *tw, struct sk_buff *skb,
			   const struct xtcp_options *opt)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_net *xn = tw->xn;
	u32 rcv_nxt = READ_ONCE(tw->rcv_nxt);
	bool old = tw->stamp.ok && (opt->seen & XTCP_SEEN_TS) &&
		   xtcp_stamp_is_old(&tw->stamp, opt->tsval, ktime_get_seconds());

	if (cb->flags & XTCP_RST) {
		/* RFC 1337: an old RST must not open the door to old data. */
		if (READ_ONCE(xn->sysctl.rfc1337) || cb->seq != rcv_nxt)
			XTCP_INC(xn, TWRST);
		else
			xtcp_timewait_kill(tw);
		return false;
	}
	if (old) {
		XTCP_INC(xn, PAWSESTAB);
		xtcp_timewait_answer(tw);
		return false;
	}
	if (xtcp_timewait_syn_is_new(tw, cb, opt))
		return true;
	if ((cb->flags & XTCP_FIN) && cb->end_seq == rcv_nxt) {
		/* Its ACK was lost: the peer starts LAST-ACK again, and we 2MSL. */
		mod_timer_pending(&tw->timer, jiffies + xtcp_timewait_2msl(xn));
		xtcp_xmit_timewait_ack(tw);
		return false;
	}
	/* Anything else but a bare ACK in order. */
	if (cb->seq != cb->end_seq || cb->seq != rcv_nxt)
		xtcp_timewait_answer(tw);
	return false;
}

void xtcp_timewait_syn(struct xtcp_timewait *tw, bool wanted)
{
	if (wanted) {
		XTCP_INC(tw->xn, TWRECYCLED);
		xtcp_timewait_kill(tw);
	} else {
		xtcp_timewait_answer(tw);
	}
}

void xtcp_timewait_purge(struct xtcp_net *xn)
{
	struct rhashtable_iter iter;
	struct xtcp_node *node;

	/* No socket is left in the namespace, so none can enter TIME-WAIT any more. */
	while (atomic_read(&xn->tw_count)) {
		rhashtable_walk_enter(&xn->conns, &iter);
		rhashtable_walk_start(&iter);
		while ((node = rhashtable_walk_next(&iter))) {
			struct xtcp_timewait *tw;

			if (IS_ERR(node))
				continue;
			if (WARN_ON_ONCE(node->kind != XTCP_NODE_TIMEWAIT))
				continue;
			tw = container_of(node, struct xtcp_timewait, node);
			if (!refcount_inc_not_zero(&tw->ref))
				continue;
			xtcp_timewait_kill(tw);
			xtcp_timewait_put(tw);
		}
		rhashtable_walk_stop(&iter);
		rhashtable_walk_exit(&iter);
		/* A timer that was running holds the last reference for a moment. */
		if (atomic_read(&xn->tw_count))
			usleep_range(500, 1000);
	}
}

int xtcp_timewait_init(void)
{
	xtcp_timewait_cache = KMEM_CACHE(xtcp_timewait, SLAB_ACCOUNT);
	return xtcp_timewait_cache ? 0 : -ENOMEM;
}

void xtcp_timewait_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(xtcp_timewait_cache);
}
