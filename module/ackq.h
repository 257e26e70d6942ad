/* SPDX-License-Identifier: GPL-2.0 */
/* Sockets that softirq comes back to: ACKs that wait for the end of a batch, and room to send. */
#ifndef _XTCP_ACKQ_H
#define _XTCP_ACKQ_H

#include <linux/llist.h>
#include <linux/types.h>

struct sock;

/* A socket's place in the list; lives as long as the socket, whatever connection it has. */
struct xtcp_ackq_node {
	struct llist_node link;
	unsigned long queued;	/* bit 0, atomic: on a list, which holds the socket */
	bool ack;		/* because of an ACK; under the socket's spinlock */
	u32 hash;		/* of the last data segment's flow */
};

/*
 * Let xtcp_delack_batch_end() run when this processor's batch is over, once however often
 * it is asked; holds the socket until then. Softirq, the socket's spinlock held and nobody
 * its owner.
 */
void xtcp_ackq_add(struct sock *sk);

/*
 * Let xtcp_smallq_resume() run in softirq soon, once however often it is asked. Any context,
 * under rcu_read_lock(), no lock needed; the socket may be dead already.
 */
void xtcp_ackq_push(struct sock *sk);

/* Module load and unload; at unload no socket exists. */
void xtcp_ackq_init(void);
void xtcp_ackq_exit(void);

#endif /* _XTCP_ACKQ_H */
