/* SPDX-License-Identifier: GPL-2.0 */
/* Local ports: who holds one, who listens on it, how one is chosen. */
#ifndef _XTCP_PORTS_H
#define _XTCP_PORTS_H

#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct sk_buff;
struct sock;
struct xtcp_key;
struct xtcp_net;
struct xtcp_node;

/**
 * struct xtcp_port - one local port number in use in a namespace
 * @lock: guards @owners, @listeners (writers) and the flags; BH-disabling; inside
 *	  any socket lock, outside the lock of xtcp_net.ports
 * @num: the port number, host order
 * @dead: taken out of xtcp_net.ports: look it up again
 * @shared: every owner got it from connect(), so another connect() may share it
 * @listeners: listening sockets (xtcp_listed.port_link); readers use RCU
 * @owners: sockets and TIME-WAIT minisocks that hold the number (xtcp_node.bind)
 * @rcu: of one without owners: readers of @listeners may still hold it
 *
 * Created with its first owner and freed with its last. There is one for each port that a client
 * uses: 32 octets are the next smaller size that kmalloc() has.
 */
struct xtcp_port {
	spinlock_t lock;	/* owners, listeners, flags */
	u16 num;
	bool dead;
	bool shared;
	struct hlist_head listeners;
	union {
		struct hlist_head owners;
		struct rcu_head rcu;
	};
};

/*
 * struct proto.get_port: bind @sk to @num, or to a free ephemeral port if 0.
 * Context: socket lock held. Return: 0 (node.port and inet_num set), -EADDRINUSE or
 * -ENOMEM.
 */
int xtcp_ports_get(struct sock *sk, unsigned short num);

/*
 * Enter @sk's four-tuple in the connection table, choosing the local port by
 * RFC 6056 algorithm 3 if it has none. node.key is complete but for lport.
 * Context: socket lock held, process. Return: 0, -EADDRNOTAVAIL or -ENOMEM.
 */
int xtcp_ports_connect(struct sock *sk);

/* Make @child an owner of the port that node.key.lport names. 0 or -errno. Any context. */
int xtcp_ports_inherit(struct xtcp_net *xn, struct xtcp_node *child);

/* @to takes @from's place among the owners of its port. */
void xtcp_ports_transfer(struct xtcp_node *from, struct xtcp_node *to);

/* @node gives its port back, if it has one. Any context. */
void xtcp_ports_release(struct xtcp_net *xn, struct xtcp_node *node);

/* What @sk is bound to has changed: note it for conflicts and lookups. Socket lock held. */
void xtcp_ports_describe(struct sock *sk);

/*
 * @sk starts to receive SYNs for its port. Return: 0, -EADDRINUSE if a listener is there
 * that does not share, or -ENOMEM. Socket lock held, state LISTEN already.
 */
int xtcp_ports_listen(struct sock *sk);
void xtcp_ports_unlisten(struct sock *sk);

/*
 * The best listener for @key's local side on interface @dif (@sdif: its L3 master's
 * slave), and of those that share, @key's (reuseport.h). @skb: its segment, or NULL.
 * Context: RCU read side. Return: with a reference, or NULL.
 */
struct sock *xtcp_ports_find_listener(struct xtcp_net *xn, const struct xtcp_key *key,
				      struct sk_buff *skb, int dif, int sdif);

#endif /* _XTCP_PORTS_H */
