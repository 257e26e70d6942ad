// SPDX-License-Identifier: GPL-2.0
/*
 * Sockets that softirq comes back to: ACKs that wait for the end of the batch of segments that it
 * is working on, and those with room to send again (smallq.c).
 *
 * A device hands the processor many segments at a time, and RFC 9293 MUST-59 asks to work
 * through what is there before it is acknowledged: one ACK says it all, and its sender has
 * one to work on. Linux TCP leaves that to GRO, which does not know our protocol on most
 * devices. Each processor keeps a list of the sockets that owe an ACK and a tasklet for it.
 * A tasklet that the receive softirq schedules runs when that is through with what it had, at
 * most one round of it later if more has come; like it in ksoftirqd when softirqs have had
 * their share, and at the latest when a process on this processor lets them in again.
 */
#include <linux/interrupt.h>
#include <linux/llist.h>
#include <linux/netdevice.h>
#include <linux/percpu.h>
#include <net/sock.h>

#include "ackq.h"
#include "delack.h"
#include "smallq.h"
#include "xtcp_sock.h"

/*
 * Its processor adds, the tasklet takes all. No lock, but atomic: the tasklet may run elsewhere
 * (its processor went offline), with PREEMPT_RT one softirq may interrupt another, and a segment
 * may be freed anywhere.
 */
struct xtcp_ackq {
	struct tasklet_struct tasklet;
	struct llist_head socks;
};

static DEFINE_PER_CPU(struct xtcp_ackq, xtcp_ackq);

enum ackq_batch {
	ACKQ_UNKNOWN,	/* perhaps more follows: the tasklet will know */
	ACKQ_OVER,	/* nothing follows */
	ACKQ_OURS,	/* what follows ends with a segment of the same flow */
};

/*
 * What came by loopback, a veth or a tunnel waits in the processor's own queue, and that one can be
 * looked at, so that no tasklet need tell us of the end. One that has to run while a woken reader
 * waits for the processor costs a detour through ksoftirqd. Should the flow's last segment
 * not get here, the ACK that is owed has its timer.
 */
static enum ackq_batch ackq_batch(u32 hash)
{
	struct softnet_data *sd = this_cpu_ptr(&softnet_data);
	const struct sk_buff *last;

	/* Others may add to its second half, and a driver's own batch is not in it. */
	if (!test_bit(NAPI_STATE_SCHED, &sd->backlog.state) ||
	    !skb_queue_empty_lockless(&sd->input_pkt_queue))
		return ACKQ_UNKNOWN;
	last = skb_peek_tail(&sd->process_queue);
	if (!last)
		return ACKQ_OVER;
	return hash && last->hash == hash ? ACKQ_OURS : ACKQ_UNKNOWN;
}

/* Whoever has set the node's bit puts it on this processor's list; preemption is off. */
static void ackq_link(struct xtcp_sock *xs)
{
	struct xtcp_ackq *q = this_cpu_ptr(&xtcp_ackq);

	if (llist_add(&xs->ackq.link, &q->socks))
		tasklet_schedule(&q->tasklet);
}

void xtcp_ackq_add(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	lockdep_assert_in_softirq();
	sock_owned_by_me(sk);
	if (xs->ackq.ack)
		return;
	switch (ackq_batch(xs->ackq.hash)) {
	case ACKQ_OVER:
		xtcp_delack_batch_end(sk);
		return;
	case ACKQ_OURS:
		xtcp_delack_later(xs);
		return;
	case ACKQ_UNKNOWN:
		break;
	}
	xs->ackq.ack = true;
	if (test_and_set_bit(0, &xs->ackq.queued))
		return;
	/* Given back by ackq_run(): a reset may take the socket's life meanwhile. */
	sock_hold(sk);
	ackq_link(xs);
}

void xtcp_ackq_push(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "socket may be gone");
	/* Whoever owns the socket now may do it when he lets go. */
	set_bit(XTCP_DEFER_SEND, &xs->deferred);
	if (test_and_set_bit(0, &xs->ackq.queued))
		return;
	if (!refcount_inc_not_zero(&sk->sk_refcnt)) {
		clear_bit(0, &xs->ackq.queued);
		return;
	}
	preempt_disable();
	ackq_link(xs);
	preempt_enable();
}

/* @xs was on the list. The socket's spinlock is held. */
static void ackq_work(struct xtcp_sock *xs, bool owned)
{
	struct sock *sk = xtcp_to_sk(xs);
	bool ack = xs->ackq.ack;

	xs->ackq.ack = false;
	if (owned) {
		if (ack)
			set_bit(XTCP_DEFER_ACK, &xs->deferred);
		return;
	}
	if (ack)
		xtcp_delack_batch_end(sk);
	if (test_and_clear_bit(XTCP_DEFER_SEND, &xs->deferred))
		xtcp_smallq_resume(sk);
}

static void ackq_run(struct tasklet_struct *tasklet)
{
	struct xtcp_ackq *q = container_of(tasklet, struct xtcp_ackq, tasklet);
	struct llist_node *first = llist_del_all(&q->socks);
	struct xtcp_sock *xs, *next;

	llist_for_each_entry_safe(xs, next, first, ackq.link) {
		struct sock *sk = xtcp_to_sk(xs);

		bh_lock_sock(sk);
		/*
		 * From here another processor may put it on its list: next is known already. What
		 * that one asks for later than this is not taken for done.
		 */
		clear_bit(0, &xs->ackq.queued);
		smp_mb__after_atomic();	/* pairs with test_and_set_bit() in xtcp_ackq_push() */
		ackq_work(xs, sock_owned_by_user(sk));
		bh_unlock_sock(sk);
		sock_put(sk);
	}
}

void xtcp_ackq_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_setup(&per_cpu_ptr(&xtcp_ackq, cpu)->tasklet, ackq_run);
}

void xtcp_ackq_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		tasklet_kill(&per_cpu_ptr(&xtcp_ackq, cpu)->tasklet);
}
