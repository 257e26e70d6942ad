// SPDX-License-Identifier: GPL-2.0
/*
 * Connection requests: SYN-RECEIVED without a socket (a minisock).
 *
 * References: one for the table and the listener's list together, dropped by whoever takes
 * the node out of the table; one for the timer while it is pending; one for each lookup.
 * A request holds its listener, so the listener's memory outlives it.
 */
#include <linux/slab.h>
#include <net/inet_ecn.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "delack.h"
#include "handshake.h"
#include "isn.h"
#include "listen.h"
#include "lower.h"
#include "ports.h"
#include "request.h"
#include "seq.h"
#include "skb_cb.h"
#include "timer.h"
#include "xmit.h"
#include "xtcp_sock.h"

static struct kmem_cache *xtcp_request_cache;

static struct xtcp_net *xtcp_request_net(const struct xtcp_request *req)
{
	return xtcp_sk(req->listener)->xn;
}

static void xtcp_request_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(xtcp_request_cache, container_of(head, struct xtcp_request, node.rcu));
}

void xtcp_request_put(struct xtcp_request *req)
{
	if (!refcount_dec_and_test(&req->ref))
		return;
	XTCP_INC(xtcp_request_net(req), REQDESTROYED);
	sock_put(req->listener);
	call_rcu(&req->node.rcu, xtcp_request_free_rcu);
}

/* Off the listener's list and without a timer; the node has left the table already. */
static void xtcp_request_detach(struct xtcp_request *req)
{
	struct xtcp_listed *listed = &xtcp_sk(req->listener)->listed;

	spin_lock_bh(&listed->lock);
	if (!list_empty(&req->link)) {
		list_del_init(&req->link);
		WRITE_ONCE(listed->nr_requests, listed->nr_requests - 1);
	}
	spin_unlock_bh(&listed->lock);
	if (xtcp_wheel_stop(xtcp_request_net(req), &req->timer))
		xtcp_request_put(req);
	xtcp_request_put(req);
}

void xtcp_request_drop(struct xtcp_request *req)
{
	if (xtcp_lookup_remove(xtcp_request_net(req), &req->node)) {
		XTCP_INC(xtcp_request_net(req), ATTEMPTFAILS);
		xtcp_request_detach(req);
	}
}

void xtcp_request_drop_all(struct sock *listener)
{
	struct list_head *requests = &xtcp_sk(listener)->listen.requests;
	struct xtcp_listed *listed = &xtcp_sk(listener)->listed;
	struct xtcp_request *req;

	spin_lock_bh(&listed->lock);
	while ((req = list_first_entry_or_null(requests, struct xtcp_request, link))) {
		refcount_inc(&req->ref);
		list_del_init(&req->link);
		WRITE_ONCE(listed->nr_requests, listed->nr_requests - 1);
		spin_unlock_bh(&listed->lock);
		xtcp_request_drop(req);
		xtcp_request_put(req);
		spin_lock_bh(&listed->lock);
	}
	spin_unlock_bh(&listed->lock);
}

/* Send the SYN-ACK again. */
static void xtcp_request_resend(struct xtcp_request *req)
{
	struct xtcp_net *xn = xtcp_request_net(req);

	u8 sent = READ_ONCE(req->retrans);

	/* The timer and a segment may be here at once: that one of them counts is enough. */
	if (sent < U8_MAX)
		WRITE_ONCE(req->retrans, sent + 1);
	XTCP_INC(xn, RETRANSSEGS);
	xtcp_xmit_synack(req);
}

/*
 * TCP_DEFER_ACCEPT: the peer has our SYN-ACK and has yet to say something. At the end of its time
 * the SYN-ACK goes once more, whose answer counts in any case.
 */
static bool xtcp_request_is_deferred(const struct xtcp_request *req, u8 defer)
{
	return READ_ONCE(req->acked) && req->timeouts < defer;
}

static void xtcp_request_expire(struct timer_list *timer)
{
	struct xtcp_request *req = timer_container_of(req, timer, timer);
	struct xtcp_sock *listener = xtcp_sk(req->listener);
	struct xtcp_net *xn = xtcp_request_net(req);
	int limit = READ_ONCE(listener->syn_cnt) ?: READ_ONCE(xn->sysctl.synack_retries);

	u8 defer = READ_ONCE(listener->defer_accept);

	if ((req->timeouts >= limit && !xtcp_request_is_deferred(req, defer)) ||
	    inet_sk_state_load(req->listener) != TCP_LISTEN) {
		xtcp_request_drop(req);
	} else {
		bool again = !READ_ONCE(req->acked) || req->timeouts + 1 >= defer;

		if (!req->timeouts)
			req->late_ms = xtcp_stamp_clock();
		/* The time comes with the count: a segment that ends this may be here at once. */
		smp_store_release(&req->timeouts, req->timeouts + 1);
		if (again) {
			XTCP_INC(xn, TIMEOUTS);
			xtcp_request_resend(req);
		}
		refcount_inc(&req->ref);
		xtcp_wheel_start(xn, &req->timer, jiffies +
				 usecs_to_jiffies(xtcp_timer_backoff_us(XTCP_RTO_INIT_US,
									req->timeouts)));
		/* Somebody may have taken it out since, and found no timer to stop. */
		if (list_empty(&req->link) && xtcp_wheel_stop(xn, &req->timer))
			xtcp_request_put(req);
	}
	xtcp_wheel_expired(xn);
	xtcp_request_put(req);
}

/* -- the SYN ------------------------------------------------------------------ */

/* Linux's rules for a listener that has too much to do already. */
static bool xtcp_request_overflow(struct sock *listener)
{
	struct xtcp_sock *xs = xtcp_sk(listener);
	u32 waiting = READ_ONCE(xs->listed.nr_requests);

	if (sk_acceptq_is_full(listener)) {
		XTCP_INC(xs->xn, LISTENOVERFLOWS);
		return true;
	}
	if (waiting > READ_ONCE(listener->sk_max_ack_backlog) ||
	    waiting >= READ_ONCE(xs->xn->sysctl.max_syn_backlog)) {
		XTCP_INC(xs->xn, REQQFULL);
		return true;
	}
	return false;
}

/*
 * Does @req's SYN ask for ECN, and do we agree? ECT on a SYN is RFC 8257's; to RFC 3168 whoever
 * set it does not know what the bits mean.
 */
static bool xtcp_request_agrees_ecn(const struct xtcp_request *req, const struct xtcp_skb_cb *cb)
{
	if (!xtcp_ecn_is_asked(cb->flags))
		return false;
	if (req->ecn.exact)
		return true;
	if (cb->ecn != INET_ECN_NOT_ECT)
		return false;
	return READ_ONCE(xtcp_request_net(req)->sysctl.ecn) || xtcp_lower_route_ecn_request(req);
}

static struct xtcp_request *xtcp_request_alloc(struct sock *listener, struct sk_buff *skb,
					       const struct xtcp_key *key,
					       const struct xtcp_options *opt,
					       const u32 *old_nxt)
{
	struct xtcp_sock *xs = xtcp_sk(listener);
	struct xtcp_request *req;
	int dev;

	req = kmem_cache_zalloc(xtcp_request_cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!req)
		return NULL;
	sock_hold(listener);
	req->listener = listener;
	req->node.key = *key;
	req->node.kind = XTCP_NODE_REQUEST;
	INIT_LIST_HEAD(&req->link);
	req->iss = xtcp_isn_next(key);
	/* Faster than the clock, the old connection may have used these numbers (MAY-2). */
	if (old_nxt && !xtcp_seq_after(req->iss, *old_nxt))
		req->iss = *old_nxt + U16_MAX + 2;
	req->irs = xtcp_cb(skb)->seq;
	req->mss = xtcp_handshake_peer_mss(opt, ipv6_addr_v4mapped(&key->raddr),
					   READ_ONCE(xs->user_mss));
	xtcp_delack_initial_window(listener, &req->rcv_wnd, &req->rcv_wscale);
	req->wscale_ok = READ_ONCE(xs->xn->sysctl.window_scaling) &&
			 (opt->seen & XTCP_SEEN_WSCALE);
	if (req->wscale_ok) {
		req->snd_wscale = opt->wscale;
	} else {
		req->rcv_wscale = 0;
		req->rcv_wnd = min_t(u32, req->rcv_wnd, U16_MAX);
	}
	req->sack_ok = READ_ONCE(xs->xn->sysctl.sack) && (opt->seen & XTCP_SEEN_SACK_OK);
	xtcp_stamp_init(&req->stamp, xs->xn, key);
	if (!(opt->seen & XTCP_SEEN_TS))
		req->stamp.ok = false;
	else if (req->stamp.ok)
		xtcp_stamp_update(&req->stamp, opt->tsval, ktime_get_seconds());
	xtcp_lower_reply_path(skb, &req->iif, &req->mark, &req->tos);
	/* The answer has the service type of the listener, as TCP's has. */
	req->tos = ipv6_addr_v4mapped(&key->raddr) ? READ_ONCE(inet_sk(listener)->tos) :
						     READ_ONCE(inet6_sk(listener)->tclass);
	if (!req->mark)
		req->mark = READ_ONCE(listener->sk_mark);
	dev = READ_ONCE(listener->sk_bound_dev_if);
	if (dev)
		req->iif = dev;
	xtcp_ecn_follow(&req->ecn, READ_ONCE(xs->ecn.exact));
	xtcp_ecn_begin(&req->ecn, req->iss, xtcp_request_agrees_ecn(req, xtcp_cb(skb)));
	timer_setup(&req->timer, xtcp_request_expire, 0);
	/* The table's, the timer's and ours. */
	refcount_set(&req->ref, 3);
	XTCP_INC(xs->xn, REQCREATED);
	return req;
}

/* Put @req on its listener's list and start its timer. Return: false if it closed. */
static bool xtcp_request_attach(struct xtcp_request *req)
{
	struct xtcp_sock *xs = xtcp_sk(req->listener);
	bool ok;

	spin_lock_bh(&xs->listed.lock);
	/* xtcp_listen_stop() changes the state first, then empties the list. */
	ok = inet_sk_state_load(req->listener) == TCP_LISTEN;
	if (ok) {
		list_add_tail(&req->link, &xs->listen.requests);
		WRITE_ONCE(xs->listed.nr_requests, xs->listed.nr_requests + 1);
		xtcp_wheel_start(xtcp_request_net(req), &req->timer,
				 jiffies + usecs_to_jiffies(XTCP_RTO_INIT_US));
	}
	spin_unlock_bh(&xs->listed.lock);
	return ok;
}

void xtcp_request_syn(struct sock *listener, struct sk_buff *skb, const struct xtcp_key *key,
		      const struct xtcp_options *opt, const u32 *old_nxt)
{
	struct xtcp_net *xn = xtcp_sk(listener)->xn;
	struct xtcp_request *req;

	/* RFC 9293 MUST-57 */
	if (!xtcp_lower_unicast(skb) || xtcp_request_overflow(listener))
		goto drop;
	req = xtcp_request_alloc(listener, skb, key, opt, old_nxt);
	if (!req) {
		XTCP_INC(xn, REQMEMDROP);
		goto drop;
	}
	if (!xtcp_request_attach(req)) {
		refcount_set(&req->ref, 1);
		xtcp_request_put(req);
		goto drop;
	}
	if (xtcp_lookup_insert(xn, &req->node)) {
		/* Another CPU has the same SYN, or there is no memory for the table. */
		xtcp_request_detach(req);
		xtcp_request_put(req);
		goto drop;
	}
	/* If the listener closed in between it did not find the node in the table. */
	if (list_empty(&req->link))
		xtcp_request_drop(req);
	else
		xtcp_xmit_synack(req);
	xtcp_request_put(req);
	return;
drop:
	XTCP_INC(xn, LISTENDROPS);
}

/* -- the third segment -------------------------------------------------------- */

/* The SYN again: the peer has not heard our answer. */
static bool xtcp_request_is_repeat(const struct xtcp_request *req,
				   const struct xtcp_skb_cb *cb)
{
	return (cb->flags & (XTCP_SYN | XTCP_ACK | XTCP_RST)) == XTCP_SYN &&
	       cb->seq == req->irs;
}

/* In the window and not from an older connection; else it is counted. */
static bool xtcp_request_acceptable(const struct xtcp_request *req, const struct xtcp_skb_cb *cb,
				    const struct xtcp_options *opt)
{
	if (req->stamp.ok && (opt->seen & XTCP_SEEN_TS) && !(cb->flags & XTCP_RST) &&
	    xtcp_stamp_is_old(&req->stamp, opt->tsval, ktime_get_seconds())) {
		XTCP_INC(xtcp_request_net(req), PAWSESTAB);
		return false;
	}
	if (!xtcp_seq_before(cb->end_seq, req->irs + 1) &&
	    !xtcp_seq_after(cb->seq, req->irs + 1 + req->rcv_wnd))
		return true;
	XTCP_INC(xtcp_request_net(req), OUTOFWINDOW);
	return false;
}

/* Hand the connection over from @req to @child. Return: false if it was too late. */
static bool xtcp_request_promote(struct xtcp_request *req, struct sock *child)
{
	struct xtcp_net *xn = xtcp_request_net(req);
	struct xtcp_sock *xs = xtcp_sk(child);

	if (xtcp_ports_inherit(xn, &xs->node))
		return false;
	/* One of several CPUs with the same segment wins here. */
	if (xtcp_lookup_replace(xn, &req->node, &xs->node))
		return false;
	xtcp_request_detach(req);
	if (!xtcp_listen_enqueue(req->listener, child)) {
		/* The listener has closed: the peer learns it by RST. */
		xtcp_xmit_rst(child);
		return false;
	}
	XTCP_INC(xn, PASSIVEOPENS);
	return true;
}

static struct sock *xtcp_request_complete(struct xtcp_request *req, struct sk_buff *skb)
{
	struct xtcp_net *xn = xtcp_request_net(req);
	struct sock *child;

	if (sk_acceptq_is_full(req->listener)) {
		XTCP_INC(xn, LISTENOVERFLOWS);
		XTCP_INC(xn, LISTENDROPS);
		if (READ_ONCE(xn->sysctl.abort_on_overflow)) {
			xtcp_xmit_reply_rst(xn, skb, &req->node.key);
			xtcp_request_drop(req);
		}
		/* Else the next SYN-ACK gives the peer another try. */
		return NULL;
	}
	child = xtcp_handshake_child(req, skb);
	if (!child) {
		XTCP_INC(xn, LISTENDROPS);
		return NULL;
	}
	if (!xtcp_request_promote(req, child)) {
		xtcp_handshake_abandon(child);
		return NULL;
	}
	return child;
}

struct sock *xtcp_request_segment(struct xtcp_request *req, struct sk_buff *skb,
				  const struct xtcp_options *opt)
{
	const struct xtcp_skb_cb *cb = xtcp_cb(skb);
	struct xtcp_net *xn = xtcp_request_net(req);
	unsigned long *stamp = &req->ack_stamp;

	if (xtcp_request_is_repeat(req, cb)) {
		if (!xtcp_ecn_is_asked(cb->flags))
			xtcp_ecn_fall_back(&req->ecn);
		if (xtcp_xmit_rate_ok(stamp, READ_ONCE(xn->sysctl.invalid_ratelimit)))
			xtcp_request_resend(req);
		return NULL;
	}
	if (!xtcp_request_acceptable(req, cb, opt)) {
		if (!(cb->flags & XTCP_RST) &&
		    xtcp_xmit_rate_ok(stamp, READ_ONCE(xn->sysctl.invalid_ratelimit)))
			xtcp_xmit_request_ack(req);
		return NULL;
	}
	if (cb->flags & XTCP_RST) {
		/* RFC 9293 figure 8: back to LISTEN. Only the exact number counts (RFC 5961). */
		if (cb->seq == req->irs + 1)
			xtcp_request_drop(req);
		else if (xtcp_xmit_rate_ok(stamp, READ_ONCE(xn->sysctl.invalid_ratelimit)))
			xtcp_xmit_request_ack(req);
		return NULL;
	}
	if (cb->flags & XTCP_SYN) {
		/* We sent no SYN of our own that a SYN-ACK could answer. */
		XTCP_INC(xn, SYNCHALLENGE);
		if (xtcp_xmit_rate_ok(stamp, READ_ONCE(xn->sysctl.invalid_ratelimit)))
			xtcp_xmit_request_ack(req);
		return NULL;
	}
	if (!(cb->flags & XTCP_ACK))
		return NULL;
	if (cb->ack != req->iss + 1) {
		xtcp_xmit_reply_rst(xn, skb, &req->node.key);
		return NULL;
	}
	if (cb->end_seq == req->irs + 1 &&
	    READ_ONCE(req->timeouts) < READ_ONCE(xtcp_sk(req->listener)->defer_accept)) {
		WRITE_ONCE(req->acked, true);
		XTCP_INC(xn, DEFERACCEPTDROP);
		return NULL;
	}
	return xtcp_request_complete(req, skb);
}

int xtcp_request_init(void)
{
	xtcp_request_cache = KMEM_CACHE(xtcp_request, SLAB_ACCOUNT);
	return xtcp_request_cache ? 0 : -ENOMEM;
}

void xtcp_request_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(xtcp_request_cache);
}
