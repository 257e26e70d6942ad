// SPDX-License-Identifier: GPL-2.0
/*
 * ACKs that wait for the end of the batch of segments that softirq is working on.
 *
 * A device hands the processor many segments at a time, and RFC 9293 MUST-59 asks to work
 * through what is there before it is acknowledged: one ACK says it all, and its sender has
 * one to work on. Linux TCP leaves that to GRO, which does not know our protocol on most
 * devices. Each processor keeps a list of the sockets that owe an ACK and a tasklet for it:
 * tasklets run behind the receive softirq, in the same pass.
 */
#include <linux/interrupt.h>
#include <linux/percpu.h>
#include <net/sock.h>

#include "ackq.h"
#include "delack.h"
#include "xtcp_sock.h"

/* Written by its processor alone, in softirq: no lock. */
struct xtcp_ackq {
	struct tasklet_struct tasklet;
	struct xtcp_sock *first;
};

static DEFINE_PER_CPU(struct xtcp_ackq, xtcp_ackq);

void xtcp_ackq_add(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_ackq *q = this_cpu_ptr(&xtcp_ackq);

	lockdep_assert_in_softirq();
	if (xs->ackq.queued)
		return;
	sock_hold(sk);
	xs->ackq.queued = true;
	xs->ackq.next = q->first;
	if (!q->first)
		tasklet_schedule(&q->tasklet);
	q->first = xs;
}

static void ackq_run(struct tasklet_struct *tasklet)
{
	struct xtcp_ackq *q = container_of(tasklet, struct xtcp_ackq, tasklet);
	struct xtcp_sock *xs = q->first;

	q->first = NULL;
	while (xs) {
		struct xtcp_sock *next = xs->ackq.next;
		struct sock *sk = xtcp_to_sk(xs);

		bh_lock_sock(sk);
		/* From here another processor may put it on its list. */
		xs->ackq.queued = false;
		if (!sock_owned_by_user(sk))
			xtcp_delack_batch_end(sk);
		else
			set_bit(XTCP_DEFER_ACK, &xs->deferred);
		bh_unlock_sock(sk);
		sock_put(sk);
		xs = next;
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
