// SPDX-License-Identifier: GPL-2.0
/*
 * Local ports: who holds one, who listens on it, how one is chosen.
 *
 * A namespace's ports are an xarray from number to struct xtcp_port. A port is
 * looked up under RCU and then locked; one that lost its last owner in between
 * says so by @dead, and the lookup starts again.
 */
#include <linux/capability.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "compat/compat.h"
#include "family.h"
#include "isn.h"
#include "lookup.h"
#include "ports.h"
#include "reuseport.h"
#include "timewait.h"
#include "xtcp_sock.h"

/* The port @num, a new one if it is not in use. Under RCU. NULL: no memory. */
static struct xtcp_port *xtcp_port_find(struct xtcp_net *xn, u16 num)
{
	struct xtcp_port *port = xa_load(&xn->ports, num), *new;

	if (port)
		return port;
	new = kzalloc(sizeof(*new), GFP_ATOMIC | __GFP_NOWARN);
	if (!new)
		return NULL;
	spin_lock_init(&new->lock);
	new->num = num;
	port = xa_cmpxchg_bh(&xn->ports, num, NULL, new, GFP_ATOMIC | __GFP_NOWARN);
	if (!port)
		return new;
	kfree(new);
	return xa_is_err(port) ? NULL : port;
}

/*
 * The port @num, locked, created if need be; NULL without memory. sparse cannot follow a
 * lock that is taken only on success: the caller says __acquire().
 */
static struct xtcp_port *xtcp_port_lock(struct xtcp_net *xn, u16 num)
{
	struct xtcp_port *port;

	rcu_read_lock();
	while ((port = xtcp_port_find(xn, num))) {
		spin_lock_bh(&port->lock);
		if (!port->dead) {
			__release(&port->lock);
			break;
		}
		spin_unlock_bh(&port->lock);
	}
	rcu_read_unlock();
	return port;
}

/* Unlock @port, and take it away if nobody owns it. */
static void xtcp_port_unlock(struct xtcp_net *xn, struct xtcp_port *port)
	__releases(&port->lock)
{
	bool last = hlist_empty(&port->owners);

	lockdep_assert_held(&port->lock);
	if (last) {
		port->dead = true;
		xa_erase_bh(&xn->ports, port->num);
	}
	spin_unlock_bh(&port->lock);
	if (last)
		kfree_rcu(port, rcu);
}

static void xtcp_port_own(struct xtcp_port *port, struct xtcp_node *node)
{
	lockdep_assert_held(&port->lock);
	hlist_add_head(&node->bind, &port->owners);
	node->port = port;
}

static struct sock *xtcp_node_sk(struct xtcp_node *node)
{
	if (node->kind != XTCP_NODE_SOCK)
		return NULL;
	return xtcp_to_sk(container_of(node, struct xtcp_sock, node));
}

static int xtcp_node_dev(struct xtcp_node *node)
{
	struct sock *sk = xtcp_node_sk(node);

	return sk ? READ_ONCE(sk->sk_bound_dev_if) :
		    container_of(node, struct xtcp_timewait, node)->bound_dev;
}

/* True if a segment could be addressed to both @a and @b. */
static bool xtcp_node_addr_overlap(const struct xtcp_node *a, const struct xtcp_node *b)
{
	bool a4 = ipv6_addr_v4mapped(&a->key.laddr);
	bool b4 = ipv6_addr_v4mapped(&b->key.laddr);

	if (a4 == b4)
		return a->wild || b->wild || ipv6_addr_equal(&a->key.laddr, &b->key.laddr);
	/* One IPv4, one IPv6: only an IPv6 wildcard that takes IPv4 overlaps. */
	if (a4)
		return b->wild && !b->v6only;
	return a->wild && !a->v6only;
}

/*
 * May @sk join the owners of @port? SO_REUSEADDR on both sides lets them share as long as
 * no other one listens; SO_REUSEPORT on both, set by the same user, lets them share always.
 */
static bool xtcp_port_conflict(struct xtcp_port *port, struct sock *sk)
{
	struct xtcp_node *self = &xtcp_sk(sk)->node, *node;
	int dev = sk->sk_bound_dev_if;

	lockdep_assert_held(&port->lock);
	hlist_for_each_entry(node, &port->owners, bind) {
		struct sock *other = xtcp_node_sk(node);
		int other_dev = xtcp_node_dev(node);
		bool other_reuse, other_reuseport;

		if (node == self)
			continue;
		if (dev && other_dev && dev != other_dev)
			continue;
		/* An owner may set its options now, without the port's lock: either answer is right. */
		other_reuse = other ? data_race(!!other->sk_reuse) : node->reuse;
		/* Likewise; TIME-WAIT is in nobody's way. */
		other_reuseport = !other || data_race(!!other->sk_reuseport);
		if (sk->sk_reuse && other_reuse &&
		    !(other && inet_sk_state_load(other) == TCP_LISTEN))
			continue;
		if (sk->sk_reuseport && other_reuseport &&
		    (!other || uid_eq(xtcp_sk_uid(sk), xtcp_sk_uid(other))))
			continue;
		if (xtcp_node_addr_overlap(self, node))
			return true;
	}
	return false;
}

/* What conflicts and lookups need to know about @sk. Under port->lock if it has a port. */
static void xtcp_node_describe(struct sock *sk)
{
	struct xtcp_node *node = &xtcp_sk(sk)->node;

	node->reuse = sk->sk_reuse;
	if (sk->sk_family == AF_INET) {
		ipv6_addr_set_v4mapped(inet_sk(sk)->inet_rcv_saddr, &node->key.laddr);
		node->wild = !inet_sk(sk)->inet_rcv_saddr;
		node->v6only = false;
	} else {
		node->key.laddr = sk->sk_v6_rcv_saddr;
		node->v6only = ipv6_only_sock(sk);
		node->wild = ipv6_addr_any(&node->key.laddr) ||
			     (ipv6_addr_v4mapped(&node->key.laddr) &&
			      !node->key.laddr.s6_addr32[3]);
	}
}

void xtcp_ports_describe(struct sock *sk)
{
	struct xtcp_port *port = xtcp_sk(sk)->node.port;

	sock_owned_by_me(sk);
	if (port) {
		spin_lock_bh(&port->lock);
		xtcp_node_describe(sk);
		spin_unlock_bh(&port->lock);
	} else {
		xtcp_node_describe(sk);
	}
}

/* @sk becomes an owner of @num for bind(). 0, -EADDRINUSE or -ENOMEM. */
static int xtcp_port_bind(struct sock *sk, u16 num)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_port *port = xtcp_port_lock(xs->xn, num);
	int err = 0;

	if (!port)
		return -ENOMEM;
	__acquire(&port->lock);
	if (xtcp_port_conflict(port, sk)) {
		err = -EADDRINUSE;
	} else {
		port->shared = false;
		xtcp_port_own(port, &xs->node);
		inet_sk(sk)->inet_num = num;
		xs->node.key.lport = htons(num);
	}
	xtcp_port_unlock(xs->xn, port);
	return err;
}

int xtcp_ports_get(struct sock *sk, unsigned short num)
{
	struct net *net = sock_net(sk);
	int low, high, range, i, err;
	u32 offset;

	sock_owned_by_me(sk);
	xtcp_ports_describe(sk);
	if (num)
		return xtcp_port_bind(sk, num);

	inet_sk_get_local_port_range(sk, &low, &high);
	range = high - low + 1;
	offset = get_random_u32();
	for (i = 0; i < range; i++) {
		num = low + (offset + i) % range;
		if (inet_is_local_reserved_port(net, num))
			continue;
		err = xtcp_port_bind(sk, num);
		if (err != -EADDRINUSE)
			return err;
		cond_resched();
	}
	return -EADDRINUSE;
}

/* @sk becomes an owner of @num for connect(), sharing it only with other connects. */
static int xtcp_port_connect(struct sock *sk, u16 num)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	struct xtcp_port *port = xtcp_port_lock(xs->xn, num);
	int err;

	if (!port)
		return -ENOMEM;
	__acquire(&port->lock);
	if (hlist_empty(&port->owners)) {
		port->shared = true;
	} else if (!port->shared) {
		xtcp_port_unlock(xs->xn, port);
		return -EADDRNOTAVAIL;
	}
	xs->node.key.lport = htons(num);
	err = xtcp_lookup_insert(xs->xn, &xs->node);
	if (!err) {
		xtcp_port_own(port, &xs->node);
		inet_sk(sk)->inet_num = num;
		inet_sk(sk)->inet_sport = htons(num);
	}
	xtcp_port_unlock(xs->xn, port);
	return err;
}

int xtcp_ports_connect(struct sock *sk)
{
	struct xtcp_sock *xs = xtcp_sk(sk);
	int low, high, range, i, err;
	u32 offset;
	u16 num;

	sock_owned_by_me(sk);
	xtcp_ports_describe(sk);
	if (inet_sk(sk)->inet_num) {
		/* TIME-WAIT of the last connection took over what bind() had got. */
		if (!xs->node.port) {
			err = xtcp_ports_inherit(xs->xn, &xs->node);
			if (err)
				return err;
		}
		return xtcp_lookup_insert(xs->xn, &xs->node);
	}

	inet_sk_get_local_port_range(sk, &low, &high);
	range = high - low + 1;
	offset = xtcp_isn_port_offset(&xs->node.key) + atomic_read(&xs->xn->port_hint);
	for (i = 0; i < range; i++) {
		num = low + (offset + i) % range;
		if (inet_is_local_reserved_port(sock_net(sk), num))
			continue;
		err = xtcp_port_connect(sk, num);
		if (!err) {
			atomic_add(i + 1, &xs->xn->port_hint);
			return 0;
		}
		if (err != -EADDRNOTAVAIL)
			return err;
		cond_resched();
	}
	xs->node.key.lport = 0;
	return -EADDRNOTAVAIL;
}

int xtcp_ports_inherit(struct xtcp_net *xn, struct xtcp_node *child)
{
	struct xtcp_port *port = xtcp_port_lock(xn, ntohs(child->key.lport));

	if (!port)
		return -ENOMEM;
	__acquire(&port->lock);
	port->shared = false;
	xtcp_port_own(port, child);
	xtcp_port_unlock(xn, port);
	return 0;
}

void xtcp_ports_transfer(struct xtcp_node *from, struct xtcp_node *to)
{
	struct xtcp_port *port = from->port;

	spin_lock_bh(&port->lock);
	hlist_del_init(&from->bind);
	from->port = NULL;
	xtcp_port_own(port, to);
	spin_unlock_bh(&port->lock);
}

void xtcp_ports_release(struct xtcp_net *xn, struct xtcp_node *node)
{
	struct xtcp_port *port = node->port;

	if (!port)
		return;
	spin_lock_bh(&port->lock);
	hlist_del_init(&node->bind);
	node->port = NULL;
	xtcp_port_unlock(xn, port);
}

int xtcp_ports_listen(struct sock *sk)
{
	struct xtcp_port *port = xtcp_sk(sk)->node.port;
	int err = 0;

	sock_owned_by_me(sk);
	spin_lock_bh(&port->lock);
	/* A connect() that failed left its own address in the node. */
	xtcp_node_describe(sk);
	/* SO_REUSEADDR let sockets share while none listened: now one does. */
	if (xtcp_port_conflict(port, sk))
		err = -EADDRINUSE;
	else
		err = xtcp_reuseport_join(port, sk);
	if (!err)
		hlist_add_head_rcu(&xtcp_sk(sk)->listed.port_link, &port->listeners);
	spin_unlock_bh(&port->lock);
	return err;
}

void xtcp_ports_unlisten(struct sock *sk)
{
	struct xtcp_port *port = xtcp_sk(sk)->node.port;

	sock_owned_by_me(sk);
	if (!port)
		return;
	spin_lock_bh(&port->lock);
	xtcp_reuseport_leave(sk);
	hlist_del_init_rcu(&xtcp_sk(sk)->listed.port_link);
	spin_unlock_bh(&port->lock);
}

/* How well @sk fits: -1 not at all; a given address and device weigh most. */
static int xtcp_listener_score(struct sock *sk, const struct xtcp_key *key, int dif, int sdif)
{
	const struct xtcp_node *node = &xtcp_sk(sk)->node;
	int dev = READ_ONCE(sk->sk_bound_dev_if);
	bool v4 = ipv6_addr_v4mapped(&key->laddr);
	int score = 0;

	if (inet_sk_state_load(sk) != TCP_LISTEN)
		return -1;
	if (node->wild) {
		if (v4 && sk->sk_family == AF_INET6 && node->v6only)
			return -1;
		if (v4 && sk->sk_family == AF_INET)
			score++;
		if (!v4 && (sk->sk_family == AF_INET || ipv6_addr_v4mapped(&node->key.laddr)))
			return -1;
	} else {
		if (!ipv6_addr_equal(&node->key.laddr, &key->laddr))
			return -1;
		score += 4;
	}
	if (dev) {
		if (dev != dif && dev != sdif)
			return -1;
		score += 2;
	}
	return score;
}

struct sock *xtcp_ports_find_listener(struct xtcp_net *xn, const struct xtcp_key *key,
				      struct sk_buff *skb, int dif, int sdif)
{
	struct xtcp_port *port = xa_load(&xn->ports, ntohs(key->lport));
	struct sock *best = NULL;
	struct xtcp_sock *xs;
	int best_score = -1;

	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "xtcp: listener lookup outside RCU");
	if (!port)
		return NULL;
	hlist_for_each_entry_rcu(xs, &port->listeners, listed.port_link) {
		struct sock *sk = xtcp_to_sk(xs);
		int score = xtcp_listener_score(sk, key, dif, sdif);

		if (score > best_score) {
			best_score = score;
			best = sk;
		}
	}
	if (best)
		best = xtcp_reuseport_pick(best, key, skb);
	if (best && !refcount_inc_not_zero(&best->sk_refcnt))
		return NULL;
	return best;
}
