/* SPDX-License-Identifier: GPL-2.0 */
/* SO_REUSEPORT: which of the listeners that share an address gets a connection. */
#ifndef _XTCP_REUSEPORT_H
#define _XTCP_REUSEPORT_H

struct sk_buff;
struct sock;
struct xtcp_key;
struct xtcp_port;

/*
 * @sk, about to be a listener of @port, joins those that it may share with, or is the first.
 * Context: port->lock held. Return: 0 or -ENOMEM; 0 too if it does not share.
 */
int xtcp_reuseport_join(struct xtcp_port *port, struct sock *sk);

/* @sk listens no more. Any context that may take a BH-disabling spinlock. */
void xtcp_reuseport_leave(struct sock *sk);

/*
 * The one that @key is for among @sk and those that share with it: the choice of the group's
 * BPF program if it has one, else each by an equal share of hashes. @skb begins with the
 * transport header, of which the program sees what is behind; NULL: no program is asked.
 * Context: RCU read side. Return: without a reference; @sk if it is alone.
 */
struct sock *xtcp_reuseport_pick(struct sock *sk, const struct xtcp_key *key,
				 struct sk_buff *skb);

#endif /* _XTCP_REUSEPORT_H */
