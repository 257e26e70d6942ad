/* SPDX-License-Identifier: GPL-2.0 */
/* Small queues: what one connection may have in the queues of the machine's own devices. */
#ifndef _XTCP_SMALLQ_H
#define _XTCP_SMALLQ_H

#include <net/sock.h>

/* Less than this is an ACK or two, and no reason to look closer. */
#define XTCP_SMALLQ_FEW		SKB_TRUESIZE(512)

/**
 * struct xtcp_smallq - a connection that waits for its own device
 * @resume: it is pushed when no more than so many octets of truesize are left there; 0: it does
 *	not wait. Written under the socket lock; who takes it away without that, by cmpxchg(), pushes.
 */
struct xtcp_smallq {
	u32 resume;
};

/**
 * xtcp_smallq_limit() - above which nothing is added
 * @truesize: of the buffer that is to be sent
 * @rate: sk_pacing_rate, octets a second; ~0: not known
 * @shift: sk_pacing_shift: what @rate sends in 2^-shift seconds
 * @cap: net.xtcp.limit_output_bytes
 *
 * Two super-segments, so that the device sends one while the next is made, or what lasts about a
 * millisecond. Pure.
 */
u32 xtcp_smallq_limit(u32 truesize, unsigned long rate, u8 shift, u32 cap);

/*
 * Has @sk too much in its devices' queues for a buffer of @truesize? Never if nothing is
 * outstanding, for then no acknowledgment would come either. Locked.
 */
bool xtcp_smallq_over(const struct sock *sk, u32 truesize);

/*
 * It has: be pushed when there is room. Locked. Return: false if there is room now, and then
 * nobody pushes.
 */
bool xtcp_smallq_wait(struct sock *sk, u32 truesize);

/*
 * Is the last transmission of @skb still in a device's queue? Then it is not lost, and another one
 * would wait behind it. If so it is counted, and the push comes when the queue is drained. Locked.
 */
bool xtcp_smallq_still_queued(struct sock *sk, const struct sk_buff *skb);

/* Destructor of a segment that somebody may wait for. Any context. */
void xtcp_smallq_wfree(struct sk_buff *skb);

/*
 * Charge @out, which is about to leave and nobody's, to @sk, as skb_set_owner_w() does. If it is alone
 * it may have the kernel's destructor: when the others are gone, what is left is below every limit.
 */
static inline void xtcp_smallq_own(struct sock *sk, struct sk_buff *out)
{
	bool alone = sk_wmem_alloc_get(sk) <= XTCP_SMALLQ_FEW;

	out->sk = sk;
	out->destructor = likely(alone) ? sock_wfree : xtcp_smallq_wfree;
	refcount_add(out->truesize, &sk->sk_wmem_alloc);
	skb_set_hash_from_sk(out, sk);
}

/* Is a segment with this destructor charged to its socket's sk_wmem_alloc? */
static inline bool xtcp_smallq_charged(void (*destructor)(struct sk_buff *skb))
{
	return destructor == sock_wfree || destructor == xtcp_smallq_wfree;
}

/* There is room: from ackq.c's tasklet, or release_cb (XTCP_DEFER_SEND). Locked. */
void xtcp_smallq_resume(struct sock *sk);

/* The module ends, and so do the sockets: wait for who is in xtcp_smallq_wfree(). May sleep. */
void xtcp_smallq_exit(void);

#endif /* _XTCP_SMALLQ_H */
