/* SPDX-License-Identifier: GPL-2.0 */
/* sendfile() and splice(): pages of others become a segment's payload. */
#ifndef _XTCP_SPLICE_H
#define _XTCP_SPLICE_H

#include <linux/types.h>

struct iov_iter;
struct sk_buff;
struct sock;
struct socket;

/**
 * xtcp_splice_able() - may the pages of others go out by the socket's route?
 * @sk: who sends
 *
 * Not where each segment is one piece of memory: then copying at once is cheaper. Locked.
 */
bool xtcp_splice_able(const struct sock *sk);

/**
 * xtcp_splice_page() - let @skb refer to the next octets of @iter
 * @sk: who sends
 * @iter: pages (ITER_BVEC), not at its end; goes on behind what was taken
 * @skb: a buffer of the write queue
 * @max: octets that it has room for
 *
 * The octets may change as long as they are queued: whoever owns the page writes what it
 * likes, and who sums or encrypts them on the way has to copy first (SKBFL_SHARED_FRAG says so).
 * Locked. Return: octets taken, charged to @sk; 0 if @skb has no fragment left; -ENOMEM to
 * wait for memory; -EOPNOTSUPP if these have to be copied.
 */
int xtcp_splice_page(struct sock *sk, struct iov_iter *iter, struct sk_buff *skb, u32 max);

/* struct proto_ops.splice_eof: more was announced, but the file has ended. What is queued goes. */
void xtcp_splice_eof(struct socket *sock);

#endif /* _XTCP_SPLICE_H */
