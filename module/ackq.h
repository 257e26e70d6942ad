/* SPDX-License-Identifier: GPL-2.0 */
/* ACKs that wait for the end of the batch of segments that softirq is working on. */
#ifndef _XTCP_ACKQ_H
#define _XTCP_ACKQ_H

#include <linux/llist.h>
#include <linux/types.h>

struct sock;

/* A socket's place in the list; lives as long as the socket, whatever connection it has. */
struct xtcp_ackq_node {
	struct llist_node link;
	bool queued;		/* under the socket's spinlock */
	u32 hash;		/* of the last data segment's flow */
};

/*
 * Let xtcp_delack_batch_end() run when this processor's batch is over, once however often
 * it is asked; holds the socket until then. Softirq, the socket's spinlock held and nobody
 * its owner.
 */
void xtcp_ackq_add(struct sock *sk);

/* Module load and unload; at unload no socket exists. */
void xtcp_ackq_init(void);
void xtcp_ackq_exit(void);

#endif /* _XTCP_ACKQ_H */
