// SPDX-License-Identifier: GPL-2.0
/*
 * A listener's queues: requests in the handshake, children to accept.
 *
 * A segment that completes a handshake does not lock the listener: the queue has a
 * spinlock of its own, and whoever adds to it looks at the state under that lock.
 */
#include <linux/sched/signal.h>
#include <net/inet_common.h>
#include <net/ip.h>
#include <net/sock.h>

#include "close.h"
#include "listen.h"
#include "ports.h"
#include "request.h"
#include "socket.h"
#include "state.h"
#include "xmit.h"
#include "xtcp_sock.h"

void xtcp_listen_init(struct xtcp_listed *listed)
{
	spin_lock_init(&listed->lock);
	listed->nr_requests = 0;
	INIT_HLIST_NODE(&listed->port_link);
}

static int xtcp_listen_start(struct sock *sk)
{
	struct xtcp_listen *listen = &xtcp_sk(sk)->listen;
	struct inet_sock *inet = inet_sk(sk);
	int err;

	WRITE_ONCE(sk->sk_ack_backlog, 0);
	if (!inet->inet_num) {
		err = sk->sk_prot->get_port(sk, 0);
		if (err)
			return err;
		inet->inet_sport = htons(inet->inet_num);
	} else if (!xtcp_sk(sk)->node.port) {
		err = xtcp_ports_inherit(xtcp_sk(sk)->xn, &xtcp_sk(sk)->node);
		if (err)
			return err;
	}
	/* Nobody looks at them before he has seen the state that is set next. */
	INIT_LIST_HEAD(&listen->requests);
	INIT_LIST_HEAD(&listen->queue);
	/* Listening first: of two that race for a port each must see the other's state. */
	xtcp_state_move(sk, XTCP_EV_PASSIVE_OPEN);
	err = xtcp_ports_listen(sk);
	if (err) {
		xtcp_state_move(sk, XTCP_EV_ABORT);
		return err;
	}
	sk_dst_reset(sk);
	return 0;
}

int xtcp_listen(struct socket *sock, int backlog)
{
	struct sock *sk = sock->sk;
	int err = -EINVAL;

	lock_sock(sk);
	if (sock->state != SS_UNCONNECTED || sock->type != SOCK_STREAM)
		goto out;
	if (!((1 << sk->sk_state) & (TCPF_CLOSE | TCPF_LISTEN)))
		goto out;
	/* A second listen() only changes the backlog. */
	WRITE_ONCE(sk->sk_max_ack_backlog, backlog);
	err = 0;
	if (sk->sk_state != TCP_LISTEN)
		err = xtcp_listen_start(sk);
out:
	release_sock(sk);
	return err;
}

/* Reset a child that nobody accepted. */
static void xtcp_listen_drop_child(struct sock *child)
{
	sock_hold(child);
	local_bh_disable();
	bh_lock_sock(child);
	WARN_ON(sock_owned_by_user(child));
	sock_orphan(child);
	this_cpu_inc(xtcp_orphan_count);
	if (child->sk_state == TCP_CLOSE) {
		/* It was reset while it waited, but not dead yet: nobody destroyed it. */
		xtcp_close_destroy(child);
	} else {
		if (xtcp_state_peer_knows(child->sk_state))
			xtcp_xmit_rst(child);
		xtcp_rtxq_purge(child);
		xtcp_close_done(child);
	}
	bh_unlock_sock(child);
	local_bh_enable();
	sock_put(child);
}

/* Off its parent's queue, and no trace of that where a listener has its other link. */
static void xtcp_listen_unlink(struct xtcp_sock *child)
{
	list_del(&child->listed.link);
	INIT_HLIST_NODE(&child->listed.port_link);
}

void xtcp_listen_stop(struct sock *sk)
{
	struct list_head *queue = &xtcp_sk(sk)->listen.queue;
	spinlock_t *lock = &xtcp_sk(sk)->listed.lock;
	struct sock *child;

	sock_owned_by_me(sk);
	xtcp_request_drop_all(sk);
	spin_lock_bh(lock);
	while (!list_empty(queue)) {
		struct xtcp_sock *xs = list_first_entry(queue, struct xtcp_sock, listed.link);

		xtcp_listen_unlink(xs);
		sk_acceptq_removed(sk);
		spin_unlock_bh(lock);
		child = xtcp_to_sk(xs);
		xtcp_listen_drop_child(child);
		cond_resched();
		spin_lock_bh(lock);
	}
	spin_unlock_bh(lock);
	WARN_ON_ONCE(sk->sk_ack_backlog);
}

bool xtcp_listen_enqueue(struct sock *listener, struct sock *child)
{
	struct xtcp_sock *xs = xtcp_sk(listener);
	bool ok;

	spin_lock_bh(&xs->listed.lock);
	ok = inet_sk_state_load(listener) == TCP_LISTEN;
	if (ok) {
		list_add_tail(&xtcp_sk(child)->listed.link, &xs->listen.queue);
		sk_acceptq_added(listener);
	}
	spin_unlock_bh(&xs->listed.lock);
	return ok;
}

bool xtcp_listen_ready(const struct sock *sk)
{
	return READ_ONCE(sk->sk_ack_backlog);
}

static struct sock *xtcp_listen_dequeue(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk), *child;

	spin_lock_bh(&xs->listed.lock);
	child = list_first_entry_or_null(&xs->listen.queue, struct xtcp_sock, listed.link);
	if (child) {
		xtcp_listen_unlink(child);
		sk_acceptq_removed(sk);
	}
	spin_unlock_bh(&xs->listed.lock);
	return child ? xtcp_to_sk(child) : NULL;
}

/* Sleep until there is something to accept; one sleeper is woken for each. 0 or -errno. */
static int xtcp_listen_wait(struct sock *sk, long timeo)
{
	DEFINE_WAIT(wait);
	int err;

	for (;;) {
		prepare_to_wait_exclusive(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
		release_sock(sk);
		if (!xtcp_listen_ready(sk))
			timeo = schedule_timeout(timeo);
		sched_annotate_sleep();
		lock_sock(sk);
		err = 0;
		if (xtcp_listen_ready(sk))
			break;
		err = -EINVAL;
		if (sk->sk_state != TCP_LISTEN)
			break;
		err = sock_intr_errno(timeo);
		if (signal_pending(current))
			break;
		err = -EAGAIN;
		if (!timeo)
			break;
	}
	finish_wait(sk_sleep(sk), &wait);
	return err;
}

struct sock *xtcp_listen_accept(struct sock *sk, int flags, int *err, bool kern)
{
	struct sock *child = NULL;
	long timeo;

	lock_sock(sk);
	*err = -EINVAL;
	if (sk->sk_state != TCP_LISTEN)
		goto out;
	timeo = sock_rcvtimeo(sk, flags & O_NONBLOCK);
	while (!(child = xtcp_listen_dequeue(sk))) {
		*err = -EAGAIN;
		if (!timeo)
			goto out;
		*err = xtcp_listen_wait(sk, timeo);
		if (*err)
			goto out;
	}
	*err = 0;
out:
	release_sock(sk);
	return child;
}
