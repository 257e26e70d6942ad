// SPDX-License-Identifier: GPL-2.0
/*
 * ACKs that wait for the end of the batch of segments that softirq is working on.
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
#include "xtcp_sock.h"

/*
 * Its processor adds, the tasklet takes all. No lock, but atomic: the tasklet may run elsewhere
 * (its processor went offline), and with PREEMPT_RT one softirq may interrupt another.
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

void xtcp_ackq_add(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_ackq *q;

	lockdep_assert_in_softirq();
	sock_owned_by_me(sk);
	if (xs->ackq.queued)
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
	/* Given back by ackq_run(): a reset may take the socket's life meanwhile. */
	sock_hold(sk);
	xs->ackq.queued = true;
	q = this_cpu_ptr(&xtcp_ackq);
	if (llist_add(&xs->ackq.link, &q->socks))
		tasklet_schedule(&q->tasklet);
}

static void ackq_run(struct tasklet_struct *tasklet)
{
	struct xtcp_ackq *q = container_of(tasklet, struct xtcp_ackq, tasklet);
	struct llist_node *first = llist_del_all(&q->socks);
	struct xtcp_sock *xs, *next;

	llist_for_each_entry_safe(xs, next, first, ackq.link) {
		struct sock *sk = xtcp_to_sk(xs);

		bh_lock_sock(sk);
		/* From here another processor may put it on its list: next is known already. */
		xs->ackq.queued = false;
		if (!sock_owned_by_user(sk))
			xtcp_delack_batch_end(sk);
		else
			set_bit(XTCP_DEFER_ACK, &xs->deferred);
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
