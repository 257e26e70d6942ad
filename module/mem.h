/* SPDX-License-Identifier: GPL-2.0 */
/* Memory that a connection has been granted: what is given back, and what is kept for the next segment. */
#ifndef _XTCP_MEM_H
#define _XTCP_MEM_H

#include <net/sock.h>

/*
 * A connection keeps so many octets of what it was granted (sk_forward_alloc) between one segment and
 * the next: a few small ones, which would otherwise fetch a page from the account of the whole
 * machine and give it back each time.
 */
#define XTCP_MEM_KEPT	(4 * PAGE_SIZE)

/*
 * @size octets of a queue are free again. What is kept goes when the connection's timer expires
 * (timer.c): one that rests holds nothing. Nor does any where memory is short. Socket lock held.
 */
static inline void xtcp_mem_uncharge(struct sock *sk, int size)
{
	sk_forward_alloc_add(sk, size);
	if (likely(sk->sk_forward_alloc <= (int)XTCP_MEM_KEPT &&
		   timer_pending(&sk->sk_timer)) && !sk_under_memory_pressure(sk))
		return;
	sk_mem_reclaim(sk);
}

/*
 * The reader is through with @skb, which is in no queue any more. The network core's destructor
 * would give the memory back to the machine at once. Socket lock held.
 */
static inline void xtcp_mem_free_read(struct sock *sk, struct sk_buff *skb)
{
	if (likely(skb->destructor == sock_rfree)) {
		skb->destructor = NULL;
		skb->sk = NULL;
		atomic_sub(skb->truesize, &sk->sk_rmem_alloc);
		xtcp_mem_uncharge(sk, skb->truesize);
	}
	kfree_skb(skb);
}

#endif /* _XTCP_MEM_H */
