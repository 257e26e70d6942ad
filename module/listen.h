/* SPDX-License-Identifier: GPL-2.0 */
/* A listener's queues: requests in the handshake, children to accept. */
#ifndef _XTCP_LISTEN_H
#define _XTCP_LISTEN_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct sock;

/**
 * struct xtcp_listen - queues of a listener
 * @requests: struct xtcp_request.link
 * @queue: established children, xtcp_sock.listed.link
 *
 * Both under xtcp_listed.lock, and valid in LISTEN only: what a connection needs takes its
 * place (xtcp_sock.h). So whoever comes without the listener's socket lock looks at the state under
 * that lock first.
 */
struct xtcp_listen {
	struct list_head requests;
	struct list_head queue;
};

/**
 * struct xtcp_listed - a listener's lock, and where a listener or a child is listed
 * @lock: guards the listener's queues; taken in softirq and process context
 *	  (spin_lock_bh), inside the listener's or the child's socket lock, never
 *	  around one
 * @link: a child's link in its parent's queue, until it is accepted
 * @port_link: a listener's link in xtcp_port.listeners, whose readers use RCU. No child is made of
 *	       a socket that has listened, so nothing overwrites it under their eyes
 * @nr_requests: length of a listener's queue of requests; under @lock
 */
struct xtcp_listed {
	union {
		struct list_head link;
		struct hlist_node port_link;
	};
	spinlock_t lock;	/* xtcp_listen, nr_requests */
	u32 nr_requests;
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

void xtcp_listen_init(struct xtcp_listed *listed);

#endif /* _XTCP_LISTEN_H */
