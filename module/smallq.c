// SPDX-License-Identifier: GPL-2.0
/*
 * Small queues: what one connection may have in the queues of the machine's own devices.
 *
 * What waits there delays everybody behind it, is taken for a long path, and cannot be changed any
 * more. So no more is added than keeps the device busy; the rest waits in the write queue, where
 * it grows into larger segments and other connections do not see it. sk_wmem_alloc counts what is
 * there: a segment leaves it when the device has sent it, or, over a loopback or veth, when the
 * receiver gets it. Who has waited is pushed by the destructor of a segment, in a tasklet
 * (ackq.c).
 *
 * TCP's name for it is TSQ. Acknowledgments and whatever has no data do not wait.
 */
#include <linux/rcupdate.h>
#include <net/sock.h>

#include "ackq.h"
#include "output.h"
#include "smallq.h"
#include "sysctl.h"
#include "xtcp_sock.h"

u32 xtcp_smallq_limit(u32 truesize, unsigned long rate, u8 shift, u32 cap)
{
	unsigned long limit = max_t(unsigned long, 2UL * truesize, rate >> shift);

	return min_t(unsigned long, limit, cap);
}

static u32 smallq_limit(const struct sock *sk, u32 truesize)
{
	return xtcp_smallq_limit(truesize, READ_ONCE(sk->sk_pacing_rate),
				 READ_ONCE(sk->sk_pacing_shift),
				 READ_ONCE(xtcp_sk(sk)->xn->sysctl.limit_output_bytes));
}

bool xtcp_smallq_over(const struct sock *sk, u32 truesize)
{
	if (likely(sk_wmem_alloc_get(sk) <= XTCP_SMALLQ_FEW))
		return false;
	return sk_wmem_alloc_get(sk) > smallq_limit(sk, truesize) &&
	       !xtcp_rtxq_empty(&xtcp_sk(sk)->rtxq);
}

bool xtcp_smallq_wait(struct sock *sk, u32 truesize)
{
	struct xtcp_smallq *q = &xtcp_sk(sk)->smallq;

	sock_owned_by_me(sk);
	/*
	 * When half of it is gone. The last one has the kernel's destructor perhaps, and nobody tells
	 * of its end: that one may remain.
	 */
	WRITE_ONCE(q->resume, max_t(u32, smallq_limit(sk, truesize) / 2,
				    truesize + XTCP_SMALLQ_FEW));
	/* Pairs with the one in xtcp_smallq_wfree(): it sees our wish, or we see that it went. */
	smp_mb();
	if (likely(xtcp_smallq_over(sk, truesize)))
		return true;
	WRITE_ONCE(q->resume, 0);
	return false;
}

bool xtcp_smallq_still_queued(struct sock *sk, const struct sk_buff *skb)
{
	struct xtcp_smallq *q = &xtcp_sk(sk)->smallq;

	sock_owned_by_me(sk);
	if (likely(!skb_fclone_busy(sk, skb)))
		return false;
	WRITE_ONCE(q->resume, max_t(u32, skb->truesize, XTCP_SMALLQ_FEW));
	/* Pairs with the one in xtcp_smallq_wfree(), as above. */
	smp_mb();
	if (!skb_fclone_busy(sk, skb))
		return false;
	XTCP_INC(xtcp_sk(sk)->xn, SPURIOUSRTXHOSTQUEUES);
	return true;
}

void xtcp_smallq_wfree(struct sk_buff *skb)
{
	struct sock *sk = skb->sk;
	struct xtcp_smallq *q = &xtcp_sk(sk)->smallq;
	u32 resume;

	/* With its last segment the socket may go; its memory stays (SOCK_RCU_FREE). */
	rcu_read_lock();
	sock_wfree(skb);
	/* Pairs with the one in xtcp_smallq_wait(). */
	smp_mb__after_atomic();
	resume = READ_ONCE(q->resume);
	if (unlikely(resume) && sk_wmem_alloc_get(sk) <= (int)resume &&
	    cmpxchg(&q->resume, resume, 0) == resume)
		xtcp_ackq_push(sk);
	rcu_read_unlock();
}

void xtcp_smallq_resume(struct sock *sk)
{
	sock_owned_by_me(sk);
	xtcp_clock_refresh(xtcp_sk(sk));
	xtcp_output_push(sk);
}

void xtcp_smallq_exit(void)
{
	/*
	 * A socket's reference to the module went with its memory, behind rcu_read_unlock(): what
	 * may remain is a process that was preempted on its way out.
	 */
	synchronize_rcu_tasks();
}
