/* SPDX-License-Identifier: GPL-2.0 */
/* The ends of a connection: FIN, abort, linger, orphans (RFC 9293 3.6, 3.10.4). */
#ifndef _XTCP_CLOSE_H
#define _XTCP_CLOSE_H

struct sock;

/* struct proto.close: @timeout is SO_LINGER's, jiffies. Process context, unlocked. */
void xtcp_close(struct sock *sk, long timeout);

/* struct proto.shutdown: SEND_SHUTDOWN queues a FIN. Socket lock held. */
void xtcp_close_shutdown(struct sock *sk, int how);

/* struct proto.disconnect: back to a fresh socket. Socket lock held. Return: 0. */
int xtcp_close_disconnect(struct sock *sk, int flags);

/* The peer or the network ended it: @err for the application, then CLOSE. Socket lock held. */
void xtcp_close_reset(struct sock *sk, int err);

/* We gave up on the peer: ETIMEDOUT, or the soft error that explains it. Socket lock held. */
void xtcp_close_timed_out(struct sock *sk);

/*
 * The connection is over: CLOSE, timers stopped, waiters woken, and an orphan destroyed.
 * Socket lock held; the caller holds a reference.
 */
void xtcp_close_done(struct sock *sk);

/* More orphans, or less memory, than the machine can feed this one with? */
bool xtcp_close_too_many(struct sock *sk);

/* Give up an orphan that is in CLOSE. The last reference may go. */
void xtcp_close_destroy(struct sock *sk);

/* Queue a FIN behind what is queued. Socket lock held. */
void xtcp_close_send_fin(struct sock *sk);

/* Our FIN is acknowledged in FIN-WAIT-1: what FIN-WAIT-2 means for an orphan. */
void xtcp_close_fin_wait2(struct sock *sk);

#endif /* _XTCP_CLOSE_H */
