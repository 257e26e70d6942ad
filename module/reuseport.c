// SPDX-License-Identifier: GPL-2.0
/*
 * SO_REUSEPORT: which of the listeners that share an address gets a connection.
 *
 * The groups are the kernel's own, so that the programs of SO_ATTACH_REUSEPORT_CBPF and
 * _EBPF, and SO_INCOMING_CPU, choose among XTCP's listeners as among TCP's. A socket is in a
 * group while it listens; the kernel takes it out at its end in any case.
 */
#include <linux/rculist.h>
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/sock_reuseport.h>

#include "compat/compat.h"
#include "isn.h"
#include "lookup.h"
#include "ports.h"
#include "reuseport.h"
#include "xtcp_sock.h"

/* Do both listen at the same address, device and kind of address, by the same user? */
static bool reuseport_alike(struct sock *a, struct sock *b)
{
	const struct xtcp_node *m = &xtcp_sk(a)->node, *n = &xtcp_sk(b)->node;

	/* Its owner may set the option now: then both answers are right. */
	return data_race(!!b->sk_reuseport) && a->sk_family == b->sk_family &&
	       m->wild == n->wild && m->v6only == n->v6only &&
	       ipv6_addr_equal(&m->key.laddr, &n->key.laddr) &&
	       a->sk_bound_dev_if == READ_ONCE(b->sk_bound_dev_if) &&
	       uid_eq(xtcp_sk_uid(a), xtcp_sk_uid(b));
}

int xtcp_reuseport_join(struct xtcp_port *port, struct sock *sk)
{
	struct xtcp_sock *xs;

	lockdep_assert_held(&port->lock);
	if (!sk->sk_reuseport)
		return 0;
	hlist_for_each_entry(xs, &port->listeners, listed.port_link) {
		struct sock *other = xtcp_to_sk(xs);

		if (other != sk && reuseport_alike(sk, other))
			return reuseport_add_sock(sk, other, xtcp_sk(sk)->node.wild);
	}
	return reuseport_alloc(sk, xtcp_sk(sk)->node.wild);
}

void xtcp_reuseport_leave(struct sock *sk)
{
	if (rcu_access_pointer(sk->sk_reuseport_cb))
		reuseport_detach_sock(sk);
}

struct sock *xtcp_reuseport_pick(struct sock *sk, const struct xtcp_key *key, struct sk_buff *skb)
{
	struct sock *pick;
	u32 hash;

	/* Set while it did not listen yet, or unset since: the group is what counts. */
	if (!rcu_access_pointer(sk->sk_reuseport_cb))
		return sk;
	hash = xtcp_isn_port_offset(key) ^ ((__force u32)key->rport * 0x9e3779b1u);
	pick = reuseport_select_sock(sk, hash, skb, skb ? tcp_hdrlen(skb) : 0);
	/* None chosen, or one that stops listening at this moment. */
	return pick && inet_sk_state_load(pick) == TCP_LISTEN ? pick : sk;
}
