/* SPDX-License-Identifier: GPL-2.0 */
/* A listener's queues: requests in the handshake, children to accept. */
#ifndef _XTCP_LISTEN_H
#define _XTCP_LISTEN_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct sock;

/**
 * struct xtcp_listen - queues of a listener, and a child's place in one
 * @lock: guards the lists and counts; taken in softirq and process context
 *	  (spin_lock_bh), inside the listener's or the child's socket lock, never
 *	  around one
 * @requests: struct xtcp_request.link
 * @queue: established children, xtcp_sock.listen.link
 * @nr_requests: length of @requests
 * @link: a child's link in its parent's @queue
 * @port_link: link in xtcp_port.listeners
 */
struct xtcp_listen {
	spinlock_t lock;	/* the lists and nr_requests */
	struct list_head requests;
	struct list_head queue;
	u32 nr_requests;
	struct list_head link;
	struct hlist_node port_link;
};

struct socket;

/* struct proto_ops.listen. Process context, unlocked. */
int xtcp_listen(struct socket *sock, int backlog);

/* @sk has left LISTEN: end its requests and reset the children nobody accepted. Locked. */
void xtcp_listen_stop(struct sock *sk);

/*
 * Put @child, locked, into its listener's accept queue, which takes over the reference that the
 * child's life stands for. Return: false if the listener has closed.
 */
bool xtcp_listen_enqueue(struct sock *listener, struct sock *child);

/* struct proto.accept: the oldest child; waits unless O_NONBLOCK. NULL and *@err, negative. */
struct sock *xtcp_listen_accept(struct sock *sk, int flags, int *err, bool kern);

/* Something to accept? Any context. */
bool xtcp_listen_ready(const struct sock *sk);

void xtcp_listen_init(struct xtcp_listen *listen);

#endif /* _XTCP_LISTEN_H */
