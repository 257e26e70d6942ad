/* SPDX-License-Identifier: GPL-2.0 */
/* The connection table: four-tuple to socket, request or TIME-WAIT minisock. */
#ifndef _XTCP_LOOKUP_H
#define _XTCP_LOOKUP_H

#include <linux/in6.h>
#include <linux/rhashtable-types.h>
#include <linux/types.h>

struct net;
struct sk_buff;
struct sock;
struct xtcp_net;
struct xtcp_port;

/**
 * struct xtcp_key - identity of a connection inside its network namespace
 * @laddr: local address; IPv4 is v4-mapped, so there is one code path
 * @raddr: remote address
 * @lport: local port
 * @rport: remote port
 * @scope: interface of a link-local @raddr, else 0
 */
struct xtcp_key {
	struct in6_addr laddr;
	struct in6_addr raddr;
	__be16 lport;
	__be16 rport;
	u32 scope;
} __aligned(8);

enum xtcp_node_kind {
	XTCP_NODE_SOCK,
	XTCP_NODE_REQUEST,
	XTCP_NODE_TIMEWAIT,
};

/**
 * struct xtcp_node - what sockets, requests and TIME-WAIT minisocks have in common
 * @hash: link in the namespace's connection table
 * @key: identity; laddr and lport are valid from bind() on
 * @bind: link in the owners of @port
 * @rcu: of a request or minisock that nobody owns any more: lookups may still see it. It holds
 *	 no port then, or never did
 * @port: the local port held, NULL if none
 * @kind: which structure embeds this
 * @reuse: SO_REUSEADDR as it was at bind()
 * @v6only: the wildcard address does not mean IPv4
 * @wild: bound to no particular address
 */
struct xtcp_node {
	struct rhash_head hash;
	struct xtcp_key key;
	union {
		struct hlist_node bind;
		struct rcu_head rcu;
	};
	struct xtcp_port *port;
	u8 kind;
	bool reuse;
	bool v6only;
	bool wild;
};

int xtcp_lookup_init(struct xtcp_net *xn);
void xtcp_lookup_exit(struct xtcp_net *xn);

/* Is it the same connection? Pure. Five words without a gap between them. */
static inline bool xtcp_key_equal(const struct xtcp_key *a, const struct xtcp_key *b)
{
	const u64 *x = (const u64 *)a, *y = (const u64 *)b;

	BUILD_BUG_ON(sizeof(struct xtcp_key) != 5 * sizeof(u64));
	/* Ports first: they are what differs on a busy host. */
	return x[4] == y[4] && !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]));
}

/* Fill @key from a received segment: lport is its destination port. */
void xtcp_lookup_key(struct xtcp_key *key, const struct sk_buff *skb);

/**
 * xtcp_lookup_find() - the node of a connection
 * @xn: namespace
 * @key: identity
 *
 * Context: RCU read side. Return: the node with a reference of its kind taken
 * (xtcp_node_put()), or NULL.
 */
struct xtcp_node *xtcp_lookup_find(struct xtcp_net *xn, const struct xtcp_key *key);

/*
 * Enter @node. Return: 0, -EADDRNOTAVAIL if its four-tuple is taken, or -ENOMEM.
 * Atomic against every other insert.
 */
int xtcp_lookup_insert(struct xtcp_net *xn, struct xtcp_node *node);

/*
 * Put @new in the place of @old, which has the same key, in one step: no segment
 * finds neither. Return: 0, or -ENOENT if @old had gone (somebody else won).
 */
int xtcp_lookup_replace(struct xtcp_net *xn, struct xtcp_node *old, struct xtcp_node *new);

/* Take @node out. Return: true if this call did it. */
bool xtcp_lookup_remove(struct xtcp_net *xn, struct xtcp_node *node);

/* Give back the reference that xtcp_lookup_find() took. */
void xtcp_node_put(struct xtcp_node *node);

#endif /* _XTCP_LOOKUP_H */
